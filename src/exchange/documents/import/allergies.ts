// Allergies: AllergyIntolerance, https://hl7.org/fhir/us/core/StructureDefinition-us-core-allergyintolerance.html
import { at, child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import { type CodeableConcept, conceptOf } from '#formats/ccda/values.ts';
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
	notesOf,
	patientUrn,
	personOf,
	present,
	type Reading,
	timed,
} from './reading.ts';

const clinical = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical';
const verification = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification';

/** SNOMED CT codes of the kind of allergy (value set 2.16.840.1.113883.3.88.12.3221.6.2). */
const kinds: Readonly<Record<string, { type?: string; category?: string }>> = {
	'419199007': { type: 'allergy' },
	'416098002': { type: 'allergy', category: 'medication' },
	'414285001': { type: 'allergy', category: 'food' },
	'426232007': { type: 'allergy', category: 'environment' },
	'59037007': { type: 'intolerance', category: 'medication' },
	'235719002': { type: 'intolerance', category: 'food' },
	'420134006': {},
	'419511003': { category: 'medication' },
	'418471000': { category: 'food' },
	'418038007': {},
};

/** What a denied allergy to everything of a kind is called. https://hl7.org/fhir/us/ccda/ (no known allergies) */
const none: Readonly<Record<string, { code: string; display: string }>> = {
	medication: { code: '409137002', display: 'No known drug allergy' },
	food: { code: '429625007', display: 'No known food allergy' },
	environment: { code: '428607008', display: 'No known environmental allergy' },
};

/** Allergy observation (22.4.7, and 24.3.90 of its simpler form). */
export const allergy: Maker = (reading, observation, where) => {
	const inner = innerOf(reading, observation);
	// Before R1.1 the kind stood as the code.
	const kindElement = ['value', 'code'].map((name) => child(observation, name)).find((one) => kinds[codeIn(one) ?? ''] !== undefined);
	const kind = kinds[codeIn(kindElement) ?? ''] ?? {};
	const period = effectivePeriod(reading, observation);
	const told = inner.take('22.4.28').map((one) => codeIn(child(one, 'value')))[0];
	const resolved = told === '413322009' || period?.end !== undefined;
	const status = resolved ? 'resolved' : told === '73425007' || where.concern === 'completed' ? 'inactive' : 'active';
	const severities = inner.take('22.4.8');
	const criticality = inner.take('22.4.145').map((one) => criticalityOf(codeIn(child(one, 'value'))))[0];
	const reactions = inner
		.takeWhere(({ statement, typeCode }) => is(statement, '22.4.9') || (typeCode === 'MFST' && statement.name === 'observation'))
		.map(({ statement }) => statement);
	const substance = agentOf(reading, observation);
	const denied = isNegated(observation);
	const nothing = denied && isEverything(substance);
	const code = nothing ? noneOf(kind.category) : substance;
	const urn = reading.add(
		where,
		present({
			resourceType: 'AllergyIntolerance',
			...identified(observation),
			extension: [
				...extra('allergy-type', conceptOf(kindElement ?? child(observation, 'value'), reading.document)),
				...(nothing ? extra('allergy-substance', substance) : []),
			],
			clinicalStatus: concept(clinical, status),
			verificationStatus: concept(verification, denied && !nothing ? 'refuted' : 'confirmed'),
			type: kind.type,
			category: kind.category === undefined ? [] : [kind.category],
			criticality,
			code: code ?? { text: 'Unknown' },
			patient: { reference: patientUrn },
			onsetDateTime: period?.start,
			recordedDate: authoredOn(reading, observation),
			recorder: personOf(actorsOf(observation, 'author')),
			note: notesOf(reading, inner),
			reaction: reactionsOf(reading, reactions, severities, substance),
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};

function agentOf(reading: Reading, observation: Element): CodeableConcept | undefined {
	for (const participant of childrenOf(observation, 'participant')) {
		const entity = at(participant, 'participantRole', 'playingEntity');
		const code = conceptOf(child(entity, 'code'), reading.document);
		if (code !== undefined) return code;
		const name = child(entity, 'name')
			?.children.filter((one) => typeof one === 'string')
			.join(' ')
			.trim();
		if (name !== undefined && name !== '') return { text: name };
	}
	return undefined;
}

function isEverything(substance: CodeableConcept | undefined): boolean {
	return (
		substance === undefined ||
		substance.coding === undefined ||
		substance.coding.some(({ code }) => code === '105590001' || code === '410942007')
	);
}

function noneOf(category: string | undefined) {
	const { code, display } = none[category ?? ''] ?? { code: '716186003', display: 'No known allergy' };
	return { ...concept('http://snomed.info/sct', code, display), text: display };
}

function criticalityOf(code: string | undefined): string | undefined {
	return { CRITH: 'high', CRITL: 'low', CRITU: 'unable-to-assess' }[code ?? ''];
}

const severityOf: Readonly<Record<string, string>> = {
	'255604002': 'mild',
	'371923003': 'mild',
	'6736007': 'moderate',
	'371924009': 'severe',
	'24484000': 'severe',
	'399166001': 'severe',
};

/** Severity of the allergy as a whole (22.4.8 directly within) has no element of its own in FHIR: it is that of its reactions. */
function reactionsOf(
	reading: Reading,
	reactions: readonly Element[],
	severities: readonly Element[],
	substance: CodeableConcept | undefined,
): object[] {
	const overall = severityIn(reading, severities);
	const made = reactions.map((reaction) => {
		const inner = innerOf(reading, reaction);
		const own = severityIn(reading, inner.take('22.4.8'));
		const treatments = inner.takeWhere(() => true).flatMap(({ statement }) => extra('reaction-treatment', treatmentOf(reading, statement)));
		const manifestation = conceptAt(reading, reaction, 'value') ?? conceptAt(reading, reaction);
		return present({
			extension: [...(own.extension ?? overall.extension ?? []), ...treatments],
			manifestation: [manifestation ?? { text: 'Unknown' }],
			onset: (timed(reading, reaction, 'x').xDateTime ??
				(timed(reading, reaction, 'x').xPeriod as { start?: string } | undefined)?.start) as string | undefined,
			severity: own.severity ?? overall.severity,
		});
	});
	if (made.length > 0 || severities.length === 0) return made;
	return [present({ extension: overall.extension ?? [], substance, manifestation: [{ text: 'Unknown' }], severity: overall.severity })];
}

function severityIn(reading: Reading, observations: readonly Element[]): { severity?: string; extension?: object[] } {
	const value = child(observations[0], 'value');
	if (value === undefined) return {};
	const severity = severityOf[codeIn(value) ?? ''];
	return { ...(severity === undefined ? {} : { severity }), extension: extra('severity', conceptOf(value, reading.document)) };
}

/** What was done or given for a reaction. */
function treatmentOf(reading: Reading, statement: Element): CodeableConcept | undefined {
	return (
		conceptOf(at(statement, 'consumable', 'manufacturedProduct', 'manufacturedMaterial', 'code'), reading.document) ??
		conceptAt(reading, statement, 'value') ??
		conceptAt(reading, statement)
	);
}
