// Documents are made of whatever may be stored: records of random resources, each valid in structure, never break one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordOf } from '#exchange/documents/record.ts';
import type { Entity, Patient } from '#exchange/documents/shapes.ts';
import { htmlOf } from '#exchange/documents/view/html.ts';
import { outlineOf } from '#exchange/documents/view/outline.ts';
import { readDocument } from '#formats/ccda/document.ts';
import { anyResource } from '#testing/any-resource.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { createRandom } from '#testing/random.ts';
import { documentOf, draftOf, type MadeKind } from './document.ts';

const kinds: readonly MadeKind[] = ['ccd', 'referral', 'discharge', 'care-plan', 'progress'];
const types = [
	'AllergyIntolerance',
	'Appointment',
	'CarePlan',
	'CareTeam',
	'ClinicalImpression',
	'Condition',
	'Consent',
	'Coverage',
	'Device',
	'DeviceRequest',
	'DiagnosticReport',
	'DocumentReference',
	'Encounter',
	'FamilyMemberHistory',
	'Goal',
	'Immunization',
	'MedicationAdministration',
	'MedicationDispense',
	'MedicationRequest',
	'MedicationStatement',
	'Observation',
	'Procedure',
	'ServiceRequest',
];
const identity = { id: '11111111-1111-4111-8111-111111111111', setId: '11111111-1111-4111-8111-111111111112' };

test('no record breaks a document, and each is well-formed with its ids unique and its references kept', () => {
	const definitions = testDefinitions();
	for (let seed = 1; seed <= 20; seed++) {
		const random = createRandom(seed);
		const make = (type: string, id: string): Entity =>
			JSON.parse(JSON.stringify({ ...anyResource(definitions, random, type), id })) as Entity;
		const patient = make('Patient', 'p') as Patient;
		const all = types.flatMap((type) => ['a', 'b'].map((id) => make(type, `${id}.1-${seed}`)));
		const record = recordOf('https://heron.test', patient, all, new Map(all.map((one) => [`${one.resourceType}/${one.id}`, one])));
		for (const kind of kinds) {
			const draft = draftOf({ kind, record, base: 'https://heron.test', now: new Date('2026-11-25T13:00:00Z'), period: {} });
			if (draft === undefined) continue;
			const xml = documentOf(draft, kind, identity);
			readDocument(Buffer.from(xml));
			const ids = [...xml.matchAll(/ ID="([^"]+)"/g)].map(([, id]) => id);
			assert.equal(new Set(ids).size, ids.length, `seed ${seed}, ${kind}`);
			for (const [, reference] of xml.matchAll(/<reference value="#([^"]+)"/g))
				assert.ok(ids.includes(reference), `seed ${seed}, ${kind}: ${reference}`);
			htmlOf(outlineOf(Buffer.from(xml)));
		}
	}
});
