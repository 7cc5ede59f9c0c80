// Appointments through both APIs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { usualCategories } from '#clinic/appointments/categories.ts';
import { createRandom } from '#testing/random.ts';
import { testServer } from '#testing/server.ts';
import { likelyRoundTrip, recordRoundTrip } from '#testing/standard.ts';
import { appointmentMapping } from './appointment.ts';

process.env.TZ = 'America/Chicago';
const server = await testServer({ after });
type Row = Record<string, unknown>;
const made: Record<string, { id: string; number: number }> = {};

before(async () => {
	const numberOf = async (type: string, id: string): Promise<number> =>
		(await server.ctx.fhir.store.numbers.of(server.ctx.db, type, [id])).get(id) as number;
	const add = async (name: string, resource: Row): Promise<void> => {
		const { json } = await server.send('POST', String(resource.resourceType), { body: resource });
		made[name] = { id: json.id as string, number: await numberOf(String(resource.resourceType), json.id as string) };
	};
	await add('ann', { resourceType: 'Patient', name: [{ family: 'Jones', given: ['Ann'] }], birthDate: '1980-01-15' });
	await add('bob', { resourceType: 'Patient', name: [{ family: 'Smith', given: ['Bob'] }] });
	await add('okafor', {
		resourceType: 'Practitioner',
		name: [{ family: 'Okafor', given: ['Amara'] }],
		identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }],
	});
	await add('clinic', { resourceType: 'Organization', active: true, name: 'Downtown' });
});

const n = (name: string): string => String(made[name]?.number);
const visit = (more: Row = {}): Row => ({
	pc_catid: '5',
	pc_title: 'Annual Physical',
	pc_duration: '1800',
	pc_hometext: 'bring papers',
	pc_apptstatus: '-',
	pc_eventDate: '2027-02-15',
	pc_startTime: '09:00',
	pc_facility: n('clinic'),
	pc_billing_location: n('clinic'),
	...more,
});
const rows = (json: unknown): Row[] => json as Row[];

test('an appointment is booked, shown, seen in FHIR, changed and deleted', async () => {
	const path = `api/patient/${n('ann')}/appointment`;
	const booked = await server.api('POST', path, { body: visit({ pc_aid: n('okafor'), pc_room: 'Room 2' }) });
	assert.equal(booked.status, 200, booked.text);
	const { id, uuid } = booked.json as unknown as { id: number; uuid: string };
	const one = await server.api('GET', `${path}/${id}`);
	assert.equal(one.status, 200, one.text);
	const [record] = rows(one.json) as [Row];
	const wanted = {
		pc_eid: id,
		pc_uuid: uuid,
		pid: made.ann?.number,
		puuid: made.ann?.id,
		fname: 'Ann',
		lname: 'Jones',
		DOB: '1980-01-15',
		pce_aid_uuid: made.okafor?.id,
		pce_aid_fname: 'Amara',
		pce_aid_lname: 'Okafor',
		pce_aid_npi: '1234567893',
		pc_aid: made.okafor?.number,
		pc_apptstatus: '-',
		pc_eventDate: '2027-02-15',
		pc_startTime: '09:00:00',
		pc_endTime: '09:30:00',
		pc_facility: made.clinic?.number,
		pc_billing_location: made.clinic?.number,
		pc_catid: 5,
		pc_pid: made.ann?.number,
		pc_title: 'Annual Physical',
		pc_duration: 1800,
		pc_room: 'Room 2',
		pc_hometext: 'bring papers',
		facility_name: 'Downtown',
		facility_uuid: made.clinic?.id,
		billing_location_name: 'Downtown',
		billing_location_uuid: made.clinic?.id,
	};
	for (const [name, value] of Object.entries(wanted)) assert.equal(record[name], value, name);
	const fhir = (await server.send('GET', `Appointment/${uuid}`)).json as Row;
	assert.equal(fhir.start, '2027-02-15T09:00:00-06:00');
	assert.equal(fhir.minutesDuration, 30);
	for (const [method, body, field, value] of [
		['PUT', { pc_startTime: '10:15' }, 'pc_endTime', '10:45:00'],
		['PATCH', { pc_duration: 600 }, 'pc_endTime', '10:25:00'],
		['PATCH', { pc_apptstatus: '@' }, 'pc_apptstatus', '@'],
		['PATCH', { pc_eventDate: '2027-07-15' }, 'pc_startTime', '10:15:00'],
	] as const) {
		const changed = await server.api(method, `api/appointment/${uuid}`, { body });
		assert.equal(changed.status, 200, changed.text);
		assert.equal((changed.json as Row)[field], value);
	}
	const [history] = rows((await server.api('GET', `api/appointment/${id}`)).json) as [{ pc_status_history: Row[] }];
	assert.deepEqual(
		history.pc_status_history.map(({ pc_apptstatus, pc_room, user }) => [pc_apptstatus, pc_room, user]),
		[
			['-', 'Room 2', 'admin'],
			['@', 'Room 2', 'admin'],
		],
	);
	const trail = (await server.send('GET', `Provenance?target=Appointment/${uuid}&_summary=count`)).json;
	assert.equal(trail.total, 5);
	assert.equal((await server.api('DELETE', `api/patient/${n('bob')}/appointment/${id}`)).status, 404);
	const gone = await server.api('DELETE', `${path}/${id}`);
	assert.deepEqual([gone.status, gone.json], [200, { message: 'record deleted' }]);
	assert.equal((await server.api('GET', `${path}/${id}`)).status, 404);
	assert.deepEqual((await server.api('DELETE', `${path}/${id}`)).json, { message: 'record not found' });
	assert.equal(((await server.send('GET', `Appointment/${uuid}`)).json as Row).status, 'entered-in-error');
});

test('the superset: pid in the body, seconds in the time, and what the rules know left out', async () => {
	const body = {
		pc_catid: '5',
		pc_title: 'Annual Physical',
		pc_duration: '1800',
		pc_eventDate: '2027-03-15',
		pc_startTime: '09:00:00',
		pc_facility: n('clinic'),
		pid: n('ann'),
	};
	const booked = await server.api('POST', 'api/appointment', { body });
	assert.equal(booked.status, 201, booked.text);
	const { id } = booked.json as unknown as { id: number };
	const [record] = rows((await server.api('GET', `api/appointment/${id}`)).json) as [Row];
	assert.deepEqual([record.pid, record.pc_startTime, record.pc_apptstatus], [made.ann?.number, '09:00:00', '-']);
	for (const pid of ['999999', 'nobody', {}])
		assert.equal((await server.api('POST', 'api/appointment', { body: { ...body, pid } })).status, 400);
	const noVisit = await server.api('POST', 'api/appointment', { body: { ...body, pid: '0' } });
	assert.equal(noVisit.status, 400);
	assert.match(noVisit.text, /"pid":\{"patient-missing"/);
	const lunch = await server.api('POST', 'api/appointment', {
		body: { ...body, pid: null, pc_catid: 8, pc_duration: '', pc_aid: n('okafor'), pc_startTime: '12:00' },
	});
	assert.equal(lunch.status, 201, lunch.text);
	const over = await server.api('POST', 'api/appointment', { body: { ...body, pc_aid: n('okafor'), pc_startTime: '12:30' } });
	assert.equal(over.status, 409);
	assert.match(over.text, /"pc_startTime":\{"appointment-overlap":"The provider is taken from 2027-03-15 12:00 to 13:00 \(Lunch\)/);
});

test('what is wrong is said in OpenEMR’s words', async () => {
	const path = `api/patient/${n('ann')}/appointment`;
	const without = async (field: string): Promise<unknown> => {
		const { [field]: _, ...body } = visit();
		const answer = await server.api('POST', path, { body });
		assert.equal(answer.status, 400, `${field}: ${answer.text}`);
		return answer.json;
	};
	for (const field of Object.keys(visit()))
		assert.deepEqual(await without(field), { [field]: { 'Required::NON_EXISTENT_KEY': `${field} must be provided, but does not exist` } });
	const cases: readonly (readonly [field: string, value: unknown, code: string])[] = [
		['pc_catid', 'visit', 'Numeric::NOT_NUMERIC'],
		['pc_catid', 99, 'Callback::INVALID_VALUE'],
		['pc_title', 'x', 'LengthBetween::TOO_SHORT'],
		['pc_title', 'x'.repeat(151), 'LengthBetween::TOO_LONG'],
		['pc_duration', 'long', 'Numeric::NOT_NUMERIC'],
		['pc_hometext', '', 'NotEmpty::EMPTY_VALUE'],
		['pc_apptstatus', 'ZZ', 'InArray::NOT_IN_ARRAY'],
		['pc_eventDate', '15.02.2027', 'DateTime::INVALID_VALUE'],
		['pc_startTime', '25:00', 'DateTime::INVALID_VALUE'],
		['pc_startTime', 9, 'DateTime::INVALID_VALUE'],
		['pc_facility', '4711', 'Callback::INVALID_VALUE'],
		['pc_facility', {}, 'IsString::NOT_A_STRING'],
		['pc_aid', '4711', 'Callback::INVALID_VALUE'],
		['pc_recurrence', 7, 'IsString::NOT_A_STRING'],
		['pc_recurrence', 'FREQ=NEVER', 'recurrence-wrong'],
		['pc_duration', 100_000, 'times-wrong'],
		['pc_duration', -60, 'times-wrong'],
	];
	for (const [field, value, code] of cases) {
		const answer = await server.api('POST', path, { body: visit({ [field]: value }) });
		assert.equal(answer.status, 400, `${field} ${String(value)}: ${answer.text}`);
		assert.ok(answer.text.includes(code), `${field} ${String(value)}: ${answer.text}`);
	}
	assert.equal((await server.api('GET', 'api/patient/4711/appointment')).status, 404);
	assert.equal((await server.api('GET', `${path}/4711`)).status, 404);
	assert.equal((await server.api('GET', 'api/appointment?from=yesterday')).status, 400);
});

test('lists by day, provider, facility, category, status and patient', async () => {
	const ids: number[] = [];
	for (const [i, more] of [
		{},
		{ pc_aid: n('okafor') },
		{ pc_apptstatus: '*' },
		{ pc_catid: 10 },
		{ pc_eventDate: '2027-05-02' },
	].entries()) {
		const body = { ...visit({ pc_eventDate: '2027-05-01', pc_startTime: `1${i}:00`, ...more }), pid: n(i === 0 ? 'bob' : 'ann') };
		ids.push(((await server.api('POST', 'api/appointment', { body })).json as unknown as { id: number }).id);
	}
	const [a, b, c, d, e] = ids as [number, number, number, number, number];
	const cases: readonly (readonly [query: string, found: readonly number[]])[] = [
		['pc_eventDate=2027-05-01', [a, b, c, d]],
		['from=2027-05-01&to=2027-05-02', [a, b, c, d, e]],
		['from=2027-05-02&to=2027-05-30', [e]],
		[`pc_eventDate=2027-05-01&pc_aid=${n('okafor')}`, [b]],
		[`pc_eventDate=2027-05-01&pc_facility=${n('clinic')}`, [a, b, c, d]],
		['pc_eventDate=2027-05-01&pc_apptstatus=*', [c]],
		['pc_eventDate=2027-05-01&pc_catid=10', [d]],
		[`pc_eventDate=2027-05-01&pid=${made.bob?.id}`, [a]],
		['pc_eventDate=2027-05-01&_limit=2', [a, b]],
		['pc_eventDate=2027-05-01&_limit=2&_offset=2', [c, d]],
		['pc_eventDate=2027-05-01&_sort=-pc_eventDate', [d, c, b, a]],
		['pc_eventDate=2027-05-01&pc_aid=4711', []],
		['pc_eventDate=2027-05-01&pc_catid=77', []],
		['pc_eventDate=2027-04-01', []],
	];
	for (const [query, found] of cases) {
		const answer = await server.api('GET', `api/appointment?${query}`);
		assert.equal(answer.status, found.length === 0 ? 404 : 200, query);
		if (found.length > 0)
			assert.deepEqual(
				rows(answer.json).map(({ pc_eid }) => pc_eid),
				found,
				query,
			);
	}
	const own = rows((await server.api('GET', `api/patient/${n('bob')}/appointment`)).json);
	assert.deepEqual(
		own.map(({ pc_eid }) => pc_eid),
		[a],
	);
});

test('a series: booked by a rule, changed and deleted by scope', async () => {
	const body = { ...visit({ pc_eventDate: '2027-10-25' }), pid: n('bob'), pc_recurrence: 'FREQ=WEEKLY;COUNT=3' };
	const booked = (await server.api('POST', 'api/appointment', { body })).json as unknown as { id: number; ids: number[] };
	assert.equal(booked.ids.length, 3);
	const [first, second, third] = booked.ids as [number, number, number];
	const shown = async (id: number): Promise<Row> => rows((await server.api('GET', `api/appointment/${id}`)).json)[0] as Row;
	assert.deepEqual([(await shown(third)).pc_eventDate, (await shown(third)).pc_startTime], ['2027-11-08', '09:00:00']);
	const changed = await server.api('PUT', `api/appointment/${second}?scope=future`, { body: { pc_startTime: '11:00', pc_title: 'Later' } });
	assert.equal(changed.status, 200, changed.text);
	assert.deepEqual([first, second, third].map((id) => id).length, 3);
	assert.deepEqual(
		[(await shown(first)).pc_startTime, (await shown(third)).pc_startTime, (await shown(third)).pc_title],
		['09:00:00', '11:00:00', 'Later'],
	);
	assert.equal((await server.api('PUT', `api/appointment/${second}?scope=some`, { body: {} })).status, 400);
	assert.equal((await server.api('DELETE', `api/appointment/${first}?scope=all`)).status, 200);
	for (const id of booked.ids) assert.equal((await server.api('GET', `api/appointment/${id}`)).status, 404);
});

test('decimals of others keep their digits', async () => {
	const body = `{"resourceType":"Appointment","id":"exact","status":"booked","start":"2027-11-15T09:00:00-06:00","end":"2027-11-15T09:15:00-06:00",
		"participant":[{"actor":{"display":"x"},"status":"accepted"}],"extension":[{"url":"http://example.org/fee","valueDecimal":12.50}]}`;
	const headers = { 'content-type': 'application/fhir+json' };
	assert.equal((await server.send('PUT', 'Appointment/exact', { body, headers })).status, 201);
	const put = await server.api('PATCH', 'api/appointment/exact', { body: { pc_title: 'With a fee' } });
	assert.equal(put.status, 200, put.text);
	const { text } = await server.send('GET', 'Appointment/exact');
	assert.match(text, /"valueDecimal":12\.50\b/);
	assert.match(text, /With a fee/);
});

const random = createRandom(31);
recordRoundTrip(server, appointmentMapping, {
	path: () => `api/patient/${made.bob?.number}/appointment`,
	seed: 3,
	fixed: () => ({ pc_facility: made.clinic?.number, pc_billing_location: made.clinic?.number }),
	adjust: (record) => ({
		...record,
		pc_catid: random.pick(usualCategories).number,
		pc_duration: random.between(0, 1440) * 60,
		pc_startTime: `${record.pc_startTime}:00`.slice(0, 8),
		// No hour that the clocks leave out.
		pc_eventDate: String(record.pc_eventDate).replace(/-(03|04|05)-/, '-06-'),
		...('pc_room' in record ? { pc_room: `${String(record.pc_room)} ${random.below(1e9)}` } : {}),
	}),
	read: ({ id }) => `api/appointment/${id}`,
});

likelyRoundTrip(server, appointmentMapping, {
	path: (id) => `api/appointment/${id}`,
	seed: 4,
	adjust: (resource) => ({ ...resource, ...statusAndTimes(resource) }),
});

/** Random words are seldom codes, and times seldom in order. */
function statusAndTimes({ start, end, participant }: Row): Row {
	const [from, to] = [start, end].map((one) => Date.parse(String(one)));
	const actors = Array.isArray(participant) ? participant : [];
	return {
		status:
			from === undefined || Number.isNaN(from) || Number.isNaN(to)
				? 'proposed'
				: random.pick(['booked', 'arrived', 'fulfilled', 'cancelled', 'noshow', 'waitlist']),
		participant: [...actors, { actor: { display: 'somebody' } }].map((one) => ({
			...one,
			actor: { display: 'x', ...one.actor },
			status: 'accepted',
		})),
		...(Number.isNaN(from) || Number.isNaN(to) ? { start: undefined, end: undefined } : {}),
	};
}
