// Reads FHIR NPM packages (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification) and adds them to an installation.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { Problem } from '#base/problem.ts';
import { searchParameterFacts, serverFacts, structureFacts, type Terminology, valueSetFacts } from './compile.ts';
import type { PackageFacts } from './facts.ts';

type Node = Record<string, unknown> & { resourceType?: string };

/** The files of a package by name: `package.json` and every resource below `package/`, examples apart. */
type Manifest = { name: string; version: string; fhirVersions?: readonly string[] };

export type PackageFiles = {
	readonly manifest: Manifest;
	readonly resources: readonly Node[];
	readonly examples: readonly Node[];
};

/** Unpacks a package. Throws Problem invalid `package-broken` when it is not one. */
export async function readPackageFiles(file: string): Promise<PackageFiles> {
	const resources: Node[] = [];
	const examples: Node[] = [];
	let manifest: Manifest | undefined;
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
			if (path === 'package/package.json') manifest = value as unknown as Manifest;
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
		servers: of('CapabilityStatement').flatMap((statement) => serverFacts(statement) ?? []),
		refused,
	};
}

const folderOf = (dataDir: string): string => join(dataDir, 'packages');

/**
 * Compiles a package into the installation's folder; the next start knows it. Returns its facts, with what was refused. Throws Problem
 * invalid `package-broken`, and `package-version` for a package of another version of FHIR.
 */
export async function addPackage(dataDir: string, file: string, known: Terminology): Promise<PackageFacts> {
	const files = await readPackageFiles(file);
	const { name, version, fhirVersions } = files.manifest;
	if (fhirVersions?.some((one) => one.startsWith('4.0.')) === false)
		throw new Problem(
			'invalid',
			'package-version',
			`${name}@${version} is for FHIR ${fhirVersions.join(', ')}; Heron needs one for R4 (4.0.1).`,
		);
	const facts = packageFacts(files, known);
	mkdirSync(folderOf(dataDir), { recursive: true });
	const draft = `${fileOf(dataDir, facts)}.part`;
	writeFileSync(draft, JSON.stringify(facts));
	renameSync(draft, fileOf(dataDir, facts));
	return facts;
}

/** Takes packages away again, one version or all of a name; gives what was removed. The next start does without them. */
export function removePackage(dataDir: string, name: string, version?: string): PackageFacts[] {
	const removed = addedPackages(dataDir).filter((facts) => facts.name === name && (version === undefined || facts.version === version));
	for (const facts of removed) rmSync(fileOf(dataDir, facts));
	return removed;
}

function fileOf(dataDir: string, { name, version }: Pick<PackageFacts, 'name' | 'version'>): string {
	return join(folderOf(dataDir), `${name}-${version}.json`.replace(/[^A-Za-z0-9.@_-]/g, '_'));
}

/** The packages that were added to an installation. */
export function addedPackages(dataDir: string): PackageFacts[] {
	if (!existsSync(folderOf(dataDir))) return [];
	return readdirSync(folderOf(dataDir))
		.filter((name) => name.endsWith('.json'))
		.sort()
		.map((name) => JSON.parse(readFileSync(join(folderOf(dataDir), name), 'utf8')) as PackageFacts);
}
