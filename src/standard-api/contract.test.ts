// Every route of the Standard and the Portal API with right and wrong input, derived from its row and its fields: a new resource is tried
// without a line here, unless a valid record of it needs more than its fields say (testing/standard-records.ts).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { findRoles, patientGrants, patientLookUps, roleGrants } from '#access/roles.ts';
import { type Answered, testServer } from '#testing/server.ts';
import { recordIn } from '#testing/standard.ts';
import { createStandardRecords, isCreating, label, type Made, namesOne, pathOf } from '#testing/standard-records.ts';
import { portalRows } from './portal.ts';
import { standardRows } from './routes.ts';
import type { StandardRow } from './row.ts';

const server = await testServer({ after });
const { ctx } = server;
const { world, sampleOf, idsIn, ownFor, oneFor } = await createStandardRecords(server);
const mine = await world();
const theirs = await world();

function fine(row: StandardRow, { status, text }: Answered, what: string): void {
	assert.ok(status < 500, `${label(row)} ${what}: ${status} ${text.slice(0, 500)}`);
}

function refused(row: StandardRow, answer: Answered, what: string, statuses: readonly number[] = [400]): void {
	assert.ok(statuses.includes(answer.status), `${label(row)} ${what}: ${answer.status} ${answer.text.slice(0, 500)}`);
}

const records = standardRows.filter(({ isRaw, resource }) => isRaw !== true && resource !== 'background_service');

/** OpenEMR's 98 routes; five of a list are GET and POST of all, GET, PUT and DELETE of one. */
const openemr = `
	GET,POST /facility | GET,PUT /facility/: | GET,POST /patient | GET,PUT /patient/: | GET,POST /patient/:/encounter
	GET,PUT /patient/:/encounter/: | GET,POST /patient/:/encounter/:/soap_note | GET,PUT /patient/:/encounter/:/soap_note/:
	GET,POST /patient/:/encounter/:/vital | GET,PUT /patient/:/encounter/:/vital/: | GET,POST /practitioner | GET,PUT /practitioner/:
	GET /medical_problem | GET /medical_problem/: | GET,POST /patient/:/medical_problem | GET,PUT,DELETE /patient/:/medical_problem/:
	GET /allergy | GET /allergy/: | GET,POST /patient/:/allergy | GET,PUT,DELETE /patient/:/allergy/: | GET,POST /patient/:/medication
	GET,PUT,DELETE /patient/:/medication/: | GET,POST /patient/:/surgery | GET,PUT,DELETE /patient/:/surgery/:
	GET,POST /patient/:/dental_issue | GET,PUT,DELETE /patient/:/dental_issue/: | GET,POST /patient/:/appointment
	GET,DELETE /patient/:/appointment/: | GET /appointment | GET /appointment/: | GET /list/: | GET /user | GET /user/: | GET /version
	GET /product | GET,POST /insurance_company | GET,PUT /insurance_company/: | GET /insurance_type | GET,POST /patient/:/document
	GET /patient/:/document/: | GET /patient/:/employer | GET,POST /patient/:/insurance | GET,PUT /patient/:/insurance/:
	GET /patient/:/insurance/$swap-insurance | POST /patient/:/message | PUT,DELETE /patient/:/message/: | GET,POST /patient/:/transaction
	PUT /transaction/: | GET /immunization | GET /immunization/: | GET /procedure | GET /procedure/: | GET /drug | GET /drug/:
	GET,POST /prescription | GET,DELETE /prescription/: | GET /background_service | GET /background_service/:
	POST /background_service/:/run | POST /background_service/$run`
	.trim()
	.split(/\s*[|\n]\s*/)
	.flatMap((line) => {
		const [methods = '', path] = line.split(' ');
		return methods.split(',').map((method) => `${method} ${path}`);
	});

test('all routes of OpenEMR are here, and none twice', () => {
	assert.equal(openemr.length, 98);
	assert.equal(portalRows.length, 5);
	const here = new Set(standardRows.map((row) => label(row).replace(/:[a-z_]+/g, ':')));
	assert.deepEqual(
		openemr.filter((one) => !here.has(one)),
		[],
	);
	assert.equal(new Set(standardRows.map(label)).size, standardRows.length);
});

test('valid input is taken, and what is written is seen by FHIR at once', async () => {
	for (const row of records) {
		const own = namesOne(row) ? await ownFor(row, mine) : undefined;
		if (namesOne(row) && own === undefined) continue;
		const path = pathOf(row, mine, own);
		const query = row.does === '$swap-insurance' ? `?type=secondary&uuid=${(await ownFor({ ...row, does: 'read' }, mine))?.id}` : '';
		const writes = row.method !== 'GET' && row.method !== 'DELETE';
		const answer = await server.api(row.method, path + query, writes ? { body: sampleOf(row.resource, mine) } : {});
		const isEmptyList = row.does === 'search' && answer.status === 404;
		assert.ok(answer.status === 200 || answer.status === 201 || isEmptyList, `${label(row)}: ${answer.status} ${answer.text}`);
		if (row.type === undefined || row.method === 'GET' || row.does.startsWith('$')) continue;
		const { id } = isCreating(row) ? await idsIn(row.type, recordIn(answer.json)) : (own as Made);
		const seen = await server.send('GET', `${row.type}/${id}`);
		assert.equal(seen.status, 200, `${label(row)}: not seen by FHIR`);
		const signed = (await server.send('GET', `Provenance?target=${row.type}/${id}&_summary=count`)).json as unknown as { total: number };
		assert.ok(signed.total > 0, `${label(row)}: no Provenance`);
	}
});

test('a list takes limits, offsets, sorting by time and _lastUpdated; nonsense in them is 400', async () => {
	for (const row of records.filter(({ does, mapping }) => does === 'search' && mapping !== undefined)) {
		const path = pathOf(row, mine);
		for (const query of [
			'_limit=1',
			'_limit=0',
			'_limit=1&_offset=1',
			'_offset=99999',
			'_lastUpdated=gt2001-01-01',
			'_sort=-last_updated',
		]) {
			const answer = await server.api('GET', `${path}?${query}`);
			if (query.startsWith('_sort') && answer.status === 400) continue;
			assert.ok(answer.status === 200 || answer.status === 404, `${label(row)} ${query}: ${answer.status} ${answer.text}`);
		}
		for (const query of ['_limit=x', '_offset=-1', '_sort=no_such_field', '_lastUpdated=nonsense', 'x=%E0%A4%A'])
			refused(row, await server.api('GET', `${path}?${query}`), query);
		fine(row, await server.api('GET', `${path}?_page=nonsense`), 'a page of nowhere');
		const any = await server.api('GET', `${path}?id=99999999&uuid=x&nonsense=1&constructor=1&__proto__=2`);
		fine(row, any, 'strange filters');
	}
});

test('every filter of a list is understood with any value', async () => {
	for (const row of records.filter(({ does }) => does === 'search')) {
		const filters = (row.mapping?.fields ?? []).filter(({ filter }) => filter !== undefined);
		// Those that the search knows one by one; what the record decides by itself together.
		const searched = filters.filter(({ filter }) => filter?.param !== undefined).map(({ name }) => [name]);
		const others = filters.filter(({ filter }) => filter?.param === undefined).map(({ name }) => name);
		for (const names of [...searched, others])
			for (const value of ['1', 'x,y|z$\\']) {
				const query = names.map((name) => `${name}=${encodeURIComponent(value)}`).join('&');
				fine(row, await server.api('GET', `${pathOf(row, mine)}?${query}&_limit=1`), query);
			}
	}
});

const nonsense = ['0', '99999999999999999999', 'nobody', '%00', 'x%2Fy', '$x', "1'--", '__proto__'];

test('names of nothing, and of what is another patient’s, lead nowhere', async () => {
	for (const row of records.filter(({ path }) => /:(?!list_name)/.test(path))) {
		const body = row.method === 'GET' || row.method === 'DELETE' ? {} : { body: sampleOf(row.resource, mine) };
		const own = namesOne(row) ? await oneFor(row, theirs) : undefined;
		const ownPath = pathOf(row, mine, own);
		const before = own === undefined ? undefined : (await server.send('GET', `${row.type}/${own.id}`)).text;
		for (const name of nonsense) {
			const path = `api${row.path.replace(/:[a-z_]+$/, name).replace(/:([a-z_]+)/g, (_, one: string) => (one === 'eid' ? String(mine.encounter.number) : mine.patient.id))}`;
			if (!namesOne(row)) continue;
			const answer = await server.api(row.method, path, body);
			refused(row, answer, path, [400, 404]);
		}
		const unknown = `api${row.path.replace(/:[a-z_]+/, 'nobody').replace(/:[a-z_]+/g, '1')}`;
		refused(row, await server.api(row.method, unknown, body), unknown, [400, 404]);
		const isBelowPatient = /^\/patient\/:p(uu)?id\//.test(row.path);
		if (!isBelowPatient || own === undefined) continue;
		const answer = await server.api(row.method, ownPath, body);
		refused(row, answer, `${ownPath}, which is another patient’s`, [400, 404]);
		assert.equal((await server.send('GET', `${row.type}/${own.id}`)).text, before, `${label(row)}: changed what is another patient’s`);
	}
});

test('who has no token, scope, right or business here is refused on every route', async () => {
	const patient = mine.patient.id;
	const person = { roles: [], grants: [...patientGrants([patient]), ...patientLookUps], patient };
	server.caller('patient', [], 'patient', { scopes: ['api:port', 'api:oemr', 'patient/patient.read'], person });
	server.caller('system', [{ type: '*', interactions: ['read', 'search', 'create', 'update', 'delete'] }], 'system', {
		scopes: ['api:oemr'],
	});
	const doctors = await findRoles(ctx.db, ['administrator']);
	const grants = roleGrants({}, doctors);
	const staff = { roles: doctors, grants };
	server.caller('no-api', [], 'user', { scopes: ['user/patient.crus'], person: staff });
	server.caller('no-scope', [], 'user', { scopes: ['api:oemr', 'user/Patient.cruds', 'user/nothing.cruds'], person: staff });
	const everyScope = [...new Set(standardRows.map(({ resource }) => resource))].map((resource) => `user/${resource}.cruds`);
	const operations = ['user/insurance.$swap-insurance', 'user/background_service.$run'];
	server.caller('no-role', [], 'user', { scopes: ['api:oemr', ...everyScope, ...operations], person: { roles: [], grants: [] } });
	const expected: readonly (readonly [string, number])[] = [
		['nobody', 401],
		['patient', 403],
		['system', 403],
		['no-api', 403],
		['no-scope', 401],
		['no-role', 403],
	];
	for (const row of standardRows.filter(({ isPublic }) => isPublic !== true)) {
		const own = namesOne(row) ? await oneFor(row, mine) : undefined;
		const body = row.method === 'GET' || row.method === 'DELETE' || row.isRaw === true ? {} : { body: sampleOf(row.resource, mine) };
		for (const [as, status] of expected)
			refused(row, await server.api(row.method, pathOf(row, mine, own), { as, ...body }), `as ${as}`, [status]);
	}
	for (const row of portalRows)
		for (const [as, status] of [
			['nobody', 401],
			['system', 403],
			['no-role', 403],
		] as const)
			refused(row, await server.api(row.method, `portal${row.path.replace(/:[a-z]+/, 'x')}`, { as }), `as ${as}`, [status]);
});
