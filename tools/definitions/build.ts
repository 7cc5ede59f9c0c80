// `npm run definitions [-- --check] [package.tgz …]`: compiles the R4 definitions and the given FHIR NPM packages, oldest first, into
// src/fhir/definitions/r4, and their code systems into src/fhir/terminology/own. Without packages it takes those in ../shared/data/fhir-packages. Keeps the numbers that search parameters already
// have. `--check` writes nothing and says whether the result is what is there.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { SearchParameterFacts } from '#fhir/definitions/facts.ts';
import { openPack, writePack } from '#fhir/definitions/pack.ts';
import { readPackageFiles } from '#fhir/definitions/package.ts';
import { packCodeSystems } from './code-systems.ts';
import { packEntries, readR4 } from './entries.ts';

const root = join(import.meta.dirname, '..', '..');
const target = join(root, 'src/fhir/definitions/r4/facts');
const systemsFile = join(root, 'src/fhir/terminology/own/code-systems.gz');
const usual = join(root, '..', 'shared', 'data', 'fhir-packages');

const words = process.argv.slice(2);
const named = words.filter((word) => !word.startsWith('--'));
const files = named.length > 0 ? named : usualPackages();
const before = existsSync(`${target}.index.json`) ? (openPack(target).read<SearchParameterFacts[]>('parameters') ?? []) : [];
const packages = [];
for (const file of files) packages.push(await readPackageFiles(file));
const r4 = readR4();
const entries = packEntries(r4, packages, before);
const systems = packCodeSystems([...r4.of('CodeSystem'), ...packages.flatMap(({ resources }) => resources)]);

if (words.includes('--check')) check();
else {
	mkdirSync(join(root, 'src/fhir/definitions/r4'), { recursive: true });
	writePack(target, entries);
	writeFileSync(systemsFile, systems);
	console.log(`Written: ${entries.size} entries.`);
}

/** US Core is part of the pack, so a run without any package is a mistake. */
function usualPackages(): string[] {
	const found = existsSync(usual) ? readdirSync(usual).filter((name) => name.endsWith('.tgz')) : [];
	if (found.length > 0) return found.sort().map((name) => join(usual, name));
	console.error('Name the packages (US Core 6.1.0, 7.0.0 and 8.0.0, oldest first).');
	process.exit(2);
}

function check(): void {
	const folder = mkdtempSync(join(tmpdir(), 'heron-definitions-'));
	try {
		writePack(join(folder, 'facts'), entries);
		const same = ['bin', 'index.json'].every((end) => readFileSync(join(folder, `facts.${end}`)).equals(readFileSync(`${target}.${end}`)));
		const sameSystems = existsSync(systemsFile) && gunzipSync(readFileSync(systemsFile)).equals(gunzipSync(systems));
		const all = same && sameSystems;
		console.log(all ? 'The definitions are what these packages give.' : 'The definitions are not what these packages give.');
		process.exitCode = all ? 0 : 1;
	} finally {
		rmSync(folder, { recursive: true });
	}
}
