// Whether a SearchParameter resource says something that can be searched by, and if not, precisely why.
import { type Issue, Problem } from '#base/problem.ts';
import { searchParameterFacts } from '#fhir/definitions/compile.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { compilePath } from '#fhir/path/compile.ts';
import { type Ast, parsePath } from '#fhir/path/parse.ts';
import type { Resource } from '#fhir/resource.ts';
import { pathsOf } from './paths.ts';
import { type CustomFacts, createRegistry, type ParamType, type SearchRegistry } from './registry.ts';

/** What the registry needs to know of a SearchParameter resource, one for each of its base types. */
export function factsOf(resource: Resource): Omit<CustomFacts, 'number'>[] {
	return searchParameterFacts(resource as Parameters<typeof searchParameterFacts>[0]);
}

/** What is wrong with an active SearchParameter; nothing is asked of others, and of those the specification itself defines. */
export function checkParameter(
	definitions: Definitions,
	registry: SearchRegistry,
	others: readonly CustomFacts[],
	resource: Resource,
): Issue[] {
	if (resource.status !== 'active' || definitions.searchParameters.some(({ url }) => url === resource.url)) return [];
	const { code, type, url } = resource;
	if (typeof code !== 'string' || typeof type !== 'string' || typeof url !== 'string') return [];
	const issues: Issue[] = [];
	if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$|^-[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(code))
		issues.push(wrong('code', 'A code is made of letters, digits, "-" and "_"; those that begin with "_" belong to the specification.'));
	if (!types.has(type)) issues.push(wrong('type', `Parameters of type ${type} are not supported.`));
	const bases = Array.isArray(resource.base) ? (resource.base as string[]) : [];
	for (const [i, base] of bases.entries()) {
		if (!isBase(definitions, base)) issues.push(wrong(`base[${i}]`, `"${base}" is not a resource type.`));
		else issues.push(...taken(registry, definitions, base, code, url, i));
	}
	if (issues.length > 0) return issues;
	const facts = factsOf(resource);
	if (facts.length === 0) return [wrong('expression', 'Without an expression there is nothing to search by.')];
	const expression = expressionIssue(String(resource.expression));
	if (expression !== undefined) return [expression];
	return facts.flatMap((one) => checkOn(definitions, others, one, type as ParamType)).slice(0, 20);
}

const types: ReadonlySet<string> = new Set(['number', 'date', 'string', 'token', 'reference', 'composite', 'quantity', 'uri']);

function isBase(definitions: Definitions, base: string): boolean {
	return definitions.isResourceType(base) || base === 'Resource' || base === 'DomainResource';
}

/** The code must not be that of another parameter of the type. */
function taken(registry: SearchRegistry, definitions: Definitions, base: string, code: string, url: string, i: number): Issue[] {
	const on = definitions.isResourceType(base) ? [base] : definitions.resourceTypes;
	const other = on.map((type) => registry.param(type, code)).find((param) => param !== undefined && param.url !== url);
	return other === undefined ? [] : [wrong(`base[${i}]`, `${base} has a parameter "${code}" already: ${other.url}`)];
}

function expressionIssue(expression: string): Issue | undefined {
	try {
		compilePath(expression);
		return undefined;
	} catch (error) {
		if (error instanceof Problem) return wrong('expression', error.text);
		throw error;
	}
}

function checkOn(definitions: Definitions, others: readonly CustomFacts[], facts: Omit<CustomFacts, 'number'>, type: ParamType): Issue[] {
	const on = definitions.isResourceType(facts.base) ? facts.base : 'Patient';
	if (type === 'composite') return checkComposite(definitions, others, facts, on);
	const ast = parsePath(facts.expression);
	const unknown = unknownElement(definitions, on, ast);
	if (unknown !== undefined) return [wrong('expression', unknown)];
	const ends = pathsOf(definitions, on, ast)?.flatMap((path) => path.types);
	if (ends === undefined || ends.some((end) => searchable[type]?.includes(end) === true)) return [];
	return [
		wrong(
			'expression',
			`On ${facts.base} the expression gives ${[...new Set(ends)].join(', ') || 'nothing'}, which a ${type} parameter does not search.`,
		),
	];
}

const primitives = ['string', 'code', 'id', 'uri', 'url', 'canonical', 'oid', 'uuid', 'markdown'];

/** The element types that each type of parameter knows to search. */
const searchable: Partial<Record<ParamType, readonly string[]>> = {
	number: ['integer', 'decimal', 'positiveInt', 'unsignedInt'],
	date: ['date', 'dateTime', 'instant', 'Period', 'Timing'],
	string: ['string', 'markdown', 'code', 'id', 'HumanName', 'Address', 'CodeableConcept'],
	token: [...primitives, 'boolean', 'integer', 'positiveInt', 'unsignedInt', 'Coding', 'CodeableConcept', 'Identifier', 'ContactPoint'],
	reference: ['Reference', 'canonical', 'uri', 'url', 'Resource'],
	quantity: ['Quantity', 'Age', 'Duration', 'Count', 'Distance', 'Money', 'Range', 'SimpleQuantity', 'MoneyQuantity'],
	uri: ['uri', 'url', 'canonical', 'oid', 'uuid'],
};

function checkComposite(definitions: Definitions, others: readonly CustomFacts[], facts: Omit<CustomFacts, 'number'>, on: string): Issue[] {
	const registry = createRegistry(definitions, [...others.filter(({ url }) => url !== facts.url), { ...facts, number: 1999 }]);
	if (registry.param(on, facts.code)?.type === 'composite') return [];
	return [
		wrong(
			'component',
			`The components must be parameters of ${facts.base} that can be combined: a token with a token, reference, quantity, number or date, or two numbers.`,
		),
	];
}

/** What a plain path of member names goes wrong at. */
function unknownElement(definitions: Definitions, type: string, ast: Ast): string | undefined {
	if (ast.kind === 'binary' && ast.op === '|')
		return unknownElement(definitions, type, ast.left) ?? unknownElement(definitions, type, ast.right);
	const names: string[] = [];
	let at: Ast | undefined = ast;
	while (at !== undefined && (at.kind === 'member' || at.kind === 'call' || at.kind === 'type')) {
		if (at.kind === 'member') names.unshift(at.name);
		else names.length = 0;
		at = at.on;
	}
	if (at !== undefined || names[0] !== type) return undefined;
	let parent = type;
	for (const name of names.slice(1)) {
		const info = definitions.elementInfo(parent, name);
		if (info === undefined) return `${parent} has no element "${name}".`;
		if (info.choice || info.types.length !== 1) return undefined;
		parent = info.types[0] as string;
	}
	return undefined;
}

function wrong(element: string, text: string): Issue {
	return { severity: 'error', type: 'invalid', code: 'search-parameter-invalid', text, path: `SearchParameter.${element}` };
}
