// FHIR's definitions as Heron knows them: R4 4.0.1 and US Core out of the box, more packages by `heron packages add`. Everything is read
// when first asked for.
import { join } from 'node:path';
import type {
	CompartmentFacts,
	ElementFacts,
	Json,
	PackageFacts,
	SearchParameterFacts,
	ServerFacts,
	StructureFacts,
	ValueSetFacts,
} from './facts.ts';
import { openPack } from './pack.ts';

export type CompartmentName = 'Patient' | 'Encounter' | 'Practitioner' | 'RelatedPerson' | 'Device';

export type ElementInfo = { readonly types: readonly string[]; readonly max: '1' | '*'; readonly choice: boolean };

export type Definitions = {
	/** The 146 concrete resource types, sorted. */
	readonly resourceTypes: readonly string[];
	readonly isResourceType: (name: string) => boolean;
	/** A StructureDefinition by canonical URL, with or without `|version`; base types also by name. */
	readonly structure: (url: string) => StructureFacts | undefined;
	/** What an element may hold; `typeName` is a type or a backbone path such as `Patient.contact`, `element` without `[x]`. */
	readonly elementInfo: (typeName: string, element: string) => ElementInfo | undefined;
	/** Whether a code is in a value set; undefined when that cannot be known here. A missing system matches any. */
	readonly valueSetHas: (url: string, system: string | undefined, code: string) => boolean | undefined;
	/** A ValueSet by canonical URL; of a version that is not known, the latest. */
	readonly valueSet: (url: string) => ValueSetFacts | undefined;
	readonly valueSetCodes: (url: string) => readonly { readonly system: string; readonly code: string }[] | undefined;
	readonly searchParameters: readonly SearchParameterFacts[];
	readonly compartment: (name: CompartmentName) => Readonly<Record<string, readonly string[]>>;
	/** OperationDefinition resources of the specification, by URL. */
	readonly operationDefinition: (url: string) => Json | undefined;
	/** Canonical URLs of the known profiles of a resource type. */
	readonly profilesOf: (type: string) => readonly string[];
	/** What guides ask of servers, in every version that is known. */
	readonly servers: readonly ServerFacts[];
	/** The versions in which a profile that came with a package is known, newest last; none for what is R4's own. */
	readonly versionsOf: (url: string) => readonly string[];
};

const core = 'http://hl7.org/fhir/StructureDefinition/';

/** Opens the definitions. `packages` are those added to this installation; what they have in a newer version wins over what came with Heron. */
export function loadDefinitions(packages: readonly PackageFacts[] = []): Definitions {
	const pack = openPack(join(import.meta.dirname, 'r4', 'facts'));
	const resourceTypes = pack.read<string[]>('types') ?? [];
	const typeSet = new Set(resourceTypes);
	const added = addedFacts(packages);
	const structure = remember((url: string) => newest(added.structures.get(url), pack.read<StructureFacts>(`structure ${url}`)), 512);
	const find = (url: string): StructureFacts | undefined => structure(url.includes('/') ? url : core + url) ?? latest(url);
	const latest = (url: string): StructureFacts | undefined => {
		const [bare = '', version] = url.split('|');
		const found = version === undefined ? undefined : structure(bare);
		return found !== undefined && (found.version === undefined || found.version === version || found.version.startsWith(`${version}.`))
			? found
			: undefined;
	};
	const readValueSet = (url: string): ValueSetFacts | undefined =>
		newest(added.valueSets.get(url), pack.read<ValueSetFacts>(`valueset ${url}`));
	const valueSet = remember((url: string) => readValueSet(url) ?? readValueSet(url.split('|')[0] as string), 256);
	const members = remember((url: string) => memberSets(valueSet(url)), 256);
	const elements = remember((typeName: string) => elementTable(find, typeName), 512);
	const profiles = pack.read<Record<string, string[]>>('profiles') ?? {};
	const versions = versionTable([
		...pack.names().flatMap((name) => (name.startsWith('structure ') ? [name.slice(10)] : [])),
		...added.structures.keys(),
	]);
	const compartments = pack.read<CompartmentFacts[]>('compartments') ?? [];
	let parameters: readonly SearchParameterFacts[] | undefined;
	let servers: readonly ServerFacts[] | undefined;
	return {
		resourceTypes,
		isResourceType: (name) => typeSet.has(name),
		structure: find,
		elementInfo: (typeName, element) => elements(typeName)?.get(element),
		valueSet,
		valueSetHas(url, system, code) {
			const found = members(url);
			if (found === undefined) return undefined;
			if (system === undefined ? found.any.has(code) : found.bySystem.get(system)?.has(code) === true) return true;
			const { open } = found;
			return open.length > 0 && (system === undefined || open.includes(system) || open.includes('*')) ? undefined : false;
		},
		valueSetCodes(url) {
			const facts = valueSet(url);
			return facts === undefined
				? undefined
				: Object.entries(facts.codes).flatMap(([system, codes]) => codes.map((code) => ({ system, code })));
		},
		get searchParameters() {
			parameters ??= withAdded((pack.read<SearchParameterFacts[]>('parameters') ?? []).map(widened), packages);
			return parameters;
		},
		compartment: (name) => compartments.find(({ code }) => code === name)?.params ?? {},
		operationDefinition: (url) => pack.read<Json>(`operation ${url}`),
		profilesOf: (type) => [...new Set([...(profiles[type] ?? []), ...(added.profiles.get(type) ?? [])])],
		get servers() {
			servers ??= [...(pack.read<ServerFacts[]>('servers') ?? []), ...packages.flatMap(({ servers: own = [] }) => own)];
			return servers;
		},
		versionsOf: (url) => versions.get(url) ?? [],
	};
}

function addedFacts(packages: readonly PackageFacts[]): {
	structures: Map<string, StructureFacts>;
	valueSets: Map<string, ValueSetFacts>;
	profiles: Map<string, string[]>;
} {
	const structures = new Map<string, StructureFacts>();
	const valueSets = new Map<string, ValueSetFacts>();
	const profiles = new Map<string, string[]>();
	for (const facts of packages) {
		for (const structure of facts.structures) {
			structures.set(structure.url, newest(structure, structures.get(structure.url)) as StructureFacts);
			structures.set(`${structure.url}|${structure.version ?? facts.version}`, structure);
			if (structure.kind === 'resource' && structure.derivation === 'constraint')
				profiles.set(structure.type, [...(profiles.get(structure.type) ?? []), structure.url]);
		}
		for (const valueSet of facts.valueSets) {
			valueSets.set(valueSet.url, newest(valueSet, valueSets.get(valueSet.url)) as ValueSetFacts);
			valueSets.set(`${valueSet.url}|${valueSet.version ?? facts.version}`, valueSet);
		}
	}
	return { structures, valueSets, profiles };
}

/** The one of the higher version, which a canonical URL without version stands for; the first when they are alike. */
function newest<F extends { readonly version?: string }>(a: F | undefined, b: F | undefined): F | undefined {
	if (a === undefined || b === undefined) return a ?? b;
	return (b.version ?? '').localeCompare(a.version ?? '', 'en', { numeric: true }) > 0 ? b : a;
}

/** The versions among names such as `url|version`. */
function versionTable(names: readonly string[]): Map<string, string[]> {
	const table = new Map<string, string[]>();
	for (const name of names) {
		const [url = '', version] = name.split('|');
		if (version === undefined) continue;
		const known = table.get(url) ?? [];
		if (!known.includes(version))
			table.set(
				url,
				[...known, version].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })),
			);
	}
	return table;
}

/** What Heron's own parameters find beyond those of R4, by type and code. */
const widenings: Readonly<Record<string, string>> = {
	// As in R5, where a Provenance is in the record of the one whom it is about: its target is seldom the Patient itself.
	'Provenance patient':
		"Provenance.extension.where(url = 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Provenance.patient').value.ofType(Reference)",
};

function widened(facts: SearchParameterFacts): SearchParameterFacts {
	const more = widenings[`${facts.base} ${facts.code}`];
	return more === undefined ? facts : { ...facts, expression: `${facts.expression} | ${more}` };
}

/** Parameters of added packages get numbers after the last of their type; the specification's own win over theirs. */
function withAdded(known: readonly SearchParameterFacts[], packages: readonly PackageFacts[]): SearchParameterFacts[] {
	const all = new Map(known.map((facts) => [`${facts.base} ${facts.code}`, facts]));
	const next = new Map<string, number>();
	for (const facts of packages.flatMap(({ searchParameters }) => searchParameters)) {
		const key = `${facts.base} ${facts.code}`;
		if (all.has(key)) continue;
		const number = next.get(facts.base) ?? 500;
		next.set(facts.base, number + 1);
		all.set(key, { ...facts, number });
	}
	return [...all.values()];
}

type Members = {
	readonly bySystem: ReadonlyMap<string, ReadonlySet<string>>;
	readonly any: ReadonlySet<string>;
	readonly open: readonly string[];
};

function memberSets(facts: ValueSetFacts | undefined): Members | undefined {
	if (facts === undefined) return undefined;
	const bySystem = new Map(Object.entries(facts.codes).map(([system, codes]) => [system, new Set(codes)]));
	return { bySystem, any: new Set(Object.values(facts.codes).flat()), open: facts.open ?? [] };
}

function elementTable(find: (url: string) => StructureFacts | undefined, typeName: string): ReadonlyMap<string, ElementInfo> | undefined {
	const structure = find(typeName.split('.')[0] as string);
	if (structure === undefined) return undefined;
	const table = new Map<string, ElementInfo>();
	for (const element of structure.elements) {
		const dot = element.path.lastIndexOf('.');
		if (dot < 0 || element.path.slice(0, dot) !== typeName || element.slice !== undefined) continue;
		const name = element.path.slice(dot + 1);
		const choice = name.endsWith('[x]');
		table.set(choice ? name.slice(0, -3) : name, { types: typesOf(element), max: element.array === true ? '*' : '1', choice });
	}
	return table;
}

/** Type codes; children of a backbone or of another element are named by that element's path. */
function typesOf(element: ElementFacts): string[] {
	if (element.contentRef !== undefined) return [element.contentRef];
	return (element.types ?? []).map(({ code }) => (code === 'BackboneElement' || code === 'Element' ? element.path : code));
}

/** The function with its last results kept. */
function remember<A extends string, R>(compute: (key: A) => R, capacity: number): (key: A) => R {
	const kept = new Map<A, R>();
	return (key) => {
		if (kept.has(key)) return kept.get(key) as R;
		const value = compute(key);
		if (kept.size >= capacity) kept.delete(kept.keys().next().value as A);
		kept.set(key, value);
		return value;
	};
}
