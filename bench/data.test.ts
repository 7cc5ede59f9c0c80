// The generated people: always the same, of realistic size, and valid.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { createPopulation } from './data.ts';

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

test('the same seed gives the same bytes, another seed others', () => {
	const [one, same, other] = [createPopulation(1), createPopulation(1), createPopulation(2)];
	same.chart(5);
	assert.equal(digest(one.shared), digest(same.shared));
	for (const n of [0, 3, 12_345]) assert.equal(digest(one.chart(n)), digest(same.chart(n)));
	assert.notEqual(digest(one.chart(0)), digest(one.chart(1)));
	assert.notEqual(digest(one.chart(0)), digest(other.chart(0)));
});

test('ids are not given twice, and references stay within the chart and what is shared', () => {
	const population = createPopulation(1);
	const shared = new Set(population.shared.map(({ resourceType, id }) => `${resourceType}/${id}`));
	const all = new Set(shared);
	for (let n = 0; n < 200; n++) {
		const known = new Set(shared);
		for (const resource of population.chart(n)) {
			const name = `${resource.resourceType}/${resource.id}`;
			assert.ok(!all.has(name));
			all.add(name);
			known.add(name);
			for (const [, reference = ''] of JSON.stringify(resource).matchAll(/"reference":"([^"#]+)"/g))
				assert.ok(known.has(reference), reference);
		}
	}
});

test('sizes are those of real exports', () => {
	const population = createPopulation(1);
	const sizes = new Map<string, number[]>();
	let count = 0;
	for (let n = 0; n < 200; n++) {
		for (const resource of population.chart(n)) {
			count++;
			const list = sizes.get(resource.resourceType) ?? [];
			sizes.set(resource.resourceType, list);
			list.push(JSON.stringify(resource).length);
		}
	}
	const mean = (type: string): number => (sizes.get(type) ?? []).reduce((sum, size) => sum + size, 0) / (sizes.get(type)?.length ?? 0);
	const expected: Record<string, [low: number, high: number]> = {
		Patient: [2800, 3500],
		Observation: [800, 1000],
		Encounter: [1200, 1700],
		Condition: [900, 1100],
		Procedure: [650, 900],
		MedicationRequest: [1000, 1250],
		Immunization: [650, 850],
		DocumentReference: [2300, 3400],
	};
	for (const [type, [low, high]] of Object.entries(expected)) assert.ok(mean(type) > low && mean(type) < high, `${type}: ${mean(type)}`);
	assert.ok(count / 200 > 90 && count / 200 < 120);
});

test('every resource is valid', () => {
	const validator = createValidator(loadDefinitions());
	const population = createPopulation(1);
	const resources = [...population.shared, ...Array.from({ length: 40 }, (_, n) => population.chart(n)).flat()];
	for (const resource of resources) {
		const errors = validator.validate(resource).filter(({ severity }) => severity === 'error' || severity === 'fatal');
		assert.deepEqual(errors, [], `${resource.resourceType}: ${JSON.stringify(errors[0])}`);
	}
});
