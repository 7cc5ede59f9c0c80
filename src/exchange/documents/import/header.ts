// What the header of a document says: whom it is about, who wrote it, when, and about which visit.
import type { Resource } from '#fhir/resource.ts';
import type { ClinicalDocument } from '#formats/ccda/document.ts';
import { at, child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import { addressOf, codingOf, conceptOf, identifiersOf, nameOf, telecomOf, timeOf, zoneOf } from '#formats/ccda/values.ts';
import { type Actor, actorOf, concept, displayOf, present } from './reading.ts';

const genders: Readonly<Record<string, string>> = { M: 'male', F: 'female', UN: 'other' };
const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-';

/** The patient of the document; undefined when it names none. Documents about several keep the first, as C-CDA allows one only. */
export function patientOf(document: ClinicalDocument): Resource | undefined {
	const role = at(document.root, 'recordTarget', 'patientRole');
	const person = child(role, 'patient');
	if (role === undefined || person === undefined) return undefined;
	const zone = zoneOf(document);
	const born = timeOf(child(person, 'birthTime')?.attributes.value, zone)?.slice(0, 10);
	const gender = genders[child(person, 'administrativeGenderCode')?.attributes.code ?? ''];
	const deceased = timeOf(child(person, 'sdtc:deceasedTime')?.attributes.value, zone);
	const many = <T>(holder: Element, name: string, of: (element: Element) => T | undefined): T[] =>
		childrenOf(holder, name)
			.map(of)
			.filter((one) => one !== undefined);
	return present({
		resourceType: 'Patient',
		extension: [
			...population('race', [child(person, 'raceCode'), ...childrenOf(person, 'sdtc:raceCode')]),
			...population('ethnicity', [child(person, 'ethnicGroupCode'), ...childrenOf(person, 'sdtc:ethnicGroupCode')]),
			...religion(person, document),
		],
		identifier: identifiersOf(role).filter(({ system }) => system !== 'urn:ietf:rfc:3986'),
		active: true,
		name: many(person, 'name', nameOf),
		telecom: many(role, 'telecom', telecomOf),
		gender: gender ?? 'unknown',
		birthDate: born,
		deceasedDateTime: deceased,
		deceasedBoolean: deceased === undefined && child(person, 'sdtc:deceasedInd')?.attributes.value === 'true' ? true : undefined,
		address: many(role, 'addr', addressOf),
		maritalStatus: conceptOf(child(person, 'maritalStatusCode'), document),
		communication: childrenOf(person, 'languageCommunication').flatMap((one) => {
			const language = child(one, 'languageCode')?.attributes.code?.trim();
			const preferred = child(one, 'preferenceInd')?.attributes.value === 'true' ? { preferred: true } : {};
			return language === undefined || !/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language)
				? []
				: [{ language: concept('urn:ietf:bcp:47', language), ...preferred }];
		}),
		contact: [
			...childrenOf(person, 'guardian').map((one) =>
				present({
					relationship: [concept(roles, 'GUARD', 'guardian'), conceptOf(child(one, 'code'), document)].filter((code) => code !== undefined),
					name: nameOf(at(one, 'guardianPerson', 'name')),
					telecom: many(one, 'telecom', telecomOf),
					address: addressOf(child(one, 'addr')),
				}),
			),
			...supporters(document),
		],
	}) as Resource;
}

const roles = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
const contactRoles: Readonly<Record<string, readonly [string, string]>> = {
	ECON: ['C', 'Emergency Contact'],
	NOK: ['N', 'Next-of-Kin'],
	CAREGIVER: ['O', 'Other'],
	AGNT: ['O', 'Other'],
};

/** People to turn to: those of the header with a part in the care (IND) who are kin, to be called in need, or care for the patient. */
function supporters(document: ClinicalDocument): object[] {
	return childrenOf(document.root, 'participant').flatMap((participant) => {
		const entity = child(participant, 'associatedEntity');
		const role = contactRoles[entity?.attributes.classCode ?? ''];
		const name = nameOf(at(entity, 'associatedPerson', 'name'));
		if (entity === undefined || role === undefined || name === undefined) return [];
		return [
			present({
				relationship: [
					concept('http://terminology.hl7.org/CodeSystem/v2-0131', ...role),
					conceptOf(child(entity, 'code'), document),
				].filter((code) => code !== undefined),
				name,
				telecom: childrenOf(entity, 'telecom')
					.map(telecomOf)
					.filter((one) => one !== undefined),
				address: addressOf(child(entity, 'addr')),
			}),
		];
	});
}

const categories = new Set(['1002-5', '2028-9', '2054-5', '2076-8', '2106-3', '2135-2', '2186-5']);

/** US Core's race and ethnicity: the categories of OMB, and anything finer as detail. */
function population(name: 'race' | 'ethnicity', elements: readonly (Element | undefined)[]): object[] {
	const codings = elements.map((element) => codingOf(element)).filter((one) => one !== undefined);
	if (codings.length === 0) return [];
	const parts = codings.map((coding) => ({ url: categories.has(coding.code ?? '') ? 'ombCategory' : 'detailed', valueCoding: coding }));
	const text = codings.map(({ display, code }) => display ?? code).join(', ');
	return [{ url: `${usCore}${name}`, extension: [...parts, { url: 'text', valueString: text }] }];
}

function religion(person: Element, document: ClinicalDocument): object[] {
	const value = conceptOf(child(person, 'religiousAffiliationCode'), document);
	return value === undefined ? [] : [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-religion', valueCodeableConcept: value }];
}

export type Header = {
	readonly title: string | undefined;
	readonly type: object;
	readonly date: string | undefined;
	readonly identifier: { readonly system: string; readonly value: string } | undefined;
	readonly author: Actor | undefined;
	readonly custodian: string | undefined;
	readonly confidentiality: string | undefined;
	readonly encounter: Element | undefined;
};

export function headerOf(document: ClinicalDocument): Header {
	const { root } = document;
	const custodian = at(root, 'custodian', 'assignedCustodian', 'representedCustodianOrganization', 'name');
	return {
		title: displayOf(nameOf(child(root, 'title'))),
		type: conceptOf(child(root, 'code'), document) ?? concept('http://loinc.org', '34133-9', 'Summary of episode note'),
		date: timeOf(child(root, 'effectiveTime')?.attributes.value, zoneOf(document)),
		identifier: identifiersOf(root)[0],
		author: actorOf(child(root, 'author')),
		custodian: displayOf(nameOf(custodian)),
		confidentiality: child(root, 'confidentialityCode')?.attributes.code,
		encounter: at(root, 'componentOf', 'encompassingEncounter'),
	};
}
