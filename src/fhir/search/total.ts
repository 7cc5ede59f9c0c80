// _total=estimate: exact while small, beyond that what the planner expects.
import type { Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { Source } from './read.ts';
import { rowsStatement } from './statement.ts';

/** Up to here an estimate is exact. */
const exactUpTo = 1000;

/** About how many matches there are. */
export async function estimateTotal(db: Querier, sources: readonly Source[]): Promise<number> {
	const [row] = await db.rows(sql`SELECT count(*) FROM (${rowsStatement(sources)} LIMIT ${raw(String(exactUpTo + 1))}) x`);
	const seen = Number(row?.[0] ?? 0);
	if (seen <= exactUpTo) return seen;
	const { text, values } = rowsStatement(sources).compile();
	const [plan] = await db.rows({ text: `EXPLAIN (FORMAT JSON) ${text}`, values });
	const expected = (plan?.[0] as [{ Plan: { 'Plan Rows': number } }] | undefined)?.[0].Plan['Plan Rows'] ?? seen;
	return Math.max(seen, Math.round(expected));
}
