// ICD-10-CM and ICD-10-PCS: the order files of CMS (https://www.cms.gov/medicare/coding-billing/icd-10-codes), fixed columns.
import type { LoadedConcept } from '#fhir/terminology/load.ts';
import { oneFile, type Publisher, yearIn } from './publisher.ts';
import { linesOf, type ReleaseFile } from './release.ts';

// Beside it in the archive is what changed since the year before.
const cmFile = /icd10cm[-_]order(?![^/]*addenda)[^/]*\.txt$/i;
const pcsFile = /icd10pcs[-_]order(?![^/]*addenda)[^/]*\.txt$/i;

export const icd10cm: Publisher = {
	kind: 'icd-10-cm',
	about: 'ICD-10-CM diagnoses: icd10cm_order_<year>.txt or its zip, from cms.gov',
	...oneFile(cmFile, (file, release) => ({
		system: {
			url: 'http://hl7.org/fhir/sid/icd-10-cm',
			version: yearIn(file.name, release.name),
			name: 'ICD10CM',
			title: 'International Classification of Diseases, 10th Revision, Clinical Modification',
			complete: true,
		},
		concepts: concepts(file, (code) => (code.length > 3 ? `${code.slice(0, 3)}.${code.slice(3)}` : code)),
	})),
};

export const icd10pcs: Publisher = {
	kind: 'icd-10-pcs',
	about: 'ICD-10-PCS procedures: icd10pcs_order_<year>.txt or its zip, from cms.gov',
	...oneFile(pcsFile, (file, release) => ({
		system: {
			url: 'http://www.cms.gov/Medicare/Coding/ICD10',
			version: yearIn(file.name, release.name),
			name: 'ICD10PCS',
			title: 'International Classification of Diseases, 10th Revision, Procedure Coding System',
			complete: true,
		},
		concepts: concepts(file, (code) => code),
	})),
};

/**
 * Columns 7-13 code, 15 whether it may be used (1) or heads others (0), 17-76 short title, from 78 the long one. A code's parent is the nearest
 * heading before it that it begins with.
 */
async function* concepts(file: ReleaseFile, written: (code: string) => string): AsyncGenerator<LoadedConcept> {
	const above: string[] = [];
	for await (const line of linesOf(file)) {
		const code = line.slice(6, 13).trim();
		if (code === '' || !/^\d{5} /.test(line)) continue;
		const [short, long] = [line.slice(16, 76).trim(), line.slice(77).trim()];
		while (above.length > 0 && !code.startsWith(above.at(-1) as string)) above.pop();
		const parent = above.at(-1);
		yield {
			code: written(code),
			display: long === '' ? short : long,
			abstract: line[14] === '0',
			parents: parent === undefined ? [] : [written(parent)],
			designations: short === '' || short === long ? [] : [{ value: short, use: 'short' }],
		};
		above.push(code);
	}
}
