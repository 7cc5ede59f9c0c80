import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRandom } from '#testing/random.ts';
import { observation, patient, refusal, testStore } from '#testing/store.ts';
import { checkIndexes } from './check.ts';
import { systemCodeKey } from './keys.ts';
import type { Store, Write } from './store.ts';

const t = await testStore({ after });
// What another server process would be.
const other = t.second();
const stores = [t.store, other];

const put = (store: Store, type: string, id: string, resource: object, more: object = {}) =>
	store.write(t.ctx, { type, id, op: 'U', resource: { ...resource, resourceType: type }, ...more } as Write);
const remove = (store: Store, type: string, id: string) => store.write(t.ctx, { type, id, op: 'D', resource: null });

test('of 150 concurrent updates of one resource each becomes a version', async () => {
	await put(t.store, 'Patient', 'hot', patient('0'));
	const written = await Promise.all(
		Array.from({ length: 150 }, (_, i) => put(stores[i % 2] as Store, 'Patient', 'hot', patient(`Name ${i}`))),
	);
	assert.deepEqual(
		written.map(({ version }) => version).sort((a, b) => a - b),
		Array.from({ length: 150 }, (_, i) => i + 2),
	);
	for (const { version, body } of written) assert.equal((await t.store.vread(t.ctx, 'Patient', 'hot', version))?.body, body);
	const { entries } = await t.store.history(t.ctx, { type: 'Patient', id: 'hot', count: 200 });
	const times = entries.map(({ updated }) => updated);
	assert.deepEqual(
		times,
		times.toSorted((a, b) => b - a),
	);
});

test('no update is lost when each names the version it read', async () => {
	await put(t.store, 'Patient', 'counter', patient('C', { multipleBirthInteger: 0 }));
	const increase = async (store: Store): Promise<void> => {
		for (;;) {
			const current = await store.read(t.ctx, 'Patient', 'counter');
			const resource = JSON.parse(current?.body ?? '') as { multipleBirthInteger: number };
			const next = { ...resource, multipleBirthInteger: resource.multipleBirthInteger + 1 };
			const done = await put(store, 'Patient', 'counter', next, { expect: current?.version }).catch(
				(error: { code: string }) => error.code,
			);
			if (done !== 'version-mismatch') return;
		}
	};
	await Promise.all(Array.from({ length: 60 }, (_, i) => increase(stores[i % 2] as Store)));
	const last = await t.store.read(t.ctx, 'Patient', 'counter');
	assert.equal(JSON.parse(last?.body ?? '').multipleBirthInteger, 60);
	assert.equal(last?.version, 61);
});

test('what one client writes to a resource one after the other stays in that order', async () => {
	const writes = Array.from({ length: 20 }, (_, i) => put(t.store, 'Patient', 'order', patient(`N${i}`)));
	const versions = (await Promise.all(writes)).map(({ version }) => version);
	assert.deepEqual(
		versions,
		Array.from({ length: 20 }, (_, i) => i + 1),
	);
});

test('a client id that many create at the same time is created once', async () => {
	const written = await Promise.all(
		Array.from({ length: 40 }, (_, i) =>
			put(stores[i % 2] as Store, 'Patient', 'shared', patient(`N${i}`), { ifNoneMatch: true }).catch(codeOf),
		),
	);
	assert.equal(written.filter((one) => one === 'already-exists').length, 39);
	assert.equal((await t.store.read(t.ctx, 'Patient', 'shared'))?.version, 1);
});

function codeOf(error: { code: string }): string {
	return error.code;
}

test('a bad write among good ones fails alone', async () => {
	await put(t.store, 'Patient', 'p', patient('P'));
	const kinds: readonly ((id: string) => Promise<unknown>)[] = [
		(id) => put(t.store, 'Observation', id, observation('p')),
		(id) => put(t.store, 'Observation', id, observation('nobody')),
		(id) => put(t.store, 'Patient', id, patient('bad \u0000 text')),
		(id) => put(t.store, 'Patient', id, patient('x'), { expect: 7 }),
		() => remove(t.store, 'Patient', 'p'),
		(id) => put(t.store, 'Encounter', id, { status: 'finished', class: { code: 'AMB' }, subject: { reference: 'Patient/p' } }),
		(id) => t.store.write(t.ctx, { type: 'Patient', id, op: 'C', resource: patient('new') }),
	];
	const expected = ['ok', 'reference-not-found', 'not-storable', 'version-mismatch', 'still-referenced', 'ok', 'ok'];
	const results = await Promise.all(
		Array.from({ length: 210 }, (_, i) =>
			(kinds[i % kinds.length] as (id: string) => Promise<unknown>)(`mix-${i}`).then(() => 'ok', codeOf),
		),
	);
	assert.deepEqual(
		results,
		results.map((_, i) => expected[i % expected.length]),
	);
	for (let i = 0; i < 210; i++) {
		const type = [0, 1].includes(i % 7) ? 'Observation' : i % 7 === 5 ? 'Encounter' : 'Patient';
		const there = (await t.store.read(t.ctx, type, `mix-${i}`)) !== undefined;
		assert.equal(there, results[i] === 'ok', `${type}/mix-${i}`);
	}
});

test('of a create and a delete that cross, one is refused', async () => {
	for (let round = 0; round < 40; round++) {
		const id = `cross-${round}`;
		await put(t.store, 'Patient', id, patient('X'));
		const create = (store: Store, name: string) => put(store, 'Observation', name, observation(id)).then(() => 'ok', codeOf);
		const drop = (store: Store) => remove(store, 'Patient', id).then(() => 'ok', codeOf);
		const inUnit = t.store
			.transact(t.ctx, async (unit) => {
				await unit.write([{ type: 'Patient', id: `${id}-y`, op: 'U', resource: patient('Y') }]);
				await unit.write([{ type: 'Observation', id: `${id}-c`, op: 'U', resource: observation(id) }]);
			})
			.then(() => 'ok', codeOf);
		const [deleted, ...created] = await Promise.all([
			drop(stores[round % 2] as Store),
			create(t.store, `${id}-a`),
			create(other, `${id}-b`),
			inUnit,
		]);
		if (deleted === 'ok') assert.deepEqual(new Set(created), new Set(['reference-not-found']));
		else {
			assert.equal(deleted, 'still-referenced');
			assert.ok(created.includes('ok'));
		}
	}
	const report = await checkIndexes(t.db, t.store, t.definitions, { references: true });
	assert.deepEqual(report.damage, []);
});

test('the first reference of its kind and a delete that cross', async () => {
	for (const [round, type] of ['Device', 'Group', 'Location', 'Medication', 'Substance', 'Specimen'].entries()) {
		await put(t.store, type, 'first', {});
		const names: Readonly<Record<string, string>> = { Device: 'device', Specimen: 'specimen' };
		const member = names[type];
		const resource =
			member === undefined
				? observation('p', { focus: [{ reference: `${type}/first` }] })
				: observation('p', { [member]: { reference: `${type}/first` } });
		const [created, deleted] = await Promise.all([
			put(stores[round % 2] as Store, 'Observation', `first-${type}`, resource).then(() => 'ok', codeOf),
			remove(stores[(round + 1) % 2] as Store, type, 'first').then(() => 'ok', codeOf),
		]);
		assert.deepEqual([created, deleted].filter((one) => one === 'ok').length, 1, `${type}: ${created}, ${deleted}`);
	}
});

test('one of many transactions that lock the same text goes at a time', async () => {
	let inside = 0;
	let most = 0;
	const made = await Promise.all(
		Array.from({ length: 30 }, (_, i) =>
			(stores[i % 2] as Store).transact(t.ctx, async (unit) => {
				await unit.lock(['other', 'Patient?identifier=1']);
				inside++;
				most = Math.max(most, inside);
				const there = await unit.tx.rows({ text: `SELECT 1 FROM fhir.patient WHERE body LIKE '%only-once%'` });
				if (there.length === 0) await unit.write([{ type: 'Patient', id: `once-${i}`, op: 'U', resource: patient('only-once') }]);
				inside--;
				return there.length === 0;
			}),
		),
	);
	assert.equal(most, 1);
	assert.equal(made.filter(Boolean).length, 1);
});

test('creates that depend on a key which is not there: one for each key, over all processes, and none fails by another', async () => {
	const keyed = (i: number): Write => {
		const value = `key-${i % 12}`;
		const resource = { ...patient(`Keyed ${i}`), identifier: [{ system: 'urn:keys', value }] };
		const unless = { lock: `Patient?identifier=urn:keys|${value}`, key: systemCodeKey('identifier', 'urn:keys', value) };
		return { type: 'Patient', id: `keyed-${i}`, op: 'C', resource: { ...resource, resourceType: 'Patient' }, unless };
	};
	const attempts = Array.from({ length: 120 }, (_, i) => (stores[i % 2] as Store).write(t.ctx, keyed(i)));
	const plain = Array.from({ length: 20 }, (_, i) => put(t.store, 'Patient', `beside-${i}`, patient(`Beside ${i}`)));
	const ends = await Promise.allSettled(attempts);
	const made = ends.flatMap((end, i) => (end.status === 'fulfilled' ? [i % 12] : []));
	assert.deepEqual(
		made.toSorted((a, b) => a - b),
		[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
	);
	const codes = ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as { code: string }).code] : []));
	assert.deepEqual([...new Set(codes)], ['key-taken']);
	assert.equal((await Promise.all(plain)).length, 20);
	assert.equal(await refusal(t.store.write(t.ctx, keyed(0))), 'key-taken');
});

test('transactions that lock the same rows in different orders all come to an end', async () => {
	const random = createRandom(5);
	const ids = Array.from({ length: 6 }, (_, i) => `d-${i}`);
	for (const id of ids) await put(t.store, 'Patient', id, patient('D'));
	await Promise.all(
		Array.from({ length: 12 }, (_, i) =>
			(stores[i % 2] as Store).transact(t.ctx, async (unit) => {
				for (const id of ids.toSorted(() => random.next() - 0.5).slice(0, 2))
					await unit.write([{ type: 'Patient', id, op: 'U', resource: patient(`D ${i} ${id}`) }]);
			}),
		),
	);
	const versions = await Promise.all(ids.map(async (id) => (await t.store.read(t.ctx, 'Patient', id))?.version ?? 0));
	assert.equal(
		versions.reduce((sum, version) => sum + version - 1, 0),
		24,
	);
});

test('a store whose database is away refuses, and works again when it is back', async () => {
	const pids = await t.db.rows({
		text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
	});
	assert.ok(pids.length > 0);
	const during = await Promise.all(
		Array.from({ length: 20 }, (_, i) => put(t.store, 'Patient', `away-${i}`, patient('A')).then(() => 'ok', codeOf)),
	);
	for (const result of during) assert.ok(result === 'ok' || result === 'database-unavailable', result);
	assert.equal((await put(t.store, 'Patient', 'back', patient('B'))).version, 1);
	for (const [i, result] of during.entries()) if (result === 'ok') assert.ok(await t.store.read(t.ctx, 'Patient', `away-${i}`));
	assert.equal(await refusal(put(t.store, 'Observation', 'back', observation('nobody'))), 'reference-not-found');
});

test('without integrity references may lead nowhere and deletes are free', async () => {
	const free = await testStore({ after }, { integrity: false });
	await free.store.write(free.ctx, { type: 'Observation', id: 'o', op: 'U', resource: observation('nobody') });
	await free.store.write(free.ctx, { type: 'Patient', id: 'p', op: 'U', resource: patient('P') });
	await free.store.write(free.ctx, { type: 'Observation', id: 'o', op: 'U', resource: observation('p') });
	assert.equal((await free.store.write(free.ctx, { type: 'Patient', id: 'p', op: 'D', resource: null })).version, 2);
	assert.deepEqual((await checkIndexes(free.db, free.store, free.definitions)).damage, []);
	const strict = await checkIndexes(free.db, free.store, free.definitions, { references: true });
	assert.deepEqual(
		strict.damage.map(({ kind, id }) => [kind, id]),
		[['reference', 'o']],
	);
});
