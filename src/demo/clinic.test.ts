// The demo clinic as data: the same every time, coherent, and on every day of the year.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { extensionAt } from '#standard-api/mapping.ts';
import { patientNumberSystem } from '#standard-api/patient.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { type Clinic, createClinic } from './clinic.ts';
import { drugs } from './data/drugs.ts';
import { problems } from './data/problems.ts';
import { patientNumbers } from './people.ts';
import { dateOf, dayOf } from './time.ts';

const today = '2026-11-25';
const clinic = createClinic({ seed: 1, today, patients: 200 });
const charts = Array.from({ length: clinic.patients }, (_, n) => clinic.chart(n));

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

function of(chart: readonly Resource[], type: string): Resource[] {
	return chart.filter(({ resourceType }) => resourceType === type);
}

test('the same seed and day give the same bytes, and patient n is the same in a clinic of any size', () => {
	const large = createClinic({ seed: 1, today, patients: 64_000 });
	for (const n of [0, 3, 119]) assert.equal(digest(large.chart(n)), digest(charts[n]));
	assert.deepEqual(large.shared.slice(0, clinic.shared.length), clinic.shared);
	assert.notEqual(digest(createClinic({ seed: 2, today, patients: 200 }).chart(0)), digest(charts[0]));
	// Clinicians of a large clinic are there to be referred to.
	assert.equal(missing(large, large.chart(63_999)).length, 0);
});

test('a clinic elsewhere has the same hours on its own clock', () => {
	const vienna = createClinic({ seed: 1, today, patients: 200, timeZone: 'Europe/Vienna' }).chart(4);
	const times = (chart: readonly Resource[]): string[] => of(chart, 'Encounter').map(({ period }) => (period as { start: string }).start);
	const [here, there] = [times(charts[4] as Resource[]), times(vienna)];
	assert.deepEqual(
		there.map((time) => time.slice(0, 19)),
		here.map((time) => time.slice(0, 19)),
	);
	assert.deepEqual([...new Set(there.map((time) => time.slice(19)))].sort(), ['+01:00', '+02:00']);
	assert.deepEqual([...new Set(here.map((time) => time.slice(19)))].sort(), ['-05:00', '-06:00']);
	assert.throws(() => createClinic({ seed: 1, today, patients: 1, timeZone: 'Nowhere/Else' }), RangeError);
});

test('appointments to come were made before today', () => {
	for (const { created, start } of charts.flatMap((chart) => of(chart, 'Appointment')))
		assert.ok(String(created) <= `${today}T24` && String(created).slice(0, 10) <= String(start).slice(0, 10));
});

test('what the Standard API shows stands where it looks: numbers of patients, facilities of the staff', () => {
	assert.equal(patientNumbers, patientNumberSystem);
	const facility = extensionAt('practitioner', 'facility_id', 'reference');
	for (const practitioner of of(clinic.shared, 'Practitioner')) assert.match(String(facility.get(practitioner)), /^Organization\//);
});

test('who looks for a family finds no other whose name merely has it in the middle, which some clients take for a mistake', () => {
	const families = new Set(charts.map((_, n) => clinic.person(n).family));
	for (const family of families)
		for (const part of family.split(' ').slice(1))
			assert.deepEqual(
				[...families].filter((one) => part.startsWith(one)),
				[],
				family,
			);
	assert.ok([...families].some((family) => family.includes(' ')));
});

test('ids are there once', () => {
	const ids = [...clinic.shared, ...charts.flat()].map(({ resourceType, id }) => `${resourceType}/${id}`);
	assert.equal(new Set(ids).size, ids.length);
});

/** What a chart refers to and has not, nor the practice. */
function missing({ shared }: Clinic, chart: readonly Resource[]): string[] {
	const there = new Set([...shared, ...chart].map(({ resourceType, id }) => `${resourceType}/${id}`));
	const links = [...JSON.stringify(chart).matchAll(/"(?:reference|url)":"([A-Z][A-Za-z]+\/[^"]+)"/g)].map(([, link]) => link as string);
	return links.filter((link) => !there.has(link));
}

test('a chart refers to itself and to the practice only', () => {
	for (const chart of charts) assert.deepEqual(missing(clinic, chart), []);
});

test('nothing happens before birth, after death, or in the future but appointments', () => {
	const now = `${today}T24`;
	charts.forEach((chart, n) => {
		const { birth, death } = clinic.person(n);
		assert.ok(birth < dayOf(today), String(n));
		const last = death === undefined ? now : `${dateOf(death.day)}T24`;
		for (const resource of chart) {
			if (/^(Appointment|Provenance|CarePlan|Goal|Coverage|Immunization|Device|MedicationRequest)$/.test(resource.resourceType)) continue;
			const { extension, ...rest } = resource;
			for (const [, date = ''] of JSON.stringify(rest).matchAll(
				/"(?:start|effectiveDateTime|recordedDate|authoredOn|onsetDateTime|date)":"([^"]+)"/g,
			)) {
				assert.ok(date >= dateOf(birth).slice(0, date.length), `${n} ${resource.resourceType} ${date} is before birth`);
				assert.ok(date <= last, `${n} ${resource.resourceType} ${date} is after ${last}`);
			}
		}
	});
});

test('what is taken has its reason: a drug of a problem is prescribed to who has the problem', () => {
	const explained = new Map<string, Set<string>>();
	for (const { snomed, drugs: own } of problems)
		for (const [name] of own) {
			const { code } = drugs[name];
			explained.set(code, (explained.get(code) ?? new Set()).add(snomed[0]));
		}
	let seen = 0;
	for (const chart of charts) {
		const has = new Set(
			of(chart, 'Condition').flatMap(({ code }) => (code as { coding: { code: string }[] }).coding.map((one) => one.code)),
		);
		for (const request of of(chart, 'MedicationRequest')) {
			const codes = explained.get((request.medicationCodeableConcept as { coding: { code: string }[] } | undefined)?.coding[0]?.code ?? '');
			if (codes === undefined || request.status === 'completed') continue;
			seen++;
			assert.ok(
				[...codes].some((code) => has.has(code)),
				`MedicationRequest/${request.id}`,
			);
		}
	}
	assert.ok(seen > 200);
});

test('treatment moves results: the first A1c of diabetics is higher than the last', () => {
	const series = charts.flatMap((chart) => {
		const values = of(chart, 'Observation')
			.filter(({ code }) => (code as { coding: { code: string }[] }).coding[0]?.code === '4548-4')
			.map(({ valueQuantity }) => (valueQuantity as { value: number }).value);
		return values.length >= 3 && (values[0] as number) > 6.5 ? [values] : [];
	});
	assert.ok(series.length >= 5);
	const falls = series.filter((values) => (values.at(-1) as number) < (values[0] as number)).length;
	assert.ok(falls > series.length / 2, `${falls} of ${series.length}`);
});

type Coded = { readonly coding: readonly { readonly code: string }[] };
type Measured = { readonly code: Coded; readonly valueQuantity?: { readonly value: number } };
type Target = { readonly measure?: Coded; readonly detailRange?: { readonly high: { readonly value: number } } };

test('goals are of those whose values they are about, and reached when the last value says so', () => {
	const kinds = new Map<string, Set<unknown>>();
	for (const chart of charts) {
		const values = of(chart, 'Observation').flatMap((one) => [one as unknown as Measured, ...((one.component ?? []) as Measured[])]);
		for (const { id, target, lifecycleStatus } of of(chart, 'Goal')) {
			const [{ measure, detailRange }] = target as [Target];
			if (measure === undefined || detailRange === undefined) continue;
			const code = measure.coding[0]?.code as string;
			const { high } = detailRange;
			const own = values.filter((one) => one.code.coding[0]?.code === code && one.valueQuantity !== undefined);
			const last = own.at(-1)?.valueQuantity?.value;
			if (code === '29463-7') assert.ok(Math.abs(high.value / (last as number) - 1) < 0.12, `Goal/${id}: ${high.value} of ${last} kg`);
			assert.equal(lifecycleStatus === 'completed', last !== undefined && last < high.value, `Goal/${id}: ${last}, ${high.value}`);
			kinds.set(code, (kinds.get(code) ?? new Set()).add(lifecycleStatus));
		}
	}
	assert.deepEqual(kinds.get('4548-4'), new Set(['completed', 'active']));
	assert.ok(kinds.has('29463-7'));
});

test('children grow and get their vaccines at the age for them', () => {
	charts.forEach((chart, n) => {
		const { birth, parent } = clinic.person(n);
		if (parent === undefined) return;
		const heights = of(chart, 'Observation')
			.filter(
				({ code, valueQuantity }) => (code as { coding: { code: string }[] }).coding[0]?.code === '8302-2' && valueQuantity !== undefined,
			)
			.map(({ valueQuantity }) => (valueQuantity as { value: number }).value);
		for (let i = 1; i < heights.length; i++) assert.ok((heights[i] as number) >= (heights[i - 1] as number) - 0.5, String(n));
		for (const { vaccineCode, occurrenceDateTime } of of(chart, 'Immunization')) {
			const days = dayOf(String(occurrenceDateTime).slice(0, 10)) - birth;
			const [{ code } = { code: '' }] = (vaccineCode as { coding: { code: string }[] }).coding;
			if (code === '03' || code === '21') assert.ok(days >= 350, `${n}: ${code} at ${days} days`);
			if (code === '119') assert.ok(days < 260, `${n}: rotavirus at ${days} days`);
		}
	});
});

test('nobody sees two patients at the same time', () => {
	const taken: { who: string; from: number; to: number }[] = [];
	for (const appointment of charts.flatMap((chart) => of(chart, 'Appointment'))) {
		if (/cancelled|noshow/.test(String(appointment.status))) continue;
		const [, { actor }] = appointment.participant as [object, { actor: { reference: string } }];
		taken.push({ who: actor.reference, from: Date.parse(String(appointment.start)), to: Date.parse(String(appointment.end)) });
	}
	taken.sort((a, b) => (a.who === b.who ? a.from - b.from : a.who < b.who ? -1 : 1));
	const doubled = taken.filter(({ who, from }, i) => who === taken[i - 1]?.who && from < (taken[i - 1]?.to ?? 0)).length;
	assert.ok(doubled <= taken.length * 0.01, `${doubled} of ${taken.length}`);
});

test('today the board is half way through the day, the last two years and the next two months are booked', () => {
	const all = charts.flatMap((chart) => of(chart, 'Appointment'));
	const board = all.filter(({ start }) => String(start).startsWith(today));
	const count = (status: string): number => board.filter((one) => one.status === status).length;
	assert.ok(board.length >= 20);
	for (const status of ['fulfilled', 'checked-in', 'arrived', 'booked', 'noshow', 'cancelled']) assert.ok(count(status) > 0, status);
	assert.ok(count('fulfilled') >= 7 && count('booked') >= 7);
	const inRoom = charts.flatMap((chart) => of(chart, 'Encounter')).filter(({ status }) => status === 'in-progress');
	assert.ok(inRoom.length >= 1 && inRoom.length <= 3);
	const days = all.map(({ start }) => dayOf(String(start).slice(0, 10)) - dayOf(today));
	assert.ok(Math.min(...days) < -700 && Math.max(...days) > 50 && Math.max(...days) <= 62);
	assert.ok(days.filter((day) => day > 0).length > 60);
});

test('it is valid on other days and with other seeds too', () => {
	const validator = createValidator(testDefinitions());
	for (const [seed, day] of [
		[2, '2024-02-29'],
		[3, '2027-03-14'],
		[4, '2026-07-04'],
	] as const) {
		const other = createClinic({ seed, today: day, patients: 40 });
		for (const resource of Array.from({ length: 10 }, (_, n) => other.chart(n * 4)).flat()) {
			const errors = validator.validate(resource).filter(({ severity }) => severity === 'error' || severity === 'fatal');
			assert.deepEqual(errors, [], `${seed} ${day} ${resource.resourceType}/${resource.id}`);
		}
	}
});
