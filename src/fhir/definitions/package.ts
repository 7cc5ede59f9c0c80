// Reads FHIR NPM packages (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification) and adds them to an installation.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { Problem } from '#base/problem.ts';
import { searchParameterFacts, structureFacts, type Terminology, valueSetFacts } from './compile.ts';
import type { PackageFacts } from './facts.ts';

type Node = Record<string, unknown> & { resourceType?: string };

/** The files of a package by name: `package.json` and every resource below `package/`, examples apart. */
export type PackageFiles = {
	readonly manifest: { name: string; version: string };
	readonly resources: readonly Node[];
	readonly examples: readonly Node[];
};

/** Unpacks a package. Throws Problem invalid `package-broken` when it is not one. */
export async function readPackageFiles(file: string): Promise<PackageFiles> {
	const resources: Node[] = [];
	const examples: Node[] = [];
	let manifest: { name: string; version: string } | undefined;
	try {
		const unpack = extract();
		Readable.from([readFileSync(file)])
			.pipe(createGunzip())
			.on('error', (error) => unpack.destroy(error))
			.pipe(unpack);
		for await (const entry of unpack) {
			const chunks: Buffer[] = [];
			for await (const chunk of entry) chunks.push(chunk as Buffer);
			const path = entry.header.name;
			if (!path.endsWith('.json') || /(^|\/)(\.index|ig-r4)\.json$|openapi\//.test(path)) continue;
			const value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Node;
			if (path === 'package/package.json') manifest = value as unknown as typeof manifest;
			else if (value.resourceType !== undefined) (path.startsWith('package/example/') ? examples : resources).push(value);
		}
	} catch (error) {
		throw new Problem('invalid', 'package-broken', `${file} is not a FHIR NPM package (a .tgz with JSON resources).`, { cause: error });
	}
	if (manifest?.name === undefined || manifest.version === undefined)
		throw new Problem('invalid', 'package-broken', `${file} has no package/package.json with a name and a version.`);
	return { manifest, resources, examples };
}

/** Facts of a package. `known` finds code systems and value sets that it builds on. */
export function packageFacts({ manifest, resources }: PackageFiles, known: Terminology): PackageFacts {
	const refused: string[] = [];
	const own = new Map(
		resources.filter(({ url }) => url !== undefined).map((resource) => [`${resource.resourceType} ${resource.url}`, resource]),
	);
	const terminology: Terminology = {
		codeSystem: (url) => own.get(`CodeSystem ${url}`) ?? known.codeSystem(url),
		valueSet: (url) => own.get(`ValueSet ${url}`) ?? known.valueSet(url),
	};
	const of = (type: string): Node[] => resources.filter(({ resourceType }) => resourceType === type);
	const structures = of('StructureDefinition').flatMap((definition) => {
		const facts = structureFacts(definition);
		if (typeof facts !== 'string') return [facts];
		refused.push(facts);
		return [];
	});
	return {
		name: manifest.name,
		version: manifest.version,
		structures,
		valueSets: of('ValueSet').map((valueSet) => valueSetFacts(valueSet, terminology)),
		searchParameters: of('SearchParameter').flatMap(searchParameterFacts),
		refused,
	};
}

const folderOf = (dataDir: string): string => join(dataDir, 'packages');

/** Compiles a package into the installation's folder; the next start knows it. Returns its facts, with what was refused. */
export async function addPackage(dataDir: string, file: string, known: Terminology): Promise<PackageFacts> {
	const facts = packageFacts(await readPackageFiles(file), known);
	mkdirSync(folderOf(dataDir), { recursive: true });
	writeFileSync(join(folderOf(dataDir), `${facts.name}-${facts.version}.json`.replace(/[^A-Za-z0-9.@_-]/g, '_')), JSON.stringify(facts));
	return facts;
}

/** The packages that were added to an installation. */
export function addedPackages(dataDir: string): PackageFacts[] {
	if (!existsSync(folderOf(dataDir))) return [];
	return readdirSync(folderOf(dataDir))
		.filter((name) => name.endsWith('.json'))
		.sort()
		.map((name) => JSON.parse(readFileSync(join(folderOf(dataDir), name), 'utf8')) as PackageFacts);
}
