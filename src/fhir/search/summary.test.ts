import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });

const weight = {
	resourceType: 'Observation',
	id: 'weight',
	status: 'final',
	code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
	effectiveDateTime: '2026-11-25T09:30:00-06:00',
	_effectiveDateTime: { extension: [{ url: 'http://example.org/clock', valueString: 'of the scale' }] },
	valueQuantity: { value: 70.0, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
	note: [{ text: 'With shoes.' }],
};

const created = await server.send('PUT', 'Observation/weight', { body: weight });
assert.equal(created.status, 201, created.text);

/** What the answer of a search has beside what is always there. */
async function left(elements: string): Promise<string[]> {
	const { status, json } = await server.send('GET', `Observation?_id=weight&_elements=${elements}`);
	assert.equal(status, 200);
	const [{ resource }] = json.entry as [{ resource: object }];
	return Object.keys(resource).filter((name) => !['resourceType', 'id', 'meta', 'status', 'code'].includes(name));
}

const time = ['effectiveDateTime', '_effectiveDateTime'];

for (const [elements, names] of [
	['effective', time],
	['effectiveDateTime', time],
	['Observation.effective', time],
	['Observation.effectiveDateTime', time],
	['effective[x]', time],
	['effectivePeriod', []],
	['value,note', ['valueQuantity', 'note']],
	['valueQuantity,effectiveDateTime', [...time, 'valueQuantity']],
	['valueString', []],
	['nothing', []],
] as const)
	test(`_elements=${elements} leaves ${names.join(', ') || 'what is mandatory'}`, async () => {
		assert.deepEqual((await left(elements)).sort(), [...names].sort());
	});
