// A CodeSystem's concepts as a list with their ancestors, and the filters of value sets over them.
// https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/valueset-filter-operator.html

export type Property = { readonly code?: string; readonly [value: string]: unknown };
export type Designation = { readonly language?: string; readonly use?: object; readonly value?: string };
export type Defined = {
	readonly code?: string;
	readonly display?: string;
	readonly definition?: string;
	readonly designation?: readonly Designation[];
	readonly property?: readonly Property[];
	readonly concept?: readonly Defined[];
};

export type CodeSystem = {
	readonly url?: string;
	readonly version?: string;
	readonly name?: string;
	readonly content?: string;
	readonly caseSensitive?: boolean;
	readonly concept?: readonly Defined[];
};

/** A concept and the codes of everything above it. */
export type Placed = { readonly code: string; readonly defined: Defined; readonly ancestors: ReadonlySet<string> };

export type Filter = { readonly property?: string; readonly op?: string; readonly value?: string };

/** The concepts in the order of the CodeSystem. What stands below a concept, by nesting or by a property `parent` or `subsumedBy`, has it among its ancestors. */
export function conceptsOf({ concept = [] }: CodeSystem): Map<string, Placed> {
	const parents = new Map<string, string[]>();
	const defined = new Map<string, Defined>();
	const walk = (list: readonly Defined[], above: string | undefined): void => {
		for (const one of list) {
			if (one.code === undefined) continue;
			const named = (one.property ?? []).flatMap(({ code, valueCode }) =>
				(code === 'parent' || code === 'subsumedBy') && typeof valueCode === 'string' ? [valueCode] : [],
			);
			defined.set(one.code, one);
			parents.set(one.code, [...(parents.get(one.code) ?? []), ...named, ...(above === undefined ? [] : [above])]);
			walk(one.concept ?? [], one.code);
		}
	};
	walk(concept, undefined);
	return new Map([...defined].map(([code, one]) => [code, { code, defined: one, ancestors: ancestorsOf(code, parents) }]));
}

function ancestorsOf(code: string, parents: ReadonlyMap<string, readonly string[]>): Set<string> {
	const found = new Set<string>(parents.get(code));
	for (const parent of found) for (const next of parents.get(parent) ?? []) found.add(next);
	return found;
}

/** Whether a concept may not be chosen: it only groups others. */
export function isAbstract({ property = [] }: Defined): boolean {
	return property.some(({ code, valueBoolean }) => (code === 'notSelectable' || code === 'abstract') && valueBoolean === true);
}

/** Whether a concept is no longer for use. */
export function isInactive({ property = [] }: Defined): boolean {
	return property.some(
		({ code, valueBoolean, valueCode }) =>
			(code === 'inactive' && valueBoolean === true) ||
			(code === 'status' && (valueCode === 'retired' || valueCode === 'inactive')) ||
			(code === 'deprecated' && valueBoolean === true),
	);
}

/** The concepts that a filter lets through; undefined when it cannot be worked out here. */
export function filtered(concepts: readonly Placed[], { property = '', op, value = '' }: Filter): readonly Placed[] | undefined {
	const hierarchical = property === 'concept' || property === 'code';
	const held = ({ defined, code }: Placed): string[] => (hierarchical ? [code] : propertyValues(defined, property));
	const listed = new Set(value.split(',').map((one) => one.trim()));
	switch (op) {
		case 'is-a':
			return hierarchical ? concepts.filter(({ code, ancestors }) => code === value || ancestors.has(value)) : undefined;
		case 'descendent-of':
			return hierarchical ? concepts.filter(({ ancestors }) => ancestors.has(value)) : undefined;
		case 'is-not-a':
			return hierarchical ? concepts.filter(({ code, ancestors }) => code !== value && !ancestors.has(value)) : undefined;
		case '=':
			return concepts.filter((one) => held(one).includes(value));
		case 'in':
			return concepts.filter((one) => held(one).some((text) => listed.has(text)));
		case 'not-in':
			return concepts.filter((one) => !held(one).some((text) => listed.has(text)));
		case 'exists':
			return concepts.filter((one) => held(one).length > 0 === (value !== 'false'));
		default:
			return undefined;
	}
}

function propertyValues(defined: Defined, name: string): string[] {
	if (name === 'display') return defined.display === undefined ? [] : [defined.display];
	return (defined.property ?? []).flatMap(({ code, ...values }) => {
		if (code !== name) return [];
		const value = Object.entries(values).find(([key]) => key.startsWith('value'))?.[1];
		const coded = (value as { code?: unknown } | null | undefined)?.code;
		return value === undefined ? [] : [String(typeof coded === 'string' ? coded : value)];
	});
}
