// From a resource to its index row, by one JavaScript function per type, generated from the search parameters' expressions. Expressions
// that are more than paths run through the FHIRPath compiler.
import { Problem } from '#base/problem.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { compileAst, compilePath } from '#fhir/path/compile.ts';
import { type Ast, parsePath } from '#fhir/path/parse.ts';
import { suffixOf, Typed } from '#fhir/path/values.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Path, pathsOf, type Step } from '#fhir/search/paths.ts';
import type { SearchParam, SearchRegistry } from '#fhir/search/registry.ts';
import { Collector, type Inner, localReference, partsOf, relativeReference } from './collector.ts';
import { paramSalt } from './keys.ts';
import { type Extract, foundByParts } from './layout.ts';
import { createMemory } from './memory.ts';

/** The extractor for all types; a type's function is made when it is first needed. `base` is the server's own FHIR base url. */
export function createExtractor(registry: SearchRegistry, definitions: Definitions, base = ''): Extract {
	const memory = createMemory((reference) => localReference(reference, base));
	const collectOf = collectors((type) => generate(registry, definitions, type, base));
	const plain: SearchRegistry = {
		...registry,
		params: registry.plain,
		param: (type, code) => registry.plain(type).get(code),
		hot: () => ({}),
	};
	const collectInner = collectors((type) => generate(plain, definitions, type, base));
	const innerOf = (resource: Resource): Inner | undefined => {
		const { contained } = resource as { contained?: (Resource | null)[] };
		if (!Array.isArray(contained)) return undefined;
		return (id) => {
			const inner = contained.find((one) => one?.id === id);
			if (inner === undefined || inner === null || !definitions.isResourceType(inner.resourceType)) return undefined;
			const collector = new Collector(memory, base);
			collectInner(inner.resourceType)(inner, collector);
			return { type: inner.resourceType, row: collector.row() };
		};
	};
	return (resource, id = resource.id) => {
		const { resourceType } = resource;
		const collector = new Collector(memory, base, innerOf(resource));
		if (resourceType === 'Patient' && id !== undefined) collector.self(`Patient/${id}`);
		collectOf(resourceType)(resource, collector);
		collector.whole(resource);
		if (foundByParts.has(resourceType)) collector.together();
		return collector.row();
	};
}

type Collect = (resource: Resource, collector: Collector) => void;

/** The functions of the types, each made when it is first needed. */
function collectors(make: (type: string) => Collect): (type: string) => Collect {
	const made = new Map<string, Collect>();
	return (type) => {
		let collect = made.get(type);
		if (collect === undefined) {
			collect = make(type);
			made.set(type, collect);
		}
		return collect;
	};
}

/** The references ("Type/id", with its version when it has one, or absolute url) and canonical urls that a resource has by a parameter. */
export function referencesOf(param: SearchParam, base = ''): (resource: Resource) => string[] {
	const path = compilePath(param.expression);
	return (resource) =>
		path(resource, { resource }).flatMap((item) => {
			const reference = typeof item === 'string' ? item : (item as { reference?: unknown } | null)?.reference;
			if (typeof reference !== 'string' || reference.startsWith('#')) return [];
			return [typeof item === 'string' ? reference : relativeReference(reference, base)];
		});
}

function generate(
	registry: SearchRegistry,
	definitions: Definitions,
	type: string,
	base: string,
): (resource: Resource, collector: Collector) => void {
	const writer = new Writer(definitions, registry, type, base);
	// The parameter that fills column pat goes first, so that later ones know the patient.
	const params = [...registry.params(type).values()].toSorted((a, b) => first(a, registry, type) - first(b, registry, type));
	for (const param of params) writer.param(param);
	const make = new Function('helpers', `"use strict";\nreturn function collect(r, c) {\n${writer.code()}};`) as (
		helpers: readonly unknown[],
	) => (resource: Resource, collector: Collector) => void;
	return make(writer.helpers);
}

function first(param: SearchParam, registry: SearchRegistry, type: string): number {
	return param.code === registry.hot(type).patient ? 0 : param.storage.in === 'patient' ? 1 : 2;
}

/** Writes the body of a type's function. */
class Writer {
	readonly helpers: unknown[] = [];
	readonly #definitions: Definitions;
	readonly #registry: SearchRegistry;
	readonly #type: string;
	readonly #base: string;
	readonly #lines: string[] = [];
	#names = 0;

	constructor(definitions: Definitions, registry: SearchRegistry, type: string, base: string) {
		this.#definitions = definitions;
		this.#registry = registry;
		this.#type = type;
		this.#base = base;
	}

	code(): string {
		return this.#lines.join('\n');
	}

	param(param: SearchParam): void {
		const { storage } = param;
		if (storage.in === 'union' || storage.in === 'column') return;
		if (param.type === 'composite') {
			if (storage.in === 'composite' && storage.pair !== undefined) this.#composite(param, storage.pair);
			return;
		}
		const patient = this.#registry.hot(this.#type).patient;
		// `patient` and `subject` are the same element: its values are stored once, under each name that is not the column's.
		const { paths } = param;
		if (paths === undefined) this.#general(param, patient);
		else for (const path of paths) this.#walk(param, path, patient);
	}

	#composite(param: SearchParam, pair: readonly [number, number]): void {
		const [first, second] = pair.map((at) => (param.components ?? [])[at]);
		if (first === undefined || second === undefined) return;
		const base = this.#base;
		const parts = ({ param: { type }, expression }: typeof first): ((element: Json, resource: unknown) => unknown[]) => {
			const values = valuesBy(expression);
			return (element, resource) => {
				const found = values(element, resource);
				return found.length === 0 ? found : found.flatMap((value) => partsOf(type as 'token', value, base));
			};
		};
		const each = elementsBy(param.expression, this.#type);
		const helper = this.helpers.push({ each, first: parts(first), second: parts(second) }) - 1;
		this.#lines.push(
			`{ const h = helpers[${helper}]; for (const v of h.each(r)) { const b = h.second(v, r); if (b.length > 0) c.composite(${param.number}, ${JSON.stringify(param.code)}, h.first(v, r), b); } }`,
		);
	}

	/** Through the FHIRPath compiler; what a value is shows in its shape. */
	#general(param: SearchParam, patient: string | undefined): void {
		const ast = parsePath(param.expression);
		const run = compileAst(ast);
		const types = [...new Set(this.#typesOf(ast))];
		const evaluate = (resource: unknown): { kind: string; value: unknown }[] =>
			itemsOf(run, resource).flatMap((item) => {
				const value = item instanceof Typed ? item.value : item;
				return value === undefined || value === null ? [] : [{ kind: shapeOf(item, types), value }];
			});
		const helper = this.helpers.push(evaluate) - 1;
		const kinds =
			types.length > 0
				? types
				: [
						'Resource',
						'CodeableConcept',
						'Coding',
						'Identifier',
						'Reference',
						'Quantity',
						'Range',
						'Period',
						'Timing',
						'HumanName',
						'Address',
						'ContactPoint',
						'string',
						'dateTime',
						'boolean',
						'decimal',
						'code',
						'uri',
					];
		const cases = kinds
			// What is only known to be a string may as well be a code.
			.map((kind) => [kind, this.#leaf(param, param.type === 'token' && kind === 'string' ? 'code' : kind, 'v', '', patient)] as const)
			.filter(([, code]) => code !== '')
			.map(([kind, code]) => `case ${JSON.stringify(kind)}: ${code}; break;`);
		this.#lines.push(`for (const { kind, value: v } of helpers[${helper}](r)) switch (kind) { ${cases.join(' ')} }`);
	}

	/** Types an expression may give, as far as its paths say. */
	#typesOf(ast: Ast): string[] {
		const paths = pathsOf(this.#definitions, this.#type, ast);
		return paths === undefined ? [] : paths.flatMap(({ types }) => types);
	}

	/** Nested loops down a path. */
	#walk(param: SearchParam, path: Path, patient: string | undefined): void {
		const last = path.steps.findLastIndex((step) => 'name' in step);
		const lastStep = path.steps[last];
		if (lastStep === undefined || !('name' in lastStep)) return;
		// A choice element is as many members as it has types.
		const members = path.types.map((end): [string, string] => [path.choice ? lastStep.name + suffixOf(end) : lastStep.name, end]);
		const seen = new Set<string>();
		for (const [member, end] of members) {
			if (seen.has(member)) continue;
			seen.add(member);
			const leaf = (name: string): string => this.#leaf(param, end, name, path.system, patient, path);
			if (leaf('x') === '') continue;
			const steps = path.steps.map((step, index) => (index === last ? { name: member, many: lastStep.many } : step));
			this.#lines.push(this.#loops(steps, 'r', leaf));
		}
	}

	#loops(steps: readonly Step[], holder: string, leaf: (name: string) => string): string {
		const [step, ...rest] = steps;
		if (step === undefined) return leaf(holder);
		if ('where' in step)
			return `if (${holder}[${JSON.stringify(step.where)}] === ${JSON.stringify(step.is)}) { ${this.#loops(rest, holder, leaf)} }`;
		const name = `v${this.#names++}`;
		const access = `${holder}.${step.name}`;
		const inner = this.#loops(rest, name, leaf);
		const guard = `${name} !== null && ${name} !== undefined`;
		if (!step.many) return `{ const ${name} = ${access}; if (${guard}) { ${inner} } }`;
		return `if (Array.isArray(${access})) for (const ${name} of ${access}) if (${guard}) { ${inner} }`;
	}

	/** The call for one value of a FHIR type; '' when the parameter has no use for it. */
	#leaf(param: SearchParam, type: string, v: string, system: string, patient: string | undefined, path?: Path): string {
		const p = param.number;
		const code = JSON.stringify(param.code);
		const hot = param.storage.in === 'code' || param.storage.in === 'date' || param.storage.in === 'quantity';
		switch (param.type) {
			case 'token':
				return param.mime ? `c.mime(${p}, ${code}, ${v})` : tokenLeaf(p, code, type, v, system, hot);
			case 'string':
				return type === 'string' && lastName(path) === 'family' ? `c.family(${p}, ${code}, ${v})` : stringLeaf(p, code, type, v);
			case 'uri':
				if (complex(type)) return '';
				return param.storage.in === 'keys'
					? `c.uriKey(${p}, ${code}, ${v}, ${param.code === '_profile'})`
					: `c.uri(${p}, ${v}, ${param.code === 'url'})`;
			case 'date':
				return type === 'Period'
					? `c.period(${p}, ${v}, ${hot})`
					: type === 'Timing'
						? `c.timing(${p}, ${v}, ${hot})`
						: complex(type)
							? ''
							: `c.date(${p}, ${v}, ${hot})`;
			case 'number':
				return complex(type) ? '' : `c.number(${p}, ${v})`;
			case 'quantity':
				return type === 'Range' ? `c.quantityRange(${p}, ${v})` : quantities.has(type) ? `c.quantity(${p}, ${code}, ${v}, ${hot})` : '';
			case 'reference':
				return this.#referenceLeaf(param, type, v, patient, path?.target);
			case 'special':
				return param.code === 'near' ? `c.position(${p}, ${v})` : '';
			default:
				return '';
		}
	}

	#referenceLeaf(param: SearchParam, type: string, v: string, patient: string | undefined, target: string | undefined): string {
		const code = JSON.stringify(param.code);
		const salt = JSON.stringify(paramSalt(param.code));
		const fills = patient !== undefined && param.storage.in === 'patient';
		if (type === 'Resource') return `c.nested(${param.number}, ${salt}, ${v}, ${JSON.stringify(param.targets)})`;
		if (type !== 'Reference') return complex(type) ? '' : `c.canonical(${param.number}, ${salt}, ${v})`;
		const call = `c.reference(${param.number}, ${code}, ${salt}, ${v}, ${fills})`;
		return target === undefined ? call : `if (c.isTo(${v}, ${JSON.stringify(target)}, r)) ${call}`;
	}
}

type Json = Record<string, unknown>;

const nothing: unknown[] = [];

function listOf(value: unknown): unknown[] {
	return value === undefined || value === null ? nothing : Array.isArray(value) ? value : [value];
}

/** The elements that a composite is about: mostly the resource itself or what one of its members holds. */
function elementsBy(expression: string, type: string): (resource: Json) => unknown[] {
	if (expression === type) return (resource) => [resource];
	const member = expression.startsWith(`${type}.`) ? expression.slice(type.length + 1) : '';
	if (/^[a-z]\w*$/.test(member)) return (resource) => listOf(resource[member]).filter((one) => typeof one === 'object' && one !== null);
	const path = compilePath(expression);
	return (resource) => path(resource, { resource });
}

/** The values of a composite's component: mostly a member of the element, or one that `value[x]` stands for. */
function valuesBy(expression: string): (element: Json, resource: unknown) => unknown[] {
	if (/^[a-z]\w*$/.test(expression) && expression !== 'value') return (element) => listOf(element[expression]);
	const choices = expression.split(' | ').map((one) => /^value\.ofType\((Quantity|Range|CodeableConcept)\)$/.exec(one)?.[1]);
	if (choices.every((choice) => choice !== undefined)) {
		const names = choices.map((choice) => `value${choice}`);
		return (element) => {
			const name = names.find((one) => element[one] !== undefined);
			return name === undefined ? nothing : listOf(element[name]);
		};
	}
	const path = compilePath(expression);
	return (element, resource) => path(element, { resource });
}

const quantities = new Set(['Quantity', 'Age', 'Duration', 'Count', 'Distance', 'Money', 'SimpleQuantity', 'MoneyQuantity']);

function lastName(path: Path | undefined): string | undefined {
	const last = path?.steps.at(-1);
	return last !== undefined && 'name' in last ? last.name : undefined;
}

function complex(type: string): boolean {
	return /^[A-Z]/.test(type);
}

function tokenLeaf(p: number, code: string, type: string, v: string, system: string, hot: boolean): string {
	switch (type) {
		case 'CodeableConcept':
			return `c.concept(${p}, ${code}, ${v}, ${hot})`;
		case 'Coding':
			return `c.coding(${p}, ${code}, ${v}, ${hot})`;
		case 'Identifier':
			return `c.identifier(${p}, ${code}, ${v})`;
		case 'ContactPoint':
			return `c.contact(${p}, ${code}, ${v})`;
		case 'string':
		case 'markdown':
			return `c.folded(${p}, ${code}, ${v})`;
		default:
			return complex(type) ? '' : `c.symbol(${p}, ${code}, ${v}, ${JSON.stringify(system)}, ${hot})`;
	}
}

function stringLeaf(p: number, code: string, type: string, v: string): string {
	if (type === 'HumanName') return `c.strings(${p}, ${code}, ${v}, ['family', 'given', 'prefix', 'suffix', 'text'])`;
	if (type === 'Address') return `c.strings(${p}, ${code}, ${v}, ['line', 'city', 'district', 'state', 'postalCode', 'country', 'text'])`;
	if (type === 'CodeableConcept') return `c.strings(${p}, ${code}, ${v}, ['text'])`;
	return complex(type) ? '' : `c.string(${p}, ${code}, ${v})`;
}

/** What an expression gives; nothing for a resource on which it would cost too much. */
function itemsOf(run: ReturnType<typeof compileAst>, resource: unknown): unknown[] {
	try {
		return run([resource], { env: { resource } });
	} catch (error) {
		if (error instanceof Problem) return [];
		throw error;
	}
}

/** What a value is, among the types an expression may give. */
function shapeOf(item: unknown, types: readonly string[]): string {
	const { type, value } = item instanceof Typed ? item : { type: undefined, value: item };
	if (type !== undefined) return type;
	if (typeof value === 'boolean') return 'boolean';
	if (typeof value === 'number' || value instanceof Number) return 'decimal';
	if (typeof value === 'string') return types.find((name) => !complex(name)) ?? (/^\d{4}(-\d\d)?/.test(value) ? 'dateTime' : 'string');
	const has = (name: string): boolean => Object.hasOwn(value as object, name);
	if (has('resourceType')) return 'Resource';
	if (types.length === 1) return types[0] as string;
	if (has('coding')) return 'CodeableConcept';
	if (has('reference')) return 'Reference';
	if (has('start') || has('end')) return 'Period';
	if (has('low') || has('high')) return 'Range';
	if (has('repeat') || has('event')) return 'Timing';
	if (has('family') || has('given')) return 'HumanName';
	if (has('city') || has('line') || has('postalCode')) return 'Address';
	if (has('value') && typeof (value as { value: unknown }).value !== 'string') return 'Quantity';
	if (has('value')) return has('use') && !has('type') && types.includes('ContactPoint') ? 'ContactPoint' : 'Identifier';
	return has('code') ? 'Coding' : 'CodeableConcept';
}
