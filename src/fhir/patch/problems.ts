// How a patch is refused: 400 when it is not a patch at all, 422 when it does not apply to this resource. The codes are for ever.
import { Problem } from '#base/problem.ts';

/** Where in the patch the fault lies, such as `operation 3`. */
export type At = string;

/** 400 `patch-malformed`: what was sent is no patch. */
export function malformed(at: At, why: string): Problem {
	return problem('patch-malformed', 400, 'invalid', at, why);
}

/** 422 `patch-not-applicable`: the resource has no such place, or the place does not take the change. */
export function notApplicable(at: At, why: string): Problem {
	return problem('patch-not-applicable', 422, 'processing', at, why);
}

/** 422 `patch-test-failed`: the resource is not what the client took it for. */
export function testFailed(at: At, why: string): Problem {
	return problem('patch-test-failed', 422, 'processing', at, why);
}

/** 413 `patch-too-large`: the patch multiplies what is there beyond all measure. */
export function tooLarge(at: At): Problem {
	return new Problem('too-much', 'patch-too-large', `${at}: the patch makes the resource too large.`);
}

function problem(code: string, status: number, type: string, at: At, why: string): Problem {
	const text = `${at}: ${why}.`;
	return new Problem('invalid', code, text, { status, issues: [{ severity: 'error', type, code, text }] });
}

/** Text from the client for a message, not too long. */
export function clip(text: string): string {
	return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
