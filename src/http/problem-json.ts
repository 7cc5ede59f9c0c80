// The dialect of paths that belong to no API: RFC 9457 problem details.
import { Problem } from '#base/problem.ts';
import type { Reply } from './route.ts';

/** A failure as application/problem+json; anything that is not a Problem says nothing but "fault". */
export function problemJson(error: unknown): Reply {
	const problem = error instanceof Problem ? error : new Problem('fault', 'fault', 'Something went wrong on the server.');
	return {
		status: problem.status,
		headers: { 'content-type': 'application/problem+json; charset=utf-8', ...problem.headers },
		body: JSON.stringify({ type: 'about:blank', title: problem.text, status: problem.status, code: problem.code }),
	};
}
