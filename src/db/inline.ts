// Statements that take no parameters (COPY of a query): the values are written into the text as literals.
import { escapeLiteral } from 'pg';
import { Sql } from './sql.ts';

/** The text of a statement with every value in its place, as a literal whose type PostgreSQL finds out just as it does for parameters. */
export function inlined({ strings, values }: Sql): string {
	let text = strings[0] as string;
	for (let i = 0; i < values.length; i++) {
		const value = values[i];
		text += value instanceof Sql ? inlined(value) : literal(value);
		text += strings[i + 1] as string;
	}
	return text;
}

function literal(value: unknown): string {
	if (value === null || value === undefined) return 'NULL';
	if (Array.isArray(value)) return escapeLiteral(arrayText(value));
	return escapeLiteral(plain(value));
}

function plain(value: unknown): string {
	if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
		return String(value);
	if (value instanceof Date) return value.toISOString();
	throw new TypeError('this value cannot be written into a statement');
}

/** https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayText(values: readonly unknown[]): string {
	const items = values.map((value) => (value === null ? 'NULL' : `"${plain(value).replace(/["\\]/g, '\\$&')}"`));
	return `{${items.join(',')}}`;
}
