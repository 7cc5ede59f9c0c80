// $import: NDJSON from addresses or from the body, taken in later. There is no published operation of this name; what is asked for and what
// comes back is shaped like https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md and the parameters of it as FHIR.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { FhirCtx } from '#fhir/ctx.ts';
import { preferencesOf } from '#fhir/interactions/call.ts';
import { define, input } from '#fhir/operations/define.ts';
import type { Operation, OperationInput, OperationResult } from '#fhir/operations/operation.ts';
import { pairsOf } from '#fhir/search/escape.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { accepted, headerOf } from './kick-off.ts';
import { asyncOnly, badValue, bulkForbidden } from './problems.ts';

/** The kind of job. */
export const importKind = 'bulk-import';

/** One source of resources. `type`: the one type of all its resources, when that was said. */
export type Source = { readonly url: string; readonly type?: string };

/** What an import is to do, as it is kept for the job. */
export type ImportAsked = {
	readonly request: string;
	/** Addresses; none when the data came with the request. */
	readonly sources: readonly Source[];
	/** Resources that are there get what comes as a new version; else they stay as they are. */
	readonly update: boolean;
};

/** The file of data that came with the request. */
export const uploadName = 'upload.ndjson';

const mostSources = 1000;

const ndjson = /^application\/(fhir\+ndjson|x-ndjson|ndjson)\b|^text\/ndjson\b/i;

async function kickOff(ctx: FhirCtx, given: OperationInput): Promise<OperationResult> {
	if (!mayImport(ctx)) throw bulkForbidden('import');
	if (preferencesOf(headerOf(given, 'prefer')).async !== true) throw asyncOnly();
	const request = `${ctx.fhir.base}/$import${given.query === '' ? '' : `?${given.query}`}`;
	const body = await given.request.body();
	const update = booleanOf('update', pairsOf(given.query).find(([name]) => name === 'update')?.[1]);
	if (!ndjson.test(headerOf(given, 'content-type') ?? '')) {
		const asked = { request, ...listOf(body, update) } satisfies ImportAsked;
		return accepted(ctx, await ctx.fhir.jobs.start(ctx, importKind, JSON.stringify(asked)));
	}
	if (body.length === 0) throw badValue('body', 'There is nothing in it.');
	const asked: ImportAsked = { request, sources: [], update };
	const keep = async (folder: string): Promise<void> => {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		await writeFile(join(folder, uploadName), body, { mode: 0o600, flush: true });
	};
	return accepted(ctx, await ctx.fhir.jobs.start(ctx, importKind, JSON.stringify(asked), keep));
}

/** Whoever may create and update everything. */
function mayImport({ caller }: FhirCtx): boolean {
	if (caller.kind === 'patient' || caller.kind === 'anonymous') return false;
	return (['create', 'update'] as const).every((interaction) =>
		caller.grants.some(
			({ type, interactions, patient, query, except }) =>
				type === '*' && patient === undefined && query === undefined && except === undefined && interactions.includes(interaction),
		),
	);
}

/** The addresses that a Parameters resource or a plain import manifest names. */
function listOf(body: Buffer, update: boolean): Pick<ImportAsked, 'sources' | 'update'> {
	const value = body.length === 0 ? undefined : parseJson(body);
	if (value === null || typeof value !== 'object' || Array.isArray(value))
		throw badValue('body', 'It must be NDJSON (application/fhir+ndjson), a Parameters resource, or {"input":[{"url":"…"}]}.');
	const manifest = (value as { resourceType?: unknown }).resourceType === 'Parameters' ? plainOf(value as Parameters) : value;
	const { inputFormat, input: list, update: wanted } = manifest as { inputFormat?: unknown; input?: unknown; update?: unknown };
	if (inputFormat !== undefined && !ndjson.test(String(inputFormat))) throw badValue('inputFormat', 'It must be application/fhir+ndjson.');
	if (!Array.isArray(list) || list.length === 0) throw badValue('input', 'At least one is needed, with its url.');
	if (list.length > mostSources) throw badValue('input', `There may be ${mostSources} of them.`);
	return { sources: list.map(sourceOf), update: update || booleanOf('update', wanted) };
}

type Part = { readonly name?: unknown; readonly part?: readonly Part[]; readonly [value: string]: unknown };
type Parameters = { readonly parameter?: readonly Part[] };

function plainOf({ parameter }: Parameters): object {
	if (!Array.isArray(parameter)) throw badValue('parameter', 'Parameters.parameter must be a list.');
	const plain = (parts: readonly Part[]): Record<string, unknown> =>
		Object.fromEntries(parts.map((part) => [String(part?.name), Object.entries(part ?? {}).find(([key]) => /^value[A-Z]/.test(key))?.[1]]));
	const inputs = (parameter as readonly Part[])
		.filter(({ name }) => name === 'input')
		.map(({ part }) => plain(Array.isArray(part) ? part : []));
	return { ...plain(parameter), input: inputs };
}

function sourceOf(one: unknown): Source {
	const { url, type } = (one ?? {}) as { url?: unknown; type?: unknown };
	if (typeof url !== 'string' || !URL.canParse(url)) throw badValue('input', 'Each needs the address of a file as its url.');
	if (type !== undefined && typeof type !== 'string') throw badValue('input', 'The type of each must be the name of a resource type.');
	return { url, ...(type === undefined ? {} : { type }) };
}

function booleanOf(name: string, value: unknown): boolean {
	if (value === undefined || value === '' || value === false || value === 'false') return false;
	if (value === true || value === 'true') return true;
	throw badValue(name, 'It must be true or false.');
}

export const bulkImport: Operation = {
	name: 'import',
	definition: define({
		id: 'import',
		name: 'BulkDataImport',
		title: 'Import of NDJSON',
		code: 'import',
		description:
			'Takes in NDJSON from addresses, or from the body when that is application/fhir+ndjson. Resources keep their ids; what is there stays as it is unless "update" is true, so that an import may be sent again. Answered later: "Prefer: respond-async"; the manifest counts what became of the resources and names a file that says why some were refused.',
		affectsState: true,
		system: true,
		parameter: [
			input('inputFormat', 'string', 'application/fhir+ndjson.'),
			input('update', 'boolean', 'Makes what comes the new version of what is there.'),
			{
				name: 'input',
				use: 'in',
				min: 0,
				max: '*',
				documentation: 'A file.',
				part: [
					{ name: 'type', min: 0, max: '1', type: 'code', documentation: 'The one type of its resources.' },
					{ name: 'url', min: 1, max: '1', type: 'url', documentation: 'Where it is; https, not on a private network.' },
				],
			},
		],
	}),
	levels: { system: true },
	types: [],
	methods: ['POST'],
	rawBody: true,
	run: kickOff,
};
