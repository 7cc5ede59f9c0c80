import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Grant } from '#access/ctx.ts';
import { sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { testFhir } from '#testing/fhir.ts';
import { refusal } from '#testing/store.ts';
import { match, restrictSql } from './match.ts';
import { search } from './search.ts';

const ctx = await testFhir({ after }, { settings: { referentialIntegrity: false } });
const coded = (code: string, system = 'urn:s') => ({ coding: [{ system, code, display: `Display ${code}` }] });

const world: Resource[] = [
	{ resourceType: 'Patient', id: 'ann', name: [{ family: 'Ann' }], identifier: [{ system: 'urn:mrn', value: '1' }] },
	{ resourceType: 'Patient', id: 'bob', name: [{ family: 'Bob' }], identifier: [{ system: 'urn:mrn', value: '2' }] },
	{ resourceType: 'Observation', id: 'a1', status: 'final', code: coded('x'), subject: { reference: 'Patient/ann' } },
	{ resourceType: 'Observation', id: 'a2', status: 'final', code: coded('y'), subject: { reference: 'Patient/ann' } },
	{ resourceType: 'Observation', id: 'b1', status: 'final', code: coded('x'), subject: { reference: 'Patient/bob' } },
	{
		resourceType: 'ValueSet',
		id: 'stored',
		status: 'active',
		url: 'http://x.org/vs',
		compose: { include: [{ system: 'urn:s', concept: [{ code: 'x' }] }] },
	},
];

before(async () => {
	await ctx.fhir.store.transact(ctx, (unit) =>
		unit.write(world.map((resource) => ({ type: resource.resourceType, id: resource.id as string, op: 'U', resource }))),
	);
});

function as(...grants: readonly Omit<Grant, 'interactions'>[]): FhirCtx {
	return {
		...ctx,
		caller: {
			kind: 'user',
			id: 'u',
			name: 'u',
			grants: grants.map((grant) => ({ ...grant, interactions: ['read', 'search', 'update'] })),
		},
	};
}

async function matched(on: FhirCtx, type: string, criteria: string): Promise<string> {
	return (await match(on, type, criteria, on.db, 10))
		.map(({ id }) => id)
		.toSorted()
		.join(' ');
}

test('criteria find what a search finds, within the reach of the caller', async () => {
	const own = as({ type: '*', patient: 'ann' });
	assert.equal(await matched(ctx, 'Patient', 'identifier=urn:mrn|1'), 'ann');
	assert.equal(await matched(ctx, 'Patient', 'Patient?identifier=urn:mrn|1&_count=0&_sort=name'), 'ann');
	assert.equal(await matched(ctx, 'Observation', 'patient.name=bob'), 'b1');
	assert.equal(await matched(ctx, 'Observation', 'code:in=http://x.org/vs'), 'a1 b1');
	assert.equal(await matched(ctx, 'Observation', '_content=display'), 'a1 a2 b1');
	assert.equal(await matched(own, 'Observation', 'code=x'), 'a1');
	assert.equal(await matched(own, 'Observation', 'patient.name=bob'), '');
	assert.equal((await match(ctx, 'Observation', 'status=final')).length, 2);
});

test('criteria that say nothing or are not understood are refused', async () => {
	for (const criteria of ['', '?', '_count=3', 'Patient?', '_sort=name&_format=json', 'name='])
		assert.equal(await refusal(match(ctx, 'Patient', criteria)), 'criteria-missing', criteria);
	assert.equal(await refusal(match(ctx, 'Patient', 'naem=x')), 'search-parameter-unknown');
	assert.equal(await refusal(match(as({ type: 'Observation' }), 'Patient', 'name=x')), 'search-forbidden');
});

/** Which Observations the limits let through, or what they are instead. */
async function through(grant: Omit<Grant, 'interactions'>, type = 'Observation'): Promise<string> {
	const limits = restrictSql(as(grant), type, 'read');
	if (limits === null) return 'all';
	if (limits === 'nothing') return 'nothing';
	const rows = await ctx.db.rows(sql`SELECT r.id FROM fhir.observation r WHERE ${limits} ORDER BY r.id`);
	return rows.map(([id]) => id).join(' ');
}

// What a search can look up first and a condition alone cannot lets nothing through; it never lets more through than the search.
for (const [grant, expected] of [
	[{ type: 'Observation' }, 'all'],
	[{ type: 'Patient' }, 'nothing'],
	[{ type: '*', patient: 'ann' }, 'a1 a2'],
	[{ type: 'Observation', query: 'code=y' }, 'a2'],
	[{ type: 'Observation', patient: 'ann', query: 'code=x' }, 'a1'],
	[{ type: 'Observation', query: 'code:not=x' }, 'a2'],
	[{ type: 'Observation', query: 'patient.name=bob' }, 'b1'],
	[{ type: 'Observation', query: 'code:text=display' }, 'a1 a2 b1'],
	[{ type: 'Observation', query: 'status:in=http://hl7.org/fhir/ValueSet/observation-status' }, 'a1 a2 b1'],
	[{ type: 'Observation', query: 'code:in=http://x.org/vs' }, ''],
	[{ type: 'Observation', query: 'code:not-in=http://x.org/vs' }, ''],
	[{ type: 'Observation', query: 'naem=x' }, 'nothing'],
	[{ type: 'Observation', query: 'date=never' }, 'nothing'],
] as const) {
	test(`limits as a condition: ${JSON.stringify(grant)}`, async () => {
		assert.equal(await through(grant), expected);
		const found = await search(as(grant), { type: 'Observation', query: '', handling: 'strict' }).then(
			({ matches }) => matches.map(({ id }) => id),
			(): string[] => [],
		);
		if (expected !== 'all' && expected !== 'nothing')
			assert.deepEqual(
				expected.split(' ').filter((id) => id !== '' && !found.includes(id)),
				[],
			);
	});
}
