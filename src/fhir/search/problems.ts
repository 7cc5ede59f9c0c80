// How a search is refused. The codes are for ever.
import { type Issue, Problem } from '#base/problem.ts';

/** Everything that strict handling found unknown, as one 400. */
export function refused(issues: readonly Issue[]): Problem {
	return new Problem('invalid', (issues[0] as Issue).code, issues.map((issue) => issue.text).join(' '), { issues });
}

/** A value that cannot be read: always 400. */
export function badValue(name: string, value: string, hint: string): Problem {
	return invalid(
		'value',
		'search-value-invalid',
		`The value "${clip(value)}" of the parameter "${clip(name)}" cannot be read. ${hint}`,
		name,
	);
}

/** A modifier that the parameter does not have: always 400, as the specification demands. */
export function badModifier(code: string, modifier: string, name: string): Problem {
	return invalid(
		'not-supported',
		'search-modifier-unsupported',
		`The modifier ":${clip(modifier)}" is not supported on the parameter "${code}".`,
		name,
	);
}

/** A chain through something that is no reference. */
export function badChain(code: string, name: string): Problem {
	return invalid('invalid', 'search-chain-invalid', `The parameter "${code}" is not a reference, so nothing can be chained to it.`, name);
}

/** A page link that this server did not make, or made for another search. */
export function badPage(): Problem {
	return invalid('value', 'search-page-invalid', 'The page link is not one of this search.', '_page');
}

/** A search that asks for more than the limits: 400 and not 413, as it is the query that has to change. */
export function tooCostly(text: string): Problem {
	return new Problem('invalid', 'search-too-costly', text, {
		issues: [{ severity: 'error', type: 'too-costly', code: 'search-too-costly', text }],
	});
}

/** The caller may not search this type at all. */
export function notAllowed(type: string): Problem {
	const text = `You may not search ${type}.`;
	return new Problem('forbidden', 'search-forbidden', text, {
		issues: [{ severity: 'error', type: 'forbidden', code: 'search-forbidden', text }],
	});
}

/** A named query (`_query`) that is not known must be refused, https://hl7.org/fhir/R4/search.html#query */
export function unknownQuery(name: string): Problem {
	return invalid('not-supported', 'search-query-unknown', `There is no named query "${clip(name)}".`, '_query');
}

/** No such resource type. */
export function unknownType(type: string): Problem {
	const text = `"${clip(type)}" is not a resource type of FHIR R4.`;
	return new Problem('not-found', 'type-unknown', text, {
		issues: [{ severity: 'error', type: 'not-supported', code: 'type-unknown', text }],
	});
}

function invalid(type: string, code: string, text: string, name: string): Problem {
	return new Problem('invalid', code, text, { issues: [{ severity: 'error', type, code, text, path: `http.${clip(name)}` }] });
}

/** Text for a message, not too long. */
export function clip(text: string): string {
	return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
