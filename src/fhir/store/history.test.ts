import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Sql, sql } from '#db/sql.ts';
import { observation, patient, testStore } from '#testing/store.ts';
import { refKey } from './keys.ts';
import type { HistoryKey, HistoryPage, HistoryQuery, Restriction } from './store.ts';

let now = Date.parse('2026-03-01T00:00:00.000Z');
const clock = { now: () => new Date(now) };
const t = await testStore({ after }, { clock });
const put = (type: string, id: string, resource: object) =>
	t.store.write(t.ctx, { type, id, op: 'U', resource: { ...resource, resourceType: type } });
const remove = (type: string, id: string) => t.store.write(t.ctx, { type, id, op: 'D', resource: null });
const history = (query: Partial<HistoryQuery> & { type: string | null }): Promise<HistoryPage> =>
	t.store.history(t.ctx, { count: 100, ...query });
const names = (page: HistoryPage): string[] => page.entries.map(({ id, version }) => `${id} ${version}`);

async function allPages(query: { type: string | null; id?: string; count: number }, between: () => Promise<unknown>): Promise<string[]> {
	const found: string[] = [];
	let next: HistoryKey | undefined;
	for (;;) {
		const page = await history({ ...query, ...(next === undefined ? {} : { after: next }) });
		found.push(...names(page));
		next = page.next;
		if (next === undefined) return found;
		assert.equal(page.entries.length, query.count);
		await between();
	}
}

// Ten patients and their observations, changed in turn once a second; the last two patients are gone in the end.
const expected: string[] = [];
for (let version = 1; version <= 5; version++) {
	for (let i = 0; i < 10; i++) {
		now += 1000;
		await put('Patient', `p${i}`, patient(`P${i} v${version}`));
		expected.unshift(`p${i} ${version}`);
		if (version > 3) continue;
		await put('Observation', `o${i}`, observation(`p${i}`, { valueString: `v${version}` }));
		expected.unshift(`o${i} ${version}`);
	}
}
for (const i of [8, 9]) {
	now += 1000;
	await t.store.transact(t.ctx, async (unit) => {
		await unit.write([{ type: 'Observation', id: `o${i}`, op: 'D', resource: null }]);
		await unit.write([{ type: 'Patient', id: `p${i}`, op: 'D', resource: null }]);
	});
	// Made at the same moment: the resource that was made later comes first.
	expected.unshift(`o${i} 4`, `p${i} 6`);
}
const start = Date.parse('2026-03-01T00:00:00.000Z');
const sorted = (list: string[]): string[] => list.toSorted();

test('the whole system, newest first, each version once', async () => {
	const { entries, next, total } = await history({ type: null, count: 200 });
	assert.deepEqual(sorted(entries.map(({ id, version }) => `${id} ${version}`)), sorted(expected));
	assert.deepEqual([next, total], [undefined, undefined]);
	const keys = entries.map(({ updated, rid, version }) => [updated, rid, version] as const);
	assert.deepEqual(
		keys,
		keys.toSorted((a, b) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2]),
	);
	for (const { type, id, version, op, body } of entries) {
		if (op === 'D') assert.equal(body, '');
		else assert.deepEqual([JSON.parse(body).id, JSON.parse(body).meta.versionId, JSON.parse(body).resourceType], [id, `${version}`, type]);
	}
});

test('pages hold each version once while others write', async () => {
	for (const count of [1, 3, 7, 50]) {
		let n = 0;
		const between = async (): Promise<void> => {
			now += 10;
			if (n++ < 5) await put('Patient', 'noise', patient(`noise ${count} ${n}`));
			if (n === 2) await put('Patient', 'p0', patient(`p0 again ${count}`));
		};
		const before = names(await history({ type: 'Patient', count: 500 }));
		const found = await allPages({ type: 'Patient', count }, between);
		assert.deepEqual(found, before);
	}
	const before = names(await history({ type: null, count: 500 }));
	assert.deepEqual(await allPages({ type: null, count: 11 }, () => put('Patient', 'noise', patient(`last ${now++}`))), before);
});

test('one resource, in pages, with its total', async () => {
	assert.deepEqual(
		await allPages({ type: 'Patient', id: 'p8', count: 2 }, async () => undefined),
		[6, 5, 4, 3, 2, 1].map((v) => `p8 ${v}`),
	);
	assert.equal((await history({ type: 'Patient', id: 'p8', count: 2 })).total, 6);
	assert.equal((await history({ type: 'Observation', id: 'o1' })).total, 3);
	assert.deepEqual(await history({ type: 'Patient', id: 'p8', count: 0 }), { entries: [], total: 6 });
	assert.deepEqual(await history({ type: 'Patient', id: 'nobody' }), { entries: [], total: 0 });
	const bodies = (await history({ type: 'Patient', id: 'p3' })).entries.map(({ body }) => JSON.parse(body).name[0].family);
	assert.deepEqual(bodies.slice(-5), ['P3 v5', 'P3 v4', 'P3 v3', 'P3 v2', 'P3 v1']);
});

test('_since takes what was made at that moment or later', async () => {
	const since = start + 48_000;
	const page = await history({ type: 'Patient', since });
	assert.ok(page.entries.every(({ updated }) => updated >= since));
	assert.deepEqual(names(page).slice(-3), ['p9 5', 'p8 5', 'p7 5']);
	assert.equal(page.total, undefined);
	assert.deepEqual(names(await history({ type: 'Observation', id: 'o2', since: start + 13_000 })), ['o2 3', 'o2 2']);
});

test('_at takes what was current at some moment of the interval', async () => {
	// p2 got its versions at seconds 3, 13, 23, 33 and 43.
	const at = (lo: number, hi: number) => history({ type: 'Patient', id: 'p2', at: { lo: start + lo * 1000, hi: start + hi * 1000 } });
	assert.deepEqual(names(await at(0, 2)), []);
	assert.deepEqual(names(await at(3, 3)), ['p2 1']);
	assert.deepEqual(names(await at(5, 12)), ['p2 1']);
	assert.deepEqual(names(await at(13, 13)), ['p2 2']);
	assert.deepEqual(names(await at(12, 25)), ['p2 3', 'p2 2', 'p2 1']);
	assert.deepEqual(names(await at(60, 61)), ['p2 5']);
	const whole = await history({ type: 'Patient', at: { lo: start + 30_500, hi: start + 30_500 } });
	assert.deepEqual(sorted(names(whole)), sorted(Array.from({ length: 10 }, (_, i) => `p${i} 3`)));
	// A delete is a thing of its own moment: p9 went at second 52.
	const gone = (lo: number, hi: number) => history({ type: 'Patient', id: 'p9', at: { lo: start + lo * 1000, hi: start + hi * 1000 } });
	assert.deepEqual(names(await gone(52, 52)), ['p9 6']);
	assert.deepEqual(names(await gone(53, 60)), []);
});

test('restrictions: former versions only with the current one and of the same patient, no deletes', async () => {
	await put('Patient', 'mine', patient('Mine'));
	await put('Patient', 'theirs', patient('Theirs'));
	for (const [id, subjects] of Object.entries({ a: ['mine', 'mine'], b: ['theirs', 'mine', 'mine'], c: ['mine', 'theirs'], d: ['theirs'] }))
		for (const [i, subject] of subjects.entries()) {
			now += 1000;
			await put('Observation', id, observation(subject, { valueString: `${i}` }));
		}
	now += 1000;
	await put('Observation', 'e', observation('mine'));
	await remove('Observation', 'e');
	const mine: Sql = sql`r.pat = ${refKey('Patient/mine')}`;
	const restrict = (type: string): Restriction => (type === 'Observation' ? mine : type === 'Patient' ? sql`r.id = ${'mine'}` : 'nothing');
	assert.deepEqual(sorted(names(await history({ type: 'Observation', restrict }))), ['a 1', 'a 2', 'b 2', 'b 3']);
	assert.deepEqual(sorted(names(await history({ type: null, restrict }))), ['a 1', 'a 2', 'b 2', 'b 3', 'mine 1']);
	assert.deepEqual(names(await history({ type: 'Observation', id: 'c', restrict })), []);
	assert.equal((await history({ type: 'Observation', id: 'a', restrict })).total, undefined);
	assert.deepEqual(await history({ type: 'Encounter', restrict }), { entries: [] });
	const paged = await history({ type: 'Observation', restrict, count: 3 });
	assert.equal(paged.entries.length, 3);
	assert.equal((await history({ type: 'Observation', restrict, count: 3, ...(paged.next && { after: paged.next }) })).entries.length, 1);
	const seen = async (id: string, version: number, by: Restriction) =>
		(await t.store.vread(t.ctx, 'Observation', id, version, by))?.version;
	assert.deepEqual(
		[await seen('a', 1, mine), await seen('b', 1, mine), await seen('b', 2, mine), await seen('b', 3, mine)],
		[1, undefined, 2, 3],
	);
	assert.deepEqual([await seen('c', 1, mine), await seen('e', 2, mine), await seen('e', 1, mine)], [undefined, undefined, undefined]);
	assert.deepEqual([await seen('a', 1, 'nothing'), await seen('c', 1, null)], [undefined, 1]);
	const read = async (id: string, by: Restriction) => (await t.store.read(t.ctx, 'Observation', id, by))?.op;
	assert.deepEqual(
		[await read('a', mine), await read('c', mine), await read('e', mine), await read('e', null)],
		['U', undefined, undefined, 'D'],
	);
	assert.equal(await read('a', 'nothing'), undefined);
});

test('time never goes backwards within a resource, whatever the clock says', async () => {
	await put('Patient', 'clock', patient('1'));
	const at = now;
	now -= 60_000;
	const second = await put('Patient', 'clock', patient('2'));
	const deleted = await remove('Patient', 'clock');
	const third = await put('Patient', 'clock', patient('3'));
	assert.deepEqual([second.updated, deleted.updated, third.updated], [at, at, at]);
	assert.match(third.body, new RegExp(`"lastUpdated":"${new Date(at).toISOString()}"`));
	now = at;
	assert.deepEqual(names(await history({ type: 'Patient', id: 'clock' })), ['clock 4', 'clock 3', 'clock 2', 'clock 1']);
});
