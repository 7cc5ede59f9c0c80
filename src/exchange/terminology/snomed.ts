// SNOMED CT: the snapshot files of an RF2 release (https://confluence.ihtsdotools.org/display/DOCRELFMT), in the release's own language.
import { Problem } from '#base/problem.ts';
import type { LoadedConcept } from '#fhir/terminology/load.ts';
import { fileLike, type Publisher } from './publisher.ts';
import { fieldsOf, type Release, type ReleaseFile } from './release.ts';

const conceptFile = /sct2_Concept_Snapshot_[^/]*\.txt$/;
const descriptionFile = /sct2_Description_Snapshot-en[^/]*\.txt$/;
const relationFile = /sct2_Relationship_Snapshot_[^/]*\.txt$/;
const languageFile = /der2_cRefset_LanguageSnapshot-en[^/]*\.txt$/;

const [isA, fullName, preferred] = ['116680003', '900000000000003001', '900000000000548007'];
const [international, unitedStates] = ['900000000000207008', '731000124108'];

export const snomed: Publisher = {
	kind: 'snomed',
	about: 'SNOMED CT: the zip of an RF2 release (SnomedCT_…zip), from your national release centre (licence needed)',
	knows: (release) => fileLike(release, conceptFile) !== undefined,
	async read(release) {
		const name = (fileLike(release, conceptFile) as ReleaseFile).name;
		for (const needed of [descriptionFile, relationFile])
			if (fileLike(release, needed) === undefined)
				throw new Problem('invalid', 'terminology-file-missing', `The release has no ${needed.source.replace(/\[\^\/\]\*|\\/g, '')}.`);
		const date = /_(\d{8})\.txt$/.exec(name)?.[1];
		const module = /_US\d*_/.test(name) ? unitedStates : international;
		return {
			system: {
				url: 'http://snomed.info/sct',
				version: date === undefined ? undefined : `http://snomed.info/sct/${module}/version/${date}`,
				name: 'SNOMED_CT',
				title: 'SNOMED CT',
				complete: true,
				copyright:
					'This material includes SNOMED Clinical Terms (SNOMED CT), used by permission of SNOMED International. Use needs a licence.',
			},
			concepts: concepts(release),
		};
	},
};

type Names = { full: string | undefined; preferred: string | undefined; terms: string[] };

async function* concepts(release: Release): AsyncGenerator<LoadedConcept> {
	const chosen = await preferredTerms(release);
	const names = new Map<string, Names>();
	for await (const [id = '', , active, , concept = '', , type, term = ''] of fieldsOf(
		fileLike(release, descriptionFile) as ReleaseFile,
		'\t',
	)) {
		if (active !== '1') continue;
		const known = names.get(concept) ?? { full: undefined, preferred: undefined, terms: [] };
		names.set(concept, known);
		if (type === fullName) known.full = term;
		else if (chosen.has(id)) known.preferred = term;
		else known.terms.push(term);
	}
	const parents = new Map<string, string[]>();
	for await (const [, , active, , source = '', target = '', , type] of fieldsOf(fileLike(release, relationFile) as ReleaseFile, '\t')) {
		if (active === '1' && type === isA) parents.set(source, [...(parents.get(source) ?? []), target]);
	}
	for await (const [code = '', , active] of fieldsOf(fileLike(release, conceptFile) as ReleaseFile, '\t')) {
		const known = names.get(code);
		if (known === undefined) continue;
		names.delete(code);
		const display = known.preferred ?? known.full ?? known.terms[0] ?? code;
		const others = [
			...(known.full === undefined || known.full === display ? [] : [{ value: known.full, use: 'Fully specified name' }]),
			...known.terms.map((value) => ({ value, use: 'Synonym' })),
		];
		yield {
			code,
			display,
			inactive: active !== '1',
			parents: parents.get(code) ?? [],
			designations: others.filter(({ value }) => value !== display),
		};
	}
}

/** Descriptions that the language reference set prefers. */
async function preferredTerms(release: Release): Promise<Set<string>> {
	const file = fileLike(release, languageFile);
	const found = new Set<string>();
	if (file === undefined) return found;
	for await (const [, , active, , , description = '', acceptability] of fieldsOf(file, '\t'))
		if (active === '1' && acceptability === preferred) found.add(description);
	return found;
}
