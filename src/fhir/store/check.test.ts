import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRegistry } from '#fhir/search/registry.ts';
import { observation, patient, testStore } from '#testing/store.ts';
import { checkIndexes } from './check.ts';
import { createExtractor } from './extract.ts';
import { reindexType, startReindex, unfinishedReindexes } from './reindex.ts';
import { countOf, foldCounts } from './statements.ts';
import { createStore } from './store.ts';

const t = await testStore({ after }, { clock: { now: () => new Date('2026-04-01T10:00:00.000Z') } });
const put = (type: string, id: string, resource: object) =>
	t.store.write(t.ctx, { type, id, op: 'U', resource: { ...resource, resourceType: type } });
const run = (text: string) => t.db.execute({ text });
const damage = async () => (await checkIndexes(t.db, t.store, t.definitions, { references: true })).damage;

await put('Patient', 'p', patient('Meier', { text: { status: 'generated', div: '<div>Some narrative</div>' } }));
for (let i = 0; i < 3; i++)
	await put(
		'Observation',
		'o',
		observation('p', { note: [{ text: `n${i}` }], component: [{ code: { text: 'c' }, valueQuantity: { value: i, unit: 'kg' } }] }),
	);
for (let i = 0; i < 700; i++) if (i % 10 === 0) await put('Patient', `many-${i}`, patient(`Many ${i}`));
await put('Patient', 'gone', patient('Gone'));
await t.store.write(t.ctx, { type: 'Patient', id: 'gone', op: 'D', resource: null });

test('an unharmed record has no damage', async () => {
	const seen: number[] = [];
	const report = await checkIndexes(t.db, t.store, t.definitions, {
		references: true,
		onProgress: ({ resources }) => seen.push(resources),
	});
	assert.deepEqual(report, { resources: 72, versions: 4, wrong: 0, damage: [] });
	assert.ok(seen.length >= 2 && seen.at(-1) === 72);
});

// Each does harm in a transaction of its own that is undone afterwards by its remedy.
const planted: readonly (readonly [name: string, harm: string, expected: readonly string[]])[] = [
	['a key too few', `UPDATE fhir.observation SET keys = keys[2:] WHERE id = 'o'`, ['index o keys']],
	['a column', `UPDATE fhir.observation SET d = d + interval '1 ms', qc = 1 WHERE id = 'o'`, ['index o d, qc']],
	['the patient', `UPDATE fhir.observation SET pat = pat + 1 WHERE id = 'o'`, ['index o pat']],
	['presence', `UPDATE fhir.patient SET has = 0, rk = rk + 1 WHERE id = 'p'`, ['index p has, rk']],
	['a string too few', `DELETE FROM fhir.patient_string WHERE v = 'meier'`, ['index p strings']],
	['a string too many', `INSERT INTO fhir.patient_string SELECT rid, 1, 'x' FROM fhir.patient WHERE id = 'p'`, ['index p strings']],
	['a range', `UPDATE fhir.observation_range SET hi = hi + 1`, ['index o ranges']],
	['words', `DELETE FROM fhir.words WHERE v @@ 'narrative'`, ['index p words']],
	['a text', `DELETE FROM fhir.token_text`, ['index o token_text']],
	['an orphan', `INSERT INTO fhir.patient_string VALUES (987654321, 1, 'x')`, ['orphan  1 entries in string belong to no resource']],
	['orphaned words', `INSERT INTO fhir.words VALUES (987654321, 'x')`, ['orphan  1 entries in words belong to no resource']],
	[
		'a body that is no JSON',
		`UPDATE fhir.patient SET body = left(body, -1) WHERE id = 'p'`,
		['body p the body is not what its columns say'],
	],
	[
		'a version that its body does not know',
		`UPDATE fhir.patient SET ver = 2 WHERE id = 'p'`,
		['body p the body is not what its columns say', 'history p versions are missing or too many'],
	],
	[
		'a lost row',
		`DELETE FROM fhir.patient WHERE id = 'p'`,
		[
			'catalogue  has 70 rows, of which 71 were counted',
			'reference o refers to what does not exist',
			'orphan  * entries in string belong to no resource',
			'orphan  1 entries in words belong to no resource',
		],
	],
	[
		'a lost version',
		`DELETE FROM fhir.observation_history WHERE ver = 2`,
		['history o cannot be restored', 'history o versions are missing or too many'],
	],
	['a damaged version', `UPDATE fhir.observation_history SET body = '\\x01ffff03' WHERE ver = 1`, ['history o cannot be restored']],
	[
		'another version',
		`UPDATE fhir.observation_history h SET body = (SELECT body FROM fhir.observation_history WHERE ver = 2) || '\\x7d' WHERE ver = 1`,
		['history o cannot be restored'],
	],
	[
		'time',
		`UPDATE fhir.observation_history SET lu = lu + interval '1 day' WHERE ver = 1`,
		['history o is dated after the version that replaced it'],
	],
	['a lost mark of a delete', `DELETE FROM fhir.patient_history WHERE op = 'D'`, ['history gone versions are missing or too many']],
	['a count', `UPDATE fhir.row_change SET n = 2 WHERE type = 'Observation'`, ['catalogue  has 1 rows, of which 2 were counted']],
	['a kind of link', `DELETE FROM fhir.link`, ['catalogue  refers by Patient @pat, which is missing in fhir.link']],
	[
		'a type',
		`DELETE FROM fhir.used_type WHERE type = 'Observation'`,
		['catalogue  has rows but is missing in fhir.used_type', 'orphan  1 entries in words belong to no resource'],
	],
];

const tables = [
	'observation',
	'observation_range',
	'observation_history',
	'patient',
	'patient_string',
	'patient_history',
	'words',
	'token_text',
	'link',
	'used_type',
	'row_change',
];
for (const table of tables) await run(`CREATE TABLE public.kept_${table} AS TABLE fhir.${table}`);

for (const [name, harm, expected] of planted) {
	test(`planted damage is found: ${name}`, async () => {
		assert.ok((await run(harm)) > 0);
		const found = (await damage()).map(({ kind, id, what }) => `${kind} ${id} ${what}`.replace(/\b(?!1\b)\d+ entries/, '* entries'));
		for (const table of tables) await run(`DELETE FROM fhir.${table}; INSERT INTO fhir.${table} TABLE public.kept_${table}`);
		assert.deepEqual(found.toSorted(), expected.toSorted());
		assert.deepEqual(await damage(), []);
	});
}

test('reindexing mends what it can, and says how far it is', async () => {
	await run(`UPDATE fhir.patient SET keys = '{}', has = 0, pat = NULL WHERE rid % 3 = 0`);
	await run('DELETE FROM fhir.patient_string WHERE rid % 2 = 0');
	await run('DELETE FROM fhir.words');
	await run('DELETE FROM fhir.token_text');
	await run('DELETE FROM fhir.row_change');
	const seen: number[] = [];
	const first = await reindexType(t.db, t.store, t.definitions, 'Patient', ({ done }) => seen.push(done));
	assert.deepEqual([first.done, first.finished, seen.at(-1)], [71, true, 71]);
	assert.ok(first.changed > 30 && first.changed <= 71);
	assert.equal((await reindexType(t.db, t.store, t.definitions, 'Observation')).changed, 1);
	assert.equal((await reindexType(t.db, t.store, t.definitions, 'Observation')).changed, 0);
	assert.deepEqual(await damage(), []);
	assert.equal((await t.store.read(t.ctx, 'Patient', 'many-0'))?.version, 1);
});

test('rows are counted rightly while counts are added up and others write', async () => {
	const writes = Array.from({ length: 60 }, (_, i) => put('Basic', `b${i}`, { code: { text: 'x' } }));
	const folds = Array.from({ length: 12 }, () => t.db.rows(foldCounts));
	await Promise.all([...writes, ...folds]);
	const deletes = Array.from({ length: 20 }, (_, i) => t.store.write(t.ctx, { type: 'Basic', id: `b${i}`, op: 'D', resource: null }));
	await Promise.all([...deletes, ...folds.map(() => t.db.rows(foldCounts))]);
	const lost = t.store.transact(t.ctx, async (unit) => {
		await unit.write([{ type: 'Basic', id: 'never', op: 'U', resource: { resourceType: 'Basic', code: { text: 'x' } } }]);
		throw new Error('not kept');
	});
	await assert.rejects(lost, /not kept/);
	const count = async () => (await t.db.rows({ text: `SELECT ${countOf('Basic')}` }))[0]?.[0];
	assert.equal(await count(), 40);
	await t.db.rows(foldCounts);
	assert.deepEqual([await count(), (await t.db.rows({ text: 'SELECT count(*) FROM fhir.row_change' }))[0]?.[0]], [40, 0]);
});

test('counts are added up every so often', async () => {
	for (let i = 0; i < 300; i++) await put('Basic', `x${i}`, { code: { text: 'x' } });
	for (let i = 0; i < 300; i++) await t.store.write(t.ctx, { type: 'Basic', id: `x${i}`, op: 'D', resource: null });
	const [row] = await t.db.rows({ text: `SELECT count(*), ${countOf('Basic')} FROM fhir.row_change` });
	assert.ok(Number(row?.[0]) < 500);
	assert.equal(row?.[1], 40);
});

test('a new search parameter: old rows get it by reindexing, which goes on where it was interrupted', async () => {
	const marital = {
		url: 'http://x.org/SearchParameter/marital',
		code: 'marital',
		type: 'token',
		base: 'Patient',
		expression: 'Patient.maritalStatus.coding.version',
		number: 600,
	} as const;
	await put('Patient', 'wed', patient('Wed', { maritalStatus: { coding: [{ system: 'http://m.org', code: 'M', version: '7' }] } }));
	const extract = createExtractor(createRegistry(t.definitions, [marital]), t.definitions, 'https://heron.test/fhir');
	const store = createStore({ db: t.db, definitions: t.definitions, extract, settings: { referentialIntegrity: true } });
	try {
		assert.notDeepEqual((await checkIndexes(t.db, store, t.definitions)).damage, []);
		await startReindex(t.db, 'Patient');
		await run(`UPDATE fhir.reindex SET after_rid = (SELECT max(rid) - 1 FROM fhir.patient), done = 70 WHERE type = 'Patient'`);
		assert.deepEqual(await unfinishedReindexes(t.db), ['Patient']);
		const [one, two] = await Promise.all([
			reindexType(t.db, store, t.definitions, 'Patient'),
			reindexType(t.db, store, t.definitions, 'Patient'),
		]);
		assert.equal(one.changed + two.changed, 1);
		assert.deepEqual(await unfinishedReindexes(t.db), []);
		assert.deepEqual((await checkIndexes(t.db, store, t.definitions)).damage, []);
	} finally {
		await store.close();
	}
});
