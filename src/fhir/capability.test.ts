import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allOperations } from '#operations.ts';
import { testDefinitions, usualSettings } from '#testing/fhir.ts';
import { capability, capabilityStatement, systemInteractions, typeInteractions } from './capability.ts';
import type { Fhir } from './ctx.ts';
import { operationDefinitions } from './operations/definitions.ts';
import type { Resource } from './resource.ts';
import { createRows } from './rows.ts';
import { createRegistry } from './search/registry.ts';
import { createValidator } from './validate/validator.ts';

const definitions = testDefinitions();
const fhir = {
	base: 'https://heron.test/apis/default/fhir',
	definitions,
	registry: createRegistry(definitions),
	rows: createRows(allOperations),
	settings: usualSettings,
} as Fhir;
const validator = createValidator(definitions);

type Element = Record<string, never> & { name: string; code: string; type: string; definition: string };
type Rest = Record<'resource' | 'interaction' | 'operation' | 'searchParam', (Element & Record<string, Element[]>)[]> & {
	compartment: string[];
};

const statement = JSON.parse(capability(fhir)) as Resource & { rest: [Rest] };
const [rest] = statement.rest;
const resourceOf = (type: string): Record<string, (Element & string)[]> => {
	const found = rest.resource.find((one) => one.type === type);
	assert.ok(found !== undefined);
	return found as never;
};

/** What our own validator finds wrong beyond advice. */
const errorsOf = (resource: unknown): unknown[] =>
	validator.validate(resource).filter(({ severity }) => severity === 'error' || severity === 'fatal');

for (const mode of ['full', 'normative', 'terminology']) {
	test(`/metadata?mode=${mode} is valid FHIR`, () => {
		assert.deepEqual(errorsOf(JSON.parse(capability(fhir, mode))), []);
	});
}

test('an unknown mode is refused', () => {
	assert.throws(() => capability(fhir, 'everything'), { kind: 'invalid', code: 'mode-unknown' });
});

test('every OperationDefinition is valid FHIR, has its own id and its url', () => {
	const all = operationDefinitions(fhir);
	for (const definition of all) {
		assert.deepEqual(errorsOf(definition), [], definition.id);
		assert.equal(definition.url, `${fhir.base}/OperationDefinition/${definition.id}`);
	}
	assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
});

test('what operations are based on exists, and their levels and inputs are those of the base or more', () => {
	for (const definition of operationDefinitions(fhir)) {
		// Definitions of other guides do not come with FHIR's own.
		if (!String(definition.base ?? '').startsWith('http://hl7.org/fhir/OperationDefinition/')) continue;
		const base = definitions.operationDefinition(definition.base as string) as { code: string; parameter: { name: string; use: string }[] };
		assert.ok(base !== undefined, definition.id);
		assert.equal(definition.code, base.code);
		const own = definition.parameter as { name: string; use: string }[];
		const outputs = (of: typeof own): string[] => of.filter(({ use }) => use === 'out').map(({ name }) => name);
		assert.deepEqual(outputs(own), outputs(base.parameter), definition.id);
	}
});

test('the statement names every type once, with the interactions that the rows of the server have', () => {
	assert.deepEqual(
		rest.resource.map(({ type }) => type),
		definitions.resourceTypes,
	);
	const served = new Set(fhir.rows.all.map(({ name }) => name));
	for (const code of [...typeInteractions, ...systemInteractions]) if (code !== 'batch') assert.ok(served.has(code), code);
	const told = new Set<string>([...typeInteractions, ...systemInteractions]);
	for (const name of served) {
		if (name.startsWith('operation-') || name === 'capabilities' || name === 'search-compartment') continue;
		assert.ok(told.has(name.replace(/-conditional$/, '')), name);
	}
});

test('every operation with a route is in the statement, at its level, with a definition that can be found', () => {
	const known = new Set(operationDefinitions(fhir).flatMap(({ url, base }) => [url, base]));
	const lists = [rest.operation, ...rest.resource.map((one) => one.operation ?? [])];
	for (const { name, definition } of lists.flat() as Element[]) {
		assert.ok(known.has(definition) || definitions.operationDefinition(definition) !== undefined, `${name}: ${definition}`);
	}
	for (const row of fhir.rows.all) {
		if (!row.name.startsWith('operation-')) continue;
		const name = row.name.slice('operation-'.length);
		const [first = ''] = row.path;
		const list = first.startsWith('$') ? rest.operation : first === ':type' ? resourceOf('Basic').operation : resourceOf(first).operation;
		assert.ok(
			(list as Element[] | undefined)?.some((one) => one.name === name),
			row.path.join('/'),
		);
	}
});

test('search parameters, includes and profiles are told as they are', () => {
	const patient = resourceOf('Patient');
	assert.ok(
		patient.searchParam?.some(
			({ name, type, definition }) => name === 'family' && type === 'string' && definition.endsWith('/individual-family'),
		),
	);
	assert.ok(patient.searchRevInclude?.includes('Observation:subject' as never));
	assert.ok(patient.searchRevInclude?.includes('Provenance:target' as never));
	assert.ok(!patient.searchRevInclude?.includes('Observation:encounter' as never));
	const observation = resourceOf('Observation');
	assert.ok(observation.searchInclude?.includes('Observation:subject' as never));
	assert.deepEqual(
		observation.searchInclude?.filter((value) => !String(value).startsWith('Observation:')),
		['*'],
	);
	for (const version of ['', '|6.1.0', '|7.0.0', '|8.0.0']) {
		assert.ok(
			patient.supportedProfile?.includes(`http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient${version}` as never),
			version,
		);
	}
	const declared = new Set(fhir.rows.operations.flatMap(({ declares }) => declares?.profiles ?? []));
	for (const { supportedProfile = [] } of rest.resource as { supportedProfile?: string[] }[]) {
		for (const url of supportedProfile) assert.ok(definitions.structure(url) !== undefined || declared.has(url), url);
	}
});

test('what US Core 8.0.0 asks of a server is told: profiles, parameters, combinations, includes', () => {
	const url = 'http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server|8.0.0';
	assert.ok((statement.instantiates as string[]).includes(url));
	const asked = definitions.servers.find((one) => `${one.url}|${one.version}` === url);
	assert.ok(asked !== undefined && asked.resources.length === 31);
	for (const { type, profiles, params, combinations, includes, revincludes } of asked.resources) {
		const own = resourceOf(type);
		// Questionnaires are of another guide, whose package is not part of Heron.
		for (const profile of profiles) if (profile.includes('/us/core/')) assert.ok(own.supportedProfile?.includes(profile as never), profile);
		for (const param of params)
			assert.ok(
				(own.searchParam as Element[]).some(({ name }) => name === param),
				`${type}.${param}`,
			);
		for (const include of includes) assert.ok(own.searchInclude?.includes(include.split(':').slice(0, 2).join(':') as never), include);
		for (const revinclude of revincludes) assert.ok(own.searchRevInclude?.includes(revinclude as never), `${type} ${revinclude}`);
		const told = (own.extension as unknown as { extension: { url: string; valueString: string }[] }[] | undefined) ?? [];
		assert.deepEqual(
			told.map(({ extension }) => extension.map(({ valueString }) => valueString)),
			combinations.map(({ required, optional }) => [...required, ...optional]),
		);
	}
});

test('normative leaves out what is for trial use; the rest is the same', () => {
	const normative = JSON.parse(capability(fhir, 'normative')) as { rest: [Record<string, Record<string, unknown>[]>] };
	const [{ resource = [], security }] = normative.rest;
	assert.equal(security, undefined);
	assert.equal(resource[0]?.versioning, undefined);
	assert.deepEqual(
		resource.map(({ type, interaction, searchParam }) => [type, interaction, searchParam]),
		rest.resource.map(({ type, interaction, searchParam }) => [type, interaction, searchParam]),
	);
});

test('a statement is written once for a state of the search parameters', () => {
	assert.equal(capability(fhir), capability(fhir));
	const custom = { ...fhir, registry: createRegistry(definitions), base: 'https://other.test/fhir' };
	assert.match(capability(custom), /https:\/\/other\.test\/fhir/);
	assert.equal(capabilityStatement(fhir).fhirVersion, '4.0.1');
});
