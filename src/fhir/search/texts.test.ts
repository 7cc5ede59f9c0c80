// Parts of names and places, of a type whose rows are spread over so many row ids that the newest are looked through first: what is found,
// page by page in both directions, and how much is touched for it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Caller, everything } from '#access/ctx.ts';
import { raw } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { allStrings } from '#fhir/store/layout.ts';
import { testFhir } from '#testing/fhir.ts';
import { explain, listening, type Plan } from '#testing/plans.ts';
import { createRandom } from '#testing/random.ts';
import { search } from './search.ts';

const ctx = await testFhir({ after });
const random = createRandom(11);
const families = ['Smith', 'Smitham', 'Goldsmith', 'Garcia-Lopez', 'O’Hara', 'Müller', 'Wintheiser', 'Ng', '王小明', 'Stone'];
const givens = ['John', 'Johanna', 'Ann', 'Maria', 'Li', 'Bartholomew'];
const cities = ['Boston', 'New Bedford', 'York'];
const groups = 3;
const each = 1400;

type Person = Resource & {
	readonly id: string;
	readonly gender: string;
	readonly name: readonly { readonly family: string; readonly given: readonly string[] }[];
	readonly address: readonly { readonly city: string; readonly line: readonly string[] }[];
};

function person(i: number): Person {
	const family = i === 3 ? 'Zebrowski' : i % 700 === 5 ? 'Quarterly' : random.pick(families);
	return {
		resourceType: 'Patient',
		id: `p${i}`,
		name: [{ family, given: [random.pick(givens)] }, ...(i % 9 === 0 ? [{ family: random.pick(families), given: ['Other'] }] : [])],
		gender: random.pick(['male', 'female']),
		address: [{ line: [`${random.between(1, 400)} Oak Avenue`], city: random.pick(cities) }],
	};
}

/** The newest last. */
const people = Array.from({ length: groups * each }, (_, i) => person(i));

before(async () => {
	for (let group = 0; group < groups; group++) {
		// As if a million other resources had come between.
		await ctx.db.rows(raw(`SELECT setval('fhir.rid', ${1 + group * 1_000_000})`));
		const some = people.slice(group * each, (group + 1) * each);
		await ctx.fhir.store.transact(ctx, (unit) =>
			unit.write(some.map((resource) => ({ type: 'Patient', id: resource.id, op: 'C', resource }))),
		);
	}
	await ctx.db.execute(raw('VACUUM ANALYZE'));
});

const plain = (text: string): string =>
	text
		.normalize('NFKD')
		.replace(/[\p{M}\p{P}]+/gu, '')
		.toLowerCase();
const inFamily =
	(part: string) =>
	(one: Person): boolean =>
		one.name.some(({ family }) => plain(family).includes(part));
const inGiven =
	(part: string) =>
	(one: Person): boolean =>
		one.name.some(({ given }) => given.some((text) => plain(text).includes(part)));
const inCity =
	(part: string) =>
	(one: Person): boolean =>
		one.address.some(({ city }) => plain(city).includes(part));
const inStreet =
	(part: string) =>
	(one: Person): boolean =>
		one.address.some(({ line }) => line.some((text) => plain(text).includes(part)));
const both =
	(a: (one: Person) => boolean, b: (one: Person) => boolean) =>
	(one: Person): boolean =>
		a(one) && b(one);

const queries: readonly (readonly [query: string, finds: (one: Person) => boolean])[] = [
	['family:contains=smit', inFamily('smit')],
	['family:contains=SMÍTH', inFamily('smith')],
	['family:contains=zebrow', inFamily('zebrow')],
	['family:contains=quarter', inFamily('quarter')],
	['family:contains=wintheiser', inFamily('wintheiser')],
	['family:contains=garcialopez', inFamily('garcialopez')],
	['family:contains=lopez', inFamily('lopez')],
	['family:contains=ohar', inFamily('ohar')],
	['family:contains=王小明', inFamily('王小明')],
	['family:contains=ng', inFamily('ng')],
	['family:contains=nobody', () => false],
	['family:contains=smith,stone', (one) => inFamily('smith')(one) || inFamily('stone')(one)],
	['family:contains=smith&given:contains=john', both(inFamily('smith'), inGiven('john'))],
	['family:contains=bosto', () => false],
	['given:contains=bartholo&address-city:contains=bedford', both(inGiven('bartholo'), inCity('bedford'))],
	['address:contains=12 oak avenue', inStreet('12 oak avenue')],
	['address-city:contains=new bed', inCity('new bed')],
	['address-city:contains=york&gender=female', both(inCity('york'), ({ gender }) => gender === 'female')],
	['family:text=smith', inFamily('smith')],
	['family:contains=smith&family:contains=gold', both(inFamily('smith'), inFamily('gold'))],
];

async function ids(as: FhirCtx, query: string): Promise<{ readonly ids: string[]; readonly next?: string; readonly previous?: string }> {
	const { matches, links } = await search(as, { type: 'Patient', query, handling: 'strict' });
	const of = (link: string | undefined): string | undefined => link?.split('?')[1];
	const [next, previous] = [of(links.next), of(links.previous)];
	return { ids: matches.map(({ id }) => id), ...(next === undefined ? {} : { next }), ...(previous === undefined ? {} : { previous }) };
}

/** All pages one after the other, and the one before each. */
async function pagesOf(as: FhirCtx, query: string, count: number): Promise<string[]> {
	const found: string[] = [];
	let before: readonly string[] | undefined;
	for (let at: string | undefined = `${query}&_count=${count}`; at !== undefined; ) {
		const page = await ids(as, at);
		if (before !== undefined) assert.deepEqual((await ids(as, page.previous as string)).ids, before, `${query}: the page before`);
		found.push(...page.ids);
		before = page.ids;
		at = page.next;
	}
	return found;
}

const newestFirst = (finds: (one: Person) => boolean): string[] =>
	people
		.filter(finds)
		.map(({ id }) => id)
		.toReversed();

test('what is found by parts of strings comes newest first, page by page, and all of it', async () => {
	for (const [query, finds] of queries) {
		const expected = newestFirst(finds);
		assert.deepEqual(await pagesOf(ctx, query, Math.max(7, Math.ceil(expected.length / 5))), expected, query);
		const { total } = await search(ctx, { type: 'Patient', query: `${query}&_count=1&_total=accurate`, handling: 'strict' });
		assert.equal(total, expected.length, query);
	}
});

test('another order finds the same', async () => {
	for (const sort of ['-_lastUpdated', 'family', '_id', 'gender'])
		for (const [query, finds] of queries.filter((_, i) => i % 3 === 0)) {
			const found = await pagesOf(ctx, `${query}&_sort=${sort}`, 1000);
			assert.deepEqual(found.toSorted(), newestFirst(finds).toSorted(), `${query} by ${sort}`);
		}
});

test('who may see some finds those, in the same statement', async () => {
	const [all] = everything;
	const caller: Caller = {
		kind: 'user',
		id: 'u',
		name: 'u',
		grants: [{ ...all, type: 'Patient', query: 'gender=female' } as (typeof everything)[0]],
	};
	for (const [query, finds] of queries) {
		const expected = newestFirst((one) => finds(one) && one.gender === 'female');
		assert.deepEqual(await pagesOf({ ...ctx, caller }, query, Math.max(7, Math.ceil(expected.length / 3))), expected, query);
	}
});

test('what is written and changed is found at once', async () => {
	const resource = { ...person(1), id: 'changing', name: [{ family: 'Featherstone' }] };
	await ctx.fhir.store.write(ctx, { type: 'Patient', id: 'changing', op: 'U', resource });
	assert.deepEqual((await ids(ctx, 'family:contains=feathers')).ids, ['changing']);
	await ctx.fhir.store.write(ctx, {
		type: 'Patient',
		id: 'changing',
		op: 'U',
		resource: { ...resource, name: [{ family: 'Ironbridge' }] },
	});
	assert.deepEqual((await ids(ctx, 'family:contains=feathers')).ids, []);
	assert.deepEqual((await ids(ctx, 'family:contains=ironbr')).ids, ['changing']);
	await ctx.fhir.store.write(ctx, { type: 'Patient', id: 'changing', op: 'D', resource: null });
	assert.deepEqual((await ids(ctx, 'family:contains=ironbr')).ids, []);
});

/** What a search asks of the database for its page. */
async function planOf(query: string): Promise<{ readonly plan: Plan; readonly named: boolean; readonly found: number }> {
	const { ctx: heard, statements } = listening(ctx);
	const { matches } = await search(heard, { type: 'Patient', query, handling: 'strict' });
	const [statement, ...others] = statements.filter(({ text }) => !text.includes('pg_stats'));
	assert.ok(statement !== undefined && others.length === 0, 'is one statement');
	return { plan: await explain(ctx.db, statement), named: statement.named, found: matches.length };
}

test('a page is cut before rows are fetched, and what fills it is not looked for further', async () => {
	const common = await planOf('family:contains=smit&_count=10');
	assert.ok(common.named);
	const scans = common.plan.nodes.filter(({ index }) => index === 'patient_string_all');
	assert.equal(scans.length, 2, common.plan.text);
	assert.equal(scans.filter(({ rows }) => rows > 0).length, 1, 'the window is enough');
	// Eleven rows, one more than the page shows, whatever else has the text.
	const fetched = common.plan.nodes.filter(({ index }) => index === 'patient_pkey').reduce((sum, { rows }) => sum + rows, 0);
	assert.ok(fetched <= 13, `fetches ${fetched} rows\n${common.plan.text}`);
	// Two pages for each stretch of the window, which is as wide as windows are: the rows here are spread most thinly.
	for (const [query, pages] of [
		['family:contains=zebrow', 170],
		['family:contains=nobody', 160],
		['family:contains=quarter&given:contains=bartholo', 30],
		['address:contains=12 oak avenue&address-city:contains=york', 120],
	] as const) {
		const { plan, named } = await planOf(`${query}&_count=10`);
		assert.ok(named, query);
		assert.ok(plan.buffers <= pages, `${query} touches ${plan.buffers} pages\n${plan.text}`);
		assert.deepEqual(
			plan.nodes.filter(({ type }) => type === 'Seq Scan'),
			[],
			query,
		);
	}
});

test('each row has one text of all its strings', async () => {
	const [row] = await ctx.db.rows(
		raw(`SELECT count(*), count(DISTINCT rid) FROM fhir.patient_string WHERE p = ${allStrings} AND rid IN (SELECT rid FROM fhir.patient)`),
	);
	assert.deepEqual(row, [people.length, people.length]);
});
