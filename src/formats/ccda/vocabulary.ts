// What C-CDA R2.1 and FHIR call the same things: code systems, identifiers of people and places, sections and documents.
// https://www.hl7.org/ccdasearch/ · https://terminology.hl7.org/
// What clinical statements are called is in templates.ts.

import { uuidOf } from './uuid.ts';

export type System = {
	/** Object identifier, as in `codeSystem` and `root`. */
	readonly oid: string;
	/** Canonical url, as in `Coding.system` and `Identifier.system`. */
	readonly url: string;
	readonly name: string;
};

const hl7 = '2.16.840.1.113883';
const tho = 'http://terminology.hl7.org/CodeSystem';

const system = (oid: string, url: string, name: string): System => ({ oid, url, name });

/** Code systems. Where several stand for one url (or one OID), the first is written and all are read. */
export const codeSystems: readonly System[] = [
	system(`${hl7}.6.1`, 'http://loinc.org', 'LOINC'),
	system(`${hl7}.6.96`, 'http://snomed.info/sct', 'SNOMED CT'),
	system(`${hl7}.6.88`, 'http://www.nlm.nih.gov/research/umls/rxnorm', 'RxNorm'),
	system(`${hl7}.6.90`, 'http://hl7.org/fhir/sid/icd-10-cm', 'ICD-10-CM'),
	system(`${hl7}.6.4`, 'http://www.cms.gov/Medicare/Coding/ICD10', 'ICD-10-PCS'),
	system(`${hl7}.6.3`, 'http://hl7.org/fhir/sid/icd-10', 'ICD-10'),
	system(`${hl7}.6.103`, 'http://hl7.org/fhir/sid/icd-9-cm', 'ICD-9-CM'),
	system(`${hl7}.6.104`, 'http://hl7.org/fhir/sid/icd-9-cm', 'ICD-9-CM'),
	system(`${hl7}.6.12`, 'http://www.ama-assn.org/go/cpt', 'CPT'),
	system(`${hl7}.6.13`, 'http://www.ada.org/cdt', 'CDT'),
	system(`${hl7}.6.285`, 'http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets', 'HCPCS Level II'),
	system(`${hl7}.12.292`, 'http://hl7.org/fhir/sid/cvx', 'CVX'),
	system(`${hl7}.6.59`, 'http://hl7.org/fhir/sid/cvx', 'CVX'),
	system(`${hl7}.12.227`, 'http://hl7.org/fhir/sid/mvx', 'MVX'),
	system(`${hl7}.6.69`, 'http://hl7.org/fhir/sid/ndc', 'NDC'),
	system(`${hl7}.6.8`, 'http://unitsofmeasure.org', 'UCUM'),
	system(`${hl7}.6.101`, 'http://nucc.org/provider-taxonomy', 'Health Care Provider Taxonomy'),
	system(`${hl7}.6.238`, `urn:oid:${hl7}.6.238`, 'CDC Race and Ethnicity'),
	system(`${hl7}.6.121`, 'urn:ietf:bcp:47', 'Language'),
	system(`${hl7}.6.259`, 'https://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html', 'HSLOC'),
	system(`${hl7}.4.9`, 'http://fdasis.nlm.nih.gov', 'UNII'),
	system(`${hl7}.6.345`, 'http://www.nlm.nih.gov/research/umls/medrt', 'MED-RT'),
	system(`${hl7}.3.26.1.5`, 'http://hl7.org/fhir/ndfrt', 'NDF-RT'),
	system(`${hl7}.3.26.1.1`, 'http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl', 'NCI Thesaurus'),
	system(`${hl7}.3.221.5`, 'https://nahdo.org/sopt', 'Source of Payment Typology'),
	system(`${hl7}.6.255.1336`, 'https://codesystem.x12.org/005010/1336', 'X12 Insurance Type'),
	system(`${hl7}.6.301.3`, 'https://www.nubc.org/CodeSystem/RevenueCodes', 'NUBC Revenue Codes'),
	system(`${hl7}.6.301.5`, 'https://www.nubc.org/CodeSystem/PatDischargeStatus', 'NUBC Discharge Status'),
	system(`${hl7}.12.112`, `${tho}/v2-0112`, 'Discharge Disposition'),
	system(`${hl7}.12.1`, `${tho}/v2-0001`, 'Administrative Sex (HL7 v2)'),
	system(`${hl7}.6.92`, 'https://www.census.gov/geo/reference/', 'FIPS 5-2 State'),
	system(`${hl7}.5.4`, `${tho}/v3-ActCode`, 'ActCode'),
	system(`${hl7}.5.6`, `${tho}/v3-ActClass`, 'ActClass'),
	system(`${hl7}.5.7`, `${tho}/v3-ActPriority`, 'ActPriority'),
	system(`${hl7}.5.8`, `${tho}/v3-ActReason`, 'ActReason'),
	system(`${hl7}.11.19725`, `${tho}/v3-ActReason`, 'ActReason'),
	system(`${hl7}.5.14`, `${tho}/v3-ActStatus`, 'ActStatus'),
	system(`${hl7}.5.1`, `${tho}/v3-AdministrativeGender`, 'AdministrativeGender'),
	system(`${hl7}.5.2`, `${tho}/v3-MaritalStatus`, 'MaritalStatus'),
	system(`${hl7}.5.25`, `${tho}/v3-Confidentiality`, 'Confidentiality'),
	system(`${hl7}.5.60`, `${tho}/v3-LanguageAbilityMode`, 'LanguageAbilityMode'),
	system(`${hl7}.5.61`, `${tho}/v3-LanguageAbilityProficiency`, 'LanguageAbilityProficiency'),
	system(`${hl7}.5.83`, `${tho}/v3-ObservationInterpretation`, 'ObservationInterpretation'),
	system(`${hl7}.1.11.78`, `${tho}/v3-ObservationInterpretation`, 'ObservationInterpretation'),
	system(`${hl7}.5.84`, `${tho}/v3-ObservationMethod`, 'ObservationMethod'),
	system(`${hl7}.5.88`, `${tho}/v3-ParticipationFunction`, 'ParticipationFunction'),
	system(`${hl7}.5.90`, `${tho}/v3-ParticipationType`, 'ParticipationType'),
	system(`${hl7}.5.110`, `${tho}/v3-RoleClass`, 'RoleClass'),
	system(`${hl7}.5.111`, `${tho}/v3-RoleCode`, 'RoleCode'),
	system(`${hl7}.5.112`, `${tho}/v3-RouteOfAdministration`, 'RouteOfAdministration'),
	system(`${hl7}.5.1001`, `${tho}/v3-ActMood`, 'ActMood'),
	system(`${hl7}.5.1008`, `${tho}/v3-NullFlavor`, 'NullFlavor'),
	system(`${hl7}.5.1052`, `${tho}/v3-ActSite`, 'ActSite'),
	system(`${hl7}.5.1063`, `${tho}/v3-ObservationValue`, 'ObservationValue'),
	system(`${hl7}.5.1076`, `${tho}/v3-ReligiousAffiliation`, 'ReligiousAffiliation'),
	system(`${hl7}.5.140`, `${tho}/v3-TribalEntityUS`, 'TribalEntityUS'),
	system(`${hl7}.18.58`, `${tho}/v2-0131`, 'Contact Role (HL7 v2)'),
	system(`${hl7}.18.317`, `${tho}/v2-0493`, 'Specimen Condition (HL7 v2)'),
	system(`${hl7}.4.642.4.1093`, `${tho}/discharge-disposition`, 'DischargeDisposition'),
	system('2.16.840.1.114222.4.5.327', `${tho}/PHOccupationalDataForHealthODH`, 'Occupational Data for Health'),
	system(`${hl7}.4.642.4.1375`, `${tho}/goal-achievement`, 'GoalAchievementStatus'),
	system(`${hl7}.4.642.4.1226`, `${tho}/consentcategorycodes`, 'ConsentCategoryCodes'),
];

/** Naming systems of identifiers. */
export const identifierSystems: readonly System[] = [
	system(`${hl7}.4.6`, 'http://hl7.org/fhir/sid/us-npi', 'National Provider Identifier'),
	system(`${hl7}.4.1`, 'http://hl7.org/fhir/sid/us-ssn', 'Social Security Number'),
	system(`${hl7}.4.927`, 'http://hl7.org/fhir/sid/us-mbi', 'Medicare Beneficiary Identifier'),
	system(`${hl7}.4.572`, 'http://hl7.org/fhir/sid/us-medicare', 'Medicare number (HICN)'),
	system(`${hl7}.3.3719`, 'http://hl7.org/fhir/NamingSystem/fda-udi', 'Unique Device Identifier'),
];

const systems = [...codeSystems, ...identifierSystems];
/** The first of several with one key stands. */
const firstOf = (key: (system: System) => string): ReadonlyMap<string, System> =>
	new Map(systems.toReversed().map((one) => [key(one), one]));
const byOid = firstOf(({ oid }) => oid);
const byUrl = firstOf(({ url }) => url);

/** A name as systems write it in many ways: `RXNORM`, `SNOMED-CT`, `ICD9`. */
const folded = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, '');
const byName: ReadonlyMap<string, string> = new Map([
	...codeSystems.toReversed().map(({ name, url }): [string, string] => [folded(name), url]),
	['SNOMED', 'http://snomed.info/sct'],
	['SCT', 'http://snomed.info/sct'],
	['CPT4', 'http://www.ama-assn.org/go/cpt'],
	['HCPCS', 'http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets'],
	['ICD9', 'http://hl7.org/fhir/sid/icd-9-cm'],
]);

/** The url of a code system or naming system; `otherwise` where the table has none. */
export function systemOf(oid: string, otherwise = `urn:oid:${oid}`): string {
	return byOid.get(oid)?.url ?? otherwise;
}

/**
 * The url of the code system of a coded value: by its OID, or by its name where a document gives no OID (or a name in its place).
 * Undefined when it says neither in a way that is known.
 */
export function codedSystem(codeSystem: string | undefined, name: string | undefined): string | undefined {
	const root = codeSystem?.trim() ?? '';
	if (/^[0-2](\.\d+)+$/.test(root)) return systemOf(root);
	const known = byName.get(folded(root)) ?? byName.get(folded(name ?? ''));
	if (known !== undefined || root === '') return known;
	if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(root)) return rootUri(root);
	const isOfName = name !== undefined && uuidOf(name) === root.toLowerCase();
	return isOfName ? name : `urn:uuid:${root.toLowerCase()}`;
}

/** A root that is neither an OID nor a UUID, as an URI. */
export function rootUri(root: string): string {
	return `urn:heron:root:${encodeURIComponent(root)}`;
}

/** The OID of a code system or naming system by its url or `urn:oid:`; undefined for what has none. */
export function oidOf(url: string | undefined): string | undefined {
	if (url === undefined) return undefined;
	return byUrl.get(url)?.oid ?? /^urn:oid:([0-2](?:\.(?:0|[1-9]\d*))+)$/.exec(url)?.[1];
}

type Code = { readonly system: string; readonly code: string; readonly display: string };

const nci = 'http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl';
const snomed = 'http://snomed.info/sct';

/** Codes that mean the same in the system that C-CDA wants: ways of giving a medicine, and how far a goal is met. */
const equivalents: ReadonlyMap<string, Code> = new Map(
	[
		[nci, 'C38288', 'ORAL', `${snomed}|26643006`, `${tho}/v3-RouteOfAdministration|PO`],
		[nci, 'C28161', 'INTRAMUSCULAR', `${snomed}|78421000`, `${tho}/v3-RouteOfAdministration|IM`],
		[nci, 'C38299', 'SUBCUTANEOUS', `${snomed}|34206005`, `${tho}/v3-RouteOfAdministration|SQ`],
		[nci, 'C38276', 'INTRAVENOUS', `${snomed}|47625008`],
		[nci, 'C38238', 'INTRADERMAL', `${snomed}|372464004`, `${tho}/v3-RouteOfAdministration|IDINJ`],
		[nci, 'C38284', 'NASAL', `${snomed}|46713006`],
		[nci, 'C38216', 'RESPIRATORY (INHALATION)', `${snomed}|447694001`],
		[nci, 'C38304', 'TOPICAL', `${snomed}|6064005`],
		[nci, 'C38305', 'TRANSDERMAL', `${snomed}|45890007`],
		[nci, 'C38287', 'OPHTHALMIC', `${snomed}|54485002`],
		[nci, 'C38192', 'AURICULAR (OTIC)', `${snomed}|10547007`],
		[nci, 'C38295', 'RECTAL', `${snomed}|37161004`],
		[nci, 'C38313', 'VAGINAL', `${snomed}|16857009`],
		[nci, 'C38300', 'SUBLINGUAL', `${snomed}|37839007`],
		[nci, 'C38193', 'BUCCAL', `${snomed}|54471007`],
		[snomed, '390802008', 'Goal achieved', `${tho}/goal-achievement|achieved`],
		[snomed, '390801001', 'Goal not achieved', `${tho}/goal-achievement|not-achieved`],
		[snomed, '706905005', 'Goal not attainable', `${tho}/goal-achievement|not-attainable`],
		[snomed, '706906006', 'No progress toward goal', `${tho}/goal-achievement|no-progress`],
	].flatMap(([system = '', code = '', display = '', ...same]) => same.map((key): [string, Code] => [key, { system, code, display }])),
);

/** The code that means the same in another system; undefined where the table has none. */
export function equivalentOf({ system, code }: { readonly system?: string; readonly code?: string }): Code | undefined {
	return equivalents.get(`${system}|${code}`);
}

/**
 * How a code system is written: by its OID with the name that people know it by, or, where it has none, by the UUID of its address with the
 * address as the name, from which `codedSystem` has it back. Undefined for what is no address.
 */
export function writtenSystem(
	url: string | undefined,
): { readonly codeSystem: string; readonly codeSystemName: string | undefined } | undefined {
	const oid = oidOf(url);
	if (oid !== undefined) return { codeSystem: oid, codeSystemName: nameOf(oid) };
	if (url === undefined || !/^[a-z][a-z0-9+.-]*:\S+$/i.test(url)) return undefined;
	const [, uuid] = /^urn:uuid:([0-9a-f-]{36})$/i.exec(url) ?? [];
	return uuid === undefined ? { codeSystem: uuidOf(url), codeSystemName: url } : { codeSystem: uuid, codeSystemName: undefined };
}

/** The name that people know a system by. */
export function nameOf(oid: string): string | undefined {
	return byOid.get(oid)?.name;
}

/** SNOMED CT: Care plan (record artifact), the code of an act that is a care plan as a whole. */
export const carePlanCode = '734163000';

/** SNOMED CT: At risk for, the code of a risk concern. */
export const atRiskCode = '281694009';

/** SNOMED CT: procedure / intervention, the code of an act that says no more than that it is one. */
export const interventionCode = '362956003';

/** The extension that keeps what a document says and FHIR has no element for; docs/documents.md lists them. */
export function keptUrl(field: string): string {
	return `https://heron-ehr.org/fhir/StructureDefinition/ccda-${field}`;
}

/** LOINC parts that US Core has as the category of a report that is a note: radiology, cardiology, pathology. */
export function isReportCategory(code: string | undefined): boolean {
	return code === 'LP29684-5' || code === 'LP29708-2' || code === 'LP7839-6';
}

export type SectionKind = {
	/** LOINC code of `section/code`. */
	readonly code: string;
	/** LOINC's words for it. */
	readonly display: string;
	readonly title: string;
	/** `templateId/@root`. */
	readonly template: string;
	/** `templateId/@extension` of R2.1; undefined for templates that R2.1 left as they were. */
	readonly extension?: string;
	/** A further code that R2.1 asks for. */
	readonly translation?: { readonly code: string; readonly display: string };
	/** Root of the same section with entries required. */
	readonly withEntries?: string;
};

const c = `${hl7}.10.20.22.2`;
const ihe = '1.3.6.1.4.1.19376.1.5.3.1';

/** Sections of C-CDA R2.1 and its companion guide, in the order in which we write them. */
export const sections = {
	'reason-for-referral': {
		code: '42349-1',
		display: 'Reason for referral',
		title: 'Reason for Referral',
		template: `${ihe}.3.1`,
		extension: '2014-06-09',
	},
	'reason-for-visit': { code: '29299-5', display: 'Reason for visit', title: 'Reason for Visit', template: `${c}.12` },
	'chief-complaint': { code: '10154-3', display: 'Chief complaint', title: 'Chief Complaint', template: `${ihe}.1.13.2.1` },
	'chief-complaint-and-reason': {
		code: '46239-0',
		display: 'Chief complaint and reason for visit',
		title: 'Chief Complaint and Reason for Visit',
		template: `${c}.13`,
	},
	allergies: {
		code: '48765-2',
		display: 'Allergies and adverse reactions',
		title: 'Allergies and Intolerances',
		template: `${c}.6`,
		extension: '2015-08-01',
		withEntries: `${c}.6.1`,
	},
	medications: {
		code: '10160-0',
		display: 'History of Medication use',
		title: 'Medications',
		template: `${c}.1`,
		extension: '2014-06-09',
		withEntries: `${c}.1.1`,
	},
	'admission-medications': {
		code: '42346-7',
		display: 'Medications on admission',
		title: 'Admission Medications',
		template: `${c}.44`,
		extension: '2015-08-01',
	},
	'discharge-medications': {
		code: '10183-2',
		display: 'Hospital discharge medications',
		title: 'Discharge Medications',
		template: `${c}.11`,
		extension: '2015-08-01',
		withEntries: `${c}.11.1`,
		translation: { code: '75311-1', display: 'Discharge medications' },
	},
	'medications-administered': {
		code: '29549-3',
		display: 'Medication administered',
		title: 'Medications Administered',
		template: `${c}.38`,
		extension: '2014-06-09',
	},
	problems: {
		code: '11450-4',
		display: 'Problem list',
		title: 'Problems',
		template: `${c}.5`,
		extension: '2015-08-01',
		withEntries: `${c}.5.1`,
	},
	'admission-diagnosis': {
		code: '46241-6',
		display: 'Hospital admission diagnosis',
		title: 'Admission Diagnosis',
		template: `${c}.43`,
		extension: '2015-08-01',
		translation: { code: '42347-5', display: 'Admission Diagnosis' },
	},
	'discharge-diagnosis': {
		code: '11535-2',
		display: 'Hospital discharge diagnosis',
		title: 'Discharge Diagnosis',
		template: `${c}.24`,
		extension: '2015-08-01',
		translation: { code: '78375-3', display: 'Discharge Diagnosis' },
	},
	'past-medical-history': {
		code: '11348-0',
		display: 'History of Past illness',
		title: 'Past Medical History',
		template: `${c}.20`,
		extension: '2015-08-01',
	},
	procedures: {
		code: '47519-4',
		display: 'History of Procedures',
		title: 'Procedures',
		template: `${c}.7`,
		extension: '2014-06-09',
		withEntries: `${c}.7.1`,
	},
	results: {
		code: '30954-2',
		display: 'Relevant diagnostic tests/laboratory data',
		title: 'Results',
		template: `${c}.3`,
		extension: '2015-08-01',
		withEntries: `${c}.3.1`,
	},
	'vital-signs': {
		code: '8716-3',
		display: 'Vital signs',
		title: 'Vital Signs',
		template: `${c}.4`,
		extension: '2015-08-01',
		withEntries: `${c}.4.1`,
	},
	immunizations: {
		code: '11369-6',
		display: 'History of Immunization',
		title: 'Immunizations',
		template: `${c}.2`,
		extension: '2015-08-01',
		withEntries: `${c}.2.1`,
	},
	'social-history': { code: '29762-2', display: 'Social history', title: 'Social History', template: `${c}.17`, extension: '2015-08-01' },
	encounters: {
		code: '46240-8',
		display: 'History of Hospitalizations+Outpatient visits',
		title: 'Encounters',
		template: `${c}.22`,
		extension: '2015-08-01',
		withEntries: `${c}.22.1`,
	},
	'hospital-course': { code: '8648-8', display: 'Hospital course', title: 'Hospital Course', template: `${ihe}.3.5` },
	assessment: { code: '51848-0', display: 'Evaluation note', title: 'Assessment', template: `${c}.8` },
	'assessment-and-plan': {
		code: '51847-2',
		display: 'Evaluation + Plan note',
		title: 'Assessment and Plan',
		template: `${c}.9`,
		extension: '2014-06-09',
	},
	plan: { code: '18776-5', display: 'Plan of care note', title: 'Plan of Treatment', template: `${c}.10`, extension: '2014-06-09' },
	goals: { code: '61146-7', display: 'Goals', title: 'Goals', template: `${c}.60` },
	'health-concerns': {
		code: '75310-3',
		display: 'Health concerns document',
		title: 'Health Concerns',
		template: `${c}.58`,
		extension: '2015-08-01',
	},
	interventions: {
		code: '62387-6',
		display: 'Interventions provided',
		title: 'Interventions',
		template: `${hl7}.10.20.21.2.3`,
		extension: '2015-08-01',
	},
	outcomes: { code: '11383-7', display: 'Patient problem outcome', title: 'Health Status Evaluations and Outcomes', template: `${c}.61` },
	'functional-status': {
		code: '47420-5',
		display: 'Functional status assessment note',
		title: 'Functional Status',
		template: `${c}.14`,
		extension: '2014-06-09',
	},
	'mental-status': { code: '10190-7', display: 'Mental status', title: 'Mental Status', template: `${c}.56`, extension: '2015-08-01' },
	nutrition: { code: '61144-2', display: 'Diet and nutrition', title: 'Nutrition', template: `${c}.57` },
	'medical-equipment': {
		code: '46264-8',
		display: 'History of medical device use',
		title: 'Medical Equipment',
		template: `${c}.23`,
		extension: '2014-06-09',
	},
	'care-teams': {
		code: '85847-2',
		display: 'Patient Care team information',
		title: 'Care Teams',
		template: `${c}.500`,
		extension: '2022-06-01',
	},
	payers: { code: '48768-6', display: 'Payment sources', title: 'Payers', template: `${c}.18`, extension: '2015-08-01' },
	'advance-directives': {
		code: '42348-3',
		display: 'Advance directives',
		title: 'Advance Directives',
		template: `${c}.21`,
		extension: '2015-08-01',
		withEntries: `${c}.21.1`,
	},
	'family-history': {
		code: '10157-6',
		display: 'History of family member diseases',
		title: 'Family History',
		template: `${c}.15`,
		extension: '2015-08-01',
	},
	'history-of-present-illness': {
		code: '10164-2',
		display: 'History of Present illness',
		title: 'History of Present Illness',
		template: `${ihe}.3.4`,
	},
	'general-status': {
		code: '10210-3',
		display: 'Physical findings of General status',
		title: 'General Status',
		template: `${hl7}.10.20.2.5`,
	},
	'physical-exam': {
		code: '29545-1',
		display: 'Physical findings',
		title: 'Physical Exam',
		template: `${hl7}.10.20.2.10`,
		extension: '2015-08-01',
	},
	'review-of-systems': { code: '10187-3', display: 'Review of systems', title: 'Review of Systems', template: `${ihe}.3.18` },
	instructions: { code: '69730-0', display: 'Instructions', title: 'Instructions', template: `${c}.45`, extension: '2014-06-09' },
	'discharge-instructions': {
		code: '8653-8',
		display: 'Hospital Discharge instructions',
		title: 'Discharge Instructions',
		template: `${c}.41`,
	},
	notes: { code: '34109-9', display: 'Note', title: 'Notes', template: `${c}.65`, extension: '2016-11-01' },
} as const satisfies Record<string, SectionKind>;

export type SectionKey = keyof typeof sections;

/** The section with that template (any release) or, where templates are unknown, that LOINC code. */
export function sectionOf(templates: readonly string[], code: string | undefined): SectionKey | undefined {
	for (const template of templates) {
		const key = sectionKeys.get(template);
		if (key !== undefined) return key;
	}
	return code === undefined ? undefined : sectionKeys.get(code);
}

const sectionKeys: ReadonlyMap<string, SectionKey> = new Map(
	(Object.entries(sections) as [SectionKey, SectionKind][]).flatMap(([key, { template, withEntries, code }]) =>
		[template, withEntries, code].filter((one) => one !== undefined).map((one): [string, SectionKey] => [one, key]),
	),
);

export type DocumentKind = {
	readonly template: string;
	readonly extension: string;
	/** LOINC code of `ClinicalDocument/code`. */
	readonly code: string;
	readonly display: string;
	readonly title: string;
	/** Canonical of the document as FHIR's logical model, http://hl7.org/cda/us/ccda */
	readonly profile: string;
};

const d = `${hl7}.10.20.22.1`;
const ccdaProfile = 'http://hl7.org/cda/us/ccda/StructureDefinition';

/** Documents of C-CDA R2.1. */
export const documents = {
	ccd: {
		template: `${d}.2`,
		extension: '2015-08-01',
		code: '34133-9',
		display: 'Summary of episode note',
		title: 'Continuity of Care Document',
		profile: `${ccdaProfile}/ContinuityofCareDocumentCCD`,
	},
	consultation: {
		template: `${d}.4`,
		extension: '2015-08-01',
		code: '11488-4',
		display: 'Consult note',
		title: 'Consultation Note',
		profile: `${ccdaProfile}/ConsultationNote`,
	},
	imaging: {
		template: `${d}.5`,
		extension: '2015-08-01',
		code: '18748-4',
		display: 'Diagnostic imaging study',
		title: 'Diagnostic Imaging Report',
		profile: `${ccdaProfile}/DiagnosticImagingReport`,
	},
	discharge: {
		template: `${d}.8`,
		extension: '2015-08-01',
		code: '18842-5',
		display: 'Discharge summary',
		title: 'Discharge Summary',
		profile: `${ccdaProfile}/DischargeSummary`,
	},
	'history-and-physical': {
		template: `${d}.3`,
		extension: '2015-08-01',
		code: '34117-2',
		display: 'History and physical note',
		title: 'History and Physical',
		profile: `${ccdaProfile}/HistoryandPhysical`,
	},
	operative: {
		template: `${d}.7`,
		extension: '2015-08-01',
		code: '11504-8',
		display: 'Surgical operation note',
		title: 'Operative Note',
		profile: `${ccdaProfile}/OperativeNote`,
	},
	procedure: {
		template: `${d}.6`,
		extension: '2015-08-01',
		code: '28570-0',
		display: 'Procedure note',
		title: 'Procedure Note',
		profile: `${ccdaProfile}/ProcedureNote`,
	},
	progress: {
		template: `${d}.9`,
		extension: '2015-08-01',
		code: '11506-3',
		display: 'Progress note',
		title: 'Progress Note',
		profile: `${ccdaProfile}/ProgressNote`,
	},
	unstructured: {
		template: `${d}.10`,
		extension: '2015-08-01',
		code: '34133-9',
		display: 'Summary of episode note',
		title: 'Unstructured Document',
		profile: `${ccdaProfile}/UnstructuredDocument`,
	},
	transfer: {
		template: `${d}.13`,
		extension: '2015-08-01',
		code: '18761-7',
		display: 'Transfer summary note',
		title: 'Transfer Summary',
		profile: `${ccdaProfile}/TransferSummary`,
	},
	referral: {
		template: `${d}.14`,
		extension: '2015-08-01',
		code: '57133-1',
		display: 'Referral note',
		title: 'Referral Note',
		profile: `${ccdaProfile}/ReferralNote`,
	},
	'care-plan': {
		template: `${d}.15`,
		extension: '2015-08-01',
		code: '52521-2',
		display: 'Overall plan of care/advance care directives',
		title: 'Care Plan',
		profile: `${ccdaProfile}/CarePlan`,
	},
} as const satisfies Record<string, DocumentKind>;

export type DocumentKey = keyof typeof documents;

/** The US Realm Header, which every document of C-CDA claims. */
export const usRealmHeader = { template: `${d}.1`, extension: '2015-08-01' };
