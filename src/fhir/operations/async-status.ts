// $async-status: how a request stands that is answered later, https://hl7.org/fhir/R4/async.html. `Content-Location` of such a request names it.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { JobStatus } from '#fhir/jobs/jobs.ts';
import { outcomeOf } from '#fhir/outcome.ts';
import { define, input, output } from './define.ts';
import { missingParameter, textOf } from './input.ts';
import type { Operation, OperationResult } from './operation.ts';

/** Where a client asks for a job. */
export function statusUrl(base: string, id: string): string {
	return `${base}/$async-status?job=${encodeURIComponent(id)}`;
}

export const asyncStatus: Operation = {
	name: 'async-status',
	definition: define({
		id: 'async-status',
		name: 'AsyncStatus',
		title: 'How a request stands that is answered later',
		code: 'async-status',
		description:
			'GET answers 202 with X-Progress while the request is in work, then 200 with what the request would have answered, or the error it would have. DELETE ends the request and forgets its result. Only who made the request may ask.',
		system: true,
		parameter: [
			input('job', 'string', 'The request, as Content-Location named it.', { min: 1 }),
			output('return', 'Resource', 'The answer to the request.'),
		],
	}),
	levels: { system: true },
	types: [],
	methods: ['GET', 'DELETE'],
	async run(ctx, given) {
		const id = textOf(given, 'job');
		if (id === undefined) throw missingParameter('job', 'It is in the Content-Location of the answer to the request.');
		return given.request.method === 'DELETE' ? cancel(ctx, id) : show(await ctx.fhir.jobs.status(ctx, id));
	},
};

async function cancel(ctx: FhirCtx, id: string): Promise<OperationResult> {
	await ctx.fhir.jobs.cancel(ctx, id);
	return { status: 202, resource: told('job-cancelled', 'The request was ended.') };
}

function show({ state, progress, result, problem, expires }: JobStatus): OperationResult {
	if (problem !== undefined) throw problem;
	if (result === undefined) {
		const text = progress ?? (state === 'waiting' ? 'waiting' : 'in progress');
		return { status: 202, headers: { 'x-progress': headerText(text), 'retry-after': '1' }, resource: told('job-in-progress', text) };
	}
	const headers = expires === undefined ? {} : { expires: expires.toUTCString() };
	return result.contentType === undefined ? { headers, json: result.text } : { headers, raw: result.text, contentType: result.contentType };
}

/** Only what a header may hold. */
function headerText(text: string): string {
	return text.replace(/[^\x20-\x7e]/g, '?');
}

function told(code: string, text: string): ReturnType<typeof outcomeOf> {
	return outcomeOf([{ severity: 'information', type: 'informational', code, text }]);
}
