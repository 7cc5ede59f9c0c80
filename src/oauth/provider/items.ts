// What all who touch the protocol's table agree on.
import { createHash } from 'node:crypto';
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';

/** The SHA-256 under which something secret is kept. */
export function hashOf(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}

/** Ends a grant with everything that was issued under it. */
export async function endGrant(db: Querier, grantId: string): Promise<boolean> {
	await db.execute(sql`DELETE FROM oauth.item WHERE grant_id = ${grantId} OR (hash = ${hashOf(grantId)} AND model = 'Grant')`);
	return (await db.execute(sql`DELETE FROM oauth.consent WHERE grant_id = ${grantId}`)) > 0;
}
