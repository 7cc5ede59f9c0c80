// SMART App Launch 2 scopes for FHIR resources (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html) as grants.
import { Problem } from '#base/problem.ts';
import type { Grant, Interaction } from './ctx.ts';

const byLetter: Readonly<Record<string, Interaction>> = { c: 'create', r: 'read', u: 'update', d: 'delete', s: 'search' };
const byWord: Readonly<Record<string, string>> = { read: 'rs', write: 'cud', '*': 'cruds' };

/**
 * The grants that scopes give, e.g. `patient/Observation.rs`, `user/*.cruds`, `system/Patient.read`,
 * `patient/Observation.rs?category=laboratory`. Throws Problem invalid `scope-invalid` for a text that is none, and for a patient scope
 * when no patient is given.
 */
export function grantsOf(scopes: readonly string[], patient?: string): Grant[] {
	return scopes.map((scope) => {
		const match = /^(patient|user|system)\/([A-Z][A-Za-z]*|\*)\.([a-z]+|\*)(?:\?(.+))?$/.exec(scope);
		const letters = match === null ? '' : (byWord[match[3] as string] ?? (match[3] as string));
		// The letters come in this order and each once.
		if (match === null || letters === '' || !/^c?r?u?d?s?$/.test(letters)) throw invalid(scope);
		const [, level, type = '*', , query] = match;
		if (level === 'patient' && patient === undefined) throw invalid(scope, 'it needs a patient');
		return {
			type,
			interactions: [...letters].map((letter) => byLetter[letter] as Interaction),
			...(level === 'patient' && patient !== undefined ? { patient } : {}),
			...(query === undefined ? {} : { query }),
		};
	});
}

function invalid(scope: string, why = 'a scope looks like user/Observation.rs, patient/*.cruds or system/Patient.read'): Problem {
	return new Problem('invalid', 'scope-invalid', `"${scope.slice(0, 200)}" is not a scope that can be given: ${why}.`);
}
