// Roles: what each gives, what denying takes, and, on a real record, what its people see.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createIds } from '#base/ids.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { testServer } from '#testing/server.ts';
import { activeBreakGlass, beginBreakGlass, breakGlassGrants, endBreakGlass, listBreakGlass } from './break-glass.ts';
import { everything, grantsFor, type Interaction } from './ctx.ts';
import { commonTypes, encounterParams, patientTypes, placeParams, type Rights, rights } from './rights.ts';
import {
	builtInRoles,
	findRoles,
	levelOf,
	listRoles,
	may,
	patientGrants,
	type Role,
	releaseSystem,
	removeRole,
	requireRoles,
	roleGrants,
	saveRole,
} from './roles.ts';

const roleOf = (rights: Rights): Role => ({ name: 'test', title: 'Test', rights });
const builtIn = (name: string): Role => builtInRoles.find((role) => role.name === name) ?? assert.fail(name);
const ann = { fhirUser: 'Practitioner/ann' };

/** Letters of what a person with the role may do with a type; in brackets when only with some of it. */
function letters(name: string, type: string): string {
	const grants = roleGrants(ann, [builtIn(name)]);
	const caller = { kind: 'user', id: 'x', name: 'x', grants } as const;
	return (['create', 'read', 'update', 'delete', 'search'] as const)
		.map((interaction: Interaction) => {
			const found = grantsFor(caller, type, interaction);
			return found.length === 0
				? ''
				: found.some(({ query, except }) => query === undefined && except === undefined)
					? interaction[0]
					: `(${interaction[0]})`;
		})
		.join('');
}

const types = [
	'Patient',
	'Appointment',
	'Encounter',
	'Condition',
	'Observation',
	'MedicationRequest',
	'DocumentReference',
	'Communication',
	'Claim',
	'Practitioner',
	'Organization',
	'AuditEvent',
];
const table: Readonly<Record<string, readonly string[]>> = {
	administrator: types.map(() => 'cruds'),
	emergency: types.map(() => 'cruds'),
	physician: ['cruds', 'cruds', 'cruds', 'cruds', 'cruds', 'cruds', 'crus', 'cruds', '', 'rs', 'rs', ''],
	clinician: ['crs', 'cruds', '(c)(r)(u)(d)(s)', '(c)(r)(u)(d)(s)', '(c)(r)(s)', '(c)(r)(s)', '(c)(r)(s)', '(c)(r)(s)', '', 'rs', 'rs', ''],
	nurse: [
		'crs',
		'cruds',
		'(c)(r)(u)(d)(s)',
		'(c)(r)(u)(d)(s)',
		'(c)(r)(u)(d)(s)',
		'(c)(r)(s)',
		'(c)(r)(s)',
		'(c)(r)(s)',
		'',
		'rs',
		'rs',
		'',
	],
	'front-office': ['cruds', 'cruds', '', '', '(c)(r)(u)(d)(s)', '', '(c)(r)(s)', '(c)(r)(s)', '', 'rs', 'rs', ''],
	accounting: ['cruds', 'cruds', '(c)(r)(u)(d)(s)', '', '(c)(r)(u)(d)(s)', '', '', '', 'cruds', 'rs', 'cruds', ''],
	biller: ['crus', 'rs', '(c)(r)(u)(d)(s)', '(r)(s)', '(c)(r)(u)(s)', '', '(r)(s)', '', 'cruds', 'rs', 'rs', ''],
	lab: ['rs', '', '', '', '(c)(r)(u)(d)(s)', '', '(c)(r)(s)', '(c)(r)(s)', '', 'rs', 'rs', ''],
	auditor: ['rs', '', '', '', '', '', '', '', '', 'rs', 'rs', 'rs'],
	'portal-manager': ['crus', 'cruds', '', '', '(c)(r)(u)(s)', '', '(c)(r)(s)', '(c)(r)(u)(d)(s)', '', 'rs', 'rs', ''],
};

for (const { name } of builtInRoles) {
	test(`what ${name} may do`, () =>
		assert.deepEqual(
			types.map((type) => `${type} ${letters(name, type)}`),
			types.map((type, i) => `${type} ${table[name]?.[i]}`),
		));
}

test('every right reaches types that there are, every type of the record is reached by a right, and roles name rights that there are', () => {
	const all = new Set(loadDefinitions().resourceTypes);
	const reached = new Set([...commonTypes, ...Object.values(rights).flatMap(({ types }) => types)]);
	for (const type of [...reached, ...patientTypes]) assert.ok(all.has(type), type);
	// Bundles and the like are not kept; immunization studies and the rest of research have no page here.
	const without = [...all].filter((type) => !reached.has(type));
	assert.deepEqual(without.sort(), ['Bundle', 'OperationOutcome', 'Parameters', 'ResearchSubject']);
	for (const role of builtInRoles) for (const right of Object.keys(role.rights)) assert.ok(right in rights, `${role.name}: ${right}`);
});

test('an explicit denial wins over what other roles give, even everything', () => {
	const denies = roleOf({ 'patients.med': 'deny', 'sensitivities.high': 'deny' });
	for (const role of [builtIn('physician'), builtIn('administrator')]) {
		assert.equal(levelOf([role, denies], 'patients.med'), undefined);
		assert.equal(may([role, denies], 'patients.med'), false);
		const grants = roleGrants(ann, [role, denies]);
		assert.ok(!grants.some(({ type }) => type === 'Condition' || type === '*'));
		assert.ok(
			grants.filter(({ type }) => type === 'Observation').every(({ except }) => except?.some((one) => one.startsWith('_security='))),
		);
	}
	assert.equal(levelOf([roleOf({ 'patients.demo': 'view' }), roleOf({ 'patients.demo': 'change' })], 'patients.demo'), 'change');
	assert.deepEqual(roleGrants(ann, []), []);
	assert.deepEqual(roleGrants(ann, [builtIn('administrator')]), everything);
});

const server = await testServer({ after });
const { db, clock } = server.ctx;
const high = { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] };
const withheld = { tag: [{ system: releaseSystem, code: 'withheld' }] };
const subject = { reference: 'Patient/p' };
const visit = (id: string, doctor: string, place: string, meta?: object): object => ({
	resourceType: 'Encounter',
	id,
	...(meta === undefined ? {} : { meta }),
	status: 'finished',
	class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
	subject,
	participant: [{ individual: { reference: `Practitioner/${doctor}` } }],
	serviceProvider: { reference: `Organization/${place}` },
});
const result = (id: string, status: string, meta?: object): object => ({
	resourceType: 'Observation',
	id,
	...(meta === undefined ? {} : { meta }),
	status,
	code: { text: 'Potassium' },
	subject,
});
for (const body of [
	{ resourceType: 'Patient', id: 'p' },
	{ resourceType: 'Patient', id: 'q' },
	...['ann', 'bob'].map((id) => ({ resourceType: 'Practitioner', id })),
	...['north', 'south'].map((id) => ({ resourceType: 'Organization', id, name: id })),
	visit('own', 'ann', 'north'),
	visit('other', 'bob', 'south'),
	visit('secret', 'ann', 'north', high),
	result('final', 'final'),
	result('draft', 'preliminary'),
	result('held', 'final', withheld),
	{ resourceType: 'Location', id: 'room', name: 'Room', managingOrganization: { reference: 'Organization/south' } },
	{ resourceType: 'Location', id: 'hall', name: 'Hall', managingOrganization: { reference: 'Organization/north' } },
	...['own', 'other', 'secret'].map((id) => ({ ...result(`of-${id}`, 'final'), encounter: { reference: `Encounter/${id}` } })),
	...['own', 'other', 'secret'].map((id) => ({
		resourceType: 'DocumentReference',
		id: `letter-${id}`,
		status: 'current',
		subject,
		content: [{ attachment: { contentType: 'text/plain', data: 'eA==' } }],
		context: { encounter: [{ reference: `Encounter/${id}` }] },
	})),
	...['room', 'hall'].map((id) => ({
		resourceType: 'Immunization',
		id: `shot-${id}`,
		status: 'completed',
		vaccineCode: { text: 'Flu' },
		patient: subject,
		occurrenceString: 'once',
		location: { reference: `Location/${id}` },
	})),
	{
		resourceType: 'Immunization',
		id: 'shot',
		status: 'completed',
		vaccineCode: { text: 'Flu' },
		patient: subject,
		occurrenceString: 'once',
	},
	...['room', 'hall'].map((id) => ({ resourceType: 'Schedule', id: `day-${id}`, actor: [{ reference: `Location/${id}` }] })),
	...['room', 'hall'].map((id) => ({
		resourceType: 'Slot',
		id: `slot-${id}`,
		schedule: { reference: `Schedule/day-${id}` },
		status: 'free',
		start: '2026-01-01T08:00:00Z',
		end: '2026-01-01T08:15:00Z',
	})),
]) {
	const { resourceType, id } = body as { resourceType: string; id: string };
	const { status, text } = await server.send('PUT', `${resourceType}/${id}`, { body });
	assert.ok(status < 300, text);
}

const found = async (as: string, path: string): Promise<string[]> => {
	const { json, status } = await server.send('GET', path, { as });
	if (status === 403) return ['forbidden'];
	return ((json as { entry?: { resource: { id: string } }[] }).entry ?? []).map(({ resource }) => resource.id).sort();
};

test('restricted encounters show only with the right, in searches, reads and totals alike', async () => {
	server.caller('physician', roleGrants(ann, [builtIn('physician')]));
	server.caller('nurse', roleGrants(ann, [builtIn('nurse')]));
	server.caller('office', roleGrants(ann, [builtIn('front-office')]));
	assert.deepEqual(await found('physician', 'Encounter'), ['other', 'own', 'secret']);
	assert.deepEqual(await found('nurse', 'Encounter'), ['other', 'own']);
	assert.deepEqual(await found('office', 'Encounter'), ['forbidden']);
	assert.ok([403, 404].includes((await server.send('GET', 'Encounter/secret', { as: 'nurse' })).status));
	assert.ok(!(await server.send('GET', 'Patient?_id=p&_revinclude=Encounter:subject', { as: 'nurse' })).text.includes('Encounter/secret'));
});

test('who may alter only the own encounters cannot alter others’', async () => {
	server.caller('clinician', roleGrants(ann, [builtIn('clinician')]));
	const change = async (id: string, doctor: string): Promise<number> =>
		(await server.send('PUT', `Encounter/${id}`, { as: 'clinician', body: { ...visit(id, doctor, 'north'), status: 'in-progress' } }))
			.status;
	assert.equal(await change('own', 'ann'), 200);
	assert.equal(await change('other', 'bob'), 403);
	assert.equal(await change('other', 'ann'), 403);
});

test('who is kept to some facilities sees the encounters there', async () => {
	server.caller('south', roleGrants({ ...ann, facilities: ['Organization/south', 'Location/none'] }, [builtIn('administrator')]));
	assert.deepEqual(await found('south', 'Encounter'), ['other']);
	assert.deepEqual(await found('south', 'Patient'), ['p', 'q']);
	assert.ok([403, 404].includes((await server.send('GET', 'Encounter/own', { as: 'south' })).status));
});

test('facilities keep apart whatever names a place, itself or by its encounter; what names none is everywhere', async () => {
	server.caller('room', roleGrants({ ...ann, facilities: ['Location/room'] }, [builtIn('administrator')]));
	assert.deepEqual(await found('south', 'Observation'), ['draft', 'final', 'held', 'of-other']);
	assert.deepEqual(await found('south', 'DocumentReference'), ['letter-other']);
	assert.deepEqual(await found('south', 'Patient?_id=p&_revinclude=Observation:subject'), ['draft', 'final', 'held', 'of-other', 'p']);
	for (const as of ['south', 'room']) {
		assert.deepEqual(await found(as, 'Immunization'), ['shot', 'shot-room']);
		assert.deepEqual(await found(as, 'Schedule'), ['day-room']);
		assert.deepEqual(await found(as, 'Slot'), ['slot-room']);
	}
	assert.ok([403, 404].includes((await server.send('GET', 'Observation/of-own', { as: 'south' })).status));
	const body = { ...result('new', 'final'), encounter: { reference: 'Encounter/own' } };
	assert.equal((await server.send('PUT', 'Observation/new', { as: 'south', body })).status, 403);
	assert.equal(
		(await server.send('PUT', 'Observation/new', { as: 'south', body: { ...body, encounter: { reference: 'Encounter/other' } } })).status,
		201,
	);
	assert.equal((await server.send('DELETE', 'Observation/new')).status, 200);
});

test('who wrote what is at another facility is told as little as that itself; the audit tells of all facilities', async () => {
	const told = {
		ofOwn: ['Observation/of-own'],
		ofOther: ['Observation/of-other'],
		ofDraft: ['Observation/draft'],
		visitThere: ['Encounter/own'],
		visitHere: ['Encounter/other'],
		letterThere: ['DocumentReference/letter-own'],
		shotThere: ['Immunization/shot-hall'],
		shotHere: ['Immunization/shot-room'],
		slotThere: ['Slot/slot-hall'],
		slotHere: ['Slot/slot-room'],
		patient: ['Patient/p'],
		both: ['Observation/of-other', 'Observation/of-own'],
	};
	for (const [id, targets] of Object.entries(told)) {
		const agent = [{ who: { reference: 'Practitioner/ann' } }];
		const target = targets.map((reference) => ({ reference }));
		const body = { resourceType: 'Provenance', id, target, recorded: '2026-01-01T00:00:00Z', agent };
		assert.equal((await server.send('PUT', `Provenance/${id}`, { body })).status, 201, id);
	}
	const ids = Object.keys(told).join(',');
	const seen = ['ofDraft', 'ofOther', 'patient', 'shotHere', 'slotHere', 'visitHere'];
	assert.deepEqual(await found('south', `Provenance?_id=${ids}`), seen);
	assert.deepEqual(
		await found('south', `Provenance?_id=${ids}&patient=p`),
		seen.filter((id) => id !== 'slotHere'),
	);
	assert.deepEqual(await found('south', `Provenance?_id=${ids}&target=Observation/of-own,Observation/of-other`), ['ofOther']);
	const rooms = ['ofDraft', 'patient', 'shotHere', 'slotHere'];
	assert.deepEqual(await found('room', `Provenance?_id=${ids}`), rooms);
	for (const id of Object.keys(told)) {
		for (const [as, allowed] of [
			['south', seen],
			['room', rooms],
		] as const) {
			const isAllowed = allowed.includes(id);
			const { status } = await server.send('GET', `Provenance/${id}`, { as });
			assert.equal(status === 200, isAllowed, `${as} ${id}`);
		}
	}
	for (const path of ['_history', '_history/1']) {
		assert.equal((await server.send('GET', `Provenance/ofOther/${path}`, { as: 'south' })).status, 200);
		assert.ok([403, 404].includes((await server.send('GET', `Provenance/ofOwn/${path}`, { as: 'south' })).status));
	}
	const { text } = await server.send('GET', 'Observation?_revinclude=Provenance:target', { as: 'south' });
	assert.match(text, /"ofOther"/);
	assert.doesNotMatch(text, /"ofOwn"|"both"|"visitThere"/);
	assert.doesNotMatch((await server.send('GET', 'Patient/p/$everything', { as: 'south' })).text, /"ofOwn"|"both"|"visitThere"/);
	assert.equal(
		(await server.send('GET', 'Provenance?_summary=count', { as: 'south' })).json.total,
		(await found('south', 'Provenance?_count=500')).length,
	);
	assert.deepEqual(await found('south', 'AuditEvent'), ['forbidden']);
});

test('what hangs on a restricted encounter is as restricted as it is', async () => {
	assert.deepEqual(await found('nurse', 'Observation?_id=of-own,of-other,of-secret'), ['of-other', 'of-own']);
	assert.deepEqual(await found('nurse', 'DocumentReference'), ['letter-other', 'letter-own']);
	assert.ok([403, 404].includes((await server.send('GET', 'Observation/of-secret', { as: 'nurse' })).status));
	assert.ok([403, 404].includes((await server.send('GET', 'Observation/of-secret/_history', { as: 'nurse' })).status));
	assert.doesNotMatch((await server.send('GET', 'Patient/p/$everything', { as: 'nurse' })).text, /of-secret|letter-secret|"secret"/);
	assert.deepEqual(await found('physician', 'DocumentReference'), ['letter-other', 'letter-own', 'letter-secret']);
});

test('the parameters that name encounters and places are FHIR’s', () => {
	const { registry } = server.ctx.fhir;
	const all = new Set(Object.values(rights).flatMap((right) => right.types));
	for (const type of all) {
		if (type === 'Encounter' || type === 'Appointment') continue;
		const named = ['encounter', 'context'].find((code) => registry.param(type, code)?.type === 'reference');
		assert.equal(encounterParams.get(type), named, type);
	}
	for (const [type, { organization, location }] of Object.entries(placeParams))
		for (const param of [organization, location])
			if (param !== undefined) assert.equal(registry.param(type, param.split(/[.:]/)[0] as string)?.type, 'reference', `${type} ${param}`);
});

test('patients see their own compartment, and results when they are final and not held back', async () => {
	server.caller('patient-p', patientGrants(['p']), 'patient');
	server.caller('proxy', patientGrants(['q', 'p']), 'patient');
	assert.deepEqual(await found('patient-p', 'Observation'), ['final', 'of-other', 'of-own', 'of-secret']);
	assert.deepEqual(await found('patient-p', 'Patient'), ['p']);
	assert.deepEqual(await found('proxy', 'Patient'), ['p', 'q']);
	for (const id of ['draft', 'held'])
		assert.ok([403, 404].includes((await server.send('GET', `Observation/${id}`, { as: 'patient-p' })).status), id);
	assert.equal((await server.send('PUT', 'Observation/final', { as: 'patient-p', body: result('final', 'amended') })).status, 403);
});

test('roles of one’s own: saved, used, refused when they cannot be, removed', async () => {
	const now = clock.now();
	await saveRole(db, { name: 'student', title: 'Students', rights: { 'patients.demo': 'view', 'patients.med': 'deny' } }, now);
	await saveRole(db, { name: 'nurse', title: 'Our nurses', rights: { 'patients.demo': 'change' } }, now);
	assert.deepEqual(
		(await findRoles(db, ['student', 'nobody'])).map(({ title }) => title),
		['Students'],
	);
	assert.equal((await listRoles(db)).find(({ name }) => name === 'nurse')?.title, 'Our nurses');
	await requireRoles(db, ['student', 'physician']);
	await assert.rejects(requireRoles(db, ['physician', 'king']), { code: 'no-such-role' });
	for (const role of [
		{ name: 'X', title: 'X', rights: {} },
		{ name: 'ok', title: '', rights: {} },
		{ name: 'ok', title: 'Ok', rights: { 'patients.everything': 'view' } },
		{ name: 'ok', title: 'Ok', rights: { constructor: 'view' } },
		{ name: 'ok', title: 'Ok', rights: { 'patients.demo': 'all' } },
		{ name: 'administrator', title: 'None', rights: {} },
	])
		await assert.rejects(saveRole(db, role as unknown as Role, now), { code: 'role-wrong' }, JSON.stringify(role));
	assert.equal(await removeRole(db, 'nurse'), true);
	assert.equal((await listRoles(db)).find(({ name }) => name === 'nurse')?.title, 'Nurses');
});

test('break-glass: with the right and a reason, for a limited time, recorded', async () => {
	let aheadMs = 0;
	const where = { db, clock: { now: () => new Date(Date.now() + aheadMs) }, ids: createIds() };
	const begin = (role: string, reason: string, minutes: number) =>
		beginBreakGlass(where, [builtIn(role)], { account: 'ann', reason, minutes });
	await assert.rejects(begin('front-office', 'Unconscious patient', 60), { code: 'no-break-glass', status: 403 });
	await assert.rejects(begin('nurse', '   because   ', 60), { code: 'reason-short' });
	for (const minutes of [0, -1, 241, Number.NaN])
		await assert.rejects(begin('nurse', 'Unconscious patient', minutes), { code: 'minutes-wrong' });
	await begin('nurse', 'Unconscious patient', 60);
	assert.equal((await activeBreakGlass(where, 'ann'))?.reason, 'Unconscious patient');
	assert.equal(await activeBreakGlass(where, 'bob'), undefined);
	server.caller('glass', [...roleGrants(ann, [builtIn('nurse')]), ...breakGlassGrants]);
	assert.deepEqual(await found('glass', 'Encounter'), ['other', 'own', 'secret']);
	aheadMs = 61 * 60_000;
	assert.equal(await activeBreakGlass(where, 'ann'), undefined);
	await begin('nurse', 'Unconscious again', 60);
	assert.equal(await endBreakGlass(where, 'ann', 'boss'), 1);
	assert.equal(await activeBreakGlass(where, 'ann'), undefined);
	assert.deepEqual(
		(await listBreakGlass(where)).map(({ reason }) => reason),
		['Unconscious again', 'Unconscious patient'],
	);
});
