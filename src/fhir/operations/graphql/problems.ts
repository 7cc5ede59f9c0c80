// How $graphql refuses. The codes are for ever.
import type { ASTNode } from 'graphql';
import { Problem } from '#base/problem.ts';

/** Where in the query, as GraphQL says it. */
export type Location = { readonly line: number; readonly column: number };

/** Carries the place in the query along with a Problem, as its cause. */
export class Located extends Error {
	readonly locations: readonly Location[];
	constructor(locations: readonly Location[]) {
		super('in the query');
		this.locations = locations;
	}
}

function refuse(code: string, type: string, text: string, at: ASTNode | readonly Location[] | undefined, status = 400): Problem {
	const locations = at === undefined ? [] : 'kind' in at ? locationOf(at) : at;
	return new Problem('invalid', code, text, {
		status,
		issues: [{ severity: 'error', type, code, text }],
		...(locations.length === 0 ? {} : { cause: new Located(locations) }),
	});
}

function locationOf({ loc }: ASTNode): Location[] {
	return loc === undefined ? [] : [{ line: loc.startToken.line, column: loc.startToken.column }];
}

/** 400: the text is no GraphQL. */
export function syntaxProblem(text: string, locations: readonly Location[]): Problem {
	return refuse('graphql-syntax', 'invalid', text, locations);
}

/** 400: it is GraphQL, but not about what is here: unknown fields, arguments, types, directives. */
export function invalid(at: ASTNode | readonly Location[] | undefined, text: string): Problem {
	return refuse('graphql-invalid', 'invalid', text, at);
}

/** 400: something of FHIR's GraphQL that this server does not do. */
export function unsupported(at: ASTNode | undefined, text: string): Problem {
	return refuse('graphql-unsupported', 'not-supported', text, at);
}

/** 400: the query asks for more than one may. */
export function tooCostly(text: string): Problem {
	return refuse('graphql-too-costly', 'too-costly', text, undefined);
}

/** 404: a resource that the query cannot do without is not here, or the caller may not see it. */
export function unresolved(at: ASTNode, reference: string): Problem {
	return refuse('graphql-unresolved', 'not-found', `"${reference.slice(0, 200)}" cannot be resolved.`, at, 404);
}
