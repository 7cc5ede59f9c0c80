// `heron backup`: everything into one file.
import { statSync } from 'node:fs';
import { backup } from '#exchange/backup/backup.ts';
import { type Command, pathOf, UsageError } from './command.ts';
import { tellOf, withInstallation } from './installation.ts';
import { createMeter } from './meter.ts';

export const backupCommand: Command = {
	usage: '<file.tar>',
	about: `
Writes the whole installation into one file: the database (every resource with all its versions, the index, tokens, jobs), large binaries,
added packages and the certificate. Works while the server runs; all of the database is from one moment. The file is read again from end
to end before it gets its name. It holds patients' data: keep it where only those may read it who may.`,
	options: [],
	async run(given) {
		const [file, ...more] = given.words;
		if (file === undefined || more.length > 0) throw new UsageError('Into which file?');
		const path = pathOf(file);
		return withInstallation(async (installation) => {
			const { db, fhir, settings, clock } = installation;
			const meter = createMeter(process.stderr);
			const { tables, blobs } = await backup({
				db,
				blobs: fhir.blobs,
				dataDir: settings.dataDir,
				clock,
				path,
				onProgress: ({ step, bytes, share }) =>
					meter.show({ done: Math.round(bytes / 1e6), of: `MB (${step})`, ...(share === undefined ? {} : { share }) }),
			});
			const seconds = meter.end();
			const rows = tables.reduce((sum, table) => sum + table.rows, 0);
			await tellOf(installation, 'backup', { kind: 'export', interaction: 'backup', action: 'R', detail: `${rows} rows` });
			const megabytes = (statSync(path).size / 1e6).toFixed(1);
			console.log(
				`${path}: ${rows.toLocaleString('en-US')} rows, ${blobs.count.toLocaleString('en-US')} large binaries, ${megabytes} MB, ${seconds.toFixed(1)} s; read again and found whole.`,
			);
			return 0;
		});
	},
};
