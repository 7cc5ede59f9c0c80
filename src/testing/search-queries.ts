// Random search criteria that the resources of a small world (search-world.ts) may meet, with values taken from them and twisted.
import type { SearchParameterFacts } from '#fhir/definitions/facts.ts';
import type { Random } from './random.ts';
import type { SearchOracle } from './search-oracle.ts';

type Pair = readonly [name: string, value: string];

/** What is asked of each type; the first of each list are asked more often. */
export const asked: Readonly<Record<string, readonly string[]>> = {
	Patient: [
		'name',
		'family',
		'given',
		'gender',
		'birthdate',
		'identifier',
		'address',
		'address-city',
		'phone',
		'email',
		'telecom',
		'deceased',
		'death-date',
		'active',
		'general-practitioner',
		'organization',
		'_id',
		'_tag',
		'_profile',
		'_source',
		'_security',
		'phonetic',
		'address-postalcode',
	],
	Observation: [
		'code',
		'patient',
		'subject',
		'date',
		'category',
		'status',
		'value-quantity',
		'combo-code',
		'component-code',
		'component-value-quantity',
		'code-value-quantity',
		'combo-code-value-quantity',
		'component-code-value-quantity',
		'component-code-value-concept',
		'code-value-concept',
		'code-value-date',
		'code-value-string',
		'value-concept',
		'value-string',
		'value-date',
		'performer',
		'has-member',
		'encounter',
		'_tag',
		'combo-value-quantity',
		'combo-value-concept',
	],
	Encounter: [
		'patient',
		'subject',
		'status',
		'class',
		'type',
		'date',
		'length',
		'location',
		'participant',
		'practitioner',
		'part-of',
		'service-provider',
	],
	Condition: ['code', 'patient', 'clinical-status', 'recorded-date', 'onset-date', 'onset-age', 'onset-info', 'encounter'],
	MedicationRequest: ['patient', 'code', 'medication', 'authoredon', 'status', 'requester'],
	DiagnosticReport: ['patient', 'code', 'category', 'date', 'issued', 'result'],
	Medication: ['code', 'ingredient-code', 'form', '_tag'],
	RiskAssessment: ['probability', 'date', 'patient'],
	Questionnaire: ['url', 'version', 'title', 'context', 'context-quantity', 'context-type-quantity', 'context-type-value', 'context-type'],
	QuestionnaireResponse: ['questionnaire', 'patient', 'authored'],
	ValueSet: ['url', 'version', 'name'],
	DocumentReference: ['type', 'patient', 'date', 'relatesto', 'relation', 'relationship', 'contenttype'],
	Account: ['patient', 'subject', 'name'],
	AuditEvent: ['patient', 'agent', 'entity', 'date'],
	Appointment: ['actor', 'patient', 'practitioner', 'location', 'date', 'status'],
	Provenance: ['target', 'patient', 'agent', 'recorded'],
	MolecularSequence: [
		'chromosome',
		'variant-start',
		'variant-end',
		'window-start',
		'chromosome-variant-coordinate',
		'chromosome-window-coordinate',
		'patient',
	],
	Coverage: ['beneficiary', 'patient', 'payor'],
	Organization: ['name', 'partof', 'address-city'],
	Location: ['name', 'partof', 'status', 'near', 'address'],
	Practitioner: ['name', 'family', 'identifier'],
	Group: ['characteristic', 'value', 'characteristic-value', 'member'],
	Device: ['patient', 'device-name', 'udi-di'],
};

export type Queries = {
	/** One criterion on a type; chains and reverse chains are not nested deeper than two. */
	readonly criterion: (type: string, depth: number) => Pair;
	/** A value for `_sort`. */
	readonly sort: (type: string) => string;
};

/** Makes criteria; the same random numbers give the same ones. */
export function createQueries(oracle: SearchOracle, random: Random): Queries {
	return { criterion, sort: (type) => sortOf(oracle, random, type) };

	function criterion(type: string, depth: number): Pair {
		if (depth < 2 && random.chance(0.16)) return chain(type, depth);
		if (depth < 2 && random.chance(0.1)) return reverse(type, depth);
		if (depth === 0 && random.chance(0.04))
			return [random.pick(['_text', '_content']), random.pick(['blood', 'hyper', 'COVID-19', 'headache', 'weight', 'Seen', 'dizziness'])];
		if (depth === 0 && random.chance(0.02)) return ['_list', random.pick(['list-0', 'list-1,list-2', 'none'])];
		const codes = asked[type] as readonly string[];
		const code = random.chance(0.5) ? random.pick(codes.slice(0, 6)) : random.pick(codes);
		const param = oracle.param(type, code) as SearchParameterFacts;
		if (param.type !== 'composite' && random.chance(0.06)) return [`${code}:missing`, random.pick(['true', 'false'])];
		const modifier = modifierOf(random, param);
		const values = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => valueFor(type, param, modifier));
		return [modifier === undefined ? code : `${code}:${modifier}`, values.join(',')];
	}

	function valueFor(type: string, param: SearchParameterFacts, modifier: string | undefined): string {
		if (modifier === 'in' || modifier === 'not-in')
			return random.pick(['valu-0', 'valu-1', 'valu-2', 'valu-3'].map((id) => `http://acme.example/fhir/ValueSet/${id}`));
		if (param.type === 'special') return `${random.between(-40, 40)}|${random.between(-150, 150)}|${random.pick([1000, 3000, 8000])}|km`;
		if (param.type === 'composite') return compositeValue(type, param);
		const holders = oracle.resources.filter((resource) => resource.resourceType === type && oracle.itemsOf(resource, param).length > 0);
		const items = holders.length === 0 ? [] : oracle.itemsOf(random.pick(holders), param);
		const item = items.length === 0 ? undefined : random.pick(items);
		return item === undefined ? anyValue(random, param) : written(param, modifier, item.value, item.type);
	}

	function compositeValue(type: string, param: SearchParameterFacts): string {
		return (param.components ?? [])
			.map(({ definition }) => {
				const inner = oracle.parameters.find((one) => one.url === definition && one.base === type) as SearchParameterFacts;
				for (let i = 0; ; i++) {
					const value = valueFor(type, inner, undefined);
					// A system alone is no component, and units other than UCUM's are told by their text alone.
					if (i > 20 || !(inner.type === 'token' ? /\|$/ : /hospital/).test(value)) return value;
				}
			})
			.join('$');
	}

	function written(param: SearchParameterFacts, modifier: string | undefined, value: unknown, type: string): string {
		switch (param.type) {
			case 'token':
				return token(random, modifier, value, type);
			case 'string':
				return string(random, modifier, value);
			case 'date':
				return date(random, value);
			case 'number':
				return number(random, Number(value));
			case 'quantity':
				return quantity(random, ((value as Held).low ?? value) as Held);
			case 'uri':
				return uri(random, modifier, String(value));
			default:
				return reference(param, modifier, value);
		}
	}

	function reference(param: SearchParameterFacts, modifier: string | undefined, value: unknown): string {
		if (modifier === 'identifier') return random.pick(['urn:mrn|1', '2', 'urn:mrn|', '|1']);
		if (typeof value === 'string')
			return escaped(value)
				.replace('\\|', '|')
				.slice(0, modifier === 'below' && random.chance(0.5) ? value.lastIndexOf('.') : undefined);
		const held = ((value as Held).reference ?? 'Patient/pati-0').replace(/^#.*/, 'Medication/medi-0');
		const name = held.replace(/^.*?([A-Z][A-Za-z]+\/[A-Za-z0-9.-]+).*$/, '$1');
		const [type = '', id = ''] = name.split('/');
		if (modifier !== undefined && modifier !== 'below' && modifier !== 'above') return random.pick([id, `${modifier}/${id}`, name]);
		const known = (param.targets ?? []).includes(type);
		return random.pick([name, name, `${oracle.base}/${name}`, held, ...(known ? [id] : [])]);
	}

	function chain(type: string, depth: number): Pair {
		const params = (asked[type] as readonly string[])
			.map((code) => oracle.param(type, code))
			.filter((param): param is SearchParameterFacts => param?.type === 'reference');
		const links = params.flatMap((param) =>
			(param.targets ?? []).filter((target) => asked[target] !== undefined).map((target) => ({ param, target })),
		);
		if (links.length === 0) return criterion(type, 9);
		const { param, target } = random.pick(links);
		const [name, value] = criterion(target, depth + 1);
		// Without its type a chain may lead to other types that know the same parameter by other values, which is fine with the oracle too.
		const typed = (param.targets ?? []).length > 1 ? `${param.code}:${target}` : param.code;
		return [`${typed}.${name}`, value];
	}

	function reverse(type: string, depth: number): Pair {
		const links = Object.entries(asked).flatMap(([source, codes]) =>
			codes.flatMap((code) => {
				const param = oracle.param(source, code);
				return param?.type === 'reference' && (param.targets ?? []).includes(type) ? [{ source, code }] : [];
			}),
		);
		if (links.length === 0) return criterion(type, 9);
		const { source, code } = random.pick(links);
		const [name, value] = criterion(source, depth + 1);
		return [`_has:${source}:${code}:${name}`, value];
	}
}

function modifierOf(random: Random, { type, code, targets = [] }: SearchParameterFacts): string | undefined {
	if (random.chance(0.6)) return undefined;
	switch (type) {
		case 'string':
			return random.pick(['exact', 'contains', 'text']);
		case 'token':
			if (['_id', 'phone', 'email', 'telecom', 'udi-di'].includes(code)) return undefined;
			if (['gender', 'status', 'active', 'deceased', 'version', 'relation'].includes(code)) return random.chance(0.5) ? 'not' : undefined;
			if (code === 'contenttype') return 'below';
			if (code === 'identifier') return random.pick(['of-type', 'not', 'text']);
			return random.pick(['not', 'text', 'in', 'not-in']);
		case 'reference':
			if (code === 'questionnaire') return 'below';
			if ((code === 'partof' || code === 'part-of' || code === 'location' || code === 'service-provider') && random.chance(0.5))
				return random.pick(['below', 'above']);
			return random.chance(0.4) ? 'identifier' : targets.length > 0 ? random.pick(targets) : undefined;
		case 'uri':
			return code === '_source' ? 'above' : random.pick(['below', 'above']);
		default:
			return undefined;
	}
}

function anyValue(random: Random, { type }: SearchParameterFacts): string {
	if (type === 'date') return `${random.pick(['', 'ge', 'lt'])}2020`;
	if (type === 'number' || type === 'quantity') return '5';
	return 'nothing';
}

const escaped = (text: string): string => text.replaceAll(/[\\,|$]/g, '\\$&');

type Held = {
	system?: string;
	code?: string;
	value?: unknown;
	unit?: string;
	coding?: Held[];
	text?: string;
	display?: string;
	reference?: string;
	identifier?: Held;
	type?: Held;
	low?: Held;
};

function token(random: Random, modifier: string | undefined, value: unknown, type: string): string {
	if (typeof value !== 'object')
		return type === 'string' && random.chance(0.5) ? escaped(String(value).toUpperCase()) : escaped(String(value).split(';')[0] as string);
	const held = value as Held;
	if (modifier === 'text')
		return escaped(
			random
				.pick(
					[held.text, held.display, held.coding?.[0]?.display, held.type?.text, 'pressure', 'blood head'].filter(
						(text) => text !== undefined,
					),
				)
				.slice(0, random.pick([4, 30])),
		);
	if (modifier === 'of-type') {
		const kind = held.type?.coding?.[0];
		return [kind?.system ?? 'http://none', kind?.code ?? 'XX', String(held.value)].map(escaped).join('|');
	}
	if (type === 'ContactPoint')
		return random.pick([String(held.value), String(held.value).toUpperCase(), String(held.value).replaceAll(' ', '')]);
	const one = held.coding === undefined ? held : held.coding.length === 0 ? { code: 'none' } : random.pick(held.coding);
	const code = escaped(String((type === 'Identifier' ? one.value : one.code) ?? 'none'));
	const system = one.system === undefined ? '' : escaped(one.system);
	return random.pick([code, `${system}|${code}`, `${system}|${code}`, system === '' ? `|${code}` : `${system}|`, `|${code}`]);
}

function string(random: Random, modifier: string | undefined, value: unknown): string {
	const texts =
		typeof value === 'string'
			? [value]
			: Object.values(value as object)
					.flat()
					.filter((one): one is string => typeof one === 'string');
	const text = texts.length === 0 ? 'x' : random.pick(texts);
	if (modifier === 'exact') return escaped(random.chance(0.8) ? text : text.toLowerCase());
	const from = modifier === undefined ? random.pick([0, 0, 0, text.indexOf(' ') + 1]) : random.below(text.length);
	const part = text.slice(from, from + random.pick([1, 2, 4, 40]));
	const odd = random.pick([part, part.toUpperCase(), part.normalize('NFD').replaceAll(/\p{M}/gu, '')]).trim();
	return /[\p{L}\p{N}]/u.test(odd) ? escaped(odd) : 's';
}

function date(random: Random, value: unknown): string {
	const texts =
		typeof value === 'string'
			? [value]
			: Object.values(value as object)
					.flat()
					.filter((one): one is string => typeof one === 'string');
	const text = texts.length === 0 ? '2020' : random.pick(texts);
	const cut = random.pick([text, text, text.slice(0, 4), text.slice(0, 7), text.slice(0, 10)]);
	return random.pick(['', '', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap']) + cut;
}

function number(random: Random, value: number): string {
	const text = random.pick([String(value), String(value), value.toFixed(1), value.toPrecision(2), String(value + 1)]);
	return random.pick(['', '', '', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap']) + text.replace('e+', 'e');
}

function quantity(random: Random, { value, unit, system, code }: Held): string {
	const text = number(random, Number(value));
	const ends = [text, text];
	if (system !== undefined && code !== undefined) ends.push(`${text}|${system}|${code}`, `${text}|${system}|${code}`);
	if (unit !== undefined) ends.push(`${text}||${unit}`);
	if (code !== undefined) ends.push(`${text}||${code}`);
	if (code === 'mg')
		ends.push(`${number(random, Number(value) / 1000)}|${system}|g`, `${number(random, Number(value) * 1000)}|${system}|ug`);
	return random.pick(ends);
}

function uri(random: Random, modifier: string | undefined, value: string): string {
	if (modifier === 'below') return escaped(value.slice(0, random.pick([12, 20, 100])));
	if (modifier === 'above') return escaped(value + random.pick(['', '/_history/5', 'x']));
	return escaped(value);
}

function sortOf(oracle: SearchOracle, random: Random, type: string): string {
	const codes = (asked[type] as string[]).filter((code) => {
		const kind = oracle.param(type, code)?.type;
		return (
			(kind === 'date' || kind === 'string' || kind === 'token' || kind === 'number' || kind === 'reference') &&
			!/^(combo|_|phone|email|telecom|deceased|questionnaire|context|contenttype|characteristic|value$|udi)/.test(code)
		);
	});
	const keys = [...new Set(Array.from({ length: random.between(1, 2) }, () => random.pick([...codes, '_id', '_lastUpdated'])))];
	return keys.map((code) => (random.chance(0.5) ? '-' : '') + code).join(',');
}
