// What the driver's errors mean for whoever asked.
import { Problem } from '#base/problem.ts';

const connectionCodes = new Set([
	'ECONNREFUSED',
	'ECONNRESET',
	'ENOENT',
	'EPIPE',
	'ETIMEDOUT',
	'57P01',
	'57P02',
	'57P03',
	'53300',
	'08006',
	'08001',
	'08003',
	'08004',
]);

/** The same error, or a Problem unavailable when it says that the database is away. */
export function translate(error: unknown): unknown {
	const { code, message } = error as { code?: string; message?: string };
	if (
		(code !== undefined && connectionCodes.has(code)) ||
		/Connection terminated|connection error|Client has encountered|timeout exceeded when trying to connect/i.test(message ?? '')
	) {
		return unavailable(error);
	}
	if (code === '53100') return new Problem('unavailable', 'disk-full', 'The disk of the database is full.', { status: 507, cause: error });
	return error;
}

/** The database is away. */
export function unavailable(cause: unknown): Problem {
	return new Problem('unavailable', 'database-unavailable', 'The database cannot be reached at the moment.', {
		cause,
		headers: { 'retry-after': '2' },
	});
}
