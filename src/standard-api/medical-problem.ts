// medical_problem: an entry of the problem list, as a Condition. dental_issue is one of a dentist's.
// http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-condition-problems-health-concerns.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { author, type Entry, linkIn, npiOf, type Present, titleOf, usernameOf } from './chart.ts';
import { bareRows, envelopedRows } from './chart-rows.ts';
import { issueFields } from './issues.ts';
import { field, type Mapping } from './mapping.ts';
import { at, has, type Place } from './place.ts';
import { codeFilter, codesAt, dateChoice, dayOrTime, expandedIn, nameAt, noteAt } from './places.ts';
import type { StandardRow } from './row.ts';

const hl7 = 'http://terminology.hl7.org/CodeSystem';
export const clinicalSystem = `${hl7}/condition-clinical`;
export const verificationSystem = `${hl7}/condition-ver-status`;
export const categorySystem = `${hl7}/condition-category`;
/** Where the category that tells a dentist's issues from others is defined. */
export const issueSystem = 'https://heron-ehr.org/fhir/CodeSystem/issue-type';

const clinical = at('clinicalStatus', 'coding', 0, 'code');

function setClinical(condition: object, code: string): void {
	if (clinical.get(condition) !== code) (condition as Resource).clinicalStatus = { coding: [{ system: clinicalSystem, code }] };
}

const end = dateChoice('abatement', 'end');

/** The day it ended. What has ended is resolved, and a condition whose end is taken away is active again (con-4). */
const endPlace: Place = {
	path: end.path,
	get: end.get,
	set(condition, value) {
		end.set(condition, value);
		const code = clinical.get(condition);
		if (value !== undefined && !['inactive', 'remission', 'resolved'].includes(String(code))) setClinical(condition, 'resolved');
		if (value === undefined && code === 'resolved') setClinical(condition, 'active');
	},
};

const activityPlace: Place = {
	path: `clinicalStatus.coding.where(code = 'inactive').empty()`,
	get: (condition) => clinical.get(condition) !== 'inactive',
	set(condition, value) {
		const hasEnded = Object.keys(condition).some((name) => /^abatement[A-Z]/.test(name));
		if (value === false) setClinical(condition, 'inactive');
		else if (clinical.get(condition) === 'inactive') setClinical(condition, hasEnded ? 'resolved' : 'active');
	},
};

/** A code of a status whose system is known. */
export function statusAt(element: string, system: string): Place {
	const code = at(element, 'coding', 0, 'code');
	return {
		path: code.path,
		get: code.get,
		set(resource, value) {
			if (value === undefined) delete (resource as Resource)[element];
			else (resource as Resource)[element] = { coding: [{ system, code: value }] };
		},
	};
}

function problemMapping(resource: string, category: readonly object[]): Mapping {
	return {
		resource,
		type: 'Condition',
		numbers: ['id'],
		uuids: ['uuid'],
		fields: issueFields(resource, [
			field('date', at('recordedDate'), { kind: 'datetime', sort: 'recorded-date' }),
			field('title', nameAt('code'), { required: true, length: [2, 255], filter: { param: 'code:text', isLoose: true } }),
			field('begdate', dateChoice('onset'), {
				kind: 'datetime',
				codec: dayOrTime,
				sort: 'onset-date',
				...(resource === 'medical_problem' ? { required: true } : {}),
			}),
			field('enddate', endPlace, { kind: 'datetime', codec: dayOrTime }),
			field('diagnosis', codesAt(resource, 'diagnosis', ['code']), { length: [2, 255], filter: codeFilter }),
			field('activity', activityPlace, { kind: 'flag' }),
			field('comments', noteAt()),
			field('pid', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
			field('puuid', at('subject', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
			field('encounter_uuid', at('encounter', 'reference'), { to: ['Encounter'], as: 'uuid' }),
			field('provider_id', at('recorder', 'reference'), { to: ['Practitioner'] }),
			field('modifydate', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
			field('verification', statusAt('verificationStatus', verificationSystem), {
				oneOf: ['unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted'],
			}),
		]),
		make: () => ({
			resourceType: 'Condition',
			clinicalStatus: { coding: [{ system: clinicalSystem, code: 'active' }] },
			category: structuredClone([...category]),
		}),
		profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition-problems-health-concerns',
	};
}

const problemListItem = {
	coding: [{ system: categorySystem, code: 'problem-list-item', display: 'Problem List Item' }],
};
const dental = { coding: [{ system: issueSystem, code: 'dental', display: 'Dental' }] };

export const medicalProblemMapping = problemMapping('medical_problem', [problemListItem]);
export const dentalIssueMapping = problemMapping('dental_issue', [problemListItem, dental]);

function hasCategory({ category }: Resource, system: string, code: string): boolean {
	return Array.isArray(category) && category.some((one) => has(one, { coding: [{ system, code }] }));
}

const isStruck = (condition: Resource): boolean => has(condition, { verificationStatus: { coding: [{ code: 'entered-in-error' }] } });

function entered(ctx: FhirCtx): object {
	const recorder = author(ctx);
	return { recordedDate: ctx.clock.now().toISOString(), ...(recorder === undefined ? {} : { recorder }) };
}

/** con-5: what was entered in error has no clinical status, and con-4: what has none did not end. */
function strike(condition: Resource): void {
	condition.verificationStatus = { coding: [{ system: verificationSystem, code: 'entered-in-error' }] };
	for (const name of Object.keys(condition)) if (/^(_?abatement|_?clinicalStatus)/.test(name)) delete condition[name];
}

const struckOut = ['verification-status:not', 'entered-in-error'] as const;
const dentalToken = `${issueSystem}|dental`;

const present: Present = (record, { code, recorder }, related) => {
	const provider = related.get(linkIn(recorder));
	return {
		...record,
		diagnosis: expandedIn(code, record.diagnosis),
		type: 'medical_problem',
		condition_uuid: record.uuid,
		patient_id: record.pid,
		patient_uuid: record.puuid,
		last_updated_time: record.modifydate,
		verification_title: titleOf(record.verification),
		provider_npi: npiOf(provider),
		provider_uuid: provider?.id ?? null,
		provider_username: usernameOf(provider),
	};
};

const medicalProblem: Entry = {
	mapping: medicalProblemMapping,
	owner: 'subject',
	order: '-recorded-date',
	criteria: [['category', 'problem-list-item'], ['category:not', dentalToken], struckOut],
	isOne: (condition) =>
		hasCategory(condition, categorySystem, 'problem-list-item') && !hasCategory(condition, issueSystem, 'dental') && !isStruck(condition),
	entered,
	strike,
	present,
	links: ({ recorder }) => [linkIn(recorder)],
};

const dentalIssue: Entry = {
	...medicalProblem,
	mapping: dentalIssueMapping,
	criteria: [['category', dentalToken], struckOut],
	isOne: (condition) => hasCategory(condition, issueSystem, 'dental') && !isStruck(condition),
	present: (record) => ({ ...record, type: 'dental' }),
};

export const medicalProblemRows: readonly StandardRow[] = envelopedRows({
	entry: medicalProblem,
	name: 'medical_problem',
	param: 'muuid',
	style: 'E200',
	words: { one: 'a problem', many: 'problems' },
	reading: 'encounters.notes',
	writing: 'patients.med',
});

export const dentalIssueRows: readonly StandardRow[] = bareRows({
	entry: dentalIssue,
	name: 'dental_issue',
	param: 'did',
	style: 'B',
	words: { one: 'a dental issue', many: 'dental issues' },
	reading: 'patients.med',
	writing: 'patients.med',
});
