// Medications: what was ordered, what the patient says, what was given and handed out.
import {
	type Draft,
	isWithin,
	latestFirst,
	marked,
	ownId,
	pointer,
	rowId,
	type Section,
	tableSection,
} from '#exchange/documents/ccda/draft.ts';
import { indications, loinc, reasonWords, related, status } from '#exchange/documents/ccda/entries.ts';
import { kept, keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { author, organization, performer, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Concept, Dosage, Measure, Medication, MedicationUse, Party, Period, Reference } from '#exchange/documents/shapes.ts';
import { anyHasCode, codeWords, conceptWords, measureWords, notesWords, periodOf, periodWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import type { SectionKey } from '#formats/ccda/vocabulary.ts';
import { type TemplateName, template } from '#formats/ccda/write/templates.ts';
import { code, fixed, interval, nothing, quantity, stamp, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const routes = 'http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl';

/** Orders and statements. Plans and options are in the plan of treatment. */
export function medications(draft: Draft, key: SectionKey = 'medications'): Section {
	const { record } = draft;
	const orders = record.list<MedicationUse>('MedicationRequest').filter((one) => !isStillPlan(one));
	return useSection(draft, key, [...orders, ...record.list<MedicationUse>('MedicationStatement')]);
}

/** What was ordered for after the visit: category `discharge`, else what is active at its end. */
export function dischargeMedications(draft: Draft): Section {
	const orders = draft.record.list<MedicationUse>('MedicationRequest').filter((one) => !isPlan(one));
	const marked = orders.filter(
		(one) => anyHasCode(one.category, ['discharge']) && one.encounter?.reference === `Encounter/${draft.encounter?.id}`,
	);
	const active = [...orders, ...draft.record.list<MedicationUse>('MedicationStatement')].filter((one) => one.status === 'active');
	return useSection(draft, 'discharge-medications', marked.length > 0 ? marked : active, (activity) =>
		element(
			'act',
			{ classCode: 'ACT', moodCode: 'EVN' },
			template('discharge medication'),
			element(
				'code',
				fixed('code', loinc, '10183-2', 'Hospital discharge medications').attributes,
				fixed('translation', loinc, '75311-1', 'Discharge medication'),
			),
			status('completed'),
			related('SUBJ', activity),
		),
	);
}

export function medicationsAdministered(draft: Draft): Section {
	const given = draft.record.list<MedicationUse>('MedicationAdministration').filter((one) => isWithin(draft, one));
	return useSection(draft, 'medications-administered', given);
}

/** What is taken already is no plan, whatever the intent that the report of it has. */
export function isPlan({ intent, reportedBoolean }: MedicationUse): boolean {
	return reportedBoolean !== true && (intent === 'proposal' || intent === 'plan' || intent === 'option');
}

/** Plans that are open; those that are over belong to what was taken. */
export function isStillPlan(use: MedicationUse): boolean {
	const isOpen = use.status === 'active' || use.status === 'on-hold';
	return use.status === 'draft' || (isPlan(use) && isOpen);
}

function useSection(
	draft: Draft,
	key: SectionKey,
	uses: readonly MedicationUse[],
	wrap: (activity: Element) => Element = (activity) => activity,
): Section {
	const active = (use: MedicationUse): number => (use.status === 'active' || use.status === 'on-hold' ? 0 : 1);
	const sorted = latestFirst(uses, (use) => timeOf(use).start).toSorted((a, b) => active(a) - active(b));
	return tableSection(
		key,
		['Medication', 'Directions', 'Dose', 'Route', 'Status', 'When', 'Reason', 'Quantity', 'Ordered by', 'Notes'],
		sorted.map((use) => {
			const id = rowId(key, use);
			const [dosage] = dosagesOf(use);
			const dispense = use.dispenseRequest;
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(productOf(draft, use))),
					marked(
						`${id}_sig`,
						dosagesOf(use)
							.map(({ text, patientInstruction }) => text ?? patientInstruction ?? '')
							.filter((words) => words !== '')
							.join('; '),
					),
					doseWords(dosage),
					conceptWords(dosage?.route),
					codeWords(use.status),
					periodWords(timeOf(use)),
					reasonWords(draft, use),
					[
						measureWords(dispense?.quantity ?? use.quantity),
						dispense?.numberOfRepeatsAllowed === undefined ? '' : `${dispense.numberOfRepeatsAllowed} refills`,
					]
						.filter((words) => words !== '')
						.join(', '),
					whoWords(draft, use.requester ?? use.informationSource, use),
					notesWords(use.note),
				],
				entry: wrap(medicationActivity(draft, use, id)),
			};
		}),
	);
}

function doseWords(dosage: Dosage | undefined): string {
	const range = dosage?.doseAndRate?.[0]?.doseRange;
	return measureWords(doseOf(dosage)) || (range === undefined ? '' : `${measureWords(range.low)} – ${measureWords(range.high)}`);
}

function doseOf(dosage: Dosage | undefined): Measure | undefined {
	return dosage?.doseAndRate?.[0]?.doseQuantity ?? dosage?.dose;
}

function dosagesOf({ dosageInstruction, dosage }: MedicationUse): readonly Dosage[] {
	const given = dosageInstruction ?? dosage ?? [];
	return Array.isArray(given) ? (given as readonly Dosage[]) : [given as Dosage];
}

/** The medication as a concept, of the resource or of the Medication that it names. */
export function productOf({ record }: Draft, use: MedicationUse): Concept | undefined {
	const found = record.find<Medication>(use.medicationReference, use)?.code;
	return (
		use.medicationCodeableConcept ??
		found ??
		(use.medicationReference?.display === undefined ? undefined : { text: use.medicationReference.display })
	);
}

/** From when to when it was, or was to be, taken. */
function timeOf(use: MedicationUse): Period {
	const own = periodOf(use);
	if (own.start !== undefined || own.end !== undefined) return own;
	const [dosage] = dosagesOf(use);
	const bounds = dosage?.timing?.repeat?.boundsPeriod ?? use.dispenseRequest?.validityPeriod;
	if (bounds !== undefined) return bounds;
	const start = use.authoredOn ?? use.dateAsserted ?? use.whenHandedOver ?? use.whenPrepared;
	return start === undefined ? {} : { start };
}

const states: Readonly<Record<string, string>> = {
	active: 'active',
	'on-hold': 'suspended',
	'in-progress': 'active',
	cancelled: 'aborted',
	stopped: 'aborted',
	'not-done': 'aborted',
	completed: 'completed',
	intended: 'active',
};

/** A Medication Activity (or one that is planned). */
export function medicationActivity(draft: Draft, use: MedicationUse, id: string, as: TemplateName = 'medication activity'): Element {
	const [dosage] = dosagesOf(use);
	const dose = doseOf(dosage);
	const rate = dosage?.doseAndRate?.[0]?.rateQuantity ?? dosage?.rateQuantity;
	const isOrder = use.resourceType === 'MedicationRequest' && use.reportedBoolean !== true;
	const [statementCode] = keptConcepts(use, 'statement-code');
	const sig = dosage?.text ?? dosage?.patientInstruction;
	const asNeeded = dosage?.asNeededCodeableConcept;
	return element(
		'substanceAdministration',
		{
			classCode: 'SBADM',
			moodCode: isOrder ? 'INT' : 'EVN',
			negationInd: use.status === 'not-taken' || use.status === 'not-done' ? 'true' : undefined,
		},
		template(as),
		ownId(draft, use),
		statementCode === undefined ? undefined : code('code', statementCode),
		pointer(id),
		status(states[use.status ?? ''] ?? 'completed'),
		takenWhen(use),
		frequency(dosage),
		dosage?.route === undefined ? undefined : code('routeCode', dosage.route, { systems: [routes], only: true }),
		dosage?.site === undefined ? undefined : code('approachSiteCode', dosage.site),
		dose === undefined ? nothing('doseQuantity') : quantity('doseQuantity', dose),
		rate === undefined ? undefined : quantity('rateQuantity', rate),
		element('consumable', {}, product(draft, use, `${id}_name`)),
		performer(draft, performerOf(use), use),
		author(draft, use.requester ?? use.informationSource, use.authoredOn ?? use.dateAsserted, use),
		indications(draft, use).map((reason) => related('RSON', reason)),
		sig === undefined ? undefined : related('COMP', freeSig(id)),
		related('COMP', adherence(draft, use)),
		supplyOrder(draft, use, `${id}_name`),
		dispenses(draft, use, `${id}_name`),
		kept(use, 'administration-unit', 'drug-vehicle', 'instruction', 'detail'),
		asNeeded === undefined ? undefined : element('precondition', { typeCode: 'PRCN' }, asNeededCriterion(asNeeded)),
	);
}

/** Whether it is taken as it was meant (Medication Adherence). */
function adherence(draft: Draft, use: MedicationUse): Element | undefined {
	const parts = use.extension?.find(({ url }) => url === adherenceUrl)?.extension ?? [];
	const value = parts.find(({ url }) => url === 'medicationAdherence')?.valueCodeableConcept;
	if (value === undefined) return undefined;
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('medication adherence'),
		ownId(draft, use, 'adherence'),
		fixed('code', loinc, '71799-1', 'Adherence to prescribed medication instructions [Reported]'),
		status('completed'),
		time('effectiveTime', parts.find(({ url }) => url === 'dateAsserted')?.valueDateTime),
		code('value', value, { type: 'CD' }),
	);
}

const adherenceUrl = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-medication-adherence';

function performerOf({ performer: by }: MedicationUse): Reference | undefined {
	const [first] = [by].flat();
	return first !== undefined && 'actor' in first ? first.actor : (first as Reference | undefined);
}

function asNeededCriterion(concept: Concept): Element {
	return element(
		'criterion',
		{},
		element('templateId', { root: '2.16.840.1.113883.10.20.22.4.25', extension: '2014-06-09' }),
		element('templateId', { root: '2.16.840.1.113883.10.20.22.4.25' }),
		element('code', { code: 'ASSERTION', codeSystem: '2.16.840.1.113883.5.4' }),
		code('value', concept, { type: 'CD' }),
	);
}

function takenWhen(use: MedicationUse): Element {
	const { start, end } = timeOf(use);
	const isOpen = use.status === 'active' || use.status === 'on-hold' || use.status === 'in-progress' || use.status === 'intended';
	if (use.resourceType === 'MedicationAdministration' && start !== undefined && start === end)
		return element('effectiveTime', { 'xsi:type': 'IVL_TS', value: stamp(start) });
	return interval(
		'effectiveTime',
		{ ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) },
		{ type: 'IVL_TS', open: isOpen },
	);
}

/** How often, as a periodic interval; undefined when the timing says it otherwise. */
function frequency(dosage: Dosage | undefined): Element | undefined {
	const repeat = dosage?.timing?.repeat;
	if (repeat?.period === undefined || repeat.periodUnit === undefined) return undefined;
	const times = repeat.frequency ?? 1;
	const each = Number(repeat.period) / times;
	const unit = repeat.periodUnit;
	if (!Number.isFinite(each) || each <= 0) return undefined;
	const [value, shown] = unit === 'd' && !Number.isInteger(each) ? [each * 24, 'h'] : [each, unit];
	const text = String(Math.round(value * 1000) / 1000);
	return element(
		'effectiveTime',
		{ 'xsi:type': 'PIVL_TS', institutionSpecified: 'true', operator: 'A' },
		element('period', { value: text, unit: shown }),
	);
}

function product(draft: Draft, use: MedicationUse, reference: string, what = productOf(draft, use)): Element {
	const medication = draft.record.find<Medication>(use.medicationReference, use);
	const maker = draft.record.find<Party>(medication?.manufacturer, medication);
	return element(
		'manufacturedProduct',
		{ classCode: 'MANU' },
		template('medication product'),
		element(
			'manufacturedMaterial',
			{},
			code('code', what, { systems: [rxnorm], only: true, reference }),
			medication?.batch?.lotNumber === undefined ? undefined : element('lotNumberText', {}, medication.batch.lotNumber),
		),
		maker === undefined ? undefined : organization(draft, 'manufacturerOrganization', maker),
	);
}

function freeSig(id: string): Element {
	return element(
		'substanceAdministration',
		{ classCode: 'SBADM', moodCode: 'INT' },
		template('medication sig'),
		fixed('code', loinc, '76662-6', 'Instructions Medication'),
		element('text', {}, element('reference', { value: `#${id}_sig` })),
		element('consumable', {}, element('manufacturedProduct', {}, element('manufacturedLabeledDrug', { nullFlavor: 'NA' }))),
	);
}

function supplyOrder(draft: Draft, use: MedicationUse, reference: string): Element | undefined {
	const request = use.dispenseRequest;
	const [supplied] = keptConcepts(use, 'supplied-product');
	if (request?.quantity === undefined && request?.numberOfRepeatsAllowed === undefined && supplied === undefined) return undefined;
	return related(
		'REFR',
		element(
			'supply',
			{ classCode: 'SPLY', moodCode: 'INT' },
			template('supply order'),
			ownId(draft, use, 'supply'),
			status(states[use.status ?? ''] ?? 'completed'),
			element('effectiveTime', { 'xsi:type': 'IVL_TS' }, time('high', request?.validityPeriod?.end)),
			request?.numberOfRepeatsAllowed === undefined
				? undefined
				: element('repeatNumber', { value: String(request.numberOfRepeatsAllowed) }),
			request?.quantity === undefined ? undefined : quantity('quantity', request.quantity),
			element('product', {}, product(draft, use, reference, supplied)),
			author(draft, use.requester, use.authoredOn, use),
		),
	);
}

function dispenses(draft: Draft, order: MedicationUse, reference: string): (Element | undefined)[] {
	const own = draft.record
		.list<MedicationUse>('MedicationDispense')
		.filter(({ authorizingPrescription }) => authorizingPrescription?.some((one) => one.reference === `${order.resourceType}/${order.id}`));
	return own.map((dispense) =>
		related(
			'REFR',
			element(
				'supply',
				{ classCode: 'SPLY', moodCode: 'EVN' },
				template('medication dispense'),
				ownId(draft, dispense),
				status(dispense.status === 'completed' ? 'completed' : 'aborted'),
				time('effectiveTime', dispense.whenHandedOver ?? dispense.whenPrepared),
				dispense.quantity === undefined ? undefined : quantity('quantity', dispense.quantity),
				element('product', {}, product(draft, dispense, reference)),
				performer(draft, performerOf(dispense), dispense),
			),
		),
	);
}
