// Publishers' files, in the shapes they have: each is loaded, and what it says is there.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { conceptsByCode, detailOf, findSystem, type TableSystem } from '#fhir/terminology/tables.ts';
import { testDatabase } from '#testing/database.ts';
import { loadRelease } from './load.ts';

const db = await testDatabase({ after });
const folder = mkdtempSync(join(tmpdir(), 'heron-terminology-'));
after(() => rmSync(folder, { recursive: true }));

function release(name: string, files: Readonly<Record<string, string | Buffer>>): string {
	for (const [file, text] of Object.entries(files)) {
		const path = join(folder, name, file);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, text);
	}
	return join(folder, name);
}

const order = (number: number, code: string, header: string, short: string, long: string): string =>
	`${String(number).padStart(5, '0')} ${code.padEnd(7)} ${header} ${short.padEnd(60)} ${long}`;
const hcpcsLine = (code: string, kind: string, long: string, short = '', ended = ''): string =>
	`${code}00100${kind}${long.padEnd(80)}${short.padEnd(28)}`.padEnd(284) + ended.padEnd(8);
const tab = (...fields: string[]): string => fields.join('\t');

type Case = {
	readonly url: string;
	readonly files: Readonly<Record<string, string | Buffer>>;
	readonly version: string | undefined;
	readonly codes: Readonly<Record<string, string>>;
	readonly more?: (system: TableSystem) => Promise<void>;
};

const cases: Readonly<Record<string, Case>> = {
	'icd10cm-2026': {
		url: 'http://hl7.org/fhir/sid/icd-10-cm',
		version: '2026',
		files: {
			'icd10cm_order_2026.txt': [
				order(1, 'E11', '0', 'Type 2 diabetes mellitus', 'Type 2 diabetes mellitus'),
				order(2, 'E112', '0', 'Type 2 diabetes mellitus w kidney complications', 'Type 2 diabetes mellitus with kidney complications'),
				order(3, 'E1121', '1', 'Type 2 diabetes mellitus with diabetic nephropathy', 'Type 2 diabetes mellitus with diabetic nephropathy'),
				order(4, 'E119', '1', 'Type 2 diabetes mellitus without complications', 'Type 2 diabetes mellitus without complications'),
			].join('\r\n'),
		},
		codes: {
			E11: 'Type 2 diabetes mellitus',
			'E11.21': 'Type 2 diabetes mellitus with diabetic nephropathy',
			'E11.9': 'Type 2 diabetes mellitus without complications',
		},
		async more(system) {
			assert.deepEqual((await detailOf(db, system, 'E11.21'))?.parents, ['E11.2']);
			assert.deepEqual((await detailOf(db, system, 'E11.9'))?.parents, ['E11']);
			assert.equal((await detailOf(db, system, 'E11'))?.abstract, true);
		},
	},
	'icd10pcs-2026': {
		url: 'http://www.cms.gov/Medicare/Coding/ICD10',
		version: '2026',
		files: {
			'icd10pcs_order_2026.txt': [
				order(1, '0DT', '0', 'Gastrointestinal System, Resection', 'Medical and Surgical, Gastrointestinal System, Resection'),
				order(2, '0DTJ4ZZ', '1', 'Resection of Appendix, Perc Endo', 'Resection of Appendix, Percutaneous Endoscopic Approach'),
			].join('\n'),
		},
		codes: { '0DTJ4ZZ': 'Resection of Appendix, Percutaneous Endoscopic Approach' },
	},
	'Loinc_2.80': {
		url: 'http://loinc.org',
		version: '2.80',
		files: {
			'LoincTable/Loinc.csv':
				'\ufeff"LOINC_NUM","COMPONENT","PROPERTY","CLASS","STATUS","SHORTNAME","LONG_COMMON_NAME","RELATEDNAMES2","DisplayName"\n"718-7","Hemoglobin","MCnc","HEM/BC","ACTIVE","Hgb Bld-mCnc","Hemoglobin [Mass/volume] in Blood","Haemoglobin; Hb","Hemoglobin"\n"1-8","Acyclovir","Susc","ABXBACT","DEPRECATED","","Acyclovir ""old"" test","",""\n',
			'AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv':
				'PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n,1,,LP1,Laboratory\nLP1,2,LP1,718-7,"Hemoglobin"\n',
		},
		codes: { '718-7': 'Hemoglobin [Mass/volume] in Blood', '1-8': 'Acyclovir "old" test', LP1: 'Laboratory' },
		async more(system) {
			const found = await detailOf(db, system, '718-7');
			assert.deepEqual([found?.parents, found?.properties.CLASS, found?.designations.length], [['LP1'], 'HEM/BC', 3]);
			assert.equal((await detailOf(db, system, '1-8'))?.inactive, true);
		},
	},
	RxNorm_full_11032026: {
		url: 'http://www.nlm.nih.gov/research/umls/rxnorm',
		version: '11032026',
		files: {
			'rrf/RXNCONSO.RRF': [
				'6809|ENG||||||1|||| RXNORM|IN|6809|x||N||',
				'6809|ENG||||||1||||RXNORM|IN|6809|metformin||N||',
				'860975|ENG||||||2||||RXNORM|SCD|860975|24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet||N||',
				'860975|ENG||||||3||||RXNORM|PSN|860975|metFORMIN HCl 500 MG 24HR Extended Release Oral Tablet||N||',
				'860975|ENG||||||4||||MMSL|CD|1|not ours||N||',
				'1||||||||5|||RXNORM|SCD|1|gone||O||',
				'99|ENG||||||6||||RXNORM|SCD|99|old tablet||O||',
			].join('\n'),
			'rrf/RXNREL.RRF': ['6809|||RO|860975|||has_ingredient|||RXNORM|||||', '6809|||RN|860975|||isa|||RXNORM|||||'].join('\n'),
		},
		codes: { '6809': 'metformin', '860975': '24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet', '99': 'old tablet' },
		async more(system) {
			const found = await detailOf(db, system, '860975');
			assert.deepEqual(
				[found?.parents, found?.properties, found?.designations.map(({ value }) => value)],
				[['6809'], { TTY: 'SCD', has_ingredient: ['6809'] }, ['metFORMIN HCl 500 MG 24HR Extended Release Oral Tablet']],
			);
			assert.equal((await detailOf(db, system, '99'))?.inactive, true);
		},
	},
	SnomedCT_Release: {
		url: 'http://snomed.info/sct',
		version: 'http://snomed.info/sct/731000124108/version/20260301',
		files: {
			'Snapshot/Terminology/sct2_Concept_Snapshot_US1000124_20260301.txt': [
				tab('id', 'effectiveTime', 'active', 'moduleId', 'definitionStatusId'),
				tab('73211009', '20020131', '1', 'm', 'd'),
				tab('44054006', '20020131', '1', 'm', 'd'),
				tab('1', '20020131', '0', 'm', 'd'),
			].join('\r\n'),
			'Snapshot/Terminology/sct2_Description_Snapshot-en_US1000124_20260301.txt': [
				tab('id', 'effectiveTime', 'active', 'moduleId', 'conceptId', 'languageCode', 'typeId', 'term', 'caseSignificanceId'),
				tab('11', 't', '1', 'm', '73211009', 'en', '900000000000003001', 'Diabetes mellitus (disorder)', 'c'),
				tab('12', 't', '1', 'm', '73211009', 'en', '900000000000013009', 'Diabetes mellitus', 'c'),
				tab('13', 't', '1', 'm', '73211009', 'en', '900000000000013009', 'DM - "Diabetes"', 'c'),
				tab('14', 't', '1', 'm', '44054006', 'en', '900000000000003001', 'Diabetes mellitus type 2 (disorder)', 'c'),
				tab('15', 't', '0', 'm', '44054006', 'en', '900000000000013009', 'dropped', 'c'),
				tab('16', 't', '1', 'm', '1', 'en', '900000000000003001', 'Gone (disorder)', 'c'),
			].join('\r\n'),
			'Snapshot/Terminology/sct2_Relationship_Snapshot_US1000124_20260301.txt': [
				tab('id', 't', 'active', 'm', 'sourceId', 'destinationId', 'g', 'typeId', 'c', 'm'),
				tab('1', 't', '1', 'm', '44054006', '73211009', '0', '116680003', 'c', 'm'),
				tab('2', 't', '0', 'm', '73211009', '44054006', '0', '116680003', 'c', 'm'),
			].join('\r\n'),
			'Snapshot/Refset/Language/der2_cRefset_LanguageSnapshot-en_US1000124_20260301.txt': [
				tab('id', 't', 'active', 'm', 'refsetId', 'referencedComponentId', 'acceptabilityId'),
				tab('u', 't', '1', 'm', 'r', '12', '900000000000548007'),
			].join('\r\n'),
		},
		codes: { '73211009': 'Diabetes mellitus', '44054006': 'Diabetes mellitus type 2 (disorder)', '1': 'Gone (disorder)' },
		async more(system) {
			assert.deepEqual((await detailOf(db, system, '44054006'))?.parents, ['73211009']);
			assert.deepEqual(
				(await detailOf(db, system, '73211009'))?.designations.map(({ value }) => value),
				['DM - "Diabetes"', 'Diabetes mellitus (disorder)'],
			);
			assert.equal((await detailOf(db, system, '1'))?.inactive, true);
		},
	},
	cvx: {
		url: 'http://hl7.org/fhir/sid/cvx',
		version: undefined,
		files: {
			'cvx.txt':
				'01   |DTP  |diphtheria, tetanus toxoids and pertussis vaccine||Inactive|False|2020/05/28\n140  |Influenza, split virus, trivalent, PF|Influenza, split virus, trivalent, preservative free||Active|False|2025/05/28\n',
		},
		codes: { '01': 'DTP', '140': 'Influenza, split virus, trivalent, PF' },
		async more(system) {
			assert.equal((await detailOf(db, system, '01'))?.inactive, true);
		},
	},
	// The CDC writes UTF-16 with its mark, and pads the codes.
	'cvx of the CDC': {
		url: 'http://hl7.org/fhir/sid/cvx',
		version: undefined,
		files: {
			'cvx.txt': Buffer.from(
				'\ufeff54        |adenovirus, type 4|adenovirus vaccine, type 4, live, oral||Inactive|0|2010/09/30\r\n03        |MMR|measles, mumps and rubella virus vaccine||Active|0|2010/05/28\r\n',
				'utf16le',
			),
		},
		codes: { '54': 'adenovirus, type 4', '03': 'MMR' },
	},
	mvx: {
		url: 'http://hl7.org/fhir/sid/mvx',
		version: undefined,
		files: { 'mvx.txt': 'PFR|Pfizer, Inc||Active|2020/05/28\n' },
		codes: { PFR: 'Pfizer, Inc' },
	},
	HCPC2026: {
		url: 'http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets',
		version: '2026',
		files: {
			'HCPC2026_A_recordlayout.txt': 'Columns of the record: HCPCS Code 1-5\n',
			'proc_notes_JAN2026.txt': '0001 a note\n',
			'HCPC2026_JAN_ANWEB.txt': [
				hcpcsLine('A0021', '3', 'Ambulance service, outside state per mile,', 'Outside state ambulance serv'),
				hcpcsLine('A0021', '4', 'transport (medicaid only)'),
				hcpcsLine('   AA', '7', 'Anesthesia services performed personally by anesthesiologist', 'Anesthesia perf by anesgst'),
				hcpcsLine('A0080', '3', 'Non-emergency transportation', 'Noninterest escort', '20250101'),
			].join('\n'),
		},
		codes: {
			A0021: 'Ambulance service, outside state per mile, transport (medicaid only)',
			AA: 'Anesthesia services performed personally by anesthesiologist',
			A0080: 'Non-emergency transportation',
		},
		async more(system) {
			assert.equal((await detailOf(db, system, 'A0080'))?.inactive, true);
		},
	},
	cpt: {
		url: 'http://www.ama-assn.org/go/cpt',
		version: '2026',
		files: { 'LONGULT2026.txt': 'header that is no code\n99999\tA made-up service\n0001F\tA made-up measure\n' },
		codes: { '99999': 'A made-up service', '0001F': 'A made-up measure' },
	},
	nucc: {
		url: 'http://nucc.org/provider-taxonomy',
		version: '251',
		files: {
			'nucc_taxonomy_251.csv':
				'Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\n207Q00000X,Allopathic,Family Medicine,,"A definition, with a comma",,Family Medicine Physician,Individual\n',
		},
		codes: { '207Q00000X': 'Family Medicine Physician' },
	},
	// As Windows writes it, with codes that are no longer for use.
	'nucc of before': {
		url: 'http://nucc.org/provider-taxonomy',
		version: '230',
		files: {
			'nucc_taxonomy_230.csv': Buffer.from(
				'Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\r\n103GC0700X,Behavioral,Clinical Neuropsychologist,Clinical,,"[1/1/2007: marked inactive, use  103G00000X]",Deactivated - Clinical Neuropsychologist,Individual\r\n103G00000X,Behavioral,Clinical Neuropsychologist,,A psychologist\x92s work,,Clinical Neuropsychologist,Individual\r\n',
				'latin1',
			),
		},
		codes: { '103G00000X': 'Clinical Neuropsychologist', '103GC0700X': 'Deactivated - Clinical Neuropsychologist' },
		async more(system) {
			const [old, now] = [await detailOf(db, system, '103GC0700X'), await detailOf(db, system, '103G00000X')];
			assert.deepEqual([old?.inactive, now?.inactive, now?.definition], [true, false, 'A psychologist’s work']);
		},
	},
	'nucc of today': {
		url: 'http://nucc.org/provider-taxonomy',
		version: '261',
		files: {
			'nucc_taxonomy_261.csv':
				'\ufeffCode,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\n207Q00000X,Allopathic,Family Medicine,,Médecine,,Family Medicine Physician,Individual\n',
		},
		codes: { '207Q00000X': 'Family Medicine Physician' },
		async more(system) {
			assert.equal((await detailOf(db, system, '207Q00000X'))?.definition, 'Médecine');
		},
	},
	'house.json': {
		url: 'http://example.org/house',
		version: '1',
		files: {
			'': JSON.stringify({
				resourceType: 'CodeSystem',
				url: 'http://example.org/house',
				version: '1',
				name: 'House',
				status: 'active',
				content: 'complete',
				concept: [{ code: 'a', display: 'A', concept: [{ code: 'b', display: 'B' }] }],
			}),
		},
		codes: { a: 'A', b: 'B' },
		async more(system) {
			assert.deepEqual((await detailOf(db, system, 'b'))?.parents, ['a']);
		},
	},
};

for (const [name, { url, files, version, codes, more }] of Object.entries(cases))
	test(`a release is loaded: ${name}`, async () => {
		const row = await loadRelease(db, release(name, files));
		assert.equal(row.version, version);
		const system = (await findSystem(db, url)) as TableSystem;
		assert.ok(system.concepts >= Object.keys(codes).length);
		const found = await conceptsByCode(db, system, Object.keys(codes));
		assert.deepEqual(Object.fromEntries([...found].map(([code, { display }]) => [code, display])), codes);
		await more?.(system);
	});

/** A zip archive of stored files (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). */
function zip(files: Readonly<Record<string, string>>): Buffer {
	const parts: Buffer[] = [];
	const directory: Buffer[] = [];
	let at = 0;
	for (const [name, text] of Object.entries(files)) {
		const [path, data] = [Buffer.from(name), Buffer.from(text)];
		const common = Buffer.alloc(26);
		common.writeUInt16LE(20, 0);
		common.writeUInt32LE(crc32(data), 10);
		common.writeUInt32LE(data.length, 14);
		common.writeUInt32LE(data.length, 18);
		common.writeUInt16LE(path.length, 22);
		parts.push(Buffer.from('PK\x03\x04'), common, path, data);
		const where = Buffer.alloc(14);
		where.writeUInt32LE(at, 10);
		directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, where, path);
		at += 30 + path.length + data.length;
	}
	const listed = Buffer.concat(directory);
	const end = Buffer.alloc(18);
	end.writeUInt16LE(Object.keys(files).length, 4);
	end.writeUInt16LE(Object.keys(files).length, 6);
	end.writeUInt32LE(listed.length, 8);
	end.writeUInt32LE(at, 12);
	return Buffer.concat([...parts, listed, Buffer.from('PK\x05\x06'), end]);
}

test('a release is read out of its zip archive', async () => {
	const path = join(folder, '2027-code-descriptions.zip');
	writeFileSync(
		path,
		zip({
			'notes.pdf': 'x',
			'Code Descriptions/icd10cm_order_addenda_2027.txt': 'Add:  00002 A000    1 Something new',
			'Code Descriptions/icd10cm_order_2027.txt': order(
				1,
				'I10',
				'1',
				'Essential (primary) hypertension',
				'Essential (primary) hypertension',
			),
		}),
	);
	const row = await loadRelease(db, path);
	assert.deepEqual([row.version, row.concepts, row.origin], ['2027', 1, '2027-code-descriptions.zip']);
});

test('what is no release is refused, with what is known', async () => {
	await assert.rejects(loadRelease(db, release('nothing', { 'a.txt': 'x' })), { code: 'terminology-kind-unknown' });
	await assert.rejects(loadRelease(db, join(folder, 'nowhere')), { code: 'file-not-readable' });
	await assert.rejects(loadRelease(db, release('cvx', {}), { kind: 'loinc' }), { code: 'terminology-kind-unknown' });
	await assert.rejects(loadRelease(db, release('half.zip', { '': 'PK and then nothing' })), { code: 'file-broken' });
	await assert.rejects(loadRelease(db, release('empty', { 'cvx.txt': 'nothing\n' })), { code: 'terminology-empty' });
	await assert.rejects(loadRelease(db, release('broken.json', { '': '{' })), { code: 'terminology-file-broken' });
});
