// Lists of vital records, a page at a time: Observations are read in the order of their time until there are enough records and one more, and
// a page begins where the one before ended. A record stands where its panel does, or where its measurements do when they have none.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { pageIn } from '#fhir/search/bundle.ts';
import type { Pair } from '#fhir/search/escape.ts';
import { search } from '#fhir/search/search.ts';
import { dateRange } from '#fhir/store/dates.ts';
import { isNode } from './place.ts';
import { invalidFields } from './problems.ts';
import type { Found } from './records.ts';
import { relatedTo } from './related.ts';
import { isVitalSign } from './vital-measures.ts';
import { categories, type Group, groupsOf, isPanel, membersOf, panelToken, type Read } from './vital-record.ts';
import { readingOf } from './write.ts';

export type Asked = {
	/** Whose, and further FHIR criteria. */
	readonly criteria: readonly Pair[];
	readonly order: 'date' | '-date';
	readonly limit: number;
	/** Records to pass over first, and where to begin: what `next` of the page before was. */
	readonly offset: number;
	readonly page: string | undefined;
};

export type VitalPage = { readonly groups: readonly Group[]; readonly next: string | undefined };

/** A place between two records: they go by their time, and by their number where the times are the same. */
type Place = { readonly time: number | undefined; readonly number: number };

type Row = Read & { readonly time: number | undefined };

/** The records of a page. Throws Problem invalid for a page that no answer named. */
export async function readPage(ctx: FhirCtx, { criteria, order, limit, offset, page }: Asked): Promise<VitalPage> {
	const from = page === undefined ? undefined : placeIn(page);
	const wanted = offset + limit;
	const groups: Group[] = [];
	for (const part of partsFrom(from, order)) {
		groups.push(...(await recordsIn(ctx, [...criteria, ...allVitals], part, order, from, wanted - groups.length)));
		if (groups.length > wanted) break;
	}
	const last = groups[wanted - 1];
	return {
		groups: await complete(ctx, groups.slice(offset, wanted)),
		next: groups.length > wanted && last !== undefined ? textOf(placeOf(last)) : undefined,
	};
}

const allVitals: readonly Pair[] = [
	['category', `${categories}|vital-signs`],
	['status:not', 'entered-in-error'],
];

const allPanels: readonly Pair[] = [
	['code', panelToken],
	['status:not', 'entered-in-error'],
];

/** What has no time comes last, and is no match of what begins at a time. */
function partsFrom(from: Place | undefined, order: Asked['order']): Pair[][] {
	if (from === undefined) return [[]];
	const undated: Pair[] = [['date:missing', 'true']];
	if (from.time === undefined) return [undated];
	// What begins at that very moment and lasts longer is not "le" it, https://hl7.org/fhir/R4/search.html#prefix
	const moment = new Date(order === 'date' ? from.time : from.time + 1).toISOString();
	return [[['date', `${order === 'date' ? 'ge' : 'le'}${moment}`]], undated];
}

/** The records beyond a place: so many, and a sign that there are more, or all there are. */
async function recordsIn(
	ctx: FhirCtx,
	criteria: readonly Pair[],
	part: readonly Pair[],
	order: Asked['order'],
	from: Place | undefined,
	wanted: number,
): Promise<Group[]> {
	const groups: Group[] = [];
	const panels = panelsFor(ctx, criteria);
	let rows: Row[] = [];
	let read = 0;
	let page: string | undefined;
	do {
		// So many rows as the records so far let expect of those that are missing, and the first of the next one.
		const each = groups.length === 0 ? rows.length + 1 : (read - rows.length) / groups.length;
		const count = Math.min(1000, Math.max(1, Math.ceil((wanted - groups.length) * each) + 1 - rows.length));
		const next: Pair[] = page === undefined ? [] : [['_page', page]];
		const query: Pair[] = [...criteria, ...part, ['_sort', order], ['_count', String(count)], ['_total', 'none'], ...next];
		const { matches, links } = await search(ctx, { type: 'Observation', query, handling: 'strict' });
		page = pageIn(links.next);
		read += matches.length;
		rows.push(...matches.map(rowOf).filter((row) => !isBefore(row, from, order)));
		// Of the last time there may be more to come.
		const end = page === undefined ? rows.length : rows.findLastIndex(({ time }) => time !== rows.at(-1)?.time) + 1;
		groups.push(...(await groupsIn(panels, rows.slice(0, end), order, from)));
		rows = rows.slice(end);
		if (groups.length < wanted) continue;
		const begun = await groupsIn(panels, rows, order, from);
		if (groups.length + begun.length > wanted) return [...groups, ...begun];
	} while (page !== undefined);
	return groups;
}

/** All records of some criteria, as far as a patient has them at one time. */
export async function readRecords(ctx: FhirCtx, criteria: readonly Pair[]): Promise<Group[]> {
	return complete(ctx, await recordsIn(ctx, [...criteria, ...allVitals], [], 'date', undefined, 1000));
}

/** The panel that has an Observation among its members; undefined when none has. */
export async function panelOf(ctx: FhirCtx, whose: readonly Pair[], id: string): Promise<Found | undefined> {
	return (await panelsOf(ctx, whose, [`Observation/${id}`]))[0];
}

function rowOf(one: Found): Row {
	const resource = readingOf(one);
	return { one, resource, time: timeOf(resource) };
}

/** When it was measured or began to be, as FHIR's search sorts by it. */
function timeOf({ effectiveDateTime, effectivePeriod, effectiveInstant }: Resource): number | undefined {
	const text = effectiveDateTime ?? (isNode(effectivePeriod) ? effectivePeriod.start : undefined) ?? effectiveInstant;
	return typeof text === 'string' ? dateRange(text)?.lo : undefined;
}

/** Whether a row that was found is of an earlier page: what lasts longer meets a search for later times too. */
function isBefore({ time }: Row, from: Place | undefined, order: Asked['order']): boolean {
	if (from?.time === undefined || time === undefined) return false;
	return order === 'date' ? time < from.time : time > from.time;
}

/** The records that rows make up, in order, without those of earlier pages. */
async function groupsIn(panels: Panels, rows: readonly Row[], order: Asked['order'], from: Place | undefined): Promise<Group[]> {
	if (rows.length === 0) return [];
	const { kept, beside } = await settled(panels, rows);
	const down = order === 'date' ? 1 : -1;
	return groupsOf([...kept, ...beside])
		.map((group) => ({ group, ...placeOf(group) }))
		.filter(({ time, number }) => from === undefined || time !== from.time || (number - from.number) * down > 0)
		.sort((left, right) => {
			if (left.time === right.time) return (left.number - right.number) * down;
			if (left.time === undefined || right.time === undefined) return left.time === undefined ? 1 : -1;
			return (left.time - right.time) * down;
		})
		.map(({ group }) => group);
}

/** The panels of those whose records are listed. */
type Panels = {
	/** Whether there are any. */
	readonly any: () => Promise<boolean>;
	/** Those that have one of these among their members, and which of them are listed. */
	readonly of: (members: readonly string[]) => Promise<{ readonly owners: readonly Found[]; readonly listed: ReadonlySet<string> }>;
};

function panelsFor(ctx: FhirCtx, criteria: readonly Pair[]): Panels {
	const whose = criteria.filter(([name]) => name === 'patient');
	let any: Promise<boolean> | undefined;
	return {
		any() {
			any ??= searched(ctx, [...whose, ...allPanels], 1).then((found) => found.length > 0);
			return any;
		},
		async of(members) {
			const owners = await panelsOf(ctx, whose, members);
			if (owners.length === 0) return { owners, listed: new Set() };
			const found = await searched(ctx, [...criteria, ['_id', owners.map(({ id }) => id).join(',')]]);
			return { owners, listed: new Set(found.map(({ id }) => id)) };
		},
	};
}

/**
 * The rows that are shown here, with panels that are not among all that is listed. What belongs to a panel at another place of the list is
 * shown there.
 */
async function settled(panels: Panels, rows: readonly Row[]): Promise<{ readonly kept: readonly Row[]; readonly beside: readonly Row[] }> {
	const here = new Set(rows.filter(({ resource }) => isPanel(resource)).flatMap(({ resource }) => membersOf(resource)));
	const loose = rows
		.map(({ one, resource }) => (isPanel(resource) ? '' : `Observation/${one.id}`))
		.filter((link) => link !== '' && !here.has(link));
	// Many patients have measurements alone, which is soon found out.
	if (loose.length === 0 || (here.size === 0 && !(await panels.any()))) return { kept: rows, beside: [] };
	const { owners, listed } = await panels.of(loose);
	const elsewhere = new Set(owners.filter(({ id }) => listed.has(id)).flatMap((one) => membersOf(readingOf(one))));
	return {
		kept: rows.filter(({ one }) => here.has(`Observation/${one.id}`) || !elsewhere.has(`Observation/${one.id}`)),
		beside: owners.filter(({ id }) => !listed.has(id)).map(rowOf),
	};
}

async function panelsOf(ctx: FhirCtx, whose: readonly Pair[], members: readonly string[]): Promise<readonly Found[]> {
	return searched(ctx, [...whose, ...allPanels, ['has-member', members.join(',')]]);
}

async function searched(ctx: FhirCtx, criteria: readonly Pair[], most = 1000): Promise<readonly Found[]> {
	const query: Pair[] = [...criteria, ['_count', String(most)], ['_total', 'none']];
	return (await search(ctx, { type: 'Observation', query, handling: 'strict' })).matches;
}

/** The records with members that were measured at other times, or were not asked for. */
async function complete(ctx: FhirCtx, groups: readonly Group[]): Promise<Group[]> {
	const missing = groups.map(({ panel, members }) => {
		const there = new Set(members.map(({ id }) => `Observation/${id}`));
		return panel === undefined ? [] : membersOf(panel).filter((link) => !there.has(link));
	});
	if (missing.every((links) => links.length === 0)) return [...groups];
	const known = await relatedTo(ctx, missing.flat(), ['Observation']);
	return groups.map((group, i) => {
		const more = (missing[i] as string[]).flatMap((link) => known.get(link) ?? []);
		return { ...group, members: [...group.members, ...more.filter((one) => one.status !== 'entered-in-error' && isVitalSign(one))] };
	});
}

function placeOf({ anchor, head }: Group): Place {
	return { time: timeOf(head), number: anchor.rid ?? 0 };
}

/** What FHIR's dates can say: the years 1 to 9999. */
const firstMoment = Date.parse('0001-01-01T00:00:00Z');
const lastMoment = Date.parse('9999-12-31T23:59:59Z');

function textOf({ time, number }: Place): string {
	return Buffer.from(JSON.stringify([time ?? null, number])).toString('base64url');
}

/** What a page's text holds; undefined when it is no text of ours. */
function partsOf(text: string): unknown {
	try {
		return JSON.parse(Buffer.from(text, 'base64url').toString());
	} catch {
		return undefined;
	}
}

function placeIn(text: string): Place {
	const parts = partsOf(text);
	const [time, number] = Array.isArray(parts) ? parts : [];
	const isTime = time === null || (Number.isSafeInteger(time) && time >= firstMoment && time < lastMoment);
	if (!isTime || !Number.isSafeInteger(number))
		throw invalidFields([{ field: '_page', code: 'Callback::INVALID_VALUE', text: '_page is not from an answer' }]);
	return { time: time ?? undefined, number };
}
