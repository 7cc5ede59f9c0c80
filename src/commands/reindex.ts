// `heron reindex`: the search index from the stored resources.

import { everything } from '#access/ctx.ts';
import { raw } from '#db/sql.ts';
import { requireType } from '#fhir/interactions/prepare.ts';
import { reindexType } from '#fhir/store/reindex.ts';
import { type Command, columns } from './command.ts';
import { withInstallation } from './installation.ts';
import { createMeter } from './meter.ts';

export const reindexCommand: Command = {
	usage: '[types]',
	about: `
Computes the search index of the stored resources anew, of all types in use or of those named, after search parameters were added or an
upgrade says so. Works while the server runs; interrupted, it goes on where it was when it is run again.`,
	options: [],
	async run({ words }) {
		return withInstallation(async ({ db, fhir, ctxFor }, signal) => {
			const ctx = ctxFor({ kind: 'system', id: 'heron-reindex', name: 'heron reindex', grants: everything }, 'reindex');
			for (const type of words) requireType(ctx, type);
			const used = (await db.rows(raw('SELECT type FROM fhir.used_type ORDER BY type'))).map(([type]) => type as string);
			const meter = createMeter(process.stderr);
			const rows: [string, string][] = [];
			let before = 0;
			for (const type of words.length > 0 ? words : used) {
				if (signal.aborted) break;
				const { done, changed } = await reindexType(db, fhir.store, fhir.definitions, type, (progress) => {
					meter.show({ done: before + progress.done, of: `resources (${type})` });
				});
				before += done;
				rows.push([type, `${done.toLocaleString('en-US')} looked at, ${changed.toLocaleString('en-US')} changed`]);
			}
			meter.end();
			console.log(rows.length === 0 ? 'There is nothing to index.' : columns(rows));
			return signal.aborted ? 130 : 0;
		});
	},
};
