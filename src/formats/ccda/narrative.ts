// A section's narrative block (https://hl7.org/cda/stds/core/, StrucDoc) as XHTML that FHIR allows in a Narrative
// (https://hl7.org/fhir/R4/narrative.html): only known elements and attributes, everything else as its text. Nothing in it can run or load.
import { type Element, textOf } from './tree.ts';

/** XHTML name of each element of the narrative block. */
const names: Readonly<Record<string, string>> = {
	paragraph: 'p',
	list: 'ul',
	item: 'li',
	table: 'table',
	thead: 'thead',
	tbody: 'tbody',
	tfoot: 'tfoot',
	tr: 'tr',
	th: 'th',
	td: 'td',
	col: 'col',
	colgroup: 'colgroup',
	content: 'span',
	sub: 'sub',
	sup: 'sup',
	br: 'br',
	footnote: 'small',
	caption: 'span',
};

const empty = new Set(['br', 'col']);
const spans = new Set(['colspan', 'rowspan', 'span']);
const scopes = new Set(['row', 'col', 'rowgroup', 'colgroup']);

/** Styles that carry meaning (StrucDoc styleCode). */
const styles: Readonly<Record<string, string>> = { Bold: 'b', Underline: 'u', Italics: 'i', Emphasis: 'em' };

/** The element's content in a `div` of XHTML. An empty narrative says so. */
export function narrativeHtml(element: Element): string {
	const inner = element.name === 'text' ? contentOf(element) : render(element);
	const shown = inner.trim() === '' ? '<p>-</p>' : inner;
	return `<div xmlns="http://www.w3.org/1999/xhtml">${shown}</div>`;
}

function contentOf(element: Element): string {
	return element.children.map((one) => (typeof one === 'string' ? escapedHtml(one) : render(one))).join('');
}

function render(element: Element): string {
	if (element.name === 'linkHtml') return link(element);
	if (element.name === 'renderMultiMedia') return contentOf(element);
	const name = element.name === 'list' && element.attributes.listType === 'ordered' ? 'ol' : (names[element.name] ?? 'span');
	if (empty.has(name)) return `<${name}${attributesOf(element)}/>`;
	return `<${name}${attributesOf(element)}>${styled(element, childrenFor(element, name))}</${name}>`;
}

/** What XHTML allows directly within a table or list; other content goes where it is allowed. */
function childrenFor(element: Element, name: string): string {
	const { children } = element;
	if (name === 'table') {
		const caption = children.find((one) => typeof one !== 'string' && one.name === 'caption') as Element | undefined;
		const head = caption === undefined ? '' : `<caption>${escapedHtml(textOf(caption) ?? '')}</caption>`;
		return head + structured(children, /^(thead|tbody|tfoot|tr|col|colgroup)$/);
	}
	if (/^(thead|tbody|tfoot)$/.test(name)) return structured(children, /^tr$/);
	if (name === 'tr') return structured(children, /^t[hd]$/);
	if (name === 'colgroup') return structured(children, /^col$/);
	if (name === 'ul' || name === 'ol')
		return children.map((one) => (typeof one === 'string' ? '' : one.name === 'item' ? render(one) : `<li>${render(one)}</li>`)).join('');
	return contentOf(element);
}

function structured(children: Element['children'], allowed: RegExp): string {
	return children.map((one) => (typeof one !== 'string' && allowed.test(one.name) ? render(one) : '')).join('');
}

function styled(element: Element, inner: string): string {
	const codes = (element.attributes.styleCode ?? '').split(/\s+/);
	return codes.reduce((html, code) => {
		const tag = element.name === 'content' || element.name === 'paragraph' ? styles[code] : undefined;
		return tag === undefined ? html : `<${tag}>${html}</${tag}>`;
	}, inner);
}

function attributesOf(element: Element): string {
	const { ID, colspan, rowspan, span, scope } = element.attributes;
	const parts: string[] = [];
	if (ID !== undefined && /^[A-Za-z_][\w.-]*$/.test(ID)) parts.push(` id="${ID}"`);
	for (const [name, value] of Object.entries({ colspan, rowspan, span }))
		if (value !== undefined && spans.has(name) && /^[1-9]\d{0,2}$/.test(value)) parts.push(` ${name}="${value}"`);
	if (element.name === 'th' && scope !== undefined && scopes.has(scope)) parts.push(` scope="${scope}"`);
	return parts.join('');
}

/** A link keeps its address when that is of the web or within the document. */
function link(element: Element): string {
	const { href = '' } = element.attributes;
	const inner = contentOf(element);
	return /^(https?:\/\/|#)[^\s"<>]+$/i.test(href) ? `<a href="${escapedHtml(href)}">${inner}</a>` : inner;
}

/** A text within HTML, also within an attribute in double quotes. */
export function escapedHtml(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
