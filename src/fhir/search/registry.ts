// Every search parameter of every type, and where its values are found in the database. What is stored is decided here and nowhere else:
// extract.ts writes by it, the conditions of search read by it.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { SearchParameterFacts } from '#fhir/definitions/facts.ts';
import { parsePath } from '#fhir/path/parse.ts';
import { longMs } from '#fhir/store/keys.ts';
import { datesByPreference, hotDates, hotQuantities, hotTokens } from './hot.ts';
import { mayRepeat, type Path, pathsOf } from './paths.ts';

export type ParamType = SearchParameterFacts['type'];

/**
 * Where a parameter's values are:
 * - `column`: the id or the time of the last update, which every row has
 * - `date`: columns d and dh · `code`: column code (first coding), `keys` (further codings) · `quantity`: columns qv, qc, qk
 * - `patient`: column pat; `also` when further patients are in `keys`; what is no Patient is always in `keys`
 * - `keys`: hashes in the array of keys · `string`: side table of strings (later words of family names under number + wordOffset)
 * - `range`: side table of ranges (number: lo = hi · date: milliseconds · position: lo = latitude, hi = longitude · quantity: raw values
 *   under the parameter's number with k = unitKey of the unit as written, canonical values under number + canonicalOffset with k = unitKey
 *   of the dimension)
 * - `union`: nothing of its own; what any of the named parameters finds
 * - `composite`: components in `apart` are asked like parameters of their own, since the element is there once; those in `pair` are stored
 *   together: two tokens (or references) as pairKey in `keys`; a token with what is measured in the side table of ranges with k = codedKey
 *   (raw; canonical under number + canonicalOffset); two numbers as lo and hi of one range
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
	| { readonly in: 'composite'; readonly apart: readonly number[]; readonly pair: readonly [number, number] | undefined };

/** Numbers from here on are none of the specification's. */
export const addedFrom = 500;

export type SearchParam = {
	/** Number within the type; names the parameter in the index for ever. */
	readonly number: number;
	readonly code: string;
	readonly type: ParamType;
	readonly url: string;
	readonly expression: string;
	/** The expression as paths; undefined when it is more than that. */
	readonly paths: readonly Path[] | undefined;
	/** Types a reference may lead to; empty for any. */
	readonly targets: readonly string[];
	readonly components?: readonly { readonly param: SearchParam; readonly expression: string }[];
	/** Whether a resource may have several values. */
	readonly repeats: boolean;
	readonly storage: Storage;
	/** How a token's text is compared when it is no code: a string without case, a phone number without separators. */
	readonly fold?: 'string' | 'contact';
	/** A token that is a mime type. */
	readonly mime?: true;
	/** The one code system of a token's codes (elements of type code). */
	readonly system?: string;
	/** A string with the words of family names. */
	readonly words?: true;
	/** A reference that is a canonical url. */
	readonly canonical?: true;
	/** How long a date lasts at most, in milliseconds: an instant a second, what may be a mere year that; absent for periods. */
	readonly lasts?: number;
	/** Not searchable yet: the values are being gathered. */
	readonly pending?: true;
};

export type Hot = { readonly date?: string; readonly token?: string; readonly quantity?: string; readonly patient?: string };

export type SearchRegistry = {
	/** The parameters of a type by code, those of every resource included. */
	readonly params: (type: string) => ReadonlyMap<string, SearchParam>;
	readonly param: (type: string, code: string) => SearchParam | undefined;
	readonly hot: (type: string) => Hot;
	/** The specification's parameters of a type as contained resources have them: nothing is in columns. */
	readonly plain: (type: string) => ReadonlyMap<string, SearchParam>;
	/** Codes of the parameters by which a resource of this type gets into a patient's compartment. */
	readonly patientParams: (type: string) => readonly string[];
};

/** Whether a reference parameter may refer to resources of a type. */
export function accepts({ targets }: SearchParam, type: string): boolean {
	return targets.length === 0 || targets.includes(type);
}

const unions: Readonly<Record<string, readonly string[]>> = {
	'Observation combo-code': ['code', 'component-code'],
	'Observation combo-value-concept': ['value-concept', 'component-value-concept'],
	'Observation combo-value-quantity': ['value-quantity', 'component-value-quantity'],
	'Observation combo-data-absent-reason': ['data-absent-reason', 'component-data-absent-reason'],
	'Observation combo-code-value-quantity': ['code-value-quantity', 'component-code-value-quantity'],
	'Observation combo-code-value-concept': ['code-value-concept', 'component-code-value-concept'],
};

/** A parameter of this installation, made of a SearchParameter resource (custom.ts). */
export type CustomFacts = SearchParameterFacts & { readonly pending?: true };

/** Builds the registry of the specification's parameters and `custom` ones (custom.ts), those of added packages among them. */
export function createRegistry(definitions: Definitions, custom: readonly CustomFacts[] = []): SearchRegistry {
	// What packages add comes back among the custom ones, under numbers that stay.
	const own = definitions.searchParameters.filter(({ number }) => number < addedFrom);
	const facts: Map<string, CustomFacts[]> = Map.groupBy([...own, ...custom], ({ base }) => base);
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
	const plain = new Map<string, ReadonlyMap<string, SearchParam>>();
	return {
		plain(type) {
			let found = plain.get(type);
			if (found === undefined) {
				const all = [...everywhere, ...domain, ...(facts.get(type) ?? [])].filter(({ number }) => number < addedFrom);
				found = build(definitions, type, all, {}).params;
				plain.set(type, found);
			}
			return found;
		},
		params: (type) => of(type).params,
		param: (type, code) => of(type).params.get(code),
		hot: (type) => of(type).hot,
		patientParams: (type) => of(type).patient,
	};
}

function build(
	definitions: Definitions,
	type: string,
	facts: readonly CustomFacts[],
	given?: Hot,
): { params: ReadonlyMap<string, SearchParam>; hot: Hot; patient: readonly string[] } {
	const usable = facts.filter(({ type: kind, expression, code }) => (expression !== '' || kind === 'special') && !notStored.has(code));
	const hot = given ?? hotOf(definitions, type, usable);
	const params = new Map<string, SearchParam>();
	for (const fact of usable.filter(({ type: kind }) => kind !== 'composite'))
		params.set(fact.code, simpleParam(definitions, type, fact, hot));
	for (const fact of usable.filter(({ type: kind }) => kind === 'composite')) {
		const param = compositeParam(definitions, type, fact, params);
		if (param !== undefined) params.set(fact.code, param);
	}
	return { params, hot, patient: patientCodes(definitions, type, params) };
}

/** Parameters that search answers without an index. */
const notStored = new Set(['_text', '_content', '_query', '_list', '_has', '_type']);

function simpleParam(definitions: Definitions, type: string, fact: CustomFacts, hot: Hot): SearchParam {
	const paths = pathsOf(definitions, type, parsePath(fact.expression));
	const repeats = mayRepeat(paths);
	return {
		number: fact.number,
		code: fact.code,
		type: fact.type,
		url: fact.url,
		expression: fact.expression,
		paths,
		targets: fact.targets ?? [],
		repeats,
		storage: storageOf(type, fact, hot, repeats),
		...(fact.pending === undefined ? {} : { pending: fact.pending }),
		...traitsOf(fact, paths ?? []),
	};
}

type Traits = Pick<SearchParam, 'fold' | 'mime' | 'system' | 'words' | 'canonical' | 'lasts'>;

/** What the types at the ends of its paths say about how a parameter's values are compared. */
function traitsOf({ type, code }: SearchParameterFacts, paths: readonly Path[]): Traits {
	const ends = paths.flatMap(({ types }) => types);
	const all = (...names: string[]): boolean => ends.length > 0 && ends.every((end) => names.includes(end));
	if (type === 'token') {
		const [system, ...others] = new Set(paths.map((path) => path.system));
		return {
			...(all('string', 'markdown') ? { fold: 'string' } : all('ContactPoint') ? { fold: 'contact' } : {}),
			...(all('code') && paths.every(({ valueSet }) => valueSet?.startsWith(mimeTypes)) ? { mime: true } : {}),
			...(all('code') && system !== undefined && system !== '' && others.length === 0 ? { system } : {}),
		};
	}
	if (type === 'date') return all('instant') ? { lasts: 1000 } : all('instant', 'dateTime', 'date') ? { lasts: longMs } : {};
	if (type === 'reference') return all('canonical', 'uri') ? { canonical: true } : {};
	const named = ends.includes('HumanName') || paths.some(({ steps }) => steps.some((step) => 'name' in step && step.name === 'family'));
	return type === 'string' && named && code !== 'given' ? { words: true } : {};
}

const mimeTypes = 'http://hl7.org/fhir/ValueSet/mimetypes';

function storageOf(type: string, fact: SearchParameterFacts, hot: Hot, repeats: boolean): Storage {
	const { code } = fact;
	if (code === '_id') return { in: 'column', column: 'id' };
	if (code === '_lastUpdated') return { in: 'column', column: 'lu' };
	const union = unions[`${type} ${code}`];
	if (union !== undefined) return { in: 'union', of: union };
	if (code === hot.date) return { in: 'date' };
	if (code === hot.token) return { in: 'code' };
	if (code === hot.quantity) return { in: 'quantity' };
	const added = fact.number >= addedFrom;
	if (fact.type === 'reference' && hot.patient !== undefined && isPatientParam(code) && !added) return { in: 'patient', also: repeats };
	if (code === '_profile' || code === '_source') return { in: 'keys' };
	if (fact.type === 'token' || fact.type === 'reference') return { in: 'keys' };
	return fact.type === 'string' || fact.type === 'uri' ? { in: 'string' } : { in: 'range' };
}

function isPatientParam(code: string): boolean {
	return code === 'patient' || code === 'subject';
}

function hotOf(definitions: Definitions, type: string, facts: readonly SearchParameterFacts[]): Hot {
	const find = (code: string | undefined, kind: ParamType): SearchParameterFacts | undefined =>
		facts.find((fact) => fact.code === code && fact.type === kind && fact.number < addedFrom);
	const single = (fact: SearchParameterFacts | undefined): string | undefined =>
		fact === undefined || mayRepeat(pathsOf(definitions, type, parsePath(fact.expression))) ? undefined : fact.code;
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
	definitions: Definitions,
	type: string,
	fact: CustomFacts,
	params: ReadonlyMap<string, SearchParam>,
): SearchParam | undefined {
	const components: { param: SearchParam; expression: string }[] = [];
	for (const { definition, expression } of fact.components ?? []) {
		const url = definition.split('|')[0];
		const param =
			[...params.values()].find((one) => one.url === url) ??
			params.get(definitions.searchParameters.find((one) => one.url === url)?.code ?? '');
		if (param === undefined) return undefined;
		// Where the component's own parameter says where it is below the element, that is right; the definition of
		// DocumentReference's `relationship` has its two expressions exchanged.
		const below = `${fact.expression}.`;
		components.push({ param, expression: param.expression.startsWith(below) ? param.expression.slice(below.length) : expression });
	}
	const storage = compositeStorage(definitions, type, fact, components);
	if (storage === undefined) return undefined;
	return {
		number: fact.number,
		code: fact.code,
		type: 'composite',
		url: fact.url,
		expression: fact.expression,
		paths: undefined,
		targets: [],
		components,
		repeats: true,
		storage,
		...(fact.pending === undefined ? {} : { pending: fact.pending }),
	};
}

function compositeStorage(
	definitions: Definitions,
	type: string,
	{ code, expression }: SearchParameterFacts,
	components: readonly { readonly param: SearchParam; readonly expression: string }[],
): Storage | undefined {
	const union = unions[`${type} ${code}`];
	if (union !== undefined) return { in: 'union', of: union };
	const all = components.map((_, i) => i);
	if (components.length < 2) return undefined;
	if (expression === type || !mayRepeat(pathsOf(definitions, type, parsePath(expression))))
		return { in: 'composite', apart: all, pair: undefined };
	const apart = all.filter((i) => components[i]?.expression.startsWith('%resource.'));
	const [first, second, ...more] = all.filter((i) => !apart.includes(i));
	if (first === undefined || second === undefined || more.length > 0) return undefined;
	const kinds = [first, second].map((i) => components[i]?.param.type).join(' ');
	return pairable.test(kinds) ? { in: 'composite', apart, pair: [first, second] } : undefined;
}

/** What can be stored together. */
const pairable = /^((token|reference) (token|reference)|token (quantity|number|date)|number number)$/;

/** The parameter by which resources of a type say what they are part of. */
export function parentParam(params: ReadonlyMap<string, SearchParam>, type: string): SearchParam | undefined {
	return ['partof', 'part-of'].map((code) => params.get(code)).find((param) => param?.type === 'reference' && param.targets.includes(type));
}
