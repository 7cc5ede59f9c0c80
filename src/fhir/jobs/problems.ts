// How jobs are refused. The codes are for ever.
import { Problem } from '#base/problem.ts';

/** No such job, or none of the caller's. */
export function jobNotFound(id: string): Problem {
	const text = `There is no request "${id.slice(0, 64)}" in work, or it is not yours, or its result has expired.`;
	return new Problem('not-found', 'job-not-found', text, {
		issues: [{ severity: 'error', type: 'not-found', code: 'job-not-found', text }],
	});
}

/** 429: the caller has to wait for some of its jobs to end. */
export function tooManyJobs(limit: number): Problem {
	const text = `You have ${limit} requests in work, which is as many as one may have; wait until one is done.`;
	return new Problem('too-much', 'job-limit', text, {
		status: 429,
		headers: { 'retry-after': '10' },
		issues: [{ severity: 'error', type: 'throttled', code: 'job-limit', text }],
	});
}

/** 429: the client asks for a job more often than helps. */
export function polledTooFast(): Problem {
	const text = 'You ask too often how the request stands; wait as long as Retry-After says.';
	return new Problem('too-much', 'polled-too-fast', text, {
		status: 429,
		headers: { 'retry-after': '2' },
		issues: [{ severity: 'error', type: 'throttled', code: 'polled-too-fast', text }],
	});
}

/** This server does nothing of that kind later. */
export function unknownKind(kind: string): Problem {
	return new Problem('fault', 'job-kind-unknown', `Nothing here does jobs of the kind "${kind}".`);
}

/** The job was tried so often that it must be what makes the server fail. */
export function gaveUp(attempts: number): Problem {
	return new Problem('fault', 'job-gave-up', `The request was begun ${attempts} times and never came to its end.`);
}

/** The run is no longer the job's: it must stop, and nothing of what it does after this counts. */
export function jobLost(): Problem {
	return new Problem('conflict', 'job-lost', 'The request was cancelled, or another process has taken it over.');
}
