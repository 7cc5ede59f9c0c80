// Visits: Encounter, https://hl7.org/fhir/us/core/StructureDefinition-us-core-encounter.html
import { child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import type { CodeableConcept } from '#formats/ccda/values.ts';
import { conceptOf } from '#formats/ccda/values.ts';
import { reasons } from './conditions.ts';
import { locationDisplay, locationsOf, procedure } from './procedures.ts';
import {
	actorOf,
	codeIn,
	concept,
	conceptAt,
	effectivePeriod,
	identified,
	innerOf,
	type Maker,
	moodOf,
	personOf,
	present,
	type Reading,
	subject,
} from './reading.ts';

const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const classes: Readonly<Record<string, string>> = {
	AMB: 'ambulatory',
	IMP: 'inpatient encounter',
	EMER: 'emergency',
	HH: 'home health',
	FLD: 'field',
	VR: 'virtual',
	ACUTE: 'inpatient acute',
	NONAC: 'inpatient non-acute',
	OBSENC: 'observation encounter',
	SS: 'short stay',
};

/** Encounter activity (22.4.49); one that is planned (22.4.40) is a request. */
export const encounter: Maker = (reading, statement, where) => {
	if (moodOf(statement) !== 'EVN') return procedure(reading, statement, where);
	if (where.parent !== undefined && isMention(statement)) return [];
	const inner = innerOf(reading, statement);
	const type = conceptAt(reading, statement);
	const place = locationDisplay(statement);
	const diagnosisHolders = inner.take('22.4.80');
	const urn = reading.add(
		where,
		present({
			resourceType: 'Encounter',
			...identified(statement),
			extension: locationsOf(reading, statement),
			status: 'finished',
			class: classOf(type),
			type: type === undefined ? [] : [type],
			priority: conceptAt(reading, statement, 'priorityCode'),
			subject,
			participant: childrenOf(statement, 'performer').flatMap((one) => participantOf(reading, one)),
			period: effectivePeriod(reading, statement),
			reasonCode: reasons(reading, inner.take('22.4.19')),
			hospitalization: dischargeOf(conceptOf(child(statement, 'sdtc:dischargeDispositionCode'), reading.document)),
			location: place === undefined ? [] : [{ location: place }],
		}),
	);
	const inside = { ...where, encounter: urn, conditionCategory: 'encounter-diagnosis' };
	const found = diagnosisHolders.flatMap((holder) =>
		innerOf(reading, holder)
			.readOthers(undefined, inside)
			.map((one) => ({ one, use: useOf(holder) })),
	);
	const conditions = found.filter(({ one }) =>
		reading.items.some(({ fullUrl, resource }) => fullUrl === one && resource.resourceType === 'Condition'),
	);
	const made = reading.items.find(({ fullUrl }) => fullUrl === urn);
	if (made !== undefined && conditions.length > 0)
		made.resource.diagnosis = conditions.map(({ one, use }) => present({ condition: { reference: one }, use }));
	inner.readOthers(urn, { ...where, encounter: urn });
	return [urn, ...found.map(({ one }) => one)];
};

/** A visit within a statement that has only its id says at which one it was: the visit stands elsewhere. */
function isMention(statement: Element): boolean {
	return !childrenOf(statement).some(
		({ name, attributes }) => !/^(templateId|id|statusCode)$/.test(name) && attributes.nullFlavor === undefined,
	);
}

/** Who took part, and as what. */
function participantOf({ document }: Reading, performer: Element): object[] {
	const actor = actorOf(performer);
	const type = conceptOf(child(performer, 'sdtc:functionCode') ?? child(performer, 'functionCode'), document);
	if (actor === undefined && type === undefined) return [];
	return [present({ type: type === undefined ? [] : [type], individual: actor === undefined ? undefined : personOf([actor]) })];
}

const uses: Readonly<Record<string, string>> = { '46241-6': 'AD', '11535-2': 'DD' };

/** In which part of the stay a diagnosis was made, where its act says so. */
function useOf(holder: Element): object | undefined {
	const code = child(holder, 'code');
	const use = [code, ...childrenOf(code, 'translation')].map((one) => uses[codeIn(one) ?? '']).find((one) => one !== undefined);
	return use === undefined ? undefined : concept('http://terminology.hl7.org/CodeSystem/diagnosis-role', use);
}

function classOf(type: CodeableConcept | undefined): object {
	const told = type?.coding?.find(({ system, code }) => system === actCode && classes[code ?? ''] !== undefined)?.code ?? 'AMB';
	return { system: actCode, code: told, display: classes[told] };
}

function dischargeOf(disposition: CodeableConcept | undefined): object | undefined {
	return disposition === undefined ? undefined : { dischargeDisposition: disposition };
}

/** The visit that the document as a whole is about (`encompassingEncounter` of the header). */
export const visitOfHeader: Maker = (reading, element, where) => {
	const type = conceptAt(reading, element);
	const period = effectivePeriod(reading, element);
	if (type === undefined && period === undefined) return [];
	const urn = reading.add(
		where,
		present({
			resourceType: 'Encounter',
			...identified(element),
			status: 'finished',
			class: classOf(type),
			type: type === undefined ? [] : [type],
			subject,
			period,
			hospitalization: dischargeOf(conceptOf(child(element, 'dischargeDispositionCode'), reading.document)),
			participant: [...childrenOf(element, 'encounterParticipant'), ...childrenOf(element, 'responsibleParty')]
				.map(actorOf)
				.filter((one) => one !== undefined)
				.map((actor) => ({ individual: personOf([actor]) })),
		}),
	);
	return [urn];
};
