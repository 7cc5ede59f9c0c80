// What is Heron's in a database: the list of schemas is whole, and tables come in an order in which they can be filled.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '#testing/database.ts';
import { raw } from './sql.ts';
import { isEmpty, ownSchemas, ownSequences, ownTables, seeded } from './tables.ts';

const db = await testDatabase({ after });

test('every schema that migrations make is on the list', async () => {
	const rows = await db.rows(
		raw(`SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')`),
	);
	assert.deepEqual(rows.map(([name]) => name).toSorted(), ownSchemas.toSorted());
	const inPublic = await db.rows(raw(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')`));
	assert.deepEqual(inPublic, [['heron_migration']]);
});

test('tables come after those they refer to, with all their columns', async () => {
	const tables = await ownTables(db);
	const names = tables.map(({ schema, name }) => `${schema}.${name}`);
	assert.ok(names.includes('fhir.patient') && names.includes('fhir.patient_history') && names.includes('public.heron_migration'));
	assert.equal(new Set(names).size, names.length);
	assert.ok(names.indexOf('jobs.job') < names.indexOf('jobs.step'));
	assert.deepEqual(tables.find(({ name }) => name === 'token')?.columns, ['hash', 'caller', 'created_at', 'expires_at']);
	assert.ok(
		await isEmpty(
			db,
			tables.filter(({ name }) => name !== 'heron_migration' && !seeded.includes(name)),
		),
	);
	assert.equal(await isEmpty(db, tables), false);
});

test('sequences tell how far they are', async () => {
	const before = (await ownSequences(db)).find(({ name }) => name === 'rid');
	assert.deepEqual([before?.schema, before?.called], ['fhir', false]);
	const [row] = await db.rows(raw(`SELECT nextval('fhir.rid')::text`));
	const after = (await ownSequences(db)).find(({ name }) => name === 'rid');
	assert.deepEqual([after?.last, after?.called], [row?.[0], true]);
});
