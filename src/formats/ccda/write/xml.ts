// Elements of a clinical document and their text. Children stand in the order that CDA asks for, whatever the order they are given in.
import type { Element } from '#formats/ccda/tree.ts';
import { placeOf } from './order.ts';

/** What may be given as content: what is undefined is left out. */
export type Content = Element | string | undefined | readonly Content[];

/** An element; attributes that are undefined are left out. */
export function element(name: string, attributes: Readonly<Record<string, string | undefined>>, ...content: readonly Content[]): Element {
	const kept = Object.entries(attributes).filter((one): one is [string, string] => one[1] !== undefined);
	return { name, attributes: Object.fromEntries(kept), children: ordered(name, content.flatMap(flat)) };
}

function flat(content: Content): (Element | string)[] {
	if (content === undefined || content === '') return [];
	return Array.isArray(content) ? content.flatMap(flat) : [content as Element | string];
}

function ordered(parent: string, children: (Element | string)[]): (Element | string)[] {
	const places = children.map((child) => (typeof child === 'string' ? undefined : placeOf(parent, child.name)));
	if (places.every((place, i) => place === undefined || i === 0 || place >= (places[i - 1] ?? 0))) return children;
	return children
		.map((child, i) => ({ child, place: places[i] ?? 0 }))
		.sort((a, b) => a.place - b.place)
		.map(({ child }) => child);
}

const namespaces = 'xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** A document as text. Characters that XML 1.0 cannot hold become U+FFFD. */
export function documentText(root: Element): string {
	const parts = ['<?xml version="1.0" encoding="UTF-8"?>\n'];
	write(root, namespaces, parts);
	parts.push('\n');
	return parts.join('');
}

function write({ name, attributes, children }: Element, extra: string, parts: string[]): void {
	parts.push('<', name);
	if (extra !== '') parts.push(' ', extra);
	for (const [key, value] of Object.entries(attributes)) parts.push(' ', key, '="', escaped(value), '"');
	if (children.length === 0) {
		parts.push('/>');
		return;
	}
	parts.push('>');
	for (const child of children) {
		if (typeof child === 'string') parts.push(escaped(child));
		else write(child, '', parts);
	}
	parts.push('</', name, '>');
}

const entities: Readonly<Record<string, string>> = {
	'<': '&lt;',
	'>': '&gt;',
	'&': '&amp;',
	'"': '&quot;',
	'\n': '&#10;',
	'\r': '&#13;',
	'\t': '&#9;',
};

function escaped(text: string): string {
	return text
		.toWellFormed()
		.replace(/(?![\n\r\t])[\p{Cc}\p{Noncharacter_Code_Point}]/gu, '\ufffd')
		.replace(/[<>&"\n\r\t]/g, (found) => entities[found] as string);
}
