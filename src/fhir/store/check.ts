// The deep check of `heron doctor --deep`: every index is computed again from the stored bodies and compared, and every version is
// restored. Reads a few hundred rows at a time; the server may go on writing meanwhile.
import type { Database } from '#db/database.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { headOf } from './body.ts';
import { decodeVersion, type Version } from './delta.ts';
import type { IndexRow } from './layout.ts';
import { holdsNothing } from './sought.ts';
import { countOf, linkOf, lookUp, milliseconds, readLinks, tableOf } from './statements.ts';
import type { Store } from './store.ts';
import { differences, expectedIndex, lastRid, missingTexts, readStoredRows, type StoredRow, wrongWords } from './stored-index.ts';

/** One thing that is wrong. Names a resource, never what is in it. */
export type Damage = {
	readonly type: string;
	/** Empty when it is about no resource in particular. */
	readonly id: string;
	readonly version: number;
	/** `body`, `index`, `orphan`, `history`, `reference` or `catalogue`. */
	readonly kind: 'body' | 'index' | 'orphan' | 'history' | 'reference' | 'catalogue';
	readonly what: string;
};

export type CheckProgress = { readonly type: string; readonly resources: number; readonly versions: number };

export type CheckReport = {
	/** Current rows and former versions looked at. */
	readonly resources: number;
	readonly versions: number;
	/** How much is wrong in all; `damage` holds the first of it. */
	readonly wrong: number;
	readonly damage: readonly Damage[];
};

export type CheckOptions = {
	readonly onProgress?: (progress: CheckProgress) => void;
	/** Also looks whether references lead somewhere; for installations that refuse those that do not. */
	readonly references?: boolean;
};

const rowsAtOnce = 300;
const mostDamage = 1000;

/** Checks everything that is stored. */
export async function checkIndexes(db: Database, store: Store, definitions: Definitions, options: CheckOptions = {}): Promise<CheckReport> {
	const check = new Check(db, store, definitions, options);
	await check.catalogue();
	for (const type of await check.types()) {
		await check.rows(type);
		await check.orphans(type);
		await check.history(type);
		await check.sequence(type);
		await check.count(type);
	}
	await check.orphanedWords();
	return check.report();
}

class Check {
	readonly #db: Database;
	readonly #store: Store;
	readonly #definitions: Definitions;
	readonly #options: CheckOptions;
	readonly #damage: Damage[] = [];
	#wrong = 0;
	#resources = 0;
	#versions = 0;

	constructor(db: Database, store: Store, definitions: Definitions, options: CheckOptions) {
		this.#db = db;
		this.#store = store;
		this.#definitions = definitions;
		this.#options = options;
	}

	report(): CheckReport {
		return { resources: this.#resources, versions: this.#versions, wrong: this.#wrong, damage: this.#damage };
	}

	#found(kind: Damage['kind'], type: string, what: string, id = '', version = 0): void {
		this.#wrong++;
		if (this.#damage.length < mostDamage) this.#damage.push({ type, id, version, kind, what });
	}

	#progress(type: string): void {
		this.#options.onProgress?.({ type, resources: this.#resources, versions: this.#versions });
	}

	async types(): Promise<string[]> {
		const rows = await this.#db.rows({ text: 'SELECT type FROM fhir.used_type ORDER BY type' });
		return rows.map(([type]) => type as string).filter((type) => this.#definitions.isResourceType(type));
	}

	/** Types that have rows but are not listed as used. */
	async catalogue(): Promise<void> {
		const used = new Set(await this.types());
		const others = this.#definitions.resourceTypes.filter((type) => !used.has(type));
		const parts = others.map(
			(type) => `SELECT '${type}' WHERE EXISTS (SELECT 1 FROM ${tableOf(type)}) OR EXISTS (SELECT 1 FROM ${tableOf(type, '_history')})`,
		);
		if (parts.length === 0) return;
		for (const [type] of await this.#db.rows({ text: parts.join(' UNION ALL ') }))
			this.#found('catalogue', type as string, 'has rows but is missing in fhir.used_type');
	}

	async rows(type: string): Promise<void> {
		const until = await lastRid(this.#db, type);
		for (let after = 0; after < until; ) {
			const rows = await readStoredRows(this.#db, { type, after, until, limit: rowsAtOnce, lock: false });
			const last = rows.at(-1);
			if (last === undefined) return;
			after = last.rid;
			await this.#someRows(type, rows);
			this.#resources += rows.length;
			this.#progress(type);
		}
	}

	async #someRows(type: string, rows: readonly StoredRow[]): Promise<void> {
		const expected: (readonly [StoredRow, IndexRow])[] = [];
		for (const row of rows) {
			const index = expectedIndex(row.body, this.#store.extract);
			if (index === undefined || !row.body.startsWith(headOf(type, row.id, row.version, row.updated))) {
				this.#found('body', type, 'the body is not what its columns say', row.id, row.version);
				continue;
			}
			const wrong = differences(type, row, index);
			if (wrong.length > 0) this.#found('index', type, wrong.join(', '), row.id, row.version);
			expected.push([row, index]);
		}
		await this.#words(type, expected);
		await this.#texts(type, expected);
		await this.#links(type, expected);
	}

	async #words(type: string, rows: readonly (readonly [StoredRow, IndexRow])[]): Promise<void> {
		const wrong = new Set(
			await wrongWords(
				this.#db,
				rows.map(([{ rid }, { words }]) => ({ rid, words })),
			),
		);
		for (const [{ rid, id, version }] of rows) if (wrong.has(rid)) await this.#stillWrong(type, id, version, 'words');
	}

	/** What stands in another table was read a moment later: a row that was changed meanwhile is not wrong. */
	async #stillWrong(type: string, id: string, version: number, what: string): Promise<void> {
		const [row] = await this.#db.rows(lookUp(type, [id]));
		if (row?.[4] !== 'D' && Number(row?.[2]) === version) this.#found('index', type, what, id, version);
	}

	async #texts(type: string, rows: readonly (readonly [StoredRow, IndexRow])[]): Promise<void> {
		const wanted = rows.flatMap(([, { texts }]) => texts);
		const missing = await missingTexts(this.#db, this.#definitions, type, wanted);
		if (missing.size === 0) return;
		for (const [{ id, version }, { texts }] of rows)
			if (texts.some(({ k }) => missing.has(k))) this.#found('index', type, 'token_text', id, version);
	}

	/** That a delete would look for these references, and that they lead somewhere. */
	async #links(type: string, rows: readonly (readonly [StoredRow, IndexRow])[]): Promise<void> {
		const targets = new Map<string, Set<string>>();
		for (const reference of new Set(rows.flatMap(([, { references }]) => references))) {
			const [target = '', id = ''] = reference.split('/');
			if (!this.#definitions.isResourceType(target)) continue;
			targets.set(target, (targets.get(target) ?? new Set()).add(id));
		}
		const known = new Set(
			(await this.#db.rows(readLinks)).map(linkOf).flatMap(({ source, target, param }) => (source === type ? `${target} ${param}` : [])),
		);
		for (const link of new Set(rows.flatMap(([, { links }]) => links)))
			if (!known.has(link)) this.#found('catalogue', type, `refers by ${link}, which is missing in fhir.link`);
		if (this.#options.references !== true || type === holdsNothing) return;
		for (const [target, ids] of targets) {
			const found = await this.#db.rows({
				text: `SELECT i FROM unnest($1::text[]) AS i WHERE NOT EXISTS (SELECT 1 FROM ${tableOf(target)} r WHERE r.id = i)`,
				values: [[...ids]],
			});
			const lost = new Set(found.map(([id]) => `${target}/${id}`));
			if (lost.size === 0) continue;
			for (const [{ id, version }, { references }] of rows)
				if (references.some((reference) => lost.has(reference)))
					this.#found('reference', type, 'refers to what does not exist', id, version);
		}
	}

	async orphans(type: string): Promise<void> {
		for (const side of ['_string', '_range'] as const) {
			const [row] = await this.#db.rows({
				text: `SELECT count(*) FROM ${tableOf(type, side)} s WHERE NOT EXISTS (SELECT 1 FROM ${tableOf(type)} r WHERE r.rid = s.rid)`,
			});
			if (Number(row?.[0]) > 0) this.#found('orphan', type, `${row?.[0]} entries in ${side.slice(1)} belong to no resource`);
		}
	}

	async orphanedWords(): Promise<void> {
		const none = (await this.types()).map((type) => `NOT EXISTS (SELECT 1 FROM ${tableOf(type)} r WHERE r.rid = w.rid)`);
		const [row] = await this.#db.rows({ text: `SELECT count(*) FROM fhir.words w WHERE ${none.join(' AND ') || 'true'}` });
		if (Number(row?.[0]) > 0) this.#found('orphan', '', `${row?.[0]} entries in words belong to no resource`);
	}

	/** Restores every former version, the latest first, each from the one after it. */
	async history(type: string): Promise<void> {
		let place: readonly [string, number] | undefined;
		let next: Version | undefined;
		for (;;) {
			const rows = await this.#formerRows(type, place);
			for (const row of rows) next = this.#restore(type, row, next);
			this.#versions += rows.length;
			const last = rows.at(-1);
			if (last === undefined) return;
			place = [last.id, last.version];
			this.#progress(type);
		}
	}

	#restore(type: string, row: FormerRow, carried: Version | undefined): Version | undefined {
		const { id, version, updated, op, stored, current } = row;
		const next = current ?? (carried?.id === id && carried.version === version + 1 ? carried : undefined);
		const about = { type, id, version, updated };
		if (next !== undefined && next.updated < updated)
			this.#found('history', type, 'is dated after the version that replaced it', id, version);
		if (op === 'D') return { ...about, body: '' };
		try {
			const body = decodeVersion(stored ?? Buffer.alloc(0), about, next?.body === '' ? undefined : next);
			if (body.startsWith(headOf(type, id, version, updated)) && typeof JSON.parse(body) === 'object') return { ...about, body };
		} catch {
			// Reported below, as is a body that is another version's.
		}
		this.#found('history', type, 'cannot be restored', id, version);
		return undefined;
	}

	async #formerRows(type: string, place: readonly [string, number] | undefined): Promise<FormerRow[]> {
		const rows = await this.#db.rows({
			text: `SELECT h.id, h.ver, ${milliseconds('h.lu')}, h.op, h.body, r.ver, ${milliseconds('r.lu')}, r.body FROM ${tableOf(type, '_history')} h
				LEFT JOIN ${tableOf(type)} r ON r.id = h.id AND r.ver = h.ver + 1
				${place === undefined ? '' : 'WHERE (h.id, h.ver) < ($1, $2)'} ORDER BY h.id DESC, h.ver DESC LIMIT ${rowsAtOnce}`,
			values: place === undefined ? [] : [...place],
		});
		return rows.map(([id, version, updated, op, stored, after, when, body]) => ({
			id: id as string,
			version: Number(version),
			updated: Number(updated),
			op: op as string,
			stored: stored as Buffer | null,
			current: after === null ? undefined : { type, id: id as string, version: Number(after), updated: Number(when), body: body as string },
		}));
	}

	/** That the versions of each resource are 1, 2, 3 and on, and that what is not current ended with a delete. */
	async sequence(type: string): Promise<void> {
		const rows = await this.#db.rows({
			text: `SELECT v.id, max(v.ver) FROM (SELECT id, ver, op, false AS current FROM ${tableOf(type, '_history')}
				UNION ALL SELECT id, ver, op, true FROM ${tableOf(type)}) v GROUP BY v.id
				HAVING min(v.ver) <> 1 OR count(*) <> max(v.ver) OR count(DISTINCT v.ver) <> count(*)
					OR (array_agg(v.current OR v.op = 'D' ORDER BY v.ver DESC))[1] IS NOT TRUE
				LIMIT ${mostDamage}`,
		});
		for (const [id, version] of rows) this.#found('history', type, 'versions are missing or too many', id as string, Number(version));
	}

	/** That there are as many rows as were counted. */
	async count(type: string): Promise<void> {
		const [row] = await this.#db.rows({ text: `SELECT count(*), ${countOf(type)} FROM ${tableOf(type)}` });
		if (row?.[0] !== row?.[1]) this.#found('catalogue', type, `has ${row?.[0]} rows, of which ${row?.[1]} were counted`);
	}
}

type FormerRow = {
	readonly id: string;
	readonly version: number;
	readonly updated: number;
	readonly op: string;
	readonly stored: Buffer | null;
	readonly current: Version | undefined;
};
