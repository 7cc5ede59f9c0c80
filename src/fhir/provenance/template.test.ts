// The lean way gives what the general way gives: text, index row, and a resource that is valid.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isError } from '#base/problem.ts';
import { createRandom } from '#base/random.ts';
import type { Resource } from '#fhir/resource.ts';
import { tailOf } from '#fhir/store/body.ts';
import type { IndexRow } from '#fhir/store/layout.ts';
import { testFhir } from '#testing/fhir.ts';
import type { Activity, Author, Deed } from './draft.ts';
import { profile } from './draft.ts';
import { createTemplate } from './template.ts';

const ctx = await testFhir({ after: (done) => test.after(done) });
const { extract } = ctx.fhir.store;

/** Keys, references and links are sets. */
function sorted(row: IndexRow): IndexRow {
	return { ...row, keys: row.keys.toSorted(), references: row.references.toSorted(), links: row.links.toSorted() };
}

const names = ['', 'Dr. Émile "Mo" O’Neill\\', 'admin', '田中 太郎', 'x'.repeat(600), 'night-shift'];
const users = ['Practitioner/p-1', 'Patient/1', 'PractitionerRole/r', 'RelatedPerson/z.9', 'Device/pump'];
const clients = ['3f0c8a1e-6c1b-4a53-9d0e-4f6f0a7c2b11', 'my growth app', 'growth-chart'];
const types = ['Condition', 'Observation', 'Patient', 'Organization', 'Encounter'];

test('text and index row are those of the whole resource, whoever writes whatever', () => {
	const random = createRandom(20_261_125);
	const maybe = <T>(list: readonly T[]): T | undefined => (random.chance(0.5) ? random.pick(list) : undefined);
	for (let round = 0; round < 400; round++) {
		const [reference, organization, client] = [maybe(users), maybe(['Organization/o', 'Organization/main']), maybe(clients)];
		const name = random.pick(names);
		const author: Author = {
			who: {
				...(reference === undefined ? { display: name === '' ? 'nobody' : name } : { reference }),
				...(name === '' ? {} : { display: name }),
			},
			...(organization === undefined ? {} : { organization }),
			...(client === undefined ? {} : { client }),
		};
		const activity = random.pick(['CREATE', 'UPDATE', 'DELETE'] as Activity[]);
		const template = createTemplate(ctx, author, activity);
		const patient = maybe(['1', 'p-2', 'A.b-C']);
		const count = random.chance(0.8) ? 1 : random.between(2, 40);
		const targets = Array.from({ length: count }, () => {
			const type = random.pick(types);
			// A patient's record is one patient's.
			const id =
				type === 'Patient' ? (patient ?? '1') : random.chance(0.1) ? 'main' : `${random.between(1, 20)}-${random.pick(['a', 'B', '.'])}`;
			return `${type}/${id}/_history/${random.between(1, 300)}`;
		});
		const deed: Deed = { targets, patient, recorded: random.between(0, 2_000_000_000) * 1000 + random.between(0, 999) };
		const whole = template.resource(deed);
		const { tail, index } = template.fill(deed);
		const about = JSON.stringify(whole);
		assert.equal(tail, tailOf(whole), about);
		assert.deepEqual(
			sorted(index),
			sorted(extract(JSON.parse(`{"resourceType":"Provenance","id":"x","meta":{"versionId":"1"${tail}`) as Resource)),
			about,
		);
		assert.deepEqual(ctx.fhir.validator.validate(whole).filter(isError), [], about);
	}
});

test('US Core’s profile is claimed by those who meet it', () => {
	const deed: Deed = { targets: ['Condition/a/_history/1'], recorded: 0 };
	const claims = (author: Author): unknown => createTemplate(ctx, author, 'CREATE').resource(deed).meta?.profile?.[0];
	assert.equal(claims({ who: { reference: 'Practitioner/1' }, organization: 'Organization/1' }), profile);
	assert.equal(claims({ who: { reference: 'Practitioner/1' } }), undefined, 'a practitioner writes for an organization');
	assert.equal(claims({ who: { reference: 'Patient/1' } }), profile);
	assert.equal(claims({ who: { display: 'night job' }, client: 'backup' }), profile);
});
