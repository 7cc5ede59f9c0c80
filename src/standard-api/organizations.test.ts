// facility, insurance_company, practitioner and user through both APIs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { everything } from '#access/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { likelyRoundTrip, recordRoundTrip } from '#testing/standard.ts';
import { facilityMapping, insuranceCompanyMapping } from './organizations.ts';
import { practitionerMapping, userMapping } from './people.ts';

const server = await testServer({ after });

type Data = { readonly data: Record<string, unknown> };

async function made(path: string, body: object): Promise<Record<string, unknown>> {
	const { status, json, text } = await server.api('POST', path, { body });
	assert.equal(status, 201, text);
	return (json as unknown as Data).data ?? json;
}

test('a facility is made, filtered by, changed, taken out of use', async () => {
	const body = { name: 'North Clinic', facility_npi: '1234567893', phone: '555-0100', city: 'Boston', service_location: '1', pos_code: 11 };
	const { id, uuid } = await made('api/facility', body);
	await made('api/facility', { ...body, name: 'South Clinic', facility_npi: '1234567801' });
	const { json } = await server.api('GET', `api/facility?facility_npi=1234567893&city=Boston&phone=555-0100`);
	const [row] = (json as unknown as { data: Record<string, unknown>[] }).data;
	assert.deepEqual(
		[row?.id, row?.uuid, row?.name, row?.service_location, row?.pos_code, row?.inactive],
		[id, uuid, 'North Clinic', 1, 11, 0],
	);
	assert.equal((json as unknown as { data: unknown[] }).data.length, 1);
	const fhir = (await server.send('GET', `Organization/${uuid}`)).json;
	assert.equal(fhir.name, 'North Clinic');
	assert.deepEqual(fhir.meta?.profile, ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization']);
	const put = await server.api('PUT', `api/facility/${id}`, { body: { fax: '555-0199' } });
	assert.equal((put.json as unknown as Data).data.fax, '555-0199');
	assert.equal((await server.api('DELETE', `api/facility/${uuid}`)).status, 200);
	assert.equal((await server.send('GET', `Organization/${uuid}`)).json.active, false);
	const [retired] = ((await server.api('GET', `api/facility?id=${id}`)).json as unknown as { data: Record<string, unknown>[] }).data;
	assert.equal(retired?.inactive, 1);
});

test('payers are no facilities, and facilities no payers', async () => {
	const { iid } = await made('api/insurance_company', { name: 'Payer One', cms_id: '12345', line1: '1 Road', city: 'Boston' });
	assert.equal((await server.api('GET', `api/facility/${iid}`)).status, 400);
	const { uuid } = await made('api/facility', { name: 'East Clinic', facility_npi: '1234567893' });
	const other = await server.api('GET', `api/insurance_company/${uuid}`);
	assert.deepEqual([other.status, other.text], [404, '']);
	const list = (await server.api('GET', 'api/insurance_company?name=Payer One')).json as unknown as Record<string, unknown>[];
	assert.deepEqual(
		list.map((row) => [row.id, row.cms_id, row.city]),
		[[iid, '12345', 'Boston']],
	);
	assert.equal((await server.api('GET', 'api/insurance_company?name=Nobody')).status, 404);
});

test('a practitioner belongs to a facility by number or UUID; users are practitioners too', async () => {
	const facility = await made('api/facility', { name: 'West Clinic', facility_npi: '1234567893' });
	const body = { fname: 'Ida', lname: 'Noll', npi: '1245319599', facility_id: facility.uuid };
	const { id, uuid } = await made('api/practitioner', body);
	const one = ((await server.api('GET', `api/practitioner/${id}`)).json as unknown as Data).data;
	assert.deepEqual([one.fname, one.npi, one.facility_id, one.active], ['Ida', '1245319599', facility.id, 1]);
	assert.equal(((await server.api('GET', `api/user/${uuid}`)).json as unknown as Data).data.lname, 'Noll');
	const wrong = await server.api('POST', 'api/practitioner', { body: { ...body, facility_id: '999999' } });
	assert.equal(wrong.status, 400);
	assert.match(wrong.text, /"facility_id":\{"Callback::INVALID_VALUE":"facility id is invalid"\}/);
	await server.send('PUT', 'Practitioner/plain', { body: { resourceType: 'Practitioner', id: 'plain', name: [{ family: 'Nurse' }] } });
	const list = async (path: string) => ((await server.api('GET', path)).json as unknown as { data: unknown[] }).data.length;
	assert.equal(await list('api/user?lname=Nurse'), 1);
	assert.equal(await list('api/practitioner?lname=Nurse'), 0);
});

test('writes are signed for the facility of who writes, as US Core has it', async () => {
	const facility = await made('api/facility', { name: 'Signing Clinic', facility_npi: '1234567893' });
	const { uuid } = await made('api/practitioner', { fname: 'Sig', lname: 'Ner', npi: '1245319599', facility_id: facility.uuid });
	server.caller('signer', everything, 'user', { fhirUser: `Practitioner/${uuid}` });
	const { json } = await server.api('POST', 'api/insurance_company', { as: 'signer', body: { name: 'Signed' } });
	const found = (await server.send('GET', `Provenance?target=Organization/${(json as unknown as { uuid: string }).uuid}`)).json;
	const [{ resource }] = found.entry as [{ resource: Resource & { agent: object[] } }];
	assert.deepEqual(resource.meta?.profile, ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance']);
	assert.deepEqual((resource.agent[0] as { onBehalfOf: object }).onBehalfOf, { reference: `Organization/${facility.uuid}` });
});

const type = (code: string) => [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/organization-type', code }] }];

function secondLines(...pairs: readonly (readonly [string, string])[]): (record: Record<string, unknown>) => Record<string, unknown> {
	return (record) => ({
		...record,
		...Object.fromEntries(
			pairs.flatMap(([second, first]) => (record[second] === undefined ? [] : [[first, record[first] ?? 'First line']])),
		),
	});
}

recordRoundTrip(server, facilityMapping, { path: 'api/facility', seed: 3, adjust: secondLines(['mail_street2', 'mail_street']) });
likelyRoundTrip(server, facilityMapping, {
	path: (id) => `api/facility/${id}`,
	seed: 4,
	adjust: (one) => ({ ...one, type: type('prov') }),
	alone: ['mail_street2', 'inactive'],
});
recordRoundTrip(server, insuranceCompanyMapping, {
	path: 'api/insurance_company',
	seed: 5,
	adjust: secondLines(['line2', 'line1']),
	read: ({ iid }) => `api/insurance_company/${iid}`,
});
likelyRoundTrip(server, insuranceCompanyMapping, {
	path: (id) => `api/insurance_company/${id}`,
	seed: 6,
	adjust: (one) => ({ ...one, type: type('pay') }),
	alone: ['line2', 'inactive'],
});
recordRoundTrip(server, practitionerMapping, { path: 'api/practitioner', seed: 7, adjust: secondLines(['streetb', 'street']) });
likelyRoundTrip(server, practitionerMapping, {
	path: (id) => `api/practitioner/${id}`,
	seed: 8,
	adjust: (one: Resource) => ({
		...one,
		identifier: [...((one.identifier as object[] | undefined) ?? []), { system: 'http://hl7.org/fhir/sid/us-npi', value: '1' }],
	}),
	alone: ['streetb', 'mname'],
});

test('a user is a view of the same fields as a practitioner', () => {
	assert.equal(userMapping.fields, practitionerMapping.fields);
});
