// What apps keep for themselves, by the front: found through the SMART configuration, written, searched, changed and removed with tokens of
// people. https://hl7.org/fhir/smart-app-launch/app-state.html
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readLog } from '#access/audit/log.ts';
import { raw, sql } from '#db/sql.ts';
import { auditEventOf } from '#fhir/audit/resource.ts';
import { addProxy, findByUsername } from '#oauth/accounts/account.ts';
import { oauthServer } from '#testing/oauth.ts';
import { type Client, confidential, password, practice, store, tokensFor } from '#testing/oauth-app.ts';
import { largestState, mostStates } from './app-state.ts';

const server = await oauthServer({ after }, {}, 'all');
const { fhirBase, ctx, people } = server;
await practice(server);
await store(
	server,
	{ resourceType: 'Practitioner', id: 'other', name: [{ family: 'Other' }] },
	{ resourceType: 'PractitionerRole', id: 'role', practitioner: { reference: 'Practitioner/dr' } },
	{ resourceType: 'PractitionerRole', id: 'other-role', practitioner: { reference: 'Practitioner/other' } },
	{ resourceType: 'RelatedPerson', id: 'son', patient: { reference: 'Patient/pb' } },
);
await server.accounts.create({ kind: 'user', username: 'boss', name: 'The Boss', role: 'administrator', password });

const smart = (await (await fetch(`${fhirBase}/.well-known/smart-configuration`)).json()) as {
	associated_endpoints: { url: string; capabilities: string[] }[];
};
const base = smart.associated_endpoints.find(({ capabilities }) => capabilities.includes('smart-app-state'))?.url ?? '';
const system = 'https://myapp.example.org';

type Json = Record<string, unknown>;
type Sent = { readonly method?: string; readonly body?: unknown; readonly headers?: Record<string, string> };

async function send(token: string | undefined, path: string, { method = 'GET', body, headers = {} }: Sent = {}) {
	const response = await fetch(`${base}/${path}`, {
		method,
		headers: {
			...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
			...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
			...headers,
		},
		...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, text, json: (text === '' ? {} : JSON.parse(text)) as Json };
}

const state = (subject: string | undefined, value = 'dark', code = 'display-preferences'): Json => ({
	resourceType: 'Basic',
	...(subject === undefined ? {} : { subject: { reference: `${fhirBase}/${subject}` } }),
	code: { coding: [{ system, code }] },
	extension: [{ url: `${system}/display-v2`, valueString: value }],
});
const query = (subject: string | undefined, code = 'display-preferences'): string =>
	`Basic?${new URLSearchParams({ code: `${system}|${code}`, ...(subject === undefined ? { 'subject:missing': 'true' } : { subject: `${fhirBase}/${subject}` }) })}`;
const post = (token: string, body: unknown) => send(token, 'Basic', { method: 'POST', body });
const found = async (token: string, subject: string | undefined, code?: string): Promise<Json[]> => {
	const { status, json } = await send(token, query(subject, code));
	assert.equal(status, 200, JSON.stringify(json));
	return ((json.entry ?? []) as { resource: Json }[]).map(({ resource }) => resource);
};

const all = 'launch/patient patient/Basic.cuds user/Basic.cuds patient/Patient.rs';
const app = await confidential(server, all);
async function tokenOf(scope = all, who = 'doctor', client: Client = app): Promise<string> {
	return String((await tokensFor(server, client, scope, { who })).access_token);
}
const doctor = await tokenOf();

test('a preference of the person: created, found, changed, removed, as the guide’s examples do', async () => {
	const made = await post(doctor, state('Practitioner/dr'));
	assert.equal(made.status, 201, made.text);
	assert.equal(made.headers.get('etag'), 'W/"1"');
	const id = String(made.json.id);
	assert.equal(made.headers.get('location'), `${base}/Basic/${id}`);
	const { meta, ...rest } = made.json as { meta: { versionId: string; lastUpdated: string } };
	assert.equal(meta.versionId, '1');
	assert.deepEqual(rest, { ...state('Practitioner/dr'), id });
	assert.deepEqual(await found(doctor, 'Practitioner/dr'), [made.json]);
	assert.deepEqual(await found(doctor, 'Practitioner/dr', 'other'), []);
	const bundle = (await send(doctor, query('Practitioner/dr'))).json;
	assert.deepEqual(
		ctx.fhir.validator.validate(bundle as never).filter(({ severity }) => severity === 'error'),
		[],
	);
	assert.partialDeepStrictEqual(bundle, {
		type: 'searchset',
		total: 1,
		entry: [{ fullUrl: `${base}/Basic/${id}`, search: { mode: 'match' } }],
	});

	const next = { ...state('Practitioner/dr', 'light'), id };
	const put = (body: unknown, etag?: string, at = id) =>
		send(doctor, `Basic/${at}`, { method: 'PUT', body, headers: etag === undefined ? {} : { 'if-match': etag } });
	assert.equal((await put(next)).status, 428);
	for (const [body, etag, at] of [
		[next, 'W/"2"', id],
		[{ ...next, id: 'nobody' }, 'W/"1"', 'nobody'],
		[{ ...state('Patient/pa'), id }, 'W/"1"', id],
		[{ ...state('Practitioner/dr', 'x', 'other'), id }, 'W/"1"', id],
	] as const)
		assert.equal((await put(body, etag, at)).status, 412, JSON.stringify(body));
	assert.equal((await put({ ...next, id: 'another' }, 'W/"1"')).status, 400);
	assert.equal((await put(next, 'what')).status, 400);
	const changed = await put(next, 'W/"1"');
	assert.deepEqual([changed.status, changed.headers.get('etag'), (changed.json.meta as Json).versionId], [200, 'W/"2"', '2']);
	assert.deepEqual(await found(doctor, 'Practitioner/dr'), [changed.json]);
	const both = await Promise.all([put({ ...next, extension: undefined }, 'W/"2"'), put(next, 'W/"2"')]);
	assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412]);

	const drop = (etag?: string) =>
		send(doctor, `Basic/${id}`, { method: 'DELETE', headers: etag === undefined ? {} : { 'if-match': etag } });
	assert.equal((await drop()).status, 428);
	assert.equal((await drop('W/"2"')).status, 412);
	assert.equal((await drop('W/"3"')).status, 204);
	assert.deepEqual(await found(doctor, 'Practitioner/dr'), []);
	assert.equal((await drop('W/"3"')).status, 412);
	assert.equal((await put(next, 'W/"3"')).status, 412);
});

test('whom app state may be about, for whom and with which scope', async () => {
	const ann = await tokenOf(all, 'ann');
	const boss = await tokenOf(all, 'boss');
	const patientOnly = await tokenOf('launch/patient patient/Basic.cuds');
	const userOnly = await tokenOf('user/Basic.cuds');
	const readOnly = await tokenOf('launch/patient patient/Basic.s user/Basic.s');
	const none = await tokenOf('launch/patient patient/Patient.rs');
	const one = await tokenOf(`launch/patient patient/Basic.cuds?code=${system}|one user/Basic.s?code=${system}|two`);
	const rows: readonly (readonly [string, string | undefined, string, number, number])[] = [
		[doctor, 'Patient/pa', 'any', 201, 200],
		[doctor, 'Patient/pb', 'any', 201, 200],
		[doctor, 'Patient/nobody', 'any', 403, 403],
		[doctor, 'PractitionerRole/role', 'any', 201, 200],
		[doctor, 'PractitionerRole/other-role', 'any', 403, 403],
		[doctor, 'Practitioner/other', 'any', 403, 403],
		[doctor, 'RelatedPerson/son', 'any', 403, 403],
		[doctor, undefined, 'any', 403, 200],
		[boss, undefined, 'any', 201, 200],
		[patientOnly, 'Patient/pa', 'any', 201, 200],
		[patientOnly, 'Patient/pb', 'any', 403, 403],
		[patientOnly, 'Practitioner/dr', 'any', 403, 403],
		[patientOnly, undefined, 'any', 403, 403],
		[userOnly, 'Patient/pb', 'any', 201, 200],
		[readOnly, 'Patient/pa', 'any', 403, 200],
		[readOnly, 'Practitioner/dr', 'any', 403, 200],
		[none, 'Patient/pa', 'any', 403, 403],
		[one, 'Patient/pa', 'one', 201, 200],
		[one, 'Patient/pa', 'two', 403, 200],
		[one, 'Patient/pb', 'one', 403, 403],
		[one, undefined, 'two', 403, 200],
		[ann, 'Patient/pa', 'any', 201, 200],
		[ann, 'Patient/pb', 'any', 403, 403],
		[ann, 'Practitioner/dr', 'any', 403, 403],
		[ann, undefined, 'any', 403, 200],
	];
	for (const [i, [token, subject, code, written, searched]] of rows.entries()) {
		assert.equal((await post(token, state(subject, 'x', code))).status, written, `${i} ${subject} ${code}`);
		assert.equal((await send(token, query(subject, code))).status, searched, `${i} ${subject} ${code}`);
	}
	const account = (await findByUsername(people, 'ann')) ?? assert.fail();
	await addProxy(people, account, { patient: 'pb', relatedPerson: 'son', expiresAt: undefined });
	assert.equal((await post(await tokenOf(all, 'ann'), state('RelatedPerson/son'))).status, 201);
	for (const token of [undefined, 'nonsense']) assert.equal((await send(token, query('Patient/pa'))).status, 401);
});

test('an app sees its own state alone, and the record knows nothing of it', async () => {
	const made = await post(doctor, state('Patient/pa', 'mine alone', 'private'));
	const id = String(made.json.id);
	const other = await tokenOf(all, 'doctor', await confidential(server, all));
	assert.deepEqual(await found(other, 'Patient/pa', 'private'), []);
	const body = { ...state('Patient/pa', 'stolen', 'private'), id };
	assert.equal((await send(other, `Basic/${id}`, { method: 'PUT', body, headers: { 'if-match': 'W/"1"' } })).status, 412);
	assert.equal((await send(other, `Basic/${id}`, { method: 'DELETE', headers: { 'if-match': 'W/"1"' } })).status, 412);
	assert.equal((await found(doctor, 'Patient/pa', 'private')).length, 1);
	assert.equal((await ctx.db.rows(raw('SELECT FROM fhir.basic'))).length, 0);
	const kept = await ctx.db.query<{ body: Buffer }>(sql`SELECT body FROM oauth.app_state WHERE id = ${id}`);
	assert.doesNotMatch(kept[0]?.body.toString('latin1') ?? 'mine alone', /mine alone/);
	const gone = await confidential(server, all);
	await post(await tokenOf(all, 'doctor', gone), state('Patient/pa'));
	const { registration_client_uri: uri, registration_access_token: secret, client_id } = gone;
	assert.equal((await fetch(uri, { method: 'DELETE', headers: { authorization: `Bearer ${secret}` } })).status, 204);
	assert.deepEqual(await ctx.db.rows(sql`SELECT FROM oauth.app_state WHERE client_id = ${client_id}`), []);
});

const good = state('Practitioner/dr');
const coding = { system, code: 'x' };
for (const [what, body, status] of [
	['nothing', '', 400],
	['no JSON', '{', 400],
	['a list', [], 400],
	['another type', { resourceType: 'Patient' }, 400],
	['an id', { ...good, id: 'mine' }, 400],
	['a version', { ...good, meta: { versionId: '7' } }, 400],
	['no code', { ...good, code: undefined }, 400],
	['a code without coding', { ...good, code: { text: 'x' } }, 400],
	['a coding without system', { ...good, code: { coding: [{ code: 'x' }] } }, 400],
	['two codings', { ...good, code: { coding: [coding, coding] } }, 400],
	['an extension with a number', { ...good, extension: [{ url: 'https://x.example.org', valueInteger: 1 }] }, 400],
	[
		'an extension in an extension',
		{ ...good, extension: [{ url: 'https://x.example.org', extension: [{ url: 'a', valueString: 'b' }] }] },
		400,
	],
	['what FHIR does not know', { ...good, what: 1 }, 400],
	['a narrative', { ...good, text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' } }, 400],
	['an author', { ...good, author: { reference: 'Practitioner/dr' } }, 400],
	['a relative subject', { ...good, subject: { reference: 'Practitioner/dr' } }, 400],
	['a subject elsewhere', { ...good, subject: { reference: 'https://elsewhere.example.org/Practitioner/dr' } }, 400],
	['a subject of another type', { ...good, subject: { reference: `${fhirBase}/Observation/vital-a` } }, 400],
	['a subject without reference', { ...good, subject: { display: 'Dr. Who' } }, 400],
	['a null character in the code', { ...good, code: { coding: [{ system, code: 'a\0' }] } }, 400],
	['a null character in what is kept', state('Practitioner/dr', 'a\0'), 400],
	['half a character', state('Practitioner/dr', 'a\ud800'), 400],
	['too much', state('Practitioner/dr', 'x'.repeat(largestState)), 413],
	['as much as may be', state('Practitioner/dr', 'x'.repeat(largestState - 400)), 201],
] as const) {
	test(`what is sent: ${what}`, async () => {
		const answer = await post(doctor, body);
		assert.equal(answer.status, status, answer.text.slice(0, 300));
		if (status !== 201) assert.equal(answer.json.resourceType, 'OperationOutcome');
	});
}

test('what is asked: one code and one subject, or none', async () => {
	const code = `code=${encodeURIComponent(`${system}|x`)}`;
	const subject = `subject=${encodeURIComponent(`${fhirBase}/Patient/pa`)}`;
	for (const wrong of [
		'',
		code,
		subject,
		`code=x&${subject}`,
		`code=|x&${subject}`,
		`${code}&${code}&${subject}`,
		`${code}&${subject}&${subject}`,
		`${code}&subject=Patient/pa`,
		`${code}&${subject}&subject:missing=true`,
		`${code}&subject:missing=false`,
		`${code}&${subject}&author=x`,
		`code=a|%00&${subject}`,
	])
		assert.equal((await send(doctor, `Basic?${wrong}`)).status, 400, wrong);
	assert.equal((await send(doctor, `Basic?${code}&${subject}&_format=json`)).status, 200);
	assert.equal((await send(doctor, 'Basic/x')).status, 405);
	for (const id of ['%00', 'a%20b', 'x'.repeat(300)])
		assert.equal((await send(doctor, `Basic/${id}`, { method: 'DELETE', headers: { 'if-match': 'W/"1"' } })).status, 412, id);
	assert.equal(
		(await fetch(`${base.replace('default', 'other')}/Basic?${code}`, { headers: { authorization: `Bearer ${doctor}` } })).status,
		404,
	);
	const xml = { method: 'POST', body: '<Basic xmlns="http://hl7.org/fhir"/>', headers: { 'content-type': 'application/fhir+xml' } };
	assert.equal((await send(doctor, 'Basic', xml)).status, 415);
});

test('an app keeps so much about one subject and no more', async () => {
	const client = await confidential(server, all);
	const token = await tokenOf(all, 'doctor', client);
	await ctx.db.execute(sql`
		INSERT INTO oauth.app_state SELECT 'full-' || i, ${client.client_id}, 'Practitioner/dr', 's', 'c', 1, now(), '' FROM generate_series(1, ${mostStates}) i`);
	assert.equal((await post(token, state('Practitioner/dr'))).status, 422);
	assert.equal((await post(token, state('Patient/pa'))).status, 201);
});

test('what can be done is told to everybody, and what was done to the audit', async () => {
	const { status, json } = await send(undefined, 'metadata');
	assert.equal(status, 200);
	assert.deepEqual(
		ctx.fhir.validator.validate(json as never).filter(({ severity }) => severity === 'error'),
		[],
	);
	await ctx.fhir.audit.flush();
	const entries = (await readLog(ctx.db, { criteria: [], count: 1000 })).filter(
		({ type, detail }) => type === 'Basic' && detail === 'app state',
	);
	const seen = new Set(entries.map(({ interaction, status: how, patient }) => `${interaction} ${how} ${patient}`));
	for (const one of [
		'create 201 null',
		'create 201 pa',
		'search-type 200 pa',
		'update 200 null',
		'update 412 null',
		'delete 204 null',
		'create 403 null',
	])
		assert.ok(seen.has(one), one);
	for (const entry of entries.slice(0, 20))
		assert.deepEqual(
			ctx.fhir.validator.validate(auditEventOf(entry)).filter(({ severity }) => severity === 'error'),
			[],
		);
	assert.doesNotMatch(JSON.stringify(entries), /dark|mine alone|display-preferences/);
});
