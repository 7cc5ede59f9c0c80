// A search by a value set (`:in`, `:not-in`) and the expansion of that value set (`$expand`) are two askers of one thing: they have to agree.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { loadSystem } from '#fhir/terminology/load.ts';
import { createRandom, type Random } from '#testing/random.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });
const table = 'http://example.org/table';
const stored = 'http://example.org/stored';
const nowhere = 'http://example.org/nowhere';
const codes: Readonly<Record<string, readonly string[]>> = {
	[table]: ['a', 'b', 'c', 'd', 'e', 'f'],
	[stored]: ['p', 'q', 'r', 's', 't'],
	[nowhere]: ['x', 'y'],
};

await loadSystem(server.ctx.db, { url: table, version: '1', name: 'T', title: 'T', origin: 't', complete: true }, [
	{ code: 'a', display: 'A' },
	{ code: 'b', display: 'B', parents: ['a'], properties: { colour: 'red' } },
	{ code: 'c', display: 'C', parents: ['a'], properties: { colour: 'blue' } },
	{ code: 'd', display: 'D', parents: ['b'], inactive: true },
	{ code: 'e', display: 'E', parents: ['b', 'c'] },
	{ code: 'f', display: 'F' },
]);
async function put(resource: Resource): Promise<void> {
	const { status, text } = await server.send('PUT', `${resource.resourceType}/${resource.id}`, { body: resource });
	assert.ok(status < 300, text);
}
await put({
	resourceType: 'CodeSystem',
	id: 'stored',
	url: stored,
	status: 'active',
	content: 'complete',
	property: [{ code: 'inactive', type: 'boolean' }],
	concept: [
		{ code: 'p', display: 'P', concept: [{ code: 'q', display: 'Q', concept: [{ code: 'r', display: 'R' }] }] },
		{ code: 's', display: 'S', property: [{ code: 'inactive', valueBoolean: true }] },
		{ code: 't', display: 'T' },
	],
});
const all = Object.entries(codes).flatMap(([system, list]) => list.map((code) => ({ system, code })));
for (const { system, code } of all)
	await put({
		resourceType: 'Condition',
		id: `${system.split('/').at(-1)}-${code}`,
		subject: { display: 'Somebody' },
		code: { coding: [{ system, code }] },
	});

const filters: readonly ((random: Random, list: readonly string[]) => object)[] = [
	(random, list) => ({ property: 'concept', op: 'is-a', value: random.pick(list) }),
	(random, list) => ({ property: 'concept', op: 'descendent-of', value: random.pick(list) }),
	(random, list) => ({ property: 'concept', op: 'is-not-a', value: random.pick(list) }),
	(random, list) => ({ property: 'concept', op: 'generalizes', value: random.pick(list) }),
	(random, list) => ({ property: 'concept', op: 'in', value: `${random.pick(list)},${random.pick(list)}` }),
	(random) => ({ property: 'colour', op: '=', value: random.pick(['red', 'blue']) }),
	() => ({ property: 'concept', op: 'regex', value: '[a-c]' }),
];

function part(random: Random, imports: readonly string[]): object {
	const system = random.pick([table, table, stored, stored, nowhere]);
	const list = codes[system] as readonly string[];
	const kind = random.below(5);
	const valueSet =
		imports.length > 0 && random.chance(0.4) ? [random.pick(imports), ...(random.chance(0.3) ? [random.pick(imports)] : [])] : [];
	if (kind === 0 && valueSet.length > 0) return { valueSet };
	const own =
		kind <= 1
			? {}
			: kind === 2
				? { concept: Array.from({ length: 1 + random.below(3) }, () => ({ code: random.pick(list) })) }
				: { filter: Array.from({ length: random.chance(0.3) ? 2 : 1 }, () => random.pick(filters)(random, list)) };
	return { system, ...own, ...(valueSet.length === 0 ? {} : { valueSet }) };
}

function valueSet(random: Random, id: string, imports: readonly string[]): Resource {
	const some = (most: number): object[] => Array.from({ length: random.below(most) }, () => part(random, imports));
	const exclude = some(3);
	return {
		resourceType: 'ValueSet',
		id,
		url: `http://example.org/vs/${id}`,
		status: 'active',
		compose: {
			include: [part(random, imports), ...some(3)],
			...(exclude.length === 0 ? {} : { exclude }),
			...(random.chance(0.2) ? { inactive: false } : {}),
		},
	};
}

/** The codes of ours that an expansion has; undefined when not all of it can be listed. */
async function expanded(url: string): Promise<Set<string> | undefined> {
	const { status, json } = await server.send('GET', `ValueSet/$expand?url=${encodeURIComponent(url)}`);
	if (status !== 200) return undefined;
	const contains = ((json.expansion as { contains?: { system: string; code: string }[] }).contains ?? []).map(
		({ system, code }) => `${system}|${code}`,
	);
	return new Set(contains);
}

/** The codes of the conditions that a search finds; undefined when it is refused. */
async function found(modifier: 'in' | 'not-in', url: string): Promise<Set<string> | undefined> {
	const { status, json, text } = await server.send('GET', `Condition?code:${modifier}=${encodeURIComponent(url)}&_count=100`);
	if (status !== 200) {
		assert.equal(status, 400, text);
		return undefined;
	}
	const list = ((json.entry ?? []) as { resource: { code: { coding: [{ system: string; code: string }] } } }[]).map(
		({ resource }) => resource.code.coding[0],
	);
	return new Set(list.map(({ system, code }) => `${system}|${code}`));
}

const everything = all.map(({ system, code }) => `${system}|${code}`);
const sorted = (list: Iterable<string>): string[] => [...list].sort();

for (const seed of [1, 2, 3, 4]) {
	test(`what is expanded is what is found, and what is not found by not-in (seed ${seed})`, async () => {
		const random = createRandom(seed);
		const urls: string[] = [];
		let [compared, refused] = [0, 0];
		for (let n = 0; n < 40; n++) {
			const resource = valueSet(random, `s${seed}-${n}`, urls);
			await put(resource);
			const url = String(resource.url);
			urls.push(url);
			const [listed, matching, others] = [await expanded(url), await found('in', url), await found('not-in', url)];
			const about = JSON.stringify(resource.compose);
			if (listed === undefined) {
				refused += 1;
				// Where the codes cannot be listed, what is found all the same is of systems that are taken whole.
				assert.equal(matching === undefined, others === undefined, about);
				continue;
			}
			compared += 1;
			assert.ok(matching !== undefined && others !== undefined, about);
			assert.deepEqual(sorted(matching), sorted(everything.filter((code) => listed.has(code))), about);
			assert.deepEqual(sorted(others), sorted(everything.filter((code) => !listed.has(code))), about);
		}
		assert.ok(compared >= 10 && refused >= 3, `${compared} ${refused}`);
	});
}

test('all codes of a system that is not known are found by the system, less those that are taken away by name not at all', async () => {
	const of = async (id: string, compose: object): Promise<string[] | undefined> => {
		await put({ resourceType: 'ValueSet', id, url: `http://example.org/vs/${id}`, status: 'active', compose });
		const set = await found('in', `http://example.org/vs/${id}`);
		return set === undefined ? undefined : sorted(set);
	};
	const [x, y] = [`${nowhere}|x`, `${nowhere}|y`];
	assert.deepEqual(await of('whole', { include: [{ system: nowhere }] }), [x, y]);
	const whole = 'http://example.org/vs/whole';
	assert.deepEqual(await of('both', { include: [{ system: nowhere, concept: [{ code: 'x' }], valueSet: [whole] }] }), [x]);
	assert.deepEqual(await of('named', { include: [{ system: nowhere, concept: [{ code: 'x' }] }], exclude: [{ valueSet: [whole] }] }), []);
	assert.equal(await of('less', { include: [{ system: nowhere }], exclude: [{ system: nowhere, concept: [{ code: 'x' }] }] }), undefined);
	assert.equal(
		await of('filtered', { include: [{ system: nowhere, filter: [{ property: 'concept', op: 'is-a', value: 'x' }] }] }),
		undefined,
	);
	assert.equal(await found('in', 'http://example.org/nothing/vs'), undefined);
	assert.deepEqual(await of('other', { include: [{ system: 'http://example.org/elsewhere', valueSet: [whole] }] }), []);
});

test('a version that is named is the one that is meant', async () => {
	for (const [version, code] of [
		['1', 'a'],
		['2', 'b'],
	] as const)
		await put({
			resourceType: 'ValueSet',
			id: `versioned-${version}`,
			url: 'http://example.org/vs/versioned',
			version,
			status: 'active',
			compose: { include: [{ system: table, concept: [{ code }] }] },
		});
	for (const [version, code] of [
		['|1', 'a'],
		['|2', 'b'],
		['', 'b'],
	] as const) {
		const url = `http://example.org/vs/versioned${version}`;
		assert.deepEqual(sorted((await found('in', url)) ?? []), [`${table}|${code}`], version);
		assert.deepEqual(sorted((await expanded(url)) ?? []), [`${table}|${code}`], version);
	}
});
