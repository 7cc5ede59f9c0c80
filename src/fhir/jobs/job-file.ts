// Files of jobs, downloaded as if each were the content of a Binary: `Binary/<job>.<number>`.
import { Problem } from '#base/problem.ts';
import { fileReply } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Reply, Request } from '#http/route.ts';

/** The id by which a client downloads a file of its job: the file has the number as its name. */
export function jobFileId(job: string, number: number): string {
	return `${job}.${number}`;
}

/** A file of a job of the caller's, which is NDJSON; undefined when the id names none. Throws as fileReply does. */
export async function readJobFile(ctx: FhirCtx, id: string, request: Request): Promise<Reply | undefined> {
	const [, job, name] = /^([0-9a-f-]{36})\.(\d{1,6})$/.exec(id) ?? [];
	if (job === undefined || name === undefined) return undefined;
	try {
		return await fileReply(await ctx.fhir.jobs.file(ctx, job, name), 'application/fhir+ndjson', request);
	} catch (error) {
		if (error instanceof Problem && error.code === 'job-not-found') return undefined;
		throw error;
	}
}
