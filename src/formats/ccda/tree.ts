// XML of a clinical document to a tree, safely: no document types, no entities of its own, bounded depth and size.
import { SaxesParser } from 'saxes';
import { Problem } from '#base/problem.ts';

/** An element. `name` is its local name; those of HL7's extension namespace carry `sdtc:` before it, those of any other `other:`. */
export type Element = {
	readonly name: string;
	/** By name as written (`code`, `xsi:type`), without declarations of namespaces. */
	readonly attributes: Readonly<Record<string, string>>;
	readonly children: readonly (Element | string)[];
};

const namespaces: Readonly<Record<string, string>> = { 'urn:hl7-org:v3': '', 'urn:hl7-org:sdtc': 'sdtc:' };

/** Characters that vendors write by their names in HTML although XML knows these only with a document type. */
const characters: Readonly<Record<string, string>> = {
	nbsp: '\u00a0',
	copy: '©',
	reg: '®',
	trade: '™',
	deg: '°',
	plusmn: '±',
	micro: 'µ',
	middot: '·',
	bull: '•',
	hellip: '…',
	ndash: '–',
	mdash: '—',
	lsquo: '‘',
	rsquo: '’',
	ldquo: '“',
	rdquo: '”',
	laquo: '«',
	raquo: '»',
	sup2: '²',
	sup3: '³',
	frac12: '½',
	frac14: '¼',
	frac34: '¾',
	times: '×',
	le: '≤',
	ge: '≥',
	ne: '≠',
	rarr: '→',
	larr: '←',
	uarr: '↑',
	darr: '↓',
	aacute: 'á',
	eacute: 'é',
	iacute: 'í',
	oacute: 'ó',
	uacute: 'ú',
	ntilde: 'ñ',
	auml: 'ä',
	ouml: 'ö',
	uuml: 'ü',
	ccedil: 'ç',
	egrave: 'è',
	agrave: 'à',
};
const maxDepth = 200;
const maxElements = 1_000_000;

/**
 * The root element of a document. Throws Problem invalid `document-malformed` (400) with line and column for what is no well-formed XML, has a
 * document type (so no entity of its own, no external file, https://cwe.mitre.org/data/definitions/611.html), or nests deeper than 200.
 */
export function readTree(bytes: Buffer): Element {
	const text = decoded(bytes);
	const parser = new SaxesParser({ xmlns: true, position: true });
	Object.assign(parser.ENTITIES, characters);
	const stack: { name: string; attributes: Record<string, string>; children: (Element | string)[] }[] = [];
	let root: Element | undefined;
	let count = 0;
	const fail = (why: string) => malformed(`${why} (line ${parser.line}, column ${parser.column}).`);
	parser.on('error', (error) => {
		throw malformed(`${error.message.replace(/^\d+:\d+: /, '').slice(0, 200)} (line ${parser.line}, column ${parser.column}).`);
	});
	parser.on('doctype', () => {
		throw fail('The document has a document type, which is not allowed');
	});
	parser.on('opentag', (tag) => {
		if (stack.length >= maxDepth) throw fail(`The document nests deeper than ${maxDepth} elements`);
		count += 1;
		if (count > maxElements) throw fail(`The document has more than ${maxElements} elements`);
		const attributes: Record<string, string> = {};
		for (const { name, prefix, local, uri, value } of Object.values(tag.attributes)) {
			if (prefix === 'xmlns' || (prefix === '' && local === 'xmlns')) continue;
			attributes[uri.endsWith('/XMLSchema-instance') ? `xsi:${local}` : name] = value;
		}
		stack.push({ name: (namespaces[tag.uri] ?? 'other:') + tag.local, attributes, children: [] });
	});
	parser.on('closetag', () => {
		const done = stack.pop() as Element;
		const parent = stack.at(-1);
		if (parent === undefined) root = done;
		else parent.children.push(done);
	});
	const content = (part: string) => {
		stack.at(-1)?.children.push(part);
	};
	parser.on('text', content);
	parser.on('cdata', content);
	parser.write(text).close();
	if (root === undefined) throw malformed('The document is empty.');
	return root;
}

function decoded(bytes: Buffer): string {
	const head = bytes.subarray(0, 200).toString('latin1');
	const marked = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
	const label = marked ?? /^\s*(?:\xef\xbb\xbf)?<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(head)?.[1] ?? 'utf-8';
	try {
		return new TextDecoder(label, { fatal: true }).decode(bytes);
	} catch {
		throw malformed(`The document is not in the encoding it names (${label.slice(0, 40)}).`);
	}
}

function malformed(text: string): Problem {
	return new Problem('invalid', 'document-malformed', text);
}

/** The first child element of that name. */
export function child(element: Element | undefined, name: string): Element | undefined {
	if (element === undefined) return undefined;
	for (const one of element.children) if (typeof one !== 'string' && one.name === name) return one;
	return undefined;
}

/** All child elements of that name, or of any name. */
export function childrenOf(element: Element | undefined, name?: string): Element[] {
	if (element === undefined) return [];
	return element.children.filter((one): one is Element => typeof one !== 'string' && (name === undefined || one.name === name));
}

/** The element at the end of a path of first children, such as `at(entry, 'consumable', 'manufacturedProduct')`. */
export function at(element: Element | undefined, ...path: readonly string[]): Element | undefined {
	return path.reduce<Element | undefined>((place, name) => child(place, name), element);
}

/** All text within, white space collapsed; undefined when there is none. */
export function textOf(element: Element | undefined): string | undefined {
	if (element === undefined) return undefined;
	const parts: string[] = [];
	const walk = (node: Element) => {
		for (const one of node.children) {
			if (typeof one === 'string') parts.push(one);
			else {
				walk(one);
				if (blocks.has(one.name)) parts.push(' ');
			}
		}
	};
	walk(element);
	const text = parts.join('').replace(/\s+/g, ' ').trim();
	return text === '' ? undefined : text;
}

const blocks = new Set(['paragraph', 'td', 'th', 'tr', 'item', 'br', 'caption', 'table', 'list']);

/** Calls `visit` for the element and everything below it, parents first. */
export function walk(element: Element, visit: (element: Element) => void): void {
	visit(element);
	for (const one of element.children) if (typeof one !== 'string') walk(one, visit);
}
