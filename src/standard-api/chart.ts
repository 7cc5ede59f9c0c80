// Records of a patient's chart: which resources are such records, whose they are, and how they are listed, read, entered, changed and struck
// out. Resources of the Standard API say with `Entry` what is particular to them.
import type { Ctx } from '#access/ctx.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Pair } from '#fhir/search/escape.ts';
import { codesOf, writeCodes } from './codes.ts';
import { list, type Page } from './list.ts';
import { extensionAt, isSame, type Mapping, type Values, valuesOf } from './mapping.ts';
import { isNode } from './place.ts';
import { invalidFields, noSuchRecord, notThere } from './problems.ts';
import { changeResource, createRecord, type Found, type Shown, shown, updateRecord } from './records.ts';
import { find, idOf } from './references.ts';
import { type Related, relatedTo } from './related.ts';
import type { Call } from './row.ts';
import { type Read, readingOf, readOf } from './write.ts';

/** A kind of entry in the chart. */
export type Entry = {
	readonly mapping: Mapping;
	/** Mappings of other types that are such entries too; new ones are never of these. */
	readonly others?: readonly Mapping[];
	/** The order of a patient's entries when none is asked for, as FHIR's `_sort`. */
	readonly order?: string;
	/** The element that says whose it is. */
	readonly owner: 'subject' | 'patient' | 'beneficiary';
	/** What finds the entries among all resources of the type; what was struck out is not among them. */
	readonly criteria: readonly Pair[];
	/** The same of a resource in hand. */
	readonly isOne: (resource: Resource) => boolean;
	/** What a new one has from where and when it is entered. */
	readonly entered?: (ctx: FhirCtx) => object;
	/** Puts right what hangs on the time of the change. */
	readonly settle?: (resource: Resource, now: Date) => void;
	/** Marks as entered in error; what was there stays in the history. */
	readonly strike: (resource: Resource) => void;
	/** What a record shows besides its fields. */
	readonly present?: Present;
	/** The same for what has to be looked up further away. */
	readonly complete?: (ctx: FhirCtx, records: readonly Shown[], resources: readonly Resource[]) => Promise<Shown[]>;
	/** The references to what `present` looks at besides, and their types when those are not people, places and medications. */
	readonly links?: (resource: Resource) => readonly string[];
	readonly linkTypes?: readonly string[];
};

export type Present = (record: Shown, resource: Resource, related: Related) => Shown;

/** The patient in the path. A patient who is not there is 404 on routes with bare answers, and 400 with the field's name on the others. */
export async function patientIn(ctx: FhirCtx, { params }: Call): Promise<Stored> {
	const name = params.puuid === undefined ? 'pid' : 'puuid';
	const named = params[name] as string;
	const patient = await find(ctx, 'Patient', named);
	if (patient !== undefined) return patient;
	throw name === 'pid' ? notThere() : noSuchRecord(name, named);
}

/** The entries of a patient, newest first, or of all. */
export function listEntries(
	ctx: FhirCtx,
	entry: Entry,
	call: Call,
	patient?: { readonly id: string },
	more: readonly Pair[] = [],
): Promise<Page> {
	const { mapping, others, order } = entry;
	const whose: Pair[] = patient === undefined ? [] : [['patient', `Patient/${patient.id}`]];
	return list(ctx, mapping, call, {
		criteria: [...whose, ...entry.criteria, ...more],
		show: (own, found) => showEntries(own, entry, found),
		...(others === undefined ? {} : { types: mappingsOf(entry).map(({ type }) => type) }),
		...(order === undefined || patient === undefined ? {} : { order }),
	});
}

/** The entries of the patient in the path. Both are looked up at once; a patient who is not there is told first. */
export async function listInPath(ctx: FhirCtx, entry: Entry, call: Call): Promise<Page> {
	const id = await idOf(ctx, 'Patient', (call.params.puuid ?? call.params.pid) as string);
	const listing = id === undefined ? undefined : listEntries(ctx, entry, call, { id });
	listing?.catch(() => undefined);
	const patient = await patientIn(ctx, call);
	return listing ?? listEntries(ctx, entry, call, patient);
}

/** Entries as they are shown. */
export async function showEntries(ctx: FhirCtx, entry: Entry, found: readonly Found[]): Promise<Shown[]> {
	const { present, complete, links, linkTypes } = entry;
	const resources = found.map(readingOf);
	const records: Shown[] = [];
	for (const one of mappingsOf(entry)) {
		const places = resources.flatMap(({ resourceType }, i) => (resourceType === one.type ? [i] : []));
		const part = await shown(
			ctx,
			one,
			places.map((i) => found[i] as Found),
			places.map((i) => resources[i] as Resource),
		);
		for (const [at, i] of places.entries()) records[i] = part[at] as Shown;
	}
	if (present === undefined) return records;
	const related: Related = links === undefined ? new Map() : await relatedTo(ctx, resources.flatMap(links), linkTypes);
	const presented = records.map((record, i) => present(record, resources[i] as Resource, related));
	return complete === undefined ? presented : complete(ctx, presented, resources);
}

export async function showEntry(ctx: FhirCtx, entry: Entry, found: Found): Promise<Shown> {
	return (await showEntries(ctx, entry, [found]))[0] as Shown;
}

/** The entry that a number or UUID names, of this patient when one is given. Throws Problem not-found. */
export async function findEntry(ctx: FhirCtx, entry: Entry, named: string, patient?: Stored): Promise<Read> {
	for (const { type } of mappingsOf(entry)) {
		const stored = await find(ctx, type, named);
		if (stored === undefined) continue;
		const found = readOf(stored);
		if (entry.isOne(found.resource) && (patient === undefined || isOf(found.resource, entry.owner, patient))) return found;
	}
	throw notThere();
}

/** The entry that a segment of the path names, of the patient in the path. Both are looked up at once; who is not there is told first. */
export async function findInPath(ctx: FhirCtx, entry: Entry, call: Call, segment: string): Promise<{ patient: Stored; stored: Read }> {
	const looking = findEntry(ctx, entry, call.params[segment] as string);
	looking.catch(() => undefined);
	const patient = await patientIn(ctx, call);
	const stored = await looking;
	if (!isOf(stored.resource, entry.owner, patient)) throw notThere();
	return { patient, stored };
}

function mappingsOf({ mapping, others = [] }: Entry): readonly Mapping[] {
	return [mapping, ...others];
}

function isOf(resource: Resource, owner: Entry['owner'], { id }: Stored): boolean {
	const link = resource[owner];
	return isNode(link) && String(link.reference).replace(/\/_history\/.*$/, '') === `Patient/${id}`;
}

export function enter(ctx: FhirCtx, entry: Entry, patient: { readonly id: string }, body: Values, fixed: object = {}): Promise<Stored> {
	return createRecord(ctx, entry.mapping, plainCodes(body), {
		fixed: { [entry.owner]: { reference: `Patient/${patient.id}` }, ...entry.entered?.(ctx), ...fixed },
		also: (_work, resource) => settle(ctx, entry, entry.mapping, resource, body),
	});
}

/** Changes what is sent of an entry. What comes back as it was shown is left alone. */
export async function change(ctx: FhirCtx, entry: Entry, stored: Stored, body: Values): Promise<Stored> {
	const mapping = mappingsOf(entry).find((one) => one.type === stored.type) as Mapping;
	const before = await showEntry(ctx, entry, stored);
	const sent = Object.fromEntries(Object.entries(body).filter(([name, value]) => !isSame(before[name], value)));
	return updateRecord(ctx, mapping, stored.id, plainCodes(sent), (_work, resource) => settle(ctx, entry, mapping, resource, sent));
}

/** Fields of a beginning with those of the end. */
const ends = [
	['begdate', 'enddate'],
	['start_date', 'end_date'],
	['date', 'date_end'],
	['date_performed', 'date_finished'],
] as const;

function settle(ctx: FhirCtx, entry: Entry, { fields }: Mapping, resource: Resource, sent: Values): void {
	const values = valuesOf(fields, resource);
	for (const [begin, end] of ends) {
		if (!Object.hasOwn(sent, begin) && !Object.hasOwn(sent, end)) continue;
		if (values[begin] === undefined || values[end] === undefined || String(values[begin]) <= String(values[end])) continue;
		throw invalidFields([{ field: end, code: 'DateTime::INVALID_VALUE', text: `${end} must not be before ${begin}` }]);
	}
	entry.settle?.(resource, ctx.clock.now());
}

/** Strikes an entry out: it is in no list any more, and its versions are kept. */
export function strike(ctx: FhirCtx, entry: Entry, { type, id }: Stored): Promise<Stored> {
	return changeResource(ctx, type, id, entry.strike);
}

/** Records show codes taken apart; a client may send them back so. */
function plainCodes(body: Values): Values {
	const plain: Record<string, unknown> = { ...body };
	for (const name of ['diagnosis', 'reaction', 'rxnorm_drugcode']) {
		if (!isNode(body[name])) continue;
		const codes = codesOf(body[name]);
		const words = Object.values(body[name]).map((one) => (isNode(one) ? String(one.description || one.code) : ''));
		if (codes !== undefined) plain[name] = name === 'reaction' ? words.join('; ') : writeCodes(codes.codings, codes.words);
	}
	return plain;
}

/** The caller as whoever entered something; nothing when no resource stands for him. */
export function author({ caller: { fhirUser } }: Ctx): { readonly reference: string } | undefined {
	return fhirUser?.startsWith('Practitioner/') === true ? { reference: fhirUser } : undefined;
}

const npiSystem = 'http://hl7.org/fhir/sid/us-npi';

/** The National Provider Identifier of a practitioner or organization; null for none. */
export function npiOf(resource: Resource | undefined): string | null {
	const identifiers = Array.isArray(resource?.identifier) ? resource.identifier : [];
	return identifiers.find((one) => isNode(one) && one.system === npiSystem)?.value ?? null;
}

/** What a person, a place or an organization is called; "" for one that is not there. */
export function calledIn(resource: Resource | undefined): string {
	const name = Array.isArray(resource?.name) ? resource.name[0] : resource?.name;
	if (typeof name === 'string') return name;
	if (!isNode(name)) return '';
	const given = Array.isArray(name.given) ? name.given : [];
	return String(name.text ?? [...given, name.family].filter(Boolean).join(' '));
}

/** The first of a list. */
export function firstOf(list: unknown): unknown {
	return Array.isArray(list) ? list[0] : undefined;
}

/** The reference in an element, such as "Practitioner/1". */
export function linkIn(value: unknown): string {
	return isNode(value) && typeof value.reference === 'string' ? value.reference : '';
}

/** The name that a practitioner signs in with, as the practice's own record of him has it. */
export function usernameOf(resource: Resource | undefined): string | null {
	const value = resource === undefined ? undefined : extensionAt('practitioner', 'username').get(resource);
	return typeof value === 'string' ? value : null;
}

/** A code as a title: "entered-in-error" is "Entered in error"; "" for none. */
export function titleOf(code: unknown): string {
	const words = String(code ?? '').replaceAll(/[-_]/g, ' ');
	return words.charAt(0).toUpperCase() + words.slice(1);
}
