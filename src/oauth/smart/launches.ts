// EHR launches: an app is opened from a chart with an opaque `launch` that it hands back when it asks for access.
// https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch
import { randomBytes } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { hashOf } from '#oauth/provider/items.ts';
import type { LaunchContext } from './context.ts';

export type Launch = { readonly accountId: string; readonly clientId: string; readonly context: LaunchContext };

/** How long the app has to begin its authorization. */
const goodForMs = 5 * 60_000;

/** Keeps a launch and gives the text of its `launch` parameter. */
export async function makeLaunch({ db, clock }: { readonly db: Querier; readonly clock: Clock }, launch: Launch): Promise<string> {
	const text = randomBytes(32).toString('base64url');
	await db.execute(sql`
		INSERT INTO oauth.launch (hash, account_id, client_id, context, expires_at)
		VALUES (${hashOf(text)}, ${launch.accountId}, ${launch.clientId}, ${JSON.stringify(launch.context)}, ${new Date(clock.now().getTime() + goodForMs)})`);
	return text;
}

/** The launch of a `launch` parameter that has not expired. */
export async function findLaunch(
	{ db, clock }: { readonly db: Querier; readonly clock: Clock },
	text: string,
): Promise<Launch | undefined> {
	const [row] = await db.query<{ account_id: string; client_id: string; context: LaunchContext }>(
		sql`SELECT account_id, client_id, context FROM oauth.launch WHERE hash = ${hashOf(text)} AND expires_at > ${clock.now()}`,
	);
	return row === undefined ? undefined : { accountId: row.account_id, clientId: row.client_id, context: row.context };
}
