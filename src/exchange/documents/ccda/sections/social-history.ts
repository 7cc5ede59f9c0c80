// Social history: smoking, sex and gender, pregnancy, occupation, circumstances of life.
import { type Draft, latestFirst, marked, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { assertion, loinc, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { kept } from '#exchange/documents/ccda/kept.ts';
import { codedValue, interpretationsOf, isMade, kindOf } from '#exchange/documents/ccda/observations.ts';
import { author } from '#exchange/documents/ccda/parties.ts';
import type { Concept, Extension, Observation, ObservationPart } from '#exchange/documents/shapes.ts';
import { anyHasCode, conceptWords, hasCode, notesWords, periodOf, valueWords, whenWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { type TemplateName, template } from '#formats/ccda/write/templates.ts';
import { code, fixed, interval, nothing, time } from '#formats/ccda/write/values.ts';
import { type Content, element } from '#formats/ccda/write/xml.ts';

export function socialHistory(draft: Draft): Section {
	const { record } = draft;
	const observed = latestFirst(
		record.list<Observation>('Observation').filter((one) => isMade(one) && kindOf(one) === 'social-history'),
		(one) => periodOf(one).start,
	);
	const told = observed.flatMap((observation) => linesOf(draft, observation));
	return tableSection('social-history', ['Subject', 'Finding', 'Date', 'Notes'], [...personLines(draft, observed), ...told]);
}

type Line = { readonly id: string; readonly cells: (string | Element)[]; readonly entry: Element };

function linesOf(draft: Draft, observation: Observation): Line[] {
	const components = (observation.component ?? []).map((part, i) => ({ part, suffix: `_${i + 1}` }));
	const isBare = valueWords(observation) === '' && components.length > 0;
	const parts: { part: ObservationPart; suffix: string }[] = isBare ? components : [{ part: observation, suffix: '' }, ...components];
	return parts.map(({ part, suffix }) => {
		const id = `${rowId('social-history', observation)}${suffix}`;
		return {
			id,
			cells: [
				marked(`${id}_name`, conceptWords(part.code)),
				marked(`${id}_value`, valueWords(part)),
				whenWords(observation),
				notesWords(observation.note),
			],
			entry: entryOf(draft, observation, part, id, suffix),
		};
	});
}

const smokingCode = '72166-2';

/** Smoking states of US Core in the value set of the template (2.16.840.1.113883.11.20.9.38). */
const smokingStates = new Set([
	'449868002',
	'428041000124106',
	'8517006',
	'266919005',
	'77176002',
	'266927001',
	'428071000124103',
	'428061000124105',
]);

/** Templates by what the observation is about. */
const byCode: Readonly<Record<string, TemplateName>> = { '76691-5': 'gender identity', '76690-7': 'sexual orientation' };

const preferences = [
	['treatment-intervention-preference', 'treatment preference'],
	['care-experience-preference', 'care experience preference'],
] as const;

function entryOf(draft: Draft, observation: Observation, part: ObservationPart, id: string, suffix: string): Element {
	const own = ownId(draft, observation, suffix === '' ? undefined : suffix.slice(1));
	const by = author(draft, observation.performer?.[0], observation.issued, observation);
	const start = periodOf(observation).start;
	const known = (part.code?.coding ?? []).map((coding) => byCode[coding.code ?? '']).find((name) => name !== undefined);
	if (hasCode(part.code, [smokingCode])) {
		const state = part.valueCodeableConcept;
		return statement(
			'smoking status',
			own,
			fixed('code', loinc, smokingCode, 'Tobacco smoking status'),
			pointer(id),
			time('effectiveTime', start),
			code('value', state, { type: 'CD', systems: [snomed], only: true, takes: (one) => smokingStates.has(one.code ?? '') }),
			by,
		);
	}
	if (known !== undefined && part.valueCodeableConcept !== undefined)
		return statement(
			known,
			own,
			code('code', part.code, { systems: [loinc] }),
			pointer(id),
			interval('effectiveTime', periodOf(observation), { open: true }),
			code('value', part.valueCodeableConcept, { type: 'CD', systems: [snomed] }),
			by,
		);
	if (hasCode(part.valueCodeableConcept, ['77386006'], snomed))
		return statement(
			'pregnancy',
			own,
			assertion(),
			pointer(id),
			interval('effectiveTime', periodOf(observation), { open: true }),
			fixed('value', snomed, '77386006', 'Pregnant', 'CD'),
			by,
		);
	const preference = preferences.find(([category]) => anyHasCode(observation.category, [category]))?.[1];
	return statement(
		'social history',
		preference === undefined ? undefined : template(preference),
		own,
		subjectOf(part, `${id}_name`),
		pointer(id),
		start === undefined ? nothing('effectiveTime') : interval('effectiveTime', periodOf(observation), { open: true }),
		codedValue(part, `${id}_value`) ?? element('value', { 'xsi:type': 'ST', nullFlavor: 'NI' }),
		interpretationsOf(part),
		by,
		suffix === '' ? kept(observation, 'detail') : undefined,
	);
}

/** What a finding is about: a code of LOINC, or another one with a translation into LOINC, which may be unknown. */
function subjectOf({ code: concept }: ObservationPart, reference: string): Element {
	const { name, attributes, children } = code('code', concept, { systems: [loinc], reference });
	const isEnough =
		attributes.codeSystem === '2.16.840.1.113883.6.1' || children.some((one) => typeof one !== 'string' && one.name === 'translation');
	return element(name, attributes, children, isEnough ? undefined : nothing('translation'));
}

function statement(name: TemplateName, ...content: readonly Content[]): Element {
	return element('observation', { classCode: 'OBS', moodCode: 'EVN' }, template(name), status('completed'), content);
}

const core = 'http://hl7.org/fhir/us/core/StructureDefinition';
const sexes: Readonly<Record<string, string>> = { F: 'Female', M: 'Male' };

/** What the Patient resource itself says of sex and gender. */
function personLines(draft: Draft, observed: readonly Observation[]): Line[] {
	const { patient } = draft.record;
	const extension = (name: string): Extension | undefined => patient.extension?.find(({ url }) => url === `${core}/${name}`);
	const isObserved = (loincCode: string): boolean => observed.some((one) => hasCode(one.code, [loincCode]));
	const lines: Line[] = [];
	const add = (key: string, subject: string, words: string, entry: (id: string) => Element): void => {
		const id = `social-history_${key}`;
		lines.push({ id, cells: [subject, words, '', ''], entry: entry(id) });
	};
	const own = (part: string): Element => ownId(draft, patient, part);
	const birthSex = extension('us-core-birthsex')?.valueCode;
	if (birthSex !== undefined && !isObserved('76689-9')) {
		const value = sexes[birthSex];
		add('birth-sex', 'Birth sex', value ?? 'Unknown', (id) =>
			statement(
				'birth sex',
				own('birth-sex'),
				fixed('code', loinc, '76689-9', 'Sex assigned at birth'),
				pointer(id),
				nothing('effectiveTime'),
				value === undefined
					? element('value', { 'xsi:type': 'CD', nullFlavor: 'UNK' })
					: fixed('value', 'http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender', birthSex, value, 'CD'),
			),
		);
	}
	const sex = sexOf(extension('us-core-sex'));
	if (sex !== undefined)
		add('sex', 'Sex', conceptWords(sex), (id) =>
			statement(
				'sex',
				own('sex'),
				fixed('code', loinc, '46098-0', 'Sex'),
				pointer(id),
				nothing('effectiveTime'),
				code('value', sex, { type: 'CD' }),
			),
		);
	const gender = extension('us-core-genderIdentity')?.valueCodeableConcept;
	if (gender !== undefined && !isObserved('76691-5'))
		add('gender-identity', 'Gender identity', conceptWords(gender), (id) =>
			statement(
				'gender identity',
				own('gender-identity'),
				fixed('code', loinc, '76691-5', 'Gender identity'),
				pointer(id),
				element('effectiveTime', {}, nothing('low')),
				code('value', gender, { type: 'CD' }),
			),
		);
	for (const { url, key, subject, loincCode } of told) {
		const one = patient.extension?.find((extension) => extension.url === url);
		const value = valueIn(one) ?? valueIn(one?.extension?.find((part) => part.url === 'value'));
		if (value !== undefined && !isObserved(loincCode))
			add(key, subject, conceptWords(value), (id) =>
				statement(
					'social history',
					own(key),
					fixed('code', loinc, loincCode, subject),
					pointer(id),
					nothing('effectiveTime'),
					code('value', value, { type: 'CD' }),
				),
			);
	}
	const tribe = extension('us-core-tribal-affiliation')?.extension?.find(({ url }) => url === 'tribalAffiliation')?.valueCodeableConcept;
	if (tribe !== undefined)
		add('tribal-affiliation', 'Tribal affiliation', conceptWords(tribe), (id) =>
			statement(
				'tribal affiliation',
				own('tribal-affiliation'),
				fixed('code', loinc, '95370-3', 'Tribal affiliation'),
				pointer(id),
				nothing('effectiveTime'),
				code('value', tribe, { type: 'CD' }),
			),
		);
	return lines;
}

/** What else the Patient resource says in extensions, by the LOINC code of the question. */
const told = [
	{
		url: 'http://hl7.org/fhir/StructureDefinition/individual-pronouns',
		key: 'pronouns',
		subject: 'Personal pronouns - Reported',
		loincCode: '90778-2',
	},
	{ url: `${core}/us-core-interpreter-needed`, key: 'interpreter', subject: 'Interpreter needed', loincCode: '54588-9' },
	{
		url: 'http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse',
		key: 'sex-parameter',
		subject: 'Sex parameter for clinical use',
		loincCode: '99501-9',
	},
];

function valueIn(extension: Extension | undefined): Concept | undefined {
	const { valueCodeableConcept, valueCoding } = extension ?? {};
	return valueCodeableConcept ?? (valueCoding === undefined ? undefined : { coding: [valueCoding] });
}

const sexWords: Readonly<Record<string, string>> = { '248152002': 'Female', '248153007': 'Male' };

/** US Core's sex: a SNOMED CT code, as a code or a coding. */
function sexOf(extension: Extension | undefined): Concept | undefined {
	const value = extension?.valueCode;
	if (extension?.valueCoding !== undefined) return { coding: [extension.valueCoding] };
	if (value === undefined) return undefined;
	const display = sexWords[value];
	return display === undefined ? { text: value } : { coding: [{ system: snomed, code: value, display }] };
}
