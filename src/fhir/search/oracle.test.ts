// Random queries on a random world must find what the oracle finds, in the order asked for, page by page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Caller, Grant } from '#access/ctx.ts';
import { raw } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { testFhir } from '#testing/fhir.ts';
import { createRandom, type Random } from '#testing/random.ts';
import { SearchOracle } from '#testing/search-oracle.ts';
import { asked, createQueries, type Queries } from '#testing/search-queries.ts';
import { searchWorld } from '#testing/search-world.ts';
import type { Pair } from './escape.ts';
import { type SearchResult, search } from './search.ts';

const seed = Number(process.env.HERON_SEED ?? 1);
const howMany = Number(process.env.HERON_ROUNDS ?? 400);
const ctx = await testFhir({ after }, { settings: { referentialIntegrity: false, maxCount: 5000 } });
let oracle: SearchOracle;
let world: Resource[];

before(async () => {
	const made = searchWorld(createRandom(seed), 260, ctx.fhir.base);
	const written = await ctx.fhir.store.transact(ctx, (unit) =>
		unit.write(made.map((resource) => ({ type: resource.resourceType, id: resource.id as string, op: 'U', resource }))),
	);
	world = written.map(({ body }) => JSON.parse(body) as Resource);
	await ctx.db.execute(raw('ANALYZE'));
	oracle = oracleOf(world);
});

function oracleOf(resources: readonly Resource[]): SearchOracle {
	const sets = new Map(resources.filter(({ resourceType }) => resourceType === 'ValueSet').map((set) => [set.url as string, set]));
	return new SearchOracle({
		resources,
		parameters: ctx.fhir.definitions.searchParameters,
		base: ctx.fhir.base,
		now: ctx.clock.now().getTime(),
		valueSet: (url) => codesOf(sets.get(url)),
	});
}

type Include = { system: string; concept: { code: string }[] };

function codesOf(set: Resource | undefined): { system: string; code: string }[] {
	const { include = [] } = (set?.compose ?? {}) as { include?: Include[] };
	return include.flatMap(({ system, concept }) => concept.map(({ code }) => ({ system, code })));
}

/** Runs many random checks and shows the first that fail. */
async function rounds(count: number, check: (random: Random, queries: Queries) => Promise<{ text: string; found: number }>): Promise<void> {
	let found = 0;
	const failures: string[] = [];
	for (let i = 0; i < count; i++) {
		const random = createRandom(seed, i);
		await check(random, createQueries(oracle, random)).then(
			(done) => {
				found += done.found;
			},
			(error: Error) => failures.push(`seed ${seed}, round ${i}: ${error.message}`),
		);
	}
	assert.deepEqual(failures.slice(0, 5), [], `${failures.length} of ${count} failed`);
	assert.ok(found > count, `only ${found} resources were found`);
}

function someQuery(random: Random, queries: Queries): { type: string; pairs: Pair[]; text: string } {
	const type = random.pick([...Object.keys(asked), 'Patient', 'Patient', 'Observation', 'Observation', 'Observation']);
	const pairs = Array.from({ length: random.pick([1, 1, 1, 2, 2, 3]) }, () => queries.criterion(type, 0));
	return { type, pairs, text: `${type}?${pairs.map((pair) => pair.join('=')).join('&')}` };
}

test('random queries find what the oracle finds', async () => {
	await rounds(howMany, async (random, queries) => {
		const { type, pairs, text } = someQuery(random, queries);
		const expected = oracle.find(type, pairs).map(({ id }) => id as string);
		const sort = random.chance(0.4) ? [queries.sort(type)] : [];
		assert.deepEqual((await pagesOf(random, ctx, type, pairs, sort, text)).toSorted(), expected.toSorted(), text);
		return { text, found: expected.length };
	});
});

test('a limited caller finds what a caller would in a world of what he may see', async () => {
	await rounds(howMany / 2, async (random, queries) => {
		const grants = someGrants(random);
		const visible = world.filter((resource) => grants.some((grant) => reaches(grant, resource)));
		const limited = oracleOf(visible);
		const { type, pairs, text } = someQuery(random, queries);
		const caller: Caller = { kind: 'user', id: 'u', name: 'u', grants };
		const about = `${JSON.stringify(grants)} ${text}`;
		// Of a value set that he may not see he learns nothing, not even that it is there.
		const sets = /:(?:not-)?in=[^&]*/.exec(text)?.[0].match(/valu-\d/g) ?? [];
		if (!sets.every((id) => visible.some((resource) => resource.id === id))) return { text, found: 1 };
		if (!grants.some((grant) => isAbout(grant, type))) {
			await assert.rejects(search({ ...ctx, caller }, { type, query: pairs, handling: 'strict' }), /search-forbidden/, about);
			return { text, found: 1 };
		}
		const expected = limited.find(type, pairs).map(({ id }) => id as string);
		const sort = random.chance(0.4) ? [queries.sort(type)] : [];
		assert.deepEqual((await pagesOf(random, { ...ctx, caller }, type, pairs, sort, about)).toSorted(), expected.toSorted(), about);
		const includes = someIncludes(random, type);
		const result = await search({ ...ctx, caller }, { type, query: [...pairs, ...includes, ['_count', '5000']], handling: 'strict' });
		const matched = visible.filter((resource) => resource.resourceType === type && expected.includes(resource.id as string));
		assert.deepEqual(
			result.included.map(({ type: of, id }) => `${of}/${id}`).toSorted(),
			[...limited.included(matched, includes)].toSorted(),
			`${about} ${includes.join(' ')}`,
		);
		return { text, found: 1 + expected.length };
	});
});

test('what is included is what the oracle includes', async () => {
	await rounds(howMany / 4, async (random, queries) => {
		const { type, pairs, text } = someQuery(random, queries);
		const includes = someIncludes(random, type);
		const result = await search(ctx, { type, query: [...pairs, ...includes, ['_count', '5000']], handling: 'strict' });
		const expected = oracle.included(oracle.find(type, pairs), includes);
		assert.deepEqual(
			result.included.map(({ type: of, id }) => `${of}/${id}`).toSorted(),
			[...expected].toSorted(),
			`${text} ${includes.join(' ')}`,
		);
		return { text, found: 1 + expected.size };
	});
});

const all = ['create', 'read', 'update', 'delete', 'search'] as const;

/** One patient's compartment, some types, or parts of types by granular queries. */
function someGrants(random: Random): Grant[] {
	const patient = `pati-${random.below(26)}`;
	const own: Grant = { type: '*', interactions: all, patient };
	const parts: readonly (readonly [type: string, query: string])[] = [
		['Observation', 'category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory'],
		['Observation', 'status=final,amended'],
		['Condition', 'clinical-status=active'],
		['Encounter', 'class:not=IMP'],
		['Patient', 'general-practitioner:Practitioner.name=s'],
	];
	const rest = Object.keys(asked).map((type): Grant => ({ type, interactions: all }));
	switch (random.below(4)) {
		case 0:
			return [own];
		case 1:
			return [own, ...rest.filter(() => random.chance(0.3))];
		case 2:
			return [
				...rest.filter(({ type }) => random.chance(0.6) && !parts.some(([of]) => of === type)),
				...parts.filter(() => random.chance(0.7)).map(([type, query]): Grant => ({ type, interactions: all, query })),
			];
		default:
			return [
				...parts.map(([type, query]): Grant => ({ type, interactions: all, query, patient })),
				...rest.filter(() => random.chance(0.2)),
			];
	}
}

/** Whether a grant may reach resources of a type at all: a patient's reaches only types that belong to patients. */
function isAbout(grant: Grant, type: string): boolean {
	if (grant.type !== '*' && grant.type !== type) return false;
	return grant.patient === undefined || type === 'Patient' || compartmentCodes(type).length > 0;
}

/** By what a type belongs to a patient. R4's compartment leaves Device out; a patient's own are the patient's here. */
function compartmentCodes(type: string): readonly string[] {
	return type === 'Device' ? ['patient'] : (ctx.fhir.definitions.compartment('Patient')[type] ?? []);
}

/** Whether a grant lets see a resource, worked out by the oracle. */
function reaches({ type, patient, query }: Grant, resource: Resource): boolean {
	if (type !== '*' && type !== resource.resourceType) return false;
	if (patient !== undefined && !isOf(patient, resource)) return false;
	return query === undefined || query.split('&').every((pair) => oracle.matches(resource, ...(pair.split(/=(.*)/) as [string, string])));
}

/** Whether a resource is in a patient's compartment, and is no other patient. */
function isOf(patient: string, resource: Resource): boolean {
	if (resource.resourceType === 'Patient') return resource.id === patient;
	const codes = compartmentCodes(resource.resourceType);
	return codes.some(
		(code) => oracle.param(resource.resourceType, code)?.type === 'reference' && oracle.matches(resource, code, `Patient/${patient}`),
	);
}

function someIncludes(random: Random, type: string): Pair[] {
	const references = (of: string): string[] =>
		oracle.parameters.filter((param) => param.base === of && param.type === 'reference').map(({ code }) => code);
	return Array.from({ length: random.between(1, 3) }, (): Pair => {
		const suffix = random.chance(0.4) ? ':iterate' : '';
		const other = random.pick(Object.keys(asked));
		const source = suffix === '' || random.chance(0.5) ? type : other;
		if (random.chance(0.5)) {
			const codes = references(source);
			if (codes.length === 0) return ['_include', '*'];
			return [`_include${suffix}`, `${source}:${random.pick([...codes, '*'])}${random.pick(['', '', ':Patient'])}`];
		}
		const codes = references(other);
		return codes.length === 0
			? ['_revinclude', '*:*']
			: [`_revinclude${suffix}`, `${other}:${random.pick([...codes, '*'])}${random.pick(['', '', `:${type}`])}`];
	});
}

/** All matches, read in pages of a random size, with the total and a walk back on the way. */
async function pagesOf(
	random: Random,
	as: FhirCtx,
	type: string,
	pairs: readonly Pair[],
	sort: readonly string[],
	text: string,
): Promise<string[]> {
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
		const result: SearchResult = await search(as, { type, query, handling: 'strict', ...(budget === undefined ? {} : { budget }) });
		const ids = result.matches.map(({ id }) => id);
		found.push(...result.matches.map(({ body }) => JSON.parse(body) as Resource));
		if (before !== undefined && result.links.previous !== undefined && page === 1) {
			const back = await search(as, { type, query: result.links.previous.split('?')[1] ?? '', handling: 'strict' });
			assert.deepEqual(
				back.matches.map(({ id }) => id),
				before,
				`${text}: the page before`,
			);
		}
		before = ids;
		if (result.links.next === undefined) {
			assert.equal(result.total, found.length, `${text}: the total`);
			break;
		}
		query = result.links.next.split('?')[1] ?? '';
		if (page === 99)
			return [
				...found.map(({ id }) => id as string),
				...(await search(as, { type, query: [...pairs, ['_count', '5000']], handling: 'strict' })).matches.map(({ id }) => id),
			].filter((id, i, all) => all.indexOf(id) === i);
	}
	const ids = found.map(({ id }) => id as string);
	assert.equal(new Set(ids).size, ids.length, `${text}: no match twice`);
	assertSorted(found, sort, text);
	return ids;
}

function assertSorted(found: readonly Resource[], sort: readonly string[], text: string): void {
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
				`${text}: sorted by ${sort.join()}: ${String(a)} before ${String(b)}`,
			);
			break;
		}
	}
}
