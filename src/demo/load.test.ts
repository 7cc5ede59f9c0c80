// Loading: what was cut short is gone on with, what is there stays, and a record with anything else in it is not empty.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raw } from '#db/sql.ts';
import { testFhir } from '#testing/fhir.ts';
import { testServer } from '#testing/server.ts';
import { createClinic } from './clinic.ts';
import { hasRoom, loadClinic } from './load.ts';

const clinic = createClinic({ seed: 1, today: '2026-11-25', patients: 4 });

test('a loading that was cut short is gone on with, and changes nothing twice', async (t) => {
	const ctx = await testFhir(t);
	assert.equal(await hasRoom(ctx, clinic), true);
	const aborter = new AbortController();
	const first = await loadClinic(ctx, clinic, { signal: aborter.signal, onProgress: ({ patients }) => patients === 2 && aborter.abort() });
	assert.equal(first.patients, 2);
	assert.equal(first.created.get('Patient'), 2);
	assert.equal(await hasRoom(ctx, clinic), true);
	const rest = await loadClinic(ctx, clinic);
	assert.deepEqual([rest.patients, rest.created.get('Patient'), rest.created.get('Organization')], [4, 2, 0]);
	const again = await loadClinic(ctx, clinic);
	assert.deepEqual(
		[...again.created.values()].filter((count) => count > 0),
		[],
	);
	assert.deepEqual(await ctx.db.rows(raw('SELECT count(*) FROM fhir.patient')), [[4]]);
});

test('a record with anything else in it is not empty, until it is deleted', async (t) => {
	const server = await testServer(t);
	assert.equal((await server.send('PUT', 'Patient/own', { body: { resourceType: 'Patient', id: 'own' } })).status, 201);
	assert.equal(await hasRoom(server.ctx, clinic), false);
	await server.send('DELETE', 'Patient/own');
	assert.equal(await hasRoom(server.ctx, clinic), true);
});
