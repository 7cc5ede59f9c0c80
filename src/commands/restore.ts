// `heron restore`: a backup into an installation that no server works on.
import { createAudit } from '#access/audit/audit.ts';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { openBlobs, openSource, schemaOf } from '#compose.ts';
import { type Database, openDatabase } from '#db/database.ts';
import { restore } from '#exchange/backup/restore.ts';
import { readSettings, type Settings } from '#settings.ts';
import { type Command, pathOf, UsageError } from './command.ts';
import { commandLog, operator } from './installation.ts';
import { createMeter } from './meter.ts';

export const restoreCommand: Command = {
	usage: '<file.tar> [options]',
	about: `
Brings a backup back: into an empty installation, or with --force in place of everything that is there. The server must not be running.
The whole file is checked first; then all of it is taken in one transaction, or nothing. Backups of older versions of Heron go into an
empty database and are brought up to date.`,
	options: [{ name: 'force', means: 'replace the data that are there' }],
	async run(given) {
		const [file, ...more] = given.words;
		if (file === undefined || more.length > 0) throw new UsageError('Which file?');
		const settings = readSettings(process.env);
		const source = await openSource(settings, commandLog(settings), 'own', { migrate: false });
		try {
			const db = openDatabase({ ...source.config, application_name: 'heron restore', max: 2 });
			const blobs = await openBlobs(settings);
			try {
				const meter = createMeter(process.stderr);
				const manifest = await restore({
					db,
					blobs,
					dataDir: settings.dataDir,
					generated: schemaOf(settings),
					path: pathOf(file),
					force: given.has('force'),
					onProgress: ({ step, bytes }) => meter.show({ done: Math.round(bytes / 1e6), of: `MB (${step})` }),
				});
				await tellOfRestore(db, settings, manifest.createdAt);
				const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
				console.log(
					`Restored the backup of ${manifest.createdAt}: ${rows.toLocaleString('en-US')} rows, ${manifest.blobs.count.toLocaleString('en-US')} large binaries, ${meter.end().toFixed(1)} s.`,
				);
				return 0;
			} finally {
				await blobs.close();
				await db.close();
			}
		} finally {
			await source.close();
		}
	},
};

/** In the audit that was restored. */
async function tellOfRestore(db: Database, { audit: level, dataDir }: Settings, createdAt: string): Promise<void> {
	const audit = createAudit({ db, clock: systemClock, log: silentLog, dataDir, level });
	if (level !== 'off')
		await audit.record({
			...operator('restore'),
			kind: 'import',
			interaction: 'restore',
			action: 'C',
			status: 200,
			detail: `the backup of ${createdAt}`,
		});
	await audit.close();
}
