// How an interaction is refused. The codes are for ever.
import { type Issue, Problem, type ProblemInit } from '#base/problem.ts';

function refusal(kind: Problem['kind'], code: string, type: string, text: string, init: ProblemInit = {}): Problem {
	const issue: Issue = { severity: 'error', type, code, text, ...(init.path === undefined ? {} : { path: init.path }) };
	return new Problem(kind, code, text, { ...init, issues: [issue] });
}

/** No such resource type: 404, https://hl7.org/fhir/R4/http.html#create */
export function unknownType(type: string): Problem {
	return refusal('not-found', 'type-unknown', 'not-supported', `"${type.slice(0, 64)}" is not a resource type of FHIR R4.`);
}

/** The resource was never here, or the caller may not know of it. */
export function notFound(type: string, id: string): Problem {
	return refusal('not-found', 'resource-not-found', 'not-found', `There is no ${type} with the id "${id.slice(0, 64)}".`);
}

/** This version was never here. */
export function versionNotFound(type: string, id: string, version: string): Problem {
	return refusal('not-found', 'version-not-found', 'not-found', `${type}/${id} has no version "${version.slice(0, 64)}".`);
}

/** The resource was deleted: 410. */
export function gone(type: string, id: string, version: number): Problem {
	return refusal('gone', 'resource-deleted', 'deleted', `${type}/${id} was deleted.`, { headers: { etag: `W/"${version}"` } });
}

/** The caller's grants do not reach this. */
export function forbidden(type: string, interaction: string): Problem {
	return refusal('forbidden', 'not-permitted', 'forbidden', `Your access does not allow to ${interaction} this ${type}.`);
}

/** Entries of the audit cannot be changed: 405. */
export function auditReadOnly(id: string): Problem {
	return refusal('invalid', 'audit-read-only', 'not-supported', `AuditEvent/${id} is an entry of the audit, which only Heron writes.`, {
		status: 405,
		headers: { allow: 'GET, HEAD' },
	});
}

/** Criteria that must single out one resource found several: 412. */
export function severalMatch(type: string, criteria: string, path?: string): Problem {
	const text = `More than one ${type} matches "${criteria.slice(0, 200)}".`;
	return refusal('stale', 'several-match', 'multiple-matches', text, path === undefined ? {} : { path });
}

/** A conditional reference found nothing: 412. */
export function noneMatches(type: string, criteria: string, path: string): Problem {
	return refusal('stale', 'none-matches', 'not-found', `No ${type} matches "${criteria.slice(0, 200)}".`, { path });
}

/** What was sent does not fit the address it was sent to: 400. */
export function mismatch(code: string, text: string, path?: string): Problem {
	return refusal('invalid', code, 'invalid', text, path === undefined ? {} : { path });
}

/** A precondition did not hold: 412. */
export function stale(code: string, text: string): Problem {
	return refusal('stale', code, 'conflict', text);
}

/** Asks for more than one request may do: 413. */
export function tooMuch(text: string): Problem {
	return refusal('too-much', 'too-costly', 'too-costly', text);
}
