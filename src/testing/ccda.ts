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
