// The US Realm Header: whose document it is, who made and keeps it, what care it tells of.
// https://www.hl7.org/ccdasearch/templates/2.16.840.1.113883.10.20.22.1.1.html
import type {
	CareTeam,
	Concept,
	Encounter,
	Entity,
	Extension,
	Name,
	Party,
	Patient,
	Place,
	Reference,
	ServiceRequest,
} from '#exchange/documents/shapes.ts';
import { anyHasCode } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { uuidOf } from '#formats/ccda/uuid.ts';
import { type DocumentKey, type DocumentKind, documents, oidOf, usRealmHeader } from '#formats/ccda/vocabulary.ts';
import { templateIds } from '#formats/ccda/write/templates.ts';
import {
	addresses,
	code,
	fixed,
	formerAddresses,
	interval,
	nothing,
	personNames,
	stamp,
	telecoms,
	time,
} from '#formats/ccda/write/values.ts';
import { type Content, element } from '#formats/ccda/write/xml.ts';
import { type Draft, latestFirst, ownId } from './draft.ts';
import { assignedEntity, organization, performer, serviceLocation, whoWords } from './parties.ts';
import { kindOf } from './sections/encounters.ts';
import { isReferral } from './sections/plan.ts';

const administrativeGender = 'http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender';
const loinc = 'http://loinc.org';
const core = 'http://hl7.org/fhir/us/core/StructureDefinition';
const raceAndEthnicity = 'urn:oid:2.16.840.1.113883.6.238';

export type Identity = {
	/** Id of this document. */
	readonly id: string;
	/** The same for every document of its kind about the patient. */
	readonly setId: string;
};

/** All of a document that stands before its body. */
export function header(draft: Draft, key: DocumentKey, { id, setId }: Identity): Content[] {
	const kind: DocumentKind = documents[key];
	return [
		element('realmCode', { code: 'US' }),
		element('typeId', { root: '2.16.840.1.113883.1.3', extension: 'POCD_HD000040' }),
		templateIds(usRealmHeader.template, usRealmHeader.extension),
		templateIds(kind.template, kind.extension),
		element('id', { root: id }),
		fixed('code', loinc, kind.code, kind.display),
		element('title', {}, kind.title),
		time('effectiveTime', draft.now),
		fixed(
			'confidentialityCode',
			'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
			isRestricted(draft) ? 'R' : 'N',
			isRestricted(draft) ? 'restricted' : 'normal',
		),
		element('languageCode', { code: 'en-US' }),
		element('setId', { root: setId }),
		// Each document stands for itself: when it was made tells which of a set is newer.
		element('versionNumber', { value: String(Math.floor(Date.parse(draft.now) / 1000)) }),
		recordTarget(draft),
		deviceAuthor(draft),
		element('custodian', {}, element('assignedCustodian', {}, custodian(draft))),
		key === 'referral' ? recipient(draft) : undefined,
		(draft.record.patient.contact ?? []).flatMap(contact),
		relatives(draft),
		documentationOf(draft, key),
		componentOf(draft),
	];
}

/** Whether anything of the patient is marked as more than normally confidential. */
function isRestricted({ record }: Draft): boolean {
	const security = (record.patient.meta as { security?: readonly { readonly code?: string }[] } | undefined)?.security ?? [];
	return security.some(({ code: value }) => value === 'R' || value === 'V');
}

function recordTarget(draft: Draft): Element {
	const { patient } = draft.record;
	const ids = (patient.identifier ?? []).flatMap(({ system, value }) => {
		const root = oidOf(system);
		return root === undefined || value === undefined || value === '' ? [] : [element('id', { root, extension: value })];
	});
	const keeper = draft.record.find<Party>(patient.managingOrganization, patient);
	return element(
		'recordTarget',
		{},
		element(
			'patientRole',
			{},
			ownId(draft, patient),
			ids,
			addresses(patient.address),
			formerAddresses(patient.address),
			telecoms(patient.telecom),
			person(patient),
			keeper === undefined ? undefined : organization(draft, 'providerOrganization', keeper),
		),
	);
}

const genders: Readonly<Record<string, readonly [string, string]>> = {
	male: ['M', 'Male'],
	female: ['F', 'Female'],
	other: ['UN', 'Undifferentiated'],
};

function person(patient: Patient): Element {
	const gender = genders[patient.gender ?? ''];
	const [race, ...races] = demographic(patient, 'us-core-race');
	const [ethnicity, ...ethnicities] = demographic(patient, 'us-core-ethnicity');
	const isDead = patient.deceasedBoolean === true || patient.deceasedDateTime !== undefined;
	return element(
		'patient',
		{},
		personNames(patient.name),
		gender === undefined ? nothing('administrativeGenderCode') : fixed('administrativeGenderCode', administrativeGender, ...gender),
		time('birthTime', patient.birthDate),
		isDead ? element('sdtc:deceasedInd', { value: 'true' }) : undefined,
		stamp(patient.deceasedDateTime) === undefined ? undefined : time('sdtc:deceasedTime', patient.deceasedDateTime),
		patient.multipleBirthInteger === undefined
			? undefined
			: [
					element('sdtc:multipleBirthInd', { value: 'true' }),
					element('sdtc:multipleBirthOrderNumber', { value: String(patient.multipleBirthInteger) }),
				],
		maritalStatus(patient.maritalStatus),
		race === undefined ? nothing('raceCode') : coded('raceCode', race),
		races.map((one) => coded('sdtc:raceCode', one)),
		ethnicity === undefined ? nothing('ethnicGroupCode') : coded('ethnicGroupCode', ethnicity),
		ethnicities.map((one) => coded('sdtc:ethnicGroupCode', one)),
		(patient.contact ?? []).filter(({ relationship }) => anyHasCode(relationship, ['GUARD'])).map(guardian),
		(patient.communication ?? []).flatMap(({ language, preferred }) => {
			const tag = language?.coding?.find(({ code: value }) => value !== undefined && /^[A-Za-z]{2,3}(-[A-Za-z]{2})?$/.test(value))?.code;
			if (tag === undefined) return [];
			return [
				element(
					'languageCommunication',
					{},
					element('languageCode', { code: tag }),
					preferred === undefined ? undefined : element('preferenceInd', { value: String(preferred) }),
				),
			];
		}),
	);
}

type Coded = { readonly system?: string; readonly code?: string; readonly display?: string };

function coded(name: string, { code: value, display }: Coded): Element {
	return fixed(name, raceAndEthnicity, value ?? '', display ?? value ?? '');
}

/** The race or ethnicity of US Core: the broad categories first, then the detailed ones. */
function demographic(patient: Patient, name: string): Coded[] {
	const parts: readonly Extension[] = patient.extension?.find(({ url }) => url === `${core}/${name}`)?.extension ?? [];
	const of = (url: string): Coded[] =>
		parts.flatMap((part) =>
			part.url === url && part.valueCoding?.code !== undefined && part.valueCoding.system === raceAndEthnicity ? [part.valueCoding] : [],
		);
	return [...of('ombCategory'), ...of('detailed')];
}

const maritalSystem = 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus';

function maritalStatus(concept: Concept | undefined): Element | undefined {
	const known = concept?.coding?.some(({ system, code: value }) => system === maritalSystem && value !== undefined) === true;
	return known ? code('maritalStatusCode', concept, { systems: [maritalSystem], only: true }) : undefined;
}

type PatientContact = NonNullable<Patient['contact']>[number];

function guardian({ name, telecom, address }: PatientContact): Element {
	return element(
		'guardian',
		{},
		addresses(address === undefined ? undefined : [address]),
		telecoms(telecom),
		element('guardianPerson', {}, personNames(name === undefined ? undefined : [name])),
	);
}

const roleCode = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';

/** People to turn to: next of kin and emergency contacts. */
function contact({ relationship, name, telecom, address }: PatientContact): Element[] {
	if (name === undefined) return [];
	const isEmergency = anyHasCode(relationship, ['C', 'EP']);
	const known = relationship?.find((one) => one.coding?.some(({ system }) => system === roleCode));
	return [
		element(
			'participant',
			{ typeCode: 'IND' },
			element(
				'associatedEntity',
				{ classCode: isEmergency ? 'ECON' : 'NOK' },
				known === undefined ? undefined : code('code', known, { systems: [roleCode], only: true }),
				addresses(address === undefined ? undefined : [address]),
				telecoms(telecom),
				element('associatedPerson', {}, personNames([name])),
			),
		),
	];
}

/** People of the record who are kin or care for the patient, and are not among the contacts. */
function relatives({ record }: Draft): Element[] {
	const known = new Set((record.patient.contact ?? []).map(({ name }) => JSON.stringify([name?.family, name?.given])));
	return record.list<Party>('RelatedPerson').flatMap(({ name, relationship, telecom, address }) => {
		const [first] = Array.isArray(name) ? (name as readonly Name[]) : [];
		if (first === undefined || known.has(JSON.stringify([first.family, first.given]))) return [];
		const [place] = Array.isArray(address) ? (address as readonly Place[]) : [];
		return contact({
			name: first,
			...(relationship === undefined ? {} : { relationship }),
			...(telecom === undefined ? {} : { telecom }),
			...(place === undefined ? {} : { address: place }),
		});
	});
}

/** The organization that answers for the record. */
function keeperOf({ record }: Draft): Reference | undefined {
	const [latest] = latestFirst(record.list<Encounter>('Encounter'), ({ period }) => period?.start);
	return record.patient.managingOrganization ?? latest?.serviceProvider;
}

function custodian(draft: Draft): Element {
	const reference = keeperOf(draft);
	return organization(
		draft,
		'representedCustodianOrganization',
		draft.record.find<Party>(reference, draft.record.patient),
		reference?.display,
	);
}

/** The document is put together by software, on somebody's wish: what it says has authors of its own. */
function deviceAuthor(draft: Draft): Element {
	const reference = keeperOf(draft);
	const keeper = draft.record.find<Party>(reference, draft.record.patient);
	return element(
		'author',
		{},
		time('time', draft.now),
		element(
			'assignedAuthor',
			{},
			element('id', { root: uuidOf(draft.base) }),
			addresses(keeper === undefined ? undefined : [keeper.address].flat().filter((one) => one !== undefined)).slice(0, 1),
			telecoms(keeper?.telecom, 1),
			element('assignedAuthoringDevice', {}, element('manufacturerModelName', {}, 'Heron'), element('softwareName', {}, 'Heron')),
			organization(draft, 'representedOrganization', keeper, reference?.display),
		),
	);
}

/** To whom a referral goes: somebody has to stand there, known or not. */
function recipient(draft: Draft): Element {
	const [latest] = latestFirst(draft.record.list<ServiceRequest>('ServiceRequest').filter(isReferral), ({ authoredOn }) => authoredOn);
	const [reference] = latest?.performer ?? [];
	const who = draft.record.find<Party>(reference, latest);
	const words = whoWords(draft, reference, latest);
	const isPerson = who !== undefined && who.resourceType !== 'Organization';
	const names = isPerson && Array.isArray(who.name) ? who.name : undefined;
	return element(
		'informationRecipient',
		{},
		element(
			'intendedRecipient',
			{},
			who === undefined ? nothing('id', 'NI') : ownId(draft, who),
			element('informationRecipient', {}, personNames(names ?? (words === '' || who !== undefined ? undefined : [{ text: words }]))),
			isPerson || words === '' ? undefined : element('receivedOrganization', {}, element('name', {}, words)),
		),
	);
}

/** The care that the document tells of, and who gave it. */
function documentationOf(draft: Draft, key: DocumentKey): Element {
	const { record, period, now } = draft;
	const team = record
		.list<CareTeam>('CareTeam')
		.flatMap(({ participant }) => participant ?? [])
		.map(({ member }) => member);
	const people = [...(record.patient.generalPractitioner ?? []), ...team].filter(
		(one) => one?.reference !== undefined && /Practitioner/.test(one.reference),
	);
	const distinct = [...new Map(people.map((one) => [one?.reference, one])).values()];
	const givers = distinct.map((reference) => performer(draft, reference, record.patient, 'PRF')).filter((one) => one !== undefined);
	const start = draft.encounter?.period?.start ?? period.start ?? record.patient.birthDate;
	const end = draft.encounter?.period?.end ?? period.end ?? now;
	return element(
		'documentationOf',
		{},
		element(
			'serviceEvent',
			{ classCode: 'PCPR' },
			key === 'progress' ? element('templateId', { root: '2.16.840.1.113883.10.20.21.3.1' }) : undefined,
			interval('effectiveTime', { ...(start === undefined ? {} : { start }), end }),
			givers.length === 0 && key === 'care-plan' ? element('performer', { typeCode: 'PRF' }, assignedEntity(draft, undefined)) : givers,
		),
	);
}

/** The visit that the document is about. */
function componentOf(draft: Draft): Element | undefined {
	const { encounter } = draft;
	if (encounter === undefined) return undefined;
	const [place] = encounter.location ?? [];
	const facility = serviceLocation(draft, place?.location ?? encounter.serviceProvider, encounter);
	const disposition = encounter.hospitalization?.dischargeDisposition;
	const [first] = encounter.participant ?? [];
	const kind = kindOf(encounter);
	return element(
		'componentOf',
		{},
		element(
			'encompassingEncounter',
			{},
			ownId(draft, encounter),
			kind === undefined ? undefined : code('code', kind),
			interval('effectiveTime', encounter.period ?? {}),
			disposition === undefined ? nothing('dischargeDispositionCode') : code('dischargeDispositionCode', disposition),
			first?.individual === undefined ? undefined : element('responsibleParty', {}, assignedEntity(draft, first.individual, encounter)),
			(encounter.participant ?? []).map(({ individual }) =>
				element('encounterParticipant', { typeCode: 'ATND' }, assignedEntity(draft, individual, encounter)),
			),
			element('location', {}, element('healthCareFacility', {}, facilityParts(draft, facility))),
		),
	);
}

function facilityParts(draft: Draft, facility: Element | undefined): Content[] {
	const role = facility?.children.find((one) => typeof one !== 'string' && one.name === 'participantRole') as Element | undefined;
	const parts = (name: string): Element[] =>
		(role?.children ?? []).filter((one): one is Element => typeof one !== 'string' && one.name === name);
	const playing = parts('playingEntity')[0];
	if (role === undefined) return [nothing('id', 'NI'), element('location', {}, nothing('addr'))];
	return [
		parts('id'),
		element('location', {}, playing?.children ?? [], parts('addr')),
		draft.encounter?.serviceProvider === undefined ? undefined : provider(draft, draft.encounter),
	];
}

function provider(draft: Draft, encounter: Encounter): Element | undefined {
	const found = draft.record.find<Party>(encounter.serviceProvider, encounter);
	return found === undefined ? undefined : organization(draft, 'serviceProviderOrganization', found as Entity as Party);
}
