// How documents are refused. The codes are for ever.
import { type Issue, Problem } from '#base/problem.ts';

function refusal(kind: Problem['kind'], code: string, type: string, text: string, path: string, status?: number): Problem {
	const issue: Issue = { severity: 'error', type, code, text, path };
	return new Problem(kind, code, text, { issues: [issue], path, ...(status === undefined ? {} : { status }) });
}

export function emptyDocument(): Problem {
	return refusal('invalid', 'document-empty', 'required', 'The document has no content.', 'content');
}

export function documentTooLarge(limitBytes: number): Problem {
	return refusal('too-much', 'document-too-large', 'too-long', `A document has at most ${limitBytes} bytes here.`, 'content');
}

export function typeNotAllowed(type: string, allowed: readonly string[]): Problem {
	const text = `By its content this is ${type}; documents may be ${allowed.join(', ')}.`;
	return refusal('invalid', 'document-type-refused', 'not-supported', text, 'content');
}

export function documentInfected(): Problem {
	return refusal(
		'invalid',
		'document-infected',
		'security',
		'The virus scanner found something in this document; it was not filed.',
		'content',
	);
}

export function categoryUnknown(named: string): Problem {
	return refusal(
		'not-found',
		'document-category-unknown',
		'not-found',
		`There is no category of documents "${named.slice(0, 120)}".`,
		'category',
	);
}

export function encounterForeign(): Problem {
	return refusal('invalid', 'encounter-foreign', 'business-rule', 'The encounter is not one of this patient.', 'context.encounter');
}

/** The document has no content of ours: it lies elsewhere, or somebody took it away. */
export function contentElsewhere(): Problem {
	return refusal('not-found', 'document-content-elsewhere', 'not-found', 'The content of this document is not stored here.', 'content');
}
