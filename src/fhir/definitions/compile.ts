// From published definitions (FHIR resources) to facts.
import type {
	CompartmentFacts,
	ConstraintFacts,
	ElementFacts,
	Json,
	SearchParameterFacts,
	ServerFacts,
	SlicingFacts,
	StructureFacts,
	TypeFacts,
	ValueSetFacts,
} from './facts.ts';

type Node = Record<string, unknown> & { resourceType?: string };

/** Constraints that every element inherits; the validator knows them without being told. */
const inherited = new Set(['ele-1', 'ext-1']);

/** Rules that were published wrong, so that no resource could keep them: this one speaks about the element around the extension. */
const errata = new Set(['http://hl7.org/fhir/StructureDefinition/allergyintolerance-substanceExposureRisk inv-1']);

const combination = 'http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination';

/** Facts of a CapabilityStatement that says what servers have to do; undefined for one about clients. */
export function serverFacts(statement: Node): ServerFacts | undefined {
	const rest = (statement.rest as { mode: string; resource?: Node[] }[] | undefined)?.find(({ mode }) => mode === 'server');
	if (rest === undefined) return undefined;
	const texts = (value: unknown): string[] => (value ?? []) as string[];
	const resources = (rest.resource ?? []).map((resource) => ({
		type: resource.type as string,
		profiles: texts(resource.supportedProfile),
		params: ((resource.searchParam ?? []) as { name: string }[]).map(({ name }) => name),
		combinations: ((resource.extension ?? []) as Extension[]).filter(({ url }) => url === combination).map(combinationFacts),
		includes: texts(resource.searchInclude),
		revincludes: texts(resource.searchRevInclude),
	}));
	return clean({ url: statement.url, version: statement.version, resources }) as ServerFacts;
}

type Extension = { readonly url: string; readonly valueString?: string; readonly extension?: readonly Extension[] };

function combinationFacts({ extension = [] }: Extension): { required: string[]; optional: string[] } {
	const of = (kind: string): string[] =>
		extension.flatMap(({ url, valueString }) => (url === kind && valueString !== undefined ? [valueString] : []));
	return { required: of('required'), optional: of('optional') };
}

/** Facts of a StructureDefinition; a text that says why when there is nothing to take them from. */
export function structureFacts(definition: Node): StructureFacts | string {
	const snapshot = definition.snapshot as { element: Node[] } | undefined;
	if (snapshot === undefined) return `${definition.url}: has no snapshot, only a differential`;
	const url = definition.url as string;
	return clean({
		url,
		version: definition.version,
		name: definition.name,
		type: definition.type,
		kind: definition.kind,
		abstract: definition.abstract === true ? true : undefined,
		base: definition.baseDefinition,
		derivation: definition.derivation,
		context: definition.type === 'Extension' ? definition.context : undefined,
		contextInvariants: definition.type === 'Extension' ? definition.contextInvariant : undefined,
		elements: snapshot.element.map((element) => elementFacts(element, url)),
	}) as StructureFacts;
}

function elementFacts(element: Node, url: string): ElementFacts {
	const path = element.path as string;
	const base = element.base as { path: string; max: string } | undefined;
	const max = maximum(element.max as string);
	return clean({
		path,
		id: element.id !== undefined && element.id !== path ? element.id : undefined,
		min: element.min ?? 0,
		max,
		array:
			base !== undefined ? (maximum(base.max) !== 1 && maximum(base.max) !== 0 ? true : undefined) : max > 1 || max < 0 ? true : undefined,
		types: isResourceId(base?.path) ? [{ code: 'id' }] : (element.type as Node[] | undefined)?.map(typeFacts),
		contentRef: (element.contentReference as string | undefined)?.replace(/^.*#/, ''),
		binding: bindingFacts(element.binding as Node | undefined),
		fixed: chosenValue(element, 'fixed'),
		pattern: chosenValue(element, 'pattern'),
		constraints: constraintsOf(element, url),
		slicing: slicingFacts(element.slicing as Node | undefined),
		slice: element.sliceName,
		maxLength: element.maxLength,
		minValue: chosenValue(element, 'minValue'),
		maxValue: chosenValue(element, 'maxValue'),
		modifier: element.isModifier === true ? true : undefined,
		mustSupport: element.mustSupport === true ? true : undefined,
		uscdi: hasExtension(element, 'http://hl7.org/fhir/us/core/StructureDefinition/uscdi-requirement'),
		summary: element.isSummary === true ? true : undefined,
	}) as ElementFacts;
}

/** The logical id of a resource is published as a string, but is an `id` (https://hl7.org/fhir/R4/resource.html#id). */
function isResourceId(basePath: string | undefined): boolean {
	return basePath === 'Resource.id';
}

function hasExtension({ extension }: Node, url: string): true | undefined {
	return (extension as { url: string }[] | undefined)?.some((one) => one.url === url) === true ? true : undefined;
}

function maximum(text: string): number {
	return text === '*' ? -1 : Number(text);
}

function typeFacts(type: Node): TypeFacts {
	const code = typeCode(type);
	const targets = unversioned(type.targetProfile);
	return clean({ code, profiles: unversioned(type.profile), targets, must: markedTargets(targets, type._targetProfile) }) as TypeFacts;
}

/** The targets that are marked as must-support, https://hl7.org/fhir/extensions/StructureDefinition-elementdefinition-type-must-support.html */
function markedTargets(targets: readonly string[] = [], beside: unknown): string[] | undefined {
	const marks = (beside ?? []) as ({ readonly extension?: readonly Node[] } | null)[];
	const url = 'http://hl7.org/fhir/StructureDefinition/elementdefinition-type-must-support';
	const marked = targets.filter((_, i) => marks[i]?.extension?.some((one) => one.url === url && one.valueBoolean === true));
	return marked.length === 0 ? undefined : marked;
}

function unversioned(urls: unknown): string[] | undefined {
	return (urls as string[] | undefined)?.map((url) => url.split('|')[0] as string);
}

/** FHIRPath system types (`http://hl7.org/fhirpath/System.String`) stand for the FHIR type named in an extension, e.g. `id`. */
function typeCode(type: Node): string {
	const code = type.code as string;
	if (!code.startsWith('http://hl7.org/fhirpath/')) return code;
	const extension = (type.extension as Node[] | undefined)?.find(
		({ url }) => url === 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type',
	);
	return (extension?.valueUrl as string | undefined) ?? (extension?.valueUri as string | undefined) ?? 'string';
}

function bindingFacts(binding: Node | undefined): ElementFacts['binding'] {
	if (binding?.valueSet === undefined) return undefined;
	if (binding.strength === 'example' || binding.strength === 'preferred') return undefined;
	const maximumSet = (binding.extension as Node[] | undefined)?.find(
		({ url }) => url === 'http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet',
	);
	const maxValueSet = (maximumSet?.valueCanonical ?? maximumSet?.valueUri) as string | undefined;
	return clean({
		strength: binding.strength,
		valueSet: (binding.valueSet as string).split('|')[0],
		maxValueSet: maxValueSet?.split('|')[0],
	}) as ElementFacts['binding'];
}

function chosenValue(element: Node, prefix: 'fixed' | 'pattern' | 'minValue' | 'maxValue'): Json | undefined {
	const name = Object.keys(element).find((key) => key.startsWith(prefix) && /^[A-Z]/.test(key.slice(prefix.length)));
	return name === undefined ? undefined : (element[name] as Json);
}

function constraintsOf(element: Node, url: string): ConstraintFacts[] | undefined {
	const found = ((element.constraint as Node[] | undefined) ?? [])
		.filter(
			({ key, expression, source }) =>
				expression !== undefined &&
				!inherited.has(key as string) &&
				!errata.has(`${url} ${key}`) &&
				belongsHere(source as string | undefined, url, element),
		)
		.map(({ key, severity, expression, human }) => ({ key, severity, expression, human }) as ConstraintFacts);
	return found.length === 0 ? undefined : found;
}

/**
 * Constraints of a datatype or of the base resource are checked where they are defined, not again at each use. Types are known by a URL that
 * ends in a capitalised name; those of profiles do not.
 */
function belongsHere(source: string | undefined, url: string, element: Node): boolean {
	if (source === undefined || source === url) return true;
	const isRoot = !(element.path as string).includes('.');
	if (isRoot) return true;
	const name = source.slice(source.lastIndexOf('/') + 1);
	return (element.path as string).split('.')[0] === name || !/^http:\/\/hl7\.org\/fhir\/StructureDefinition\/[A-Z][A-Za-z]+$/.test(source);
}

function slicingFacts(slicing: Node | undefined): SlicingFacts | undefined {
	if (slicing === undefined) return undefined;
	const discriminators = ((slicing.discriminator as Node[] | undefined) ?? []).map(({ type, path }) => ({
		type: type as string,
		path: path as string,
	}));
	return clean({ discriminators, rules: slicing.rules ?? 'open', ordered: slicing.ordered === true ? true : undefined }) as SlicingFacts;
}

/** The object without members that are undefined. */
function clean(value: Record<string, unknown>): unknown {
	return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}

/** Facts of a SearchParameter, one for each type it is about. */
export function searchParameterFacts(parameter: Node): Omit<SearchParameterFacts, 'number'>[] {
	const expression = parameter.expression as string | undefined;
	const type = parameter.type as SearchParameterFacts['type'];
	if (expression === undefined && type !== 'special') return [];
	return ((parameter.base as string[] | undefined) ?? []).map(
		(base) =>
			clean({
				url: parameter.url,
				code: parameter.code,
				type,
				base,
				expression: expression === undefined ? '' : partsFor(base, expression),
				targets: parameter.target,
				components: (parameter.component as Node[] | undefined)?.map(({ definition, expression: part }) => ({
					definition,
					expression: part,
				})),
			}) as Omit<SearchParameterFacts, 'number'>,
	);
}

/** The parts of a union expression that start at the type. */
function partsFor(type: string, expression: string): string {
	const parts = splitUnion(expression);
	const mine = parts.filter((part) => {
		const head = /^\(*\s*([A-Za-z]+)/.exec(part)?.[1];
		return head === type || head === 'Resource' || head === 'DomainResource';
	});
	return (mine.length === 0 ? parts : mine).join(' | ');
}

/** Splits at the `|` that are outside of parentheses and strings. */
function splitUnion(expression: string): string[] {
	const parts: string[] = [];
	let depth = 0;
	let quoted = false;
	let start = 0;
	for (let i = 0; i < expression.length; i++) {
		const char = expression[i];
		if (char === "'") quoted = !quoted;
		else if (quoted) continue;
		else if (char === '(') depth++;
		else if (char === ')') depth--;
		else if (char === '|' && depth === 0) {
			parts.push(expression.slice(start, i).trim());
			start = i + 1;
		}
	}
	parts.push(expression.slice(start).trim());
	return parts;
}

/** Facts of a CompartmentDefinition. */
export function compartmentFacts(definition: Node): CompartmentFacts {
	const params: Record<string, string[]> = {};
	for (const { code, param } of definition.resource as { code: string; param?: string[] }[]) if (param !== undefined) params[code] = param;
	return { code: definition.code as string, params };
}

/** Looks up published CodeSystems and ValueSets while value sets are worked out. */
export type Terminology = {
	readonly codeSystem: (url: string) => Node | undefined;
	readonly valueSet: (url: string) => Node | undefined;
};

/** Facts of a ValueSet: its codes as far as they can be listed. */
export function valueSetFacts(valueSet: Node, terminology: Terminology): ValueSetFacts {
	const { codes, open } = expand(valueSet, terminology, new Set());
	const listed = Object.fromEntries([...codes].map(([system, set]) => [system, [...set]]));
	return clean({
		url: valueSet.url,
		version: valueSet.version,
		codes: listed,
		open: open.size === 0 ? undefined : [...open],
	}) as ValueSetFacts;
}

type Expansion = { readonly codes: Map<string, Set<string>>; readonly open: Set<string> };

function expand(valueSet: Node, terminology: Terminology, visiting: Set<string>): Expansion {
	const result: Expansion = { codes: new Map(), open: new Set() };
	const url = valueSet.url as string;
	if (visiting.has(url)) return result;
	visiting.add(url);
	const compose = valueSet.compose as { include?: Node[]; exclude?: Node[] } | undefined;
	for (const include of compose?.include ?? []) addAll(result, included(include, terminology, visiting));
	for (const exclude of compose?.exclude ?? []) {
		const { codes, open } = included(exclude, terminology, visiting);
		for (const [system, set] of codes) for (const code of set) result.codes.get(system)?.delete(code);
		for (const system of open) if (result.codes.has(system)) result.open.add(system);
	}
	visiting.delete(url);
	return result;
}

function addAll(target: Expansion, { codes, open }: Expansion): void {
	for (const [system, set] of codes) target.codes.set(system, new Set([...(target.codes.get(system) ?? []), ...set]));
	for (const system of open) target.open.add(system);
}

function included(include: Node, terminology: Terminology, visiting: Set<string>): Expansion {
	const system = include.system as string | undefined;
	const imports = ((include.valueSet as string[] | undefined) ?? []).map((url) => {
		const found = terminology.valueSet(url.split('|')[0] as string);
		return found === undefined ? { codes: new Map(), open: new Set(['*']) } : expand(found, terminology, visiting);
	});
	const own = system === undefined ? undefined : ownCodes(include, system, terminology);
	const all: Expansion[] = own === undefined ? imports : [own, ...imports];
	return all.length === 0 ? { codes: new Map(), open: new Set() } : all.reduce(intersect);
}

function intersect(a: Expansion, b: Expansion): Expansion {
	const codes = new Map<string, Set<string>>();
	const wild = (side: Expansion, system: string): boolean => side.open.has(system) || side.open.has('*');
	for (const [system, set] of a.codes) {
		const other = b.codes.get(system);
		codes.set(system, wild(b, system) ? set : new Set([...set].filter((code) => other?.has(code))));
	}
	const open = new Set([...a.open].filter((system) => wild(b, system)));
	return { codes, open };
}

function ownCodes(include: Node, system: string, terminology: Terminology): Expansion {
	const concepts = include.concept as { code: string }[] | undefined;
	if (concepts !== undefined) return { codes: new Map([[system, new Set(concepts.map(({ code }) => code))]]), open: new Set() };
	const codeSystem = terminology.codeSystem(system);
	if (codeSystem === undefined || codeSystem.content !== 'complete') return { codes: new Map(), open: new Set([system]) };
	let concept = flatten((codeSystem.concept as Concept[] | undefined) ?? [], []);
	for (const filter of (include.filter as { property: string; op: string; value: string }[] | undefined) ?? []) {
		const kept = filtered(concept, filter);
		if (kept === undefined) return { codes: new Map(), open: new Set([system]) };
		concept = kept;
	}
	return { codes: new Map([[system, new Set(concept.map(({ code }) => code))]]), open: new Set() };
}

type Concept = {
	code: string;
	concept?: Concept[];
	property?: { code: string; valueCode?: string; valueString?: string; valueBoolean?: boolean }[];
};
type Flat = { code: string; ancestors: readonly string[]; concept: Concept };

function flatten(concepts: readonly Concept[], ancestors: readonly string[]): Flat[] {
	const parents = (concept: Concept): string[] =>
		(concept.property ?? [])
			.filter(({ code }) => code === 'subsumedBy' || code === 'parent')
			.flatMap(({ valueCode }) => (valueCode === undefined ? [] : [valueCode]));
	const flat: Flat[] = [];
	const walk = (list: readonly Concept[], above: readonly string[]): void => {
		for (const concept of list) {
			const chain = [...above, ...parents(concept)];
			flat.push({ code: concept.code, ancestors: chain, concept });
			walk(concept.concept ?? [], [...chain, concept.code]);
		}
	};
	walk(concepts, ancestors);
	const byCode = new Map(flat.map((entry) => [entry.code, entry]));
	return flat.map((entry) => ({ ...entry, ancestors: closure(entry, byCode) }));
}

function closure(entry: Flat, byCode: ReadonlyMap<string, Flat>): string[] {
	const seen = new Set<string>();
	const queue = [...entry.ancestors];
	for (let code = queue.pop(); code !== undefined; code = queue.pop()) {
		if (seen.has(code)) continue;
		seen.add(code);
		queue.push(...(byCode.get(code)?.ancestors ?? []));
	}
	return [...seen];
}

function filtered(concepts: readonly Flat[], { property, op, value }: { property: string; op: string; value: string }): Flat[] | undefined {
	if (property === 'concept' || property === 'code') {
		if (op === 'is-a') return concepts.filter(({ code, ancestors }) => code === value || ancestors.includes(value));
		if (op === 'descendent-of') return concepts.filter(({ ancestors }) => ancestors.includes(value));
		if (op === 'is-not-a') return concepts.filter(({ code, ancestors }) => code !== value && !ancestors.includes(value));
	}
	if (op === '=') {
		return concepts.filter(({ concept }) =>
			concept.property?.some((held) => held.code === property && String(held.valueCode ?? held.valueString ?? held.valueBoolean) === value),
		);
	}
	return undefined;
}
