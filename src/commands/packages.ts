// `heron packages`: FHIR NPM packages beside those that came with Heron.
import { existsSync } from 'node:fs';
import { notReadable } from '#exchange/problems.ts';
import type { Terminology } from '#fhir/definitions/compile.ts';
import { type Definitions, loadDefinitions } from '#fhir/definitions/definitions.ts';
import type { PackageFacts } from '#fhir/definitions/facts.ts';
import { addedPackages, addPackage, removePackage } from '#fhir/definitions/package.ts';
import { readSettings } from '#settings.ts';
import { type Command, columns, pathOf, UsageError } from './command.ts';

export const packagesCommand: Command = {
	usage: 'add <file.tgz> | list | remove <name>[@version]',
	about: `
Adds a FHIR package (https://hl7.org/fhir/packages.html, R4) to this installation: its profiles are checked where resources name them in
meta.profile, its value sets and search parameters are known. US Core 8.0.0, 7.0.0 and 6.1.0 came with Heron. A server that runs has to be
started again; it then goes through the resources that are there for new search parameters.`,
	options: [],
	async run({ words: [act, what, ...more] }) {
		const { dataDir } = readSettings(process.env);
		if (act === 'list' && what === undefined) return list(dataDir);
		if (act === 'add' && what !== undefined && more.length === 0) return add(dataDir, pathOf(what));
		if (act === 'remove' && what !== undefined && more.length === 0) return remove(dataDir, what);
		throw new UsageError('Say "add <file.tgz>", "list" or "remove <name>".');
	},
};

function list(dataDir: string): number {
	const added = addedPackages(dataDir);
	if (added.length === 0) console.log('No package was added; US Core 8.0.0, 7.0.0 and 6.1.0 came with Heron.');
	else console.log(columns(added.map((facts) => [`${facts.name}@${facts.version}`, contents(facts)])));
	return 0;
}

async function add(dataDir: string, file: string): Promise<number> {
	if (!existsSync(file)) throw notReadable(file, 'ENOENT');
	const facts = await addPackage(dataDir, file, known(loadDefinitions(addedPackages(dataDir))));
	console.log(`Added ${facts.name}@${facts.version}: ${contents(facts)}. A server that runs has to be started again to know it.`);
	for (const words of facts.refused) console.log(`  left out: ${words}`);
	return 0;
}

function remove(dataDir: string, what: string): number {
	const at = what.lastIndexOf('@');
	const removed = at > 0 ? removePackage(dataDir, what.slice(0, at), what.slice(at + 1)) : removePackage(dataDir, what);
	if (removed.length === 0) {
		console.error(`There is no added package ${what}; "list" shows them.`);
		return 1;
	}
	for (const facts of removed) console.log(`Removed ${facts.name}@${facts.version}.`);
	return 0;
}

function contents({ structures, valueSets, searchParameters }: PackageFacts): string {
	return `${structures.length} profiles and types, ${valueSets.length} value sets, ${searchParameters.length} search parameters`;
}

/** What a package may build on: value sets that are known by their codes. Code systems as a whole are not kept, so they stay open. */
function known(definitions: Definitions): Terminology {
	return {
		codeSystem: () => undefined,
		valueSet(url) {
			const facts = definitions.valueSet(url);
			if (facts === undefined) return undefined;
			const listed = Object.entries(facts.codes).map(([system, codes]) => ({ system, concept: codes.map((code) => ({ code })) }));
			const open = (facts.open ?? []).map((system) => ({ system }));
			return { resourceType: 'ValueSet', url, compose: { include: [...listed, ...open] } };
		},
	};
}
