// The commands that OpenEMR's users know from its documentation, in their order and as they are written there, and what each has to answer.
// A command is changed in nothing but its host, ids, tokens and the file it sends.
import assert from 'node:assert/strict';
import type { Answer } from './curl.ts';
import { assertion, type World } from './world.ts';

export type Command = {
	/** What it shows. */
	readonly shows: string;
	readonly command: string;
	/** What stands for the ids, tokens and files of the documentation here. */
	readonly with?: (world: World) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
	/** Throws when the answer is not right; keeps what later commands need. */
	readonly check: (answer: Answer, world: World) => void | Promise<void>;
	/** Asked again while it answers 202. */
	readonly untilDone?: true;
};

type Json = Record<string, unknown>;

/** The value is there and has the same members with the same values; arrays are about their first elements. */
export function has(value: unknown, like: unknown, path = 'answer'): void {
	if (Array.isArray(like)) {
		assert.ok(Array.isArray(value), `${path} should be a list: ${JSON.stringify(value)}`);
		for (const [i, one] of like.entries()) has(value[i], one, `${path}[${i}]`);
	} else if (like instanceof RegExp) assert.match(String(value), like, path);
	else if (typeof like === 'function') assert.equal(typeof value, like('').constructor.name.toLowerCase(), path);
	else if (like !== null && typeof like === 'object') {
		assert.ok(value !== null && typeof value === 'object', `${path} should be an object: ${JSON.stringify(value)}`);
		for (const [name, one] of Object.entries(like)) has((value as Json)[name], one, `${path}.${name}`);
	} else assert.equal(value, like, path);
}

const token = ({ token: value }: World) => ({ YOUR_ACCESS_TOKEN: value });
const answers =
	(status: number, like: unknown): Command['check'] =>
	(answer) => {
		assert.equal(answer.status, status, answer.text.slice(0, 2000));
		has(answer.json, like);
	};

/** A searchset with at least one match, the first of which is like this. */
const finds = (resource: Json): Command['check'] => {
	return answers(200, { resourceType: 'Bundle', type: 'searchset', entry: [{ resource, search: { mode: 'match' } }] });
};

const exported: Command['check'] = ({ status, headers, text }, world) => {
	assert.equal(status, 202, text);
	const place = headers.get('content-location') ?? '';
	assert.match(place, /\$bulkdata-status\?job=/);
	world.job = new URL(place).searchParams.get('job') ?? '';
};

const serviceToken = ({ serviceToken: value }: World) => ({ YOUR_ACCESS_TOKEN: value });

const document: Command['check'] = ({ status, json, text }, world) => {
	assert.equal(status, 200, text);
	const attachment = { contentType: /xml/, url: /\/Binary\/[^/]+$/ };
	has(json, {
		resourceType: 'Bundle',
		type: 'searchset',
		entry: [{ resource: { resourceType: 'DocumentReference', content: [{ attachment }] } }],
	});
	const [{ resource }] = json.entry as [{ resource: { content: [{ attachment: { url: string } }] } }];
	world.document = resource.content[0].attachment.url;
};

export const commands: readonly Command[] = [
	{
		shows: 'a confidential client registers',
		command: `curl -X POST -k -H 'Content-Type: application/json' \\
https://localhost:9300/oauth2/default/registration \\
--data '{ "application_type": "private", "redirect_uris": ["https://client.example.org/callback"], "post_logout_redirect_uris": ["https://client.example.org/logout/callback"], "client_name": "My Healthcare App", "token_endpoint_auth_method": "client_secret_post", "contacts": ["admin@example.org"], "scope": "openid offline_access api:oemr api:fhir user/Patient.read user/Observation.read" }'`,
		check: async ({ status, json, text }, world) => {
			assert.ok(status === 200 || status === 201, text);
			has(json, {
				client_id: /^[\w-]{20,}$/,
				client_secret: /^[\w-]{40,}$/,
				registration_access_token: /^[\w-]{20,}$/,
				client_id_issued_at: Number,
				scope: 'openid offline_access api:oemr api:fhir user/Patient.read user/Observation.read',
			});
			await world.registerOthers();
		},
	},
	{
		shows: 'the code of a user who signed in and agreed is changed for tokens',
		command: `curl -X POST -k \\
-H 'Content-Type: application/x-www-form-urlencoded' \\
https://localhost:9300/oauth2/default/token \\
--data-urlencode 'grant_type=authorization_code' \\
--data-urlencode 'client_id=YOUR_CLIENT_ID' \\
--data-urlencode 'client_secret=YOUR_CLIENT_SECRET' \\
--data-urlencode 'redirect_uri=https://client.example.org/callback' \\
--data-urlencode 'code=def50200a8f...'`,
		with: async (world) => ({
			YOUR_CLIENT_ID: world.app.id,
			YOUR_CLIENT_SECRET: world.app.secret,
			'def50200a8f...': await world.authorize(
				'https://localhost:9300/oauth2/default/authorize?response_type=code&client_id=YOUR_CLIENT_ID&redirect_uri=https://client.example.org/callback&scope=openid%20offline_access%20patient/Patient.read%20patient/Observation.read&state=RANDOM_STATE_STRING&aud=https://localhost:9300/apis/default/fhir',
			),
		}),
		check: ({ status, json, text }, world) => {
			assert.equal(status, 200, text);
			has(json, {
				id_token: /^eyJ/,
				token_type: 'Bearer',
				expires_in: 3600,
				access_token: String,
				refresh_token: String,
				scope: 'openid offline_access patient/Patient.read patient/Observation.read',
			});
			world.refreshToken = String(json.refresh_token);
		},
	},
	{
		shows: 'tokens are renewed',
		command: `curl -X POST -k \\
-H 'Content-Type: application/x-www-form-urlencoded' \\
https://localhost:9300/oauth2/default/token \\
--data-urlencode 'grant_type=refresh_token' \\
--data-urlencode 'client_id=YOUR_CLIENT_ID' \\
--data-urlencode 'client_secret=YOUR_CLIENT_SECRET' \\
--data-urlencode 'refresh_token=def5020017b484b0add020bf3491a8a537fa04eda12...'`,
		with: ({ app, refreshToken }) => ({
			YOUR_CLIENT_ID: app.id,
			YOUR_CLIENT_SECRET: app.secret,
			'def5020017b484b0add020bf3491a8a537fa04eda12...': refreshToken,
		}),
		check: ({ status, json, text }, world) => {
			assert.equal(status, 200, text);
			has(json, { id_token: /^eyJ/, token_type: 'Bearer', expires_in: 3600, access_token: String, refresh_token: String, scope: String });
			world.appToken = String(json.access_token);
		},
	},
	{
		shows: 'a service signs for itself',
		command: `curl -X POST -k \\
-H 'Content-Type: application/x-www-form-urlencoded' \\
https://localhost:9300/oauth2/default/token \\
--data-urlencode 'grant_type=client_credentials' \\
--data-urlencode 'client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer' \\
--data-urlencode 'client_assertion=eyJhbGciOiJSUzM4NCIsImtpZCI6Im15LWtleS0xIiwidHlwIjoiSldUIn0...' \\
--data-urlencode 'scope=system/Patient.read system/Group.$export'`,
		with: async (world) => ({ 'eyJhbGciOiJSUzM4NCIsImtpZCI6Im15LWtleS0xIiwidHlwIjoiSldUIn0...': await assertion(world) }),
		check: answers(200, { access_token: String, token_type: 'Bearer', expires_in: 60, scope: /system\/Patient\.read/ }),
	},
	{
		shows: 'the capability statement, for anybody',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/metadata' \\
-H 'Accept: application/fhir+json'`,
		check: (answer) => {
			answers(200, {
				resourceType: 'CapabilityStatement',
				status: 'active',
				fhirVersion: '4.0.1',
				software: { name: String, version: String },
			})(answer, undefined as never);
			const [{ mode, resource }] = answer.json.rest as [
				{ mode: string; resource: { type: string; interaction: Json[]; searchParam: Json[] }[] },
			];
			assert.equal(mode, 'server');
			const patient = resource.find(({ type }) => type === 'Patient');
			for (const code of ['create', 'read', 'search-type'])
				assert.ok(
					patient?.interaction.some((one) => one.code === code),
					code,
				);
			for (const [name, type] of Object.entries({ _id: 'token', name: 'string', birthdate: 'date' }))
				assert.ok(
					patient?.searchParam.some((one) => one.name === name && one.type === type),
					name,
				);
		},
	},
	{
		shows: 'a patient by id',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Patient/123' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: answers(200, {
			resourceType: 'Patient',
			id: '123',
			name: [{ family: 'Smith', given: ['John'] }],
			birthDate: '1980-01-15',
			gender: 'male',
			address: [{ city: 'Boston', state: 'MA', postalCode: '12345' }],
		}),
	},
	{
		shows: 'patients by name and date of birth',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Patient?name=Smith&birthdate=1980-01-15' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({ resourceType: 'Patient', id: '123' }),
	},
	{
		shows: 'patients by several parameters',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Patient?family=Smith&given=John&address-city=Boston' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({ resourceType: 'Patient', id: '123' }),
	},
	{
		shows: 'vital signs of a patient',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Observation?patient=123&category=vital-signs' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({
			resourceType: 'Observation',
			id: '456',
			status: 'final',
			category: [{ coding: [{ code: 'vital-signs' }] }],
			code: { coding: [{ system: 'http://loinc.org', code: '8867-4', display: 'Heart rate' }] },
			subject: { reference: 'Patient/123' },
			valueQuantity: { value: 72, unit: 'beats/minute' },
		}),
	},
	{
		shows: 'laboratory results',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Observation?patient=123&category=laboratory' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({ resourceType: 'Observation', id: '457', category: [{ coding: [{ code: 'laboratory' }] }] }),
	},
	{
		shows: 'observations since a day, with who is answerable for them',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Observation?patient=123&category=vital-signs&date=ge2024-01-01&_revinclude=Provenance:target' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: answers(200, {
			type: 'searchset',
			entry: [
				{ resource: { resourceType: 'Observation', id: '456' }, search: { mode: 'match' } },
				{ resource: { resourceType: 'Provenance', target: [{ reference: 'Observation/456' }] }, search: { mode: 'include' } },
			],
		}),
	},
	{
		shows: 'active problems',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Condition?patient=123&clinical-status=active' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: ({ status, json, text }) => {
			assert.equal(status, 200, text);
			const ids = (json.entry as { resource: Json }[]).map(({ resource }) => resource.id);
			assert.deepEqual(ids.toSorted(), ['789', '790']);
		},
	},
	{
		shows: 'the problem list',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Condition?patient=123&category=problem-list-item' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({
			resourceType: 'Condition',
			id: '789',
			clinicalStatus: { coding: [{ code: 'active' }] },
			category: [{ coding: [{ code: 'problem-list-item' }] }],
			code: { coding: [{ system: 'http://snomed.info/sct', code: '44054006', display: 'Diabetes mellitus type 2' }] },
			subject: { reference: 'Patient/123' },
			onsetDateTime: '2020-03-15',
		}),
	},
	{
		shows: 'health concerns',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Condition?patient=123&category=health-concern' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({ resourceType: 'Condition', id: '790' }),
	},
	{
		shows: 'active medications',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/MedicationRequest?patient=123&status=active' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({
			resourceType: 'MedicationRequest',
			id: '101',
			status: 'active',
			intent: 'order',
			medicationCodeableConcept: { coding: [{ display: 'Metformin 500mg' }] },
			subject: { reference: 'Patient/123' },
			dosageInstruction: [{ text: 'Take 1 tablet twice daily' }],
		}),
	},
	{
		shows: 'all medications',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/MedicationRequest?patient=123' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({ resourceType: 'MedicationRequest' }),
	},
	{
		shows: 'allergies',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/AllergyIntolerance?patient=123' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({
			resourceType: 'AllergyIntolerance',
			id: '201',
			clinicalStatus: { coding: [{ code: 'active' }] },
			code: { coding: [{ display: 'Penicillin' }] },
			patient: { reference: 'Patient/123' },
			reaction: [{ manifestation: [{ coding: [{ display: 'Hives' }] }], severity: 'severe' }],
		}),
	},
	{
		shows: 'encounters of a patient',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Encounter?patient=123' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({
			resourceType: 'Encounter',
			id: '301',
			status: 'finished',
			class: { code: 'AMB', display: 'ambulatory' },
			subject: { reference: 'Patient/123' },
			period: { start: '2024-01-15T09:00:00Z', end: '2024-01-15T09:30:00Z' },
		}),
	},
	{
		shows: 'encounters of some months',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Encounter?patient=123&date=ge2024-01-01&date=le2024-03-31' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json'`,
		with: token,
		check: finds({ resourceType: 'Encounter', id: '301' }),
	},
	{
		shows: 'a document of continuing care is written',
		command: `curl -X POST 'https://localhost:9300/apis/default/fhir/DocumentReference/$docref' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Content-Type: application/fhir+json' \\
--data '{ "resourceType": "Parameters", "parameter": [ {"name": "patient", "valueId": "123"} ] }'`,
		with: token,
		check: document,
	},
	{
		shows: 'the same for a range of days',
		command: `curl -X POST 'https://localhost:9300/apis/default/fhir/DocumentReference/$docref' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Content-Type: application/fhir+json' \\
--data '{ "resourceType": "Parameters", "parameter": [ {"name": "patient", "valueId": "123"}, {"name": "start", "valueDate": "2024-01-01"}, {"name": "end", "valueDate": "2024-12-31"} ] }'`,
		with: token,
		check: document,
	},
	{
		shows: 'the document as XML',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Binary/98765' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-o patient-ccd.xml`,
		with: ({ token: value, document: url }) => ({ YOUR_ACCESS_TOKEN: value, 'Binary/98765': `Binary/${url.split('/').at(-1)}` }),
		check: ({ status, headers, text }) => {
			assert.equal(status, 200, text.slice(0, 500));
			assert.match(headers.get('content-type') ?? '', /xml/);
			assert.match(text, /^<\?xml[^>]*>\s*(<\?[^>]*>\s*)*<ClinicalDocument /);
			assert.match(text, /Diabetes mellitus type 2/);
		},
	},
	{
		shows: 'an export of all patients begins',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Patient/$export' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json' \\
-H 'Prefer: respond-async'`,
		with: serviceToken,
		check: exported,
	},
	{
		shows: 'an export of a group begins',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Group/1/$export' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json' \\
-H 'Prefer: respond-async'`,
		with: serviceToken,
		check: exported,
	},
	{
		shows: 'an export of some types since a time begins',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Patient/$export?_type=Patient,Observation,Condition&_since=2024-01-01T00:00:00Z' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Accept: application/fhir+json' \\
-H 'Prefer: respond-async'`,
		with: serviceToken,
		check: exported,
	},
	{
		shows: 'how the export stands, until it is done',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/$bulkdata-status?job=92a94c00-77d6-4dfc-ae3b' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN'`,
		with: (world) => ({ ...serviceToken(world), '92a94c00-77d6-4dfc-ae3b': world.job }),
		untilDone: true,
		check: ({ status, json, text }, world) => {
			assert.equal(status, 200, text);
			const output = json.output as { type: string; url: string }[];
			assert.deepEqual([...new Set(output.map(({ type }) => type))].toSorted(), ['Condition', 'Observation', 'Patient']);
			world.file = output.find(({ type }) => type === 'Patient')?.url ?? '';
			assert.match(world.file, /\/Binary\/[^/]+$/);
		},
	},
	{
		shows: 'a file of the export',
		command: `curl -X GET 'https://localhost:9300/apis/default/fhir/Binary/97552' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-o patients.ndjson`,
		with: (world) => ({ ...serviceToken(world), 'Binary/97552': `Binary/${world.file.split('/').at(-1)}` }),
		check: ({ status, headers, text }) => {
			assert.equal(status, 200, text.slice(0, 500));
			assert.match(headers.get('content-type') ?? '', /ndjson/);
			const lines = text
				.trim()
				.split('\n')
				.map((line) => JSON.parse(line) as Json);
			assert.ok(lines.some(({ id }) => id === '123') && lines.every(({ resourceType }) => resourceType === 'Patient'));
		},
	},
	{
		shows: 'a patient is registered by the Standard API',
		command: `curl -X POST 'https://localhost:9300/apis/default/api/patient' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Content-Type: application/json' \\
--data '{ "title": "Mr", "fname": "John", "lname": "Smith", "DOB": "1980-01-15", "sex": "Male", "street": "123 Main St", "city": "Boston", "state": "MA", "postal_code": "12345", "phone_home": "555-1234", "email": "john.smith@example.com" }'`,
		with: token,
		check: ({ status, json, text }, world) => {
			assert.equal(status, 201, text);
			has(json, { validationErrors: [], internalErrors: [], data: { pid: Number, uuid: /^[0-9a-f-]{36}$/ } });
			const { pid, uuid } = json.data as { pid: number; uuid: string };
			Object.assign(world, { pid: String(pid), puuid: uuid });
		},
	},
	{
		shows: 'patients by fields',
		command: `curl -X GET 'https://localhost:9300/apis/default/api/patient?lname=Smith&city=Boston' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN'`,
		with: token,
		check: ({ status, json, text }, { puuid }) => {
			assert.equal(status, 200, text);
			has(json, { validationErrors: [], internalErrors: [] });
			const found = json.data as Json[];
			// The one that was stored through FHIR is found as well.
			assert.deepEqual(found.map(({ uuid }) => uuid).toSorted(), ['123', puuid].toSorted());
		},
	},
	{
		shows: 'a patient by UUID',
		command: `curl -X GET 'https://localhost:9300/apis/default/api/patient/90cde167-7b9b-4ed1-bd55-533925cb2605' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN'`,
		with: (world) => ({ ...token(world), ...uuidOf(world) }),
		check: ({ status, json, text }, { puuid, pid }) => {
			assert.equal(status, 200, text);
			has(json, {
				validationErrors: [],
				internalErrors: [],
				data: { uuid: puuid, fname: 'John', lname: 'Smith', DOB: '1980-01-15', sex: 'Male', city: 'Boston' },
			});
			assert.equal(String((json.data as Json).id), pid);
		},
	},
	{
		shows: 'the encounters of a patient',
		command: `curl -X GET 'https://localhost:9300/apis/default/api/patient/90cde167-7b9b-4ed1-bd55-533925cb2605/encounter' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN'`,
		with: async (world) => ({ ...token(world), ...uuidOf(world), ...(await world.visit()) }),
		check: answers(200, { validationErrors: [], internalErrors: [], data: [{ euuid: String, reason: 'Check-up', class_code: 'AMB' }] }),
	},
	{
		shows: 'an allergy is entered',
		command: `curl -X POST 'https://localhost:9300/apis/default/api/patient/90cde167-7b9b-4ed1-bd55-533925cb2605/allergy' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Content-Type: application/json' \\
--data '{ "title": "Penicillin", "begdate": "2020-01-15", "diagnosis": "Allergy to penicillin", "severity_al": "severe", "reaction": "Hives" }'`,
		with: (world) => ({ ...token(world), ...uuidOf(world) }),
		check: async (answer, world) => {
			await answers(201, { validationErrors: [], internalErrors: [], data: { id: Number, uuid: String } })(answer, world);
			const { uuid } = answer.json.data as { uuid: string };
			has(await world.fhir(`AllergyIntolerance/${uuid}`), {
				patient: { reference: `Patient/${world.puuid}` },
				code: { text: 'Penicillin' },
				reaction: [{ manifestation: [{ text: 'Hives' }], severity: 'severe' }],
			});
		},
	},
	{
		shows: 'vital signs are recorded',
		command: `curl -X POST 'https://localhost:9300/apis/default/api/patient/90cde167-7b9b-4ed1-bd55-533925cb2605/vital' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Content-Type: application/json' \\
--data '{ "date": "2024-01-15", "bps": "120", "bpd": "80", "weight": "180", "height": "70", "temperature": "98.6", "pulse": "72", "respiration": "16" }'`,
		with: (world) => ({ ...token(world), ...uuidOf(world) }),
		check: async (answer, world) => {
			assert.equal(answer.status, 201, answer.text);
			const { entry } = (await world.fhir(`Observation?patient=${world.puuid}&code=http://loinc.org|29463-7`)) as { entry: Json[] };
			has(entry, [{ resource: { valueQuantity: { value: Number, code: String, system: 'http://unitsofmeasure.org' } } }]);
		},
	},
	{
		shows: 'a document is filed',
		command: `curl -X POST 'https://localhost:9300/apis/default/api/patient/90cde167-7b9b-4ed1-bd55-533925cb2605/document' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-F 'file=@/path/to/lab-results.pdf' \\
-F 'path=Lab Reports' \\
-F 'date=2024-01-15'`,
		with: (world) => ({ ...token(world), ...uuidOf(world), '/path/to/lab-results.pdf': world.pdf }),
		check: async ({ status, text }, world) => {
			assert.deepEqual([status, text], [200, 'true']);
			has(await world.fhir(`DocumentReference?patient=${world.puuid}`), {
				entry: [
					{ resource: { content: [{ attachment: { contentType: 'application/pdf', title: 'lab-results.pdf', creation: '2024-01-15' } }] } },
				],
			});
		},
	},
	{
		shows: 'an appointment is booked',
		command: `curl -X POST 'https://localhost:9300/apis/default/api/appointment' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN' \\
-H 'Content-Type: application/json' \\
--data '{ "pc_catid": "5", "pc_title": "Annual Physical", "pc_duration": "1800", "pc_eventDate": "2024-02-15", "pc_startTime": "09:00:00", "pc_facility": "1", "pid": "1" }'`,
		with: (world) => ({
			...token(world),
			'"pc_facility": "1"': `"pc_facility": "${world.facility}"`,
			'"pid": "1"': `"pid": "${world.pid}"`,
		}),
		check: answers(201, { id: Number }),
	},
	{
		shows: 'the appointments',
		command: `curl -X GET 'https://localhost:9300/apis/default/api/appointment' \\
-H 'Authorization: Bearer YOUR_ACCESS_TOKEN'`,
		with: token,
		check: (answer, world) => {
			const wanted = {
				pc_title: 'Annual Physical',
				pc_eventDate: '2024-02-15',
				pc_startTime: '09:00:00',
				pc_endTime: '09:30:00',
				pc_catid: 5,
			};
			answers(200, [wanted])(answer, world);
			const [row] = answer.json as unknown as [Json];
			assert.deepEqual([String(row.pid), row.puuid, String(row.pc_facility)], [world.pid, world.puuid, world.facility]);
		},
	},
	{
		shows: 'what a token is good for',
		command: `curl -X POST -k \\
-H 'Content-Type: application/x-www-form-urlencoded' \\
-H 'Authorization: Basic BASE64(client_id:client_secret)' \\
https://localhost:9300/oauth2/default/introspect \\
--data-urlencode 'token=eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9...'`,
		with: ({ app, appToken }) => ({
			'BASE64(client_id:client_secret)': Buffer.from(`${app.id}:${app.secret}`).toString('base64'),
			'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9...': appToken,
		}),
		check: (answer, world) => {
			answers(200, {
				active: true,
				scope: /openid.*patient\/Patient\.read/,
				client_id: world.app.id,
				token_type: 'Bearer',
				exp: Number,
				sub: String,
			})(answer, world);
		},
	},
	{
		shows: 'that a token is good for nothing',
		command: `curl -X POST -k \\
-H 'Content-Type: application/x-www-form-urlencoded' \\
-H 'Authorization: Basic BASE64(client_id:client_secret)' \\
https://localhost:9300/oauth2/default/introspect \\
--data-urlencode 'token=eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9...'`,
		with: ({ app }) => ({ 'BASE64(client_id:client_secret)': Buffer.from(`${app.id}:${app.secret}`).toString('base64') }),
		check: ({ status, json }) => {
			assert.deepEqual([status, json], [200, { active: false }]);
		},
	},
];

function uuidOf({ puuid }: World): Readonly<Record<string, string>> {
	return { '90cde167-7b9b-4ed1-bd55-533925cb2605': puuid };
}
