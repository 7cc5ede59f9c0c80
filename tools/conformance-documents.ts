// `npm run conformance -- documents [kinds] [patients] [warnings]`: makes C-CDA documents of the sample record, of patients of the demo clinic and
// of Synthea's, and has HL7's schematron look at each. `kinds` is a list such as `ccd,discharge`, or `all`. With `warnings` it says, after the
// errors, which recommendations were not followed, how often and in how many documents.
import { createClinic } from '#demo/clinic.ts';
import { documentOf, draftOf, isMadeKind, type MadeKind } from '#exchange/documents/ccda/document.ts';
import { type PatientRecord, recordOf } from '#exchange/documents/record.ts';
import type { Entity, Patient } from '#exchange/documents/shapes.ts';
import { sampleRecord } from '#exchange/documents/testing/sample.ts';
import { createSchematron } from '#exchange/documents/testing/schematron.ts';
import { documents } from '#formats/ccda/vocabulary.ts';

const base = 'https://heron.test/apis/default/fhir';
const today = '2026-11-25';
const kinds = Object.keys(documents).filter(isMadeKind);

/** A record of resources in hand, as somebody reads it who may see everything. */
function recordIn(own: readonly Entity[], shared: readonly Entity[], urls: readonly (readonly [string, Entity])[] = []): PatientRecord {
	const patient = own.find(({ resourceType }) => resourceType === 'Patient') as Patient;
	const known = new Map([...[...shared, ...own].map((one): [string, Entity] => [`${one.resourceType}/${one.id}`, one]), ...urls]);
	return recordOf(base, patient, own, known);
}

/** The records to try, by name. */
async function* records(patients: number, synthea: AsyncIterable<[name: string, text: string]>): AsyncGenerator<[string, PatientRecord]> {
	yield ['sample', sampleRecord()];
	yield ['sample, visits only', sampleRecord(({ resourceType }) => resourceType !== 'Encounter')];
	const clinic = createClinic({ seed: 1, today, patients: 200 });
	for (let n = 0; n < Math.min(patients, clinic.patients); n++)
		yield [`demo ${n}`, recordIn(clinic.chart(n) as unknown as Entity[], clinic.shared as unknown as Entity[])];
	let count = 0;
	for await (const [name, text] of synthea) {
		if (count++ >= patients) return;
		const { entry } = JSON.parse(text) as { entry: { fullUrl: string; resource: Entity }[] };
		const urls = entry.map(({ fullUrl, resource }): [string, Entity] => [fullUrl, resource]);
		yield [
			name,
			recordIn(
				urls.map(([, resource]) => resource),
				[],
				urls,
			),
		];
	}
}

const withoutPlace = (finding: string): string => finding.replace(/ at \/\S*:/, ':');
const placeIn = (finding = ''): string => / at (\/\S*):/.exec(finding)?.[1] ?? '';

/** Makes and checks the documents; says how many were free of errors, and what is wrong with the others. Gives the number with errors. */
export async function checkDocuments(
	synthea: AsyncIterable<[name: string, text: string]>,
	[which = 'all', patients = '1000', more]: readonly string[],
): Promise<number> {
	const wanted: readonly MadeKind[] = which === 'all' ? kinds : which.split(',').filter(isMadeKind);
	const schematron = createSchematron();
	const advice = more === 'warnings' ? createSchematron('warning') : undefined;
	const warnings = new Map<string, { times: number; documents: number; example: string }>();
	const tallies = new Map<MadeKind, { made: number; wrong: number }>(wanted.map((kind) => [kind, { made: 0, wrong: 0 }]));
	for await (const [name, record] of records(Number(patients), synthea)) {
		for (const [kind, tally] of tallies) {
			const draft = draftOf({ kind, record, base, now: new Date(`${today}T18:00:00Z`), period: {} });
			if (draft === undefined) continue;
			tally.made++;
			const xml = documentOf(draft, kind, { id: '5b3f0f5e-8a3c-4f7e-9d53-6f2f5f2a0001', setId: '5b3f0f5e-8a3c-4f7e-9d53-6f2f5f2a0002' });
			for (const [text, found] of Map.groupBy(advice?.findingsOf(xml) ?? [], withoutPlace)) {
				const tally = warnings.get(text) ?? { times: 0, documents: 0, example: `${name}, ${kind}: ${placeIn(found[0])}` };
				warnings.set(text, { ...tally, times: tally.times + found.length, documents: tally.documents + 1 });
			}
			const errors = schematron.findingsOf(xml);
			if (errors.length === 0) continue;
			tally.wrong++;
			console.log(`${name}, ${documents[kind].title}: ${errors.length} errors`);
			for (const error of new Set(errors.map(withoutPlace))) console.log(`  ${error}`);
		}
	}
	for (const [text, { times, documents: count, example }] of [...warnings].toSorted(([, a], [, b]) => b.times - a.times))
		console.log(`${times} times in ${count} documents (${example}): ${text}`);
	for (const [kind, { made, wrong }] of tallies)
		console.log(`${documents[kind].title}: ${made} made, ${made - wrong} without errors, ${wrong} with errors`);
	return [...tallies.values()].reduce((sum, { wrong }) => sum + wrong, 0);
}
