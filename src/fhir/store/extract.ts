// From a resource to its index row, by one JavaScript function per type, generated from the search parameters' expressions. Expressions
// that are more than paths run through the FHIRPath compiler.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { compileAst, compilePath } from '#fhir/path/compile.ts';
import { type Ast, parsePath } from '#fhir/path/parse.ts';
import { suffixOf } from '#fhir/path/values.ts';
import type { Resource } from '#fhir/resource.ts';
import type { SearchParam, SearchRegistry } from '#fhir/search/registry.ts';
import { Collector, localReference, partsOf, rememberKeys } from './collector.ts';
import { paramSalt } from './keys.ts';
import type { IndexRow } from './layout.ts';

export type Extract = (resource: Resource) => IndexRow;

type Step = { readonly name: string; readonly many: boolean } | { readonly where: string; readonly is: string };
type Path = { readonly steps: readonly Step[]; readonly types: readonly string[]; readonly system: string; readonly choice: boolean };

/** The extractor for all types; a type's function is made when it is first needed. `base` is the server's own FHIR base url. */
export function createExtractor(registry: SearchRegistry, definitions: Definitions, base = ''): Extract {
	const made = new Map<string, (resource: Resource, collector: Collector) => void>();
	const keyOf = rememberKeys();
	return (resource) => {
		const { resourceType } = resource;
		let collect = made.get(resourceType);
		if (collect === undefined) {
			collect = generate(registry, definitions, resourceType);
			made.set(resourceType, collect);
		}
		const collector = new Collector(keyOf, base);
		if (resourceType === 'Patient' && resource.id !== undefined) collector.self(`Patient/${resource.id}`);
		collect(resource, collector);
		return collector.row();
	};
}

/** The references ("Type/id" or absolute url) that a resource makes by a parameter. */
export function referencesOf(registry: SearchRegistry, type: string, code: string, base = ''): (resource: Resource) => string[] {
	const param = registry.param(type, code);
	if (param === undefined || param.type !== 'reference') return () => [];
	const path = compilePath(param.expression);
	return (resource) =>
		path(resource, { resource }).flatMap((item) => {
			const reference = typeof item === 'string' ? item : (item as { reference?: unknown } | null)?.reference;
			if (typeof reference !== 'string' || reference.startsWith('#')) return [];
			return [localReference(reference, base) ?? reference];
		});
}

function generate(registry: SearchRegistry, definitions: Definitions, type: string): (resource: Resource, collector: Collector) => void {
	const writer = new Writer(definitions, registry, type);
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
	readonly #lines: string[] = [];
	#names = 0;

	constructor(definitions: Definitions, registry: SearchRegistry, type: string) {
		this.#definitions = definitions;
		this.#registry = registry;
		this.#type = type;
	}

	code(): string {
		return this.#lines.join('\n');
	}

	param(param: SearchParam): void {
		const { storage } = param;
		if (storage.in === 'union' || storage.in === 'column') return;
		if (param.type === 'composite') {
			if (storage.in === 'composite' && storage.how === 'pairs') this.#composite(param);
			return;
		}
		if (param.type === 'special') return;
		const patient = this.#registry.hot(this.#type).patient;
		// `patient` and `subject` are the same element: its values are stored once, under each name that is not the column's.
		const paths = this.#paths(param.expression);
		if (paths === undefined) this.#general(param, patient);
		else for (const path of paths) this.#walk(param, path, patient);
	}

	#composite(param: SearchParam): void {
		const [first, second] = param.components ?? [];
		if (first === undefined || second === undefined) return;
		const helper =
			this.helpers.push({
				each: compilePath(param.expression),
				first: compilePath(first.expression),
				second: compilePath(second.expression),
				partsOf,
			}) - 1;
		const names = JSON.stringify([first.param.code, second.param.code]);
		this.#lines.push(
			`{ const h = helpers[${helper}], n = ${names}; for (const v of h.each(r, { resource: r })) c.composite(${param.number}, ${JSON.stringify(param.code)}, h.first(v, { resource: r }).flatMap((x) => h.partsOf(n[0], x)), h.second(v, { resource: r }).flatMap((x) => h.partsOf(n[1], x))); }`,
		);
	}

	/** Through the FHIRPath compiler; what a value is shows in its shape. */
	#general(param: SearchParam, patient: string | undefined): void {
		const ast = parsePath(param.expression);
		const run = compileAst(ast);
		const types = [...new Set(this.#typesOf(ast))];
		const evaluate = (resource: unknown): unknown[] => run([resource], { env: { resource }, self: resource, index: 0, total: [] });
		const helper = this.helpers.push({ evaluate, shape: (value: unknown) => shapeOf(value, types) }) - 1;
		const kinds =
			types.length > 0
				? types
				: [
						'CodeableConcept',
						'Coding',
						'Identifier',
						'Reference',
						'Quantity',
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
			.map((kind) => [kind, this.#leaf(param, kind, 'v', '', patient)] as const)
			.filter(([, code]) => code !== '')
			.map(([kind, code]) => `case ${JSON.stringify(kind)}: ${code}; break;`);
		this.#lines.push(
			`for (const b of helpers[${helper}].evaluate(r)) { const v = b !== null && typeof b === 'object' && b.constructor.name === 'Typed' ? b.value : b; if (v === undefined) continue; switch (helpers[${helper}].shape(b)) { ${cases.join(' ')} } }`,
		);
	}

	/** Types an expression may give, as far as its paths say. */
	#typesOf(ast: Ast): string[] {
		const paths = pathsOf(this.#definitions, this.#type, ast);
		return paths === undefined ? [] : paths.flatMap(({ types }) => types);
	}

	#paths(expression: string): readonly Path[] | undefined {
		return pathsOf(this.#definitions, this.#type, parsePath(expression));
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
			const leaf = (name: string): string => this.#leaf(param, end, name, path.system, patient);
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
	#leaf(param: SearchParam, type: string, v: string, system: string, patient: string | undefined): string {
		const p = param.number;
		const code = JSON.stringify(param.code);
		const hot = param.storage.in === 'code' || param.storage.in === 'date' || param.storage.in === 'quantity';
		switch (param.type) {
			case 'token':
				return tokenLeaf(p, code, type, v, system, hot);
			case 'string':
				return stringLeaf(p, code, type, v);
			case 'uri':
				if (complex(type)) return '';
				return param.storage.in === 'keys' ? `c.uriKey(${p}, ${code}, ${v})` : `c.uri(${p}, ${v})`;
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
				return this.#referenceLeaf(param, type, v, patient);
			default:
				return '';
		}
	}

	#referenceLeaf(param: SearchParam, type: string, v: string, patient: string | undefined): string {
		const code = JSON.stringify(param.code);
		const salt = JSON.stringify(paramSalt(param.code));
		const fills = patient !== undefined && param.storage.in === 'patient';
		if (type === 'Reference') {
			const only =
				param.targets.length === 1 && param.code === 'patient'
					? `if (typeof ${v}.reference !== 'string' || /(^|\\/)Patient\\/[^/]+(\\/_history\\/[^/]+)?$/.test(${v}.reference)) `
					: '';
			return `${only}c.reference(${param.number}, ${code}, ${salt}, ${v}, ${fills})`;
		}
		return complex(type) ? '' : `c.canonical(${param.number}, ${salt}, ${v})`;
	}
}

const quantities = new Set(['Quantity', 'Age', 'Duration', 'Count', 'Distance', 'Money', 'SimpleQuantity', 'MoneyQuantity']);

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

/** What a value is, among the types an expression may give. */
function shapeOf(item: unknown, types: readonly string[]): string {
	const { type, value } =
		item !== null && typeof item === 'object' && item.constructor.name === 'Typed'
			? (item as { type?: string; value: unknown })
			: { type: undefined, value: item };
	if (type !== undefined) return type;
	if (typeof value === 'boolean') return 'boolean';
	if (typeof value === 'number') return 'decimal';
	if (typeof value === 'string') return types.find((name) => !complex(name)) ?? (/^\d{4}(-\d\d)?/.test(value) ? 'dateTime' : 'string');
	const keys = Object.keys(value as object);
	const has = (name: string): boolean => keys.includes(name);
	if (types.length === 1) return types[0] as string;
	if (has('coding')) return 'CodeableConcept';
	if (has('reference')) return 'Reference';
	if (has('start') || has('end')) return 'Period';
	if (has('repeat') || has('event')) return 'Timing';
	if (has('family') || has('given')) return 'HumanName';
	if (has('city') || has('line') || has('postalCode')) return 'Address';
	if (has('value') && typeof (value as { value: unknown }).value === 'number') return 'Quantity';
	if (has('value')) return has('use') && !has('type') && types.includes('ContactPoint') ? 'ContactPoint' : 'Identifier';
	return has('code') ? 'Coding' : 'CodeableConcept';
}

/** The paths of an expression, undefined when it is more than paths. */
function pathsOf(definitions: Definitions, type: string, ast: Ast): Path[] | undefined {
	if (ast.kind === 'binary' && ast.op === '|') {
		const left = pathsOf(definitions, type, ast.left);
		const right = pathsOf(definitions, type, ast.right);
		return left === undefined || right === undefined ? undefined : [...left, ...right];
	}
	const path = pathOf(definitions, type, ast);
	return path === undefined ? undefined : [path];
}

type Walked = { readonly steps: readonly Step[]; readonly at: readonly string[]; readonly system: string; readonly choice: boolean };

function pathOf(definitions: Definitions, type: string, ast: Ast): Path | undefined {
	const walked = walk(definitions, type, ast);
	if (walked === undefined || walked.steps.length === 0) return undefined;
	return { steps: walked.steps, types: walked.at, system: walked.system, choice: walked.choice };
}

function walk(definitions: Definitions, type: string, ast: Ast): Walked | undefined {
	if (ast.kind === 'member' && ast.on === undefined)
		return ast.name === type || ast.name === 'Resource' || ast.name === 'DomainResource'
			? { steps: [], at: [type], system: '', choice: false }
			: undefined;
	if (ast.kind === 'member' && ast.on !== undefined) return member(definitions, walk(definitions, type, ast.on), ast.name);
	if (ast.kind === 'type' && ast.op === 'as') return narrowed(walk(definitions, type, ast.on), ast.type);
	if (ast.kind !== 'call' || ast.on === undefined) return undefined;
	const on = walk(definitions, type, ast.on);
	const [argument] = ast.args;
	if ((ast.name === 'as' || ast.name === 'ofType') && argument?.kind === 'member') return narrowed(on, argument.name);
	if (ast.name === 'where' && argument !== undefined && on !== undefined) return filtered(on, argument);
	return undefined;
}

function member(definitions: Definitions, on: Walked | undefined, name: string): Walked | undefined {
	if (on === undefined || on.at.length !== 1 || on.choice) return undefined;
	const info = definitions.elementInfo(on.at[0] as string, name);
	if (info === undefined) return undefined;
	const steps: readonly Step[] = [...on.steps, { name, many: info.max === '*' }];
	return {
		steps,
		at: info.types,
		system: info.types.includes('code') ? boundSystem(definitions, on.at[0] as string, name) : '',
		choice: info.choice,
	};
}

function narrowed(on: Walked | undefined, type: string): Walked | undefined {
	if (on === undefined || !on.at.includes(type)) return undefined;
	const last = on.steps.at(-1);
	if (!on.choice || last === undefined || !('name' in last)) return { ...on, at: [type] };
	return { ...on, steps: [...on.steps.slice(0, -1), { ...last, name: last.name + suffixOf(type) }], at: [type], choice: false };
}

/** `where(resolve() is X)` asks for the type of what is referred to, which the reference itself says; `where(a = 'b')` is a step. */
function filtered(on: Walked, criteria: Ast): Walked | undefined {
	if (criteria.kind === 'type' && criteria.op === 'is' && criteria.on.kind === 'call' && criteria.on.name === 'resolve') return on;
	if (
		criteria.kind !== 'binary' ||
		criteria.op !== '=' ||
		criteria.left.kind !== 'member' ||
		criteria.left.on !== undefined ||
		criteria.right.kind !== 'literal'
	)
		return undefined;
	if (typeof criteria.right.value !== 'string' || on.choice) return undefined;
	return { ...on, steps: [...on.steps, { where: criteria.left.name, is: criteria.right.value }] };
}

/** The one code system of an element's required binding. */
function boundSystem(definitions: Definitions, typeName: string, name: string): string {
	const structure = definitions.structure(typeName.split('.')[0] as string);
	const element = structure?.elements.find(({ path }) => path === `${typeName}.${name}`);
	if (element?.binding?.strength !== 'required') return '';
	const codes = definitions.valueSet(element.binding.valueSet)?.codes ?? {};
	const systems = Object.keys(codes);
	return systems.length === 1 ? (systems[0] as string) : '';
}
