// employer ↔ Observation of an occupation (https://hl7.org/fhir/us/core/StructureDefinition-us-core-observation-occupation.html): who a
// patient has worked for, as what, and when; a row for each time.
import { author, change as changeEntry, type Entry, enter, findEntry, listEntries, patientIn, showEntry, strike } from './chart.ts';
import { type RowOptions, rowOf } from './chart-rows.ts';
import { extra, type Field, field, lastUpdated, type Mapping } from './mapping.ts';
import { at, has, which } from './place.ts';
import type { StandardRow } from './row.ts';

const name = 'employer';
const loinc = 'http://loinc.org';
/** History of occupation, and of industry: https://loinc.org/11341-5, https://loinc.org/86188-0 */
const occupationCode = { system: loinc, code: '11341-5', display: 'History of Occupation' };
const industryCode = { system: loinc, code: '86188-0', display: 'History of Occupation industry' };

const occupation = (...steps: string[]) => at('valueCodeableConcept', ...steps);
const industry = which({ code: { coding: [{ system: loinc, code: '86188-0' }] } }, { code: { coding: [industryCode] } });

const fields: readonly Field[] = [
	extra(name, 'name', { length: [1, 255] }),
	...['street', 'street_line_2', 'city', 'state', 'postal_code', 'country'].map((one) => extra(name, one, { length: [1, 255] })),
	field('date', at('issued'), { kind: 'datetime' }),
	field('start_date', at('effectivePeriod', 'start'), { kind: 'datetime' }),
	field('end_date', at('effectivePeriod', 'end'), { kind: 'datetime' }),
	field('pid', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
	field('puuid', at('subject', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
	field('created_by', at('performer', 0, 'reference'), { to: ['Practitioner'], isReadOnly: true }),
	field('user_uuid', at('performer', 0, 'reference'), { to: ['Practitioner'], as: 'uuid', isReadOnly: true }),
	field('occupation', occupation('text'), { length: [1, 255] }),
	field('occupation_codes', at('valueCodeableConcept', 'coding', 0, 'code'), { length: [1, 64] }),
	field('occupation_codes_display', at('valueCodeableConcept', 'coding', 0, 'display')),
	field('industry', at('component', industry, 'valueCodeableConcept', 'text'), { length: [1, 255] }),
	field('industry_codes', at('component', industry, 'valueCodeableConcept', 'coding', 0, 'code'), { length: [1, 64] }),
	field('industry_codes_display', at('component', industry, 'valueCodeableConcept', 'coding', 0, 'display')),
	lastUpdated,
];

export const employerMapping: Mapping = {
	resource: name,
	type: 'Observation',
	numbers: ['id'],
	uuids: ['uuid'],
	fields,
	make: () => ({
		resourceType: 'Observation',
		status: 'final',
		category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'social-history' }] }],
		code: { coding: [occupationCode] },
	}),
	profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-occupation',
};

export const employerEntry: Entry = {
	mapping: employerMapping,
	owner: 'subject',
	criteria: [
		['code', `${loinc}|${occupationCode.code}`],
		['status:not', 'entered-in-error'],
	],
	isOne: (resource) =>
		has(resource, { code: { coding: [{ system: loinc, code: occupationCode.code }] } }) && resource.status !== 'entered-in-error',
	entered: (ctx) => {
		const who = author(ctx);
		return { issued: ctx.clock.now().toISOString(), ...(who === undefined ? {} : { performer: [who] }) };
	},
	strike: (draft) => {
		draft.status = 'entered-in-error';
	},
};

const options: RowOptions = {
	entry: employerEntry,
	name,
	param: 'uuid',
	style: 'E200',
	words: { one: 'an employer', many: 'employers' },
	reading: 'patients.demo',
	writing: 'patients.demo',
};

const all = '/patient/:puuid/employer';
const one = '/patient/:puuid/employer/:uuid';
const named = (ctx: Parameters<StandardRow['run']>[0], call: Parameters<StandardRow['run']>[1]) =>
	patientIn(ctx, call).then((patient) => findEntry(ctx, employerEntry, call.params.uuid as string, patient));

export const employerRows: readonly StandardRow[] = [
	rowOf(options, 'GET', all, 'search', 'The employers of a patient, a row for each change', async (ctx, call) => {
		const { records, links } = await listEntries(ctx, employerEntry, call, await patientIn(ctx, call));
		return { data: records, links };
	}),
	rowOf(options, 'POST', all, 'create', 'Enters an employer', async (ctx, call) => {
		const stored = await enter(ctx, employerEntry, await patientIn(ctx, call), call.body);
		return { data: { id: stored.rid, uuid: stored.id }, about: stored };
	}),
	rowOf(options, 'GET', one, 'read', 'Shows an employer', async (ctx, call) => {
		const stored = await named(ctx, call);
		return { data: await showEntry(ctx, employerEntry, stored), about: stored };
	}),
	rowOf(options, 'PUT', one, 'update', 'Changes what is sent of an employer', async (ctx, call) => {
		const stored = await changeEntry(ctx, employerEntry, await named(ctx, call), call.body);
		return { data: await showEntry(ctx, employerEntry, stored), about: stored };
	}),
	rowOf(options, 'DELETE', one, 'delete', 'Marks an employer as entered in error', async (ctx, call) => {
		const stored = await strike(ctx, employerEntry, await named(ctx, call));
		return { data: { uuid: stored.id }, about: stored };
	}),
];
