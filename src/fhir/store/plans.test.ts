// The plans of reading and writing: by the indexes meant for them, whatever the statistics say. Never the clock.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { raw, sql } from '#db/sql.ts';
import { observation, patient, testStore } from '#testing/store.ts';
import { encodeVersion } from './delta.ts';
import { placesStatement } from './history.ts';
import { refKey } from './keys.ts';
import { makeReady } from './plan.ts';
import { versionsOf } from './restore.ts';
import {
	clearSide,
	deleteRows,
	demandNoKeys,
	demandNoPatients,
	demandTargets,
	demandUnreferenced,
	findKeys,
	indexesOnly,
	insertRows,
	lockRows,
	lookUp,
	type Row,
	tableOf,
	updateRows,
} from './statements.ts';

const t = await testStore({ after });

// Enough rows that reading a whole table is never the cheapest way.
await t.store.transact(t.ctx, async (unit) => {
	await unit.write(Array.from({ length: 200 }, (_, i) => ({ type: 'Patient', id: `p${i}`, op: 'U', resource: patient(`P${i}`) })));
	await unit.write(
		Array.from({ length: 3000 }, (_, i) => ({ type: 'Observation', id: `o${i}`, op: 'U', resource: observation(`p${i % 200}`) })),
	);
	await unit.write(
		Array.from({ length: 2000 }, (_, i) => ({
			type: 'Observation',
			id: `o${i}`,
			op: 'U',
			resource: observation(`p${i % 200}`, { valueString: 'changed' }),
		})),
	);
});
await t.db.execute(raw('ANALYZE fhir.observation, fhir.observation_history, fhir.patient'));

type Node = {
	readonly 'Node Type': string;
	readonly 'Relation Name'?: string;
	readonly 'Index Name'?: string;
	readonly Plans?: readonly Node[];
};

/** The nodes of a plan: the one that all values get, as the store's own connections make it, or the one for these values. */
async function planOf({ text, values }: { text: string; values: readonly unknown[] }, mode = 'force_generic_plan'): Promise<Node[]> {
	const plan = await t.db.tx(async (tx) => {
		await tx.execute(raw(`SET LOCAL plan_cache_mode = ${mode}`));
		const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: Node }] }>({ text: `EXPLAIN (FORMAT JSON) ${text}`, values });
		return (row as { 'QUERY PLAN': [{ Plan: Node }] })['QUERY PLAN'][0].Plan;
	});
	const flat = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(flat)];
	return flat(plan);
}

async function indexesOf(statement: { text: string; values: readonly unknown[] }): Promise<string[]> {
	const nodes = await planOf(statement);
	assert.deepEqual(
		nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']),
		[],
	);
	return [...new Set(nodes.flatMap((node) => node['Index Name'] ?? []))].sort();
}

const extract = t.store.extract;
function row(i: number, version: number): Row {
	const write = { type: 'Observation', id: `o${i}`, op: 'U', resource: observation(`p${i}`) } as const;
	const { rk, index, tail } = makeReady(write, 0, extract);
	return { rid: i, id: `o${i}`, rk, version, updated: 0, op: 'U', body: tail, index: index as Row['index'] };
}
const former = encodeVersion({ type: 'Observation', id: 'o', version: 1, updated: 0, body: '{}' }, undefined);

test('a read by id', async () => {
	const text = `SELECT r.body FROM ${tableOf('Observation')} r WHERE r.id = $1`;
	assert.deepEqual(await indexesOf({ text, values: ['o1'] }), ['observation_id_key']);
});

test('a version, and a page of a resource', async () => {
	const text = `SELECT v.* FROM (SELECT $1::text AS id, $2::int4 AS lo, $2::int4 AS hi) u CROSS JOIN LATERAL (${versionsOf('Observation')}) v`;
	assert.deepEqual(await indexesOf({ text, values: ['o1', 1] }), ['observation_history_pkey', 'observation_id_key']);
	const page = placesStatement({ type: 'Observation', id: 'o1', count: 20 }, [{ type: 'Observation', restrict: null }]);
	assert.deepEqual(await indexesOf(page.compile()), ['observation_history_pkey', 'observation_id_key']);
});

test('history of a type: by time and no further than the page, also after a key or since a moment', async () => {
	const after = { updated: Date.now(), rid: 1000, version: 1 };
	for (const more of [{}, { after }, { since: 0 }, { after, since: 0 }]) {
		const page = placesStatement({ type: 'Observation', count: 20, ...more }, [{ type: 'Observation', restrict: null }]);
		const nodes = await planOf(page.compile(), 'auto');
		const scans = nodes.flatMap((node) => (node['Relation Name'] === undefined ? [] : `${node['Node Type']} ${node['Index Name']}`));
		assert.deepEqual(scans.sort(), ['Index Scan observation_history_lu', 'Index Scan observation_lu']);
	}
});

test('history of a type for one patient: by what the patient has', async () => {
	const restrict = sql`r.pat = ${refKey('Patient/p7')}`;
	const page = placesStatement({ type: 'Observation', count: 20 }, [{ type: 'Observation', restrict }]);
	const nodes = await planOf(page.compile(), 'auto');
	assert.deepEqual(
		nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']),
		[],
	);
	const used = nodes.flatMap((node) => node['Index Name'] ?? []);
	assert.ok(used.includes('observation_pat') && used.includes('observation_history_pkey'), String(used));
});

test('what writes look at, lock, replace and delete', async () => {
	const ids = ['o1', 'o2', 'o3'];
	assert.deepEqual(await indexesOf(lookUp('Observation', ids)), ['observation_history_pkey', 'observation_id_key']);
	assert.deepEqual(await indexesOf(lockRows('Observation', ids)), ['observation_id_key']);
	assert.deepEqual(await indexesOf(demandTargets('Patient', ['p1', 'p2'])), ['patient_id_key']);
	assert.deepEqual(await indexesOf(updateRows('Observation', [row(1, 2), row(2, 2)], [former, former])), ['observation_pkey']);
	assert.deepEqual(await indexesOf(deleteRows('Observation', [{ rid: 1, version: 1, updated: 0, former }])), ['observation_pkey']);
	assert.deepEqual(await indexesOf(clearSide('Observation', '_string', [1, 2])), ['observation_string_rid']);
	assert.deepEqual(await indexesOf(clearSide('Observation', '_range', [1, 2])), ['observation_range_rid']);
	assert.deepEqual(await indexesOf(insertRows('Observation', [row(1, 1)])), []);
});

test('deletes look for referrers, and creates for keys, by the indexes, however sure the planner is to find one soon', async () => {
	const cases = [
		[demandUnreferenced('Observation', ['1', '2'], ['encounter', '*']), 'observation_keys'],
		[demandNoPatients('Observation', ['1', '2']), 'observation_pat'],
		[demandNoKeys('Observation', ['1', '2']), 'observation_keys'],
		[findKeys('Observation', ['1', '2']), 'observation_keys'],
	] as const;
	for (const [statement, index] of cases) {
		const plan = await t.db.tx(async (tx) => {
			await tx.execute(raw('SET LOCAL plan_cache_mode = force_generic_plan'));
			await tx.execute(indexesOnly);
			const rows = await tx.rows({ text: `EXPLAIN ${statement.text}`, values: statement.values });
			return rows.map(([line]) => line as string).join('\n');
		});
		assert.match(plan, new RegExp(` ${index} `));
		assert.doesNotMatch(plan, /Seq Scan on observation/);
	}
});
