// User-access brands: which practice this is, for apps that show people where their records can be had.
// https://hl7.org/fhir/smart-app-launch/STU2.2/brands.html
import { createHash } from 'node:crypto';
import { type Caller, everything } from '#access/ctx.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import { history } from '#fhir/interactions/history.ts';
import { type Extension, facilitiesOf, isMarked, mainOf, type Facility as Place } from '#fhir/practice.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Brands } from '#oauth/directory.ts';

export type BrandsDeps = {
	readonly fhir: Fhir;
	readonly ctxFor: (caller: Caller, requestId: string) => FhirCtx;
};

type Identifier = { readonly use?: string; readonly system?: string; readonly value?: string; readonly type?: Concept };
type Concept = { readonly coding?: readonly { readonly code?: string }[] };
type Address = Partial<Record<'use' | 'type' | 'city' | 'state' | 'postalCode' | 'country', string>> & {
	readonly line?: readonly string[];
};
type Facility = Place & {
	readonly name?: string;
	readonly alias?: readonly string[];
	readonly identifier?: readonly Identifier[];
	readonly telecom?: readonly { readonly system?: string; readonly value?: string }[];
	readonly address?: readonly Address[];
};

const smart = 'http://hl7.org/fhir/smart-app-launch';
const core = 'http://hl7.org/fhir/StructureDefinition';
const uri = 'urn:ietf:rfc:3986';
const endpoint = { reference: 'Endpoint/user-access' };

/** So long what was gathered is good: apps ask before every launch. */
const freshMs = 60_000;

/** Tells the brands of the installation; undefined as long as nobody said which of several facilities is the main one. */
export function createBrands({ fhir, ctxFor }: BrandsDeps): () => Promise<Brands | undefined> {
	let kept: { readonly at: number; readonly brands: Brands | undefined } | undefined;
	return async () => {
		const ctx = ctxFor({ kind: 'system', id: 'heron', name: 'Heron', grants: everything }, 'brands');
		const at = ctx.clock.now().getTime();
		if (kept === undefined || at - kept.at >= freshMs) kept = { at, brands: await gather(ctx, fhir.base) };
		return kept.brands;
	};
}

async function gather(ctx: FhirCtx, base: string): Promise<Brands | undefined> {
	const facilities = ((await facilitiesOf(ctx)) as Facility[]).filter(({ name }) => name);
	const main = mainOf(facilities);
	if (main === undefined) return undefined;
	const ours = facilities.filter((one) => one !== main && (isMarked(one, 'service_location') || isPartOf(one, main)));
	const resources = [main, ...ours].map((one) => brandOf(one, main, base));
	const entry = [endpointOf(main, base), ...resources].map((resource) => ({
		fullUrl: `${base}/${resource.resourceType}/${resource.id}`,
		resource,
	}));
	const timestamp = await lastChange(ctx);
	const meta = { lastUpdated: timestamp, profile: [profile('user-access-brands-bundle')] };
	return {
		bundle: JSON.stringify({ resourceType: 'Bundle', id: 'user-access-brands', meta, type: 'collection', timestamp, entry }),
		etag: `W/"${createHash('sha256').update(JSON.stringify(entry)).digest('base64url').slice(0, 22)}"`,
		identifier: ownIdentifier(main, base),
	};
}

/** When an Organization was last written or deleted: no change of a brand is later. */
async function lastChange(ctx: FhirCtx): Promise<string> {
	const { entry } = JSON.parse(await history(ctx, { type: 'Organization', query: '_count=1' })) as {
		entry: [{ response: { lastModified: string } }];
	};
	return entry[0].response.lastModified;
}

function isPartOf({ partOf }: Facility, main: Facility): boolean {
	return partOf?.reference === `Organization/${main.id}`;
}

function profile(name: string): string {
	return `${smart}/StructureDefinition/${name}`;
}

/** https://hl7.org/fhir/smart-app-launch/STU2.2/StructureDefinition-user-access-brand.html; what a practice adds to it, it adds to its Organization. */
function brandOf(facility: Facility, main: Facility, base: string): Resource {
	const { id, meta, name, alias, extension = [], telecom } = facility;
	const site = telecom?.find(({ system, value }) => system === 'url' && isWebsite(value))?.value;
	const branding = extension.filter(({ url }) => url === `${core}/organization-brand`);
	const portals = portalsOf(facility, main, base);
	const addresses = (facility.address ?? []).map(shownAddress).filter((one) => one !== undefined);
	return {
		resourceType: 'Organization',
		id,
		meta: { lastUpdated: meta.lastUpdated, profile: [profile('user-access-brand')] },
		...(branding.length + portals.length > 0 ? { extension: [...branding, ...portals] } : {}),
		identifier: identifiersOf(facility, site, base),
		active: true,
		type: [{ coding: [{ system: `${smart}/CodeSystem/user-access-category`, code: 'clinical', display: 'Clinical' }] }],
		name,
		...(alias === undefined ? {} : { alias }),
		telecom: [site === undefined ? unsaid : { system: 'url', value: site }],
		...(addresses.length > 0 ? { address: addresses } : {}),
		...(facility === main ? {} : { partOf: { reference: `Organization/${main.id}` } }),
		endpoint: [endpoint],
	} as Resource;
}

/** A website that nobody entered where facilities are entered. */
const unsaid = { system: 'url', _value: { extension: [{ url: `${core}/data-absent-reason`, valueCode: 'asked-unknown' }] } };

/** The portals that the Organization tells of; for the main one without any, the pages of Heron. */
function portalsOf({ extension = [], id }: Facility, main: Facility, base: string): Extension[] {
	const url = `${core}/organization-portal`;
	const told = extension.filter((one) => one.url === url).map((one) => one.extension ?? []);
	const own = id === main.id && told.length === 0 ? [[{ url: 'portalUrl', valueUrl: `${new URL(base).origin}/account` }]] : told;
	return own.map((parts) => ({
		url,
		extension: [...parts.filter((part) => part.url !== 'portalEndpoint'), { url: 'portalEndpoint', valueReference: endpoint }],
	}));
}

/** Numbers for the tax office are nobody else's business: they may be a person's. */
const isTaxNumber = ({ system, type }: Identifier): boolean =>
	/^urn:oid:2\.16\.840\.1\.113883\.4\.[14]$|us-ssn$/.test(system ?? '') ||
	type?.coding?.some(({ code }) => ['TAX', 'EN', 'SS', 'SB'].includes(code ?? '')) === true;

function identifiersOf(facility: Facility, site: string | undefined, base: string): Identifier[] {
	const told = (facility.identifier ?? []).filter((one) => one.system && one.value && one.use !== 'old' && !isTaxNumber(one));
	const website = site === undefined ? [] : [{ system: uri, value: `https://${new URL(site).host.replace(/^www\./, '')}` }];
	const all = [...told.map(({ system, value }) => ({ system, value })), ...website, ownIdentifier(facility, base)] as const;
	return [...new Map(all.map((one) => [`${one.system}|${one.value}`, one as Identifier])).values()];
}

/** By which no other brand goes. */
function ownIdentifier({ id }: Facility, base: string): { readonly system: string; readonly value: string } {
	return { system: uri, value: `${base}/Organization/${id}` };
}

function isWebsite(value: string | undefined): boolean {
	return value !== undefined && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

/** An address in one of the combinations that brands may have. */
function shownAddress({ use, type, line, city, state, postalCode, country }: Address): Address | undefined {
	if (type === 'postal' || use === 'old' || use === 'home') return undefined;
	const nation = country === undefined ? {} : { country };
	if (city && state) {
		const street = line !== undefined && postalCode ? { line } : {};
		return { ...street, city, state, ...(postalCode ? { postalCode } : {}), ...nation };
	}
	if (state) return { state, ...nation };
	return postalCode ? { postalCode, ...nation } : undefined;
}

/** https://hl7.org/fhir/smart-app-launch/STU2.2/StructureDefinition-user-access-endpoint.html */
function endpointOf(main: Facility, base: string): Resource {
	return {
		resourceType: 'Endpoint',
		id: endpoint.reference.replace('Endpoint/', ''),
		meta: { profile: [profile('user-access-endpoint')] },
		extension: [{ url: `${core}/endpoint-fhir-version`, valueCode: '4.0.1' }],
		status: 'active',
		connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' },
		name: `FHIR R4 API of ${main.name}`,
		managingOrganization: { reference: `Organization/${main.id}`, display: main.name },
		contact: [{ system: 'url', value: `${new URL(base).origin}/swagger/` }],
		payloadType: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'none' }] }],
		address: base,
	} as Resource;
}
