// C-CDA documents for tests, as another vendor's system might write them: our own words, real templates.

const root = '2.16.840.1.113883';
export const template = (suffix: string, extension?: string): string =>
	`<templateId root="${root}.10.20.${suffix}"${extension === undefined ? '' : ` extension="${extension}"`}/>`;
const code = (name: string, value: string, system: string, display: string, more = ''): string =>
	`<${name} ${more}code="${value}" codeSystem="${root}.6.${system}" displayName="${display}"/>`;
const loinc = (value: string, display: string): string => code('code', value, '1', display);
const snomedValue = (value: string, display: string): string => code('value', value, '96', display, 'xsi:type="CD" ');
const id = (extension: string): string => `<id root="1.2.3.4.5" extension="${extension}"/>`;
const time = (value: string): string => `<effectiveTime value="${value}"/>`;
const from = (low: string, high?: string): string =>
	`<effectiveTime xsi:type="IVL_TS"><low value="${low}"/>${high === undefined ? '' : `<high value="${high}"/>`}</effectiveTime>`;
const status = (value: string): string => `<statusCode code="${value}"/>`;

export type SectionParts = { readonly code: string; readonly title: string; readonly text?: string; readonly entries?: readonly string[] };

export const section = ({ code: value, title, text = `<paragraph>${title}</paragraph>`, entries = [] }: SectionParts): string =>
	`<component><section>${loinc(value, title)}<title>${title}</title><text>${text}</text>${entries
		.map((entry) => `<entry>${entry}</entry>`)
		.join('')}</section></component>`;

export type DocumentParts = {
	readonly id?: string;
	readonly family?: string;
	readonly born?: string;
	readonly mrn?: string;
	readonly sections?: readonly string[];
	readonly declaration?: string;
};

export function ccda({
	id: documentId = 'doc-1',
	family = 'Quince',
	born = '19620317',
	mrn = 'A-17',
	sections = standardSections(),
	declaration = '',
}: DocumentParts = {}): Buffer {
	return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${declaration}
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<typeId root="${root}.1.3" extension="POCD_HD000040"/>${template('22.1.2', '2015-08-01')}
<id root="1.2.3.4.5.1" extension="${documentId}"/>${loinc('34133-9', 'Summary of episode note')}<title>Summary from elsewhere</title>
<effectiveTime value="20260301103000-0500"/><confidentialityCode code="N" codeSystem="${root}.5.25"/><languageCode code="en-US"/>
<recordTarget><patientRole><id root="1.2.3.4.5.2" extension="${mrn}"/><addr use="HP"><streetAddressLine>1 Orchard Way</streetAddressLine><city>Salem</city><state>OR</state><postalCode>97301</postalCode></addr>
<telecom use="HP" value="tel:+1-555-010-0199"/><patient><name use="L"><given>Dorothea</given><given>M</given><family>${family}</family></name>
<administrativeGenderCode code="F" codeSystem="${root}.5.1"/><birthTime value="${born}"/><raceCode code="2106-3" codeSystem="${root}.6.238" displayName="White"/>
<ethnicGroupCode code="2186-5" codeSystem="${root}.6.238" displayName="Not Hispanic or Latino"/><languageCommunication><languageCode code="en"/></languageCommunication></patient></patientRole></recordTarget>
<author><time value="20260301"/><assignedAuthor><id root="${root}.4.6" extension="1234567893"/><assignedPerson><name><given>Ines</given><family>Almond</family></name></assignedPerson></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.3.4.5.3"/><name>Orchard Clinic</name></representedCustodianOrganization></assignedCustodian></custodian>
<component><structuredBody>${sections.join('')}</structuredBody></component></ClinicalDocument>`);
}

export const allergyEntry = (key: string, substance = code('code', '7980', '88', 'penicillin G'), negated = false): string =>
	`<act classCode="ACT" moodCode="EVN">${template('22.4.30', '2015-08-01')}${id(`act-${key}`)}<code code="CONC" codeSystem="${root}.5.6"/>${status('active')}
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"${negated ? ' negationInd="true"' : ''}>${template('22.4.7', '2014-06-09')}${id(key)}<code code="ASSERTION" codeSystem="${root}.5.4"/>${status('completed')}${from('20010501')}
${snomedValue('416098002', 'Allergy to drug')}<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">${substance}</playingEntity></participantRole></participant>
<entryRelationship typeCode="MFST" inversionInd="true"><observation classCode="OBS" moodCode="EVN">${template('22.4.9', '2014-06-09')}${id(`${key}-r`)}<code code="ASSERTION" codeSystem="${root}.5.4"/>${status('completed')}${snomedValue('247472004', 'Hives')}
<entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS" moodCode="EVN">${template('22.4.8', '2014-06-09')}<code code="SEV" codeSystem="${root}.5.4"/>${status('completed')}${snomedValue('6736007', 'Moderate')}</observation></entryRelationship></observation></entryRelationship>
</observation></entryRelationship></act>`;

export const problemEntry = (key: string, end?: string): string =>
	`<act classCode="ACT" moodCode="EVN">${template('22.4.3', '2015-08-01')}${id(`act-${key}`)}<code code="CONC" codeSystem="${root}.5.6"/>${status('active')}${from('20150101')}
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">${template('22.4.4', '2015-08-01')}${id(key)}${code('code', '282291009', '96', 'Diagnosis')}${status('completed')}${from('20150110', end)}
<value xsi:type="CD" code="44054006" codeSystem="${root}.6.96" displayName="Diabetes mellitus type 2"><originalText><reference value="#problem-1"/></originalText><translation code="E11.9" codeSystem="${root}.6.90" displayName="Type 2 diabetes mellitus without complications"/></value></observation></entryRelationship></act>`;

export const medicationEntry = (key: string, dose = '1', state = 'active'): string =>
	`<substanceAdministration classCode="SBADM" moodCode="EVN">${template('22.4.16', '2014-06-09')}${id(key)}${status(state)}${from('20200105')}
<effectiveTime xsi:type="PIVL_TS" operator="A"><period value="12" unit="h"/></effectiveTime>${code('routeCode', '26643006', '96', 'Oral route')}<doseQuantity value="${dose}"/>
<consumable><manufacturedProduct classCode="MANU">${template('22.4.23')}<manufacturedMaterial>${code('code', '860975', '88', '24 HR metformin 500 MG Oral Tablet')}</manufacturedMaterial></manufacturedProduct></consumable>
<entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN">${template('22.4.19')}${id(`${key}-i`)}${code('code', '404684003', '96', 'Finding')}${status('completed')}${snomedValue('44054006', 'Diabetes mellitus type 2')}</observation></entryRelationship></substanceAdministration>`;

const measured = (suffix: string, key: string, which: string, at: string, value: string): string =>
	`<component><observation classCode="OBS" moodCode="EVN">${template(suffix)}${id(key)}${which}${status('completed')}${time(at)}${value}</observation></component>`;

export function standardSections(): string[] {
	const pq = (value: string, unit: string) => `<value xsi:type="PQ" value="${value}" unit="${unit}"/>`;
	return [
		section({ code: '48765-2', title: 'Allergies', entries: [allergyEntry('al-1')] }),
		section({
			code: '11450-4',
			title: 'Problems',
			text: '<list><item><content ID="problem-1">Sugar since 2015</content></item></list>',
			entries: [problemEntry('pr-1')],
		}),
		section({ code: '10160-0', title: 'Medications', entries: [medicationEntry('me-1')] }),
		section({
			code: '11369-6',
			title: 'Immunizations',
			entries: [
				`<substanceAdministration classCode="SBADM" moodCode="EVN" negationInd="false">${template('22.4.52', '2015-08-01')}${id('im-1')}${status('completed')}${time('20251003')}<consumable><manufacturedProduct classCode="MANU"><manufacturedMaterial><code code="140" codeSystem="${root}.12.292" displayName="Influenza, seasonal, injectable, preservative free"/><lotNumberText>L-9</lotNumberText></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`,
			],
		}),
		section({
			code: '30954-2',
			title: 'Results',
			entries: [
				`<organizer classCode="BATTERY" moodCode="EVN">${template('22.4.1', '2015-08-01')}${id('re-0')}${loinc('4548-4', 'Hemoglobin A1c')}${status('completed')}${measured('22.4.2', 're-1', loinc('4548-4', 'Hemoglobin A1c'), '20260210081500-0500', `${pq('7.1', '%')}<interpretationCode code="H" codeSystem="${root}.5.83"/><referenceRange><observationRange><value xsi:type="IVL_PQ"><low value="4" unit="%"/><high value="5.6" unit="%"/></value></observationRange></referenceRange>`)}</organizer>`,
			],
		}),
		section({
			code: '8716-3',
			title: 'Vital signs',
			entries: [
				`<organizer classCode="CLUSTER" moodCode="EVN">${template('22.4.26', '2015-08-01')}${id('vi-0')}${code('code', '46680005', '96', 'Vital signs')}${status('completed')}${time('20260210')}${measured('22.4.27', 'vi-1', loinc('8480-6', 'Systolic'), '20260210', pq('132', 'mm[Hg]'))}${measured('22.4.27', 'vi-2', loinc('8462-4', 'Diastolic'), '20260210', pq('81', 'mm[Hg]'))}${measured('22.4.27', 'vi-3', loinc('29463-7', 'Body weight'), '20260210', pq('71.5', 'kg'))}</organizer>`,
			],
		}),
		section({
			code: '29762-2',
			title: 'Social history',
			entries: [
				`<observation classCode="OBS" moodCode="EVN">${template('22.4.78', '2014-06-09')}${id('so-1')}${loinc('72166-2', 'Tobacco smoking status')}${status('completed')}${time('20260210')}${snomedValue('8517006', 'Ex-smoker')}</observation>`,
			],
		}),
		section({
			code: '47519-4',
			title: 'Procedures',
			entries: [
				`<procedure classCode="PROC" moodCode="EVN">${template('22.4.14', '2014-06-09')}${id('pc-1')}${code('code', '80146002', '96', 'Appendectomy')}${status('completed')}${time('1981')}${code('targetSiteCode', '66754008', '96', 'Appendix')}</procedure>`,
			],
		}),
		section({
			code: '99999-9',
			title: 'House rules',
			text: '<table><thead><tr><th>Rule</th></tr></thead><tbody><tr><td>No stairs</td></tr></tbody></table><linkHtml href="javascript:alert(1)">more</linkHtml>',
		}),
	];
}

const entryRelationship = (typeCode: string, inner: string, more = ''): string =>
	`<entryRelationship typeCode="${typeCode}"${more}>${inner}</entryRelationship>`;
const snomed = (value: string, display: string): string => code('code', value, '96', display);
const statement = (tag: string, mood: string, templateId: string, ...content: readonly string[]): string => {
	const classCode = {
		act: 'ACT',
		observation: 'OBS',
		procedure: 'PROC',
		encounter: 'ENC',
		supply: 'SPLY',
		substanceAdministration: 'SBADM',
	}[tag];
	return `<${tag} classCode="${classCode}" moodCode="${mood}">${templateId}${content.join('')}</${tag}>`;
};
const observed = (templateId: string, key: string, what: string, value: string, ...more: readonly string[]): string =>
	statement('observation', 'EVN', templateId, id(key), what, status('completed'), time('20260210'), value, ...more);
/** Entry reference (22.4.122): says where in the document more is told. */
const mention = (key: string): string =>
	statement('act', 'EVN', template('22.4.122'), id(key), '<code nullFlavor="NP"/>', status('completed'));
const drug = (system: string, value: string, display: string): string =>
	`<consumable><manufacturedProduct classCode="MANU">${template('22.4.23', '2014-06-09')}<manufacturedMaterial><code code="${value}" codeSystem="${root}.${system}" displayName="${display}"/></manufacturedMaterial></manufacturedProduct></consumable>`;

/** Sections of a transfer summary: abilities, nutrition, cover, directives. */
export function transferSections(): string[] {
	return [
		section({
			code: '47420-5',
			title: 'Functional status',
			entries: [
				`<organizer classCode="CLUSTER" moodCode="EVN">${template('22.4.66', '2014-06-09')}${id('fu-0')}<code code="d5" codeSystem="${root}.6.254" displayName="Self-care"/>${status('completed')}<component>${observed(template('22.4.67', '2014-06-09'), 'fu-1', loinc('54522-8', 'Functional status'), snomedValue('129035000', 'Independent with dressing'), entryRelationship('REFR', statement('supply', 'EVN', template('22.4.50', '2014-06-09'), id('fu-2'), status('completed'), `<participant typeCode="PRD"><participantRole classCode="MANU">${template('22.4.37')}${id('fu-3')}<playingDevice>${snomed('87405001', 'Cane')}</playingDevice></participantRole></participant>`)))}</component><component>${observed(template('22.4.128'), 'fu-4', loinc('46482-6', 'Transferring'), snomedValue('371153006', 'Independent'))}</component></organizer>`,
				observed(template('22.4.127'), 'fu-5', snomed('47078008', 'Hearing finding'), snomedValue('260379002', 'Impaired')),
				observed(
					template('22.4.72'),
					'fu-6',
					code('code', '75279-0', '1', 'Caregiver characteristics'),
					snomedValue('422615001', 'Caregiver difficulty providing physical care'),
				),
			],
		}),
		section({
			code: '10157-6',
			title: 'Family history',
			entries: [
				`<organizer classCode="CLUSTER" moodCode="EVN">${template('22.4.45', '2015-08-01')}${id('fa-0')}${status('completed')}<subject><relatedSubject classCode="PRS"><code code="FTH" codeSystem="${root}.5.111" displayName="Father"/><subject><administrativeGenderCode code="M" codeSystem="${root}.5.1"/></subject></relatedSubject></subject><component>${observed(template('22.4.46', '2015-08-01'), 'fa-1', snomed('282291009', 'Diagnosis'), snomedValue('22298006', 'Myocardial infarction'), entryRelationship('COMP', statement('observation', 'EVN', '', loinc('75325-1', 'Symptom'), status('completed'), snomedValue('29857009', 'Chest pain'))))}</component></organizer>`,
			],
		}),
		section({
			code: '61144-2',
			title: 'Nutrition',
			entries: [
				observed(
					template('22.4.124'),
					'nu-1',
					loinc('75305-3', 'Nutrition status'),
					snomedValue('248325000', 'Undernourished'),
					entryRelationship(
						'SUBJ',
						observed(
							template('22.4.138'),
							'nu-2',
							loinc('75303-8', 'Nutrition assessment'),
							snomedValue('437421000124105', 'Decreased sodium diet'),
						),
					),
				),
			],
		}),
		section({
			code: '48768-6',
			title: 'Payers',
			entries: [
				statement(
					'act',
					'EVN',
					template('22.4.60', '2015-08-01'),
					id('pa-0'),
					loinc('48768-6', 'Payment sources'),
					status('completed'),
					entryRelationship(
						'COMP',
						statement(
							'act',
							'EVN',
							template('22.4.61', '2015-08-01'),
							id('pa-1'),
							`<code code="HM" codeSystem="${root}.6.255.1336" displayName="Health maintenance organization"><translation code="111" codeSystem="${root}.3.221.5" displayName="Medicare HMO"/></code>`,
							status('completed'),
							`<performer typeCode="PRF">${template('22.4.87')}<assignedEntity>${id('pa-2')}<code code="PAYOR" codeSystem="${root}.5.110"/><representedOrganization><name>Orchard Health Plan</name></representedOrganization></assignedEntity></performer>`,
							`<performer typeCode="PRF">${template('22.4.88')}<assignedEntity>${id('pa-3')}<code code="GUAR" codeSystem="${root}.5.111"/><assignedPerson><name><given>Otto</given><family>Quince</family></name></assignedPerson></assignedEntity></performer>`,
							`<participant typeCode="COV">${template('22.4.89')}<participantRole classCode="PAT"><id root="1.2.3.4.7" extension="M-1"/><code code="SPS" codeSystem="${root}.5.111" displayName="spouse"/></participantRole></participant>`,
						),
					),
				),
			],
		}),
		section({
			code: '42348-3',
			title: 'Advance directives',
			entries: [
				`<organizer classCode="CLUSTER" moodCode="EVN">${template('22.4.108', '2015-08-01')}${id('ad-0')}${loinc('45473-6', 'Advance directive - living will')}${status('completed')}<component>${statement('observation', 'EVN', template('22.4.48', '2015-08-01'), id('ad-1'), `<code code="304251008" codeSystem="${root}.6.96" displayName="Resuscitation status"><translation code="75320-2" codeSystem="${root}.6.1" displayName="Advance directive"/></code>`, status('completed'), from('20240101'), snomedValue('304253006', 'Not for resuscitation'), '<reference typeCode="REFR"><externalDocument><id root="1.2.3.4.8"/></externalDocument></reference>')}</component></organizer>`,
			],
		}),
	];
}

/** Sections of a care plan: concerns and risks, goals with priorities and progress, interventions, outcomes. */
export function carePlanSections(): string[] {
	const problem = (key: string, value: string, display: string): string =>
		statement(
			'observation',
			'EVN',
			template('22.4.4', '2015-08-01'),
			id(key),
			`${code('code', '64572001', '96', 'Condition').slice(0, -2)}><translation code="75323-6" codeSystem="${root}.6.1" displayName="Condition"/></code>`,
			status('completed'),
			from('20250601'),
			snomedValue(value, display),
		);
	return [
		section({
			code: '75310-3',
			title: 'Health concerns',
			entries: [
				observed(template('22.4.5', '2014-06-09'), 'hc-0', loinc('11323-3', 'Health status'), snomedValue('161901003', 'Chronically ill')),
				statement(
					'act',
					'EVN',
					template('22.4.132', '2015-08-01'),
					id('hc-1'),
					loinc('75310-3', 'Health concerns document'),
					status('active'),
					from('20250601'),
					entryRelationship('REFR', problem('hc-2', '84114007', 'Heart failure')),
					entryRelationship('REFR', mention('hc-9')),
					entryRelationship(
						'REFR',
						observed(template('22.4.143'), 'hc-3', snomed('225773000', 'Preference'), snomedValue('394849002', 'High priority')),
					),
				),
				statement(
					'act',
					'EVN',
					template('22.4.136', '2015-08-01'),
					id('hc-4'),
					snomed('281694009', 'At risk for'),
					status('active'),
					from('20250601'),
					entryRelationship('REFR', problem('hc-5', '129839007', 'At risk for falls')),
					entryRelationship('REFR', mention('hc-2')),
				),
			],
		}),
		section({
			code: '61146-7',
			title: 'Goals',
			entries: [
				statement(
					'observation',
					'GOL',
					template('22.4.121'),
					id('go-1'),
					loinc('59408-5', 'Oxygen saturation in arterial blood by pulse oximetry'),
					status('active'),
					from('20260101', '20260601'),
					'<value xsi:type="IVL_PQ"><low value="92" unit="%"/></value>',
					entryRelationship('REFR', mention('hc-2')),
					entryRelationship(
						'RSON',
						observed(template('22.4.143'), 'go-2', snomed('225773000', 'Preference'), snomedValue('394848005', 'Normal priority')),
					),
					entryRelationship(
						'REFR',
						observed(
							template('22.4.110'),
							'go-3',
							`<code code="ASSERTION" codeSystem="${root}.5.4"/>`,
							snomedValue('706906006', 'Goal not achieved'),
						),
					),
					entryRelationship(
						'REFR',
						statement(
							'observation',
							'GOL',
							template('22.4.121'),
							id('go-4'),
							snomed('1078229009', 'Weight goal'),
							status('active'),
							'<value xsi:type="CD" code="45767003" codeSystem="2.16.840.1.113883.6.96" displayName="Weight loss maintained"/>',
						),
					),
				),
			],
		}),
		section({
			code: '62387-6',
			title: 'Interventions',
			entries: [
				statement(
					'act',
					'EVN',
					template('22.4.131', '2015-08-01'),
					id('in-1'),
					snomed('362956003', 'Procedure / intervention'),
					status('completed'),
					time('20260210'),
					entryRelationship('RSON', mention('go-1')),
					entryRelationship(
						'REFR',
						statement(
							'procedure',
							'EVN',
							template('22.4.14', '2014-06-09'),
							id('in-2'),
							snomed('371907003', 'Oxygen administration by nasal cannula'),
							status('completed'),
							time('20260210'),
						),
					),
				),
				statement(
					'act',
					'INT',
					template('22.4.146', '2015-08-01'),
					id('in-3'),
					snomed('362956003', 'Procedure / intervention'),
					status('active'),
					time('20260310'),
					entryRelationship('RSON', mention('go-1')),
					entryRelationship(
						'COMP',
						statement('act', 'INT', template('22.4.130'), id('in-4'), snomed('61310001', 'Nutrition education'), status('active')),
					),
					entryRelationship(
						'COMP',
						statement(
							'act',
							'EVN',
							template('22.4.141'),
							id('in-5'),
							snomed('432138007', 'Handoff communication'),
							status('completed'),
							time('20260210'),
						),
					),
				),
			],
		}),
		section({
			code: '11383-7',
			title: 'Outcomes',
			entries: [
				observed(
					template('22.4.144'),
					'ou-1',
					loinc('2708-6', 'Oxygen saturation in arterial blood'),
					'<value xsi:type="PQ" value="95" unit="%"/>',
					entryRelationship('GEVL', mention('go-1')),
					entryRelationship('RSON', mention('in-1')),
					entryRelationship(
						'REFR',
						observed(
							template('22.4.110'),
							'ou-2',
							`<code code="ASSERTION" codeSystem="${root}.5.4"/>`,
							snomedValue('706905005', 'Goal achieved'),
						),
					),
				),
			],
		}),
	];
}

/** Sections of a referral and a progress note: the referral itself, instructions, all that can be planned, a note, wounds and pregnancy. */
export function referralSections(): string[] {
	const wound = observed(
		template('22.4.114', '2015-08-01'),
		'pn-1',
		`<code code="ASSERTION" codeSystem="${root}.5.4"/>`,
		snomedValue('420324007', 'Pressure ulcer of sacral region'),
		code('targetSiteCode', '48874003', '96', 'Sacral region'),
		entryRelationship(
			'COMP',
			observed(template('22.4.133'), 'pn-2', loinc('39126-8', 'Length of wound'), '<value xsi:type="PQ" value="2" unit="cm"/>'),
		),
	);
	return [
		section({
			code: '42349-1',
			title: 'Reason for referral',
			entries: [
				statement(
					'act',
					'INT',
					template('22.4.140'),
					id('rf-1'),
					snomed('44383000', 'Patient referral for consultation'),
					status('active'),
					time('20260211'),
					`<priorityCode code="A" codeSystem="${root}.5.7" displayName="ASAP"/>`,
					entryRelationship(
						'RSON',
						observed(template('22.4.19', '2014-06-09'), 'rf-2', snomed('404684003', 'Finding'), snomedValue('233604007', 'Pneumonia')),
					),
				),
			],
		}),
		section({
			code: '69730-0',
			title: 'Instructions',
			entries: [
				statement(
					'act',
					'INT',
					template('22.4.20', '2014-06-09'),
					snomed('311401005', 'Patient education'),
					'<text>Rest.</text>',
					status('completed'),
				),
			],
		}),
		section({
			code: '18776-5',
			title: 'Plan of treatment',
			entries: [
				statement(
					'act',
					'INT',
					template('22.4.39', '2014-06-09'),
					id('pl-1'),
					snomed('423171007', 'Elevate head of bed'),
					status('active'),
					time('20260301'),
					entryRelationship(
						'SUBJ',
						statement('act', 'INT', template('22.4.20', '2014-06-09'), snomed('409073007', 'Education'), status('completed')),
					),
				),
				statement(
					'encounter',
					'INT',
					template('22.4.40', '2014-06-09'),
					id('pl-2'),
					snomed('185349003', 'Encounter for check up'),
					status('active'),
					time('20260302'),
				),
				statement(
					'procedure',
					'RQO',
					template('22.4.41', '2014-06-09'),
					id('pl-3'),
					snomed('73761001', 'Colonoscopy'),
					status('active'),
					time('20260303'),
					`<priorityCode code="CR" codeSystem="${root}.5.7" displayName="Callback results"/>`,
					code('methodCode', '129284003', '96', 'Surgical action'),
					code('targetSiteCode', '71854001', '96', 'Colon structure'),
				),
				statement(
					'substanceAdministration',
					'INT',
					template('22.4.42', '2014-06-09'),
					id('pl-4'),
					status('active'),
					from('20260304'),
					code('routeCode', '26643006', '96', 'Oral route'),
					drug('6.88', '573621', 'Albuterol inhaler'),
				),
				statement(
					'supply',
					'INT',
					template('22.4.43', '2014-06-09'),
					id('pl-5'),
					status('active'),
					time('20260305'),
					`<product><manufacturedProduct classCode="MANU"><manufacturedMaterial>${snomed('28494001', 'Wheelchair')}</manufacturedMaterial></manufacturedProduct></product>`,
				),
				statement(
					'observation',
					'INT',
					template('22.4.44', '2014-06-09'),
					id('pl-6'),
					loinc('3141-9', 'Body weight measured'),
					status('active'),
					time('20260306'),
					snomedValue('43664005', 'Normal weight'),
				),
				statement(
					'substanceAdministration',
					'INT',
					template('22.4.120'),
					id('pl-7'),
					status('active'),
					time('20260307'),
					drug('12.292', '88', 'Influenza virus vaccine'),
				),
			],
		}),
		section({
			code: '29545-1',
			title: 'Physical findings',
			entries: [wound],
		}),
		section({
			code: '29762-2',
			title: 'Social history',
			entries: [
				observed(
					template('15.3.8'),
					'pr-1',
					`<code code="ASSERTION" codeSystem="${root}.5.4"/>`,
					snomedValue('77386006', 'Pregnant'),
					entryRelationship(
						'REFR',
						statement(
							'observation',
							'EVN',
							template('15.3.1'),
							loinc('11778-8', 'Delivery date estimated'),
							status('completed'),
							'<value xsi:type="TS" value="20260901"/>',
						),
					),
				),
			],
		}),
		section({
			code: '10164-2',
			title: 'History of present illness',
			text: '<paragraph ID="note-1">Short of breath on the stairs.</paragraph>',
			entries: [
				statement(
					'act',
					'EVN',
					template('22.4.202', '2016-11-01'),
					id('no-1'),
					`<code code="34109-9" codeSystem="${root}.6.1" displayName="Note"><translation code="11506-3" codeSystem="${root}.6.1" displayName="Progress note"/></code>`,
					'<text><reference value="#note-1"/></text>',
					status('completed'),
					time('20260210'),
				),
			],
		}),
	];
}
