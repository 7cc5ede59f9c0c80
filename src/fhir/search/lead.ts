// Which condition leads a search, and with it the order in which its matches come when nobody asks for another. This hangs on the form of the
// query alone, never on data or statistics, so that the pages of a search fit together.
import { raw, type Sql, sql } from '#db/sql.ts';
import { normalise } from '#fhir/store/keys.ts';
import type { Order, OrderColumn } from './keyset.ts';
import { patientColumn, patientKeysOf } from './params/reference.ts';
import { column, type Row, stringNumbers, table } from './params/row.ts';
import { startsWith } from './params/string.ts';
import { hotCodeKeys } from './params/token.ts';
import type { Clause, DateValue } from './query.ts';
import type { SearchParam } from './registry.ts';

export type Lead =
	/** A handful of rows named by their ids. */
	| { readonly by: 'rows'; readonly at: number }
	/** One or a few patients: their rows by date. */
	| { readonly by: 'patient'; readonly at: number }
	/** Patients that a chain or a long list finds: patient after patient. */
	| { readonly by: 'patients'; readonly at: number }
	/** Hot codes with their systems: rows by date. */
	| { readonly by: 'code'; readonly at: number }
	/** The beginning of a string: rows in the order of the strings. */
	| { readonly by: 'string'; readonly at: number; readonly param: SearchParam; readonly text: string }
	/** The type's date. */
	| { readonly by: 'date'; readonly at: number; readonly value: DateValue }
	/** The time of the last change. */
	| { readonly by: 'updated'; readonly at: number; readonly value: DateValue }
	| { readonly by: 'none' };

/** More alternatives than this are not worth a scan each. */
export const maxScans = 20;

/** The leading condition among the parts of a conjunction, as they were before anything was looked up. */
export function leadOf(parts: readonly Clause[]): Lead {
	const find = <L extends Lead>(lead: (part: Clause, at: number) => L | undefined): L | undefined => {
		for (const [at, part] of parts.entries()) {
			const found = lead(part, at);
			if (found !== undefined) return found;
		}
		return undefined;
	};
	return (
		find<Lead>((part, at) => (isPoint(part) ? { by: 'rows', at } : undefined)) ??
		find<Lead>((part, at) => (isFew(patientKeysOf(part)?.keys) ? { by: 'patient', at } : undefined)) ??
		find<Lead>((part, at) => (isPatients(part) ? { by: 'patients', at } : undefined)) ??
		find<Lead>((part, at) => (isFew(hotCodeKeys(part)) ? { by: 'code', at } : undefined)) ??
		find<Lead>(stringLead) ??
		find<Lead>(dateLead) ?? { by: 'none' }
	);
}

function isFew(keys: readonly string[] | undefined): boolean {
	return keys !== undefined && keys.length > 0 && keys.length <= maxScans;
}

function isPoint(clause: Clause): boolean {
	if (clause.is === 'one-of' || clause.is === 'rows') return true;
	return (
		clause.is === 'param' && clause.modifier === undefined && clause.param.storage.in === 'column' && clause.param.storage.column === 'id'
	);
}

function isPatients(clause: Clause): boolean {
	if (clause.is === 'chain') return patientColumn(clause.param)?.also === false && clause.links.every(({ type }) => type === 'Patient');
	const found = patientKeysOf(clause);
	return found !== undefined && found.keys.length > maxScans && found.also.length === 0;
}

function stringLead(clause: Clause, at: number): Lead | undefined {
	if (clause.is !== 'param' || clause.modifier !== undefined || clause.param.type !== 'string' || clause.param.storage.in !== 'string')
		return undefined;
	const [value, ...others] = clause.values;
	const text = value?.is === 'string' ? normalise(value.text).slice(0, 500) : '';
	return text === '' || others.length > 0 ? undefined : { by: 'string', at, param: clause.param, text };
}

function dateLead(clause: Clause, at: number): Lead | undefined {
	if (clause.is !== 'param' || clause.param.type !== 'date') return undefined;
	const [value, ...others] = clause.values;
	if (value?.is !== 'date' || value.prefix === 'ne' || others.length > 0) return undefined;
	const { storage } = clause.param;
	if (storage.in === 'date') return { by: 'date', at, value };
	return storage.in === 'column' ? { by: 'updated', at, value } : undefined;
}

/** The order in which a lead gives its rows. */
export function orderOfLead(row: Row, lead: Lead): Order {
	switch (lead.by) {
		case 'patient':
		case 'code':
		case 'date':
			return [byDate(row, true)];
		case 'patients':
			return [{ on: column(row, 'pat'), cast: 'int8', descending: false, nullable: true }, byDate(row, true)];
		case 'updated':
			return [byUpdate(row, true)];
		case 'string':
			return [{ on: smallestString(row, lead.param, lead.text), cast: 'text', descending: false, nullable: false }];
		default:
			return [];
	}
}

/** The date column, in which the rows of a patient or of a hot code stand in their index. */
export function byDate(row: Row, descending: boolean): OrderColumn {
	return { on: column(row, 'd'), cast: 'timestamptz', descending, nullable: true };
}

/** The time of the last change. */
export function byUpdate(row: Row, descending: boolean): OrderColumn {
	return { on: column(row, 'lu'), cast: 'timestamptz', descending, nullable: false };
}

/** The first, in their order, of a row's strings that begin so. */
function smallestString(row: Row, param: SearchParam, text: string): Sql {
	const alias = raw(`t${++row.aliases.next}`);
	return sql`(SELECT min(${alias}.v) FROM ${table(row.type, 'string')} ${alias} WHERE ${alias}.rid = ${column(row, 'rid')} AND ${alias}.p IN (${raw(stringNumbers(param).join(', '))}) AND ${startsWith(sql`${alias}.v`, text)})`;
}
