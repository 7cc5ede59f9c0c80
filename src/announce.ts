// What the audit is told when a server starts and stops: that it did, and which settings are others than at the last start.
import { heron } from '#access/audit/event.ts';
import { sql } from '#db/sql.ts';
import { addedPackages } from '#fhir/definitions/package.ts';
import type { Installation } from './compose.ts';
import { settingRows } from './settings.ts';

type Announcing = Pick<Installation, 'db' | 'fhir' | 'settings'>;

/** Tells of a start. Settings are compared by keyed hashes, for some of them are secrets; their values are told to nobody. */
export async function announceStart(
	{ db, fhir: { audit }, settings: { dataDir } }: Announcing,
	environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
	if (audit.level === 'off') return;
	const event = { ...heron, kind: 'configuration', action: 'E', status: 200 } as const;
	await audit.record({ ...event, interaction: 'started', detail: `process ${process.pid}, audit ${audit.level}` });
	await db.tx(async (tx) => {
		// Of several processes that start together one tells.
		await tx.execute(sql`LOCK TABLE access.setting IN EXCLUSIVE MODE`);
		const before = new Map(
			(await tx.query<{ name: string; digest: string }>(sql`SELECT name, digest FROM access.setting`)).map(({ name, digest }) => [
				name,
				digest,
			]),
		);
		const changed: string[] = [];
		const packages = addedPackages(dataDir).map(({ name, version }) => `${name}@${version}`);
		const present = [...settingRows.map(({ name }) => [name, environment[name]] as const), ['packages', packages.join(' ')] as const];
		for (const [name, value] of present) {
			const digest = value === undefined || value === '' ? undefined : audit.hashOf(`${name}=${value}`);
			if (digest === before.get(name)) continue;
			changed.push(name);
			await tx.execute(
				digest === undefined
					? sql`DELETE FROM access.setting WHERE name = ${name}`
					: sql`INSERT INTO access.setting (name, digest) VALUES (${name}, ${digest}) ON CONFLICT (name) DO UPDATE SET digest = excluded.digest`,
			);
		}
		if (changed.length > 0) await audit.record({ ...event, interaction: 'settings-changed', action: 'U', detail: changed.join(' ') }, tx);
	});
}

/** Tells of a stop that was asked for. */
export async function announceStop({ fhir: { audit } }: Pick<Installation, 'fhir'>): Promise<void> {
	if (audit.level === 'off') return;
	await audit.record({
		...heron,
		kind: 'configuration',
		interaction: 'stopped',
		action: 'E',
		status: 200,
		detail: `process ${process.pid}`,
	});
}
