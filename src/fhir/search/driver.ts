// Which index finds the rows. The patient's rows come in the order of their dates, and so do those of a hot code: such a
// driver is a list of branches that exclude each other, each of which one btree scan can read in order and stop early.
import { raw, type Sql, sql } from '#db/sql.ts';
import { conditionOf } from './compile.ts';
import { patientKeysOf, referenceKeys } from './params/reference.ts';
import { allOf, column, hasAny, type Row } from './params/row.ts';
import { hotCodeKeys } from './params/token.ts';
import type { Clause } from './query.ts';

export type Driven = {
	/** What drives: a btree by patient or hot code in the order of dates, a handful of known rows, or nothing in particular. */
	readonly by: 'patient' | 'code' | 'rows' | 'none';
	/** Conditions that exclude each other; the matches are all rows that meet one of them and all the filters. */
	readonly branches: readonly Sql[];
	readonly filter: Sql;
	/** The statement looks at btrees only, so that its plan does not hang on the values and it may be prepared. */
	readonly stable: boolean;
};

/** More alternatives than this are not worth a branch each. */
const maxBranches = 20;

/** Takes the clause that finds the rows best and leaves the others as filters. */
export function drive(row: Row, clause: Clause): Driven {
	const parts = flatten(clause);
	const filters: Row = { ...row, mode: 'filter' };
	const rest = (taken: number): Sql => allOf(parts.filter((_, i) => i !== taken).map((part) => conditionOf(filters, part)));
	const point = parts.findIndex(isPoint);
	if (point >= 0) {
		const branch = conditionOf({ ...row, mode: 'index' }, parts[point] as Clause);
		return { by: 'rows', branches: [branch], filter: rest(point), stable: false };
	}
	for (let i = 0; i < parts.length; i++) {
		const branches = patientBranches(row, parts[i] as Clause);
		if (branches !== undefined) {
			return { by: 'patient', branches, filter: rest(i), stable: branches.length === 1 && parts.every(isPlain) };
		}
	}
	for (let i = 0; i < parts.length; i++) {
		const branches = codeBranches(row, parts[i] as Clause);
		if (branches !== undefined) return { by: 'code', branches, filter: rest(i), stable: false };
	}
	const indexed: Row = { ...row, mode: 'index' };
	return { by: 'none', branches: [raw('true')], filter: allOf(parts.map((part) => conditionOf(indexed, part))), stable: false };
}

/** The parts of a conjunction, however nested. */
export function flatten(clause: Clause): Clause[] {
	return clause.is === 'all' ? clause.of.flatMap(flatten) : [clause];
}

function isPoint(clause: Clause): boolean {
	if (clause.is === 'one-of' || clause.is === 'rows') return true;
	return (
		clause.is === 'param' && clause.modifier === undefined && clause.param.storage.in === 'column' && clause.param.storage.column === 'id'
	);
}

/** Conditions whose shape does not hang on their values, so that the statement's text repeats. */
function isPlain(clause: Clause): boolean {
	if (clause.is === 'patient') return true;
	if (clause.is !== 'param' || clause.values.length !== 1) return false;
	const { type, storage } = clause.param;
	if (type === 'token') return clause.modifier === undefined || clause.modifier === 'not';
	if (type === 'date') return storage.in === 'date' || storage.in === 'column';
	return type === 'reference' && clause.modifier === undefined;
}

function patientBranches(row: Row, clause: Clause): Sql[] | undefined {
	const found = patientKeysOf(clause);
	if (found === undefined || found.keys.length === 0 || found.keys.length > maxBranches) return undefined;
	const pat = column(row, 'pat');
	const branches = found.keys.map((key) => sql`${pat} = ${key}`);
	if (found.also.length > 0) {
		const others = hasAny({ ...row, mode: 'index' }, referenceKeys(found.also, found.keys));
		branches.push(sql`(${others} AND (${pat} IS NULL OR ${pat} <> ALL(${found.keys}::int8[])))`);
	}
	return branches;
}

function codeBranches(row: Row, clause: Clause): Sql[] | undefined {
	const keys = hotCodeKeys(clause);
	if (keys === undefined || keys.length === 0 || keys.length > maxBranches) return undefined;
	const code = column(row, 'code');
	const further = hasAny({ ...row, mode: 'index' }, keys);
	return [...keys.map((key) => sql`${code} = ${key}`), sql`(${further} AND (${code} IS NULL OR ${code} <> ALL(${keys}::int8[])))`];
}
