// How the Standard API refuses, and how every refusal is worded in OpenEMR's shapes.
import { Problem } from '#base/problem.ts';
import type { Reply } from '#http/route.ts';

/** A field with what is wrong about it: the code of the rule and a sentence. */
export type Wrong = { readonly field: string; readonly code: string; readonly text: string };

/** 400 with what is wrong of each field. */
export function invalidFields(wrong: readonly Wrong[]): Problem {
	const issues = wrong.map(({ field, code, text }) => ({ severity: 'error' as const, type: 'invalid', code, text, path: field }));
	return new Problem('invalid', 'fields-invalid', wrong.map(({ text }) => text).join('; '), { issues });
}

/** The record that a path or a field names is not there, or not for this caller. */
export function noSuchRecord(field: string, named: string): Problem {
	return invalidFields([{ field, code: 'invalid or nonexisting value', text: `value ${named.slice(0, 100)}` }]);
}

/** 404: there is none. */
export function notThere(): Problem {
	return new Problem('not-found', 'record-not-found', 'There is no such record.');
}

/** The token lacks the scope; OpenEMR answers 401. */
export function scopeMissing(scope: string): Problem {
	return new Problem('unauthenticated', 'scope-missing', 'Unauthorized', {
		headers: { 'www-authenticate': `Bearer realm="heron", error="insufficient_scope", scope="${scope}"` },
	});
}

/** The wrong kind of caller, or a token without the scope of this API. */
export function apiRefused(): Problem {
	return new Problem(
		'forbidden',
		'api-refused',
		'OpenEMR Error: API call failed due to insufficient permissions for the requested resource.',
	);
}

const aclText = 'Organization policy does not have permit access resource';

/** The roles of the caller do not give the right. */
export function rightMissing(): Problem {
	return new Problem('forbidden', 'right-missing', aclText);
}

/**
 * How a row answers. E: with the envelope. E200: the same, and OpenEMR 8 answers 200 whatever happened. B: bare values, an empty one 404
 * without a body. bare: bare values as they are.
 */
export type Style = 'E' | 'E200' | 'B' | 'bare';

export type Envelope = {
	readonly validationErrors: object;
	readonly internalErrors: readonly string[];
	readonly data: unknown;
	readonly links: object;
};

/** The envelope of an answer; empty maps are `[]`, as PHP writes them. */
export function envelopeOf(data: unknown, links: object = []): Envelope {
	return { validationErrors: [], internalErrors: [], data, links };
}

/** The answer to a request that failed. `okAlways` answers validation errors with 200, as OpenEMR 8 does where it does. */
export function problemReply(error: unknown, style: Style, okAlways: boolean): Reply {
	const problem = error instanceof Problem ? error : new Problem('fault', 'fault', 'Something went wrong on the server.');
	const { status, kind } = problem;
	if (kind === 'unauthenticated' || kind === 'forbidden' || kind === 'fault') return plain(problem);
	if (problem.code === 'no-such-path' || problem.code === 'site-unknown') return plain(problem);
	if (kind === 'not-found' || kind === 'gone') {
		if (style === 'bare') return json(404, { error: problem.text });
		return style === 'B' ? { status: 404 } : json(okAlways ? 200 : 404, envelopeOf([]));
	}
	if (style === 'bare') return json(status, { error: problem.code === 'json-malformed' ? 'Invalid JSON payload' : problem.text });
	const about = errorsOf(problem);
	const isBare = style === 'B';
	if (status === 400 || status === 422) return json(okAlways ? 200 : 400, isBare ? about : { ...envelopeOf([]), validationErrors: about });
	return json(status, isBare ? about : { ...envelopeOf([]), validationErrors: about, internalErrors: [problem.text] }, problem.headers);
}

function plain(problem: Problem): Reply {
	const { kind, status, code, headers } = problem;
	const message =
		kind === 'unauthenticated' && code !== 'scope-missing'
			? 'The resource owner or authorization server denied the request.'
			: kind === 'forbidden' && code !== 'api-refused'
				? aclText
				: code === 'no-such-path'
					? 'Route not found'
					: problem.text;
	return json(status, { error: 'An error occurred', message, code: 0 }, headers);
}

/** `{field: {code: sentence}}`; a code that is empty gives `{field: sentence}`. */
function errorsOf({ issues, code, text, path }: Problem): Record<string, unknown> {
	const given = issues.length > 0 ? issues : [{ code, text, path: path ?? 'request', severity: 'error' }];
	const errors: Record<string, unknown> = {};
	for (const issue of given) {
		if (issue.severity === 'warning' || issue.severity === 'information') continue;
		const field = issue.path ?? 'request';
		if (issue.code === '') errors[field] = issue.text;
		else errors[field] = { ...(errors[field] as object | undefined), [issue.code]: issue.text };
	}
	return errors;
}

/** JSON with the content type OpenEMR's clients look for. */
export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
	return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}
