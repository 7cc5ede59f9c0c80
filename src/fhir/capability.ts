// What the server can do, https://hl7.org/fhir/R4/capabilitystatement.html: made from the tables of types, search parameters and
// operations, so that it cannot say what is not so.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '#base/problem.ts';
import type { Fhir } from './ctx.ts';
import type { CompartmentName } from './definitions/definitions.ts';
import type { ServerFacts } from './definitions/facts.ts';
import { canonicalOf } from './operations/definitions.ts';
import type { Operation } from './operations/operation.ts';
import type { Resource } from './resource.ts';
import type { SearchParam, SearchRegistry } from './search/registry.ts';
import { terminologyCapabilities } from './terminology-capability.ts';

/** The day on which what the server can do was last changed. */
const releaseDate = '2026-11-25';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string };

const software = { name: 'Heron', version };

const modes = ['full', 'normative', 'terminology'] as const;
type Mode = (typeof modes)[number];

/** Finished texts: one registry stands for one state of an installation's search parameters. */
const made = new WeakMap<SearchRegistry, Map<string, string>>();

/**
 * The statement for a `mode` of /metadata (https://hl7.org/fhir/R4/http.html#capabilities) as JSON text.
 * Throws Problem invalid `mode-unknown` for a mode that the specification does not know.
 */
export function capability(fhir: Fhir, mode = 'full'): string {
	const known = modes.find((one) => one === mode);
	if (known === undefined) throw unknownMode(mode);
	const texts = made.get(fhir.registry) ?? new Map<string, string>();
	made.set(fhir.registry, texts);
	const key = `${known} ${fhir.base} ${fhir.settings.referentialIntegrity}`;
	const text = texts.get(key) ?? JSON.stringify(statement(fhir, known));
	texts.set(key, text);
	return text;
}

function unknownMode(mode: string): Problem {
	const text = `The mode "${mode.slice(0, 40)}" is not known; it may be ${modes.join(', ')}.`;
	return new Problem('invalid', 'mode-unknown', text, {
		issues: [{ severity: 'error', type: 'value', code: 'mode-unknown', text, path: 'http.mode' }],
	});
}

function statement(fhir: Fhir, mode: Mode): Resource {
	if (mode === 'terminology') return terminologyCapabilities(fhir, { software, releaseDate });
	const full = capabilityStatement(fhir);
	return mode === 'full' ? full : withoutTrialUse(full);
}

/** The whole CapabilityStatement. */
export function capabilityStatement(fhir: Fhir): Resource {
	return {
		resourceType: 'CapabilityStatement',
		id: 'heron',
		url: `${fhir.base}/metadata`,
		version,
		name: 'HeronCapabilityStatement',
		title: 'What this Heron server can do',
		status: 'active',
		date: releaseDate,
		publisher: 'Heron',
		kind: 'instance',
		...some('instantiates', [
			...keptServers(fhir).map(({ url, version: one }) => `${url}|${one}`),
			...fhir.rows.operations.flatMap(({ instantiates }) => instantiates ?? []),
		]),
		software: { ...software, releaseDate },
		implementation: { description: 'A Heron server', url: fhir.base },
		fhirVersion: '4.0.1',
		format: ['application/fhir+json', 'application/fhir+xml', 'json', 'xml'],
		patchFormat: ['application/json-patch+json', 'application/fhir+json', 'application/fhir+xml'],
		rest: [restOf(fhir)],
	};
}

/** Interactions of every type; a test compares them with the rows that the server runs. */
export const typeInteractions = [
	'read',
	'vread',
	'update',
	'patch',
	'delete',
	'history-instance',
	'history-type',
	'create',
	'search-type',
] as const;

export const systemInteractions = ['transaction', 'batch', 'search-system', 'history-system'] as const;

const compartments: readonly CompartmentName[] = ['Patient', 'Encounter', 'Practitioner', 'RelatedPerson', 'Device'];

/** What guides ask of servers and this one does; `src/demo/us-core.test.ts` tries every search of it. */
const kept = [{ url: 'http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server', version: '8.0.0' }] as const;

/** The facts of what is kept. */
function keptServers({ definitions }: Fhir): ServerFacts[] {
	return definitions.servers.filter((facts) => kept.some(({ url, version: one }) => facts.url === url && facts.version === one));
}

/** Parameters of every type that search answers without an index of their own. */
const everywhere = [
	{ name: '_text', type: 'string', definition: 'http://hl7.org/fhir/SearchParameter/DomainResource-text' },
	{ name: '_content', type: 'string', definition: 'http://hl7.org/fhir/SearchParameter/Resource-content' },
	{ name: '_list', type: 'special', documentation: 'The resources that are items of the List with this id.' },
	{ name: '_has', type: 'special', documentation: 'The resources that are referred to: _has:Type:reference-parameter:parameter=value.' },
	{ name: '_type', type: 'special', documentation: 'The types that are searched; on the system only.' },
];

const smartService = { system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' };

/** Where clients authorize themselves, in the form older SMART apps look for. https://hl7.org/fhir/smart-app-launch/1.0.0/conformance/ */
function authorizationServer({ base }: Fhir): object {
	const origin = base.replace(/\/apis\/default\/fhir$/, '');
	const paths = {
		authorize: '/oauth2/default/authorize',
		token: '/oauth2/default/token',
		register: '/oauth2/default/registration',
		introspect: '/oauth2/default/introspect',
		revoke: '/oauth2/default/revoke',
		manage: '/account',
	};
	return {
		url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
		extension: Object.entries(paths).map(([url, path]) => ({ url, valueUri: `${origin}${path}` })),
	};
}

function restOf(fhir: Fhir): object {
	const sources = referringParams(fhir);
	return {
		mode: 'server',
		security: {
			cors: true,
			service: [{ coding: [smartService], text: 'SMART-on-FHIR' }],
			extension: [authorizationServer(fhir)],
			description: 'Every request but this one needs an access token in its header: "Authorization: Bearer …" (RFC 6750).',
		},
		resource: fhir.definitions.resourceTypes.map((type) => resourceOf(fhir, type, sources.get(type) ?? [])),
		interaction: systemInteractions.map((code) =>
			code === 'batch' || code === 'transaction'
				? { code, documentation: 'With "Prefer: respond-async" the answer comes later.' }
				: { code },
		),
		searchParam: everywhere,
		operation: fhir.rows.operations.filter(({ levels }) => levels.system === true).map((operation) => operationOf(fhir, operation)),
		compartment: compartments.map((name) => `http://hl7.org/fhir/CompartmentDefinition/${name.toLowerCase()}`),
	};
}

function resourceOf(fhir: Fhir, type: string, referring: readonly string[]): object {
	const params = [...fhir.registry.params(type).values()].filter(({ pending }) => pending === undefined);
	const own = fhir.rows.operations.filter(
		({ levels, types }) => (levels.type === true || levels.instance === true) && appliesTo(types, type),
	);
	const supportedProfile = [...profilesOf(fhir, type), ...own.flatMap(({ declares }) => declares?.profiles ?? [])];
	return {
		...some('extension', [...combinationsOf(fhir, type), ...own.flatMap(({ declares }) => declares?.extensions ?? [])]),
		type,
		profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
		...some('supportedProfile', supportedProfile),
		interaction: typeInteractions.map((code) => ({ code })),
		versioning: 'versioned',
		readHistory: true,
		updateCreate: true,
		conditionalCreate: true,
		conditionalRead: 'full-support',
		conditionalUpdate: true,
		conditionalDelete: 'multiple',
		referencePolicy: ['literal', 'logical', ...(fhir.settings.referentialIntegrity ? ['enforced'] : [])],
		searchInclude: ['*', `${type}:*`, ...params.filter(isReference).map(({ code }) => `${type}:${code}`)],
		...some('searchRevInclude', referring),
		searchParam: params.map(({ code: name, url, type: kind }) => ({ name, definition: url, type: kind })),
		...some(
			'operation',
			own.map((operation) => operationOf(fhir, operation)),
		),
	};
}

/** Parameters that guides search for together, https://hl7.org/fhir/extensions/StructureDefinition-capabilitystatement-search-parameter-combination.html */
function combinationsOf(fhir: Fhir, type: string): object[] {
	const own = keptServers(fhir).flatMap(({ resources }) => resources.filter((one) => one.type === type));
	return own.flatMap(({ combinations }) =>
		combinations.map(({ required, optional }) => ({
			extension: [
				...required.map((valueString) => ({ url: 'required', valueString })),
				...optional.map((valueString) => ({ url: 'optional', valueString })),
			],
			url: 'http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination',
		})),
	);
}

/** FHIR has no empty lists. */
function some(name: string, values: readonly unknown[]): object {
	return values.length === 0 ? {} : { [name]: values };
}

function appliesTo(types: readonly string[], type: string): boolean {
	return types.includes('Resource') || types.includes(type);
}

function operationOf({ base }: Fhir, operation: Operation): object {
	return { name: operation.name, definition: canonicalOf(base, operation) };
}

/** The profiles of a type; those of packages also with each version that is known. */
function profilesOf({ definitions }: Fhir, type: string): string[] {
	return definitions.profilesOf(type).flatMap((url) => [url, ...definitions.versionsOf(url).map((one) => `${url}|${one}`)]);
}

function isReference({ type }: SearchParam): boolean {
	return type === 'reference';
}

/** By target type, the `Type:parameter` by which other resources may refer to it. */
function referringParams({ definitions, registry }: Fhir): Map<string, string[]> {
	const referring = new Map<string, string[]>(definitions.resourceTypes.map((type) => [type, []]));
	for (const source of definitions.resourceTypes) {
		for (const param of registry.params(source).values()) {
			if (!isReference(param)) continue;
			const targets = param.targets.length === 0 ? definitions.resourceTypes : param.targets;
			for (const target of targets) referring.get(target)?.push(`${source}:${param.code}`);
		}
	}
	return referring;
}

/** What the specification marks as for trial use, in the statement's own elements. */
const trialUse = [
	'supportedProfile',
	'versioning',
	'readHistory',
	'updateCreate',
	'conditionalCreate',
	'conditionalRead',
	'conditionalUpdate',
	'conditionalDelete',
	'referencePolicy',
	'searchInclude',
	'searchRevInclude',
	'security',
];

function withoutTrialUse(full: Resource): Resource {
	const kept = (value: unknown): unknown => {
		if (Array.isArray(value)) return value.map(kept);
		if (value === null || typeof value !== 'object') return value;
		return Object.fromEntries(Object.entries(value).flatMap(([name, inner]) => (trialUse.includes(name) ? [] : [[name, kept(inner)]])));
	};
	return kept(full) as Resource;
}
