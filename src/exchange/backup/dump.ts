// The tables of an installation as text, from one snapshot: COPY's text format, which every PostgreSQL since 7.3 reads.
// https://www.postgresql.org/docs/current/sql-copy.html
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { to as copyTo } from 'pg-copy-streams';
import type { Tx } from '#db/database.ts';
import { raw } from '#db/sql.ts';
import type { Table } from '#db/tables.ts';

const gzipAsync = promisify(gzip);

/** Text that becomes one entry of the archive. */
const partBytes = 8 * 1024 * 1024;

export type DumpedTable = Table & { readonly rows: number; readonly parts: number };

/** Writes a table in parts that each end with a whole row. `part` is given them compressed, in order, with the bytes they had before. */
export async function dumpTable(
	tx: Tx,
	table: Table,
	part: (number: number, bytes: Buffer, plain: number) => Promise<void>,
): Promise<DumpedTable> {
	const stream = tx.client.query(copyTo(`COPY (SELECT ${columnsOf(table)} FROM ${placeOf(table)}) TO STDOUT`));
	let held: Buffer[] = [];
	let size = 0;
	let rows = 0;
	let parts = 0;
	const flush = async (): Promise<void> => {
		if (size === 0) return;
		const plain = Buffer.concat(held);
		held = [];
		size = 0;
		parts++;
		await part(parts, await gzipAsync(plain, { level: 3 }), plain.length);
	};
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		// Every chunk is one or more whole rows, each ended by a line feed; those within values are written as \n.
		for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) rows++;
		held.push(chunk);
		size += chunk.length;
		if (size >= partBytes && chunk.at(-1) === 10) await flush();
	}
	await flush();
	return { ...table, rows, parts };
}

/** A table with its columns, as COPY names it. */
export function named({ schema, name, columns }: Table): string {
	return `${placeOf({ schema, name })} (${columnsOf({ columns })})`;
}

function placeOf({ schema, name }: Pick<Table, 'schema' | 'name'>): string {
	return `${quoted(schema)}.${quoted(name)}`;
}

function columnsOf({ columns }: Pick<Table, 'columns'>): string {
	return columns.map(quoted).join(', ');
}

/** Bytes that all tables together take, for the progress of a dump. */
export async function sizeOf(tx: Tx, tables: readonly Table[]): Promise<number> {
	const names = tables.map((table) => `'${placeOf(table)}'::regclass`);
	const [row] = await tx.rows(
		raw(`SELECT sum(coalesce((SELECT sum(pg_table_size(relid)) FROM pg_partition_tree(t)), pg_table_size(t)))::float8
			FROM unnest(ARRAY[${names.join(', ')}]) t`),
	);
	return Number(row?.[0] ?? 0);
}

function quoted(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}
