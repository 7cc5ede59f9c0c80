// The resource types that this installation has ever stored something of: what a search of everything has to look through.
import type { Querier } from '#db/database.ts';
import { raw } from '#db/sql.ts';

/** Their names, sorted. */
export async function usedTypes(db: Querier): Promise<string[]> {
	const rows = await db.rows(raw('SELECT type FROM fhir.used_type ORDER BY type'));
	return rows.map(([type]) => type as string);
}
