// The categories to which a person can narrow an app's access, US Core's: https://hl7.org/fhir/us/core/scopes.html
import { parseScope } from '#access/scopes.ts';

export type Category = { readonly code: string; readonly system: string };

const condition = 'http://terminology.hl7.org/CodeSystem/condition-category';
const observation = 'http://terminology.hl7.org/CodeSystem/observation-category';
const core = 'http://hl7.org/fhir/us/core/CodeSystem';

export const categories: Readonly<Record<string, readonly Category[]>> = {
	Condition: [
		{ code: 'encounter-diagnosis', system: condition },
		{ code: 'problem-list-item', system: condition },
		{ code: 'health-concern', system: `${core}/condition-category` },
	],
	Observation: [
		{ code: 'vital-signs', system: observation },
		{ code: 'laboratory', system: observation },
		// US Core's results that are no laboratory's: clinical tests are procedures, https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-observation-clinical-result.html
		{ code: 'procedure', system: observation },
		{ code: 'imaging', system: observation },
		{ code: 'social-history', system: observation },
		{ code: 'survey', system: observation },
		{ code: 'sdoh', system: `${core}/us-core-category` },
	],
	DocumentReference: [{ code: 'clinical-note', system: `${core}/us-core-documentreference-category` }],
};

/** The narrower scopes that may stand in place of one: for a whole type that has categories, one per category. */
export function narrowerOf(text: string): { readonly scope: string; readonly category: Category }[] {
	const scope = parseScope(text);
	if (scope === undefined || scope.query !== undefined || scope.operation !== undefined || scope.level === 'system') return [];
	// Categories limit what is there already; a new resource may be written in any.
	return (categories[scope.type] ?? []).map((category) => ({
		category,
		scope: `${scope.level}/${scope.type}.${scope.letters}?category=${category.system}|${category.code}`,
	}));
}

/**
 * What a person granted of what was asked: each chosen scope has to be one that was asked for or a narrower form of one. A narrower form
 * beside the whole says nothing more and is left out.
 */
export function grantedOf(asked: readonly string[], chosen: readonly string[]): string[] {
	const picked = new Set(chosen);
	return asked.flatMap((text) => (picked.has(text) ? [text] : narrowerOf(text).flatMap(({ scope }) => (picked.has(scope) ? [scope] : []))));
}
