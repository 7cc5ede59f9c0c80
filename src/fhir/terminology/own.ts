// Code systems that come with Heron: those of FHIR R4, HL7 v2 and v3 and US Core (own/code-systems.gz, made by `npm run definitions`), and a
// starter set of clinical codes (starter/*.tsv), so that there is something to pick from before the publishers' files are loaded.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { copyConcepts, type LoadedConcept, type LoadedSystem, listSystems, removeNumbers, saveWords, type WordCounts } from './load.ts';

export type OwnConcept = { readonly c: string; readonly d: string; readonly p?: readonly string[]; readonly a?: 1; readonly i?: 1 };
export type OwnSystem = {
	readonly url: string;
	readonly version: string | undefined;
	readonly name: string;
	readonly title: string;
	readonly complete: boolean;
	readonly concepts: readonly OwnConcept[];
};

const lockKey = 4_833_119;
const folder = import.meta.dirname;

type Whole = LoadedSystem & { readonly list: readonly LoadedConcept[] };

/**
 * Brings what came with this release into the tables, unless it is there. A system that somebody loaded from its publisher's file stays. Of
 * several processes one does it and the others wait. Gives the number of systems that were written.
 */
export async function loadOwn(db: Database): Promise<number> {
	const packed = readFileSync(join(folder, 'own', 'code-systems.gz'));
	const starters = readStarters();
	const origin = `heron ${hashOf([packed, ...starters.map(({ text }) => text)])}`;
	if ((await db.rows(sql`SELECT 1 FROM terminology.system WHERE origin = ${origin} LIMIT 1`)).length > 0) return 0;
	return db.tx(async (tx) => {
		await tx.execute(sql`SELECT pg_advisory_xact_lock(${lockKey})`);
		const present = await listSystems(tx);
		if (present.some((row) => row.origin === origin)) return 0;
		await removeNumbers(
			tx,
			present.filter((row) => row.origin.startsWith('heron ')).map(({ number }) => number),
		);
		const taken = new Set(present.filter((row) => !row.origin.startsWith('heron ') && row.state === 'active').map(({ url }) => url));
		const systems = [...readOwn(packed, origin), ...starters.map((starter) => ({ ...starter.system, origin }))].filter(
			({ url }) => !taken.has(url),
		);
		const rows = await tx.query<{
			number: number;
			url: string;
		}>(sql`INSERT INTO terminology.system (url, version, name, title, origin, state, complete, hierarchy, concepts, copyright)
			SELECT url, version, name, title, ${origin}, 'active', complete, hierarchy, concepts, copyright FROM unnest(
				${systems.map(({ url }) => url)}::text[], ${systems.map(({ version }) => version ?? null)}::text[], ${systems.map(({ name }) => name)}::text[],
				${systems.map(({ title }) => title)}::text[], ${systems.map(({ complete }) => complete)}::bool[],
				${systems.map(({ list }) => list.some(({ parents }) => (parents?.length ?? 0) > 0))}::bool[], ${systems.map(({ list }) => list.length)}::int4[],
				${systems.map(({ copyright }) => copyright ?? null)}::text[]) AS u (url, version, name, title, complete, hierarchy, concepts, copyright)
			RETURNING number, url`);
		const numbers = new Map(rows.map(({ url, number }) => [url, number]));
		const concepts = systems.flatMap(({ url, list }) =>
			list.map((concept, place) => ({ system: numbers.get(url) as number, place, concept })),
		);
		const counts: WordCounts = new Map();
		await copyConcepts(tx, concepts, counts);
		await saveWords(tx, counts);
		return systems.length;
	});
}

function hashOf(parts: readonly (Buffer | string)[]): string {
	const hash = createHash('sha256');
	for (const part of parts) hash.update(part);
	return hash.digest('hex').slice(0, 16);
}

function readOwn(packed: Buffer, origin: string): Whole[] {
	return gunzipSync(packed)
		.toString('utf8')
		.split('\n')
		.map((line) => {
			const { concepts, ...system } = JSON.parse(line) as OwnSystem;
			const list = concepts.map(({ c: code, d: display, p: parents = [], a, i }) => ({
				code,
				display,
				parents,
				abstract: a === 1,
				inactive: i === 1,
			}));
			return { ...system, origin, list };
		});
}

type Starter = { readonly text: string; readonly system: Whole };

/**
 * A file of the starter set: lines `# key: value` about the system (url, name, title, version, source, copyright), then code, display and, where there are
 * some, other names, between tabs.
 */
function readStarters(): Starter[] {
	return readdirSync(join(folder, 'starter'))
		.filter((name) => name.endsWith('.tsv'))
		.sort()
		.map((name) => {
			const text = readFileSync(join(folder, 'starter', name), 'utf8');
			const about = new Map([...text.matchAll(/^# (\w+): (.*)$/gm)].map(([, key = '', value = '']) => [key, value]));
			const list = text
				.split('\n')
				.filter((line) => line !== '' && !line.startsWith('#'))
				.map((line) => {
					const [code = '', display = '', ...others] = line.split('\t');
					return { code, display, designations: others.filter((other) => other !== '').map((value) => ({ value })) };
				});
			const of = (key: string): string => about.get(key) ?? '';
			return {
				text,
				system: {
					url: of('url'),
					version: of('version') || undefined,
					name: of('name'),
					title: of('title'),
					origin: '',
					complete: false,
					copyright: of('copyright') || undefined,
					list,
				},
			};
		});
}
