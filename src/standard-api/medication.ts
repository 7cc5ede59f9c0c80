// medication: an entry of the medication list, as a MedicationRequest; prescription.ts shows the same resources as prescriptions.
// http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-medicationrequest.html
import { isMedication, medicationCriteria } from '#clinic/medications/list.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Coding, Resource } from '#fhir/resource.ts';
import { author, type Entry, linkIn } from './chart.ts';
import { bareRows } from './chart-rows.ts';
import { codeSystems, readCodes, writeCodes } from './codes.ts';
import { issueFields } from './issues.ts';
import { type Field, field, type Mapping } from './mapping.ts';
import { at, isNode, type Place } from './place.ts';
import { codesAt, codingsAt, dateChoice, dayOrTime, listOf, nameAt, nameOf, noteAt } from './places.ts';
import type { Related } from './related.ts';
import type { StandardRow } from './row.ts';

export const medicationProfile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-medicationrequest';

const concept = nameAt('medicationCodeableConcept');

/** What is taken: the concept's name, or that of the Medication that is referred to. Another name replaces the reference. */
export const drugName: Place = {
	path: concept.path,
	get(resource) {
		const { medicationReference: link, contained } = resource as Resource;
		if (!isNode(link)) return concept.get(resource);
		const inside = Array.isArray(contained) ? contained.find((one) => isNode(one) && `#${one.id}` === link.reference) : undefined;
		return nameOf(isNode(inside) ? inside.code : undefined) ?? link.display;
	},
	set(resource, value) {
		delete (resource as Resource).medicationReference;
		concept.set(resource, value);
	},
};

/** The link to the Medication that is referred to. */
export function referredLinks({ medicationReference }: Resource): string[] {
	return [linkIn(medicationReference)];
}

/** What the Medication that is referred to is called, and its codes; nothing when none is, or the caller may not see it. */
export function referredDrug(resource: Resource, related: Related): { name: string; codings: readonly Coding[] } {
	const code = related.get(linkIn(resource.medicationReference))?.code;
	return { name: nameOf(code) ?? '', codings: isNode(code) ? listOf(code.coding) : [] };
}

const drugSystems: readonly string[] = [codeSystems.rxnorm, codeSystems.ndc, codeSystems.cvx];

/** Codes of drugs are the medication's. */
export const isDrugCode = ({ system }: Coding): boolean => system !== undefined && drugSystems.includes(system);

/** Codes of a list row: those of drugs are the medication's, all others say why it is taken. */
function diagnosisAt(resource: string): Place {
	const drugs = codingsAt(['medicationCodeableConcept'], isDrugCode);
	const reasons = codesAt(resource, 'diagnosis', ['reasonCode', 0]);
	return {
		path: `${drugs.path} | ${reasons.path}`,
		get: (node) => [drugs.get(node), reasons.get(node)].filter((part) => part !== undefined).join(';') || undefined,
		set(node, value) {
			const { codings, words } = readCodes(String(value ?? ''));
			// The codes of a drug that is referred to are its own.
			if (!isNode((node as Resource).medicationReference)) drugs.set(node, writeCodes(codings.filter(isDrugCode)));
			reasons.set(
				node,
				writeCodes(
					codings.filter((coding) => !isDrugCode(coding)),
					words,
				),
			);
		},
	};
}

/** When it is taken, from and to. */
export const takenFrom = at('dosageInstruction', 0, 'timing', 'repeat', 'boundsPeriod', 'start');
const takenTo = at('dosageInstruction', 0, 'timing', 'repeat', 'boundsPeriod', 'end');

/** The day it ends. What has no end any more is active again; settle() completes what has ended. */
export const endPlace: Place = {
	path: takenTo.path,
	get: takenTo.get,
	set(resource, value) {
		takenTo.set(resource, value);
		if ((resource as Resource).status === 'completed') (resource as Resource).status = 'active';
	},
};

/** Statuses of what the patient takes or took to its end; the others were stopped, or never began. */
const activeStatuses = ['active', 'completed'];

export const activePlace: Place = {
	path: `(status = 'active' or status = 'completed')`,
	get: (resource) => activeStatuses.includes(String((resource as Resource).status)),
	set(resource, value) {
		const { status } = resource as Resource;
		if (value === false) (resource as Resource).status = 'stopped';
		else if (!activeStatuses.includes(String(status))) (resource as Resource).status = 'active';
	},
};

/** What is active and has ended by now is completed. */
export function settleMedication(resource: Resource, now: Date): void {
	const end = takenTo.get(resource) ?? at('effectivePeriod', 'end').get(resource);
	if (resource.status !== 'active' || typeof end !== 'string') return;
	// A day is over when it is over everywhere on this server's clock; a time when it has passed.
	const over = end.length <= 10 ? new Date(`${end.padEnd(7, '-01').padEnd(10, '-01')}T23:59:59.999`) : new Date(end);
	if (over < now) resource.status = 'completed';
}

/** Whose it is and when it was changed, as every entry of the list shows it. */
export const ownerFields: readonly Field[] = [
	field('pid', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
	field('puuid', at('subject', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
	field('modifydate', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
];

export const medicationMapping: Mapping = {
	resource: 'medication',
	type: 'MedicationRequest',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: issueFields('medication', [
		...ownerFields,
		field('date', at('authoredOn'), { kind: 'datetime' }),
		field('title', drugName, { required: true, length: [2, 255] }),
		field('begdate', takenFrom, { kind: 'datetime', codec: dayOrTime }),
		field('enddate', endPlace, { kind: 'datetime', codec: dayOrTime }),
		field('diagnosis', diagnosisAt('medication'), { length: [2, 255] }),
		field('activity', activePlace, { kind: 'flag' }),
		field('comments', noteAt()),
	]),
	// Taken already and ordered by nobody here, as US Core has it for medication lists: a plan that is reported.
	make: () => ({ resourceType: 'MedicationRequest', status: 'active', intent: 'plan', reportedBoolean: true }),
	profile: medicationProfile,
};

const statementEnd = dateChoice('effective', 'end');

/** The end of what a patient takes; what is dated by one moment becomes a period. */
export const statementEndPlace: Place = {
	path: statementEnd.path,
	get: (resource) => at('effectivePeriod', 'end').get(resource),
	set(resource, value) {
		const node = resource as Resource;
		const start = node.effectiveDateTime;
		if (value !== undefined && !isNode(node.effectivePeriod)) {
			delete node.effectiveDateTime;
			delete node._effectiveDateTime;
			node.effectivePeriod = start === undefined ? {} : { start };
		}
		at('effectivePeriod', 'end').set(node, value);
		if (node.status === 'completed') node.status = 'active';
	},
};

/** What a patient reports: shown beside the rest of the list, never made by it. */
export const statementMapping: Mapping = {
	...medicationMapping,
	type: 'MedicationStatement',
	fields: issueFields('medication', [
		...ownerFields,
		field('date', at('dateAsserted'), { kind: 'datetime' }),
		field('title', drugName, { required: true, length: [2, 255] }),
		field('begdate', dateChoice('effective'), { kind: 'datetime', codec: dayOrTime }),
		field('enddate', statementEndPlace, { kind: 'datetime', codec: dayOrTime }),
		field('diagnosis', diagnosisAt('medication'), { length: [2, 255] }),
		field('activity', activePlace, { kind: 'flag' }),
		field('comments', noteAt()),
	]),
	make: () => ({ resourceType: 'MedicationStatement', status: 'active' }),
};

/** When it was put on the list, and by whom; orders need a requester (us-core-21), plans may have one. */
export function requested(ctx: FhirCtx): object {
	const requester = author(ctx) ?? { display: ctx.caller.name || ctx.caller.id };
	return { authoredOn: ctx.clock.now().toISOString(), requester };
}

export function strikeMedication(resource: Resource): void {
	resource.status = 'entered-in-error';
}

const medication: Entry = {
	mapping: medicationMapping,
	others: [statementMapping],
	order: '-_lastUpdated',
	owner: 'subject',
	criteria: medicationCriteria(),
	isOne: isMedication,
	entered: requested,
	settle: settleMedication,
	strike: strikeMedication,
	present(record, resource, related) {
		const { name, codings } = referredDrug(resource, related);
		const codes = [writeCodes(codings.filter(isDrugCode)), record.diagnosis].filter((part) => part !== '').join(';');
		return { ...record, title: name || record.title, diagnosis: codes, type: 'medication' };
	},
	links: referredLinks,
};

export const medicationRows: readonly StandardRow[] = bareRows({
	entry: medication,
	name: 'medication',
	param: 'mid',
	style: 'B',
	words: { one: 'a medication', many: 'medications' },
	reading: 'patients.med',
	writing: 'patients.med',
});
