// Files of jobs, downloaded as if each were the content of a Binary: `Binary/<job>.<number>.<bytes>`.
import { stat } from 'node:fs/promises';
import { Problem } from '#base/problem.ts';
import { fileReply } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Reply, Request } from '#http/route.ts';

/**
 * The id by which a client downloads a file of its job: the file has the number as its name. The bytes it has are part of the id, so that
 * a file which lost its end when the machine lost its power is none.
 */
export function jobFileId(job: string, number: number, bytes: number): string {
	return `${job}.${number}.${bytes}`;
}

/** A file of a job of the caller's, which is NDJSON; undefined when the id names none. Throws as fileReply does. */
export async function readJobFile(ctx: FhirCtx, id: string, request: Request): Promise<Reply | undefined> {
	const [, job, name, bytes] = /^([0-9a-f-]{36})\.(\d{1,6})\.(\d{1,12})$/.exec(id) ?? [];
	if (job === undefined || name === undefined) return undefined;
	try {
		const path = await ctx.fhir.jobs.file(ctx, job, name);
		if ((await stat(path)).size !== Number(bytes)) return undefined;
		return await fileReply(path, 'application/fhir+ndjson', request);
	} catch (error) {
		if (error instanceof Problem && error.code === 'job-not-found') return undefined;
		throw error;
	}
}
