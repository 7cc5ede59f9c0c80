// Medicines: MedicationRequest (one medication list, whoever wrote it down; what was given is in administrations.ts), MedicationDispense, Immunization.
// https://hl7.org/fhir/us/core/StructureDefinition-us-core-medicationrequest.html
import { at, child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import {
	boundsOf,
	type CodeableConcept,
	conceptOf,
	isInterval,
	numberOf,
	periodOf,
	quantityOf,
	referredText,
	timeOf,
} from '#formats/ccda/values.ts';
import { reasons } from './conditions.ts';
import {
	actorsOf,
	authoredOn,
	codeIn,
	concept,
	conceptAt,
	extra,
	type Inner,
	identified,
	innerOf,
	isNegated,
	type Maker,
	moodOf,
	notesOf,
	ordered,
	patientUrn,
	present,
	type Reading,
	statusOf,
	subject,
	timed,
} from './reading.ts';

const requestStatus: Readonly<Record<string, string>> = {
	active: 'active',
	completed: 'completed',
	aborted: 'stopped',
	cancelled: 'cancelled',
	suspended: 'on-hold',
	held: 'on-hold',
	new: 'draft',
	nullified: 'entered-in-error',
};

/** Medication activity (22.4.16) and planned medication activity (22.4.42). What already happens elsewhere is reported, not ordered by us. */
export const medication: Maker = (reading, statement, where) => {
	const inner = innerOf(reading, statement);
	const mood = moodOf(statement);
	const isEvent = (one: Element): boolean => moodOf(one) === 'EVN';
	const related = inner.takeWhere((one) => one.statement.name === 'supply').map((one) => one.statement);
	const [supplies, dispenses] = [related.filter((one) => !isEvent(one)), related.filter(isEvent)];
	const { sig, instructions, extension } = activityOf(reading, statement, inner, supplies);
	const product = at(statement, 'consumable', 'manufacturedProduct');
	const precondition = child(at(statement, 'precondition', 'criterion'), 'value');
	const urn = reading.add(
		where,
		present({
			resourceType: 'MedicationRequest',
			...identified(statement),
			extension: [
				...extension,
				...supplies.flatMap((one) => extra('supplied-product', materialOf(reading, at(one, 'product', 'manufacturedProduct')))),
			],
			status: isNegated(statement) ? 'cancelled' : (requestStatus[statusOf(statement) ?? ''] ?? 'unknown'),
			doNotPerform: isNegated(statement) ? true : undefined,
			intent: mood === 'RQO' || mood === 'INT' ? (mood === 'RQO' ? 'order' : 'plan') : mood === 'PRP' ? 'proposal' : 'plan',
			reportedBoolean: mood === 'EVN' ? true : undefined,
			medicationCodeableConcept: materialOf(reading, product) ?? { text: 'Unknown' },
			subject,
			encounter: where.encounter === undefined ? undefined : { reference: where.encounter },
			authoredOn: authoredOn(reading, statement),
			requester: actorsOf(statement, 'author')[0],
			performer: actorsOf(statement, 'performer')[0],
			reasonCode: reasons(reading, inner.take('22.4.19')),
			note: notesOf(reading, inner),
			dosageInstruction: dosage(reading, statement, { sig, precondition, instructions }),
			dispenseRequest: supplies[0] === undefined ? undefined : supplyOrder(reading, supplies[0]),
		}),
	);
	for (const one of dispenses) reading.add(where, dispense(reading, one, product, urn));
	inner.readOthers(urn, where);
	return [urn];
};

type Activity = {
	/** Directions in words (22.4.147), else those of the statement itself. */
	readonly sig: string | undefined;
	/** What the patient was told (22.4.20, 22.4.123), in words. */
	readonly instructions: readonly string[];
	/** What FHIR has no element for. */
	readonly extension: readonly object[];
};

/** What a medication activity tells whether the medicine was ordered, is taken or was given; instructions may stand in its supplies, too. */
export function activityOf(reading: Reading, statement: Element, inner: Inner, supplies: readonly Element[] = []): Activity {
	const wordsOf = (one: Element): string | undefined => referredText(child(one, 'text'), reading.document);
	const sig = inner.take('22.4.147').map(wordsOf)[0] ?? directions(reading, statement);
	const instructions = [inner, ...supplies.map((one) => innerOf(reading, one))].flatMap((one) => one.take('22.4.20', '22.4.123'));
	return {
		sig,
		instructions: instructions.map(wordsOf).filter((text) => text !== undefined),
		extension: [
			...extra('administration-unit', conceptAt(reading, statement, 'administrationUnitCode')),
			...extra('statement-code', conceptAt(reading, statement)),
			...vehiclesOf(reading, statement),
			...instructions.flatMap((one) => extra('instruction', conceptAt(reading, one))),
		],
	};
}

/** What the drug was in. */
function vehiclesOf(reading: Reading, statement: Element): object[] {
	const codes = childrenOf(statement, 'participant').map(
		(one) => at(one, 'participantRole', 'playingEntity', 'code') ?? at(one, 'participantRole', 'code'),
	);
	return codes.flatMap((one) => extra('drug-vehicle', conceptOf(one, reading.document)));
}

/** What a product is: its code, else its name. */
export function materialOf(reading: Reading, product: Element | undefined): CodeableConcept | undefined {
	const material = child(product, 'manufacturedMaterial') ?? child(product, 'manufacturedLabeledDrug');
	const code = conceptOf(child(material, 'code'), reading.document);
	if (code !== undefined) return code;
	const name = referredText(child(material, 'name'), reading.document);
	return name === undefined ? undefined : { text: name };
}

/** Words of a statement itself; a whole row of a table is more than its directions. */
function directions(reading: Reading, statement: Element): string | undefined {
	const text = child(statement, 'text');
	const place = reading.document.narrative.get(child(text, 'reference')?.attributes.value?.slice(1) ?? '');
	return place !== undefined && /^(tr|table|tbody)$/.test(place.name) ? undefined : referredText(text, reading.document);
}

type Told = Pick<Activity, 'sig' | 'instructions'> & { readonly precondition: Element | undefined };

function dosage(reading: Reading, statement: Element, { sig, precondition, instructions }: Told): object[] {
	const times = childrenOf(statement, 'effectiveTime');
	const bounds = times.find((time) => isInterval(time) || time.attributes.value !== undefined);
	const period = ordered(periodOf(bounds, reading.zone));
	const repeat = { ...repeatOf(times), ...(period === undefined || !isInterval(bounds) ? {} : { boundsPeriod: period }) };
	const event = period?.start !== undefined && !isInterval(bounds) ? [period.start] : [];
	const dose = child(statement, 'doseQuantity');
	const rate = child(statement, 'rateQuantity');
	const doseAndRate = present({ ...sized('dose', dose), ...sized('rate', rate) });
	const condition = conceptOf(precondition, reading.document);
	const max = child(statement, 'maxDoseQuantity');
	const numerator = quantityOf(child(max, 'numerator'));
	const denominator = quantityOf(child(max, 'denominator'));
	const made = present({
		text: sig,
		patientInstruction: instructions.length === 0 ? undefined : instructions.join('\n'),
		timing:
			Object.keys(repeat).length === 0 && event.length === 0
				? undefined
				: present({ event, repeat: Object.keys(repeat).length === 0 ? undefined : repeat }),
		asNeededCodeableConcept: condition,
		site: conceptAt(reading, statement, 'approachSiteCode'),
		route: conceptAt(reading, statement, 'routeCode'),
		doseAndRate: Object.keys(doseAndRate).length === 0 ? [] : [doseAndRate],
		maxDosePerPeriod: numerator === undefined || denominator === undefined ? undefined : { numerator, denominator },
	});
	return Object.keys(made).length === 0 ? [] : [made];
}

/** A dose or rate: one quantity or a range. */
function sized(name: 'dose' | 'rate', element: Element | undefined): Readonly<Record<string, unknown>> {
	const quantity = quantityOf(element);
	if (quantity !== undefined) return { [`${name}Quantity`]: quantity };
	const { low, high } = boundsOf(element);
	return low === undefined && high === undefined ? {} : { [`${name}Range`]: present({ low, high }) };
}

const periodUnits = new Set(['s', 'min', 'h', 'd', 'wk', 'mo', 'a']);

/** PIVL_TS (every so often) and EIVL_TS (at an event of the day). */
function repeatOf(times: readonly Element[]): Readonly<Record<string, unknown>> {
	for (const time of times) {
		const period = child(time, 'period');
		const value = numberOf(period?.attributes.value ?? child(period, 'low')?.attributes.value);
		const max = numberOf(child(period, 'high')?.attributes.value);
		const unit = period?.attributes.unit ?? child(period, 'low')?.attributes.unit ?? '';
		if (value !== undefined && value > 0 && periodUnits.has(unit))
			return present({ frequency: 1, period: value, periodMax: max === undefined || max <= value ? undefined : max, periodUnit: unit });
		const when = child(time, 'event')?.attributes.code;
		if (when !== undefined && /^(HS|WAKE|C|CM|CD|CV|AC|ACM|ACD|ACV|PC|PCM|PCD|PCV)$/.test(when)) return { when: [when] };
	}
	return {};
}

function supplyOrder(reading: Reading, supply: Element): object | undefined {
	const refills = numberOf(child(supply, 'repeatNumber')?.attributes.value);
	const end = timeOf(child(child(supply, 'effectiveTime'), 'high')?.attributes.value, reading.zone);
	const made = present({
		quantity: quantityOf(child(supply, 'quantity')),
		numberOfRepeatsAllowed: refills === undefined || !Number.isInteger(refills) || refills < 0 ? undefined : refills,
		validityPeriod: end === undefined ? undefined : { end },
	});
	return Object.keys(made).length === 0 ? undefined : made;
}

const dispenseStatus: Readonly<Record<string, string>> = {
	completed: 'completed',
	aborted: 'stopped',
	active: 'in-progress',
	held: 'on-hold',
	cancelled: 'cancelled',
};

function dispense(reading: Reading, supply: Element, product: Element | undefined, request: string) {
	const time = child(supply, 'effectiveTime');
	const period = periodOf(time, reading.zone);
	const status = dispenseStatus[statusOf(supply) ?? ''] ?? 'unknown';
	const performer = actorsOf(supply, 'performer')[0];
	return present({
		resourceType: 'MedicationDispense',
		...identified(supply),
		status,
		medicationCodeableConcept: materialOf(reading, at(supply, 'product', 'manufacturedProduct')) ??
			materialOf(reading, product) ?? { text: 'Unknown' },
		subject,
		performer: performer === undefined ? [] : [{ actor: performer }],
		authorizingPrescription: [{ reference: request }],
		quantity: quantityOf(child(supply, 'quantity')),
		whenHandedOver: period?.start,
	});
}

/** Medication dispense (22.4.18) that stands alone. */
export const aloneDispense: Maker = (reading, supply, where) => {
	const product = at(supply, 'product', 'manufacturedProduct');
	const { authorizingPrescription: _, ...made } = dispense(reading, supply, product, '') as Record<string, unknown>;
	const urn = reading.add(where, made as never);
	innerOf(reading, supply).readOthers(urn, where);
	return [urn];
};

/** Immunization activity (22.4.52). https://hl7.org/fhir/us/core/StructureDefinition-us-core-immunization.html */
export const immunization: Maker = (reading, statement, where) => {
	if (moodOf(statement) !== 'EVN') return medication(reading, statement, where);
	const inner = innerOf(reading, statement);
	const product = at(statement, 'consumable', 'manufacturedProduct');
	const instructions = inner.take('22.4.20');
	const refusal = inner.take('22.4.53').map((one) => conceptAt(reading, one, 'value') ?? conceptAt(reading, one))[0];
	const occurrence = timed(reading, statement, 'occurrence');
	const when = (occurrence.occurrenceDateTime ?? (occurrence.occurrencePeriod as { start?: string } | undefined)?.start) as
		| string
		| undefined;
	const dose = quantityOf(child(statement, 'doseQuantity'));
	const number = numberOf(
		child(statement, 'repeatNumber')?.attributes.value ?? inner.take('22.4.118').map((one) => child(one, 'value')?.attributes.value)[0],
	);
	const performer = actorsOf(statement, 'performer')[0];
	const manufacturer = child(child(product, 'manufacturerOrganization'), 'name');
	const lot = referredText(at(product, 'manufacturedMaterial', 'lotNumberText'), reading.document);
	const given = !isNegated(statement) && statusOf(statement) !== 'aborted' && statusOf(statement) !== 'cancelled';
	const urn = reading.add(
		where,
		present({
			resourceType: 'Immunization',
			...identified(statement),
			extension: [
				...extra('administration-unit', conceptAt(reading, statement, 'administrationUnitCode')),
				...extra('statement-code', conceptAt(reading, statement)),
				...instructions.flatMap((one) => extra('instruction', conceptAt(reading, one))),
			],
			status: given ? 'completed' : 'not-done',
			statusReason: refusal,
			vaccineCode: materialOf(reading, product) ?? { text: 'Unknown' },
			patient: { reference: patientUrn },
			occurrenceDateTime: when,
			occurrenceString: when === undefined ? 'unknown' : undefined,
			primarySource: false,
			lotNumber: lot,
			manufacturer: manufacturer === undefined ? undefined : { display: referredText(manufacturer, reading.document) },
			site: conceptAt(reading, statement, 'approachSiteCode'),
			route: conceptAt(reading, statement, 'routeCode'),
			doseQuantity: dose,
			performer:
				performer === undefined ? [] : [{ function: concept('http://terminology.hl7.org/CodeSystem/v2-0443', 'AP'), actor: performer }],
			reasonCode: reasons(reading, inner.take('22.4.19')),
			note: notesOf(reading, inner),
			protocolApplied: number !== undefined && Number.isInteger(number) && number > 0 ? [{ doseNumberPositiveInt: number }] : [],
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};

export function isVaccine(statement: Element): boolean {
	return (
		codeIn(at(statement, 'consumable', 'manufacturedProduct', 'manufacturedMaterial', 'code')) !== undefined &&
		at(statement, 'consumable', 'manufacturedProduct', 'manufacturedMaterial', 'code')?.attributes.codeSystem === '2.16.840.1.113883.12.292'
	);
}
