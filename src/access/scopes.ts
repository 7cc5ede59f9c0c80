// SMART App Launch 2 scopes (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html): read, compared, and turned into grants.
import { Problem } from '#base/problem.ts';
import type { Grant, Interaction } from './ctx.ts';

export type Level = 'patient' | 'user' | 'system';

/** A scope about data, as a value. `type` is a FHIR type, "*", or in lower case a resource of the Standard API. */
export type DataScope = {
	readonly level: Level;
	readonly type: string;
	/** Some of c, r, u, d, s in this order; empty for an operation. */
	readonly letters: string;
	/** FHIR search parameters that limit it. */
	readonly query?: string;
	/** An operation, e.g. `$export`. */
	readonly operation?: string;
};

const byLetter: Readonly<Record<string, Interaction>> = { c: 'create', r: 'read', u: 'update', d: 'delete', s: 'search' };
const byWord: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };
const form = /^(patient|user|system)\/([A-Za-z][A-Za-z_]*|\*)\.(?:(\$[a-z][a-z0-9-]*)|([a-z]+|\*)(?:\?(.+))?)$/;

/** Reads a scope about data; undefined for any other text. v1's `read`, `write` and `*` become letters. */
export function parseScope(text: string): DataScope | undefined {
	const match = form.exec(text);
	if (match === null) return undefined;
	const [, level, type = '*', operation, word = '', query] = match;
	if (operation !== undefined) return { level: level as Level, type, letters: '', operation };
	const letters = byWord[word] ?? word;
	// The letters come in this order and each once.
	if (letters === '' || !/^c?r?u?d?s?$/.test(letters)) return undefined;
	return { level: level as Level, type, letters, ...(query === undefined ? {} : { query }) };
}

/** Whether everything that `inner` allows is allowed by `outer`. */
export function covers(outer: DataScope, inner: DataScope): boolean {
	if (outer.level !== inner.level || outer.operation !== inner.operation) return false;
	if (outer.type !== inner.type && outer.type !== '*') return false;
	if (outer.query !== undefined && outer.query !== inner.query) return false;
	return [...inner.letters].every((letter) => outer.letters.includes(letter));
}

/** The interactions of a scope. */
export function interactionsOf(scope: DataScope): Interaction[] {
	return [...scope.letters].map((letter) => byLetter[letter] as Interaction);
}

/** Whether a scope is about resources of the FHIR API. */
export function isFhir({ type, operation }: DataScope): boolean {
	return operation === undefined && (type === '*' || /^[A-Z]/.test(type));
}

/**
 * The grants that scopes give, e.g. `patient/Observation.rs`, `user/*.cruds`, `system/Patient.read`,
 * `patient/Observation.rs?category=laboratory`. Throws Problem invalid `scope-invalid` for a text that is none, and for a patient scope
 * when no patient is given.
 */
export function grantsOf(scopes: readonly string[], patient?: string): Grant[] {
	return scopes.map((text) => {
		const scope = parseScope(text);
		if (scope === undefined || !isFhir(scope)) throw invalid(text);
		if (scope.level === 'patient' && patient === undefined) throw invalid(text, 'it needs a patient');
		return grantOf(scope, scope.level === 'patient' ? patient : undefined);
	});
}

/** What one scope about resources allows, within a patient's compartment when one is given. */
export function grantOf(scope: DataScope, patient: string | undefined): Grant {
	return {
		type: scope.type,
		interactions: interactionsOf(scope),
		...(patient === undefined ? {} : { patient }),
		...(scope.query === undefined ? {} : { query: scope.query }),
	};
}

function invalid(scope: string, why = 'a scope looks like user/Observation.rs, patient/*.cruds or system/Patient.read'): Problem {
	return new Problem('invalid', 'scope-invalid', `"${scope.slice(0, 200)}" is not a scope that can be given: ${why}.`);
}
