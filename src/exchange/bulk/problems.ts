// How bulk requests are refused. The codes are for ever.
import { type Issue, Problem } from '#base/problem.ts';

/** One 400 that says everything that was not understood. */
export function refused(issues: readonly Issue[]): Problem {
	const [first] = issues as [Issue];
	const status = issues.every(({ type }) => type === 'forbidden') ? { status: 403 } : {};
	return new Problem(status.status === 403 ? 'forbidden' : 'invalid', first.code, issues.map(({ text }) => text).join(' '), {
		issues,
		...status,
	});
}

function invalid(type: string, code: string, text: string, path?: string): Problem {
	return new Problem('invalid', code, text, { issues: [{ severity: 'error', type, code, text, ...(path === undefined ? {} : { path }) }] });
}

/** Exports and imports are answered later, or not at all. */
export function asyncOnly(): Problem {
	return invalid(
		'invalid',
		'respond-async-missing',
		'This is answered later only: send the header "Prefer: respond-async".',
		'http.prefer',
	);
}

/** The caller may not take or bring data in bulk. */
export function bulkForbidden(what: string): Problem {
	const text = `You may not ${what}: that is for backend services and administrators.`;
	return new Problem('forbidden', 'bulk-forbidden', text, {
		issues: [{ severity: 'error', type: 'forbidden', code: 'bulk-forbidden', text }],
	});
}

/** No such Group, or none that the caller may see. */
export function groupNotFound(id: string): Problem {
	const text = `There is no Group "${id.slice(0, 64)}".`;
	return new Problem('not-found', 'not-found', text, { issues: [{ severity: 'error', type: 'not-found', code: 'not-found', text }] });
}

/** The Group says whom it is about in a way that cannot be looked up here. */
export function groupUnclear(text: string): Problem {
	return new Problem('invalid', 'group-unclear', text, {
		status: 422,
		issues: [{ severity: 'error', type: 'not-supported', code: 'group-unclear', text, path: 'Group' }],
	});
}

/** A parameter whose value is no such value. */
export function badValue(name: string, hint: string): Problem {
	return invalid('value', 'parameter-invalid', `The parameter "${name}" cannot be read. ${hint}`, name);
}

/** There is no room for the files: asking again does not help before there is. */
export function diskFull(cause: unknown): Problem {
	const text = 'The disk of the server has no room for the files of the export.';
	return new Problem('fault', 'disk-full', text, {
		status: 507,
		cause,
		issues: [{ severity: 'error', type: 'no-store', code: 'disk-full', text }],
	});
}
