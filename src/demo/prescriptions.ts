// What is prescribed, handed out and taken.
import type { Resource } from '#fhir/resource.ts';
import { ofVisit, type Visit } from './chart.ts';
import { type Drug, type DrugName, drugs } from './data/drugs.ts';
import { type Coded, concept, hl7, type Link, linkTo, profiled, quantity, rxnorm, snomed, ucum, usCore } from './fhir.ts';
import type { Life } from './life.ts';
import { type Day, dateOf, dayOf, instantOf, later } from './time.ts';

const routes: Readonly<Record<Drug['route'], Coded>> = {
	oral: ['26643006', 'Oral route'],
	inhaled: ['447694001', 'Respiratory tract route'],
	skin: ['6064005', 'Topical route'],
	injected: ['34206005', 'Subcutaneous route'],
};

export type Prescribing = {
	/** For how many days; without, it is taken from now on. */
	readonly days?: number;
	/** Why: a Condition. */
	readonly reason?: Resource;
	/** Bought without a prescription; the patient told of it. */
	readonly reported?: true;
	/** Prescribed elsewhere; who told of it. */
	readonly toldBy?: Link;
};

/** Prescribes a drug, once, and has the pharmacy hand it out. */
export function prescribe(life: Life, visit: Visit, name: DrugName, { days, reason, reported, toldBy }: Prescribing): void {
	const { chart, taken } = life;
	const former = days === undefined ? taken.get(name) : undefined;
	if (former !== undefined && goodUntil(former) > dateOf(visit.start.day + renewedAhead)) return;
	const drug: Drug = drugs[name];
	const teller = reported ? chart.person.link : toldBy;
	const request = chart.add({
		resourceType: 'MedicationRequest',
		meta: profiled('us-core-medicationrequest'),
		...(days === undefined && chart.random.chance(0.3) ? { extension: [adherence(visit, chart.random.chance(0.85))] } : {}),
		status: days === undefined || visit.start.day + days > chart.world.today ? 'active' : 'completed',
		intent: reported ? 'plan' : 'order',
		category: [concept(`${hl7}/medicationrequest-category`, ['community', 'Community'])],
		...(teller === undefined ? { reportedBoolean: false } : { reportedReference: teller }),
		...medicationOf(life, name, drug),
		...ofVisit(chart, visit),
		authoredOn: instantOf(later(visit.start, 18)),
		requester: visit.clinician.link,
		...(reason === undefined ? {} : { reasonReference: [linkTo(reason)], ...(days === undefined ? {} : { reasonCode: [reason.code] }) }),
		dosageInstruction: [dosage(drug)],
		...(reported
			? {}
			: {
					dispenseRequest: {
						validityPeriod: { start: dateOf(visit.start.day), end: dateOf(visit.start.day + (days ?? goodFor)) },
						numberOfRepeatsAllowed: drug.refills,
						quantity: amountOf(drug),
						expectedSupplyDuration: quantity(days ?? 90, 'd', 'days'),
					},
				}),
	});
	if (former !== undefined) replace(former, request);
	if (days === undefined) taken.set(name, request);
	if (!reported) dispense(life, visit, name, request);
}

/** So many days a prescription is good for, and so many before that it is written anew at a visit. */
const goodFor = 365;
const renewedAhead = 120;

/** The last day on which a prescription is good; what nobody prescribed is taken as long as it is. */
function goodUntil({ dispenseRequest }: Resource): string {
	return (dispenseRequest as { validityPeriod: { end: string } } | undefined)?.validityPeriod.end ?? '9999';
}

function replace(former: Resource, request: Resource): void {
	former.status = 'completed';
	request.priorPrescription = linkTo(former);
}

/** Renews by telephone what runs out before a day, for who does not come often enough. */
export function renewUntil(life: Life, day: Day): void {
	const { chart, taken } = life;
	const { link, facility } = { ...chart.person.clinician, facility: chart.person.facility };
	for (const [name, first] of taken) {
		let former = first;
		while (goodUntil(former) < dateOf(day)) {
			const at = { day: dayOf(goodUntil(former)) - 3, minute: 960 };
			const { id: _, encounter: __, extension: ___, ...same } = former;
			const request = chart.add({
				...same,
				status: 'active',
				authoredOn: instantOf(at),
				requester: link,
				dispenseRequest: {
					...(former.dispenseRequest as object),
					validityPeriod: { start: dateOf(at.day), end: dateOf(at.day + goodFor) },
				},
			});
			replace(former, request);
			taken.set(name, request);
			chart.sign(at, link, facility.organization);
			former = request;
		}
	}
}

/** Says that a drug is no longer taken. */
export function stop(life: Life, name: DrugName, why: string): void {
	const request = life.taken.get(name);
	if (request === undefined) return;
	request.status = 'stopped';
	request.statusReason = { text: why };
	life.taken.delete(name);
}

function medicationOf({ chart }: Life, name: DrugName, { code, display }: Drug): object {
	const stocked = chart.world.practice.stock.get(name);
	return stocked === undefined ? { medicationCodeableConcept: concept(rxnorm, [code, display]) } : { medicationReference: stocked };
}

function dosage({ sig, times, days, dose, unit, route, asNeeded }: Drug): object {
	return {
		sequence: 1,
		text: sig,
		timing: { repeat: { frequency: times, period: days, periodUnit: 'd' } },
		...(asNeeded === undefined ? {} : { asNeededBoolean: true }),
		route: concept(snomed, routes[route]),
		doseAndRate: [
			{
				type: concept(`${hl7}/dose-rate-type`, ['ordered', 'Ordered']),
				doseQuantity: { value: dose, unit, system: ucum, code: `{${unit}}` },
			},
		],
	};
}

function amountOf({ amount, unit }: Drug): object {
	return { value: amount, unit, system: ucum, code: `{${unit}}` };
}

/** https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-medication-adherence.html */
function adherence(visit: Visit, good: boolean): object {
	const answer: Coded = good ? ['1156699004', 'Complies with drug therapy'] : ['275928001', 'Drugs - partial non-compliance (finding)'];
	return {
		url: `${usCore}/us-core-medication-adherence`,
		extension: [
			{ url: 'medicationAdherence', valueCodeableConcept: concept(snomed, answer) },
			{ url: 'dateAsserted', valueDateTime: instantOf(visit.start) },
			{ url: 'informationSource', valueCodeableConcept: concept(snomed, ['116154003', 'Patient (person)']) },
		],
	};
}

function dispense(life: Life, visit: Visit, name: DrugName, request: Resource): void {
	const { chart } = life;
	// Not everything that is prescribed is fetched, and not every fetch is known to the clinic.
	if (!chart.random.chance(0.6)) return;
	const drug: Drug = drugs[name];
	const handed = later(visit.end, chart.random.between(40, 240));
	chart.add({
		resourceType: 'MedicationDispense',
		meta: profiled('us-core-medicationdispense'),
		status: 'completed',
		...medicationOf(life, name, drug),
		subject: chart.person.link,
		context: visit.link,
		// What the clinic has in stock the nurse hands out.
		performer: [{ actor: chart.world.practice.stock.has(name) ? visit.nurse.link : chart.world.practice.pharmacy }],
		authorizingPrescription: [linkTo(request)],
		type: concept(`${hl7}/v3-ActCode`, ['FFC', 'First Fill - Complete']),
		quantity: amountOf(drug),
		whenHandedOver: instantOf(handed),
		dosageInstruction: [dosage(drug)],
	});
}
