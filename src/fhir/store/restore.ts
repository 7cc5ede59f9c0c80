// Former versions from their stored form: read from the version that stands by itself down to the one wanted.
import { chainLength, decodeVersion, standsAlone, type Version } from './delta.ts';
import { milliseconds, tableOf } from './statements.ts';

/** A version as it lies in the database: `body` when it is the current one, `stored` when it is in history, neither for a delete. */
export type Raw = {
	readonly rid: number;
	readonly version: number;
	readonly updated: number;
	readonly op: 'C' | 'U' | 'D';
	readonly body: string | null;
	readonly stored: Buffer | null;
};

/** Columns of `Raw` from the current row `r`. */
const currentColumns = `r.rid, r.ver, ${milliseconds('r.lu')}, r.op, r.body, NULL::bytea`;
/** Columns of `Raw` from a row `h` of history. */
const formerColumns = `h.rid, h.ver, ${milliseconds('h.lu')}, h.op, NULL::text, h.body`;

/** A row of these columns. */
export function rawOf([rid, version, updated, op, body, stored]: readonly unknown[]): Raw {
	return {
		rid: Number(rid),
		version: Number(version),
		updated: Number(updated),
		op: op as Raw['op'],
		body: body as string | null,
		stored: stored as Buffer | null,
	};
}

/**
 * SQL for the versions `u.lo` to `u.hi` of the resource `u.id`, and those after them that they are stored as differences from: a LATERAL
 * subquery beside some `u`.
 */
export function versionsOf(type: string): string {
	return `SELECT ${currentColumns} FROM ${tableOf(type)} r WHERE r.id = u.id AND r.ver BETWEEN u.lo AND u.hi + ${chainLength}
		UNION ALL SELECT ${formerColumns} FROM ${tableOf(type, '_history')} h WHERE h.id = u.id AND h.ver BETWEEN u.lo AND u.hi + ${chainLength}`;
}

/**
 * The bodies of one resource's versions, '' for deletes, by version. Versions whose successors are not among the rows are left out.
 */
export function restore(type: string, id: string, rows: readonly Raw[]): Map<number, string> {
	const bodies = new Map<number, string>();
	let next: Version | undefined;
	for (const { version, updated, op, body, stored } of rows.toSorted((a, b) => b.version - a.version)) {
		if (next !== undefined && next.version !== version + 1) next = undefined;
		const about = { type, id, version, updated };
		const text = body ?? (op === 'D' ? '' : decode(stored, about, next));
		if (text !== undefined) bodies.set(version, text);
		next = text === undefined || op === 'D' ? undefined : { ...about, body: text };
	}
	return bodies;
}

function decode(stored: Buffer | null, about: Omit<Version, 'body'>, next: Version | undefined): string | undefined {
	if (stored === null) throw new Error('a version of history has no body');
	return standsAlone(stored) || next !== undefined ? decodeVersion(stored, about, next) : undefined;
}
