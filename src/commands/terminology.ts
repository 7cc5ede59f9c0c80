// `heron terminology`: code systems as their publishers release them.
import { loadRelease, publishers } from '#exchange/terminology/load.ts';
import { listSystems, removeSystem, rollBack, type SystemRow } from '#fhir/terminology/load.ts';
import { type Command, columns, pathOf, UsageError } from './command.ts';
import { withInstallation } from './installation.ts';
import { createMeter } from './meter.ts';

export const terminologyCommand: Command = {
	usage: 'load <file, folder or zip> | list [--all] | rollback <system> | remove <system>',
	about: `
Loads a code system from its publisher's release file. It comes in use when it is whole, in place of the version before, which "rollback" brings
back. Works while the server runs. A system is named by its url or by the name that "list" shows.

${publishers.map(({ kind, about }) => `  ${kind.padEnd(11)} ${about}`).join('\n')}`,
	options: [
		{ name: 'kind', value: 'name', means: 'what the file is, when its name does not tell' },
		{ name: 'as', value: 'version', means: 'the version to call it, when its name does not tell' },
		{ name: 'all', means: 'also the systems that came with Heron' },
	],
	async run({ words: [act, what, ...more], has, value }) {
		if (act === 'list' && what === undefined) return withInstallation(async ({ db }) => list(await listSystems(db), has('all')));
		if (what === undefined || more.length > 0) throw new UsageError('Say "load <file>", "list", "rollback <system>" or "remove <system>".');
		if (act === 'load') return load(pathOf(what), value('kind'), value('as'));
		if (act === 'rollback')
			return withInstallation(async ({ db }) => {
				const { title, version } = await rollBack(db, urlOf(await listSystems(db), what));
				console.log(`In use again: ${title} ${version ?? ''}`.trimEnd());
				return 0;
			});
		if (act === 'remove')
			return withInstallation(async ({ db }) => {
				const removed = await removeSystem(db, urlOf(await listSystems(db), what));
				console.log(removed ? 'Removed. What came with Heron comes back when the server starts.' : 'There is no such code system.');
				return removed ? 0 : 1;
			});
		throw new UsageError(`There is nothing called "${act}" to do.`);
	},
};

function load(file: string, kind: string | undefined, version: string | undefined): Promise<number> {
	return withInstallation(async ({ db }) => {
		const meter = createMeter(process.stderr);
		const row = await loadRelease(db, file, { kind, version, onProgress: (done) => meter.show({ done, of: 'codes' }) });
		const seconds = meter.end();
		console.log(
			`Loaded ${row.title} ${row.version ?? ''}: ${row.concepts.toLocaleString('en-US')} codes in ${seconds.toFixed(0)} s. It is in use now.`,
		);
		return 0;
	});
}

function list(rows: readonly SystemRow[], all: boolean): number {
	const shown = rows.filter(({ origin, state, complete }) => state !== 'loading' && (all || !origin.startsWith('heron ') || !complete));
	console.log(
		columns(
			shown.map(({ name, url, version, concepts, state, complete, loadedAt }): [string, string] => [
				`${name} ${version ?? ''}`.trimEnd(),
				`${concepts.toLocaleString('en-US')} codes${complete ? '' : ' (a starter set)'}, ${state === 'former' ? 'for a rollback' : `since ${loadedAt.toISOString().slice(0, 10)}`}, ${url}`,
			]),
		),
	);
	const own = rows.filter(({ origin, complete }) => origin.startsWith('heron ') && complete).length;
	if (!all && own > 0) console.log(`and ${own} of FHIR, HL7 and US Core that came with Heron (--all shows them).`);
	return 0;
}

function urlOf(rows: readonly SystemRow[], what: string): string {
	return rows.find(({ url, name }) => url === what || name.toLowerCase() === what.toLowerCase())?.url ?? what;
}
