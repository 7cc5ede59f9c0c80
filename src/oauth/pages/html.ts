// HTML as text in which nothing from outside can become markup: the tag escapes every value that is not itself a piece of HTML.

export class Html {
	readonly text: string;
	constructor(text: string) {
		this.text = text;
	}
}

type Value = Html | string | number | false | undefined | readonly Value[];

/** A piece of a page: html`<p>${name}</p>`. Lists are joined; false and undefined are nothing. Attribute values have to be in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
	let text = strings[0] as string;
	for (let i = 0; i < values.length; i++) text += write(values[i]) + (strings[i + 1] as string);
	return new Html(text);
}

function write(value: Value): string {
	if (value instanceof Html) return value.text;
	if (value === undefined || value === false) return '';
	if (Array.isArray(value)) return value.map(write).join('');
	return String(value).replaceAll(/[&<>"']/g, (sign) => entities[sign] as string);
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
