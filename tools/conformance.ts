// `npm run conformance -- [folder]`: validates what others wrote (the examples of the US Core packages, Synthea's bundles) and says what is
// refused, by issue, and what the validation of a resource costs. The folder has `fhir-packages/*.tgz` and `synthea-r4/bundles.tar.gz`; it is
// `../shared/data` unless given. docs/conformance.md has the results and the reasons of exceptions.
// `npm run conformance -- documents` checks C-CDA documents that are made instead (conformance-documents.ts), `-- ccda <folder>` those that others
// made (conformance-ccda.ts). `-- us-core` lists the patients of the demo clinic who have what US Core asks for (conformance-us-core.ts).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { Issue } from '#base/problem.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { readPackageFiles } from '#fhir/definitions/package.ts';
import { samples } from '#fhir/validate/samples.ts';
import { createValidator, isProfileIssue, isStructural } from '#fhir/validate/validator.ts';
import { checkCcda } from './conformance-ccda.ts';
import { checkDocuments } from './conformance-documents.ts';
import { showPatients } from './conformance-us-core.ts';

type Resource = { resourceType: string; id?: string; meta?: { profile?: string[] }; entry?: { resource?: Resource }[] };

const root = join(import.meta.dirname, '..');
const isDocuments = process.argv[2] === 'documents';
const folder = (isDocuments ? undefined : process.argv[2]) ?? join(root, '..', 'shared', 'data');
const definitions = loadDefinitions();
const validator = createValidator(definitions);

const isError = ({ severity }: Issue): boolean => severity === 'error' || severity === 'fatal';

/** Examples claim profiles with or without a version; here all are meant in the version of their package. */
function claiming(resource: Resource, version: string): Resource {
	const copy = structuredClone(resource);
	const pin = (of: Resource): void => {
		if (of.meta?.profile !== undefined)
			of.meta.profile = of.meta.profile.map((url) => (url.includes('/us/core/') && !url.includes('|') ? `${url}|${version}` : url));
		for (const entry of of.entry ?? []) if (entry.resource !== undefined) pin(entry.resource);
	};
	pin(copy);
	return copy;
}

async function checkPackage(file: string): Promise<void> {
	const { manifest, examples } = await readPackageFiles(file);
	const resources = (examples as Resource[]).map((resource) => claiming(resource, manifest.version));
	const refused: [Resource, Issue[]][] = [];
	const notes = new Map<string, number>();
	for (const resource of resources) {
		const issues = validator.validate(resource);
		const errors = issues.filter(isError);
		if (errors.length > 0) refused.push([resource, errors]);
		for (const { severity, code, text } of issues) {
			if (severity === 'error') continue;
			const rule = code.endsWith('invariant') ? /(?:^|: )([a-z]+-[\w-]+): /.exec(text)?.[1] : undefined;
			const key = `${severity} ${rule ?? code}`;
			notes.set(key, (notes.get(key) ?? 0) + 1);
		}
	}
	console.log(
		`\n${manifest.name} ${manifest.version}: ${resources.length} examples, ${resources.length - refused.length} valid, ${refused.length} with errors`,
	);
	for (const [note, count] of notes) console.log(`  ${count} × ${note}`);
	for (const [resource, errors] of refused) {
		console.log(`  ${resource.resourceType}/${resource.id}`);
		for (const { code, path, text } of errors) console.log(`    ${code} ${path}: ${text}`);
	}
}

async function* filesOf(archive: string): AsyncGenerator<[name: string, text: string]> {
	const unpack = extract();
	Readable.from([readFileSync(archive)])
		.pipe(createGunzip())
		.pipe(unpack);
	for await (const entry of unpack) {
		const chunks: Buffer[] = [];
		for await (const chunk of entry) chunks.push(chunk as Buffer);
		// Some names in Synthea's archive end in a quotation mark.
		if (/\.json"?$/.test(entry.header.name)) yield [entry.header.name, Buffer.concat(chunks).toString('utf8')];
	}
}

async function* noFiles(): AsyncGenerator<[name: string, text: string]> {}

type Tally = { count: number; resources: Set<string>; sample: string };

async function checkSynthea(archive: string): Promise<void> {
	const tallies = new Map<string, Tally>();
	let [files, resources, valid, sound, bundles] = [0, 0, 0, 0, 0];
	for await (const [name, text] of filesOf(archive)) {
		files++;
		const bundle = JSON.parse(text) as Resource;
		if (!validator.validate(bundle).some(isError)) bundles++;
		for (const { resource } of bundle.entry ?? []) {
			if (resource === undefined) continue;
			resources++;
			const errors = validator.validate(resource).filter(isError);
			if (errors.length === 0) valid++;
			if (!errors.some(isStructural)) sound++;
			for (const issue of errors) count(tallies, resource, issue, name);
		}
	}
	console.log(
		`\nSynthea: ${files} bundles (${bundles} valid as a whole), ${resources} resources: ${valid} valid, ${sound} accepted by lenient handling`,
	);
	for (const [key, { count: times, resources: of, sample }] of [...tallies].sort(([, a], [, b]) => b.count - a.count))
		console.log(`  ${times} × ${key} in ${of.size} resources, e.g. ${sample}`);
}

function count(tallies: Map<string, Tally>, resource: Resource, issue: Issue, file: string): void {
	const place = (issue.path ?? '').replace(/\[\d+\]/g, '');
	const key = `${isStructural(issue) ? 'structural' : isProfileIssue(issue) ? 'profile' : 'base'} ${issue.code} ${place}`;
	const tally = tallies.get(key) ?? { count: 0, resources: new Set(), sample: issue.text };
	tally.count++;
	tally.resources.add(`${file} ${resource.resourceType}/${resource.id}`);
	tallies.set(key, tally);
}

/** CPU time of a validation, as the least of several rounds: other work on the machine only adds to it. */
function costUs(resource: object): number {
	const text = JSON.stringify(resource);
	const copies = Array.from({ length: 50 }, () => JSON.parse(text) as unknown);
	const rounds = Array.from({ length: 7 }, () => {
		const before = process.cpuUsage();
		for (let i = 0; i < 4000; i++) validator.validate(copies[i % copies.length]);
		const { user, system } = process.cpuUsage(before);
		return (user + system) / 4000;
	});
	return Math.min(...rounds);
}

function showCosts(): void {
	console.log('\nCPU µs of a validation: of the type alone, and with the US Core profile it claims');
	for (const [name, sample] of Object.entries(samples)) {
		const { meta, ...bare } = sample;
		const [alone, claimed] = [costUs(bare), meta?.profile === undefined ? undefined : costUs(sample)];
		console.log(
			`  ${name} (${JSON.stringify(sample).length} bytes): ${alone.toFixed(1)}${claimed === undefined ? '' : ` and ${claimed.toFixed(1)}`}`,
		);
	}
}

if (process.argv[2] === 'ccda') {
	const documents = process.argv[3];
	if (documents === undefined || !existsSync(documents)) {
		console.error('Give the folder with the documents: npm run conformance -- ccda <folder>');
		process.exit(2);
	}
	process.exit(checkCcda(documents, validator) === 0 ? 0 : 1);
}
if (process.argv[2] === 'us-core') process.exit(showPatients(definitions, process.argv.slice(3)) === 0 ? 0 : 1);
const packages = join(folder, 'fhir-packages');
const bundles = join(folder, 'synthea-r4', 'bundles.tar.gz');
if (isDocuments)
	process.exit((await checkDocuments(existsSync(bundles) ? filesOf(bundles) : noFiles(), process.argv.slice(3))) === 0 ? 0 : 1);
if (!existsSync(packages) && !existsSync(bundles)) {
	console.error(`${folder} has neither fhir-packages nor synthea-r4/bundles.tar.gz; give the folder that has.`);
	process.exit(2);
}
if (existsSync(packages))
	for (const file of readdirSync(packages)
		.filter((name) => name.endsWith('.tgz'))
		.sort())
		await checkPackage(join(packages, file));
if (existsSync(bundles)) await checkSynthea(bundles);
showCosts();
