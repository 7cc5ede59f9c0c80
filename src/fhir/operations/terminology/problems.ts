// How questions about codes are refused. The codes are for ever.
import { Problem } from '#base/problem.ts';

export function unknownSystem(canonical: string): Problem {
	return unknown('code-system-unknown', `The code system "${canonical.slice(0, 200)}" is not known here.`);
}

export function unknownCode(code: string): Problem {
	return unknown('code-unknown', `The code system has no code "${code.slice(0, 100)}".`);
}

export function unknownValueSet(canonical: string): Problem {
	return unknown('valueset-unknown', `The value set "${canonical.slice(0, 200)}" is not known here.`);
}

/** Not being found says nothing where not all codes are known. */
export function undecidable(text: string): Problem {
	return unsupported('code-undecidable', text);
}

/** 422 for what could be asked of another server. */
export function unsupported(code: string, text: string, path?: string): Problem {
	return new Problem('unsupported', code, text, {
		status: 422,
		issues: [{ severity: 'error', type: 'not-supported', code, text, ...(path === undefined ? {} : { path }) }],
	});
}

function unknown(code: string, text: string): Problem {
	return new Problem('not-found', code, text, { issues: [{ severity: 'error', type: 'not-found', code, text }] });
}
