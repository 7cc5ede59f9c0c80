// From FHIR's JSON text to its XML: elements in the order of the definitions, numbers as they are written.
import { Problem } from '#base/problem.ts';
import { parseJson } from './json.ts';
import { type Child, isResourceType, type Shape, shapeOf } from './shapes.ts';
import { fhirNamespace, readXml, xhtmlNamespace } from './xml-parser.ts';

type Json = Record<string, unknown>;

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';

/**
 * The XML of a resource given as JSON text; `pretty` puts elements on lines of their own. Characters that XML 1.0 cannot hold (control
 * characters) become U+FFFD.
 * Throws Problem unsupported `xml-not-possible` (406) for JSON that is no resource of R4's shape.
 */
export function toXml(json: string, pretty = false): string {
	const writer = new Writer(pretty);
	writer.resource(parseJson(Buffer.from(json)), true);
	return writer.text();
}

class Writer {
	readonly #pretty: boolean;
	#text = declaration;
	#depth = 0;

	constructor(pretty: boolean) {
		this.#pretty = pretty;
	}

	text(): string {
		return this.#pretty ? `${this.#text}\n` : this.#text;
	}

	resource(value: unknown, root: boolean): void {
		if (!isObject(value) || typeof value.resourceType !== 'string' || !isResourceType(value.resourceType))
			throw notPossible('it holds something that is not a resource of FHIR R4');
		const { resourceType } = value;
		this.#element(resourceType, root ? ` xmlns="${fhirNamespace}"` : '', () => this.#children(shape(resourceType), resourceType, value));
	}

	#children(type: Shape, typeName: string, json: Json): void {
		const children = new Set<Child>();
		for (const name in json) {
			if (name === 'resourceType' && json.resourceType === typeName) continue;
			const child = type.get(name.startsWith('_') ? name.slice(1) : name);
			if (child === undefined) throw notPossible(`${typeName} has no element "${name.slice(0, 80)}"`);
			if (child.kind !== 'attribute') children.add(child);
		}
		for (const child of [...children].sort((a, b) => a.order - b.order)) {
			const value = json[child.name];
			const extra = json[`_${child.name}`];
			if (!Array.isArray(value) && !Array.isArray(extra)) this.#child(child, value, extra);
			else {
				const values = Array.isArray(value) ? value : [];
				const extras = Array.isArray(extra) ? extra : [];
				for (let index = 0; index < Math.max(values.length, extras.length); index++) this.#child(child, values[index], extras[index]);
			}
		}
	}

	#child(child: Child, value: unknown, extra: unknown): void {
		const { name, type } = child;
		switch (child.kind) {
			case 'primitive':
				this.#primitive(name, value, extra);
				return;
			case 'xhtml':
				this.#indent();
				this.#text += divOf(String(value));
				return;
			case 'resource':
				this.#element(name, '', () => this.resource(value, false));
				return;
			default:
				if (value === null || value === undefined) return;
				if (!isObject(value)) throw notPossible(`${name} is not an object`);
				this.#complex(name, type, value);
		}
	}

	#complex(name: string, type: string, json: Json): void {
		const own = shape(type);
		let attributes = '';
		if (json.id !== undefined) attributes += ` id="${escaped(String(json.id))}"`;
		if (type === 'Extension' && json.url !== undefined) attributes += ` url="${escaped(String(json.url))}"`;
		if (Object.keys(json).every((key) => own.get(key)?.kind === 'attribute')) this.#empty(name, attributes);
		else this.#element(name, attributes, () => this.#children(own, type, json));
	}

	#primitive(name: string, value: unknown, extra: unknown): void {
		const has = value !== null && value !== undefined;
		if (has && isObject(value) && !(value instanceof Number)) throw notPossible(`${name} is not a single value`);
		const attribute = has ? ` value="${escaped(String(value))}"` : '';
		if (!isObject(extra)) {
			if (has) this.#empty(name, attribute);
			return;
		}
		const id = extra.id === undefined ? '' : ` id="${escaped(String(extra.id))}"`;
		if (extra.extension === undefined) this.#empty(name, id + attribute);
		else this.#element(name, id + attribute, () => this.#children(shape('Element'), 'Element', extra));
	}

	#empty(name: string, attributes: string): void {
		this.#indent();
		this.#text += `<${name}${attributes}/>`;
	}

	#element(name: string, attributes: string, content: () => void): void {
		this.#indent();
		this.#text += `<${name}${attributes}>`;
		this.#depth++;
		content();
		this.#depth--;
		this.#indent();
		this.#text += `</${name}>`;
	}

	#indent(): void {
		if (this.#pretty) this.#text += `\n${'  '.repeat(this.#depth)}`;
	}
}

function isObject(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shape(type: string): Shape {
	const found = shapeOf(type);
	if (found === undefined) throw notPossible(`"${type}" is not a type of FHIR R4`);
	return found;
}

/** A narrative's div goes in as it stands when it is well-formed XML of one div; else its text does, so that the whole stays XML. */
function divOf(text: string): string {
	const div = text.trim();
	let depth = 0;
	let fine = true;
	try {
		readXml(div, () => ({
			open(tag) {
				if (depth++ === 0 && (tag.local !== 'div' || tag.uri !== xhtmlNamespace)) fine = false;
			},
			close() {
				depth--;
			},
			text() {
				// Text is what a narrative is for.
			},
		}));
	} catch {
		fine = false;
	}
	return fine && div.startsWith('<div') ? div : `<div xmlns="${xhtmlNamespace}">${escaped(div)}</div>`;
}

const special = /[&<>"\p{Cc}\ufffe\uffff]/u;
const specials = new RegExp(special, 'gu');
const references: Readonly<Record<string, string>> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	'\t': '&#x9;',
	'\n': '&#xA;',
	'\r': '&#xD;',
};

function escaped(text: string): string {
	return special.test(text) ? text.replace(specials, reference) : text;
}

function reference(character: string): string {
	return references[character] ?? (character < ' ' || character >= '\ufffe' ? '\ufffd' : character);
}

function notPossible(why: string): Problem {
	const text = `This cannot be written as XML: ${why}. Ask for application/fhir+json.`;
	return new Problem('unsupported', 'xml-not-possible', text, {
		status: 406,
		issues: [{ severity: 'error', type: 'not-supported', code: 'xml-not-possible', text }],
	});
}
