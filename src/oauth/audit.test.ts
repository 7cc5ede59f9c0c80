// What the audit is told of people and applications: each act by its front, and the AuditEvents that come of it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Logged, readLog } from '#access/audit/log.ts';
import { systemClock } from '#base/clock.ts';
import { auditEventOf } from '#fhir/audit/resource.ts';
import { Browser, oauthServer, signInAt } from '#testing/oauth.ts';
import { authorizeUrl, confidential, password, post, practice, register, tokensFor } from '#testing/oauth-app.ts';
import { addProxy, changeAccount, findByUsername, removeProxy } from './accounts/account.ts';
import { setPassword } from './accounts/credentials.ts';
import { changeRole, resetRole } from './accounts/rights.ts';
import { acting, actorOf } from './accounts/telling.ts';

const server = await oauthServer({ after }, {}, 'all');
const { people, ctx, origin, issuer } = server;
await practice(server);
const person = async (name: string) => (await findByUsername(people, name)) ?? assert.fail(name);
const doctor = await person('doctor');
const ann = await person('ann');
const admin = await server.accounts.create({ kind: 'user', username: 'boss', name: 'The Boss', role: 'administrator', password });

/** What was told while `work` ran, other than of the record. */
async function told(work: () => Promise<unknown>): Promise<Logged[]> {
	return (await allTold(work)).filter(({ kind }) => kind !== 'rest');
}

async function allTold(work: () => Promise<unknown>): Promise<Logged[]> {
	await ctx.fhir.audit.flush();
	const begun = systemClock.now().getTime();
	const known = new Set((await readLog(ctx.db, { criteria: [], count: 1000 })).map(({ name }) => name));
	await work();
	await ctx.fhir.audit.flush();
	const entries = await readLog(ctx.db, { criteria: [{ at: [{ from: begun, to: begun + 1e9 }] }], count: 1000, isAscending: true });
	return entries.filter(({ name }) => !known.has(name));
}

const short = ({ kind, interaction, status, caller }: Logged): string => `${kind} ${interaction} ${status} by ${caller}`;
const subtype = (entry: Logged): unknown => (auditEventOf(entry).subtype as { code: string }[])[0]?.code;

test('a sign-in, one that fails, a name that nobody has, the lock, and the way out', async () => {
	const browser = new Browser(origin);
	const signIn = async (who: string, word: string) => signInAt(browser, await browser.get('/account/sign-in?again=1'), who, word);
	const failed = await told(() => signIn('doctor', 'wrong'));
	assert.deepEqual(failed.map(short), [`sign-in login 401 by ${doctor.id}`]);
	assert.match(failed[0]?.detail ?? '', /^user doctor \(.*\): password, sign-in-wrong$/);
	assert.deepEqual((await told(() => signIn('Tr0ub4dor&3', 'x'))).map(short), ['sign-in login 401 by anonymous']);
	const all = JSON.stringify(await readLog(ctx.db, { criteria: [], count: 1000 }));
	assert.doesNotMatch(all, /Tr0ub4dor/, 'what was typed in place of a name may be a password');
	const done = await told(() => signIn('doctor', password));
	assert.deepEqual(done.map(short), [`sign-in login 200 by ${doctor.id}`]);
	assert.partialDeepStrictEqual(auditEventOf(done[0] as Logged), {
		type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110114' },
		action: 'E',
		outcome: '0',
		agent: [{ who: { reference: 'Practitioner/dr' }, altId: doctor.id, network: { address: '127.0.0.1' } }],
	});
	assert.equal(subtype(done[0] as Logged), '110122');
	for (const entry of [...failed, ...done])
		assert.deepEqual(
			ctx.fhir.validator.validate(auditEventOf(entry)).filter(({ severity }) => severity === 'error'),
			[],
		);
	const page = await browser.get('/account');
	const out = await told(() => browser.submit(page, '/account/sign-out'));
	assert.deepEqual(out.map(short), [`sign-in logout 200 by ${doctor.id}`]);
	assert.equal(subtype(out[0] as Logged), '110123');
	const locked = await told(async () => {
		for (let i = 0; i < 12; i++) await signIn('boss', 'wrong');
	});
	assert.deepEqual(locked.slice(-2).map(short), [`sign-in login 429 by ${admin.id}`, `sign-in login 429 by ${admin.id}`]);
	server.advance(16 * 60_000);
});

test('what changes somebody’s rights names who did it and whom it is about', async () => {
	const by = acting(people, actorOf(admin, { address: '192.0.2.7', requestId: 'r' }));
	const acts: readonly (readonly [() => Promise<unknown>, string, string, RegExp])[] = [
		[
			() => changeAccount(by, doctor.id, { roles: ['physician', 'auditor'] }),
			'account-changed',
			'110137',
			/doctor .*roles physician auditor/,
		],
		[
			() => changeAccount(by, doctor.id, { active: false, details: { facilities: 'Organization/1' } }),
			'account-changed',
			'110137',
			/disabled, facilities/,
		],
		[() => changeAccount(by, doctor.id, { active: true, details: { facilities: '' } }), 'account-changed', '110137', /enabled/],
		[() => addProxy(by, ann, { patient: 'pb', relatedPerson: 'rp', expiresAt: undefined }), 'proxy-added', '110137', /Patient\/pb/],
		[() => removeProxy(by, ann, 'pb'), 'proxy-removed', '110137', /Patient\/pb/],
		[() => setPassword(by, doctor, 'Another-Horse-9-Battery'), 'password-set', '110137', /doctor/],
		[
			() => changeRole(by, { name: 'nurse', title: 'Nurses', rights: { 'patients.demo': 'view' } }),
			'role-changed',
			'110136',
			/nurse: patients.demo=view/,
		],
		[() => resetRole(by, 'nurse'), 'role-removed', '110136', /nurse/],
	];
	for (const [act, interaction, code, detail] of acts) {
		const [entry, ...more] = await told(act);
		assert.deepEqual([short(entry as Logged), more.length], [`permission ${interaction} 200 by ${admin.id}`, 0]);
		assert.deepEqual([entry?.address, subtype(entry as Logged)], ['192.0.2.7', code]);
		assert.match(entry?.detail ?? '', detail);
	}
	await setPassword(people, doctor, `${password}2`);
	await assert.rejects(changeAccount(by, doctor.id, { name: '' }));
	assert.deepEqual(await told(() => removeProxy(by, ann, 'nobody')), [], 'what did not happen is not told');
	await setPassword(people, doctor, `${password}3`);
});

test('emergency access: begun with a reason, ended', async () => {
	const browser = new Browser(origin);
	await signInAt(browser, await browser.get('/account/sign-in'), 'doctor', `${password}3`);
	const account = await browser.get('/account');
	const begun = await told(() => browser.submit(account, '/account/emergency', { reason: 'found unconscious in the hall' }));
	assert.deepEqual(begun.map(short), [`break-glass emergency-begun 200 by ${doctor.id}`]);
	assert.equal(subtype(begun[0] as Logged), '110127');
	assert.doesNotMatch(begun[0]?.detail ?? '', /unconscious/);
	const ended = await told(async () => browser.submit(await browser.get('/account'), '/account/emergency/end'));
	assert.deepEqual(
		ended.map((entry) => `${short(entry)} ${subtype(entry)}`),
		[`break-glass emergency-ended 200 by ${doctor.id} 110138`],
	);
});

test('applications: registered, let in, allowed, refused, removed', async () => {
	let app = { client_id: '', client_secret: '', registration_access_token: '', registration_client_uri: '' };
	const made = await told(async () => {
		app = await confidential(server, 'openid user/Patient.read');
	});
	assert.deepEqual(made.map(short), [
		`configuration client-registered 200 by ${app.client_id}`,
		'configuration client-enabled 200 by heron',
	]);
	assert.deepEqual(made.map(subtype), ['110129', '110129']);
	const walked = await told(() => tokensFor(server, app, 'openid user/Patient.read', { who: 'ann' }));
	assert.deepEqual(walked.map(short), [`sign-in login 200 by ${ann.id}`, `permission app-allowed 200 by ${ann.id}`]);
	assert.match(walked[1]?.detail ?? '', new RegExp(`client ${app.client_id}.*user/Patient.read`));
	assert.equal(walked[1]?.patient, 'pa');
	const form = { grant_type: 'authorization_code', client_id: app.client_id, client_secret: 'wrong', code: 'x', redirect_uri: 'x' };
	assert.deepEqual((await told(() => post(server, 'token', form))).map(short), [`sign-in service-token 401 by ${app.client_id}`]);
	const gone = await told(() =>
		fetch(app.registration_client_uri, { method: 'DELETE', headers: { authorization: `Bearer ${app.registration_access_token}` } }),
	);
	assert.deepEqual(gone.map(short), [`configuration client-removed 200 by ${app.client_id}`]);
	assert.ok((await register(server, { application_type: 'public', redirect_uris: ['https://a.example.org/'], scope: 'openid' })).client_id);
	assert.ok(issuer);
});

test('pages of the way in that name patients and visits leave entries as searches and reads do', async () => {
	const scope = 'launch/patient launch/encounter patient/Encounter.rs';
	const app = await confidential(server, scope);
	const browser = new Browser(origin);
	let place = await browser.get(authorizeUrl(server, app, { scope }));
	const page = async (work: () => Promise<typeof place>): Promise<Logged[]> => {
		const entries = await allTold(async () => {
			place = await work();
		});
		return entries.filter(({ kind }) => kind === 'rest');
	};
	const about = ({ interaction, action, type, id, patient, query, caller, fhirUser, address, detail }: Logged) => [
		`${interaction} ${action} ${type}/${id} ${patient} ${query}`,
		`${caller} ${fhirUser} ${address}`,
		detail?.replace(app.client_id, 'app'),
	];
	const who = `${doctor.id} Practitioner/dr 127.0.0.1`;
	const first = await page(() => signInAt(browser, place, 'doctor', `${password}3`));
	assert.deepEqual(first.map(about), [['search-type E Patient/null null null', who, 'shown to let client app in: Patient/pb Patient/pa']]);
	const { pathname } = new URL(place.url);
	const one = await page(() => browser.get(`${pathname}?search=Adams`));
	assert.deepEqual(one.map(about), [['search-type E Patient/null pa search', who, 'shown to let client app in: Patient/pa']]);
	assert.match(one[0]?.queryHash ?? '', /^[0-9a-f]{32}$/);
	const none = await page(() => browser.get(`${pathname}?search=Nobody`));
	assert.deepEqual(none.map(about), [['search-type E Patient/null null search', who, 'shown to let client app in']]);
	assert.equal((await browser.get(`${pathname}?search=%00`)).status, 400);
	for (const strange of ['%ff', '%F0%9D', 'a'.repeat(3000), '%5C', '%24,%7C'])
		assert.equal((await browser.get(`${pathname}?search=${strange}`)).status, 200, strange);
	const visits = await page(async () => browser.submit(await browser.get(`${pathname}?search=Adams`), '/patient', { patient: 'pa' }));
	assert.deepEqual(visits.slice(1).map(about), [
		['search-type E Encounter/null pa patient', who, 'shown to let client app in: Encounter/ea'],
	]);
	const consent = await page(() => browser.submit(place, '/encounter', { encounter: 'ea' }));
	assert.deepEqual(consent.map(about), [
		['read R Patient/pa pa null', who, 'shown to let client app in'],
		['read R Encounter/ea pa null', who, 'shown to let client app in'],
	]);
	for (const entry of [...first, ...one, ...visits, ...consent])
		assert.deepEqual(
			ctx.fhir.validator.validate(auditEventOf(entry)).filter(({ severity }) => severity === 'error'),
			[],
		);
	assert.doesNotMatch(JSON.stringify([first, one, none, visits, consent]), /Adams|Nobody/);
});
