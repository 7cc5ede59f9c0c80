// The demo clinic asked as conformance kits ask: each search of US Core's server CapabilityStatements with values that stand in the record, in
// every form in which a client may write it, and every answer compared with what a patient's whole record says should be in it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { grantsOfToken } from '#access/policy.ts';
import { compilePath } from '#fhir/path/compile.ts';
import type { Resource } from '#fhir/resource.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { testServer } from '#testing/server.ts';
import { createClinic } from './clinic.ts';
import { loadClinic } from './load.ts';

const definitions = testDefinitions();
const guides = definitions.servers.filter(({ url }) => url.endsWith('/us-core-server'));

const clinic = createClinic({ seed: 1, today: '2026-11-25', patients: 20 });
const server = await testServer({ after });
await loadClinic(server.ctx, clinic);

/** Searches for a patient's resources, as the guides' versions together name them. */
const searches = [
	...new Set(
		guides.flatMap(({ resources }) =>
			resources.flatMap(({ type, params, combinations }) =>
				[...params.map((code) => [code]), ...combinations.map(({ required }) => required)]
					.filter((codes) => codes.includes('patient'))
					.map((codes) => `${type} ${codes.toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b)).join(' ')}`),
			),
		),
	),
].sort();

function rank(code: string): number {
	return code === 'patient' ? 0 : 1;
}

/** Of several values of a parameter all have to match. */
type Query = Readonly<Record<string, string | readonly string[]>>;
type Answer = { readonly entry?: readonly { readonly fullUrl: string; readonly resource: Resource }[]; readonly total?: number };

async function find(type: string, query: Query, as = 'admin', method: 'GET' | 'POST' = 'GET'): Promise<readonly Resource[]> {
	const pairs = Object.entries(query).flatMap(([code, values]) => [values].flat().map((value): [string, string] => [code, value]));
	const text = new URLSearchParams([...pairs, ['_count', '1000']]).toString();
	const { status, json } =
		method === 'GET'
			? await server.send('GET', `${type}?${text}`, { as })
			: await server.send('POST', `${type}/_search`, { as, body: text, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
	assert.equal(status, 200, `${type}?${text}: ${JSON.stringify(json).slice(0, 300)}`);
	const { entry = [] } = json as Resource & Answer;
	for (const { fullUrl, resource } of entry) assert.equal(fullUrl, `${server.base}/${resource.resourceType}/${resource.id}`);
	return entry.map(({ resource }) => resource);
}

const records = new Map<string, Promise<readonly Resource[]>>();

/** Everything of a type that is in a patient's record. */
function recordOf(type: string, patient: string): Promise<readonly Resource[]> {
	const key = `${type} ${patient}`;
	const found = records.get(key) ?? find(type, { patient });
	records.set(key, found);
	return found;
}

type Item = Record<string, string> & { readonly coding?: readonly { readonly system: string; readonly code: string }[] };

/** A parameter as a client understands it: where its values are, how it asks for one, and whether a resource has what is asked for. */
type Param = {
	readonly type: string;
	readonly items: (resource: Resource) => readonly Item[];
	readonly ask: (item: Item) => string | undefined;
	readonly has: (item: Item, value: string) => boolean;
};

const known = new Map<string, Param>();

function paramOf(type: string, code: string): Param {
	const param = known.get(`${type} ${code}`) ?? readParam(type, code);
	known.set(`${type} ${code}`, param);
	return param;
}

function readParam(type: string, code: string): Param {
	const facts = definitions.searchParameters.find((one) => one.code === code && (one.base === type || one.base === 'Resource'));
	assert.ok(facts !== undefined, `${type}.${code}`);
	const path = compilePath(facts.expression, { type });
	const items = (resource: Resource): Item[] => path(resource) as Item[];
	const kind = kinds[facts.type];
	assert.ok(kind !== undefined, facts.type);
	return { type: facts.type, items, ...kind };
}

const kinds: Readonly<Record<string, Pick<Param, 'ask' | 'has'>>> = {
	token: {
		ask: (item) => codings(item)[0]?.code,
		has: (item, value) =>
			codings(item).some(({ system, code }) => value.split(',').some((one) => one === code || one === `${system}|${code}`)),
	},
	reference: {
		ask: linkOf,
		has: (item, value) => value === linkOf(item) || value.endsWith(`/${linkOf(item)}`) || `Patient/${value}` === linkOf(item),
	},
	date: { ask: askDate, has: hasDate },
	string: {
		ask: ({ family }) => family,
		has: (item, value) =>
			Object.values(item)
				.flat()
				.some((text) => String(text).toLowerCase().startsWith(value.toLowerCase())),
	},
	uri: { ask: (item) => item as unknown as string, has: (item, value) => (item as unknown as string) === value },
};

/** Of a canonical the url and version. */
function linkOf(item: Item): string | undefined {
	return typeof item === 'string' ? item : item.reference;
}

function codings(item: Item): readonly { readonly system?: string; readonly code?: string }[] {
	if (typeof item === 'string') return [{ code: item }];
	const { coding, system, code, value } = item;
	return (
		coding ?? [
			{ ...(system === undefined ? {} : { system }), ...((code ?? value) === undefined ? {} : { code: code ?? (value as string) }) },
		]
	);
}

const dayMs = 86_400_000;

/** A moment is asked for as it is written, what is longer from the day before on. */
function askDate(item: Item): string | undefined {
	if (typeof item === 'string' && String(item).includes('T')) return item;
	const [start] = spanOf(item);
	return Number.isFinite(start) ? `gt${new Date(start - dayMs).toISOString()}` : undefined;
}

/** First and last moment of a date, to the second, and of a period; a date without a time is one of UTC here. */
function spanOf(item: Item | string): [start: number, end: number] {
	if (typeof item !== 'string') {
		const { start, end } = item;
		return [start === undefined ? -Infinity : spanOf(start)[0], end === undefined ? Infinity : spanOf(end)[1]];
	}
	const start = Date.parse(item);
	if (item.includes('T')) return [start, start];
	const next = new Date(start);
	if (item.length === 4) next.setUTCFullYear(next.getUTCFullYear() + 1);
	else if (item.length === 7) next.setUTCMonth(next.getUTCMonth() + 1);
	else next.setUTCDate(next.getUTCDate() + 1);
	return [start, next.getTime() - 1000];
}

/** https://hl7.org/fhir/R4/search.html#prefix */
function hasDate(item: Item, value: string): boolean {
	const [, prefix = '', date = ''] = /^([a-z]{2})?(.*)$/.exec(value) ?? [];
	const [[start, end], [from, to]] = [spanOf(item), spanOf(date)];
	const isWithin = from <= start && to >= end;
	switch (prefix) {
		case 'gt':
			return end > to;
		case 'ge':
			return end > to || isWithin;
		case 'lt':
			return start < from;
		case 'le':
			return start < from || isWithin;
		default:
			return isWithin;
	}
}

/** What of a record a query should find. */
function matching(type: string, record: readonly Resource[], query: Query): readonly Resource[] {
	const params = Object.entries(query).flatMap(([code, values]) => [values].flat().map((value) => [paramOf(type, code), value] as const));
	return record.filter((resource) => params.every(([{ items, has }, value]) => items(resource).some((item) => has(item, value))));
}

const idsOf = (resources: readonly Resource[]): string[] => resources.map(({ id }) => id as string).sort();

/** A patient whose record has a value for each parameter, with the query that asks for them: the one who has most of the type. */
async function example(
	type: string,
	codes: readonly string[],
): Promise<{ patient: string; query: Query; asked: Map<string, Item> } | undefined> {
	let best: { patient: string; query: Query; asked: Map<string, Item> } | undefined;
	let most = 0;
	for (let n = 0; n < clinic.patients; n++) {
		const patient = clinic.person(n).id;
		const record = await recordOf(type, patient);
		if (record.length <= most) continue;
		for (const resource of record) {
			const asked = new Map<string, Item>();
			for (const code of codes.slice(1)) {
				const { items, ask } = paramOf(type, code);
				const item = items(resource).find((one) => ask(one) !== undefined);
				if (item !== undefined) asked.set(code, item);
			}
			if (asked.size < codes.length - 1) continue;
			const values = [...asked].map(([code, item]) => [code, paramOf(type, code).ask(item) as string]);
			best = { patient, query: { patient, ...Object.fromEntries(values) }, asked };
			most = record.length;
			break;
		}
	}
	return best;
}

/** The same search in other words, each with how it is written. */
function variantsOf(type: string, query: Query, asked: ReadonlyMap<string, Item>): [how: string, query: Query][] {
	const variants: [string, Query][] = [
		['the type of the reference', { ...query, patient: `Patient/${query.patient}` }],
		['an absolute reference', { ...query, patient: `${server.base}/Patient/${query.patient}` }],
	];
	for (const [code, item] of asked) {
		const { type: kind } = paramOf(type, code);
		if (kind === 'token') {
			const [{ system, code: value } = {}] = codings(item);
			if (system !== undefined) variants.push([`${code} with its system`, { ...query, [code]: `${system}|${value}` }]);
			else variants.push([`several values of ${code}`, { ...query, [code]: `${value},entered-in-error` }]);
		}
		if (kind === 'date') {
			const [start, end] = spanOf(item);
			const at = Number.isFinite(start) ? start : end;
			for (const prefix of ['gt', 'ge', 'lt', 'le']) {
				const ms = at + (prefix.startsWith('g') ? -dayMs : dayMs);
				variants.push([`${prefix} of ${code}`, { ...query, [code]: `${prefix}${new Date(ms).toISOString().replace('.000', '')}` }]);
			}
			const range = [-dayMs, dayMs].map((by, i) => `${i === 0 ? 'ge' : 'le'}${new Date(at + by).toISOString().slice(0, 10)}`);
			variants.push([`a range of ${code}`, { ...query, [code]: range }]);
		}
	}
	return variants;
}

describe('every form of a search finds the same', () => {
	for (const search of searches) {
		it(search, async () => {
			const [type, ...codes] = search.split(' ') as [string, ...string[]];
			const found = await example(type, codes);
			assert.ok(found !== undefined, 'nobody has it');
			const { patient, query, asked } = found;
			const record = await recordOf(type, patient);
			const expected = idsOf(matching(type, record, query));
			assert.ok(expected.length > 0);
			assert.deepEqual(idsOf(await find(type, query)), expected, JSON.stringify(query));
			assert.deepEqual(idsOf(await find(type, query, 'admin', 'POST')), expected, `POST ${JSON.stringify(query)}`);
			for (const [how, variant] of variantsOf(type, query, asked))
				assert.deepEqual(idsOf(await find(type, variant)), idsOf(matching(type, record, variant)), `${how}: ${JSON.stringify(variant)}`);
		});
	}
});

const condition = 'http://terminology.hl7.org/CodeSystem/condition-category';
const observation = 'http://terminology.hl7.org/CodeSystem/observation-category';
const core = 'http://hl7.org/fhir/us/core/CodeSystem';

// https://hl7.org/fhir/us/core/STU8/scopes.html#us-core-scopes
const narrow: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
	first: {
		Condition: [`${condition}|encounter-diagnosis`, `${core}/condition-category|health-concern`],
		Observation: [`${observation}|laboratory`, `${observation}|social-history`],
	},
	second: {
		Condition: [`${condition}|problem-list-item`],
		Observation: [`${observation}|vital-signs`, `${observation}|survey`, `${core}/us-core-category|sdoh`],
	},
};

describe('who is given some categories of a patient finds those and no others', () => {
	for (const [name, categories] of Object.entries(narrow)) {
		for (const search of searches.filter((one) => /^(Condition|Observation) /.test(one))) {
			it(`${name}: ${search}`, async () => {
				const [type, ...codes] = search.split(' ') as [string, ...string[]];
				const found = await example(type, codes);
				assert.ok(found !== undefined);
				const { patient, query } = found;
				const own = categories[type] as readonly string[];
				server.caller(
					`${name} ${patient}`,
					own.map((category) => ({ type, interactions: ['read', 'search'], patient, query: `category=${category}` })),
					'patient',
				);
				const may = matching(type, await recordOf(type, patient), { patient, category: own.join(',') });
				assert.deepEqual(idsOf(await find(type, query, `${name} ${patient}`)), idsOf(matching(type, may, query)));
				const others = (await recordOf(type, patient)).filter((one) => !may.includes(one));
				for (const [status, one] of [
					[200, may[0]],
					[404, others[0]],
				] as const) {
					if (one === undefined) continue;
					const read = await server.send('GET', `${type}/${one.id}`, { as: `${name} ${patient}` });
					assert.equal(read.status, status);
					assert.equal(read.json.resourceType, status === 200 ? type : 'OperationOutcome');
				}
			});
		}
	}
});

describe('an app that a patient lets see everything of himself', () => {
	const types = [...new Set(searches.map((search) => search.split(' ')[0] as string))];
	for (const n of [1, 5, 13]) {
		it(`finds all of patient ${n}, who made it, and reads whatever it refers to`, async () => {
			const patient = clinic.person(n).id;
			server.caller(`app ${n}`, grantsOfToken({ kind: 'user', scopes: ['patient/*.rs'], patient }));
			const references = new Set([`Patient/${patient}`]);
			for (const type of types) {
				const record = await recordOf(type, patient);
				const seen = await find(type, { patient, _revinclude: 'Provenance:target' }, `app ${n}`);
				assert.deepEqual(idsOf(seen.filter(({ resourceType }) => resourceType === type)), idsOf(record), type);
				for (const { id } of record)
					assert.ok(
						seen.some(({ target }) => (target as { reference: string }[] | undefined)?.some((one) => one.reference === `${type}/${id}`)),
						`nobody made ${type}/${id}`,
					);
				for (const [, reference] of JSON.stringify(seen).matchAll(/"(?:reference|url)":"([A-Z][A-Za-z]+\/[^"]+)"/g))
					references.add(reference as string);
			}
			for (const reference of references) {
				const { status } = await server.send('GET', reference, { as: `app ${n}` });
				assert.equal(status, 200, reference);
			}
			const stranger = clinic.person(n + 1).id;
			assert.deepEqual(await find('Observation', { patient: stranger }, `app ${n}`), []);
			assert.equal((await server.send('GET', `Patient/${stranger}`, { as: `app ${n}` })).status, 404);
		});
	}
});
