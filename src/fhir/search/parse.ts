// Text of a search to a SearchQuery. What is not understood becomes an issue: 400 with strict handling, reported and left
// out with lenient. Bad values and modifiers that are not supported are always 400 (https://hl7.org/fhir/R4/search.html#modifiers).
import type { Issue } from '#base/problem.ts';
import type { Fhir } from '#fhir/ctx.ts';
import { splitWords } from '#fhir/store/text.ts';
import { isEscaped, type Pair, split, unescaped } from './escape.ts';
import { parseValue } from './parse-values.ts';
import { badChain, badModifier, badValue, clip, refused, tooCostly, unknownQuery } from './problems.ts';
import type { Clause, Contained, Include, Link, Modifier, SearchQuery, SortKey, Summary, Total, Value } from './query.ts';
import { accepts, parentParam, type SearchParam } from './registry.ts';
import { isSortable } from './sort.ts';
import { parseTextQuery, TextQueryError } from './text-query.ts';

export type Handling = 'strict' | 'lenient';

/** What one query may ask for at most; beyond it is 400 `search-too-costly`. */
export const limits = { values: 5000, clauses: 200, depth: 8, links: 600, includes: 50, sorts: 8, text: 1000 } as const;

/** The state of one parse: what it may look up and what it has met so far. */
export type Reading = {
	readonly fhir: Fhir;
	readonly issues: Issue[];
	values: number;
	links: number;
};

/** Understands the pairs of a search on these types. Throws Problem invalid for bad values, and for anything unknown when strict. */
export function parseSearch(fhir: Fhir, types: readonly string[], pairs: readonly Pair[], handling: Handling): SearchQuery {
	const reading: Reading = { fhir, issues: [], values: 0, links: 0 };
	const clauses: Clause[][] = types.map(() => []);
	const applied: Pair[] = [];
	const control = controls(fhir);
	if (pairs.length > limits.clauses) throw tooCostly(`A search may have at most ${limits.clauses} parameters.`);
	for (const [name, value] of pairs) {
		if (name === '_format' || name === '_pretty' || value === '') continue;
		if (name === '_type') {
			applied.push([name, value]);
			continue;
		}
		const known = readControl(reading, control, types, name, value);
		if (known !== undefined) {
			if (known && name !== '_page') applied.push([name, value]);
			continue;
		}
		const read = readOnTypes(reading, types, name, value);
		if (read === undefined) continue;
		for (let i = 0; i < types.length; i++) clauses[i]?.push(read[i] as Clause);
		applied.push([name, value]);
	}
	if (control.summary === 'text' && control.includes.length > 0) {
		unsupported(reading, '_summary', 'Nothing can be included with _summary=text.');
		control.includes.length = 0;
	}
	if (control.contained !== 'false' && control.sort.some(({ code }) => code !== '_lastUpdated')) {
		unsupported(reading, '_sort', 'With _contained the matches are of several types: they can be sorted by _lastUpdated alone.');
		control.sort.length = 0;
	}
	if (handling === 'strict' && reading.issues.length > 0) throw refused(reading.issues);
	return {
		...control,
		types,
		clauses: clauses.map((of) => (of.length === 1 ? (of[0] as Clause) : { is: 'all', of })),
		applied,
		issues: reading.issues,
	};
}

/** The clause of bare search criteria on one type, as in conditional interactions and grants; anything unknown is a Problem invalid. */
export function parseCriteria(fhir: Fhir, type: string, pairs: readonly Pair[]): { clause: Clause; empty: boolean } {
	const query = parseSearch(
		fhir,
		[type],
		pairs.filter(([name]) => !/^_(count|sort|total|summary|elements|include|revinclude|page|format|pretty)(:|$)/.test(name)),
		'strict',
	);
	return { clause: query.clauses[0] as Clause, empty: query.applied.length === 0 };
}

function readOnTypes(reading: Reading, types: readonly string[], name: string, value: string): Clause[] | undefined {
	const clauses: Clause[] = [];
	const { values, links } = reading;
	for (const type of types) {
		reading.values = values;
		reading.links = links;
		const clause = readClause(reading, type, name, value, name, 0);
		if (clause === undefined) return undefined;
		clauses.push(clause);
	}
	return clauses;
}

type Control = {
	count: number;
	total: Total | undefined;
	summary: Summary;
	elements: string[];
	includes: Include[];
	sort: SortKey[];
	contained: Contained;
	page: string | undefined;
};

function controls({ settings }: Fhir): Control {
	const count = settings.defaultCount;
	return { count, total: undefined, summary: 'false', elements: [], includes: [], sort: [], contained: 'false', page: undefined };
}

/** true: applied · false: understood but not applied (reported) · undefined: not a parameter about the result. */
function readControl(reading: Reading, control: Control, types: readonly string[], name: string, value: string): boolean | undefined {
	switch (name) {
		case '_count':
			control.count = Math.min(wholeNumber(name, value), reading.fhir.settings.maxCount);
			return true;
		case '_total':
			control.total = oneOf<Total>(name, value, ['none', 'estimate', 'accurate']);
			return true;
		case '_summary':
			control.summary = oneOf(name, value, ['true', 'text', 'data', 'count', 'false']);
			return true;
		case '_elements':
			control.elements.push(...value.split(',').filter((element) => element !== ''));
			return true;
		case '_page':
			control.page = value;
			return true;
		case '_sort':
			return readSort(reading, control, types, value);
		case '_contained':
			return readContained(reading, control, types, oneOf<Contained>(name, value, ['true', 'false', 'both']));
		case '_containedType':
			if (oneOf(name, value, ['container', 'contained']) === 'container') return true;
			return unsupported(reading, name, 'What is found is always the resource that contains: only _containedType=container is supported.');
		case '_filter':
			return unsupported(reading, name, 'The parameter _filter is not supported.');
		case '_query':
			throw unknownQuery(value);
		case '_include':
		case '_include:iterate':
		case '_include:recurse':
		case '_revinclude':
		case '_revinclude:iterate':
		case '_revinclude:recurse':
			return readInclude(reading, control, name, value);
		default:
			return undefined;
	}
}

function readContained(reading: Reading, control: Control, types: readonly string[], value: Contained): boolean {
	if (value !== 'false' && types.length !== 1)
		return unsupported(reading, '_contained', 'Contained resources are searched by one type: write Type?_contained=true.');
	control.contained = value;
	return true;
}

function readSort(reading: Reading, control: Control, types: readonly string[], value: string): boolean {
	let taken = false;
	for (const part of value.split(',')) {
		const descending = part.startsWith('-');
		const code = descending ? part.slice(1) : part;
		const params = types.map((type) => known(reading, type, code));
		if (params.some((param) => param === undefined || !isSortable(param))) {
			unsupported(reading, '_sort', `Sorting by "${clip(code)}" is not supported here.`);
			continue;
		}
		if (control.sort.some((key) => key.code === code)) continue;
		if (control.sort.length >= limits.sorts) throw tooCostly(`A search may be sorted by at most ${limits.sorts} parameters.`);
		control.sort.push({ code, descending });
		taken = true;
	}
	return taken;
}

function readInclude(reading: Reading, control: Control, name: string, value: string): boolean {
	const { definitions } = reading.fhir;
	const reverse = name.startsWith('_revinclude');
	const iterate = name.includes(':');
	const [source, code, target, ...more] = value.split(':');
	if (source === undefined || more.length > 0) throw badValue(name, value, 'Write Type:parameter or Type:parameter:TargetType.');
	if (control.includes.length >= limits.includes) throw tooCostly(`A search may have at most ${limits.includes} includes.`);
	if (source !== '*' && !definitions.isResourceType(source)) return unsupported(reading, name, `"${clip(source)}" is not a resource type.`);
	if (code === undefined && source !== '*') throw badValue(name, value, 'Write Type:parameter or Type:parameter:TargetType.');
	if (target !== undefined && target !== '' && !definitions.isResourceType(target)) {
		return unsupported(reading, name, `"${clip(target)}" is not a resource type.`);
	}
	if (source !== '*' && code !== '*' && known(reading, source, code as string)?.type !== 'reference') {
		return unsupported(reading, name, `${source} has no reference parameter "${clip(code as string)}".`);
	}
	control.includes.push({ reverse, source, code: code ?? '*', target: target === '' ? undefined : target, iterate });
	return true;
}

const specials = new Set(['_text', '_content', '_list', '_type']);

/** The clause of one parameter on one type; undefined when something in it is unknown (then an issue was noted). */
function readClause(reading: Reading, type: string, name: string, value: string, whole: string, depth: number): Clause | undefined {
	if (depth > limits.depth) throw tooCostly(`Chains may be at most ${limits.depth} links long.`);
	if (name.startsWith('_has:')) return readHas(reading, type, name, value, whole, depth);
	const dot = name.indexOf('.');
	const head = dot < 0 ? name : name.slice(0, dot);
	const colon = head.indexOf(':');
	const code = colon < 0 ? head : head.slice(0, colon);
	const modifier = colon < 0 ? undefined : head.slice(colon + 1);
	if (specials.has(code) && dot < 0) return readSpecial(reading, type, code, modifier, value, whole);
	const param = known(reading, type, code);
	if (param === undefined) return unknown(reading, type, code, whole);
	if (dot >= 0) return readChain(reading, param, modifier, name.slice(dot + 1), value, whole, depth);
	return readParam(reading, param, modifier, value, whole);
}

/** A parameter that may be searched. */
function known(reading: Reading, type: string, code: string): SearchParam | undefined {
	const param = reading.fhir.registry.param(type, code);
	return param?.pending === true ? undefined : param;
}

function readParam(reading: Reading, param: SearchParam, modifier: string | undefined, value: string, whole: string): Clause | undefined {
	if (modifier !== undefined && !allows(reading, param, modifier)) throw badModifier(param.code, modifier, whole);
	if (modifier === 'missing') return { is: 'missing', param, missing: oneOf(whole, value, ['true', 'false']) === 'true' };
	const texts = valuesOf(reading, value, whole);
	if (modifier === 'text') return anyOf(texts.map((text) => ({ is: 'text', param, words: wordsOf(whole, unescaped(text)) })));
	const values = texts.map((text) => parseValue(reading.fhir, param, modifier, text, whole));
	if (param.type === 'reference' && param.canonical !== true && (modifier === 'above' || modifier === 'below')) {
		return { is: 'kin', param, names: values.flatMap((one) => (one.is === 'reference' ? one.targets : [])), below: modifier === 'below' };
	}
	const kept = modifier !== undefined && valueModifiers.has(modifier) ? (modifier as Modifier) : undefined;
	const clause: Clause = { is: 'param', param, modifier: kept, values };
	return param.type === 'uri' && modifier === undefined ? withVersions(reading, param, clause, values) : clause;
}

function anyOf(of: readonly Clause[]): Clause {
	return of.length === 1 ? (of[0] as Clause) : { is: 'any', of };
}

/** The alternatives in a value, escapes still in them. */
function valuesOf(reading: Reading, value: string, whole: string): string[] {
	const texts = split(value, ',').filter((text) => text !== '');
	for (const text of texts) if (!isEscaped(text)) throw badValue(whole, text, 'A backslash must be written twice.');
	reading.values += texts.length;
	if (reading.values > limits.values) throw tooCostly(`A search may name at most ${limits.values} values.`);
	return texts;
}

/** `url=http://x|1.0` asks for that url with that business version, https://hl7.org/fhir/R4/search.html#uri */
function withVersions(reading: Reading, param: SearchParam, clause: Clause, values: readonly Value[]): Clause {
	const [type] = param.expression.split('.');
	const version = param.code === 'url' && type !== undefined ? known(reading, type, 'version') : undefined;
	if (version?.type !== 'token') return clause;
	const versioned = values.flatMap((value): Clause[] => {
		const bar = value.is === 'uri' ? value.text.lastIndexOf('|') : -1;
		if (value.is !== 'uri' || bar <= 0) return [];
		const [url, code] = [value.text.slice(0, bar), value.text.slice(bar + 1)];
		return [
			{
				is: 'all',
				of: [
					{ is: 'param', param, modifier: undefined, values: [{ is: 'uri', text: url }] },
					{ is: 'param', param: version, modifier: undefined, values: [{ is: 'token', system: undefined, code, text: code }] },
				],
			},
		];
	});
	return versioned.length === 0 ? clause : { is: 'any', of: [clause, ...versioned] };
}

const valueModifiers: ReadonlySet<string> = new Set([
	'exact',
	'contains',
	'text',
	'not',
	'above',
	'below',
	'in',
	'not-in',
	'of-type',
	'identifier',
]);

const modifiersByType: Readonly<Record<SearchParam['type'], readonly string[]>> = {
	string: ['missing', 'exact', 'contains', 'text'],
	token: ['missing', 'text', 'not', 'above', 'below', 'in', 'not-in', 'of-type'],
	reference: ['missing', 'identifier'],
	uri: ['missing', 'above', 'below'],
	number: ['missing'],
	date: ['missing'],
	quantity: ['missing'],
	composite: [],
	special: ['missing'],
};

function allows(reading: Reading, param: SearchParam, modifier: string): boolean {
	switch (param.type) {
		case 'uri':
			// Of what is kept as hashes only profiles are listed by their text.
			if (modifier === 'below' && param.storage.in === 'keys') return param.code === '_profile';
			break;
		case 'token':
			if (param.storage.in === 'column') return modifier === 'missing';
			if (param.mime === true && modifier === 'above') return false;
			if (param.fold !== undefined) return modifier === 'missing' || modifier === 'not';
			break;
		case 'reference':
			if (param.canonical === true && modifier === 'identifier') return false;
			if (modifier === 'above' || modifier === 'below')
				return param.canonical === true ? modifier === 'below' : hasHierarchy(reading, param);
			if (reading.fhir.definitions.isResourceType(modifier)) return accepts(param, modifier);
	}
	return modifiersByType[param.type].includes(modifier);
}

/** Whether resources that the parameter refers to may be part of one another. */
function hasHierarchy({ fhir }: Reading, { targets }: SearchParam): boolean {
	return targets.some((type) => parentParam(fhir.registry.params(type), type) !== undefined);
}

const currentAllergies: readonly Pair[] = [
	['clinical-status', 'active'],
	['verification-status:not', 'refuted'],
	['verification-status:not', 'entered-in-error'],
];

/** The lists of what is current, as criteria instead of stored Lists. https://hl7.org/fhir/R4/lifecycle.html#current */
const currentLists: Readonly<Record<string, Readonly<Record<string, readonly Pair[]>>>> = {
	'$current-problems': {
		Condition: [
			['clinical-status', 'active,recurrence,relapse'],
			['verification-status:not', 'refuted'],
			['verification-status:not', 'entered-in-error'],
		],
	},
	'$current-medications': { MedicationRequest: [['status', 'active']], MedicationStatement: [['status', 'active']] },
	'$current-allergies': { AllergyIntolerance: currentAllergies },
	'$current-drug-allergies': { AllergyIntolerance: [...currentAllergies, ['category', 'medication']] },
};

function readSpecial(
	reading: Reading,
	type: string,
	code: string,
	modifier: string | undefined,
	value: string,
	whole: string,
): Clause | undefined {
	if (modifier !== undefined) throw badModifier(code, modifier, whole);
	if (code === '_list') {
		if (value.startsWith('$')) {
			const criteria = currentLists[value]?.[type];
			if (criteria === undefined) return noted(reading, whole, `There is no list "${clip(value)}" of ${type} resources.`);
			return { is: 'all', of: criteria.map(([name, text]) => readClause(reading, type, name, text, whole, 0) as Clause) };
		}
		const ids = valuesOf(reading, value, whole).map((id) => (id.startsWith('List/') ? id.slice(5) : id));
		for (const id of ids) if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id)) throw badValue(whole, value, 'Write the id of a List.');
		return { is: 'any', of: ids.map((id) => ({ is: 'listed', id, restrict: undefined })) };
	}
	const texts = valuesOf(reading, value, whole);
	return anyOf(texts.map((text) => textQuery(code, unescaped(text), whole)));
}

function textQuery(code: string, text: string, whole: string): Clause {
	if (text.length > limits.text) throw badValue(whole, text, `Write at most ${limits.text} characters.`);
	try {
		return parseTextQuery(text, code === '_text' ? 'narrative' : 'all');
	} catch (error) {
		if (error instanceof TextQueryError) throw badValue(whole, text, error.message);
		throw error;
	}
}

/** The words that `:text` looks for in a text. */
function wordsOf(whole: string, text: string): string[] {
	if (text.length > limits.text) throw badValue(whole, text, `Write at most ${limits.text} characters.`);
	const words = splitWords(text);
	if (words.length === 0) throw badValue(whole, text, 'Write a word to look for.');
	if (words.length > 20) throw tooCostly('A text search may name at most 20 words.');
	return words;
}

function readChain(
	reading: Reading,
	param: SearchParam,
	modifier: string | undefined,
	rest: string,
	value: string,
	whole: string,
	depth: number,
): Clause | undefined {
	if (param.type !== 'reference') throw badChain(param.code, whole);
	const { definitions } = reading.fhir;
	if (modifier !== undefined && !(definitions.isResourceType(modifier) && accepts(param, modifier)))
		throw badModifier(param.code, modifier, whole);
	const targets = modifier !== undefined ? [modifier] : param.targets.length > 0 ? param.targets : definitions.resourceTypes;
	const next = /^[^.:]*/.exec(rest)?.[0] ?? '';
	const links: Link[] = [];
	const before = reading.issues.length;
	for (const type of targets) {
		if (next !== '_has' && !specials.has(next) && known(reading, type, next) === undefined) continue;
		if (++reading.links > limits.links) throw tooCostly('The chain fans out too far: name the types, as in subject:Patient.name.');
		const mark = reading.issues.length;
		const clause = readClause(reading, type, rest, value, whole, depth + 1);
		if (clause !== undefined) links.push({ type, clause, inside: clause });
		else if (targets.length > 1) reading.issues.length = mark;
	}
	if (links.length > 0) return { is: 'chain', param, links };
	if (reading.issues.length === before)
		unknown(reading, targets.length === 1 ? (targets[0] as string) : `${param.code}'s types`, next, whole);
	return undefined;
}

function readHas(reading: Reading, type: string, name: string, value: string, whole: string, depth: number): Clause | undefined {
	const { definitions } = reading.fhir;
	const match = /^_has:([^:.]+):([^:.]+):(.+)$/.exec(name);
	if (match === null) throw badValue(whole, value, 'Write _has:Type:reference-parameter:parameter=value.');
	const [, source, code, rest] = match as unknown as [string, string, string, string];
	if (!definitions.isResourceType(source)) return noted(reading, whole, `"${clip(source)}" is not a resource type.`);
	const param = known(reading, source, code);
	if (param?.type !== 'reference' || !accepts(param, type)) {
		return noted(reading, whole, `${source} has no parameter "${clip(code)}" that refers to ${type}.`);
	}
	if (++reading.links > limits.links) throw tooCostly('The search has too many chains.');
	const clause = readClause(reading, source, rest, value, whole, depth + 1);
	return clause === undefined ? undefined : { is: 'has', type: source, param, clause };
}

function wholeNumber(name: string, value: string): number {
	if (!/^\d{1,15}$/.test(value)) throw badValue(name, value, 'Write a whole number, 0 or more.');
	return Number(value);
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
	if (!(allowed as readonly string[]).includes(value)) throw badValue(name, value, `Write one of ${allowed.join(', ')}.`);
	return value as T;
}

function unknown(reading: Reading, type: string, code: string, whole: string): undefined {
	reading.issues.push({
		severity: 'error',
		type: 'not-supported',
		code: 'search-parameter-unknown',
		text: `The search parameter "${clip(code)}" is not known for ${type}${whole === code ? '' : ` (in "${clip(whole)}")`}.`,
		path: `http.${clip(whole)}`,
	});
	return undefined;
}

function noted(reading: Reading, whole: string, text: string): undefined {
	unsupported(reading, whole, text);
	return undefined;
}

function unsupported(reading: Reading, name: string, text: string): false {
	reading.issues.push({ severity: 'error', type: 'not-supported', code: 'search-not-supported', text, path: `http.${clip(name)}` });
	return false;
}
