// What an error of PostgreSQL means for a write.
import { Problem } from '#base/problem.ts';
import { notStorable, overloaded, tooBusy } from './problems.ts';
import { refusals } from './statements.ts';

/** pg's DatabaseError, as far as it is looked at. */
export type SqlError = Error & { readonly code?: string; readonly detail?: string };

// serialization_failure, deadlock_detected, lock_not_available, unique_violation (two made the same at the same time), changed meanwhile
const transient: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '23505', refusals.changed]);

/** Whether the same may work when tried again. */
export function isTransient(error: SqlError): boolean {
	return error.code !== undefined && transient.has(error.code);
}

/** The Problem for an error that stays; the error itself when it is none of the client's business. */
export function problemOf(error: SqlError): unknown {
	if (error instanceof Problem) return error;
	if (isTransient(error)) return tooBusy(error);
	// Errors of Node's own have numbers for codes, or none.
	const code = typeof error.code === 'string' ? error.code : '';
	// insufficient resources: memory, locks
	if (code.startsWith('53')) return overloaded(error);
	// data exception, program limit exceeded, and a value too large for an index
	return /^(22|54)/.test(code) ? notStorable(error) : error;
}
