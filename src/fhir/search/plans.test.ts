// Which index answers which kind of query, and how many pages it touches. The tables are small (12,000 Observations on some 1,200 pages) but
// analysed, so that the planner decides as it does with many more; what a page of matches may cost does not hang on their size.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { builtInRoles, roleGrants } from '#access/roles.ts';
import { raw } from '#db/sql.ts';
import type { Resource } from '#fhir/resource.ts';
import { testFhir } from '#testing/fhir.ts';
import { explain, listening, type Plan, type Spoken } from '#testing/plans.ts';
import { createRandom } from '#testing/random.ts';
import { search } from './search.ts';

const ctx = await testFhir({ after }, { settings: { referentialIntegrity: false } });
const random = createRandom(7);
const stored = new Map<string, Resource[]>();
const loinc = 'http://loinc.org';
const snomed = 'http://snomed.info/sct';
const ucum = 'http://unitsofmeasure.org';
const starts = ['S', 'B', 'M', 'A', 'K', 'T', 'L', 'R', 'D', 'W'];
const families = Array.from(
	{ length: 400 },
	(_, i) => `${starts[i % 10]}${['mith', 'orne', 'iller', 'nder'][Math.floor(i / 10) % 4]}${Math.floor(i / 40)}`,
);

function* world(): Generator<Resource> {
	for (let i = 0; i < 1500; i++) {
		yield patient(i);
		yield condition(i);
		yield encounter(i);
	}
	for (let i = 0; i < 50; i++) yield { resourceType: 'Practitioner', id: `d${i}`, name: [{ family: families[i] as string }] };
	for (let i = 0; i < 20; i++) yield { resourceType: 'Organization', id: `o${i}`, name: `${families[i]} Hospital` };
	for (let i = 0; i < 12_000; i++) yield observation(i);
	for (let i = 0; i < 2400; i++) yield appointment(i);
}

/** Forty a day. */
function appointment(i: number): Resource {
	const start = new Date(Date.UTC(2027, 0, 1 + Math.floor(i / 40), 9 + (i % 8))).toISOString();
	return {
		resourceType: 'Appointment',
		id: `a${i}`,
		status: i % 10 === 0 ? 'entered-in-error' : 'booked',
		start,
		participant: [{ actor: { reference: `Patient/p${i % 1500}` }, status: 'accepted' }],
	};
}

function patient(i: number): Resource {
	return {
		resourceType: 'Patient',
		id: `p${i}`,
		text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${i % 500 === 0 ? 'unusual' : 'usual'} person</div>` },
		identifier: [{ system: 'urn:mrn', value: `m${i}` }],
		name: [{ family: random.pick(families), given: [random.pick(['Ann', 'Bob', 'John', 'Eve'])] }],
		gender: random.pick(['male', 'female']),
		birthDate: `${random.between(1930, 2020)}-0${random.between(1, 9)}-1${random.below(10)}`,
		address: [{ city: random.pick(['Boston', 'York', 'Paris']), line: [`${i} Main Street`] }],
	};
}

function condition(i: number): Resource {
	return {
		resourceType: 'Condition',
		id: `c${i}`,
		subject: { reference: `Patient/p${i}` },
		code: {
			coding: [{ system: snomed, code: String(random.below(200)), display: random.pick(['Essential hypertension', 'Headache', 'Asthma']) }],
		},
		recordedDate: `20${random.between(10, 24)}-03-04`,
	};
}

function encounter(i: number): Resource {
	const day = `2020-0${random.between(1, 9)}-0${random.between(1, 9)}`;
	return {
		resourceType: 'Encounter',
		id: `e${i}`,
		status: 'finished',
		class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: i % 700 === 0 ? 'EMER' : 'AMB' },
		subject: { reference: `Patient/p${i}` },
		period: i % 400 === 0 ? { start: `${day}T10:00:00Z` } : { start: `${day}T10:00:00Z`, end: `${day}T11:00:00Z` },
		participant: [{ individual: { reference: `Practitioner/d${i % 50}` } }],
		location: [{ location: { reference: `Location/l${i % 20}` } }],
	};
}

function observation(i: number): Resource {
	// What is old stands at the beginning of the table, far from where an unordered search looks first.
	const code = i % 400 === 0 ? 'rare' : i < 300 ? 'old' : random.pick(['8480-6', '8302-2', '29463-7', '72514-3']);
	return {
		resourceType: 'Observation',
		id: `b${i}`,
		status: i < 600 ? 'amended' : 'final',
		category: [
			{
				coding: [
					{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: i % 3 === 0 ? 'laboratory' : 'vital-signs' },
				],
			},
		],
		code: { coding: [{ system: loinc, code, display: code === '8480-6' ? 'Systolic blood pressure' : `Measured ${code}` }] },
		subject: { reference: `Patient/p${i % 1500}` },
		effectiveDateTime: `20${random.between(10, 24)}-0${random.between(1, 9)}-1${random.below(10)}T10:00:00Z`,
		valueQuantity: { value: random.below(2000) / 10, unit: 'mmHg', system: ucum, code: 'mm[Hg]' },
		...(i % 5 === 0
			? {
					component: [
						{
							code: { coding: [{ system: loinc, code: '8480-6' }] },
							valueQuantity: { value: 90 + (i % 80), unit: 'mmHg', system: ucum, code: 'mm[Hg]' },
						},
					],
				}
			: {}),
	};
}

before(async () => {
	let batch: Resource[] = [];
	const flush = async (): Promise<void> => {
		await ctx.fhir.store.transact(ctx, (unit) =>
			unit.write(batch.map((resource) => ({ type: resource.resourceType, id: resource.id as string, op: 'C', resource }))),
		);
		batch = [];
	};
	for (const one of world()) {
		stored.set(one.resourceType, [...(stored.get(one.resourceType) ?? []), one]);
		if (batch.push(one) === 1000) await flush();
	}
	await flush();
	await ctx.db.execute(raw('VACUUM ANALYZE'));
});

type Shape = {
	readonly url: string;
	/** Which resources it should find. */
	readonly finds: (resource: Resource) => boolean;
	/** Pages of tables and indexes that all its statements may touch. */
	readonly pages: number;
	/** An index that must be read. */
	readonly by?: string;
};

// biome-ignore lint/suspicious/noExplicitAny: predicates look into plain JSON
type Any = any;
const codeIs =
	(code: string) =>
	(r: Any): boolean =>
		r.code.coding[0].code === code;
const family =
	(start: string) =>
	(r: Any): boolean =>
		r.name[0].family.startsWith(start);
const all = (): boolean => true;
const none = (): boolean => false;
const has =
	(text: string) =>
	(r: Any): boolean =>
		JSON.stringify(r).includes(text);

/** The thirty searches of a public comparison of servers, with this world's values. */
const mockHealth: readonly Shape[] = [
	{ url: 'Observation?_count=10', finds: all, pages: 12, by: 'observation_pkey' },
	{ url: 'Observation?_count=1&_total=accurate', finds: all, pages: 10, by: 'observation_pkey' },
	{ url: `Observation?code=${loinc}|8480-6&_count=1&_total=accurate`, finds: codeIs('8480-6'), pages: 40, by: 'observation_code' },
	{
		url: `Observation?combo-code=${loinc}|8480-6&_count=1&_total=accurate`,
		finds: (r: Any) => codeIs('8480-6')(r) || r.component !== undefined,
		pages: 1300,
	},
	{ url: 'Patient?gender=male&_count=5&_total=accurate', finds: (r) => r.gender === 'male', pages: 160 },
	{ url: 'Patient?family=S&_count=5', finds: family('S'), pages: 60, by: 'patient_string_each' },
	{ url: 'Patient?given=A&_count=5', finds: (r: Any) => r.name[0].given[0] === 'Ann', pages: 80, by: 'patient_string_each' },
	{
		url: 'Patient?gender=female&family=B&_count=5',
		finds: (r) => r.gender === 'female' && family('B')(r),
		pages: 120,
		by: 'patient_string_each',
	},
	{ url: `Observation?code=${loinc}|8302-2&_count=5&_total=accurate`, finds: codeIs('8302-2'), pages: 50, by: 'observation_code' },
	{ url: `Observation?code=${loinc}|29463-7&_count=5&_total=accurate`, finds: codeIs('29463-7'), pages: 50, by: 'observation_code' },
	{ url: `Observation?code=${loinc}|72514-3&_count=5&_total=accurate`, finds: codeIs('72514-3'), pages: 50, by: 'observation_code' },
	{
		url: 'Observation?date=ge2020-01-01&_count=5',
		finds: (r) => (r.effectiveDateTime as string) >= '2020',
		pages: 20,
		by: 'observation_d',
	},
	{ url: 'Patient?_id=p77', finds: (r) => r.id === 'p77', pages: 8, by: 'patient_id_key' },
	{ url: 'Patient?family=Smith3', finds: family('Smith3'), pages: 60, by: 'patient_string_each' },
	{ url: 'Observation?patient=p77&_count=20', finds: (r: Any) => r.subject.reference === 'Patient/p77', pages: 15, by: 'observation_pat' },
	{ url: 'Condition?patient=p77&_count=10', finds: (r: Any) => r.subject.reference === 'Patient/p77', pages: 8, by: 'condition_pat' },
	{ url: `Condition?code=${snomed}|17&_count=10`, finds: codeIs('17'), pages: 25, by: 'condition_code' },
	{ url: `Procedure?code=${snomed}|17&_count=10`, finds: none, pages: 8 },
	{ url: 'Encounter?patient=p77&_count=10', finds: (r: Any) => r.subject.reference === 'Patient/p77', pages: 8, by: 'encounter_pat' },
	{ url: 'MedicationRequest?patient=p77&_count=10', finds: none, pages: 8 },
	{ url: 'Encounter?participant=Practitioner/d3&_count=10', finds: has('"Practitioner/d3"'), pages: 90 },
	{ url: 'Encounter?location=Location/l3&_count=10', finds: has('"Location/l3"'), pages: 120 },
	{ url: 'Patient?_content=Smith&_count=10', finds: family('Smith'), pages: 270 },
	{ url: 'Observation?_content=blood&_count=10', finds: codeIs('8480-6'), pages: 40 },
	{ url: 'Condition?_content=hypertension&_count=10', finds: has('hypertension'), pages: 40 },
	{ url: 'Patient?name:text=ohn&_count=10', finds: has('"John"'), pages: 180, by: 'patient_string_all' },
	{ url: 'Patient?address:text=Boston&_count=10', finds: has('"Boston"'), pages: 190, by: 'patient_string_all' },
	{ url: 'Patient?_text=unusual&_count=10', finds: has('unusual'), pages: 60, by: 'words_v' },
	{ url: 'Condition?code:text=hypertensive&_count=10', finds: none, pages: 30 },
];

/** The searches of another public benchmark: names and addresses with and without `:contains`, dates with every prefix, categories. */
const healthSamurai: readonly Shape[] = [
	{ url: 'Patient?name=Kmith&_count=20', finds: family('Kmith'), pages: 200, by: 'patient_string_each' },
	{ url: 'Patient?name:contains=iller9&_count=20', finds: has('iller9'), pages: 180, by: 'patient_string_all' },
	{ url: 'Patient?name:contains=nobody&_count=20', finds: none, pages: 10, by: 'patient_string_all' },
	{ url: 'Patient?address=Boston&_count=20', finds: has('"Boston"'), pages: 200, by: 'patient_string_each' },
	{ url: 'Patient?address:contains=oston&_count=20', finds: has('oston'), pages: 240, by: 'patient_string_all' },
	{ url: 'Organization?name=S&_count=20', finds: (r: Any) => r.name.startsWith('S'), pages: 60, by: 'organization_string_each' },
	{ url: 'Organization?name:contains=hospital&_count=20', finds: all, pages: 120 },
	...['', 'eq', 'lt', 'gt', 'ge', 'le', 'sa', 'eb'].flatMap((prefix): Shape[] => [
		{
			url: `Patient?birthdate=${prefix}1980-03-12&_count=20`,
			finds: (r: Any) => compares(prefix, r.birthDate, '1980-03-12'),
			pages: 40,
			by: 'patient_d',
		},
		{
			url: `Observation?date=${prefix}2018-05&_count=20`,
			finds: (r: Any) => compares(prefix, r.effectiveDateTime.slice(0, 7), '2018-05'),
			pages: 40,
			by: 'observation_d',
		},
		{
			url: `Encounter?date=${prefix}2070-01-01&_count=20`,
			finds: (r: Any) =>
				['lt', 'le', 'eb'].includes(prefix)
					? prefix !== 'eb' || r.period.end !== undefined
					: ['gt', 'ge'].includes(prefix) && r.period.end === undefined,
			pages: 40,
		},
	]),
	{ url: 'Observation?category=laboratory&_count=20', finds: has('laboratory'), pages: 40, by: 'observation_pkey' },
	{
		url: 'Observation?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs&_count=20',
		finds: has('vital-signs'),
		pages: 40,
		by: 'observation_pkey',
	},
	{ url: 'Observation?category=nothing&_count=20', finds: none, pages: 20, by: 'observation_keys' },
];

function compares(prefix: string, held: string, asked: string): boolean {
	if (prefix === 'lt' || prefix === 'eb') return held < asked;
	if (prefix === 'gt' || prefix === 'sa') return held > asked;
	if (prefix === 'ge') return held >= asked;
	return prefix === 'le' ? held <= asked : held === asked;
}

/** What an EHR asks all day, and where a planner may go astray. */
const daily: readonly Shape[] = [
	{
		url: 'Observation?patient=p77&category=laboratory&date=ge2012-01-01&_sort=-date&_count=50',
		finds: (r: Any) => r.subject.reference === 'Patient/p77' && has('laboratory')(r) && r.effectiveDateTime >= '2012',
		pages: 15,
		by: 'observation_pat',
	},
	{ url: 'Observation?patient=p77&_sort=date', finds: (r: Any) => r.subject.reference === 'Patient/p77', pages: 15, by: 'observation_pat' },
	{
		url: 'Observation?patient=p77&_sort=-_lastUpdated',
		finds: (r: Any) => r.subject.reference === 'Patient/p77',
		pages: 60,
		by: 'observation_pat',
	},
	{
		url: 'Observation?patient=p77&_sort=code,-value-quantity',
		finds: (r: Any) => r.subject.reference === 'Patient/p77',
		pages: 60,
		by: 'observation_pat',
	},
	{
		url: 'Observation?patient=p1,p2,p3&status=final',
		finds: (r: Any) => ['Patient/p1', 'Patient/p2', 'Patient/p3'].includes(r.subject.reference) && r.status === 'final',
		pages: 50,
		by: 'observation_pat',
	},
	{ url: 'Patient?identifier=urn:mrn|m77', finds: (r) => r.id === 'p77', pages: 12, by: 'patient_keys' },
	{ url: 'Encounter?class=EMER', finds: has('EMER'), pages: 40, by: 'encounter_keys' },
	{ url: `Observation?code=${loinc}|rare`, finds: codeIs('rare'), pages: 60, by: 'observation_code' },
	{ url: 'Observation?code=rare', finds: codeIs('rare'), pages: 120, by: 'observation_keys' },
	{ url: `Observation?code=${loinc}|old&status=amended`, finds: codeIs('old'), pages: 50, by: 'observation_code' },
	{ url: 'Observation?status=amended', finds: (r) => r.status === 'amended', pages: 350, by: 'observation_keys' },
	{
		url: `Observation?code=${loinc}|8302-2&category=laboratory&date=lt2015`,
		finds: (r: Any) => codeIs('8302-2')(r) && has('laboratory')(r) && r.effectiveDateTime < '2015',
		pages: 110,
		by: 'observation_code',
	},
	{
		url: `Observation?code-value-quantity=${loinc}|8302-2$gt199.5|${ucum}|mm[Hg]`,
		finds: (r: Any) => codeIs('8302-2')(r) && r.valueQuantity.value > 199.5,
		pages: 250,
	},
	{
		url: `Observation?component-code-value-quantity=${loinc}|8480-6$gt165|${ucum}|mm[Hg]`,
		finds: (r: Any) => r.component?.[0].valueQuantity.value > 165,
		pages: 300,
	},
	{
		url: `Observation?value-quantity=gt199.8|${ucum}|mm[Hg]`,
		finds: (r: Any) => r.valueQuantity.value > 199.8,
		pages: 200,
		by: 'observation_q',
	},
	{
		url: 'Observation?subject:Patient.identifier=urn:mrn|m77',
		finds: (r: Any) => r.subject.reference === 'Patient/p77',
		pages: 40,
		by: 'observation_pat',
	},
	{
		url: 'Observation?patient.name=Smith3&_count=10',
		finds: (r: Any) => family('Smith3')(stored.get('Patient')?.[Number(r.subject.reference.slice(9))]),
		pages: 60,
		by: 'observation_pat',
	},
	{
		url: 'Observation?patient.gender=male&_count=10',
		finds: (r: Any) => stored.get('Patient')?.[Number(r.subject.reference.slice(9))]?.gender === 'male',
		pages: 220,
	},
	{
		url: `Patient?_has:Observation:patient:code=${loinc}|rare`,
		finds: (r) => Number(r.id?.slice(1)) % 100 === 0,
		pages: 160,
		by: 'observation_code',
	},
	{
		url: `Patient?_has:Observation:patient:code=${loinc}|8480-6&_count=10`,
		finds: (r: Any) =>
			stored.get('Observation')?.some((o: Any) => o.subject.reference === `Patient/${r.id}` && codeIs('8480-6')(o)) === true,
		pages: 700,
	},
	// A day in the middle of all days, in its order.
	{
		url: 'Appointment?status:not=entered-in-error&date=ge2027-02-03T00:00:00Z&date=lt2027-02-04T00:00:00Z&_sort=date&_count=50',
		finds: (r: Any) => r.start.startsWith('2027-02-03') && r.status === 'booked',
		pages: 60,
		by: 'appointment_d',
	},
	{ url: 'Patient?_sort=family&_count=10', finds: all, pages: 110, by: 'patient_string_each' },
	{ url: 'Patient?_sort=-family,given&gender=male&_count=10', finds: (r) => r.gender === 'male', pages: 250, by: 'patient_string_each' },
	{ url: 'Patient?_sort=birthdate&_count=10', finds: all, pages: 30, by: 'patient_d' },
	{ url: 'Patient?_lastUpdated=gt2020&_count=10', finds: all, pages: 30, by: 'patient_lu' },
	{ url: 'Observation?_sort=-_lastUpdated&_count=10', finds: all, pages: 30, by: 'observation_lu' },
	{ url: 'Patient?_content=unusual%20OR%20nowhere', finds: has('unusual'), pages: 80, by: 'words_v' },
];

for (const [name, shapes] of Object.entries({ 'mock.health': mockHealth, 'Health Samurai': healthSamurai, daily })) {
	test(`the searches of ${name} are right and touch few pages`, async () => {
		const failures: string[] = [];
		for (const shape of shapes) await check(shape).catch((error: Error) => failures.push(`${shape.url}: ${error.message}`));
		assert.deepEqual(failures, []);
	});
}

async function check({ url, finds, pages, by }: Shape): Promise<void> {
	const [type = '', query = ''] = url.split('?');
	const { ctx: heard, statements } = listening(ctx);
	const { matches, total, query: asked } = await search(heard, { type, query: decodeURIComponent(query), handling: 'strict' });
	const expected = (stored.get(type) ?? []).filter(finds);
	const ids = new Set(expected.map(({ id }) => id));
	assert.deepEqual(
		matches.filter(({ id }) => !ids.has(id)).map(({ id }) => id),
		[],
		'finds what it should not',
	);
	assert.equal(matches.length, Math.min(asked.count, expected.length), 'finds as many as there are');
	if (asked.total === 'accurate' || matches.length === expected.length)
		assert.ok(total === undefined || total === expected.length, `the total is ${total}, not ${expected.length}`);
	const plans: Plan[] = [];
	for (const statement of statements.filter(({ text }) => !text.includes('pg_stats'))) plans.push(await explain(ctx.db, statement));
	const touched = plans.reduce((sum, plan) => sum + plan.buffers, 0);
	assert.ok(touched <= pages, `touches ${touched} pages\n${plans.map(({ text }) => text).join('\n')}`);
	if (by !== undefined)
		assert.ok(
			plans.some(({ nodes }) => nodes.some(({ index }) => index === by)),
			`does not read ${by}\n${plans.map(({ text }) => text).join('\n')}`,
		);
}

test('a statement is written as it was', async () => {
	const file = join(import.meta.dirname, 'golden', 'search.golden.sql');
	const written: string[] = [
		'-- The statements of some searches, so that a change of them is seen. Written by plans.test.ts with HERON_GOLDEN=write.\n',
	];
	for (const { url } of [...mockHealth, ...daily]) {
		const [type = '', query = ''] = url.split('?');
		const { ctx: heard, statements } = listening(ctx);
		await search(heard, { type, query: decodeURIComponent(query), handling: 'strict' });
		written.push(`-- ${url}`, ...statements.filter(({ text }) => !text.includes('pg_stats')).map(layout), '');
	}
	const text = written.join('\n');
	if (process.env.HERON_GOLDEN === 'write') writeFileSync(file, text);
	assert.equal(readFileSync(file, 'utf8'), text);
});

test('what a chart hides from a nurse costs no look for each row', async () => {
	const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
	const subject = { reference: 'Patient/p77' };
	const hidden: Resource[] = [
		{ ...encounter(77), id: 'restricted', meta: { security: [{ system: confidentiality, code: 'R' }] }, subject },
		{ ...observation(77), id: 'within', subject, encounter: { reference: 'Encounter/restricted' } },
		{ ...observation(78), id: 'itself', subject, meta: { security: [{ system: confidentiality, code: 'V' }] } },
	];
	await ctx.fhir.store.transact(ctx, (unit) =>
		unit.write(hidden.map((resource) => ({ type: resource.resourceType, id: resource.id as string, op: 'C', resource }))),
	);
	const grants = roleGrants(
		{},
		builtInRoles.filter(({ name }) => name === 'nurse'),
	);
	const { ctx: heard, statements } = listening({ ...ctx, caller: { kind: 'user', id: 'nurse', name: 'nurse', grants } });
	const { matches } = await search(heard, { type: 'Observation', query: 'patient=p77&_sort=-date&_count=50', handling: 'strict' });
	const all = stored.get('Observation')?.filter((one: Any) => one.subject.reference === 'Patient/p77') ?? [];
	assert.deepEqual(new Set(matches.map(({ id }) => id)), new Set(all.map(({ id }) => id)));
	const [statement, ...others] = statements as [Spoken];
	assert.deepEqual(others, []);
	assert.ok(statement.named, 'is prepared');
	const { nodes, buffers, text } = await explain(ctx.db, statement);
	assert.ok(buffers <= 20, `touches ${buffers} pages\n${text}`);
	assert.ok(
		['observation_pat', 'encounter_pat'].every((by) => nodes.some(({ index }) => index === by)),
		text,
	);
});

/** A statement with its parts on lines of their own. */
function layout({ text, named }: Spoken): string {
	return `${text.replaceAll(/ (FROM|WHERE|ORDER BY|UNION ALL|CROSS JOIN LATERAL) /g, '\n  $1 ')};${named ? ' -- prepared' : ''}`;
}
