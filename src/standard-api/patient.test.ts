// patient through both APIs: what is sent comes back, and what FHIR holds beside it stays.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testServer } from '#testing/server.ts';
import { likelyRoundTrip, recordRoundTrip } from '#testing/standard.ts';
import { patientMapping } from './patient.ts';

const server = await testServer({ after });

const john = {
	title: 'Mr',
	fname: 'John',
	lname: 'Smith',
	DOB: '1980-01-15',
	sex: 'Male',
	street: '123 Main St',
	city: 'Boston',
	state: 'MA',
	postal_code: '12345',
	phone_home: '555-1234',
	email: 'john.smith@example.com',
};

test('a patient is made, found, read by number and UUID, seen in FHIR, changed', async () => {
	const made = await server.api('POST', 'api/patient', { body: john });
	assert.equal(made.status, 201, made.text);
	const { pid, uuid } = (made.json as unknown as { data: { pid: number; uuid: string } }).data;
	for (const named of [pid, uuid]) {
		const { status, json } = await server.api('GET', `api/patient/${named}`);
		assert.equal(status, 200);
		const { data } = json as unknown as { data: Record<string, unknown> };
		for (const [field, value] of Object.entries({ ...john, pid, uuid, id: pid, pubpid: String(pid) }))
			assert.equal(data[field], value, field);
	}
	const fhir = (await server.send('GET', `Patient/${uuid}`)).json;
	assert.equal(fhir.birthDate, '1980-01-15');
	assert.deepEqual(fhir.meta?.profile, ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient']);
	const changed = await server.api('PUT', `api/patient/${pid}`, { body: { city: 'Salem', lname: 'Smith' } });
	assert.equal(changed.status, 200, changed.text);
	const found = (await server.api('GET', 'api/patient?lname=Smi&city=Salem')).json as unknown as { data: { uuid: string }[] };
	assert.deepEqual(
		found.data.map((one) => one.uuid),
		[uuid],
	);
	const trail = (await server.send('GET', `Provenance?target=Patient/${uuid}`)).json as unknown as { entry: unknown[] };
	assert.equal(trail.entry.length, 2);
});

test('what is wrong is said in OpenEMR’s words', async () => {
	const empty = await server.api('POST', 'api/patient', { body: { lname: 'S', DOB: '1980-02-30', sex: 'M', email: 'x' } });
	assert.equal(empty.status, 400);
	const { validationErrors, data } = empty.json as unknown as { validationErrors: Record<string, Record<string, string>>; data: unknown };
	assert.deepEqual(data, []);
	assert.deepEqual(validationErrors.fname, undefined);
	assert.deepEqual(validationErrors.DOB, { 'DateTime::INVALID_VALUE': 'DOB must be a valid date' });
	const rules = (await server.api('POST', 'api/patient', { body: { lname: 'S', sex: 'M', email: 'x', DOB: '' } })).json;
	assert.deepEqual((rules as unknown as { validationErrors: object }).validationErrors, {
		fname: { 'Required::NON_EXISTENT_KEY': 'fname must be provided, but does not exist' },
		lname: { 'LengthBetween::TOO_SHORT': 'lname must be 2 characters or longer' },
		DOB: { 'NotEmpty::EMPTY_VALUE': 'DOB must not be empty' },
		sex: { 'LengthBetween::TOO_SHORT': 'sex must be 4 characters or longer' },
		email: { 'Email::INVALID_VALUE': 'email must be a valid email address' },
	});
	const nobody = await server.api('GET', 'api/patient/00000000-0000-4000-8000-000000000000');
	assert.equal(nobody.status, 400);
	assert.match(nobody.text, /"uuid":\{"invalid or nonexisting value":"value 0/);
	const broken = await server.api('POST', 'api/patient', { body: '{"fname":' });
	assert.equal(broken.status, 400);
	assert.match(broken.text, /json-malformed/);
});

test('lists are paged by links', async () => {
	for (const fname of ['Ann', 'Bea', 'Cid']) await server.api('POST', 'api/patient', { body: { ...john, fname, lname: 'Paging' } });
	const names: unknown[] = [];
	let path: string | undefined = 'api/patient?lname=Paging&_sort=fname&_limit=2';
	while (path !== undefined) {
		const page = (await server.api('GET', path)).json as unknown as { data: { fname: string }[]; links: { next?: string } };
		names.push(...page.data.map(({ fname }) => fname));
		path = page.links.next?.replace('https://heron.test/apis/default/', '');
	}
	assert.deepEqual(names, ['Ann', 'Bea', 'Cid']);
	const second = (await server.api('GET', 'api/patient?lname=Paging&_sort=fname&_limit=1&_offset=1')).json as unknown as {
		data: { fname: string }[];
	};
	assert.deepEqual(
		second.data.map(({ fname }) => fname),
		['Bea'],
	);
});

/** A second line or name is the first when there is no first. */
function whole(record: Record<string, unknown>): Record<string, unknown> {
	const { street_line_2, street = 'Main St 1', birth_mname, birth_fname = 'Eve' } = record;
	return { ...record, ...(street_line_2 === undefined ? {} : { street }), ...(birth_mname === undefined ? {} : { birth_fname }) };
}

recordRoundTrip(server, patientMapping, { path: 'api/patient', seed: 1, adjust: whole });
likelyRoundTrip(server, patientMapping, { path: (id) => `api/patient/${id}`, seed: 2, alone: ['street_line_2', 'mname', 'birth_mname'] });

test('a list by a name that many had once has full pages of those who have it, each once', async () => {
	const resources = Array.from({ length: 40 }, (_, i) => ({
		resourceType: 'Patient',
		name: [
			{ use: 'official', family: i % 3 === 0 ? 'Evergreen' : `Other${i}`, given: ['Ann'] },
			{ use: 'maiden', family: i % 3 === 0 ? 'Born' : 'Evergreen', given: ['Ann'] },
		],
		birthDate: '1990-01-01',
		gender: 'female',
	}));
	const meant: string[] = [];
	for (const resource of resources) {
		const { id } = (await server.send('POST', 'Patient', { body: resource })).json;
		if (resource.name[0]?.family === 'Evergreen') meant.unshift(id as string);
	}
	type Page = { data: { uuid: string }[]; links?: { next?: string } };
	for (const [size, sort] of [
		[5, ''],
		[4, '&_sort=DOB'],
		[14, ''],
	] as const) {
		const pages: string[][] = [];
		for (let path: string | undefined = `api/patient?lname=evergreen&_limit=${size}${sort}`; path !== undefined; ) {
			const { data, links } = (await server.api('GET', path)).json as unknown as Page;
			pages.push(data.map(({ uuid }) => uuid));
			path = links?.next?.split('/apis/default/')[1];
		}
		const found = pages.flat();
		assert.deepEqual(sort === '' ? found : found.toSorted(), sort === '' ? meant : meant.toSorted());
		assert.ok(pages.slice(0, -2).every((page) => page.length === size));
	}
});
