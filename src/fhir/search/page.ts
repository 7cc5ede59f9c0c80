// Page tokens: where the page before ended, so that links stay right while data change (never an offset).
import { hash } from 'node:crypto';
import { badPage } from './problems.ts';
import type { SearchQuery } from './query.ts';

/** A place between two matches: the sort values of the row beside it (as PostgreSQL writes them) and its row id. */
export type Place = {
	/** The page is after the row, or before it (then rows are read backwards). */
	readonly direction: 'next' | 'previous';
	readonly values: readonly (string | null)[];
	readonly rid: number;
};

/** The token's text: opaque to clients, bound to the search it was made for. */
export function writePlace(query: SearchQuery, place: Place): string {
	const text = JSON.stringify([place.direction === 'next' ? 0 : 1, fingerprint(query), place.rid, ...place.values]);
	return Buffer.from(text).toString('base64url');
}

/** The place a token stands for. Throws Problem invalid `search-page-invalid` when it is garbage or of another search. */
export function readPlace(query: SearchQuery, columns: number): Place | undefined {
	if (query.page === undefined) return undefined;
	const parts = parse(query.page);
	if (!Array.isArray(parts) || parts.length !== columns + 3) throw badPage();
	const [direction, print, rid, ...values] = parts as unknown[];
	if ((direction !== 0 && direction !== 1) || print !== fingerprint(query)) throw badPage();
	if (typeof rid !== 'number' || !Number.isSafeInteger(rid)) throw badPage();
	if (!values.every((value) => value === null || (typeof value === 'string' && value.length <= 2000 && !value.includes('\0'))))
		throw badPage();
	return { direction: direction === 0 ? 'next' : 'previous', rid, values: values as (string | null)[] };
}

function parse(token: string): unknown {
	if (!/^[A-Za-z0-9_-]{8,8000}$/.test(token)) throw badPage();
	try {
		return JSON.parse(Buffer.from(token, 'base64url').toString());
	} catch {
		throw badPage();
	}
}

/** Short hash of what decides the order and the set: types, conditions and sort. */
function fingerprint(query: SearchQuery): string {
	const conditions = query.applied.filter(([name]) => !/^_(count|total|summary|elements|include|revinclude)(:|$)/.test(name));
	return hash('sha1', JSON.stringify([query.types.length === 1 ? query.types : '', conditions]), 'base64url').slice(0, 8);
}
