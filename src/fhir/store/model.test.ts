// The store against a model of it: a random sequence of operations, some of them at the same time, must leave both with the same
// versions, the same history and indexes that agree with the bodies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';
import { createRandom, type Random } from '#testing/random.ts';
import { observation, patient, testStore } from '#testing/store.ts';
import { checkIndexes } from './check.ts';
import type { Write, Written } from './store.ts';

type Kept = { readonly version: number; readonly op: string; readonly content: string };

/** What the store should hold: the versions of each resource, the last one current unless it is a delete. */
class Model {
	readonly kept = new Map<string, Kept[]>();

	current(name: string): Kept | undefined {
		const last = this.kept.get(name)?.at(-1);
		return last?.op === 'D' ? undefined : last;
	}

	exists(name: string): boolean {
		return this.current(name) !== undefined;
	}

	/** What becomes of a write: a refusal's code, 'unchanged', or the new version. */
	apply({ type, id, op, resource, expect, ifNoneMatch, onlyIfAbsent }: Write): string {
		const name = `${type}/${id}`;
		const current = this.current(name);
		if (expect !== undefined && current?.version !== expect) return 'version-mismatch';
		if (op === 'D') {
			if (current === undefined) return 'unchanged';
			const needed = [...this.kept.keys()].some((other) => other !== name && refersTo(this.current(other), name));
			if (needed) return 'still-referenced';
			return this.#push(name, { op, content: '' });
		}
		if (ifNoneMatch === true && current !== undefined) return 'already-exists';
		const content = contentOf(resource as Resource);
		if (current !== undefined && (onlyIfAbsent === true || current.content === content)) return 'unchanged';
		const before = new Set(referencesIn(current?.content ?? ''));
		const missing = referencesIn(content).filter((reference) => !before.has(reference) && reference !== name && !this.exists(reference));
		if (missing.length > 0) return 'reference-not-found';
		return this.#push(name, { op: 'U', content });
	}

	#push(name: string, made: Omit<Kept, 'version'>): string {
		const versions = this.kept.get(name) ?? [];
		versions.push({ ...made, version: versions.length + 1 });
		this.kept.set(name, versions);
		return `version ${versions.length}`;
	}
}

function contentOf({ id: _id, meta, ...elements }: Resource): string {
	const { versionId: _version, lastUpdated: _updated, ...about } = meta ?? {};
	return JSON.stringify({ ...elements, ...(Object.keys(about).length === 0 ? {} : { meta: about }) });
}

function referencesIn(content: string): string[] {
	return [...content.matchAll(/"reference":"([A-Z][A-Za-z]+\/[^"]+)"/g)].map(([, reference]) => reference as string);
}

function refersTo(kept: Kept | undefined, name: string): boolean {
	return kept !== undefined && referencesIn(kept.content).includes(name);
}

const words = ['Ada', 'Grace', 'Žofie', 'O’Neil', '山田', 'x'.repeat(600), '👩🏽‍⚕️', '', 'a "b" \\c'];

function randomResource(random: Random, type: string): Resource {
	const meta = random.chance(0.2) ? { meta: { tag: [{ system: 'http://t.org', code: `t${random.below(3)}` }] } } : {};
	const text = random.chance(0.2) ? { text: { status: 'generated', div: `<div>${random.pick(words)} ${random.below(5)}</div>` } } : {};
	if (type === 'Patient')
		return patient(random.pick(words), {
			...meta,
			...text,
			...(random.chance(0.3) ? { link: [{ other: { reference: `Patient/p${random.below(5)}` }, type: 'seealso' }] } : {}),
			...(random.chance(0.3) ? { identifier: [{ system: 'http://x.org', value: `${random.below(4)}` }] } : {}),
		});
	return observation(`p${random.below(6)}`, {
		...meta,
		...text,
		status: random.pick(['final', 'amended']),
		...(random.chance(0.4)
			? { component: [{ code: { text: random.pick(words) }, valueQuantity: { value: random.below(4), unit: 'kg' } }] }
			: {}),
		...(random.chance(0.4) ? { hasMember: [{ reference: `Observation/o${random.below(6)}` }] } : {}),
	});
}

function randomWrite(random: Random): Write {
	const type = random.pick(['Patient', 'Observation']);
	const id = `${type === 'Patient' ? 'p' : 'o'}${random.below(6)}`;
	if (random.chance(0.2)) return { type, id, op: 'D', resource: null, ...(random.chance(0.2) ? { expect: random.between(1, 5) } : {}) };
	const resource = randomResource(random, type);
	const condition = random.pick([{}, {}, {}, {}, { expect: random.between(1, 6) }, { ifNoneMatch: true as const }, { onlyIfAbsent: true }]);
	return { type, id, op: 'U', resource, ...condition };
}

const said = (done: Promise<Written>): Promise<string> =>
	done.then(
		(written) => (written.unchanged === true ? 'unchanged' : `version ${written.version}`),
		(error: unknown) => {
			if (error instanceof Problem) return error.code;
			throw error;
		},
	);

for (const seed of [1, 2, 3]) {
	test(`a random sequence of operations does the same in the store and in a model of it (seed ${seed})`, async (c) => {
		const t = await testStore(c);
		const random = createRandom(seed);
		const model = new Model();
		for (let step = 0; step < 220; step++) {
			const write = randomWrite(random);
			const wanted = model.apply(write);
			const done = random.chance(0.3)
				? t.store.transact(t.ctx, async (unit) => (await unit.write([write]))[0] as Written)
				: t.store.write(t.ctx, write);
			assert.equal(await said(done), wanted, `step ${step}: ${write.op} ${write.type}/${write.id}`);
		}
		for (const [name, versions] of model.kept) {
			const [type, id] = name.split('/') as [string, string];
			const current = await t.store.read(t.ctx, type, id);
			assert.deepEqual([current?.version, current?.op], [versions.length, versions.at(-1)?.op]);
			for (const { version, op, content } of versions) {
				const stored = await t.store.vread(t.ctx, type, id, version);
				assert.equal(stored?.op, op);
				if (op !== 'D') assert.equal(contentOf(JSON.parse(stored?.body ?? '') as Resource), content);
			}
			const { entries, total } = await t.store.history(t.ctx, { type, id, count: 1000 });
			assert.equal(total, versions.length);
			assert.deepEqual(
				entries.map(({ version }) => version),
				versions.map(({ version }) => version).reverse(),
			);
		}
		const report = await checkIndexes(t.db, t.store, t.definitions, { references: true });
		assert.deepEqual(report.damage, []);
	});
}

test('operations at the same time leave whole versions and right indexes', async (c) => {
	const t = await testStore(c);
	const other = t.second();
	const random = createRandom(77);
	const acknowledged: Written[] = [];
	const client = async (store: typeof other): Promise<void> => {
		for (let i = 0; i < 40; i++) {
			const write = randomWrite(random);
			await store.write(t.ctx, write).then(
				(written) => void (written.unchanged === true || acknowledged.push(written)),
				(error: unknown) => assert.ok(error instanceof Problem && error.kind !== 'unavailable' && error.kind !== 'fault', String(error)),
			);
		}
	};
	await Promise.all(Array.from({ length: 10 }, (_, i) => client(i % 2 === 0 ? t.store : other)));
	const names = acknowledged.map(({ type, id, version }) => `${type}/${id}/${version}`);
	assert.equal(new Set(names).size, names.length);
	for (const { type, id, version, body } of acknowledged) assert.equal((await t.store.vread(t.ctx, type, id, version))?.body, body);
	const report = await checkIndexes(t.db, t.store, t.definitions, { references: true });
	assert.deepEqual(report.damage, []);
	assert.equal(report.versions + report.resources, acknowledged.length);
});
