// The demo clinic, loaded and asked over HTTP: every element that US Core says must be supported, in any of its versions, every target of a
// reference, and every search that the server CapabilityStatements name, is there for two patients at least. What there is to prove comes from
// the compiled definitions.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { isError } from '#base/problem.ts';
import { type CompiledPath, compilePath } from '#fhir/path/compile.ts';
import type { Resource } from '#fhir/resource.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { elementTest, linksAt, mustSupport, mustSupportTargets } from '#testing/must-support.ts';
import { testServer } from '#testing/server.ts';
import { createClinic } from './clinic.ts';
import { loadClinic } from './load.ts';

const definitions = testDefinitions();
const guides = definitions.servers.filter(({ url }) => url.endsWith('/us-core-server'));
/** What they ask of each type together. */
const asked = [
	...Map.groupBy(
		guides.flatMap(({ resources }) => resources),
		({ type }) => type,
	),
].map(([type, all]) => ({
	type,
	params: unique(all.flatMap(({ params }) => params)),
	combinations: unique(all.flatMap(({ combinations }) => combinations.map(({ required }) => required.toSorted().join(' ')))).map((one) =>
		one.split(' '),
	),
	includes: unique(all.flatMap(({ includes }) => includes)),
	revincludes: unique(all.flatMap(({ revincludes }) => revincludes)),
}));

function unique(texts: readonly string[]): string[] {
	return [...new Set(texts)];
}

const clinic = createClinic({ seed: 1, today: '2026-11-25', patients: 80 });
/** How many patients have to have each. */
const enough = 2;

const server = await testServer({ after });
/** What is stored, by type, with whose it is: a patient's, or of itself. */
const stored = new Map<string, { readonly owner: string; readonly resource: Resource }[]>();
const byId = new Map<string, Resource>();

const loaded = await loadClinic(server.ctx, clinic);
for (const resource of clinic.shared) keep(String(resource.id), resource);
for (let n = 0; n < clinic.patients; n++) for (const resource of clinic.chart(n)) keep(clinic.person(n).id, resource);

it('all of it is stored', () => {
	assert.equal(loaded.patients, clinic.patients);
	for (const [type, all] of stored) assert.equal(loaded.created.get(type), all.length, type);
});

function keep(owner: string, resource: Resource): void {
	const list = stored.get(resource.resourceType) ?? [];
	stored.set(resource.resourceType, list);
	list.push({ owner, resource });
	byId.set(`${resource.resourceType}/${resource.id}`, resource);
}

type Found = Resource & { readonly entry?: readonly { readonly resource: Resource; readonly search: { readonly mode: string } }[] };

async function search(type: string, query: string): Promise<{ readonly matches: Resource[]; readonly included: Resource[] }> {
	const { status, text } = await server.send('GET', `${type}?${query}${query === '' ? '' : '&'}_count=1000`);
	assert.equal(status, 200, `${type}?${query}: ${text.slice(0, 300)}`);
	const { entry = [] } = JSON.parse(text) as Found;
	const of = (mode: string): Resource[] => entry.filter((one) => one.search.mode === mode).map(({ resource }) => resource);
	return { matches: of('match'), included: of('include') };
}

/** Elements of which US Core says that they must be supported although no resource can sensibly have them. */
const impossible: Readonly<Record<string, string>> = {
	'us-core-blood-pressure Observation.value[x]': 'a panel has its values in its components',
};

/** Every profile of every version, with the resources that claim it. Questionnaires claim one of another guide. */
const profiles = guides.flatMap(({ version, resources }) =>
	resources.flatMap((of) =>
		of.profiles.flatMap((url) => {
			const structure = definitions.structure(`${url.split('|')[0]}|${version}`);
			if (structure === undefined) return [];
			const name = structure.url.split('/').at(-1) as string;
			return [{ type: of.type, name, version, structure, own: () => claiming(of.type, structure.url) }];
		}),
	),
);

function claiming(type: string, url: string): { readonly owner: string; readonly resource: Resource }[] {
	return (stored.get(type) ?? []).filter(({ resource }) => resource.meta?.profile?.includes(url));
}

/** Bodies that have been read. */
const read = new Map<string, Promise<Resource>>();

describe('must-support elements', () => {
	for (const { type, name, version, structure, own: claimed } of profiles) {
		it(`${name} ${version}`, async () => {
			const own = claimed();
			for (const id of mustSupport(structure)) {
				if (impossible[`${name} ${id}`] !== undefined) continue;
				const has = elementTest(structure, id);
				const owners = new Set<string>();
				for (const { owner, resource } of own) {
					if (owners.size === enough) break;
					// The server says when it was stored.
					const seen = id.includes('.meta') || has(resource);
					if (!seen || owners.has(owner)) continue;
					owners.add(owner);
					const path = `${type}/${resource.id}`;
					const body = read.get(path) ?? server.send('GET', path).then(({ json }) => json);
					read.set(path, body);
					assert.ok(has(await body), `${path} has no ${id}`);
				}
				assert.equal(owners.size, enough, `too few have ${id}`);
			}
		});
	}
});

const validator = createValidator(definitions);
/** Whether what a reference leads to is of a profile, for those that have been looked at. */
const conforming = new Map<string, boolean>();

function leadsTo(reference: string, profile: string): boolean {
	const key = `${reference} ${profile}`;
	const seen = conforming.get(key);
	if (seen !== undefined) return seen;
	const [type = '', id] = reference.split('/');
	const found = definitions.structure(profile)?.type === type ? byId.get(`${type}/${id}`) : undefined;
	const conforms = found !== undefined && !validator.validate(found, { profiles: [profile] }).some(isError);
	conforming.set(key, conforms);
	return conforms;
}

describe('targets of must-support references', () => {
	for (const { name, version, structure, own } of profiles) {
		const targets = mustSupportTargets(structure);
		if (targets.length === 0) continue;
		it(`${name} ${version}`, () => {
			for (const { path, target } of targets) {
				const owners = new Set<string>();
				for (const { owner, resource } of own()) {
					if (owners.size === enough) break;
					if (!owners.has(owner) && linksAt(resource, path).some((link) => leadsTo(link, `${target}|${version}`))) owners.add(owner);
				}
				assert.equal(owners.size, enough, `too few have ${path} with ${target}`);
			}
		});
	}
});

type Param = { readonly code: string; readonly type: string; readonly values: (resource: Resource) => string[] };

/** How a parameter of a type is asked for, from its published expression. */
function paramOf(type: string, code: string): Param {
	if (code === '_lastUpdated') return { code, type: 'date', values: () => [`gt${clinicStart}`] };
	const facts =
		definitions.searchParameters.find((one) => one.base === type && one.code === code) ??
		definitions.searchParameters.find((one) => one.base === 'Resource' && one.code === code);
	assert.ok(facts !== undefined, `${type}.${code} is no parameter`);
	const path = compilePath(facts.expression, { type });
	return { code, type: facts.type, values: (resource) => valuesOf(path, facts.type, resource) };
}

const clinicStart = '2020-01-01';

function valuesOf(path: CompiledPath, type: string, resource: Resource): string[] {
	return path(resource).flatMap((item) => {
		const value = item as Record<string, string> & { coding?: { system?: string; code?: string }[] };
		if (typeof item === 'string') return [item];
		if (value === null || typeof item !== 'object') return [];
		if (type === 'reference') return value.reference === undefined ? [] : [value.reference];
		// A period is found by a day in it, or from its start on.
		if (type === 'date') return value.start === undefined ? [] : [`ge${value.start}`];
		if (type === 'string') return [value.family, value.city, value.postalCode, value.text].filter((one) => one !== undefined);
		const codings = value.coding ?? [{ system: value.system as string, code: value.code ?? (value.value as string) }];
		return codings.flatMap(({ system, code }) => (code === undefined ? [] : [system === undefined ? code : `${system}|${code}`]));
	});
}

const escaped = (value: string): string => encodeURIComponent(value.replaceAll(/[\\,$]/g, '\\$&').replaceAll(/(?<=\|.*)\|/g, '\\|'));

/** Resources of different owners of which each parameter has a value, with the queries that ask for them. */
function samples(type: string, params: readonly Param[]): { readonly resource: Resource; readonly query: string }[] {
	const found = new Map<string, { readonly resource: Resource; readonly query: string }>();
	for (const { owner, resource } of stored.get(type) ?? []) {
		if (found.has(owner)) continue;
		const values = params.map((param) => param.values(resource)[0]);
		if (values.some((value) => value === undefined)) continue;
		found.set(owner, { resource, query: params.map(({ code }, i) => `${code}=${escaped(values[i] as string)}`).join('&') });
		if (found.size === enough) break;
	}
	return [...found.values()];
}

/** A value that nothing has, so that a parameter which is passed over is found out. */
const nonsense: Readonly<Record<string, string>> = {
	token: 'nothing-has-this',
	reference: 'Basic/nothing',
	date: '1712-01-01',
	string: 'Xqzwv',
};

describe('searches', () => {
	for (const { type, params, combinations } of asked) {
		for (const codes of [...params.map((code) => [code]), ...combinations]) {
			it(`${type}: ${codes.join(' and ')}`, async () => {
				const used = codes.map((code) => paramOf(type, code));
				const all = samples(type, used);
				assert.equal(all.length, enough, 'too few have it');
				for (const { resource, query } of all) {
					// Alone, a code or a state is what many have: the id narrows it down to a page.
					const { matches } = await search(type, codes.length === 1 ? `${query}&_id=${resource.id}` : query);
					assert.ok(
						matches.some(({ id }) => id === resource.id),
						`${query} does not find ${resource.id}`,
					);
				}
				for (const { code, type: kind } of codes.length === 1 ? used : []) {
					if (code === '_id') continue;
					const { matches } = await search(type, code === '_lastUpdated' ? '_lastUpdated=lt1990-01-01' : `${code}=${nonsense[kind]}`);
					assert.deepEqual(matches, [], `${code} is passed over`);
				}
			});
		}
	}
});

describe('what comes along', () => {
	for (const { type, includes, revincludes } of asked) {
		for (const include of includes) {
			it(`${type}: _include=${include}`, async () => {
				const [, code = '', target] = include.split(':');
				const { values } = paramOf(type, code);
				const referring = (stored.get(type) ?? []).filter(({ resource }) =>
					values(resource).some((link) => target === undefined || link.startsWith(`${target}/`)),
				);
				const some = [...new Map(referring.map((one) => [one.owner, one.resource])).values()].slice(0, enough);
				assert.equal(some.length, enough);
				for (const resource of some) {
					const { included } = await search(type, `_id=${resource.id}&_include=${include}`);
					const links = values(resource).filter((link) => target === undefined || link.startsWith(`${target}/`));
					assert.deepEqual(included.map(({ resourceType, id }) => `${resourceType}/${id}`).sort(), [...new Set(links)].sort());
				}
			});
		}
		for (const revinclude of revincludes) {
			it(`${type}: _revinclude=${revinclude}`, async () => {
				const some = [...new Map((stored.get(type) ?? []).map((one) => [one.owner, one.resource])).values()].slice(0, enough);
				assert.equal(some.length, enough);
				for (const resource of some) {
					const { included } = await search(type, `_id=${resource.id}&_revinclude=${revinclude}`);
					assert.ok(included.length > 0, `nothing says where ${type}/${resource.id} is from`);
					for (const { agent, target } of included as (Resource & { agent: { type: { coding: { code: string }[] } }[] })[]) {
						const roles = agent.flatMap(({ type: { coding } }) => coding.map(({ code }) => code));
						assert.deepEqual(roles, ['author', 'transmitter']);
						assert.ok((target as { reference: string }[]).some(({ reference }) => reference === `${type}/${resource.id}`));
					}
				}
			});
		}
	}
});

it('everything that a patient has is signed, once', () => {
	const signed = new Map<string, number>();
	for (const { resource } of stored.get('Provenance') ?? [])
		for (const { reference } of resource.target as { reference: string }[]) signed.set(reference, (signed.get(reference) ?? 0) + 1);
	for (const [type, all] of stored)
		for (const { owner, resource } of all)
			if (type !== 'Provenance' && owner !== resource.id) assert.equal(signed.get(`${type}/${resource.id}`), 1, `${type}/${resource.id}`);
});
