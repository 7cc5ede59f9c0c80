// Plain text in narratives: what people type becomes XHTML that shows it as typed, and narratives of others become text.
// https://hl7.org/fhir/R4/narrative.html

const opening = '<div xmlns="http://www.w3.org/1999/xhtml">';

/** Elements that begin and end a line. */
const block = /^\/?(?:p|div|li|ul|ol|tr|table|h[1-6]|pre|blockquote|dt|dd|hr)\b/;

export type Narrative = { readonly status: string; readonly div: string };

/** A narrative that shows the text with its lines and blanks as they are. */
export function narrativeOf(text: string): Narrative {
	return { status: 'additional', div: `${opening}<pre>${escaped(text)}</pre></div>` };
}

/** The text of a narrative: paragraphs, list items and rows on lines of their own, in `pre` as it stands. */
export function textOf(div: string): string {
	const whole = new RegExp(`^${opening}<pre>([^<]*)</pre></div>$`).exec(div);
	if (whole !== null) return unescaped(whole[1] as string);
	let text = '';
	for (const [, tag, words] of div.replace(/<!--[\s\S]*?-->/g, '').matchAll(/<([^>]*)>|([^<]+)/g)) {
		if (words !== undefined) text += unescaped(words).replace(/\s+/g, ' ');
		else if (/^br\b/.test(tag as string)) text += '\n';
		else if (block.test(tag as string) && !text.endsWith('\n')) text += '\n';
		else if (/^\/t[dh]\b/.test(tag as string)) text += ' ';
	}
	return text
		.split('\n')
		.map((line) => line.trim())
		.join('\n')
		.trim();
}

function escaped(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;');
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

function unescaped(text: string): string {
	return text.replace(/&(#x[0-9a-fA-F]+|#\d+|\w+);/g, (whole, name: string) => {
		if (!name.startsWith('#')) return entities[name] ?? whole;
		const point = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
		return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
	});
}
