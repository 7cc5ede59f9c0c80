// Every interaction of the API as a row (https://hl7.org/fhir/R4/http.html#summary): routes.ts makes routes of them, a batch finds its
// entries in them, and the CapabilityStatement tells of them.
import { Problem } from '#base/problem.ts';
import type { Request } from '#http/route.ts';
import { type Asked, entryTrailed, noteDone, noteFailed } from './audit/note.ts';
import { isLogEntry, readLogEntry, searchLog } from './audit/search.ts';
import { restoreBody } from './binary/binary.ts';
import { capability } from './capability.ts';
import type { FhirCtx } from './ctx.ts';
import { readPractitionerGroup, searchGroups } from './groups/practitioner-groups.ts';
import { batch, type Perform } from './interactions/batch.ts';
import type { Entry } from './interactions/bundle.ts';
import { type Answer, type Call, isNotModified, type Preferences, type Row, versionOf } from './interactions/call.ts';
import { changesOf } from './interactions/changes.ts';
import { create, type Done } from './interactions/create.ts';
import { history } from './interactions/history.ts';
import { bundleLater } from './interactions/later.ts';
import { patch, patchMatch } from './interactions/patch.ts';
import { isId, requireType } from './interactions/prepare.ts';
import { mismatch, notFound } from './interactions/problems.ts';
import { read, readWithin, vread } from './interactions/read.ts';
import { remove, removeMatches } from './interactions/remove.ts';
import { type Ask, transaction } from './interactions/transaction.ts';
import { type Preconditions, update, updateMatch } from './interactions/update.ts';
import { readJobFile } from './jobs/job-file.ts';
import { statusUrl } from './operations/async-status.ts';
import { operationDefinitions } from './operations/definitions.ts';
import type { Operation, OperationInput, OperationResult } from './operations/operation.ts';
import { searchDefinitions } from './operations/search-definitions.ts';
import { outcomeOf } from './outcome.ts';
import type { Resource, Stored } from './resource.ts';
import { pairsOf } from './search/escape.ts';
import { searchBundle } from './search/search.ts';
import { subsetBody } from './search/summary.ts';

const param = (call: Call, name: string): string => call.params[name] ?? '';

/** What a write answers: as much of it as the client prefers, https://hl7.org/fhir/R4/http.html#ops */
async function written(ctx: FhirCtx, call: Call, { stored, status, issues }: Done): Promise<Answer> {
	const common = { status, stored, located: true, issues } as const;
	const wanted = call.prefer.return ?? (call.request === undefined ? 'minimal' : 'representation');
	if (wanted === 'minimal') return common;
	if (wanted === 'OperationOutcome') return { ...common, body: JSON.stringify(outcomeOf(issues)) };
	return { ...common, body: await restoreBody(ctx.fhir, stored) };
}

function removed(call: Call, stored: Stored | undefined, text: string): Answer {
	const version = stored === undefined ? {} : { stored };
	if (call.prefer.return === 'minimal' || call.request === undefined) return { status: 204, ...version };
	const outcome = outcomeOf([{ severity: 'information', type: 'informational', code: 'deleted', text }]);
	return { status: 200, body: JSON.stringify(outcome), ...version };
}

/** A version as the answer to a read: 304 when the client has it, cut to what `_summary` or `_elements` leave. */
async function shown(ctx: FhirCtx, call: Call, stored: Stored): Promise<Answer> {
	if (isNotModified(call, stored)) return { status: 304, stored };
	const body = await restoreBody(ctx.fhir, stored);
	if (!/(^|&)_(summary|elements)=/.test(call.query)) return { status: 200, stored, body };
	return { status: 200, stored, body: subsetBody(ctx.fhir, stored.type, body, subsetOf(call.query)) };
}

const summaries = ['true', 'text', 'data', 'count', 'false'] as const;

function subsetOf(query: string): Parameters<typeof subsetBody>[3] {
	const pairs = pairsOf(query);
	const asked = pairs.find(([name]) => name === '_summary')?.[1] ?? 'false';
	const summary = summaries.find((one) => one === asked);
	if (summary === undefined) throw mismatch('parameter-invalid', `_summary may be ${summaries.join(', ')}.`, 'http._summary');
	const elements = pairs.filter(([name]) => name === '_elements').flatMap(([, value]) => value.split(',').filter((name) => name !== ''));
	return { summary, elements };
}

function preconditions({ ifMatch, ifNoneMatch }: Call): Preconditions {
	const version = versionOf(ifMatch);
	return { ...(version === undefined ? {} : { ifMatch: version }), ...(ifNoneMatch?.trim() === '*' ? { ifNoneMatch: true as const } : {}) };
}

function telling({ telling: by }: Call): Pick<Call, 'telling'> {
	return by === undefined ? {} : { telling: by };
}

/** The Provenance of the request's header. */
function givenBy({ telling: by }: Call): Resource | undefined {
	return by === 'told' ? undefined : by;
}

async function runRead(ctx: FhirCtx, call: Call): Promise<Answer> {
	const [type, id] = [param(call, 'type'), param(call, 'id')];
	if (isLogEntry(type, id)) return { status: 200, body: await readLogEntry(ctx, id) };
	if (type === 'Binary' && call.request !== undefined) {
		const reply = await readJobFile(ctx, id, call.request);
		if (reply !== undefined) return { status: reply.status, raw: reply };
	}
	if (call.unit !== undefined) return shown(ctx, call, await readWithin(ctx, call.unit, type, id));
	if (type === 'OperationDefinition') {
		const known = operationDefinitions(ctx.fhir).find((definition) => definition.id === id);
		if (known !== undefined) return { status: 200, body: JSON.stringify(known) };
	}
	if (type === 'Group') return readGroup(ctx, call, id);
	return shown(ctx, call, await read(ctx, type, id));
}

/** What is stored, else the Group that a practitioner has without its being stored. */
async function readGroup(ctx: FhirCtx, call: Call, id: string): Promise<Answer> {
	try {
		return await shown(ctx, call, await read(ctx, 'Group', id));
	} catch (error) {
		const body = error instanceof Problem && error.kind === 'not-found' ? await readPractitionerGroup(ctx, id) : undefined;
		if (body === undefined) throw error;
		return { status: 200, body };
	}
}

type Where = { readonly type: string | null; readonly compartment?: { readonly type: string; readonly id: string } };

function runSearch(where: (call: Call) => Where): Row['run'] {
	return async (ctx, call) => {
		const handling = call.prefer.handling ?? 'lenient';
		const query = call.form === undefined ? call.query : [call.query, call.form].filter((part) => part !== '').join('&');
		const inside = call.unit === undefined ? {} : { tx: call.unit.tx };
		const request = { ...where(call), query, handling, ...inside };
		const run = searches.get(request.type ?? '') ?? searchBundle;
		return { status: 200, body: await run(ctx, request) };
	};
}

/** Types of which not all is stored. */
const searches: ReadonlyMap<string, typeof searchBundle> = new Map([
	['AuditEvent', searchLog],
	['Group', searchGroups],
	['OperationDefinition', searchDefinitions],
]);

const inType = runSearch((call) => ({ type: param(call, 'type') }));
const inSystem = runSearch(() => ({ type: null }));

function whereMember(ctx: FhirCtx, call: Call): Where {
	const [type, id, member] = [param(call, 'type'), param(call, 'id'), param(call, 'member')];
	requireType(ctx, type);
	if (!isId(id)) throw notFound(type, id);
	if (member !== '*') requireType(ctx, member);
	return { type: member === '*' ? null : member, compartment: { type, id } };
}

const inCompartment: Row['run'] = (ctx, call) => runSearch(() => whereMember(ctx, call))(ctx, call);

async function runBundle(ctx: FhirCtx, call: Call): Promise<Answer> {
	const bundle = call.resource as Resource;
	if (bundle.resourceType !== 'Bundle')
		throw mismatch('bundle-expected', 'Only a Bundle can be posted to the base; other resources go to their type.', 'resourceType');
	if (bundle.type !== 'batch' && bundle.type !== 'transaction')
		throw mismatch('bundle-type', 'The type of the Bundle must be batch or transaction.', 'Bundle.type');
	const { prefer } = call;
	const given = givenBy(call);
	if (prefer.async === true) {
		const url = statusUrl(ctx.fhir.base, await bundleLater(ctx, bundle, prefer, given));
		const text = 'The request was taken; Content-Location says where its answer will be.';
		const outcome = outcomeOf([{ severity: 'information', type: 'informational', code: 'accepted', text }]);
		return { status: 202, headers: { 'content-location': url }, body: JSON.stringify(outcome) };
	}
	const { alone, inside } = performing(prefer, given);
	return {
		status: 200,
		body: await (bundle.type === 'batch' ? batch(ctx, bundle, prefer, alone) : transaction(ctx, bundle, prefer, inside, given)),
	};
}

/** How the entries of a Bundle are done, by themselves or inside a transaction. */
export function performing(prefer: Preferences, given?: Resource): { readonly alone: Perform; readonly inside: Ask } {
	return {
		alone: (ctx, entry) => perform(ctx, entry, prefer, tellingOf(entry, given)),
		inside: (ctx, entry, unit) => perform(ctx, entry, prefer, { unit }),
	};
}

function tellingOf({ isTold }: Entry, given: Resource | undefined): Pick<Call, 'telling'> {
	return given !== undefined ? { telling: given } : isTold === true ? { telling: 'told' } : {};
}

function needed(call: Call): Resource {
	if (call.resource === undefined) throw mismatch('body-missing', 'This needs a resource in the body.');
	return call.resource;
}

function criteriaOf(call: Call, what: string): string {
	if (call.query.replace(/(^|&)_(format|pretty)=[^&]*/g, '') === '')
		throw mismatch('criteria-missing', `A ${what} without an id needs search criteria.`);
	return call.query.replace(/(^|&)_(format|pretty)=[^&]*/g, '').replace(/^&/, '');
}

const interactionRows: readonly Row[] = [
	{
		name: 'capabilities',
		method: 'GET',
		path: ['metadata'],
		public: true,
		run: async (ctx, call) => ({ status: 200, body: capability(ctx.fhir, pairsOf(call.query).find(([name]) => name === 'mode')?.[1]) }),
	},
	{ name: 'search-system', method: 'GET', path: [], run: inSystem },
	{ name: 'transaction', method: 'POST', path: [], body: 'resource', run: runBundle },
	{ name: 'search-system', method: 'GET', path: ['_search'], run: inSystem },
	{ name: 'search-system', method: 'POST', path: ['_search'], body: 'form', run: inSystem },
	{
		name: 'history-system',
		method: 'GET',
		path: ['_history'],
		run: async (ctx, call) => ({ status: 200, body: await history(ctx, { type: null, query: call.query }) }),
	},
	{ name: 'search-type', method: 'GET', path: [':type'], run: inType },
	{
		name: 'create',
		method: 'POST',
		path: [':type'],
		body: 'resource',
		run: async (ctx, call) => {
			const { ifNoneExist } = call;
			const input = {
				type: param(call, 'type'),
				resource: needed(call),
				...telling(call),
				...(ifNoneExist === undefined ? {} : { ifNoneExist }),
			};
			return written(ctx, call, await create(ctx, input));
		},
	},
	{
		name: 'update-conditional',
		method: 'PUT',
		path: [':type'],
		body: 'resource',
		run: async (ctx, call) => {
			const target = { type: param(call, 'type'), criteria: criteriaOf(call, 'PUT') };
			const input = { ...target, resource: needed(call), ...telling(call), ...preconditions(call) };
			return written(ctx, call, await updateMatch(ctx, input));
		},
	},
	{
		name: 'patch-conditional',
		method: 'PATCH',
		path: [':type'],
		body: 'patch',
		run: async (ctx, call) => {
			const { ifMatch } = preconditions(call);
			const changes = call.changes ?? changesOf(needed(call));
			const input = { type: param(call, 'type'), criteria: criteriaOf(call, 'PATCH'), changes, ...telling(call) };
			return written(ctx, call, await patchMatch(ctx, { ...input, ...(ifMatch === undefined ? {} : { ifMatch }) }));
		},
	},
	{
		name: 'delete-conditional',
		method: 'DELETE',
		path: [':type'],
		run: async (ctx, call) => {
			const done = await removeMatches(ctx, param(call, 'type'), criteriaOf(call, 'DELETE'), givenBy(call));
			return removed(call, done.length === 1 ? done[0] : undefined, `Deleted: ${done.length}`);
		},
	},
	{ name: 'search-type', method: 'GET', path: [':type', '_search'], run: inType },
	{ name: 'search-type', method: 'POST', path: [':type', '_search'], body: 'form', run: inType },
	{
		name: 'history-type',
		method: 'GET',
		path: [':type', '_history'],
		run: async (ctx, call) => ({ status: 200, body: await history(ctx, { type: param(call, 'type'), query: call.query }) }),
	},
	{ name: 'read', method: 'GET', path: [':type', ':id'], run: runRead },
	{
		name: 'update',
		method: 'PUT',
		path: [':type', ':id'],
		body: 'resource',
		run: async (ctx, call) => {
			const target = { type: param(call, 'type'), id: param(call, 'id') };
			const input = { ...target, resource: needed(call), ...telling(call), ...preconditions(call) };
			return written(ctx, call, await update(ctx, input));
		},
	},
	{
		name: 'patch',
		method: 'PATCH',
		path: [':type', ':id'],
		body: 'patch',
		run: async (ctx, call) => {
			const { ifMatch } = preconditions(call);
			const changes = call.changes ?? changesOf(needed(call));
			const input = { type: param(call, 'type'), id: param(call, 'id'), changes, ...telling(call) };
			return written(ctx, call, await patch(ctx, { ...input, ...(ifMatch === undefined ? {} : { ifMatch }) }));
		},
	},
	{
		name: 'delete',
		method: 'DELETE',
		path: [':type', ':id'],
		run: async (ctx, call) => {
			const ifMatch = versionOf(call.ifMatch);
			const target = { type: param(call, 'type'), id: param(call, 'id') };
			const stored = await remove(ctx, { ...target, ...telling(call), ...(ifMatch === undefined ? {} : { ifMatch }) });
			return removed(call, stored, stored === undefined ? 'There was nothing to delete.' : 'Deleted.');
		},
	},
	{
		name: 'history-instance',
		method: 'GET',
		path: [':type', ':id', '_history'],
		run: async (ctx, call) => ({
			status: 200,
			body: await history(ctx, { type: param(call, 'type'), id: param(call, 'id'), query: call.query }),
		}),
	},
	{
		name: 'vread',
		method: 'GET',
		path: [':type', ':id', '_history', ':version'],
		run: async (ctx, call) => shown(ctx, call, await vread(ctx, param(call, 'type'), param(call, 'id'), param(call, 'version'))),
	},
	{ name: 'search-compartment', method: 'GET', path: [':type', ':id', ':member'], run: inCompartment },
	{ name: 'search-compartment', method: 'GET', path: [':type', ':id', ':member', '_search'], run: inCompartment },
	{ name: 'search-compartment', method: 'POST', path: [':type', ':id', ':member', '_search'], body: 'form', run: inCompartment },
];

/** The rows of an operation at each level it exists on. */
function operationRows(operation: Operation): Row[] {
	const name = `$${operation.name}`;
	const types = operation.types.map((type) => (type === 'Resource' ? ':type' : type));
	const paths = [
		...(operation.levels.system === true ? [[name]] : []),
		...(operation.levels.type === true ? types.map((type) => [type, name]) : []),
		...(operation.levels.instance === true ? types.flatMap((type) => [[type, ':id', name]]) : []),
		...(operation.versions === true ? types.map((type) => [type, ':id', '_history', ':version', name]) : []),
	];
	return operation.methods.flatMap((method) =>
		paths.map(
			(path): Row => ({
				name: `operation-${operation.name}`,
				method,
				path,
				...(operation.public === true ? { public: true } : {}),
				...(method === 'POST' ? { body: operation.rawBody === true ? 'raw' : 'operation' } : {}),
				run: (ctx, call) => runOperation(ctx, call, operation, path),
			}),
		),
	);
}

async function runOperation(ctx: FhirCtx, call: Call, operation: Operation, path: readonly string[]): Promise<Answer> {
	const first = path[0] as string;
	const type = first.startsWith('$') ? undefined : first === ':type' ? param(call, 'type') : first;
	if (type !== undefined) requireType(ctx, type);
	const { resource, params } = call;
	const version = params.version === undefined ? undefined : Number(params.version);
	const input: OperationInput = {
		...(type === undefined ? {} : { type }),
		...(params.id === undefined ? {} : { id: params.id }),
		...(version === undefined ? {} : { version }),
		query: call.query,
		...(resource === undefined ? {} : resource.resourceType === 'Parameters' ? { parameters: resource } : { resource }),
		request: call.request ?? requestOf(ctx, call, path),
	};
	return operationAnswer(await operation.run(ctx, input));
}

function operationAnswer(result: OperationResult): Answer {
	const common = { status: result.status ?? 200, ...(result.headers === undefined ? {} : { headers: result.headers }) };
	if ('resource' in result) return { ...common, body: JSON.stringify(result.resource) };
	if ('json' in result) return { ...common, body: result.json };
	return {
		...common,
		raw: { status: common.status, headers: { 'content-type': result.contentType, ...result.headers }, body: result.raw },
	};
}

/** An entry of a Bundle in the form of a request, for operations that look at it. */
function requestOf(ctx: FhirCtx, call: Call, path: readonly string[]): Request {
	return {
		method: call.method,
		path: `/${path.map((name) => (name.startsWith(':') ? (call.params[name.slice(1)] ?? '') : name)).join('/')}`,
		query: call.query,
		params: call.params,
		headers: {},
		body: async () => Buffer.from(call.resource === undefined ? '' : JSON.stringify(call.resource)),
		remoteAddress: '',
		requestId: ctx.requestId,
		signal: new AbortController().signal,
	};
}

/** What an installation answers: its operations, and a row for each request that it takes. */
export type Rows = {
	readonly operations: readonly Operation[];
	readonly all: readonly Row[];
	/** The row for a method and the decoded segments below the base, with what its variable segments hold. */
	find(method: Row['method'], segments: readonly string[]): FoundRow | undefined;
};

type FoundRow = { readonly row: Row; readonly params: Readonly<Record<string, string>> };

/** The rows of these operations and of all interactions; of two that fit a path, the one with the fixed names comes first. */
export function createRows(operations: readonly Operation[]): Rows {
	const all = [...operations.flatMap(operationRows), ...interactionRows];
	const byLength = Map.groupBy(all, ({ method, path }) => `${method} ${path.length}`);
	for (const list of byLength.values()) list.sort((a, b) => fixedness(b) - fixedness(a));
	return { operations, all, find: (method, segments) => findRow(byLength.get(`${method} ${segments.length}`) ?? [], segments) };
}

function fixedness({ path }: Row): number {
	return path.reduce((sum, name) => sum * 2 + (name.startsWith(':') ? 0 : 1), 0);
}

function findRow(rows: readonly Row[], segments: readonly string[]): FoundRow | undefined {
	for (const row of rows) {
		const params: Record<string, string> = {};
		const fits = row.path.every((name, i) => {
			const segment = segments[i] as string;
			if (!name.startsWith(':')) return name === segment;
			params[name.slice(1)] = segment;
			return !segment.startsWith('$');
		});
		if (fits) return { row, params };
	}
	return undefined;
}

/** Does what an entry of a Bundle asks for. */
async function perform(ctx: FhirCtx, entry: Entry, prefer: Preferences, inside: Pick<Call, 'unit' | 'telling'>): Promise<Answer> {
	const { method, segments, query, resource, ifMatch, ifNoneMatch, ifNoneExist, ifModifiedSince } = entry;
	const found = ctx.fhir.rows.find(method === 'HEAD' ? 'GET' : method, segments);
	if (found === undefined || segments.length === 0)
		throw new Problem('not-found', 'no-such-path', `There is nothing to ${method} at this url.`, { path: `${entry.path}.request.url` });
	const isPatch = found.row.body === 'patch' && resource !== undefined;
	const answer = await noting(ctx, found.row, { params: found.params, query }, (own) =>
		found.row.run(own, {
			method,
			params: found.params,
			query,
			prefer,
			...(resource === undefined ? {} : { resource }),
			...(isPatch ? { changes: changesOf(resource) } : {}),
			...(ifMatch === undefined ? {} : { ifMatch }),
			...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
			...(ifNoneExist === undefined ? {} : { ifNoneExist }),
			...(ifModifiedSince === undefined ? {} : { ifModifiedSince }),
			...inside,
		}),
	);
	if (method !== 'HEAD') return answer;
	const { body: _, ...rest } = answer;
	return rest;
}

/** Does what an entry of a Bundle asks for and has the audit take note of it. */
async function noting(ctx: FhirCtx, row: Row, asked: Asked, run: (own: FhirCtx) => Promise<Answer>): Promise<Answer> {
	const own = entryTrailed(ctx);
	if (ctx.trail !== undefined) ctx.trail.entries++;
	let answer: Answer;
	try {
		answer = await run(own);
	} catch (error) {
		await noteFailed(own, row, asked, error);
		throw error;
	}
	await noteDone(own, row, asked, answer.status, answer.stored);
	return answer;
}
