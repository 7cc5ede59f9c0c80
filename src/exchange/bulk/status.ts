// $bulkdata-status: how an export or import stands (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request).
import type { FhirCtx } from '#fhir/ctx.ts';
import { jobNotFound } from '#fhir/jobs/problems.ts';
import { define, input } from '#fhir/operations/define.ts';
import { missingParameter, textOf } from '#fhir/operations/input.ts';
import type { Operation, OperationResult } from '#fhir/operations/operation.ts';
import { outcomeOf } from '#fhir/outcome.ts';
import { exportKind } from './export-job.ts';
import { importKind } from './import-request.ts';

const kinds: ReadonlySet<string> = new Set([exportKind, importKind]);

export const bulkdataStatus: Operation = {
	name: 'bulkdata-status',
	definition: define({
		id: 'bulkdata-status',
		name: 'BulkDataStatus',
		title: 'How an export or import stands',
		code: 'bulkdata-status',
		description:
			'GET answers 202 with X-Progress and Retry-After while it is in work, then 200 with the manifest, or the error. DELETE ends it and removes its files. Only the client that asked for it may ask, and administrators.',
		system: true,
		parameter: [input('job', 'string', 'The request, as Content-Location named it.', { min: 1 })],
	}),
	levels: { system: true },
	types: [],
	methods: ['GET', 'DELETE'],
	async run(ctx, given) {
		const id = textOf(given, 'job');
		if (id === undefined) throw missingParameter('job', 'It is in the Content-Location of the answer to the request.');
		return given.request.method === 'DELETE' ? cancel(ctx, id) : show(ctx, id);
	},
};

async function show(ctx: FhirCtx, id: string): Promise<OperationResult> {
	const { kind, state, progress, result, problem, expires } = await ctx.fhir.jobs.poll(ctx, id);
	if (!kinds.has(kind)) throw jobNotFound(id);
	if (problem !== undefined) throw problem;
	if (result === undefined) {
		const text = progress ?? (state === 'waiting' ? 'waiting' : 'in progress');
		return { status: 202, headers: { 'x-progress': text, 'retry-after': '1' }, resource: told('job-in-progress', text) };
	}
	const headers = expires === undefined ? {} : { expires: expires.toUTCString() };
	return { headers, raw: result.text, contentType: 'application/json' };
}

async function cancel(ctx: FhirCtx, id: string): Promise<OperationResult> {
	const { kind } = await ctx.fhir.jobs.status(ctx, id);
	if (!kinds.has(kind)) throw jobNotFound(id);
	await ctx.fhir.jobs.cancel(ctx, id);
	return { status: 202, resource: told('job-cancelled', 'The request was ended and its files are removed.') };
}

function told(code: string, text: string): ReturnType<typeof outcomeOf> {
	return outcomeOf([{ severity: 'information', type: 'informational', code, text }]);
}
