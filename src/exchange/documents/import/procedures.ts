// What was done and what is planned: Procedure, ServiceRequest, and the devices that were used.
import { at, child, childrenOf, type Element, textOf } from '#formats/ccda/tree.ts';
import { conceptOf, identifiersOf, referredText } from '#formats/ccda/values.ts';
import { interventionCode } from '#formats/ccda/vocabulary.ts';
import { reasons } from './conditions.ts';
import { observation } from './observations.ts';
import {
	actorsOf,
	authoredOn,
	codeIn,
	concept,
	conceptAt,
	effectivePeriod,
	extra,
	identified,
	innerOf,
	is,
	isNegated,
	type Maker,
	moodOf,
	notesOf,
	personOf,
	present,
	type Reading,
	statusOf,
	subject,
	timed,
	type Where,
} from './reading.ts';

const procedureStatus: Readonly<Record<string, string>> = {
	completed: 'completed',
	active: 'in-progress',
	aborted: 'stopped',
	cancelled: 'not-done',
	new: 'preparation',
	suspended: 'on-hold',
	held: 'on-hold',
};
const requestStatus: Readonly<Record<string, string>> = {
	active: 'active',
	completed: 'completed',
	cancelled: 'revoked',
	aborted: 'revoked',
	held: 'on-hold',
	suspended: 'on-hold',
	new: 'draft',
};
const intents: Readonly<Record<string, string>> = {
	INT: 'plan',
	RQO: 'order',
	PRMS: 'plan',
	PRP: 'proposal',
	ARQ: 'proposal',
	APT: 'plan',
	GOL: 'plan',
};

/** Procedure activities (22.4.12 to 22.4.14) and, in any mood but that of an event, their plans (22.4.39, 22.4.41, 22.4.44). */
export const procedure: Maker = (reading, statement, where) =>
	moodOf(statement) === 'EVN' ? done(reading, statement, where) : planned(reading, statement, where);

/** Procedure activity observation (22.4.13): what was found by it is an observation, what was only done a procedure. */
export const activity: Maker = (reading, statement, where) =>
	(conceptAt(reading, statement, 'value') === undefined ? procedure : observation)(reading, statement, where);

/** Instruction (22.4.20) that stands alone. US Core has a category for it. */
export const instruction: Maker = (reading, statement, where) =>
	planned(reading, statement, where, concept('http://snomed.info/sct', '409073007', 'Education'));

/** Patient referral act (22.4.140). */
export const referral: Maker = (reading, statement, where) =>
	planned(reading, statement, where, concept('http://snomed.info/sct', '3457005', 'Patient referral'));

/** Interventions (22.4.131, 22.4.146): what they hold, where they say no more than that they are one. */
export const intervention: Maker = (reading, statement, where) => {
	if (codeIn(child(statement, 'code')) !== interventionCode) return act(reading, statement, where);
	const held = innerOf(reading, statement).readOthers(undefined, where);
	return held.length > 0 ? held : act(reading, statement, where);
};

function done(reading: Reading, statement: Element, where: Where): string[] {
	const inner = innerOf(reading, statement);
	const devices = deviceParticipants(reading, statement, where);
	const performed = timed(reading, statement, 'performed');
	const note = notesOf(reading, inner);
	const text = note.length === 0 && statement.name === 'act' ? referredText(child(statement, 'text'), reading.document) : undefined;
	const urn = reading.add(
		where,
		present({
			resourceType: 'Procedure',
			...identified(statement),
			extension: [
				...extra('value', conceptAt(reading, statement, 'value')),
				...extra('method', conceptAt(reading, statement, 'methodCode')),
				...extra('approach-site', conceptAt(reading, statement, 'approachSiteCode')),
				...extra('priority', conceptAt(reading, statement, 'priorityCode')),
				...specimens(reading, statement),
				...locationsOf(reading, statement),
			],
			status: isNegated(statement) ? 'not-done' : (procedureStatus[statusOf(statement) ?? ''] ?? 'unknown'),
			code: conceptAt(reading, statement) ?? { text: referredText(child(statement, 'text'), reading.document) ?? 'Procedure' },
			subject,
			encounter: where.encounter === undefined ? undefined : { reference: where.encounter },
			...performed,
			recorder: personOf(actorsOf(statement, 'author')),
			performer: actorsOf(statement, 'performer').map((actor) => ({ actor })),
			location: locationDisplay(statement),
			reasonCode: reasons(reading, inner.take('22.4.19')),
			bodySite: childrenOf(statement, 'targetSiteCode')
				.map((one) => conceptOf(one, reading.document))
				.filter((one) => one !== undefined),
			note: text === undefined ? note : [...note, { text }],
			usedReference: devices.map((reference) => ({ reference })),
		}),
	);
	inner.readOthers(urn, where);
	return [urn, ...devices];
}

function planned(reading: Reading, statement: Element, where: Where, category?: object): string[] {
	const inner = innerOf(reading, statement);
	const devices = deviceParticipants(reading, statement, where);
	const instructions = inner.take('22.4.20');
	const note = notesOf(reading, inner);
	const text = referredText(child(statement, 'text'), reading.document);
	const period = effectivePeriod(reading, statement);
	const urn = reading.add(
		where,
		present({
			resourceType: 'ServiceRequest',
			...identified(statement),
			extension: [
				...extra('value', conceptAt(reading, statement, 'value')),
				...extra('method', conceptAt(reading, statement, 'methodCode')),
				...extra('priority', conceptAt(reading, statement, 'priorityCode')),
				...instructions.flatMap((one) => extra('instruction', conceptAt(reading, one))),
				...locationsOf(reading, statement),
			],
			status: requestStatus[statusOf(statement) ?? ''] ?? 'unknown',
			intent: intents[moodOf(statement)] ?? 'plan',
			doNotPerform: isNegated(statement) ? true : undefined,
			category: category === undefined ? [] : [category],
			code: conceptAt(reading, statement) ?? { text: text ?? 'Planned activity' },
			subject,
			encounter: where.encounter === undefined ? undefined : { reference: where.encounter },
			...(period === undefined ? {} : timed(reading, statement, 'occurrence')),
			authoredOn: authoredOn(reading, statement),
			requester: actorsOf(statement, 'author')[0],
			performer: actorsOf(statement, 'performer'),
			reasonCode: reasons(reading, inner.take('22.4.19')),
			bodySite: childrenOf(statement, 'targetSiteCode')
				.map((one) => conceptOf(one, reading.document))
				.filter((one) => one !== undefined),
			supportingInfo: devices.map((reference) => ({ reference })),
			note: text === undefined ? note : [...note, { text }],
			patientInstruction: instructions.map((one) => referredText(child(one, 'text'), reading.document)).find((one) => one !== undefined),
		}),
	);
	inner.readOthers(urn, where);
	return [urn, ...devices];
}

/** Acts that hold others without a meaning of their own, such as an intervention (22.4.131), and acts that mean something. */
export const act: Maker = (reading, statement, where) => {
	if (conceptAt(reading, statement) === undefined && child(statement, 'text') === undefined)
		return innerOf(reading, statement).readOthers(undefined, where);
	return procedure(reading, statement, where);
};

/** Product instances (22.4.37) that take part in a statement. */
function deviceParticipants(reading: Reading, statement: Element, where: Where): string[] {
	return childrenOf(statement, 'participant')
		.map((one) => child(one, 'participantRole'))
		.filter((role) => role !== undefined && (is(role, '22.4.37') || child(role, 'playingDevice') !== undefined))
		.map((role) => reading.add(where, device(reading, role as Element)));
}

function device(reading: Reading, role: Element) {
	const identifier = identifiersOf(role);
	const udi = childrenOf(role, 'id').find(({ attributes }) => attributes.root === '2.16.840.1.113883.3.3719')?.attributes.extension;
	const playing = child(role, 'playingDevice');
	const di = udi === undefined ? undefined : /\(01\)(\d{14})/.exec(udi)?.[1];
	return present({
		resourceType: 'Device',
		identifier,
		udiCarrier:
			udi === undefined
				? []
				: [present({ deviceIdentifier: di ?? udi, issuer: 'http://hl7.org/fhir/NamingSystem/gs1-di', carrierHRF: udi })],
		status: 'active',
		deviceName: nameOfDevice(playing),
		type: conceptAt(reading, playing ?? role),
		patient: subject,
	});
}

function nameOfDevice(playing: Element | undefined): object[] {
	const name = textOf(child(playing, 'manufacturerModelName'));
	return name === undefined ? [] : [{ name, type: 'model-name' }];
}

/** Non-medicinal supply (22.4.50): a device the patient has, or one that is asked for. */
export const supply: Maker = (reading, statement, where) => {
	const inner = innerOf(reading, statement);
	const code =
		conceptAt(reading, statement) ??
		conceptOf(at(statement, 'product', 'manufacturedProduct', 'manufacturedMaterial', 'code'), reading.document);
	const made = deviceParticipants(reading, statement, where);
	const note = notesOf(reading, inner);
	const urns = [...made];
	if (moodOf(statement) !== 'EVN')
		urns.push(
			reading.add(
				where,
				present({
					resourceType: 'DeviceRequest',
					...identified(statement),
					status: requestStatus[statusOf(statement) ?? ''] ?? 'unknown',
					intent: intents[moodOf(statement)] ?? 'plan',
					codeCodeableConcept: code ?? { text: 'Supply' },
					subject,
					...timed(reading, statement, 'occurrence'),
					note,
				}),
			),
		);
	else if (code !== undefined || made.length === 0)
		urns.push(
			reading.add(
				where,
				present({
					resourceType: 'Device',
					...identified(statement),
					status: 'active',
					type: code ?? { text: 'Device' },
					patient: subject,
					note,
				}),
			),
		);
	inner.readOthers(urns.at(-1), where);
	return urns;
};

function specimens(reading: Reading, statement: Element): object[] {
	return childrenOf(statement, 'specimen').flatMap((one) =>
		extra('specimen', conceptOf(at(one, 'specimenRole', 'specimenPlayingEntity', 'code'), reading.document)),
	);
}

/** Places of service (22.4.32): their coded kind. */
export function locationsOf(reading: Reading, statement: Element): object[] {
	return places(statement).flatMap((role) => extra('location-type', conceptAt(reading, role)));
}

function places(statement: Element): Element[] {
	return childrenOf(statement, 'participant')
		.filter(({ attributes }) => attributes.typeCode === 'LOC')
		.map((one) => child(one, 'participantRole'))
		.filter((role) => role !== undefined);
}

export function locationDisplay(statement: Element): { display: string } | undefined {
	const display = places(statement)
		.map((role) => textOf(at(role, 'playingEntity', 'name')))
		.find((name) => name !== undefined);
	return display === undefined ? undefined : { display };
}
