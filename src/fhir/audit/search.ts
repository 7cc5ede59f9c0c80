// AuditEvent, answered from the audit: entries are not stored as resources, they are shown as such. What others have stored as AuditEvents
// comes after them. See docs/decisions for why.

import { type Kind, kinds } from '#access/audit/event.ts';
import { type Criterion, countLog, isEntryName, type Logged, placeOf, readLog } from '#access/audit/log.ts';
import type { Caller } from '#access/ctx.ts';
import type { Issue } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { forbidden, mismatch, notFound } from '#fhir/interactions/problems.ts';
import { bundleText, searchUrl } from '#fhir/search/bundle.ts';
import { type Pair, pairsOf } from '#fhir/search/escape.ts';
import { type SearchRequest, search, searchBundle } from '#fhir/search/search.ts';
import { dateRange } from '#fhir/store/dates.ts';
import { auditEventOf, interactionsOf, outcomes, typeCodings } from './resource.ts';

/** Whether this names an entry of the audit rather than a stored resource. */
export function isLogEntry(type: string, id: string): boolean {
	return type === 'AuditEvent' && isEntryName(id);
}

/** An entry as the JSON text of an AuditEvent. Throws Problem not-found, forbidden. */
export async function readLogEntry(ctx: FhirCtx, name: string): Promise<string> {
	const limits = reachOf(ctx.caller, 'read');
	const [entry] = placeOf(name) === undefined ? [] : await readLog(ctx.db, { criteria: [{ names: [name] }, ...limits], count: 1 });
	if (entry === undefined) throw notFound('AuditEvent', name);
	return JSON.stringify(auditEventOf(entry));
}

/** A page of AuditEvents: entries of the audit, newest first, then what is stored as AuditEvent. Throws as a search does. */
export async function searchLog(ctx: FhirCtx, request: SearchRequest): Promise<string> {
	const pairs = typeof request.query === 'string' ? pairsOf(request.query) : request.query;
	const page = last(pairs, '_page');
	const limits = reachOf(ctx.caller, 'search');
	if (page !== undefined && !isEntryName(page)) {
		const rest = page === storedPage ? pairs.filter(([name]) => name !== '_page') : pairs;
		return searchBundle(ctx, { ...request, query: rest });
	}
	const asked = askedOf(ctx, request, pairs);
	if (asked === 'not in the log') return searchBundle(ctx, request);
	const criteria = [...asked.criteria, ...limits];
	const counting = last(pairs, '_summary') === 'count';
	const total = counting || last(pairs, '_total') === 'accurate' ? await totalOf(ctx, request, pairs, criteria) : undefined;
	const count = counting ? 0 : asked.count;
	const after = page === undefined ? undefined : placeOf(page);
	const found = count === 0 ? [] : await readLog(ctx.db, { criteria, count: count + 1, after, isAscending: asked.isAscending });
	const entries = found.slice(0, count);
	const next = count === 0 ? undefined : await nextOf(ctx, request, pairs, found, count);
	const at = (token: string | undefined): string =>
		searchUrl(ctx.fhir.base, pathOf(request), [...asked.applied, ...(token === undefined ? [] : [['_page', token] as const])]);
	return bundleText(ctx.fhir.base, {
		id: ctx.ids.next(),
		updated: ctx.clock.now(),
		links: { self: at(page), ...(next === undefined ? {} : { next: at(next) }) },
		total,
		matches: entries.map((entry) => ({ type: 'AuditEvent', id: entry.name, body: JSON.stringify(auditEventOf(entry)) })),
		included: [],
		issues: asked.issues,
	});
}

/** The page token that stands for the first page of what is stored. */
const storedPage = 'stored';

/**
 * What a caller may see of the audit, as criteria. It takes a grant on AuditEvent itself, or on everything by a local token: a wildcard
 * of an application is about the record, not about who looked at it. Throws Problem forbidden.
 */
function reachOf({ grants, scopes }: Caller, interaction: 'read' | 'search'): Criterion[] {
	const patients: string[] = [];
	for (const grant of grants) {
		const isMeant = grant.type === 'AuditEvent' || (grant.type === '*' && scopes === undefined && grant.interactions.includes('delete'));
		if (!isMeant || grant.query !== undefined || grant.except !== undefined || !grant.interactions.includes(interaction)) continue;
		if (grant.patient === undefined) return [];
		if (grant.type === 'AuditEvent') patients.push(grant.patient);
	}
	if (patients.length === 0) throw forbidden('AuditEvent', interaction);
	return [{ column: 'patient', any: patients }];
}

async function totalOf(ctx: FhirCtx, request: SearchRequest, pairs: readonly Pair[], criteria: readonly Criterion[]): Promise<number> {
	const [logged, stored] = await Promise.all([countLog(ctx.db, criteria), storedOf(ctx, request, pairs, ['_summary', 'count'])]);
	return logged + (stored.total ?? 0);
}

/** The same search among what is stored. */
function storedOf(ctx: FhirCtx, request: SearchRequest, pairs: readonly Pair[], more: Pair) {
	const others = pairs.filter(([name]) => !['_page', '_count', '_summary', '_total'].includes(name));
	return search(ctx, { ...request, query: [...others, more] });
}

/** Where the next page begins: after the last entry or, when there are no more, with what is stored, if that is anything. */
async function nextOf(ctx: FhirCtx, request: SearchRequest, pairs: readonly Pair[], found: readonly Logged[], count: number) {
	if (found.length > count) return found[count - 1]?.name;
	return (await storedOf(ctx, request, pairs, ['_count', '1'])).matches.length > 0 ? storedPage : undefined;
}

function pathOf({ compartment }: SearchRequest): string {
	return compartment === undefined ? 'AuditEvent' : `${compartment.type}/${compartment.id}/AuditEvent`;
}

function last(pairs: readonly Pair[], name: string): string | undefined {
	return pairs.findLast(([key, value]) => key === name && value !== '')?.[1];
}

type Asked = {
	readonly criteria: readonly Criterion[];
	readonly count: number;
	readonly isAscending: boolean;
	readonly applied: readonly Pair[];
	readonly issues: readonly Issue[];
};

/** What is asked of the audit; 'not in the log' when it asks for something that no entry has. */
function askedOf(ctx: FhirCtx, request: SearchRequest, pairs: readonly Pair[]): Asked | 'not in the log' {
	const criteria: Criterion[] = [];
	const applied: Pair[] = [];
	const issues: Issue[] = [];
	if (request.compartment !== undefined) {
		const { type, id } = request.compartment;
		if (type === 'Patient') criteria.push({ column: 'patient', any: [id] });
		else if (type === 'Practitioner') criteria.push({ column: 'agent', any: [`Practitioner/${id}`] });
		else return 'not in the log';
	}
	for (const [name, value] of pairs) {
		if (value === '' || name === '_page') continue;
		const [base = '', modifier] = name.split(':');
		const make = Object.hasOwn(params, base) ? params[base] : undefined;
		if (make !== undefined) {
			const criterion = make(ctx, value, modifier, name);
			if (criterion === undefined) return 'not in the log';
			criteria.push(criterion);
		} else if (!controls.has(base)) {
			if (ctx.fhir.registry.param('AuditEvent', base.split('.')[0] as string) !== undefined || base === '_has' || base === '_list')
				return 'not in the log';
			const text = `AuditEvent has no search parameter "${base.slice(0, 64)}".`;
			if (request.handling === 'strict') throw mismatch('parameter-unknown', text, `http.${base.slice(0, 64)}`);
			issues.push({ severity: 'warning', type: 'not-supported', code: 'parameter-unknown', text });
			continue;
		}
		applied.push([name, value]);
	}
	return { criteria, count: countOf(ctx, pairs), isAscending: isAscending(pairs), applied, issues };
}

const controls: ReadonlySet<string> = new Set([
	'_count',
	'_sort',
	'_summary',
	'_total',
	'_elements',
	'_format',
	'_pretty',
	'_include',
	'_revinclude',
]);

function countOf(ctx: FhirCtx, pairs: readonly Pair[]): number {
	const text = last(pairs, '_count');
	const { defaultCount, maxCount } = ctx.fhir.settings;
	if (text === undefined) return defaultCount;
	if (!/^\d{1,9}$/.test(text))
		throw mismatch('parameter-invalid', `_count must be a whole number, not "${text.slice(0, 40)}".`, 'http._count');
	return Math.min(Number(text), maxCount);
}

function isAscending(pairs: readonly Pair[]): boolean {
	const sort = last(pairs, '_sort');
	if (sort === undefined || sort === '-date' || sort === '-_lastUpdated') return false;
	if (sort === 'date' || sort === '_lastUpdated') return true;
	throw mismatch('parameter-invalid', 'AuditEvents can be sorted by date and by -date.', 'http._sort');
}

type Make = (ctx: FhirCtx, value: string, modifier: string | undefined, name: string) => Criterion | undefined;

/** Values joined by commas. */
const valuesOf = (value: string): string[] => value.split(',').filter((one) => one !== '');

/** Of `system|code` the code. */
const codesOf = (value: string): string[] => valuesOf(value).map((one) => one.slice(one.lastIndexOf('|') + 1));

/** References as "Type/id"; undefined for one that is none of ours. */
function referencesOf({ fhir }: FhirCtx, value: string, type: string | undefined): string[] {
	return valuesOf(value).map((one) => {
		const local = one.startsWith(`${fhir.base}/`) ? one.slice(fhir.base.length + 1) : one;
		return type === undefined || local.includes('/') ? local : `${type}/${local}`;
	});
}

const plain =
	(make: (value: string) => Criterion): Make =>
	(_ctx, value, modifier) =>
		modifier === undefined || modifier === 'exact' ? make(value) : undefined;

const params: Readonly<Record<string, Make>> = {
	_id: plain((value) => ({ names: valuesOf(value) })),
	agent: (ctx, value, modifier) =>
		modifier === 'identifier'
			? { column: 'caller', any: codesOf(value) }
			: modifier === undefined || /^[A-Z]/.test(modifier)
				? { column: 'agent', any: referencesOf(ctx, value, modifier) }
				: undefined,
	'agent-name': plain((value) => ({ begins: 'name', any: valuesOf(value) })),
	altid: plain((value) => ({ column: 'caller', any: codesOf(value) })),
	address: plain((value) => ({ begins: 'address', any: valuesOf(value) })),
	patient: (ctx, value, modifier) => {
		if (modifier !== undefined && modifier !== 'Patient') return undefined;
		const ids = referencesOf(ctx, value, 'Patient').flatMap((one) => (one.startsWith('Patient/') ? [one.slice('Patient/'.length)] : []));
		return { column: 'patient', any: ids };
	},
	entity: (ctx, value, modifier) => {
		if (modifier !== undefined && !/^[A-Z]/.test(modifier)) return undefined;
		const about = referencesOf(ctx, value, modifier).flatMap((one) => {
			const [type = '', id] = one.split('/');
			return id === undefined ? [] : [{ type, id }];
		});
		return { about };
	},
	type: plain((value) => {
		const wanted = codesOf(value);
		return { column: 'kind', any: kinds.filter((kind: Kind) => wanted.includes(typeCodings[kind].code as string)) };
	}),
	subtype: plain((value) => ({ either: codesOf(value).flatMap(interactionsOf) })),
	action: plain((value) => ({ column: 'action', any: codesOf(value) })),
	outcome: plain((value) => ({ status: outcomes.filter(({ code }) => codesOf(value).includes(code)) })),
	date: momentsOf,
	_lastUpdated: momentsOf,
};

function momentsOf(_ctx: FhirCtx, value: string, modifier: string | undefined, name: string): Criterion | undefined {
	if (modifier !== undefined) return undefined;
	return { at: valuesOf(value).map((one) => spanOf(one, name)) };
}

function spanOf(text: string, name: string): { from: number; to: number } {
	const [, prefix = 'eq', date = ''] = /^(eq|ge|le|gt|lt|sa|eb|ap)?(.*)$/s.exec(text.replace(/^(\S+T\S+) (\d\d:\d\d)$/, '$1+$2')) ?? [];
	const range = dateRange(date);
	if (range === undefined)
		throw mismatch('parameter-invalid', `${name} must be a date or an instant, not "${text.slice(0, 40)}".`, `http.${name}`);
	const { lo, hi } = range;
	switch (prefix) {
		case 'ge':
			return { from: lo, to: Number.POSITIVE_INFINITY };
		case 'le':
			return { from: Number.NEGATIVE_INFINITY, to: hi };
		case 'gt':
		case 'sa':
			return { from: hi + 1, to: Number.POSITIVE_INFINITY };
		case 'lt':
		case 'eb':
			return { from: Number.NEGATIVE_INFINITY, to: lo - 1 };
		default:
			return { from: lo, to: hi };
	}
}
