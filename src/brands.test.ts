// User-access brands by HTTP, without a token: found through the SMART configuration, made of the facilities, true to the profiles.
// https://hl7.org/fhir/smart-app-launch/STU2.2/brands.html
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { remove } from '#fhir/interactions/remove.ts';
import { oauthServer } from '#testing/oauth.ts';
import { confidential, facility, practice, store, tokensFor } from '#testing/oauth-app.ts';

const server = await oauthServer({ after });
const { fhirBase, issuer, origin } = server;
await practice(server);
const address = `${issuer}/smart/brands`;
const flag = (name: string) => ({
	url: `https://heron-ehr.org/fhir/StructureDefinition/openemr-facility-${name}`,
	valueBoolean: true,
});
const core = 'http://hl7.org/fhir/StructureDefinition';
const npi = 'http://hl7.org/fhir/sid/us-npi';
const ein = 'urn:oid:2.16.840.1.113883.4.4';

type Json = Record<string, unknown>;
type Brand = Json & { readonly id: string; readonly identifier: Json[]; readonly endpoint: Json[] };
type Bundle = Json & { readonly timestamp: string; readonly entry: readonly { readonly fullUrl: string; readonly resource: Brand }[] };

/** What is published, once what was kept is too old. */
async function published(headers: Record<string, string> = {}): Promise<{ readonly answer: Response; readonly configuration: Json }> {
	server.advance(61_000);
	const configuration = (await (await fetch(`${fhirBase}/.well-known/smart-configuration`)).json()) as Json;
	return { configuration, answer: await fetch(address, { headers }) };
}

async function bundled(): Promise<{ readonly bundle: Bundle; readonly brands: ReadonlyMap<string, Brand>; readonly configuration: Json }> {
	const { answer, configuration } = await published();
	assert.equal(answer.status, 200);
	const bundle = (await answer.json()) as Bundle;
	const organizations = bundle.entry.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === 'Organization');
	return { bundle, configuration, brands: new Map(organizations.map((one) => [one.id, one])) };
}

test('as long as it is not known which facility is the main one, nothing is published', async () => {
	for (const organizations of [[], [facility('one', { active: false })], [facility('one'), facility('two')]]) {
		await store(server, ...organizations);
		const { answer, configuration } = await published();
		assert.equal(answer.status, 404);
		assert.ok(!Object.keys(configuration).some((name) => name.startsWith('user_access_brand')));
	}
});

test('the brands are the main facility and those of the practice, with nothing but what is meant for everybody', async () => {
	await store(
		server,
		facility('one', {
			extension: [flag('primary_business_entity')],
			alias: ['The Old Place'],
			identifier: [
				{ system: npi, value: '1234567893' },
				{ system: ein, value: '12-3456789' },
				{ system: 'https://numbers.example.org', value: '9', type: { coding: [{ code: 'TAX' }] } },
			],
			telecom: [
				{ system: 'phone', value: '555-0100' },
				{ system: 'url', value: 'https://www.place.example.org/welcome' },
			],
			address: [
				{ line: ['1 Elm Street'], city: 'Lynn', state: 'MA', postalCode: '01901' },
				{ type: 'postal', line: ['PO Box 7'], city: 'Lynn', state: 'MA', postalCode: '01903' },
				{ line: ['2 Elm Street'], city: 'Lynn' },
			],
			contact: [{ name: { family: 'Secret' } }],
		}),
		facility('two', { extension: [flag('service_location')] }),
		facility('branch', { partOf: { reference: 'Organization/one' } }),
		facility('elsewhere'),
		facility('closed', { active: false, partOf: { reference: 'Organization/one' } }),
		facility('payer', { partOf: { reference: 'Organization/one' } }, 'pay'),
	);
	const { bundle, brands, configuration } = await bundled();
	assert.equal(configuration.user_access_brand_bundle, address);
	assert.deepEqual([bundle.resourceType, bundle.type], ['Bundle', 'collection']);
	assert.deepEqual([...brands.keys()].toSorted(), ['branch', 'one', 'two']);
	const { identifier, meta, ...main } = brands.get('one') as Brand;
	const endpoint = { reference: 'Endpoint/user-access' };
	const portal = [
		{ url: 'portalUrl', valueUrl: `${origin}/account` },
		{ url: 'portalEndpoint', valueReference: endpoint },
	];
	assert.deepEqual(main, {
		resourceType: 'Organization',
		id: 'one',
		extension: [{ url: `${core}/organization-portal`, extension: portal }],
		active: true,
		type: [
			{
				coding: [{ system: 'http://hl7.org/fhir/smart-app-launch/CodeSystem/user-access-category', code: 'clinical', display: 'Clinical' }],
			},
		],
		name: 'Place one',
		alias: ['The Old Place'],
		telecom: [{ system: 'url', value: 'https://www.place.example.org/welcome' }],
		address: [{ line: ['1 Elm Street'], city: 'Lynn', state: 'MA', postalCode: '01901' }],
		endpoint: [endpoint],
	});
	assert.deepEqual(identifier, [
		{ system: npi, value: '1234567893' },
		{ system: 'urn:ietf:rfc:3986', value: 'https://place.example.org' },
		{ system: 'urn:ietf:rfc:3986', value: `${fhirBase}/Organization/one` },
	]);
	assert.ok(Date.parse(String((meta as Json).lastUpdated)) <= Date.parse(bundle.timestamp));
	// Exactly one goes by what the configuration says.
	const named = JSON.stringify(configuration.user_access_brand_identifier);
	const matching = [...brands.values()].filter((one) => one.identifier.some((own) => JSON.stringify(own) === named));
	assert.deepEqual(
		matching.map(({ id }) => id),
		['one'],
	);
	const two = brands.get('two') as Brand;
	assert.deepEqual(two.partOf, { reference: 'Organization/one' });
	assert.match(JSON.stringify(two.telecom), /"asked-unknown"/);
	const [place] = bundle.entry.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === 'Endpoint');
	assert.equal(place?.address, fhirBase);
	assert.deepEqual(place?.managingOrganization, { reference: 'Organization/one', display: 'Place one' });
	assert.deepEqual(place?.contact, [{ system: 'url', value: `${origin}/swagger/` }]);
	for (const { endpoint: references = [endpoint] } of brands.values()) assert.deepEqual(references, [endpoint]);
});

test('without a mark the main facility is the one that all the others are part of', async () => {
	await store(
		server,
		facility('one'),
		facility('two', { partOf: { reference: 'Organization/one' } }),
		facility('elsewhere', { active: false }),
	);
	const { brands, configuration } = await bundled();
	assert.deepEqual([...brands.keys()].toSorted(), ['branch', 'one', 'two']);
	assert.match(JSON.stringify(configuration.user_access_brand_identifier), /Organization\/one"/);
});

test('what is published is valid R4', async () => {
	const app = await confidential(server, 'user/*.cruds');
	const { access_token: token } = await tokensFor(server, app, 'user/*.cruds');
	const { bundle } = await bundled();
	const body = JSON.stringify(bundle);
	const answer = await server.fhir(String(token), 'Bundle/$validate', { method: 'POST', body });
	const outcome = (await answer.json()) as { issue: { severity: string; diagnostics?: string }[] };
	assert.deepEqual(
		outcome.issue.filter(({ severity }) => /error|fatal/.test(severity)),
		[],
	);
});

test('logos and portals are those that the practice adds to its Organization; their endpoint is ours', async () => {
	const logo = { url: `${core}/organization-brand`, extension: [{ url: 'brandLogo', valueUrl: 'https://place.example.org/logo.svg' }] };
	const name = { url: 'portalName', valueString: 'My Place' };
	const foreign = { url: 'portalEndpoint', valueReference: { reference: 'Endpoint/other' } };
	await store(server, { resourceType: 'Endpoint', id: 'other', ...connection });
	const extension = [flag('primary_business_entity'), logo, { url: `${core}/organization-portal`, extension: [name, foreign] }];
	await store(server, facility('one', { extension }));
	const main = (await bundled()).brands.get('one');
	const portal = [name, { url: 'portalEndpoint', valueReference: { reference: 'Endpoint/user-access' } }];
	assert.deepEqual(main?.extension, [logo, { url: `${core}/organization-portal`, extension: portal }]);
});

const connection = {
	status: 'active',
	connectionType: { code: 'hl7-fhir-rest' },
	payloadType: [{ text: 'none' }],
	address: 'https://other.example.org',
};

test('browsers of any origin may ask, and are told when nothing has changed', async () => {
	const { answer } = await published({ origin: 'https://app.example.org' });
	assert.equal(answer.headers.get('access-control-allow-origin'), '*');
	assert.match(answer.headers.get('content-type') ?? '', /^application\/fhir\+json/);
	assert.match(answer.headers.get('cache-control') ?? '', /max-age=\d+/);
	const etag = answer.headers.get('etag') ?? '';
	assert.match(etag, /^W\/"[\w-]+"$/);
	const { timestamp } = (await answer.json()) as Bundle;
	// A payer is none of it.
	await store(server, facility('another', {}, 'pay'));
	assert.equal((await published({ 'if-none-match': `"x", ${etag}` })).answer.status, 304);
	await remove(server.ctx, { type: 'Organization', id: 'branch' });
	const { answer: changed } = await published({ 'if-none-match': etag });
	assert.equal(changed.status, 200);
	assert.notEqual(changed.headers.get('etag'), etag);
	assert.ok(((await changed.json()) as Bundle).timestamp > timestamp);
	const elsewhere = await fetch(address.replace('/default/', '/other/'));
	assert.equal(elsewhere.status, 404);
});
