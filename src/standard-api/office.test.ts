// Lists, version, product, payers' kinds, background services, and who may come in at all.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { findRoles, patientGrants, patientLookUps, roleGrants } from '#access/roles.ts';
import { testServer } from '#testing/server.ts';
import { listNames } from './dictionaries.ts';
import { standardRows } from './routes.ts';

const server = await testServer({ after });
const { db } = server.ctx;

/** A user of an app with these roles and scopes. */
async function user(name: string, roleNames: readonly string[], scopes: readonly string[]): Promise<void> {
	const roles = await findRoles(db, roleNames);
	server.caller(name, [], 'user', { client: 'app', scopes, person: { roles, grants: roleGrants({}, roles) } });
}

test('every list answers, and no other', async () => {
	for (const name of listNames) {
		const rows = (await server.api('GET', `api/list/${name}`)).json as unknown as { option_id: string; list_id: string; title: string }[];
		assert.ok(rows.length > 0 && rows.every((row) => row.list_id === name && row.option_id !== '' && row.title !== ''), name);
	}
	for (const name of ['nonsense', 'constructor', '__proto__', 'toString']) {
		const { status, text } = await server.api('GET', `api/list/${name}`);
		assert.deepEqual([status, text], [404, ''], name);
	}
});

test('version and product need no token', async () => {
	const version = (await server.api('GET', 'api/version', { as: 'nobody' })).json as unknown as Record<string, unknown>;
	assert.deepEqual(Object.keys(version), ['v_major', 'v_minor', 'v_patch', 'v_realpatch', 'v_tag', 'v_database', 'v_acl']);
	assert.equal((await server.api('GET', 'api/product', { as: 'nobody' })).text, '{"status":"OPT_OUT"}');
	const types = (await server.api('GET', 'api/insurance_type')).json as unknown as Record<string, string>;
	assert.equal(types['1'], 'Other');
});

test('a call needs a token, api:oemr, the scope and the right', async () => {
	const body = { fname: 'Tom', lname: 'Reed', DOB: '1970-01-01', sex: 'Male' };
	const call = (as: string, method = 'GET', path = 'api/patient') =>
		server.api(method, path, { as, ...(method === 'POST' ? { body } : {}) });
	const status = async (...args: Parameters<typeof call>) => (await call(...args)).status;
	const nobody = await call('nobody');
	assert.equal(nobody.status, 401);
	assert.match(nobody.text, /"message":"The resource owner or authorization server denied the request.","code":0/);
	await user('seed', ['physician'], ['openid', 'api:oemr', 'api:fhir', 'user/Patient.read', 'user/Observation.read']);
	const upper = await call('seed');
	assert.deepEqual([upper.status, upper.text], [401, '{"error":"An error occurred","message":"Unauthorized","code":0}']);
	await user('reader', ['physician'], ['api:oemr', 'user/patient.read']);
	assert.deepEqual([await status('reader'), await status('reader', 'POST')], [200, 401]);
	await user('writer', ['front-office'], ['api:oemr', 'user/patient.crus']);
	assert.deepEqual([await status('writer'), await status('writer', 'POST')], [200, 201]);
	await user('lister', ['front-office'], ['api:oemr', 'user/patient.s', 'user/list.r', 'user/facility.crus']);
	assert.equal(await status('lister'), 200);
	const noRight = await call('lister', 'GET', 'api/facility');
	assert.deepEqual([noRight.status, /Organization policy does not have permit access resource/.test(noRight.text)], [403, true]);
	await user('fhir-only', ['physician'], ['api:fhir', 'user/patient.read']);
	const other = await call('fhir-only');
	assert.deepEqual([other.status, /insufficient permissions for the requested resource/.test(other.text)], [403, true]);
	server.caller('machine', [{ type: '*', interactions: ['read', 'search'] }], 'system', { scopes: ['api:oemr', 'system/Patient.rs'] });
	assert.equal(await status('machine'), 403);
	assert.equal(await status('reader', 'GET', 'api/nowhere'), 404);
});

test('a clerk’s writes are signed though clerks may write no Provenance', async () => {
	await user('clerk', ['front-office'], ['api:oemr', 'user/patient.crus']);
	const { json } = await server.api('POST', 'api/patient', {
		as: 'clerk',
		body: { fname: 'Uma', lname: 'Sand', DOB: '1970-01-01', sex: 'Female' },
	});
	const { uuid } = (json as unknown as { data: { uuid: string } }).data;
	const found = (await server.send('GET', `Provenance?target=Patient/${uuid}`)).json as unknown as {
		entry: { resource: { agent: unknown[] } }[];
	};
	assert.deepEqual(
		found.entry.map(({ resource }) => (resource.agent[0] as { who: object }).who),
		[{ display: 'clerk' }],
	);
});

test('a patient reads the own record by the Portal API, and nothing by the Standard API', async () => {
	const body = { fname: 'Pia', lname: 'Holm', DOB: '1985-01-01', sex: 'Female' };
	const { data } = (await server.api('POST', 'api/patient', { body })).json as unknown as { data: { uuid: string } };
	const patient = data.uuid;
	const person = { roles: [], grants: [...patientGrants([patient]), ...patientLookUps], patient };
	server.caller('pia', [], 'patient', { client: 'app', scopes: ['api:port', 'patient/patient.read'], person });
	const own = await server.api('GET', 'portal/patient', { as: 'pia' });
	assert.deepEqual([own.status, (own.json as unknown as { data: { lname: string } }).data.lname], [200, 'Holm']);
	assert.equal((await server.api('GET', `api/patient/${patient}`, { as: 'pia' })).status, 403);
	assert.equal((await server.api('GET', 'portal/patient')).status, 403);
	server.caller('fhir', [], 'patient', { client: 'app', scopes: ['api:port', 'patient/Patient.rs'], person });
	assert.equal((await server.api('GET', 'portal/patient', { as: 'fhir' })).status, 401);
});

test('statuses are those of OpenEMR 8 when asked for', async () => {
	const flat = await testServer({ after }, { statusCompat: true });
	const patient = { fname: 'Kai', lname: 'Berg', DOB: '1985-01-01', sex: 'Male' };
	const made = await flat.api('POST', 'api/patient', { body: patient });
	assert.equal(made.status, 201);
	const { uuid } = (made.json as unknown as { data: { uuid: string } }).data;
	const cases: readonly (readonly [string, string, object | undefined, number])[] = [
		['POST', 'api/patient', {}, 400],
		['GET', 'api/patient/nobody', undefined, 400],
		['POST', `api/patient/${uuid}/employer`, { name: 'Mill' }, 200],
		['POST', `api/patient/${uuid}/insurance`, {}, 200],
		['GET', `api/patient/${uuid}/employer/nobody`, undefined, 200],
		['POST', 'api/insurance_company', {}, 200],
		['GET', 'api/insurance_company/nobody', undefined, 404],
	];
	for (const [method, path, body, status] of cases)
		assert.equal((await flat.api(method, path, body === undefined ? {} : { body })).status, status, `${method} ${path}`);
});

test('a browser may ask beforehand on every path', async () => {
	for (const { method, path } of standardRows) {
		const response = await fetch(`${server.origin}/apis/default/api${path.replace(/:[a-z_]+/g, 'x')}`, {
			method: 'OPTIONS',
			headers: {
				origin: 'https://app.example',
				'access-control-request-method': method,
				'access-control-request-headers': 'authorization',
			},
		});
		assert.equal(response.status, 204, path);
		assert.equal(response.headers.get('access-control-allow-origin'), '*');
		assert.equal(response.headers.get('access-control-allow-headers'), 'authorization');
		assert.ok(response.headers.get('access-control-allow-methods')?.split(', ').includes(method), path);
		assert.ok(response.headers.get('allow')?.split(', ').includes(method), path);
	}
	const answer = await server.api('GET', 'api/version', { as: 'nobody', headers: { origin: 'https://app.example' } });
	assert.equal(answer.headers.get('access-control-allow-origin'), '*');
});

test('the audit knows whose record was looked at, by number, by UUID, and by the patient', async () => {
	const audited = await testServer({ after }, {}, 'all');
	const patient = { fname: 'Lea', lname: 'Vik', DOB: '1985-01-01', sex: 'Female' };
	const { pid, uuid } = (
		(await audited.api('POST', 'api/patient', { body: patient })).json as unknown as { data: { pid: number; uuid: string } }
	).data;
	const person = { roles: [], grants: [...patientGrants([uuid]), ...patientLookUps], patient: uuid };
	audited.caller('lea', [], 'patient', { client: 'app', scopes: ['api:port', 'patient/encounter.read'], person });
	assert.equal((await audited.api('GET', `api/patient/${uuid}/allergy`)).status, 200);
	assert.equal((await audited.api('GET', `api/patient/${pid}/medication`)).status, 404);
	assert.equal((await audited.api('GET', 'portal/patient/encounter', { as: 'lea' })).status, 200);
	await audited.ctx.fhir.audit.flush();
	const found = (await audited.send('GET', `AuditEvent?patient=Patient/${uuid}&_count=100`)).text;
	for (const name of ['search-standard-allergy', 'search-standard-medication', 'search-standard-encounter'])
		assert.match(found, new RegExp(name));
});
