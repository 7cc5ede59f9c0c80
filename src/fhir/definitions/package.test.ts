import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { Problem } from '#base/problem.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { loadDefinitions } from './definitions.ts';
import { addedPackages, addPackage, readPackageFiles } from './package.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-package-'));
after(() => rmSync(folder, { recursive: true }));

/** A file that is a FHIR NPM package with these files. */
async function packageFile(name: string, files: Readonly<Record<string, unknown>>): Promise<string> {
	const archive = pack();
	for (const [path, content] of Object.entries(files))
		archive.entry({ name: path }, typeof content === 'string' ? content : JSON.stringify(content));
	archive.finalize();
	const chunks: Buffer[] = [];
	for await (const chunk of archive) chunks.push(chunk as Buffer);
	const file = join(folder, name);
	writeFileSync(file, gzipSync(Buffer.concat(chunks)));
	return file;
}

const element = (path: string, more: object): object => ({ id: path, path, min: 0, max: '1', base: { path, min: 0, max: '*' }, ...more });

const clinicPatient = {
	resourceType: 'StructureDefinition',
	url: 'http://example.org/StructureDefinition/clinic-patient',
	version: '1.2.0',
	name: 'ClinicPatient',
	kind: 'resource',
	abstract: false,
	type: 'Patient',
	baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
	derivation: 'constraint',
	snapshot: {
		element: [
			element('Patient', {
				max: '*',
				constraint: [
					{ key: 'clinic-1', severity: 'error', human: 'Adults have an address', expression: 'birthDate > @2006 or address.exists()' },
				],
			}),
			element('Patient.name', { min: 1, max: '*', type: [{ code: 'HumanName' }] }),
			element('Patient.maritalStatus', {
				base: { path: 'Patient.maritalStatus', min: 0, max: '1' },
				type: [{ code: 'CodeableConcept' }],
				binding: { strength: 'required', valueSet: 'http://example.org/ValueSet/marital|1.2.0' },
			}),
		],
	},
};

const files = {
	'package/package.json': { name: 'org.example.clinic', version: '1.2.0' },
	'package/.index.json': '{"files":[]}',
	'package/StructureDefinition-clinic-patient.json': clinicPatient,
	'package/StructureDefinition-no-snapshot.json': {
		...clinicPatient,
		url: 'http://example.org/StructureDefinition/bare',
		snapshot: undefined,
	},
	'package/CodeSystem-marital.json': {
		resourceType: 'CodeSystem',
		url: 'http://example.org/marital',
		content: 'complete',
		concept: [{ code: 'yes', concept: [{ code: 'civil' }, { code: 'church' }] }, { code: 'no' }],
	},
	'package/ValueSet-marital.json': {
		resourceType: 'ValueSet',
		url: 'http://example.org/ValueSet/marital',
		compose: { include: [{ system: 'http://example.org/marital', filter: [{ property: 'concept', op: 'is-a', value: 'yes' }] }] },
	},
	'package/SearchParameter-called.json': {
		resourceType: 'SearchParameter',
		url: 'http://example.org/SearchParameter/called',
		code: 'called',
		type: 'string',
		base: ['Patient', 'Practitioner'],
		expression: 'Patient.name.text | Practitioner.name.text',
	},
	'package/example/Patient-one.json': { resourceType: 'Patient', id: 'one' },
	'package/readme.txt': 'not JSON',
};

const nothing = { codeSystem: () => undefined, valueSet: () => undefined };

describe('packages', () => {
	it('are read: resources, and examples apart', async () => {
		const { manifest, resources, examples } = await readPackageFiles(await packageFile('clinic.tgz', files));
		assert.deepEqual([manifest.name, manifest.version, resources.length, examples.length], ['org.example.clinic', '1.2.0', 5, 1]);
	});

	it('are added to an installation, whose definitions then know them', async () => {
		const facts = await addPackage(folder, await packageFile('clinic.tgz', files), nothing);
		assert.deepEqual(facts.refused, ['http://example.org/StructureDefinition/bare: has no snapshot, only a differential']);
		assert.deepEqual(facts.valueSets, [
			{ url: 'http://example.org/ValueSet/marital', codes: { 'http://example.org/marital': ['yes', 'civil', 'church'] } },
		]);
		const added = addedPackages(folder);
		assert.deepEqual(JSON.parse(JSON.stringify(facts)), added[0]);
		const definitions = loadDefinitions(added);
		assert.ok(definitions.profilesOf('Patient').includes(clinicPatient.url));
		assert.equal(definitions.structure(`${clinicPatient.url}|1.2`)?.name, 'ClinicPatient');
		assert.deepEqual(
			definitions.searchParameters.filter(({ code }) => code === 'called').map(({ base, expression }) => [base, expression]),
			[
				['Patient', 'Patient.name.text'],
				['Practitioner', 'Practitioner.name.text'],
			],
		);
	});

	it('give profiles that are checked', async () => {
		await addPackage(folder, await packageFile('clinic.tgz', files), nothing);
		const validator = createValidator(loadDefinitions(addedPackages(folder)));
		const told = (patient: object): string[] =>
			validator
				.validate({ resourceType: 'Patient', meta: { profile: [clinicPatient.url] }, ...patient })
				.filter(({ severity }) => severity === 'error')
				.map(({ code, path }) => `${code} ${path}`);
		const status = (code: string): object => ({ maritalStatus: { coding: [{ system: 'http://example.org/marital', code }] } });
		const child = { name: [{ text: 'A' }], birthDate: '2020-01-01' };
		assert.deepEqual(told({ ...child, ...status('civil') }), []);
		assert.deepEqual(told({ ...child, ...status('no') }), ['profile-binding-required Patient.maritalStatus']);
		assert.deepEqual(told({ birthDate: '2020-01-01' }), ['profile-cardinality-min Patient.name']);
		assert.deepEqual(told({ ...child, birthDate: '1980-01-01' }), ['profile-invariant Patient']);
		assert.deepEqual(told({ ...child, birthDate: '1980-01-01', address: [{ city: 'X' }] }), []);
	});

	it('are refused when they are none', async () => {
		const notGzip = join(folder, 'text.tgz');
		writeFileSync(notGzip, 'no archive');
		const broken = await packageFile('broken.tgz', { 'package/package.json': '{' });
		const nameless = await packageFile('nameless.tgz', { 'package/a.json': { resourceType: 'Patient' } });
		for (const file of [notGzip, broken, nameless, join(folder, 'absent.tgz')])
			await assert.rejects(readPackageFiles(file), (error) => error instanceof Problem && error.code === 'package-broken', file);
	});
});
