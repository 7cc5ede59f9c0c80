import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { raw } from '#db/sql.ts';
import { testStore } from '#testing/store.ts';
import { fhirTables } from './schema.ts';
import { tableOf } from './statements.ts';

const t = await testStore({ after });
const generated = fhirTables(t.definitions, t.registry);

test('the statements can be run again on what they made', async () => {
	const relations = async () => (await t.db.rows(raw(`SELECT count(*) FROM pg_class WHERE relnamespace = 'fhir'::regnamespace`)))[0]?.[0];
	const before = await relations();
	await t.db.tx((tx) => tx.execute(raw(generated.statements().join(';\n'))));
	assert.equal(await relations(), before);
	assert.equal(fhirTables(t.definitions, t.registry).fingerprint, generated.fingerprint);
});

test('every type has its tables, and the columns of the hot parameters their indexes', async () => {
	const rows = await t.db.rows(raw(`SELECT tablename || ' ' || indexdef FROM pg_indexes WHERE schemaname = 'fhir'`));
	const indexes = new Map<string, string[]>();
	for (const [line] of rows) {
		const [table = '', ...rest] = (line as string).split(' ');
		indexes.set(table, [...(indexes.get(table) ?? []), rest.join(' ')]);
	}
	for (const type of t.definitions.resourceTypes) {
		const name = type.toLowerCase();
		const own = (indexes.get(name) ?? []).map((text) => /\((.*?)\)/.exec(text)?.[1] ?? '');
		const hot = t.registry.hot(type);
		const wanted = [
			'rid',
			'id',
			'lu, rid',
			'rk',
			'keys',
			...(hot.date === undefined ? [] : ['d DESC NULLS LAST, rid DESC']),
			...(hot.token === undefined ? [] : ['code, d DESC NULLS LAST, rid DESC']),
			...(hot.quantity === undefined ? [] : ['qk, qc']),
			...(type === 'Patient' || hot.patient !== undefined ? ['pat, d DESC NULLS LAST, rid DESC'] : []),
		];
		assert.deepEqual(own.toSorted(), wanted.toSorted(), type);
		for (const side of ['_string', '_range', '_history'] as const) assert.ok(indexes.has(`${name}${side}`), tableOf(type, side));
	}
});

test('a large body stays in its row as long as it compresses to less than a page', async () => {
	const text = Array.from({ length: 600 }, (_, i) => `Line ${i % 17} of a long report.`);
	const resource = { resourceType: 'Composition', section: [{ title: text.join(' ') }] };
	const { body } = await t.store.write(t.ctx, { type: 'Composition', id: 'c', op: 'U', resource });
	assert.ok(body.length > 8192);
	const [row] = await t.db.rows(
		raw(`SELECT pg_column_size(body), pg_relation_size(reltoastrelid) FROM fhir.composition, pg_class WHERE relname = 'composition'`),
	);
	assert.ok(Number(row?.[0]) < body.length / 2);
	assert.equal(row?.[1], 0);
});
