// What went wrong, as an OperationOutcome: the dialect of everything below the FHIR base.
// https://hl7.org/fhir/R4/operationoutcome.html and https://hl7.org/fhir/R4/http.html#Status-Codes
import { type Issue, Problem } from '#base/problem.ts';
import type { Reply, Request } from '#http/route.ts';
import type { Resource } from './resource.ts';
import { render } from './wire/answer.ts';
import { answerFormatOrJson } from './wire/negotiate.ts';

/** The code system of Heron's stable codes, in `issue.details.coding`. */
export const codeSystem = 'urn:heron:problem';

/** The usual FHIR IssueType of a kind of problem, https://hl7.org/fhir/R4/valueset-issue-type.html. */
const typeOf: Readonly<Record<Problem['kind'], string>> = {
	invalid: 'invalid',
	unauthenticated: 'login',
	forbidden: 'forbidden',
	'not-found': 'not-found',
	gone: 'deleted',
	conflict: 'conflict',
	stale: 'conflict',
	unsupported: 'not-supported',
	'too-much': 'too-long',
	unavailable: 'transient',
	fault: 'exception',
};

const typeOfStatus: Readonly<Record<number, string>> = {
	405: 'not-supported',
	406: 'not-supported',
	415: 'not-supported',
	422: 'processing',
	429: 'throttled',
	507: 'no-store',
};

const allOk: Issue = { severity: 'information', type: 'informational', code: 'ok', text: 'All OK' };

/** An OperationOutcome of a problem or of a list of issues; an empty list says that all is well. */
export function outcomeOf(what: Problem | readonly Issue[]): Resource {
	const issues = what instanceof Problem ? issuesOf(what) : what;
	return { resourceType: 'OperationOutcome', issue: (issues.length === 0 ? [allOk] : issues).map(issueElement) };
}

/** The issues of a problem; at least one. */
export function issuesOf(problem: Problem): readonly Issue[] {
	if (problem.issues.length > 0) return problem.issues;
	const { code, text, path, kind, status } = problem;
	const type = typeOfStatus[status] ?? typeOf[kind];
	return [{ severity: kind === 'fault' ? 'fatal' : 'error', type, code, text, ...(path === undefined ? {} : { path }) }];
}

function issueElement({ severity, type, code, text, path }: Issue): object {
	const shown = readable(text);
	return {
		severity,
		code: type,
		details: { coding: [{ system: codeSystem, code }], text: shown },
		diagnostics: shown,
		...(path === undefined || path === '' ? {} : { expression: [readable(path)] }),
	};
}

/** What a client sent and a text quotes, without the characters that neither FHIR nor XML can hold. */
function readable(text: string): string {
	return text.toWellFormed().replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, '\ufffd');
}

/**
 * The answer to a request that failed, in the format the client asked for (JSON when it asked for one that is not to be had).
 * Anything but a Problem becomes a 500 that says nothing of the inside.
 */
export function outcomeReply(error: unknown, request: Pick<Request, 'query' | 'headers' | 'requestId'>): Reply {
	const problem = error instanceof Problem ? error : unexpected(request.requestId);
	const format = answerFormatOrJson(request);
	const retry = problem.status === 503 ? { 'retry-after': '2' } : {};
	return {
		status: problem.status,
		headers: { 'content-type': format.contentType, ...retry, ...problem.headers },
		body: render(JSON.stringify(outcomeOf(problem)), format),
	};
}

function unexpected(requestId: string): Problem {
	return new Problem('fault', 'fault', `Something went wrong on the server. Its log knows more under the request id ${requestId}.`);
}
