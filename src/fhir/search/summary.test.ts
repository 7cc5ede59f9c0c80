import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createRandom } from '#testing/random.ts';
import { testServer } from '#testing/server.ts';
import { subsetBody } from './summary.ts';

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

test('decimals stay as they were written', () => {
	const random = createRandom(9);
	const digits = (count: number): string => Array.from({ length: count }, () => random.below(14) % 10).join('');
	const cases = ['0', '-0', '1.10', '70.0', '1e3', '2.5E-7', '0.0000001', '123456789.12345678', '12345678901234567890', '-0.0'];
	while (cases.length < 5000) {
		const whole = `${random.below(3)}${digits(random.below(19))}`.replace(/^0+(?=\d)/, '');
		const part = random.below(3) === 0 ? '' : `.${digits(1 + random.below(12))}`;
		const power = random.below(5) === 0 ? `e${random.below(40) - 20}` : '';
		cases.push(`${random.below(4) === 0 ? '-' : ''}${whole}${part}${power}`);
	}
	for (const value of cases) {
		const body = `{"resourceType":"Observation","meta":{},"valueQuantity":{"value":${value}},"note":[]}`;
		const shown = subsetBody(server.ctx.fhir, 'Observation', body, { summary: 'false', elements: ['value'] });
		assert.match(shown, /"valueQuantity":/);
		assert.ok(shown.includes(`{"value":${value}}`), `${value} became ${shown}`);
	}
});
