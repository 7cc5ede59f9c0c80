// What of a database is Heron's: its schemas, tables and sequences, for copies of the whole.
import type { Querier } from './database.ts';
import { raw, sql } from './sql.ts';

/** Schemas that belong to Heron alone. Of `public` it has the table of migrations. A test compares the list with what migrations make. */
export const ownSchemas: readonly string[] = ['access', 'audit', 'events', 'fhir', 'jobs', 'oauth', 'terminology'];

/** Tables that hold a row from the start. */
export const seeded: readonly string[] = ['search_generation'];

export type Table = {
	readonly schema: string;
	readonly name: string;
	/** Columns that are stored, in order. */
	readonly columns: readonly string[];
};

/** Heron's tables, those that others refer to first; one that has partitions is one table. */
export async function ownTables(db: Querier): Promise<Table[]> {
	const tables = await db.query<{ oid: number; schema: string; name: string; columns: string[] }>(sql`
		SELECT c.oid::int8 AS oid, n.nspname AS schema, c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND (n.nspname = ANY(${ownSchemas}) OR (n.nspname = 'public' AND c.relname = 'heron_migration'))
		GROUP BY c.oid, n.nspname, c.relname ORDER BY n.nspname, c.relname`);
	const refers = await db.query<{ of: number; to: number }>(
		raw(`SELECT conrelid::int8 AS of, confrelid::int8 AS to FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid`),
	);
	const needs = Map.groupBy(refers, ({ of }) => of);
	const byOid = new Map(tables.map((table) => [table.oid, table]));
	const sorted = new Set<(typeof tables)[number]>();
	const visit = (table: (typeof tables)[number]): void => {
		if (sorted.has(table)) return;
		for (const { to } of needs.get(table.oid) ?? []) {
			const other = byOid.get(to);
			if (other !== undefined) visit(other);
		}
		sorted.add(table);
	};
	for (const table of tables) visit(table);
	return [...sorted].map(({ schema, name, columns }) => ({ schema, name, columns }));
}

export type Sequence = { readonly schema: string; readonly name: string; readonly last: string; readonly called: boolean };

/** Heron's sequences and how far they are. */
export async function ownSequences(db: Querier): Promise<Sequence[]> {
	const names = await db.query<{ schema: string; name: string }>(
		sql`SELECT schemaname AS schema, sequencename AS name FROM pg_sequences WHERE schemaname = ANY(${ownSchemas}) ORDER BY 1, 2`,
	);
	const sequences: Sequence[] = [];
	for (const { schema, name } of names) {
		const [row] = await db.query<{ last: string; called: boolean }>(
			raw(`SELECT last_value::text AS last, is_called AS called FROM "${schema}"."${name}"`),
		);
		if (row !== undefined) sequences.push({ schema, name, ...row });
	}
	return sequences;
}

/** Whether any table that `isData` wants holds a row. */
export async function isEmpty(db: Querier, tables: readonly Table[]): Promise<boolean> {
	for (const { schema, name } of tables) {
		const rows = await db.rows(raw(`SELECT 1 FROM "${schema}"."${name}" LIMIT 1`));
		if (rows.length > 0) return false;
	}
	return true;
}
