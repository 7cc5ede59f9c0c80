// LOINC: Loinc.csv of the release (https://loinc.org/downloads/), with the hierarchy of components when it is there.
import { parse } from 'csv-parse';
import type { LoadedConcept } from '#fhir/terminology/load.ts';
import { fileLike, type Publisher } from './publisher.ts';
import type { Release, ReleaseFile } from './release.ts';

const table = /(^|\/)Loinc\.csv$/;
const hierarchy = /(^|\/)ComponentHierarchyBySystem\.csv$/;
const kept = [
	'COMPONENT',
	'PROPERTY',
	'TIME_ASPCT',
	'SYSTEM',
	'SCALE_TYP',
	'METHOD_TYP',
	'CLASS',
	'CLASSTYPE',
	'STATUS',
	'ORDER_OBS',
	'EXAMPLE_UCUM_UNITS',
];

export const loinc: Publisher = {
	kind: 'loinc',
	about: 'LOINC: Loinc_<version>.zip or Loinc.csv, free from loinc.org (account needed)',
	knows: (release) => fileLike(release, table) !== undefined,
	async read(release) {
		return {
			system: {
				url: 'http://loinc.org',
				version: /(\d\.\d{2,})/.exec(release.name)?.[1],
				name: 'LOINC',
				title: 'Logical Observation Identifiers, Names and Codes',
				complete: true,
				copyright:
					'This material contains content from LOINC (http://loinc.org). LOINC is copyright Regenstrief Institute, Inc. and the LOINC Committee and is available at no cost under the license at http://loinc.org/license.',
			},
			concepts: concepts(release),
		};
	},
};

type Row = Readonly<Record<string, string>>;

async function* rowsOf(file: ReleaseFile): AsyncGenerator<Row> {
	const reader = (await file.open()).pipe(parse({ columns: true, bom: true, relax_column_count: true }));
	for await (const row of reader) yield row as Row;
}

async function* concepts(release: Release): AsyncGenerator<LoadedConcept> {
	const parents = new Map<string, Set<string>>();
	const parts = new Map<string, string>();
	const tree = fileLike(release, hierarchy);
	if (tree !== undefined)
		for await (const { CODE = '', IMMEDIATE_PARENT = '', CODE_TEXT = '' } of rowsOf(tree)) {
			if (IMMEDIATE_PARENT !== '') parents.set(CODE, (parents.get(CODE) ?? new Set()).add(IMMEDIATE_PARENT));
			if (CODE.startsWith('LP')) parts.set(CODE, CODE_TEXT);
		}
	const above = (code: string): string[] => [...(parents.get(code) ?? [])];
	for (const [code, text] of parts) yield { code, display: text === '' ? code : text, abstract: true, parents: above(code) };
	for await (const row of rowsOf(fileLike(release, table) as ReleaseFile)) {
		const {
			LOINC_NUM: code = '',
			LONG_COMMON_NAME: long = '',
			SHORTNAME: short = '',
			DisplayName: shown = '',
			CONSUMER_NAME: consumer = '',
			RELATEDNAMES2: related = '',
		} = row;
		if (code === '') continue;
		const display = long === '' ? (row.COMPONENT ?? code) : long;
		const names = [
			{ value: short, use: 'short' },
			{ value: shown, use: 'display' },
			{ value: consumer, use: 'consumer' },
			{ value: related.slice(0, 1000), use: 'related' },
		];
		yield {
			code,
			display,
			inactive: row.STATUS === 'DEPRECATED',
			parents: above(code),
			designations: names.filter(({ value }) => value !== '' && value !== display),
			properties: Object.fromEntries(kept.filter((name) => (row[name] ?? '') !== '').map((name) => [name, row[name] as string])),
		};
	}
}
