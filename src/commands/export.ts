// `heron export`: the record as NDJSON.

import { everything } from '#access/ctx.ts';
import { systemClock } from '#base/clock.ts';
import { exportAll } from '#exchange/export/export.ts';
import { type Command, columns, pathOf, UsageError } from './command.ts';
import { tellOf, withInstallation } from './installation.ts';
import { createMeter } from './meter.ts';

export const exportCommand: Command = {
	usage: '[folder] [options]',
	about: `
Writes the record as gzipped NDJSON, a file per resource type, into an empty folder (heron-export-<time> unless named), with a
manifest.json of what is in it. Everything comes from one moment, also while the server works; every file is read again and counted
before it gets its name. "import" takes it back.`,
	options: [
		{ name: 'type', value: 'type', repeats: true, means: 'only this resource type; may be given several times' },
		{ name: 'history', means: 'also every version, deletions included, as entries of a history Bundle' },
	],
	async run(given) {
		if (given.words.length > 1) throw new UsageError('One folder at most.');
		const folder = pathOf(given.words[0] ?? `heron-export-${systemClock.now().toISOString().slice(0, 19).replaceAll(':', '')}`);
		const types = given.values('type').flatMap((text) => text.split(','));
		const caller = { kind: 'system', id: 'heron-export', name: 'heron export', grants: everything } as const;
		return withInstallation(async (installation, signal) => {
			const meter = createMeter(process.stderr);
			let lines = 0;
			const { output } = await exportAll(installation.ctxFor(caller, 'export'), {
				folder,
				...(types.length === 0 ? {} : { types }),
				history: given.has('history'),
				signal,
				onProgress(more) {
					lines += more;
					meter.show({ done: lines, of: 'resources' });
				},
			});
			const seconds = meter.end();
			const total = output.reduce((sum, { count }) => sum + count, 0);
			const detail = `${total} lines of ${types.join(' ') || 'all types'}${given.has('history') ? ' with history' : ''}${signal.aborted ? ', interrupted' : ''}`;
			await tellOf(installation, 'export', { kind: 'export', interaction: 'export', action: 'R', detail });
			if (signal.aborted) {
				console.log('Interrupted: the folder has no manifest and is not whole.');
				return 130;
			}
			if (output.length > 0) console.log(columns(output.map(({ url, count }) => [url, count.toLocaleString('en-US')])));
			console.log(`${total.toLocaleString('en-US')} lines in ${output.length} files, ${seconds.toFixed(1)} s, in ${folder}`);
			return 0;
		});
	},
};
