// prescription: the medication list as prescriptions. The same MedicationRequests as medication.ts shows, with how they are taken and handed
// out; what a patient reports himself is among them. http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-medicationrequest.html
import { Problem } from '#base/problem.ts';
import { isMedication, medicationCriteria } from '#clinic/medications/list.ts';
import { identifierSystem } from '#clinic/names.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { change, type Entry, enter, findEntry, linkIn, type Present, showEntry, strike } from './chart.ts';
import { allRows, patientNamed, type RowOptions, rowOf } from './chart-rows.ts';
import { type Codec, wholeDate } from './codec.ts';
import { expandCodes, writeCodes } from './codes.ts';
import { extensionBase, extra, extras, type Field, field, type Mapping } from './mapping.ts';
import {
	activePlace,
	drugName,
	endPlace,
	medicationProfile,
	referredDrug,
	referredLinks,
	requested,
	settleMedication,
	statementEndPlace,
	strikeMedication,
	takenFrom,
} from './medication.ts';
import { codesOf, numberOrTextAt, optionAt, optionId, titleOf } from './options.ts';
import { at, type Place, type Step, which } from './place.ts';
import { codesAt, dateChoice, linkAt, listOf, nameAt, noteAt, orElse } from './places.ts';
import { invalidFields, noSuchRecord, type Wrong } from './problems.ts';
import { find } from './references.ts';
import type { StandardRow } from './row.ts';
import type { Read } from './write.ts';

const name = 'prescription';
const categorySystem = 'http://terminology.hl7.org/CodeSystem/medicationrequest-category';
const adherenceUrl = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-medication-adherence';

/** A day, whatever time stands behind it. */
const day: Codec = { show: (json) => wholeDate(String(json)), keep: (value) => value };

function bareCode(codes: string | undefined): string | undefined {
	return codes?.replace(/^RXNORM:([A-Za-z0-9.-]+)$/, '$1');
}

/** Codes of the drug. A bare code is RxNorm's, and shown bare when it is the only one. */
const drugCodes: Place = ((): Place => {
	const codes = codesAt(name, 'rxnorm_drugcode', ['medicationCodeableConcept']);
	return {
		path: codes.path,
		get: (resource) => bareCode(codes.get(resource) as string | undefined),
		set(resource, value) {
			if (value !== undefined) delete (resource as Resource).medicationReference;
			codes.set(resource, /^[A-Za-z0-9.-]+$/.test(String(value)) ? `RXNORM:${value}` : value);
		},
	};
})();

const inCategory = which({ coding: [{ system: categorySystem }] });
const categoryCode = at('category', { ...inCategory, made: {} }, 'coding', which({ system: categorySystem }), 'code');

/** Substitution: 1 allowed, 2 not. */
const substitution: Codec = { show: (json) => (json === true ? 1 : json === false ? 2 : null), keep: (value) => value === 1 };

/** Taken as needed. What the words say beyond yes is kept beside it. */
function asNeededAt(dosage: string): Place {
	const flag = at(dosage, 0, 'asNeededBoolean');
	const words = extra(name, 'prn').place;
	return {
		path: `${flag.path} | ${words.path}`,
		get: (resource) => words.get(resource) ?? (flag.get(resource) === true ? '1' : undefined),
		set(resource, value) {
			const isNeeded = value !== undefined && !/^(0|no|false)$/i.test(String(value));
			const isFree = at(dosage, 0, 'asNeededCodeableConcept').get(resource) === undefined;
			if (isFree) flag.set(resource, isNeeded ? true : undefined);
			words.set(resource, value === undefined || (value === '1' && isFree) ? undefined : value);
		},
	};
}

function conceptExtension(field: string): Step[] {
	return ['extension', which({ url: `${extensionBase}/openemr-${name}-${field}` }), 'valueCodeableConcept'];
}

const adherence: readonly Step[] = ['extension', which({ url: adherenceUrl }), 'extension'];
const adherenceWord = nameAt(...adherence, which({ url: 'medicationAdherence' }), 'valueCodeableConcept');
/** Who takes the word away takes away all that was said of it. */
const adherencePlace: Place = {
	...adherenceWord,
	set: (resource, value) => (value === undefined ? at(...adherence).set(resource, undefined) : adherenceWord.set(resource, value)),
};
const adherenceDate = at(...adherence, which({ url: 'dateAsserted' }), 'valueDateTime');

/** How it is taken; a MedicationStatement has another name for it. */
function dosageFields(dosage: 'dosageInstruction' | 'dosage'): Field[] {
	return [
		field('drug_dosage_instructions', at(dosage, 0, 'text'), { length: [1, 4000] }),
		field('dosage', numberOrTextAt(at(dosage, 0, 'doseAndRate', 0, 'doseQuantity', 'value'), extra(name, 'dosage').place), {
			length: [1, 100],
		}),
		field('route', optionAt('drug_route', dosage, 0, 'route'), { codec: optionId, length: [1, 100] }),
		field('interval', optionAt('drug_interval', dosage, 0, 'timing', 'code'), { codec: optionId, length: [1, 100] }),
		field('prn', asNeededAt(dosage), { length: [1, 30] }),
	];
}

/** What requests and statements have in common. */
function commonFields(): Field[] {
	return [
		field('patient_id', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('puuid', at('subject', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
		field('drug', drugName, { required: true, length: [1, 255], filter: { isLoose: true, part: true } }),
		extra(name, 'drug_id', { to: ['Medication'] }),
		field('rxnorm_drugcode', drugCodes, { length: [1, 255] }),
		field('form', optionAt('drug_form', ...conceptExtension('form')), { codec: optionId, length: [1, 100] }),
		extra(name, 'size', { length: [1, 25] }),
		field('unit', optionAt('drug_units', ...conceptExtension('unit')), { codec: optionId, length: [1, 100] }),
		field('note', noteAt()),
		field('active', activePlace, { kind: 'flag', filter: { isLoose: true } }),
		field('diagnosis', codesAt(name, 'diagnosis', ['reasonCode', 0]), { length: [2, 255] }),
		field('indication', at('reasonCode', 0, 'text'), { length: [1, 255] }),
		field('external_id', at('identifier', which({ system: identifierSystem('prescription-external-id') }), 'value'), { length: [1, 255] }),
		field('date_modified', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
	];
}

export const prescriptionMapping: Mapping = {
	resource: name,
	type: 'MedicationRequest',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: [
		...commonFields(),
		...dosageFields('dosageInstruction'),
		field('date_added', at('authoredOn'), { kind: 'datetime' }),
		field('provider_id', linkAt('requester'), { to: ['Practitioner'] }),
		field('pruuid', linkAt('requester'), { to: ['Practitioner'], as: 'uuid' }),
		field('encounter', at('encounter', 'reference'), { to: ['Encounter'] }),
		field('euuid', at('encounter', 'reference'), { to: ['Encounter'], as: 'uuid' }),
		field('pharmacy_id', linkAt('dispenseRequest', 'performer'), { to: ['Organization'] }),
		field('start_date', takenFrom, { kind: 'date', codec: day }),
		field('end_date', endPlace, { kind: 'date', codec: day }),
		field('quantity', numberOrTextAt(at('dispenseRequest', 'quantity', 'value'), extra(name, 'quantity').place), { length: [1, 31] }),
		field('refills', at('dispenseRequest', 'numberOfRepeatsAllowed'), { kind: 'integer' }),
		extra(name, 'per_refill', { kind: 'integer' }),
		field('substitute', at('substitution', 'allowedBoolean'), { kind: 'integer', codec: substitution, oneOf: ['1', '2'] }),
		extra(name, 'filled_date', { kind: 'date' }),
		extra(name, 'filled_by_id', { kind: 'integer' }),
		extra(name, 'medication', { kind: 'integer' }),
		...extras(name, 'user site erx_source erx_uploaded drug_info_erx ntx rtx txDate'),
		field('usage_category', categoryCode, { oneOf: { list: 'medication_usage_category' } }),
		field('request_intent', orElse(at('intent'), 'order'), { oneOf: { list: 'medication_request_intent' } }),
		field('medication_adherence', adherencePlace, { length: [1, 255] }),
		field('medication_adherence_date_asserted', adherenceDate, { kind: 'datetime' }),
	],
	make: () => ({
		resourceType: 'MedicationRequest',
		status: 'active',
		intent: 'order',
		category: [{ coding: [{ system: categorySystem, code: 'community', display: 'Community' }] }],
	}),
	profile: medicationProfile,
};

export const statementPrescriptionMapping: Mapping = {
	...prescriptionMapping,
	type: 'MedicationStatement',
	fields: [
		...commonFields(),
		...dosageFields('dosage'),
		field('date_added', at('dateAsserted'), { kind: 'datetime' }),
		field('start_date', dateChoice('effective'), { kind: 'date', codec: day }),
		field('end_date', statementEndPlace, { kind: 'date', codec: day }),
	],
	make: () => ({ resourceType: 'MedicationStatement', status: 'active' }),
};

/** Completes what has ended, and dates what is said of adherence, as its definition demands. */
function settle(resource: Resource, now: Date): void {
	settleMedication(resource, now);
	if (adherenceWord.get(resource) !== undefined && adherenceDate.get(resource) === undefined)
		adherenceDate.set(resource, now.toISOString());
}

/** An option of a list as records show it four times. */
function optionShown(record: Readonly<Record<string, unknown>>, of: 'unit' | 'interval' | 'route', list: string): Record<string, unknown> {
	const id = record[of] === '' ? null : record[of];
	return { [`${of}_id`]: id, [`${of}_title`]: titleOf(list, id), [`${of}_codes`]: codesOf(list, id) };
}

const present: Present = (record, resource, related) => {
	const isStatement = resource.resourceType === 'MedicationStatement';
	const intent = String(resource.intent ?? 'plan');
	const category = String(record.usage_category || 'community');
	const medication = related.get(linkIn(resource.medicationReference));
	const referred = referredDrug(resource, related);
	const source = linkIn(isStatement ? resource.informationSource : resource.reportedReference);
	return {
		...record,
		drug: referred.name || record.drug,
		rxnorm_drugcode: record.rxnorm_drugcode || bareCode(writeCodes(referred.codings)),
		source_table: isStatement || intent === 'plan' ? 'lists' : 'prescriptions',
		intent,
		intent_title: titleOf('medication_request_intent', intent),
		request_intent_title: titleOf('medication_request_intent', intent),
		category,
		category_title: titleOf('medication_usage_category', category),
		category_text: titleOf('medication_usage_category', category),
		usage_category_title: titleOf('medication_usage_category', category),
		drugcode: expandCodes([...listOf(at('medicationCodeableConcept', 'coding').get(resource)), ...referred.codings]),
		status: resource.status,
		prescription_drug_size: record.size,
		interval_notes: null,
		...optionShown(record, 'unit', 'drug_units'),
		...optionShown(record, 'interval', 'drug_interval'),
		...optionShown(record, 'route', 'drug_route'),
		drug_uuid: medication?.id ?? null,
		medication_adherence_title: record.medication_adherence ?? '',
		medication_adherence_codes: null,
		reporting_source_uuid: source.split('/')[1] ?? null,
		reporting_source_type: source.split('/')[0] || null,
	};
};

const prescription: Entry = {
	mapping: prescriptionMapping,
	others: [statementPrescriptionMapping],
	order: '-_lastUpdated',
	owner: 'subject',
	criteria: medicationCriteria(),
	isOne: isMedication,
	entered: requested,
	settle,
	strike: strikeMedication,
	present,
	links: referredLinks,
};

/** The prescription that a number or UUID names: one that never was is 400, one that was struck out is 404. */
async function prescriptionNamed(ctx: FhirCtx, named: string): Promise<Read> {
	try {
		return await findEntry(ctx, prescription, named);
	} catch (error) {
		if (!(error instanceof Problem && error.kind === 'not-found')) throw error;
		const isKnown = (await find(ctx, 'MedicationRequest', named)) ?? (await find(ctx, 'MedicationStatement', named));
		throw isKnown === undefined ? noSuchRecord('uuid', named) : error;
	}
}

const required = ['drug', 'patient_id'] as const;

/** OpenEMR has words of its own for what a prescription must have. */
function requireNamed(body: Readonly<Record<string, unknown>>): void {
	const isMissing = (one: string): boolean => body[one] === undefined || body[one] === null || body[one] === '';
	const isPatientNamed = ['puuid', 'patient_uuid', 'pid'].some((one) => !isMissing(one));
	const missing = required.filter((one) => isMissing(one) && !(one === 'patient_id' && isPatientNamed));
	const wrong = missing.map((one): Wrong => ({ field: one, code: 'Required::NON_EXISTENT_KEY', text: 'This field is required' }));
	if (wrong.length > 0) throw invalidFields(wrong);
}

const options: RowOptions = {
	entry: prescription,
	name,
	param: 'uuid',
	style: 'E',
	words: { one: 'a prescription', many: 'prescriptions and other medications' },
	reading: 'patients.med',
	writing: 'patients.med',
};

const [listRow] = allRows(options);
const one = `/${name}/:uuid`;

const changing: StandardRow['run'] = async (ctx, { params, body }) => {
	const stored = await change(ctx, prescription, await prescriptionNamed(ctx, params.uuid as string), body);
	return { data: await showEntry(ctx, prescription, stored), about: stored };
};

export const prescriptionRows: readonly StandardRow[] = [
	listRow as StandardRow,
	rowOf(options, 'POST', `/${name}`, 'create', 'Prescribes', async (ctx, { body }) => {
		requireNamed(body);
		const stored = await enter(ctx, prescription, await patientNamed(ctx, body), body);
		return { data: { id: stored.rid, uuid: stored.id }, about: stored };
	}),
	rowOf(options, 'GET', one, 'read', 'Shows a prescription', async (ctx, { params }) => {
		const stored = await prescriptionNamed(ctx, params.uuid as string);
		return { data: await showEntry(ctx, prescription, stored), about: stored };
	}),
	rowOf(options, 'PUT', one, 'update', 'Changes what is sent of a prescription', changing),
	rowOf(options, 'PATCH', one, 'update', 'Changes what is sent of a prescription', changing),
	rowOf(options, 'DELETE', one, 'delete', 'Marks a prescription as entered in error', async (ctx, { params }) => {
		const stored = await strike(ctx, prescription, await prescriptionNamed(ctx, params.uuid as string));
		return { data: { message: 'Prescription deleted', uuid: stored.id }, about: stored };
	}),
];
