// Every search parameter of every type, and where its values are found in the database. What is stored is decided here and nowhere else:
// extract.ts writes by it, the conditions of search read by it.
import { splitUnion } from '#fhir/definitions/compile.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { SearchParameterFacts } from '#fhir/definitions/facts.ts';
import type { Resource } from '#fhir/resource.ts';
import { datesByPreference, hotDates, hotQuantities, hotTokens } from './hot.ts';

export type ParamType = SearchParameterFacts['type'];

/**
 * Where a parameter's values are:
 * - `column`: the id or the time of the last update, which every row has
 * - `date`: columns d and dh · `code`: column code (first coding), `keys` (further codings) · `quantity`: columns qv, qc, qk
 * - `patient`: column pat; `also` when further patients are in `keys`; what is no Patient is always in `keys`
 * - `keys`: hashes in the array of keys · `string`: side table of strings · `range`: side table of ranges
 *   (number: lo = hi · date: milliseconds · quantity: raw values under the parameter's number with k = key of the unit as written,
 *   canonical values under number + canonicalOffset with k = key of the dimension)
 * - `union`: nothing of its own; what any of the named parameters finds
 * - `composite`: `root`, each component on its own row of the same resource; `pairs`, stored together: two tokens as pairKey in `keys`, a
 *   token and a quantity in the side table of ranges with k = systemCodeKey of the token (raw) and pairKey of that and the dimension
 *   (canonical)
 */
export type Storage =
	| { readonly in: 'column'; readonly column: 'id' | 'lu' }
	| { readonly in: 'date' }
	| { readonly in: 'code' }
	| { readonly in: 'patient'; readonly also: boolean }
	| { readonly in: 'quantity' }
	| { readonly in: 'keys' }
	| { readonly in: 'string' }
	| { readonly in: 'range' }
	| { readonly in: 'union'; readonly of: readonly string[] }
	| { readonly in: 'composite'; readonly how: 'root' | 'pairs' };

/** Added to a quantity parameter's number for the rows with canonical values. */
export const canonicalOffset = 2000;

export type SearchParam = {
	/** Number within the type; names the parameter in the index for ever. */
	readonly number: number;
	readonly code: string;
	readonly type: ParamType;
	readonly url: string;
	readonly expression: string;
	/** Types a reference may lead to; empty for any. */
	readonly targets: readonly string[];
	readonly components?: readonly { readonly param: SearchParam; readonly expression: string }[];
	/** Whether a resource may have several values. */
	readonly repeats: boolean;
	readonly storage: Storage;
};

export type Hot = { readonly date?: string; readonly token?: string; readonly quantity?: string; readonly patient?: string };

export type SearchRegistry = {
	/** The parameters of a type by code, those of every resource included. */
	readonly params: (type: string) => ReadonlyMap<string, SearchParam>;
	readonly param: (type: string, code: string) => SearchParam | undefined;
	readonly hot: (type: string) => Hot;
	/** Codes of the parameters by which a resource of this type gets into a patient's compartment. */
	readonly patientParams: (type: string) => readonly string[];
};

const unions: Readonly<Record<string, readonly string[]>> = {
	'Observation combo-code': ['code', 'component-code'],
	'Observation combo-value-concept': ['value-concept', 'component-value-concept'],
	'Observation combo-value-quantity': ['value-quantity', 'component-value-quantity'],
	'Observation combo-data-absent-reason': ['data-absent-reason', 'component-data-absent-reason'],
	'Observation combo-code-value-quantity': ['code-value-quantity', 'component-code-value-quantity'],
	'Observation combo-code-value-concept': ['code-value-concept', 'component-code-value-concept'],
};

/** Builds the registry. `custom` are SearchParameter resources of this installation, numbered as `numberOf` says. */
export function createRegistry(
	definitions: Definitions,
	custom: readonly { readonly resource: Resource; readonly number: number }[] = [],
): SearchRegistry {
	const facts = Map.groupBy([...definitions.searchParameters, ...custom.flatMap(customFacts)], ({ base }) => base);
	const everywhere = facts.get('Resource') ?? [];
	const domain = facts.get('DomainResource') ?? [];
	const built = new Map<string, { params: ReadonlyMap<string, SearchParam>; hot: Hot; patient: readonly string[] }>();
	const of = (type: string) => {
		let found = built.get(type);
		if (found === undefined) {
			found = build(definitions, type, [...everywhere, ...domain, ...(facts.get(type) ?? [])]);
			built.set(type, found);
		}
		return found;
	};
	return {
		params: (type) => of(type).params,
		param: (type, code) => of(type).params.get(code),
		hot: (type) => of(type).hot,
		patientParams: (type) => of(type).patient,
	};
}

function customFacts({ resource, number }: { resource: Resource; number: number }): SearchParameterFacts[] {
	const { url, code, type, expression, base, target } = resource as unknown as SearchParameterFacts & { base: string[]; target?: string[] };
	if (typeof code !== 'string' || typeof expression !== 'string' || !Array.isArray(base)) return [];
	return base.map((name) => ({ url, code, type, base: name, expression, number, ...(target === undefined ? {} : { targets: target }) }));
}

function build(
	definitions: Definitions,
	type: string,
	facts: readonly SearchParameterFacts[],
): { params: ReadonlyMap<string, SearchParam>; hot: Hot; patient: readonly string[] } {
	const usable = facts.filter(({ type: kind, expression, code }) => (expression !== '' || kind === 'special') && !notStored.has(code));
	const hot = hotOf(definitions, type, usable);
	const params = new Map<string, SearchParam>();
	for (const fact of usable.filter(({ type: kind }) => kind !== 'composite'))
		params.set(fact.code, simpleParam(definitions, type, fact, hot));
	for (const fact of usable.filter(({ type: kind }) => kind === 'composite')) {
		const param = compositeParam(type, fact, params, definitions.searchParameters);
		if (param !== undefined) params.set(fact.code, param);
	}
	return { params, hot, patient: patientCodes(definitions, type, params) };
}

/** Parameters that search answers without an index. */
const notStored = new Set(['_text', '_content', '_query', '_list', '_has', '_type']);

function simpleParam(definitions: Definitions, type: string, fact: SearchParameterFacts, hot: Hot): SearchParam {
	const repeats = mayRepeat(definitions, type, fact.expression);
	return {
		number: fact.number,
		code: fact.code,
		type: fact.type,
		url: fact.url,
		expression: fact.expression,
		targets: fact.targets ?? [],
		repeats,
		storage: storageOf(type, fact, hot, repeats),
	};
}

function storageOf(type: string, fact: SearchParameterFacts, hot: Hot, repeats: boolean): Storage {
	const { code } = fact;
	if (code === '_id') return { in: 'column', column: 'id' };
	if (code === '_lastUpdated') return { in: 'column', column: 'lu' };
	const union = unions[`${type} ${code}`];
	if (union !== undefined) return { in: 'union', of: union };
	if (code === hot.date) return { in: 'date' };
	if (code === hot.token) return { in: 'code' };
	if (code === hot.quantity) return { in: 'quantity' };
	if (fact.type === 'reference' && hot.patient !== undefined && isPatientParam(code)) return { in: 'patient', also: repeats };
	if (code === '_profile' || code === '_source') return { in: 'keys' };
	if (fact.type === 'token' || fact.type === 'reference') return { in: 'keys' };
	return fact.type === 'string' || fact.type === 'uri' ? { in: 'string' } : { in: 'range' };
}

function isPatientParam(code: string): boolean {
	return code === 'patient' || code === 'subject';
}

function hotOf(definitions: Definitions, type: string, facts: readonly SearchParameterFacts[]): Hot {
	const find = (code: string | undefined, kind: ParamType): SearchParameterFacts | undefined =>
		facts.find((fact) => fact.code === code && fact.type === kind);
	const single = (fact: SearchParameterFacts | undefined): string | undefined =>
		fact === undefined || mayRepeat(definitions, type, fact.expression) ? undefined : fact.code;
	const named = hotDates[type];
	const date =
		named !== undefined
			? single(find(named, 'date'))
			: datesByPreference.map((code) => single(find(code, 'date'))).find((code) => code !== undefined);
	const token = find(hotTokens[type], 'token')?.code;
	const quantity = single(find(hotQuantities[type], 'quantity'));
	const inCompartment = definitions.compartment('Patient')[type] ?? [];
	const patient = ['patient', 'subject'].find(
		(code) => find(code, 'reference') !== undefined && (code === 'patient' || inCompartment.some(isPatientParam)),
	);
	return {
		...(date === undefined ? {} : { date }),
		...(token === undefined ? {} : { token }),
		...(quantity === undefined ? {} : { quantity }),
		...(patient === undefined ? {} : { patient }),
	};
}

/** The parameters that put a resource into a patient's compartment, the one that fills column pat first. */
function patientCodes(definitions: Definitions, type: string, params: ReadonlyMap<string, SearchParam>): string[] {
	const codes = (definitions.compartment('Patient')[type] ?? []).filter((code) => params.get(code)?.type === 'reference');
	return codes.toSorted((a, b) => rank(a) - rank(b));
}

function rank(code: string): number {
	return code === 'patient' ? 0 : code === 'subject' ? 1 : 2;
}

function compositeParam(
	type: string,
	fact: SearchParameterFacts,
	params: ReadonlyMap<string, SearchParam>,
	all: readonly SearchParameterFacts[],
): SearchParam | undefined {
	const components = (fact.components ?? []).map(({ definition, expression }) => {
		const url = definition.split('|')[0];
		const known = [...params.values()].find((param) => param.url === url) ?? byCode(params, all.find((other) => other.url === url)?.code);
		return known === undefined ? undefined : { param: known, expression };
	});
	if (components.length !== 2 || components.includes(undefined)) return undefined;
	const union = unions[`${type} ${fact.code}`];
	return {
		number: fact.number,
		code: fact.code,
		type: 'composite',
		url: fact.url,
		expression: fact.expression,
		targets: [],
		components: components as { param: SearchParam; expression: string }[],
		repeats: true,
		storage: union !== undefined ? { in: 'union', of: union } : { in: 'composite', how: fact.expression === type ? 'root' : 'pairs' },
	};
}

function byCode(params: ReadonlyMap<string, SearchParam>, code: string | undefined): SearchParam | undefined {
	return code === undefined ? undefined : params.get(code);
}

/** Whether the elements of an expression may hold several values. An expression that is more than a path is taken to. */
function mayRepeat(definitions: Definitions, type: string, expression: string): boolean {
	const parts = splitUnion(expression);
	const steps = (part: string): string[] =>
		part
			.replace(/\.where\(resolve\(\) is [A-Za-z]+\)/g, '')
			.replace(/\.(ofType|as)\(([A-Za-z]+)\)/g, '')
			.replace(/\s+as\s+[A-Za-z]+/g, '')
			.replace(/[()]/g, '')
			.split('.');
	const paths = new Set(parts.map((part) => steps(part).join('.')));
	if (paths.size !== 1) return true;
	const [, ...names] = steps(parts[0] as string);
	let at = type;
	for (const name of names) {
		const info = definitions.elementInfo(at, name);
		if (info === undefined || info.max === '*') return true;
		at = info.types[0] ?? at;
	}
	return false;
}
