// RxNorm: RXNCONSO.RRF and RXNREL.RRF of the release (https://www.nlm.nih.gov/research/umls/rxnorm/docs/techdoc.html).
import type { LoadedConcept } from '#fhir/terminology/load.ts';
import { fileLike, type Publisher } from './publisher.ts';
import { fieldsOf, type Release, type ReleaseFile } from './release.ts';

const names = /(^|\/)RXNCONSO\.RRF$/i;
const relations = /(^|\/)RXNREL\.RRF$/i;

export const rxnorm: Publisher = {
	kind: 'rxnorm',
	about: 'RxNorm: RxNorm_full_<date>.zip, RxNorm_full_prescribe_<date>.zip or its rrf folder, from nlm.nih.gov',
	knows: (release) => fileLike(release, names) !== undefined,
	async read(release) {
		return {
			system: {
				url: 'http://www.nlm.nih.gov/research/umls/rxnorm',
				version: /(\d{8})/.exec(release.name)?.[1],
				name: 'RxNorm',
				title: 'RxNorm',
				complete: true,
			},
			concepts: concepts(release),
		};
	},
};

/** Kinds of names, the one that a concept is called by first. */
const kinds = [
	'IN',
	'PIN',
	'MIN',
	'BN',
	'SCD',
	'SBD',
	'GPCK',
	'BPCK',
	'SCDC',
	'SBDC',
	'SCDF',
	'SBDF',
	'SCDG',
	'SBDG',
	'SCDGP',
	'SCDFP',
	'SBDFP',
	'DF',
	'DFG',
	'ET',
];
const others = new Set(['SY', 'TMSY', 'PSN']);

type Found = { display: string; kind: string; inactive: boolean; names: string[] };

async function* concepts(release: Release): AsyncGenerator<LoadedConcept> {
	const found = new Map<string, Found>();
	for await (const [code = '', , , , , , , , , , , source, kind = '', , text = '', , suppress] of fieldsOf(
		fileLike(release, names) as ReleaseFile,
		'|',
	)) {
		if (source !== 'RXNORM') continue;
		const known = found.get(code) ?? { display: '', kind: '', inactive: true, names: [] };
		found.set(code, known);
		if (others.has(kind)) known.names.push(text);
		else if (kinds.includes(kind) && (known.kind === '' || kinds.indexOf(kind) < kinds.indexOf(known.kind))) {
			if (known.display !== '') known.names.push(known.display);
			known.display = text;
			known.kind = kind;
		} else known.names.push(text);
		if (suppress === 'N' || suppress === '') known.inactive = false;
	}
	const parents = new Map<string, string[]>();
	const ingredients = new Map<string, string[]>();
	const tree = fileLike(release, relations);
	// A row says: the second concept is related to the first.
	if (tree !== undefined)
		for await (const [first = '', , , , second = '', , , relation, , , source] of fieldsOf(tree, '|')) {
			if (source !== 'RXNORM' || first === '' || second === '') continue;
			if (relation === 'isa') parents.set(second, [...(parents.get(second) ?? []), first]);
			if (relation === 'has_ingredient') ingredients.set(second, [...(ingredients.get(second) ?? []), first]);
		}
	for (const [code, { display, kind, inactive, names: more }] of found) {
		const name = display === '' ? more[0] : display;
		if (name === undefined) continue;
		const of = ingredients.get(code);
		yield {
			code,
			display: name,
			inactive,
			parents: (parents.get(code) ?? []).filter((parent) => found.has(parent)),
			designations: [...new Set(more)].filter((value) => value !== name).map((value) => ({ value })),
			properties: { ...(kind === '' ? {} : { TTY: kind }), ...(of === undefined ? {} : { has_ingredient: [...new Set(of)] }) },
		};
	}
}
