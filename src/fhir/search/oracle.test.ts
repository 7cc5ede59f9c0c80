// Random queries on a random world must find what the oracle finds, in the order asked for, page by page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { raw } from '#db/sql.ts';
import type { SearchParameterFacts } from '#fhir/definitions/facts.ts';
import type { Resource } from '#fhir/resource.ts';
import { testFhir } from '#testing/fhir.ts';
import { createRandom, type Random } from '#testing/random.ts';
import { SearchOracle } from '#testing/search-oracle.ts';
import { searchWorld } from '#testing/search-world.ts';
import type { Pair } from './escape.ts';
import { type SearchResult, search } from './search.ts';

const seed = Number(process.env.HERON_SEED ?? 1);
const rounds = Number(process.env.HERON_ROUNDS ?? 400);
const ctx = await testFhir({ after }, { settings: { referentialIntegrity: false, maxCount: 5000 } });
let oracle: SearchOracle;
let world: Resource[];

/** What is asked of each type; the first of each list are asked more often. */
const asked: Readonly<Record<string, readonly string[]>> = {
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

before(async () => {
	const made = searchWorld(createRandom(seed), 260, ctx.fhir.base);
	const written = await ctx.fhir.store.transact(ctx, (unit) =>
		unit.write(made.map((resource) => ({ type: resource.resourceType, id: resource.id as string, op: 'U', resource }))),
	);
	world = written.map(({ body }) => JSON.parse(body) as Resource);
	await ctx.db.execute(raw('ANALYZE'));
	const sets = new Map(world.filter(({ resourceType }) => resourceType === 'ValueSet').map((set) => [set.url as string, set]));
	oracle = new SearchOracle({
		resources: world,
		parameters: ctx.fhir.definitions.searchParameters,
		base: ctx.fhir.base,
		now: ctx.clock.now().getTime(),
		valueSet: (url) => codesOf(sets.get(url)),
	});
});

type Include = { system: string; concept: { code: string }[] };

function codesOf(set: Resource | undefined): { system: string; code: string }[] {
	const { include = [] } = (set?.compose ?? {}) as { include?: Include[] };
	return include.flatMap(({ system, concept }) => concept.map(({ code }) => ({ system, code })));
}

test('random queries find what the oracle finds', async () => {
	let found = 0;
	const failures: string[] = [];
	for (let i = 0; i < rounds; i++) {
		const random = createRandom(seed, i);
		const type = random.pick([...Object.keys(asked), 'Patient', 'Patient', 'Observation', 'Observation', 'Observation']);
		const pairs = Array.from({ length: random.pick([1, 1, 1, 2, 2, 3]) }, () => criterion(random, type, 0));
		const text = `seed ${seed}, round ${i}: ${type}?${pairs.map((pair) => pair.join('=')).join('&')}`;
		const expected = oracle.find(type, pairs).map(({ id }) => id as string);
		found += expected.length;
		try {
			assert.deepEqual((await pagesOf(random, type, pairs)).toSorted(), expected.toSorted());
		} catch (error) {
			failures.push(`${text}\n${error instanceof assert.AssertionError ? error.message : (error as Error).stack}`);
		}
	}
	assert.deepEqual(failures.slice(0, 5), [], `${failures.length} of ${rounds} queries`);
	assert.ok(found > rounds, `the queries found only ${found}`);
});

/** All matches, read in pages of a random size, with the total and a walk back on the way. */
async function pagesOf(random: Random, type: string, pairs: readonly Pair[]): Promise<string[]> {
	const sort = random.chance(0.4) ? sortOf(random, type) : [];
	const control: Pair[] = [
		['_count', String(random.pick([1, 2, 3, 7, 50, 1000]))],
		['_total', 'accurate'],
		...sort.map((one): Pair => ['_sort', one]),
	];
	const found: Resource[] = [];
	const budget = random.pick([undefined, undefined, 1, 3, 20]);
	let query: string | readonly Pair[] = [...pairs, ...control];
	let before: string[] | undefined;
	for (let page = 0; page < 100; page++) {
		const result: SearchResult = await search(ctx, { type, query, handling: 'strict', ...(budget === undefined ? {} : { budget }) });
		const ids = result.matches.map(({ id }) => id);
		found.push(...result.matches.map(({ body }) => JSON.parse(body) as Resource));
		if (before !== undefined && result.links.previous !== undefined && page === 1) {
			const back = await search(ctx, { type, query: result.links.previous.split('?')[1] ?? '', handling: 'strict' });
			assert.deepEqual(
				back.matches.map(({ id }) => id),
				before,
				'the page before',
			);
		}
		before = ids;
		if (result.links.next === undefined) {
			assert.equal(result.total, found.length, 'the total');
			break;
		}
		query = result.links.next.split('?')[1] ?? '';
		if (page === 99)
			return [
				...found.map(({ id }) => id as string),
				...(await search(ctx, { type, query: [...pairs, ['_count', '5000']], handling: 'strict' })).matches.map(({ id }) => id),
			].filter((id, i, all) => all.indexOf(id) === i);
	}
	const ids = found.map(({ id }) => id as string);
	assert.equal(new Set(ids).size, ids.length, 'no match twice');
	assertSorted(found, sort);
	return ids;
}

function sortOf(random: Random, type: string): string[] {
	const codes = (asked[type] as string[]).filter((code) => {
		const kind = oracle.param(type, code)?.type;
		return (
			(kind === 'date' || kind === 'string' || kind === 'token' || kind === 'number' || kind === 'reference') &&
			!/^(combo|_|phone|email|telecom|deceased|questionnaire|context|contenttype|characteristic|value$|udi)/.test(code)
		);
	});
	const keys = [...new Set(Array.from({ length: random.between(1, 2) }, () => random.pick([...codes, '_id', '_lastUpdated'])))];
	return [keys.map((code) => (random.chance(0.5) ? '-' : '') + code).join(',')];
}

function assertSorted(found: readonly Resource[], sort: readonly string[]): void {
	const keys = sort.flatMap((one) => one.split(',')).map((one) => ({ code: one.replace(/^-/, ''), down: one.startsWith('-') }));
	const keyOf = (resource: Resource, { code, down }: (typeof keys)[0]): string | number | undefined =>
		code === '_id'
			? resource.id
			: code === '_lastUpdated'
				? Date.parse(resource.meta?.lastUpdated ?? '')
				: oracle.sortKey(resource, code, down);
	for (let i = 1; i < found.length; i++) {
		for (const key of keys) {
			const [a, b] = [keyOf(found[i - 1] as Resource, key), keyOf(found[i] as Resource, key)];
			if (a === b) continue;
			assert.ok(
				b === undefined || (a !== undefined && (key.down ? a > b : a < b)),
				`sorted by ${sort.join()}: ${String(a)} before ${String(b)}`,
			);
			break;
		}
	}
}

/** A criterion that some resource may meet. */
function criterion(random: Random, type: string, depth: number): Pair {
	if (depth < 2 && random.chance(0.16)) return chain(random, type, depth);
	if (depth < 2 && random.chance(0.1)) return reverse(random, type, depth);
	if (depth === 0 && random.chance(0.04))
		return [random.pick(['_text', '_content']), random.pick(['blood', 'hyper', 'COVID-19', 'headache', 'weight', 'Seen', 'dizziness'])];
	if (depth === 0 && random.chance(0.02)) return ['_list', random.pick(['list-0', 'list-1,list-2', 'none'])];
	const codes = asked[type] as readonly string[];
	const code = random.chance(0.5) ? random.pick(codes.slice(0, 6)) : random.pick(codes);
	const param = oracle.param(type, code) as SearchParameterFacts;
	if (param.type !== 'composite' && random.chance(0.06)) return [`${code}:missing`, random.pick(['true', 'false'])];
	const modifier = modifierOf(random, param);
	const values = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => valueFor(random, type, param, modifier));
	return [modifier === undefined ? code : `${code}:${modifier}`, values.join(',')];
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

function valueFor(random: Random, type: string, param: SearchParameterFacts, modifier: string | undefined): string {
	if (modifier === 'in' || modifier === 'not-in')
		return random.pick(['valu-0', 'valu-1', 'valu-2', 'valu-3'].map((id) => `http://acme.example/fhir/ValueSet/${id}`));
	if (param.type === 'special') return `${random.between(-40, 40)}|${random.between(-150, 150)}|${random.pick([1000, 3000, 8000])}|km`;
	if (param.type === 'composite') return compositeValue(random, type, param);
	const holders = world.filter((resource) => resource.resourceType === type && oracle.itemsOf(resource, param).length > 0);
	const items = holders.length === 0 ? [] : oracle.itemsOf(random.pick(holders), param);
	const item = items.length === 0 ? undefined : random.pick(items);
	return item === undefined ? anyValue(random, param) : written(random, param, modifier, item.value, item.type);
}

function anyValue(random: Random, { type }: SearchParameterFacts): string {
	if (type === 'date') return `${random.pick(['', 'ge', 'lt'])}2020`;
	if (type === 'number' || type === 'quantity') return '5';
	return 'nothing';
}

function compositeValue(random: Random, type: string, param: SearchParameterFacts): string {
	return (param.components ?? [])
		.map(({ definition }) => {
			const inner = ctx.fhir.definitions.searchParameters.find(
				(one) => one.url === definition && one.base === type,
			) as SearchParameterFacts;
			for (let i = 0; ; i++) {
				const value = valueFor(random, type, inner, undefined);
				// A system alone is no component, and units other than UCUM's are told by their text alone.
				if (i > 20 || !(inner.type === 'token' ? /\|$/ : /hospital/).test(value)) return value;
			}
		})
		.join('$');
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

function written(random: Random, param: SearchParameterFacts, modifier: string | undefined, value: unknown, type: string): string {
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
			return reference(random, param, modifier, value);
	}
}

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

function reference(random: Random, param: SearchParameterFacts, modifier: string | undefined, value: unknown): string {
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
	return random.pick([name, name, `${ctx.fhir.base}/${name}`, held, ...(known ? [id] : [])]);
}

function chain(random: Random, type: string, depth: number): Pair {
	const params = (asked[type] as readonly string[])
		.map((code) => oracle.param(type, code))
		.filter((param): param is SearchParameterFacts => param?.type === 'reference');
	const links = params.flatMap((param) =>
		(param.targets ?? []).filter((target) => asked[target] !== undefined).map((target) => ({ param, target })),
	);
	if (links.length === 0) return criterion(random, type, 9);
	const { param, target } = random.pick(links);
	const [name, value] = criterion(random, target, depth + 1);
	// Without its type a chain may lead to other types that know the same parameter by other values, which is fine with the oracle too.
	const typed = (param.targets ?? []).length > 1 ? `${param.code}:${target}` : param.code;
	return [`${typed}.${name}`, value];
}

function reverse(random: Random, type: string, depth: number): Pair {
	const links = Object.entries(asked).flatMap(([source, codes]) =>
		codes.flatMap((code) => {
			const param = oracle.param(source, code);
			return param?.type === 'reference' && (param.targets ?? []).includes(type) ? [{ source, code }] : [];
		}),
	);
	if (links.length === 0) return criterion(random, type, 9);
	const { source, code } = random.pick(links);
	const [name, value] = criterion(random, source, depth + 1);
	return [`_has:${source}:${code}:${name}`, value];
}
