// A document in the making: what all of its sections share.
import type { PatientRecord } from '#exchange/documents/record.ts';
import type { Encounter, Entity, Period, Timed } from '#exchange/documents/shapes.ts';
import { periodOf } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { uuidOf } from '#formats/ccda/uuid.ts';
import type { SectionKey } from '#formats/ccda/vocabulary.ts';
import { type Content, element } from '#formats/ccda/write/xml.ts';

export type Draft = {
	readonly record: PatientRecord;
	/** Base of the server's addresses, from which the ids of what has only a FHIR id are made. */
	readonly base: string;
	/** When the document is made, with a zone. */
	readonly now: string;
	/** The time of care that was asked for; without ends it is all of it. */
	readonly period: Period;
	/** The visit that the document is about, for those that are about one. */
	readonly encounter: Encounter | undefined;
};

/** A section as it is to be written; without lines there was nothing to say. */
export type Section = {
	readonly key: SectionKey;
	readonly narrative: readonly Element[];
	readonly entries: readonly Element[];
	readonly isEmpty: boolean;
};

/** A row of a section's table, with the entry that says the same in codes. */
export type Line = { readonly id: string; readonly cells: readonly Content[]; readonly entry?: Element | undefined };

/** A section as a table; columns in which no row says anything are left out. */
export function tableSection(key: SectionKey, headers: readonly string[], lines: readonly Line[]): Section {
	if (lines.length === 0) return emptySection(key);
	const used = headers.map((_, i) => i === 0 || lines.some(({ cells }) => saysSomething(cells[i])));
	const kept = <T>(values: readonly T[]): T[] => values.filter((_, i) => used[i] === true);
	const row = ({ id, cells }: Line): Element =>
		element(
			'tr',
			{ ID: id },
			kept(cells).map((cell) => element('td', {}, cell)),
		);
	const head = element(
		'thead',
		{},
		element(
			'tr',
			{},
			kept(headers).map((words) => element('th', {}, words)),
		),
	);
	const table = element('table', { border: '1', width: '100%' }, head, element('tbody', {}, lines.map(row)));
	return { key, narrative: [table], entries: lines.flatMap(({ entry }) => (entry === undefined ? [] : [entry])), isEmpty: false };
}

function saysSomething(cell: Content): boolean {
	if (cell === undefined || cell === '') return false;
	if (typeof cell === 'string') return true;
	return 'name' in cell ? cell.children.some(saysSomething) : cell.some(saysSomething);
}

/** A section of paragraphs, one an item; line ends stay. */
export function textSection(
	key: SectionKey,
	paragraphs: readonly { readonly id?: string; readonly title?: string; readonly text: string }[],
): Section {
	if (paragraphs.length === 0) return emptySection(key);
	const narrative = paragraphs.map(({ id, title, text }) =>
		element(
			'paragraph',
			{ ID: id },
			title === undefined ? undefined : [element('content', { styleCode: 'Bold' }, title), element('br', {})],
			lines(text),
		),
	);
	return { key, narrative, entries: [], isEmpty: false };
}

/** Words with their line ends. */
export function lines(text: string): Content {
	return text.split(/\r?\n/).flatMap((line, i): Content[] => (i === 0 ? [line] : [element('br', {}), line]));
}

export function emptySection(key: SectionKey): Section {
	return { key, narrative: [element('paragraph', {}, 'No information.')], entries: [], isEmpty: true };
}

/** ID of a resource's row in a section: the same in every document. No id of FHIR has the underscore, so that no two are alike. */
export function rowId(key: string, { resourceType, id }: Entity): string {
	return `${key}_${resourceType}_${id}`;
}

/** Words in a cell that an entry points to. */
export function marked(id: string, words: string): Element {
	return element('content', { ID: id }, words);
}

/** The `text` of an entry: where its words are in the narrative. */
export function pointer(id: string): Element {
	return element('text', {}, element('reference', { value: `#${id}` }));
}

/** The id of a resource; `part` tells apart entries that are made from one resource. */
export function ownId({ base }: Draft, { resourceType, id }: Entity, part?: string): Element {
	const extension = part === undefined ? id : `${id}-${part}`;
	return element('id', { root: uuidOf(`${base}/${resourceType}`), extension });
}

/** Whether something belongs to the time of care that was asked for; what has no date always does. */
export function isWithin({ period }: Draft, timed: Timed | Period): boolean {
	const { start, end } = isPeriod(timed) ? timed : periodOf(timed);
	if (start === undefined && end === undefined) return true;
	return !isBefore(end ?? (isPeriod(timed) ? undefined : start), period.start) && !isBefore(period.end, start);
}

function isPeriod(value: Timed | Period): value is Period {
	return 'start' in value || 'end' in value;
}

/** Whether all of `a` was over before `b` began: dates are as wide as they are written. */
function isBefore(a: string | undefined, b: string | undefined): boolean {
	if (a === undefined || b === undefined) return false;
	const length = Math.min(a.length, b.length);
	if (length <= 10) return a.slice(0, length) < b.slice(0, length);
	return Date.parse(a) < Date.parse(b);
}

/** The latest first; what has no date last. */
export function latestFirst<T>(items: readonly T[], date: (item: T) => string | undefined): T[] {
	const key = (item: T): string => date(item) ?? '';
	return items.toSorted((a, b) => (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0));
}
