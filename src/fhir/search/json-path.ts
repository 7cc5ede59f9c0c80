// The paths of a token or reference parameter as SQL/JSON paths to the texts to sort by.
import { suffixOf } from '#fhir/path/values.ts';
import type { Path } from './paths.ts';
import type { SearchParam } from './registry.ts';

/** What is below a value of a type: its code or value, and what to take when it has none. */
const below: Readonly<Record<string, readonly [string, string?]>> = {
	CodeableConcept: ['.coding.code', '.text'],
	Coding: ['.code', '.display'],
	Identifier: ['.value'],
	ContactPoint: ['.value'],
	Reference: ['.reference'],
};

export type SortPaths = { readonly codes: readonly string[]; readonly texts: readonly string[] };

/** Such as `$.category.coding.code`; `texts` count where there are no codes. Both are empty when the expression is more than paths. */
export function sortPathsOf(param: SearchParam): SortPaths {
	const codes: string[] = [];
	const texts: string[] = [];
	for (const path of param.paths ?? []) {
		for (const [member, type] of endsOf(path)) {
			const at = jsonPath(path, member);
			const [code, text] = below[type] ?? (/^[a-z]/.test(type) ? [''] : []);
			if (code !== undefined) codes.push(at + code + onlyTo(path.target));
			if (text !== undefined) texts.push(at + text);
		}
	}
	return { codes, texts };
}

/** References to a type alone. */
function onlyTo(target: string | undefined): string {
	return target === undefined ? '' : ` ? (@ like_regex "(^|/)${target}/[A-Za-z0-9.-]+(/_history/[A-Za-z0-9.-]+)?$")`;
}

/** The member at the end of a path with its type; a choice element is as many members as it has types. */
function endsOf({ steps, types, choice }: Path): [member: string, type: string][] {
	const last = steps.findLast((step) => 'name' in step);
	if (last === undefined) return [];
	return types.map((type) => [choice ? last.name + suffixOf(type) : last.name, type]);
}

function jsonPath({ steps }: Path, member: string): string {
	const last = steps.findLastIndex((step) => 'name' in step);
	const texts = steps.map((step, i) =>
		'name' in step ? `.${i === last ? member : step.name}` : ` ? (@.${step.where} == ${JSON.stringify(step.is)})`,
	);
	return `$${texts.join('')}`;
}
