// Housekeeping: what has expired or is named by nothing goes, the rest stays, and one process at a time does it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { mintToken } from '#access/tokens.ts';
import { raw } from '#db/sql.ts';
import { create } from '#fhir/interactions/create.ts';
import { testFhir } from '#testing/fhir.ts';
import { createHousekeeping, keepHouse } from './housekeeping.ts';

const ctx = await testFhir({ after });
const { db } = ctx;
const later = { ...ctx, clock: { now: () => new Date(Date.now() + 48 * 3_600_000) } };
const house = { db, log: ctx.log, ctxFor: () => later };

async function keys(): Promise<string[]> {
	const found: string[] = [];
	for await (const key of ctx.fhir.blobs.keys()) found.push(key);
	return found;
}

test('expired tokens and binaries that nothing names are removed', async () => {
	await mintToken(db, ctx.caller, new Date(Date.now() - 1000));
	await mintToken(db, ctx.caller, new Date(Date.now() + 1_000_000));
	await create(ctx, {
		type: 'Binary',
		resource: { resourceType: 'Binary', contentType: 'text/plain', data: Buffer.alloc(100_000).toString('base64') },
	});
	const [named] = await keys();
	await ctx.fhir.blobs.put(Buffer.alloc(100_000, 1));
	assert.equal((await keys()).length, 2);
	assert.equal(await keepHouse(house), true);
	assert.deepEqual(await keys(), [named]);
	assert.deepEqual(await db.rows(raw('SELECT count(*) FROM access.token')), [[1]]);
});

test('while one process is at it another lets it be', async () => {
	const client = await db.connect();
	await client.query('SELECT pg_advisory_lock(4833111)');
	assert.equal(await keepHouse(house), false);
	await client.query('SELECT pg_advisory_unlock(4833111)');
	client.release();
	assert.equal(await keepHouse(house), true);
	assert.deepEqual(
		await db.rows(
			raw(
				`SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()`,
			),
		),
		[[0]],
	);
});

test('it comes round by itself until it is ended', async () => {
	let rounds = 0;
	const counting = { ...house, log: { ...ctx.log, info: () => rounds++ } };
	const rounding = createHousekeeping(counting, { firstMs: 1, everyMs: 20 });
	rounding.start();
	while (rounds < 3) await new Promise((resolve) => setTimeout(resolve, 5));
	assert.ok(rounding.service.next() !== undefined);
	await rounding.end();
	const ended = rounds;
	await new Promise((resolve) => setTimeout(resolve, 100));
	assert.equal(rounds, ended);
});
