// transaction: all entries or none, in the order DELETE, POST, PUT and PATCH, GET. https://hl7.org/fhir/R4/http.html#trules
import type { Interaction } from '#access/ctx.ts';
import type { Issue } from '#base/problem.ts';
import { detachBlob, restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { match } from '#fhir/search/match.ts';
import { referenceNotFound } from '#fhir/store/problems.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import { type Entry, entriesOf, entryText, isAsking, responseText, within } from './bundle.ts';
import { type Answer, type Preferences, versionOf } from './call.ts';
import { changesOf } from './changes.ts';
import { lockOf, theOne } from './conditional.ts';
import type { Done } from './create.ts';
import { writeWithin } from './guard.ts';
import { patchWithin } from './patch.ts';
import { check, requireId, requireType } from './prepare.ts';
import { mismatch, noneMatches, severalMatch, stale, tooMuch } from './problems.ts';
import { isConditional, linksAmong, openReferences, type Rewrite, rewriteAndFind, rewriteLinks } from './references.ts';
import { deletion, maxDeleted } from './remove.ts';
import { signAll, toldBy } from './signed.ts';
import { targetOf } from './update.ts';

/** Reads within the transaction. */
export type Ask = (ctx: FhirCtx, entry: Entry, unit: Unit) => Promise<Answer>;

type Planned = Entry & {
	/** Resource type of the address; absent for reads, which may be about anything. */
	readonly type: string;
	readonly id: string | undefined;
	readonly criteria: string | undefined;
	/** The id a POST will get. */
	readonly newId: string | undefined;
};

/** What an entry will do, once its criteria are looked up. */
type Target =
	| { readonly does: 'nothing' }
	| { readonly does: 'stands'; readonly type: string; readonly id: string; readonly answer?: Answer }
	| { readonly does: 'delete'; readonly type: string; readonly ids: readonly string[] }
	| { readonly does: 'write'; readonly type: string; readonly id: string; readonly op: 'C' | 'U'; readonly interaction: Interaction }
	| { readonly does: 'patch'; readonly type: string; readonly id: string }
	| { readonly does: 'ask' };

/** Does all entries of the Bundle or throws the Problem of the first that cannot be done, with the path of its entry. */
export async function transaction(ctx: FhirCtx, bundle: Resource, prefer: Preferences, ask: Ask, telling?: Resource): Promise<string> {
	return responseText(ctx, 'transaction-response', await allOrNone(ctx, entriesOf(ctx, bundle), prefer, ask, { telling }));
}

export type Around = {
	/** The Provenance of the request's header. */
	readonly telling?: Resource | undefined;
	/** Comes last in the transaction: what it writes is kept together with the entries or not at all. */
	readonly settle?: (texts: readonly string[], unit: Unit) => Promise<void>;
};

/** Does the entries in one transaction and gives the entries of the answer as JSON texts. */
export function allOrNone(
	ctx: FhirCtx,
	list: readonly Entry[],
	prefer: Preferences,
	ask: Ask,
	{ telling, settle }: Around = {},
): Promise<string[]> {
	const entries = list.map((entry, index) => planned(ctx, { ...entry, index }));
	return ctx.fhir.store.transact(ctx, async (unit) => {
		const done = await answersOf(ctx, unit, entries, ask, telling);
		const texts: string[] = [];
		for (const [index, entry] of entries.entries()) texts.push(await textOf(ctx, entry, done[index] as Answer, prefer));
		await settle?.(texts, unit);
		return texts;
	});
}

async function answersOf(
	ctx: FhirCtx,
	unit: Unit,
	entries: readonly Planned[],
	ask: Ask,
	telling: Resource | undefined,
): Promise<Answer[]> {
	await unit.lock(entries.flatMap(criteriaLocks));
	const targets = await targetsOf(ctx, unit, entries);
	refuseOverlap(entries, targets);
	const done: Answer[] = [];
	const { written, told } = await writeAll(ctx, unit, entries, targets, done);
	for (const [index, entry] of entries.entries()) {
		const target = targets[index] as Target;
		if (target.does !== 'patch') continue;
		const patched = await at(entry.path, patchEntry(ctx, unit, entry, target.id));
		written.push(patched.stored);
		done[index] = patched;
	}
	await signAll(ctx, unit, written, telling, told);
	for (const [index, entry] of entries.entries())
		if (targets[index]?.does === 'ask') done[index] = await at(entry.path, ask(ctx, entry, unit));
	return done;
}

async function textOf(ctx: FhirCtx, entry: Entry, answer: Answer, prefer: Preferences): Promise<string> {
	if (isAsking(entry)) return entryText(ctx, answer, true);
	const { stored } = answer;
	if (prefer.return !== 'representation' || stored === undefined || stored.op === 'D') return entryText(ctx, answer, false);
	return entryText(ctx, { ...answer, body: await restoreBody(ctx.fhir, stored) }, true);
}

/** Failures of an entry carry its path. */
async function at<T>(path: string, work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (error) {
		throw within(path, error);
	}
}

function planned(ctx: FhirCtx, entry: Entry): Planned {
	const { method, segments, query, path } = entry;
	if (method === 'GET' || method === 'HEAD') return { ...entry, type: '', id: undefined, criteria: undefined, newId: undefined };
	const [type = '', id, ...more] = segments;
	const url = `${path}.request.url`;
	if (type.startsWith('$') || id?.startsWith('$') === true)
		throw mismatch('transaction-operation', 'Operations that are posted cannot be part of a transaction; use a batch.', url);
	if (segments.length === 0 || more.length > 0) throw mismatch('bundle-entry-url', `A ${method} cannot have this url.`, url);
	try {
		requireType(ctx, type);
	} catch (error) {
		throw within(url, error);
	}
	if (method === 'POST' && id !== undefined) throw mismatch('bundle-entry-url', 'A POST goes to a type.', url);
	const criteria = method === 'POST' ? entry.ifNoneExist : id === undefined ? query : undefined;
	if (method !== 'POST' && id === undefined && query === '')
		throw mismatch('bundle-entry-url', `A ${method} needs an id or search criteria.`, url);
	return { ...entry, type, id, criteria, newId: method === 'POST' ? ctx.ids.next() : undefined };
}

function criteriaLocks({ type, criteria }: Planned): string[] {
	return criteria === undefined ? [] : [lockOf(type, criteria)];
}

async function targetsOf(ctx: FhirCtx, unit: Unit, entries: readonly Planned[]): Promise<Target[]> {
	const made = new Map<string, string>();
	const targets: Target[] = [];
	for (const entry of entries) targets.push(await at(entry.path, targetOfEntry(ctx, unit, entry, made)));
	return targets;
}

async function targetOfEntry(ctx: FhirCtx, unit: Unit, entry: Planned, made: Map<string, string>): Promise<Target> {
	const { method, type, id, criteria } = entry;
	switch (method) {
		case 'POST':
			return postTarget(ctx, unit, entry, made);
		case 'PUT': {
			const resource = entry.resource as Resource;
			if (criteria !== undefined) {
				const target = await targetOf(ctx, unit, { type, criteria, resource });
				const { create } = target;
				return { does: 'write', type, id: target.id, op: create ? 'C' : 'U', interaction: create ? 'create' : 'update' };
			}
			requireId(id as string);
			if (resource.id !== id) throw mismatch('id-mismatch', 'The id of the resource is not that of the address.', `${type}.id`);
			return { does: 'write', type, id: id as string, op: 'U', interaction: 'update' };
		}
		case 'PATCH': {
			if (id !== undefined) return { does: 'patch', type, id };
			const found = await theOne(ctx, type, criteria as string, unit);
			if (found === undefined) throw noneMatches(type, criteria as string, `${entry.path}.request.url`);
			return { does: 'patch', type, id: found.id };
		}
		case 'DELETE': {
			if (id !== undefined) return { does: 'delete', type, ids: [id] };
			const found = await match(ctx, type, criteria as string, unit.tx, maxDeleted + 1);
			if (found.length > maxDeleted) throw tooMuch(`More than ${maxDeleted} resources match.`);
			return found.length === 0 ? { does: 'nothing' } : { does: 'delete', type, ids: found.map((one) => one.id) };
		}
		default:
			return { does: 'ask' };
	}
}

async function postTarget(ctx: FhirCtx, unit: Unit, entry: Planned, made: Map<string, string>): Promise<Target> {
	const { type, criteria, newId } = entry;
	const write = { does: 'write', type, id: newId as string, op: 'C', interaction: 'create' } as const;
	if (criteria === undefined) return write;
	const lock = lockOf(type, criteria);
	const sibling = made.get(lock);
	if (sibling !== undefined) return { does: 'stands', type, id: sibling };
	const found = await theOne(ctx, type, criteria, unit);
	if (found !== undefined) return { does: 'stands', type, id: found.id, answer: { status: 200, stored: found } };
	made.set(lock, write.id);
	return write;
}

/** No resource may be written by two entries. */
function refuseOverlap(entries: readonly Planned[], targets: readonly Target[]): void {
	const seen = new Map<string, string>();
	for (const [index, target] of targets.entries()) {
		const ids = target.does === 'delete' ? target.ids : target.does === 'write' || target.does === 'patch' ? [target.id] : [];
		for (const id of ids) {
			const { type } = target as { type: string };
			const path = (entries[index] as Planned).path;
			const other = seen.get(`${type}/${id}`);
			if (other !== undefined)
				throw mismatch('transaction-overlap', `${type}/${id} is written by two entries, ${other} and this one.`, `${path}.request`);
			seen.set(`${type}/${id}`, path);
		}
	}
}

type Ready = { readonly index: number; readonly write: Write; readonly interaction: Interaction; readonly issues: readonly Issue[] };

/** Deletes, creates and updates: first what refers to nothing by criteria, then, when all that is there to be found, the rest. */
async function writeAll(
	ctx: FhirCtx,
	unit: Unit,
	entries: readonly Planned[],
	targets: readonly Target[],
	done: Answer[],
): Promise<{ readonly written: Written[]; readonly told: ReadonlySet<string> }> {
	const links = linksOf(entries, targets);
	const first: Ready[] = [];
	const later: { readonly entry: Planned; readonly target: Extract<Target, { does: 'write' }>; readonly resource: Resource }[] = [];
	for (const [index, entry] of entries.entries()) {
		const target = targets[index] as Target;
		if (target.does === 'nothing') done[index] = { status: 204 };
		else if (target.does === 'delete') {
			const expect = versionOf(entry.ifMatch);
			for (const id of target.ids) first.push({ index, write: deletion(target.type, id, expect), interaction: 'delete', issues: [] });
		} else if (target.does === 'write') {
			const { resource, open } = rewriteAndFind(entry.resource as Resource, links(entry.fullUrl));
			if (open.entries.size > 0 && ctx.fhir.settings.referentialIntegrity)
				throw within(entry.path, referenceNotFound(resource, [...open.entries]));
			// What tells of others comes when they are there.
			if (open.conditional.size > 0 || target.type === 'Provenance') later.push({ entry, target, resource });
			else first.push(await at(entry.path, ready(ctx, unit, entry, target, resource)));
		}
	}
	const written = await store(ctx, unit, first, done);
	const last = later.length === 0 ? [] : await resolved(ctx, unit, later);
	written.push(...(await store(ctx, unit, last, done)));
	for (const [index, target] of targets.entries()) {
		if (target.does === 'stands')
			done[index] = target.answer ?? { ...(done[entryOf(targets, target.type, target.id)] as Answer), status: 200 };
	}
	const elsewhere = entries.flatMap(({ isTold, segments }) => (isTold === true ? [segments.join('/')] : []));
	return { written, told: new Set([...elsewhere, ...[...first, ...last].flatMap(({ write }) => toldBy(ctx, write.resource))]) };
}

function entryOf(targets: readonly Target[], type: string, id: string): number {
	return targets.findIndex((target) => target.does === 'write' && target.type === type && target.id === id);
}

async function resolved(
	ctx: FhirCtx,
	unit: Unit,
	later: readonly { readonly entry: Planned; readonly target: Extract<Target, { does: 'write' }>; readonly resource: Resource }[],
): Promise<Ready[]> {
	const known = new Map<string, string>();
	const list: Ready[] = [];
	for (const { entry, target, resource } of later) {
		for (const link of openReferences(resource).conditional) {
			if (!known.has(link)) known.set(link, await at(entry.path, lookUp(ctx, unit, link, entry.path)));
		}
		const complete = rewriteLinks(resource, (link) => (isConditional(link) ? known.get(link) : undefined));
		list.push(await at(entry.path, ready(ctx, unit, entry, target, complete)));
	}
	return list;
}

async function lookUp(ctx: FhirCtx, unit: Unit, link: string, path: string): Promise<string> {
	const [type = '', ...rest] = link.split('?');
	requireType(ctx, type);
	const found = await match(ctx, type, rest.join('?'), unit.tx);
	if (found.length > 1) throw severalMatch(type, rest.join('?'), path);
	if (found[0] === undefined) throw noneMatches(type, rest.join('?'), path);
	return `${type}/${found[0].id}`;
}

async function ready(
	ctx: FhirCtx,
	unit: Unit,
	entry: Planned,
	target: Extract<Target, { does: 'write' }>,
	resource: Resource,
): Promise<Ready> {
	const { type, id, op, interaction } = target;
	const complete = op === 'U' ? { ...resource, id } : resource;
	const issues = check(ctx, type, complete);
	const expect = versionOf(entry.ifMatch);
	// The store checks this again under its lock; here it is still known which entry is meant.
	if (expect !== undefined && (await unit.read(type, id))?.version !== expect)
		throw stale('version-mismatch', `${type}/${id} is not at version ${expect}.`);
	const write: Write = {
		type,
		id,
		op,
		resource: await detachBlob(ctx.fhir, complete),
		...(expect === undefined ? {} : { expect }),
		...(entry.ifNoneMatch?.trim() === '*' ? { ifNoneMatch: true as const } : {}),
	};
	return { index: entry.index, write, interaction, issues };
}

async function store(ctx: FhirCtx, unit: Unit, list: readonly Ready[], done: Answer[]): Promise<Written[]> {
	if (list.length === 0) return [];
	const written = await writeWithin(
		ctx,
		unit,
		list.map(({ write }) => write),
		(_write, index) => (list[index] as Ready).interaction,
	);
	for (const [position, { index, issues }] of list.entries()) done[index] = answerOf(written[position] as Written, issues);
	return written;
}

function answerOf(stored: Written, issues: readonly Issue[]): Answer {
	if (stored.op === 'D') return stored.unchanged === true ? { status: 204 } : { status: 204, stored };
	return { status: stored.created ? 201 : 200, stored, issues };
}

function patchEntry(ctx: FhirCtx, unit: Unit, entry: Planned, id: string): Promise<Done & { readonly stored: Written }> {
	const ifMatch = versionOf(entry.ifMatch);
	const changes = changesOf(entry.resource as Resource);
	return patchWithin(ctx, unit, { type: entry.type, id, changes, telling: 'told', ...(ifMatch === undefined ? {} : { ifMatch }) });
}

function linksOf(entries: readonly Planned[], targets: readonly Target[]): (fullUrl: string | undefined) => Rewrite {
	const places = new Map<string, string>();
	for (const [index, target] of targets.entries()) {
		const { fullUrl, path } = entries[index] as Planned;
		if (fullUrl === undefined) continue;
		if (target.does === 'write' || target.does === 'stands' || target.does === 'patch') {
			const place = `${target.type}/${target.id}`;
			if ((places.get(fullUrl) ?? place) !== place)
				throw mismatch('bundle-full-url', `Another entry has the full URL "${fullUrl.slice(0, 200)}" too (bdl-7).`, `${path}.fullUrl`);
			places.set(fullUrl, place);
		}
	}
	return linksAmong(places);
}
