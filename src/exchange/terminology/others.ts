// Smaller systems: vaccines and their makers (CDC), HCPCS (CMS), CPT (AMA, licensed), provider taxonomy (NUCC), and CodeSystem resources of FHIR.
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { Problem } from '#base/problem.ts';
import { type CodeSystem, conceptsOf, isAbstract, isInactive } from '#fhir/terminology/code-system.ts';
import type { LoadedConcept } from '#fhir/terminology/load.ts';
import { oneFile, type Publisher, yearIn } from './publisher.ts';
import { fieldsOf, linesOf, type ReleaseFile, wholeText } from './release.ts';

const cvxFile = /(^|\/)cvx[^/]*\.txt$/i;
const mvxFile = /(^|\/)mvx[^/]*\.txt$/i;
// Beside it in the archive are a description of its columns and the notes of procedures, as text too.
const hcpcsFile = /(^|\/)HCPC\d{2,4}[^/]*ANWEB[^/]*\.txt$/i;
const cptFile = /(^|\/)(LONGU[A-Z]*|Consolidated_?Code_?List)[^/]*\.txt$/i;
const nuccFile = /(^|\/)nucc_taxonomy[^/]*\.csv$/i;

/** Code | short name | full name | notes | status | … (https://www2a.cdc.gov/vaccines/iis/iisstandards/vaccines.asp) */
export const cvx: Publisher = {
	kind: 'cvx',
	about: 'CVX vaccines: cvx.txt (delimited text), from cdc.gov',
	...oneFile(cvxFile, (file, release) => ({
		system: {
			url: 'http://hl7.org/fhir/sid/cvx',
			version: yearIn(release.name),
			name: 'CVX',
			title: 'Vaccines administered (CVX)',
			complete: true,
		},
		concepts: (async function* (): AsyncGenerator<LoadedConcept> {
			for await (const row of fieldsOf(file, '|')) {
				const [code = '', short = '', full = '', , status = ''] = row.map((field) => field.trim());
				if (!/^\d{1,4}$/.test(code)) continue;
				const display = short === '' ? full : short;
				yield {
					code,
					display,
					inactive: /^inactive|never active|non-us/i.test(status),
					designations: full === '' || full === display ? [] : [{ value: full, use: 'full' }],
					properties: { status },
				};
			}
		})(),
	})),
};

export const mvx: Publisher = {
	kind: 'mvx',
	about: 'MVX manufacturers of vaccines: mvx.txt (delimited text), from cdc.gov',
	...oneFile(mvxFile, (file, release) => ({
		system: {
			url: 'http://hl7.org/fhir/sid/mvx',
			version: yearIn(release.name),
			name: 'MVX',
			title: 'Manufacturers of vaccines (MVX)',
			complete: true,
		},
		concepts: (async function* (): AsyncGenerator<LoadedConcept> {
			for await (const row of fieldsOf(file, '|')) {
				const [code = '', display = '', , status = ''] = row.map((field) => field.trim());
				if (/^[A-Z0-9]{2,4}$/.test(code)) yield { code, display, inactive: /^inactive/i.test(status) };
			}
		})(),
	})),
};

/** Fixed columns: 1-5 code, 11 kind of line (3 and 7 begin a code, 4 and 8 go on), 12-91 long name, 92-119 short name, 285-292 when it ended. */
export const hcpcs: Publisher = {
	kind: 'hcpcs',
	about: 'HCPCS Level II: HCPC<year>_…_ANWEB.txt or its zip, from cms.gov',
	...oneFile(hcpcsFile, (file) => ({
		system: {
			url: 'http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets',
			version: /HCPC(\d{4})/i.exec(file.name)?.[1],
			name: 'HCPCS',
			title: 'Healthcare Common Procedure Coding System, Level II',
			complete: true,
		},
		concepts: hcpcsConcepts(file),
	})),
};

async function* hcpcsConcepts(file: ReleaseFile): AsyncGenerator<LoadedConcept> {
	let open: { code: string; long: string; short: string; ended: boolean } | undefined;
	const done = (): LoadedConcept | undefined =>
		open === undefined
			? undefined
			: {
					code: open.code,
					display: open.long,
					inactive: open.ended,
					designations: open.short === '' ? [] : [{ value: open.short, use: 'short' }],
				};
	for await (const line of linesOf(file)) {
		const kind = line[10];
		const text = line.slice(11, 91).trim();
		if (kind === '3' || kind === '7') {
			const before = done();
			if (before !== undefined) yield before;
			open = { code: line.slice(0, 5).trim(), long: text, short: line.slice(91, 119).trim(), ended: /^\d{8}$/.test(line.slice(284, 292)) };
		} else if ((kind === '4' || kind === '8') && open !== undefined) open.long = `${open.long} ${text}`;
	}
	const last = done();
	if (last !== undefined) yield last;
}

/** One code a line, its name after a tab or blanks. */
export const cpt: Publisher = {
	kind: 'cpt',
	about: 'CPT: LONGULT.txt or Consolidated Code List, from the American Medical Association (licence needed)',
	...oneFile(cptFile, (file, release) => ({
		system: {
			url: 'http://www.ama-assn.org/go/cpt',
			version: yearIn(release.name, file.name),
			name: 'CPT',
			title: 'Current Procedural Terminology',
			complete: true,
			copyright: 'CPT is a registered trademark of the American Medical Association. Use needs a licence.',
		},
		concepts: (async function* (): AsyncGenerator<LoadedConcept> {
			for await (const line of linesOf(file)) {
				const [, code, display] = /^(?:\d+\t)?(\d{4}[0-9A-Z])[\t ]+(\S.*)$/.exec(line) ?? [];
				if (code !== undefined && display !== undefined) yield { code, display: (display.split('\t')[0] as string).trim() };
			}
		})(),
	})),
};

export const nucc: Publisher = {
	kind: 'nucc',
	about: 'Health Care Provider Taxonomy: nucc_taxonomy_<version>.csv, from nucc.org',
	...oneFile(nuccFile, (file) => ({
		system: {
			url: 'http://nucc.org/provider-taxonomy',
			version: /(\d{3})\.csv$/i.exec(file.name)?.[1],
			name: 'NUCC',
			title: 'Health Care Provider Taxonomy',
			complete: true,
		},
		concepts: (async function* (): AsyncGenerator<LoadedConcept> {
			const rows = Readable.from([await wholeText(file)]).pipe(parse({ columns: true, trim: true, relax_column_count: true }));
			for await (const row of rows as AsyncIterable<Record<string, string>>) {
				const {
					Code: code = '',
					Grouping: grouping = '',
					Classification: kind = '',
					Specialization: special = '',
					Definition: definition = '',
					Notes: notes = '',
				} = row;
				if (!/^[0-9A-Z]{10}$/.test(code)) continue;
				const own = special === '' ? kind : `${kind}, ${special}`;
				yield {
					code,
					display: row['Display Name'] || own,
					definition: definition === '' ? undefined : definition,
					inactive: /marked inactive/i.test(notes) || /^inactive\b/i.test(definition),
					designations: [{ value: own }],
					properties: { grouping },
				};
			}
		})(),
	})),
};

/** A CodeSystem resource as JSON. */
export const fhirCodeSystem: Publisher = {
	kind: 'fhir',
	about: 'any code system as a FHIR CodeSystem resource (.json)',
	knows: (release) => release.files.length === 1 && /\.json$/i.test(release.files[0]?.name ?? ''),
	async read(release) {
		const chunks: Buffer[] = [];
		for await (const chunk of await (release.files[0] as ReleaseFile).open()) chunks.push(Buffer.from(chunk));
		const resource = parsed(Buffer.concat(chunks));
		const concepts = conceptsOf(resource);
		return {
			system: {
				url: resource.url as string,
				version: resource.version,
				name: resource.name ?? (resource.url as string),
				title: resource.title ?? resource.name ?? (resource.url as string),
				complete: resource.content === 'complete',
			},
			concepts: (async function* (): AsyncGenerator<LoadedConcept> {
				for (const { code, defined, ancestors } of concepts.values()) {
					const parents = [...ancestors].filter((one) => ![...ancestors].some((other) => concepts.get(other)?.ancestors.has(one)));
					yield {
						code,
						display: defined.display ?? code,
						definition: defined.definition,
						abstract: isAbstract(defined),
						inactive: isInactive(defined),
						parents,
						designations: (defined.designation ?? []).flatMap(({ value, language }) => (value === undefined ? [] : [{ value, language }])),
					};
				}
			})(),
		};
	},
};

function parsed(bytes: Buffer): CodeSystem & { readonly title?: string } {
	let value: unknown;
	try {
		value = JSON.parse(bytes.toString('utf8'));
	} catch (cause) {
		throw new Problem('invalid', 'terminology-file-broken', 'The file is no JSON.', { cause });
	}
	const { resourceType, url } = (value ?? {}) as { resourceType?: unknown; url?: unknown };
	if (resourceType !== 'CodeSystem' || typeof url !== 'string')
		throw new Problem('invalid', 'terminology-file-broken', 'The file is no CodeSystem with a url.');
	return value as CodeSystem;
}
