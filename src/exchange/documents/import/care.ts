// Around the clinical facts: family history, coverage, goals, care teams and notes.

import { relatedOf } from '#formats/ccda/document.ts';
import { escapedHtml, narrativeHtml } from '#formats/ccda/narrative.ts';
import { at, child, childrenOf, type Element, textOf } from '#formats/ccda/tree.ts';
import {
	type CodeableConcept,
	conceptOf,
	identifiersOf,
	nameOf,
	originalText,
	periodOf,
	quantityOf,
	referredText,
	timeOf,
} from '#formats/ccda/values.ts';
import { carePlanCode, interventionCode, isReportCategory } from '#formats/ccda/vocabulary.ts';
import {
	type Actor,
	actorOf,
	actorsOf,
	authoredOn,
	codeIn,
	concept,
	conceptAt,
	displayOf,
	effectivePeriod,
	extra,
	identified,
	innerOf,
	is,
	type Maker,
	moodOf,
	notesOf,
	patientUrn,
	personOf,
	present,
	type Reading,
	statusOf,
	subject,
	timed,
} from './reading.ts';

const genders: Readonly<Record<string, string>> = { M: 'male', F: 'female', UN: 'other' };

/** Family history organizer (22.4.45). */
export const family: Maker = (reading, organizer, where) => {
	const inner = innerOf(reading, organizer);
	const related = at(organizer, 'subject', 'relatedSubject');
	const person = child(related, 'subject');
	const note = notesOf(reading, inner);
	const observations = inner.takeWhere((one) => one.statement.name === 'observation').map((one) => one.statement);
	const conditions = observations
		.filter((one) => child(one, 'value')?.attributes.nullFlavor !== 'NI')
		.map((one) => conditionOf(reading, one));
	const deceased =
		child(person, 'sdtc:deceasedInd')?.attributes.value === 'true' ||
		observations.some((one) => innerOf(reading, one).take('22.4.47').length > 0);
	const born = timeOf(child(person, 'birthTime')?.attributes.value, reading.zone);
	const urn = reading.add(
		where,
		present({
			resourceType: 'FamilyMemberHistory',
			...identified(organizer),
			status: statusOf(organizer) === 'completed' ? 'completed' : 'partial',
			patient: { reference: patientUrn },
			name: displayOf(nameOf(child(person, 'name'))),
			relationship: conceptOf(child(related, 'code'), reading.document) ?? { text: 'Unknown' },
			sex:
				genders[codeIn(child(person, 'administrativeGenderCode')) ?? ''] === undefined
					? undefined
					: concept(
							'http://hl7.org/fhir/administrative-gender',
							genders[codeIn(child(person, 'administrativeGenderCode')) ?? ''] as string,
						),
			bornDate: born?.slice(0, 10),
			deceasedBoolean: deceased ? true : undefined,
			note,
			condition: conditions,
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};

function conditionOf(reading: Reading, observation: Element): object {
	const inner = innerOf(reading, observation);
	const age = quantityOf(child(inner.take('22.4.31')[0] ?? observation, 'value'));
	const death = inner.take('22.4.47');
	const others = inner
		.takeWhere(() => true)
		.flatMap(({ statement }) => [
			...extra('detail', conceptAt(reading, statement, 'value')),
			...(codeIn(child(statement, 'code')) === 'ASSERTION' ? [] : extra('detail', conceptAt(reading, statement))),
		]);
	const kind = codeIn(child(observation, 'code'));
	return present({
		extension: [...(kind === undefined || kind === 'ASSERTION' ? [] : extra('problem-type', conceptAt(reading, observation))), ...others],
		code: conceptAt(reading, observation, 'value') ?? conceptAt(reading, observation) ?? { text: 'Unknown' },
		outcome: death.map((one) => conceptAt(reading, one, 'value')).find((one) => one !== undefined),
		contributedToDeath: death.length > 0 ? true : undefined,
		onsetAge: age === undefined ? undefined : { value: age.value, unit: 'a', system: 'http://unitsofmeasure.org', code: age.code ?? 'a' },
	});
}

/** Coverage activity (22.4.60): the policies within. */
export const coverage: Maker = (reading, act, where) => {
	const inner = innerOf(reading, act);
	const policies = inner.takeWhere(
		({ statement }) => statement.name === 'act' && (is(statement, '22.4.61') || child(statement, 'performer') !== undefined),
	);
	const urns = policies.map(({ statement }) => policyOf(reading, statement, where));
	inner.readOthers(undefined, where);
	return urns;
};

function policyOf(reading: Reading, policy: Element, where: Parameters<Maker>[2]): string {
	const inner = innerOf(reading, policy);
	const payers = childrenOf(policy, 'performer');
	const payer =
		payers.find((one) => is(one, '22.4.87')) ?? payers.find((one) => codeIn(at(one, 'assignedEntity', 'code')) === 'PAYOR') ?? payers[0];
	const payor = actorOf(payer) ?? { display: textOf(at(payer, 'assignedEntity', 'representedOrganization', 'name')) ?? 'Unknown' };
	const covered = childrenOf(policy, 'participant').find(({ attributes }) => attributes.typeCode === 'COV');
	const holder = childrenOf(policy, 'participant').find(({ attributes }) => attributes.typeCode === 'HLD');
	const member = identifiersOf(child(covered, 'participantRole'))[0]?.value;
	const plans = inner
		.takeWhere(({ statement }) => statement.name === 'act' && moodOf(statement) === 'DEF')
		.map(({ statement }) => referredText(child(statement, 'text'), reading.document))
		.filter((text) => text !== undefined);
	const urn = reading.add(
		where,
		present({
			resourceType: 'Coverage',
			...identified(policy),
			extension: payers.flatMap((one) => extra('payer-role', payerRole(reading, one))),
			status: 'active',
			type: conceptAt(reading, policy),
			subscriberId: member,
			subscriber: personIn(holder),
			beneficiary: { reference: patientUrn },
			relationship: relationshipOf(conceptOf(at(covered, 'participantRole', 'code'), reading.document)),
			period: periodOf(child(covered, 'time'), reading.zone) ?? effectivePeriod(reading, policy),
			payor: [{ ...payor, type: 'Organization' }],
			class: plans.slice(0, 1).map((plan) => ({
				type: concept('http://terminology.hl7.org/CodeSystem/coverage-class', 'plan'),
				value: plan,
			})),
		}),
	);
	// Authorizations and the plan: what they say in codes is kept beside the policy.
	inner.readOthers(urn, where);
	return urn;
}

/** What somebody who pays is to the policy; the words of one who is not the payer are the name. */
function payerRole({ document }: Reading, performer: Element): CodeableConcept | undefined {
	const role = conceptOf(at(performer, 'assignedEntity', 'code'), document);
	const name = displayOf(nameOf(at(performer, 'assignedEntity', 'assignedPerson', 'name')));
	return role === undefined || name === undefined ? role : { ...role, text: name };
}

const relationships: Readonly<Record<string, string>> = {
	SELF: 'self',
	ONESELF: 'self',
	CHILD: 'child',
	SPS: 'spouse',
	HUSB: 'spouse',
	WIFE: 'spouse',
	PRN: 'parent',
	MTH: 'parent',
	FTH: 'parent',
	DOMPART: 'common',
};

/** The role of the one who is covered, with what FHIR calls it. */
function relationshipOf(role: CodeableConcept | undefined): CodeableConcept | undefined {
	const code = role?.coding?.map((one) => relationships[one.code ?? '']).find((one) => one !== undefined);
	if (role === undefined || code === undefined) return role;
	const own = { system: 'http://terminology.hl7.org/CodeSystem/subscriber-relationship', code };
	return { ...role, coding: [own, ...(role.coding ?? [])] };
}

function personIn(participant: Element | undefined): Actor | undefined {
	const role = child(participant, 'participantRole');
	const display = displayOf(nameOf(at(role, 'playingEntity', 'name')));
	const identifier = identifiersOf(role)[0];
	return display === undefined && identifier === undefined ? undefined : present({ display, identifier });
}

/** Goal observation (22.4.121). https://hl7.org/fhir/us/core/StructureDefinition-us-core-goal.html */
export const goal: Maker = (reading, observation, where) => {
	const inner = innerOf(reading, observation);
	const value = child(observation, 'value');
	const measured = quantityOf(value);
	const coded = conceptOf(value, reading.document);
	const code = conceptAt(reading, observation);
	const text = referredText(child(observation, 'text'), reading.document) ?? (coded === undefined ? textOf(value) : undefined);
	const priority = inner.take('22.4.143').flatMap((one) => extra('priority', conceptAt(reading, one, 'value')));
	const achieved = inner.take('22.4.110').map((one) => conceptAt(reading, one, 'value'))[0];
	const period = effectivePeriod(reading, observation);
	const urn = reading.add(
		where,
		present({
			resourceType: 'Goal',
			...identified(observation),
			extension: [...(coded === undefined || code === undefined ? [] : extra('goal-code', code)), ...priority],
			lifecycleStatus:
				{ active: 'active', completed: 'completed', aborted: 'cancelled', cancelled: 'cancelled', suspended: 'on-hold' }[
					statusOf(observation) ?? ''
				] ?? 'active',
			achievementStatus: achieved,
			description: coded ?? (text === undefined ? (code ?? { text: 'Goal' }) : { ...(code ?? {}), text }),
			subject,
			startDate: period?.start?.slice(0, 10),
			target:
				measured === undefined && period?.end === undefined
					? []
					: [present({ measure: measured === undefined ? undefined : code, detailQuantity: measured, dueDate: period?.end?.slice(0, 10) })],
			expressedBy: personOf(actorsOf(observation, 'author')),
			note: notesOf(reading, inner),
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};

/** A care plan as a whole, and what it holds. https://hl7.org/fhir/us/core/StructureDefinition-us-core-careplan.html */
export const carePlan: Maker = (reading, act, where) => {
	const inner = innerOf(reading, act);
	const note = notesOf(reading, inner);
	const told = conceptAt(reading, act);
	const title = told?.text ?? 'Care plan';
	const about = (told?.coding ?? []).filter((one) => one.code !== carePlanCode);
	const activity = inner
		.takeWhere(({ statement, typeCode }) => typeCode === 'COMP' && statement.name !== 'observation')
		.map(({ statement }) => ({ detail: activityOf(reading, statement) }));
	const words = referredText(child(act, 'text'), reading.document) ?? title;
	const urn = reading.add(
		where,
		present({
			resourceType: 'CarePlan',
			text: { status: 'additional', div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${escapedHtml(words)}</p></div>` },
			...identified(act),
			status: { active: 'active', completed: 'completed', aborted: 'revoked', cancelled: 'revoked' }[statusOf(act) ?? ''] ?? 'unknown',
			intent: 'plan',
			category: [
				concept('http://hl7.org/fhir/us/core/CodeSystem/careplan-category', 'assess-plan'),
				...about.map((one) => ({ coding: [one] })),
			],
			title,
			subject,
			encounter: where.encounter === undefined ? undefined : { reference: where.encounter },
			period: effectivePeriod(reading, act),
			created: authoredOn(reading, act),
			author: actorsOf(act, 'author')[0],
			activity,
			note,
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};

/** What is to be done or was done; an intervention (22.4.131) holds what it is. */
function activityOf(reading: Reading, statement: Element): object {
	const held = codeIn(child(statement, 'code')) === interventionCode ? relatedOf(statement)[0]?.statement : undefined;
	const what = held ?? statement;
	return present({
		code: conceptAt(reading, what),
		status: moodOf(what) === 'EVN' ? 'completed' : 'unknown',
		scheduledPeriod: effectivePeriod(reading, what),
		description: conceptAt(reading, what) === undefined ? referredText(child(what, 'text'), reading.document) : undefined,
	});
}

/** Care team organizer (22.4.500) and its members. */
export const careTeam: Maker = (reading, organizer, where) => {
	const inner = innerOf(reading, organizer);
	const members = inner.take('22.4.500.1');
	const participants = [
		...childrenOf(organizer, 'participant').map((one) => present({ role: rolesOf(reading, one), member: actorOf(one) })),
		...members.flatMap((act) => childrenOf(act, 'performer').map((one) => present({ role: rolesOf(reading, one), member: actorOf(one) }))),
	].filter(({ member }) => member !== undefined);
	const told = conceptAt(reading, organizer);
	const name = inner
		.take('22.4.500.2')
		.map((one) => conceptAt(reading, one, 'value')?.text ?? textOf(child(one, 'value')))
		.find((one) => one !== undefined);
	const urn = reading.add(
		where,
		present({
			resourceType: 'CareTeam',
			...identified(organizer),
			status: statusOf(organizer) === 'completed' ? 'inactive' : 'active',
			category: told?.coding === undefined ? [] : [{ coding: told.coding }],
			name: name ?? told?.text ?? 'Care team',
			subject,
			period: effectivePeriod(reading, organizer),
			participant: participants,
			note: notesOf(reading, inner),
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};

function rolesOf(reading: Reading, holder: Element): object[] {
	const function_ = conceptOf(
		child(holder, 'sdtc:functionCode') ??
			child(holder, 'functionCode') ??
			child(
				childrenOf(holder).find(({ name }) => /Entity$|Role$/.test(name)),
				'code',
			),
		reading.document,
	);
	return function_ === undefined ? [] : [function_];
}

/** Note activity (22.4.202): DocumentReference with its words. */
export const note: Maker = (reading, act, where) => {
	const inner = innerOf(reading, act);
	const text = child(act, 'text');
	const reference = child(text, 'reference')?.attributes.value?.replace(/^#/, '');
	const place = reference === undefined ? undefined : reading.document.narrative.get(reference);
	const html = place === undefined ? `<div><p>${escapedHtml(referredText(text, reading.document) ?? '')}</p></div>` : narrativeHtml(place);
	const told = conceptAt(reading, act);
	const particular = told?.coding?.filter(({ code }) => code !== '34109-9') ?? [];
	const words = originalText(child(act, 'code') ?? act, reading.document) ?? particular[0]?.display;
	const kind = told !== undefined && particular.length > 0 ? present({ ...told, coding: particular, text: words }) : told;
	const category = kind?.coding?.find(({ code }) => isReportCategory(code));
	const attachment = { contentType: 'text/html', data: Buffer.from(html).toString('base64') };
	const context = where.encounter === undefined ? undefined : { reference: where.encounter };
	if (category !== undefined) {
		const urn = reading.add(
			where,
			present({
				resourceType: 'DiagnosticReport',
				...identified(act),
				status: 'final',
				category: [{ coding: [category] }],
				code: { ...kind, coding: particular.filter(({ code }) => !isReportCategory(code)) },
				subject,
				encounter: context,
				...timed(reading, act, 'effective'),
				performer: actorsOf(act, 'author').slice(0, 1),
				presentedForm: [attachment],
			}),
		);
		inner.readOthers(urn, where);
		return [urn];
	}
	const urn = reading.add(
		where,
		present({
			resourceType: 'DocumentReference',
			...identified(act),
			status: 'current',
			type: kind ?? { text: 'Note' },
			category: [concept('http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', 'clinical-note', 'Clinical Note')],
			subject,
			date: undefined,
			author: actorsOf(act, 'author').slice(0, 1),
			content: [{ attachment }],
			context: present({
				period: (timed(reading, act, 'x').xPeriod as object | undefined) ?? effectivePeriod(reading, act),
				encounter: context === undefined ? [] : [context],
			}),
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};
