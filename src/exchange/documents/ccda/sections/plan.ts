// Plan of treatment: what is ordered, booked, or agreed on and not yet done.
import { type Draft, marked, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { entryReference, indications, loinc, reasonWords, related, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { kept, keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { author, performer, serviceLocation, whoWords } from '#exchange/documents/ccda/parties.ts';
import type {
	Appointment,
	CarePlan,
	Concept,
	DeviceRequest,
	MedicationUse,
	Period,
	Reference,
	ServiceRequest,
} from '#exchange/documents/shapes.ts';
import {
	anyHasCode,
	codeWords,
	conceptsWords,
	conceptWords,
	dateWords,
	notesWords,
	periodOf,
	periodWords,
	whenWords,
} from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { carePlanCode, interventionCode, type SectionKey } from '#formats/ccda/vocabulary.ts';
import { type TemplateName, template } from '#formats/ccda/write/templates.ts';
import { code, fixed, interval, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';
import { isStillPlan, medicationActivity, productOf } from './medications.ts';

type Line = { readonly id: string; readonly cells: (string | Element)[]; readonly entry?: Element };

export function plan(draft: Draft): Section {
	const lines = [...orders(draft), ...appointments(draft), ...plannedMedications(draft), ...supplies(draft), ...carePlans(draft)];
	return tableSection('plan', ['Planned', 'Kind', 'When', 'Status', 'Reason', 'By', 'Notes'], lines);
}

/** What care plans want done: done or still to do. */
export function interventions(draft: Draft): Section {
	const lines = carePlansOf(draft).flatMap((carePlan) => activityLines(draft, carePlan, 'interventions'));
	return tableSection('interventions', ['Intervention', 'Kind', 'When', 'Status', 'Reason', 'By', 'Notes'], lines);
}

/** Whether a request is one to see somebody else. */
export function isReferral({ category, performerType, code: what }: ServiceRequest): boolean {
	return (
		anyHasCode(category, ['3457005', '306206005']) ||
		what?.coding?.some(({ display }) => /\breferral\b/i.test(display ?? '')) === true ||
		(performerType !== undefined && anyHasCode(category, ['referral']))
	);
}

/** What the patient is told: it stands in documents as done. */
function isInstruction({ category, status: state }: ServiceRequest): boolean {
	return anyHasCode(category, ['409073007']) && state !== 'revoked' && state !== 'entered-in-error';
}

function isOpen({ status: state }: { readonly status?: string }): boolean {
	return state === 'active' || state === 'draft' || state === 'on-hold' || state === 'unknown';
}

/** The template and element of a planned order by what its code means. */
function shapeOf(request: ServiceRequest): {
	readonly name: TemplateName;
	readonly tag: 'observation' | 'procedure' | 'act';
	readonly classCode: string;
} {
	const { code: what, category, bodySite } = request;
	if (isInstruction(request)) return { name: 'instruction', tag: 'act', classCode: 'ACT' };
	const isTest = anyHasCode(category, ['108252007', '363679005', 'laboratory', 'imaging']) || what?.coding?.[0]?.system === loinc;
	if (isTest) return { name: 'planned observation', tag: 'observation', classCode: 'OBS' };
	return anyHasCode(category, ['387713003']) || (bodySite ?? []).length > 0 || keptConcepts(request, 'method').length > 0
		? { name: 'planned procedure', tag: 'procedure', classCode: 'PROC' }
		: { name: 'planned act', tag: 'act', classCode: 'ACT' };
}

function orders(draft: Draft): Line[] {
	const open = draft.record.list<ServiceRequest>('ServiceRequest').filter((one) => (isOpen(one) || isInstruction(one)) && !isReferral(one));
	return open.map((request) => {
		const id = rowId('plan', request);
		const { name, tag, classCode } = shapeOf(request);
		return {
			id,
			cells: [
				marked(`${id}_name`, conceptWords(request.code)),
				conceptsWords(request.category) || 'Order',
				whenWords(request) || dateWords(request.authoredOn),
				codeWords(request.status),
				reasonWords(draft, request),
				whoWords(draft, request.requester, request),
				notesWords(request.note),
			],
			entry: element(
				tag,
				{
					classCode,
					moodCode: name === 'instruction' ? 'INT' : request.intent === 'proposal' ? 'PRP' : request.intent === 'plan' ? 'INT' : 'RQO',
				},
				template(name),
				ownId(draft, request),
				code('code', request.code, { systems: name === 'planned observation' ? [loinc] : [snomed], reference: `${id}_name` }),
				pointer(id),
				status(name === 'instruction' ? 'completed' : 'active'),
				plannedTime(periodOf(request), request.authoredOn),
				(request.performer ?? []).slice(0, 1).map((who) => performer(draft, who, request)),
				author(draft, request.requester, request.authoredOn, request),
				kept(request, 'priority', 'instruction', 'location-type', 'detail'),
				tag === 'observation' ? kept(request, 'value') : undefined,
				tag === 'act'
					? undefined
					: [
							kept(request, 'method'),
							(request.bodySite ?? []).slice(0, 1).map((site) => code('targetSiteCode', site, { systems: [snomed] })),
						],
				indications(draft, request).map((reason) => related('RSON', reason)),
			),
		};
	});
}

function plannedTime({ start, end }: Period, otherwise?: string): Element {
	if (start === undefined && end === undefined) return time('effectiveTime', otherwise);
	return start === end
		? time('effectiveTime', start)
		: interval('effectiveTime', { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }, { open: true });
}

function appointments(draft: Draft): Line[] {
	const states = ['proposed', 'pending', 'booked', 'waitlist', 'arrived', 'checked-in'];
	const coming = draft.record
		.list<Appointment>('Appointment')
		.filter((one) => states.includes(one.status ?? '') && (one.start === undefined || Date.parse(one.start) >= Date.parse(draft.now)));
	return coming.map((appointment) => {
		const id = rowId('plan', appointment);
		const actors = (appointment.participant ?? []).map(({ actor }) => actor);
		const staff = actors.filter((actor) => /^Practitioner/.test(actor?.reference ?? ''));
		const place = actors.find((actor) => actor?.reference?.startsWith('Location/') === true);
		const kind =
			appointment.serviceType?.[0] ??
			appointment.appointmentType ??
			(appointment.description === undefined ? { text: 'Visit' } : { text: appointment.description });
		return {
			id,
			cells: [
				marked(`${id}_name`, conceptWords(kind)),
				'Appointment',
				periodWords(spanOf(appointment)),
				codeWords(appointment.status),
				appointment.description ?? '',
				staff.map((actor) => whoWords(draft, actor, appointment)).join(', '),
				'',
			],
			entry: element(
				'encounter',
				{ classCode: 'ENC', moodCode: 'APT' },
				template('planned encounter'),
				ownId(draft, appointment),
				code('code', kind, { reference: `${id}_name` }),
				pointer(id),
				status('active'),
				interval('effectiveTime', spanOf(appointment), { open: true }),
				staff.map((actor) => performer(draft, actor, appointment)),
				serviceLocation(draft, place, appointment),
			),
		};
	});
}

function spanOf({ start, end }: Appointment): Period {
	return { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
}

function plannedMedications(draft: Draft): Line[] {
	const planned = draft.record.list<MedicationUse>('MedicationRequest').filter(isStillPlan);
	return planned.map((use) => {
		const id = rowId('plan', use);
		return {
			id,
			cells: [
				marked(`${id}_name`, conceptWords(productOf(draft, use))),
				'Medication',
				dateWords(use.authoredOn),
				codeWords(use.status),
				reasonWords(draft, use),
				whoWords(draft, use.requester, use),
				use.dosageInstruction?.[0]?.text === undefined ? notesWords(use.note) : marked(`${id}_sig`, use.dosageInstruction[0].text),
			],
			entry: medicationActivity(draft, use, id, 'planned medication'),
		};
	});
}

/** Devices and supplies that are asked for. */
function supplies(draft: Draft): Line[] {
	const open = draft.record.list<DeviceRequest>('DeviceRequest').filter(isOpen);
	return open.map((request) => {
		const id = rowId('plan', request);
		const what = request.codeCodeableConcept ?? { text: request.codeReference?.display ?? 'Supply' };
		return {
			id,
			cells: [
				marked(`${id}_name`, conceptWords(what)),
				'Supply',
				whenWords(request) || dateWords(request.authoredOn),
				codeWords(request.status),
				reasonWords(draft, request),
				whoWords(draft, request.requester, request),
				notesWords(request.note),
			],
			entry: element(
				'supply',
				{ classCode: 'SPLY', moodCode: request.intent === 'proposal' ? 'PRP' : request.intent === 'plan' ? 'INT' : 'RQO' },
				template('planned supply'),
				ownId(draft, request),
				pointer(id),
				status('active'),
				plannedTime(periodOf(request), request.authoredOn),
				element(
					'product',
					{},
					element(
						'manufacturedProduct',
						{ classCode: 'MANU' },
						element('manufacturedMaterial', {}, code('code', what, { reference: `${id}_name` })),
					),
				),
				author(draft, request.requester, request.authoredOn, request),
				indications(draft, request).map((reason) => related('RSON', reason)),
			),
		};
	});
}

function carePlansOf({ record }: Draft): readonly CarePlan[] {
	return record.list<CarePlan>('CarePlan').filter((one) => isOpen(one));
}

function carePlans(draft: Draft): Line[] {
	return carePlansOf(draft).flatMap((carePlan) => {
		const id = rowId('plan', carePlan);
		const activities = activityLines(draft, carePlan, 'plan');
		const summary = carePlan.description ?? textOfDiv(carePlan.text?.div);
		const head: Line = {
			id,
			cells: [
				marked(`${id}_name`, carePlan.title ?? (conceptsWords(namedCategories(carePlan)) || 'Care plan')),
				'Care plan',
				periodWords(carePlan.period),
				codeWords(carePlan.status),
				(carePlan.addresses ?? [])
					.map((reference) => addressed(draft, carePlan, reference))
					.filter((words) => words !== '')
					.join(', '),
				whoWords(draft, carePlan.author, carePlan),
				[summary, notesWords(carePlan.note)].filter((words) => words !== '').join('\n'),
			],
			entry: carePlanAct(draft, carePlan, id, activities),
		};
		return [head, ...activities.map(({ id: row, cells }) => ({ id: row, cells }))];
	});
}

/** The plan as a whole, with what is to be done within. */
function carePlanAct(draft: Draft, carePlan: CarePlan, id: string, activities: readonly Line[]): Element {
	const about = namedCategories(carePlan).flatMap(({ coding = [] }) => coding.map((one) => code('translation', { coding: [one] })));
	return element(
		'act',
		{ classCode: 'ACT', moodCode: 'INT' },
		template('planned act'),
		ownId(draft, carePlan),
		element(
			'code',
			fixed('code', snomed, carePlanCode, 'Care plan').attributes,
			element('originalText', {}, element('reference', { value: `#${id}_name` })),
			about.filter(({ attributes }) => attributes.code !== undefined).map(({ attributes }) => element('translation', attributes)),
		),
		pointer(id),
		status('active'),
		plannedTime(carePlan.period ?? {}),
		author(draft, carePlan.author, carePlan.created, carePlan),
		kept(carePlan, 'detail'),
		activities.map(({ entry }) => related('COMP', entry)),
	);
}

/** Categories that say what the plan is about; US Core's says of every plan that it is one. */
function namedCategories({ category }: CarePlan): readonly Concept[] {
	return (category ?? []).filter((one) => !anyHasCode([one], ['assess-plan']));
}

function textOfDiv(div: string | undefined): string {
	return (div ?? '')
		.replace(/<[^>]*>/g, ' ')
		.replace(/&(lt|gt|amp|quot|#39);/g, (_, name: string) => ({ lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'" })[name] ?? ' ')
		.replace(/\s+/g, ' ')
		.trim();
}

function addressed(draft: Draft, from: CarePlan, reference: Reference): string {
	return conceptWords(draft.record.find<ServiceRequest>(reference, from)?.code) || (reference.display ?? '');
}

function activityLines(draft: Draft, carePlan: CarePlan, key: SectionKey): Line[] {
	return (carePlan.activity ?? []).flatMap(({ detail }, i): Line[] => {
		if (detail === undefined) return [];
		const isOff = detail.status === 'cancelled' || detail.status === 'stopped' || detail.status === 'entered-in-error';
		if (isOff) return [];
		const id = `${rowId(key, carePlan)}_${i + 1}`;
		const what = detail.code ?? { text: detail.description ?? '' };
		const cells = [
			marked(`${id}_name`, conceptWords(what) || (detail.description ?? '')),
			codeWords(detail.kind) || 'Activity',
			periodWords(detail.scheduledPeriod) || (detail.scheduledString ?? ''),
			codeWords(detail.status),
			'',
			whoWords(draft, carePlan.author, carePlan),
			detail.code === undefined ? '' : (detail.description ?? ''),
		];
		const period = detail.scheduledPeriod ?? carePlan.period ?? {};
		const part = String(i + 1);
		if (key === 'interventions' || detail.status === 'completed')
			return [{ id, cells, entry: intervention(draft, carePlan, { part, id, what, period, state: detail.status }) }];
		return [{ id, cells, entry: planned(draft, carePlan, { part, id, what, period, state: detail.status }) }];
	});
}

type Act = {
	readonly part: string | undefined;
	readonly id: string;
	readonly what: Concept;
	readonly period: Period;
	readonly state: string | undefined;
};

function planned(draft: Draft, carePlan: CarePlan, { part, id, what, period }: Act): Element {
	return element(
		'act',
		{ classCode: 'ACT', moodCode: 'INT' },
		template('planned act'),
		ownId(draft, carePlan, part),
		code('code', what, { systems: [snomed, loinc], reference: `${id}_name` }),
		pointer(id),
		status('active'),
		plannedTime(period),
		author(draft, carePlan.author, carePlan.created, carePlan),
	);
}

/** What was done is an Intervention Act, what is still to do a Planned Intervention Act; the latter needs a goal or problem as its reason. */
function intervention(draft: Draft, carePlan: CarePlan, { part, id, what, period, state }: Act): Element {
	const isDone = state === 'completed';
	const inner = isDone
		? element(
				'procedure',
				{ classCode: 'PROC', moodCode: 'EVN' },
				template('procedure activity'),
				ownId(draft, carePlan, `procedure-${part}`),
				code('code', what, { systems: [snomed, loinc], reference: `${id}_name` }),
				status('completed'),
				plannedTime(period),
			)
		: planned(draft, carePlan, { part: `planned-${part}`, id, what, period, state });
	const reasons = [...(carePlan.goal ?? []), ...(carePlan.addresses ?? [])]
		.map((one) => draft.record.find(one, carePlan))
		.filter((one) => one !== undefined);
	if (!isDone && reasons.length === 0) return inner;
	return element(
		'act',
		{ classCode: 'ACT', moodCode: isDone ? 'EVN' : 'INT' },
		template(isDone ? 'intervention' : 'planned intervention'),
		ownId(draft, carePlan, `intervention-${part}`),
		fixed('code', snomed, interventionCode, 'procedure / intervention (navigational concept)'),
		pointer(id),
		status(isDone ? 'completed' : 'active'),
		plannedTime(period),
		author(draft, carePlan.author, carePlan.created, carePlan),
		related('COMP', inner),
		reasons.map((reason) => related('RSON', entryReference(draft, reason))),
	);
}
