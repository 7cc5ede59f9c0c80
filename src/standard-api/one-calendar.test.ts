// One calendar: the clinic's rule that visits keep clear of each other holds whichever API they are written through.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { categoryConcept, withStatus } from '#clinic/appointments/model.ts';
import { statusOf } from '#clinic/appointments/statuses.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Answered, testServer } from '#testing/server.ts';

const server = await testServer({ after });
for (const body of [
	{ resourceType: 'Patient', id: 'ann', name: [{ family: 'Jones' }] },
	{ resourceType: 'Patient', id: 'bob', name: [{ family: 'Smith' }] },
	{ resourceType: 'Practitioner', id: 'okafor', name: [{ family: 'Okafor' }] },
	{ resourceType: 'Organization', id: 'clinic', active: true, name: 'Downtown' },
])
	assert.equal((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status, 201);

const visitConcept = categoryConcept({ code: 'office_visit', name: 'Office Visit' } as never);

/** A visit as FHIR has it, half an hour long. */
function visit(start: string, more: object = {}, provider = 'Practitioner/okafor', patient = 'ann'): Resource {
	const end = new Date(Date.parse(start) + 30 * 60_000).toISOString();
	const participant = [`Patient/${patient}`, provider].map((reference) => ({ actor: { reference }, status: 'accepted' }));
	return { resourceType: 'Appointment', status: 'booked', appointmentType: visitConcept, start, end, participant, ...more };
}

/** The same as OpenEMR's clients book it. */
function booking(start: string): object {
	const local = new Date(Date.parse(start) - new Date(start).getTimezoneOffset() * 60_000).toISOString();
	const time = { pc_eventDate: local.slice(0, 10), pc_startTime: local.slice(11, 16), pc_duration: 1800 };
	return { pid: 'bob', pc_catid: 5, pc_title: 'Check-up', pc_aid: 'okafor', pc_facility: 'clinic', ...time };
}

const book = (body: object, as = 'admin'): Promise<Answered> => server.send('POST', 'Appointment', { body, as });

async function booked(body: object): Promise<Resource> {
	const { status, text, json } = await book(body);
	assert.equal(status, 201, text);
	return json;
}

function isTaken({ status, json, text }: Answered, words = /provider is taken from .* to .* \(Office Visit\)/): void {
	assert.equal(status, 409, text);
	const [issue] = json.issue as { code: string; diagnostics: string; details: { coding: { code: string }[] } }[];
	assert.equal(issue?.code, 'conflict');
	assert.equal(issue?.details.coding[0]?.code, 'appointment-overlap');
	assert.match(issue?.diagnostics ?? '', words);
}

let hour = Date.parse('2031-01-06T09:00:00Z');
/** A time that nobody has yet. */
function free(): string {
	hour += 24 * 3_600_000;
	return new Date(hour).toISOString();
}
const later = (start: string, minutes: number): string => new Date(Date.parse(start) + minutes * 60_000).toISOString();

test('what one API booked is taken for the other', async () => {
	const first = free();
	await booked(visit(first));
	const refused = await server.api('POST', 'api/appointment', { body: booking(later(first, 15)) });
	assert.equal(refused.status, 409, refused.text);
	assert.match(refused.text, /"pc_startTime":\{"appointment-overlap":"The provider is taken/);
	const second = free();
	assert.equal((await server.api('POST', 'api/appointment', { body: booking(second) })).status, 201);
	isTaken(await book(visit(later(second, 15))));
	assert.equal((await book(visit(later(second, 30)))).status, 201, 'right after it');
});

test('every way in which FHIR writes is held to it', async () => {
	const [start, other] = [free(), free()];
	await booked(visit(start));
	const moving = await booked(visit(other));
	const path = `Appointment/${moving.id}`;
	const patch = [
		{ op: 'replace', path: '/start', value: start },
		{ op: 'replace', path: '/end', value: later(start, 30) },
	];
	const entry = (method: string, url: string, resource: object): object => ({ resource, request: { method, url } });
	const bundle = (type: string, ...entries: object[]): object => ({ resourceType: 'Bundle', type, entry: entries });
	const third = free();
	const tries: Readonly<Record<string, () => Promise<Answered>>> = {
		create: () => book(visit(start)),
		'create, if none exists': () =>
			server.send('POST', 'Appointment', { body: visit(start), headers: { 'if-none-exist': 'identifier=urn:x|1' } }),
		'create under a name': () => server.send('PUT', 'Appointment/named', { body: { ...visit(start), id: 'named' } }),
		'conditional update': () => server.send('PUT', 'Appointment?identifier=urn:x|1', { body: visit(start) }),
		update: () => server.send('PUT', path, { body: { ...visit(start), id: moving.id } }),
		'JSON Patch': () =>
			server.send('PATCH', path, { body: JSON.stringify(patch), headers: { 'content-type': 'application/json-patch+json' } }),
		'a reference with the server’s address': () => book(visit(start, {}, `${server.base}/Practitioner/okafor`)),
		transaction: () => server.send('POST', '', { body: bundle('transaction', entry('POST', 'Appointment', visit(start))) }),
		'two of one transaction': () =>
			server.send('POST', '', {
				body: bundle('transaction', entry('POST', 'Appointment', visit(third)), entry('POST', 'Appointment', visit(later(third, 10)))),
			}),
	};
	for (const [name, attempt] of Object.entries(tries)) {
		const answer = await attempt();
		assert.equal(answer.status, 409, `${name}: ${answer.text}`);
		isTaken(answer);
	}
	const batch = await server.send('POST', '', { body: bundle('batch', entry('POST', 'Appointment', visit(start))) });
	const [one] = batch.json.entry as { response: { status: string } }[];
	assert.match(one?.response.status ?? '', /^409/);
	assert.equal((await server.send('GET', path)).json.start, other, 'moved');
	assert.equal((await server.send('GET', `Appointment?date=${third.slice(0, 10)}`)).json.entry, undefined, 'half of a transaction');
});

test('what does not take more time than it had is written', async () => {
	const start = free();
	const { id } = await booked(visit(start));
	// Two without a category of the clinic's: nobody is asked. One that came over another, as imports bring them.
	for (const type of [undefined, { text: 'Routine' }]) await booked(visit(start, { appointmentType: type }));
	const double = await booked(visit(start, { appointmentType: { text: 'Walk-in' } }));
	const same = { ...visit(start), id };
	assert.equal((await server.send('PUT', `Appointment/${id}`, { body: { ...same, comment: 'bring papers' } })).status, 200);
	assert.equal((await server.send('PUT', `Appointment/${id}`, { body: { ...same, status: 'cancelled' } })).status, 200);
	isTaken(await server.send('PUT', `Appointment/${id}`, { body: same }), /is taken from .*another appointment/);
	assert.ok((await server.send('DELETE', `Appointment/${double.id}`)).status < 300);
	// What a transaction takes away makes room for what it books.
	const full = free();
	const old = await booked(visit(full));
	const request = [
		{ request: { method: 'DELETE', url: `Appointment/${old.id}` } },
		{ resource: visit(full), request: { method: 'POST', url: 'Appointment' } },
	];
	const swapped = await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry: request } });
	assert.equal(swapped.status, 200, swapped.text);
	const status = withStatus({ resourceType: 'Appointment' }, statusOf('x') as never, start, { display: 'the desk' });
	assert.equal((await book({ ...visit(full), ...status })).status, 201, 'cancelled from the start');
});

test('what the rules could not see is refused', async () => {
	const start = free();
	// The long one lasts until then.
	free();
	const { status, text } = await book(visit(start, { end: later(start, 26 * 60) }));
	assert.equal(status, 400, text);
	assert.match(text, /times-wrong.*25 hours/);
	assert.equal((await book(visit(start, { end: later(start, 26 * 60), appointmentType: undefined }))).status, 201);
});

test('when somebody else’s visit is, only those learn who may see it', async () => {
	const start = free();
	const { id } = await booked(visit(start));
	server.caller('ann', [{ type: 'Appointment', interactions: ['create', 'read', 'search', 'update'], patient: 'ann' }], 'patient');
	server.caller('bob', [{ type: 'Appointment', interactions: ['create', 'read', 'search', 'update'], patient: 'bob' }], 'patient');
	server.caller('kiosk', [{ type: 'Appointment', interactions: ['create'] }]);
	isTaken(await book(visit(start), 'ann'));
	const hidden = /^The provider is taken at that time; the category "Office Visit" allows no overlap/;
	for (const as of ['bob', 'kiosk']) {
		const answer = await book(visit(start, {}, 'Practitioner/okafor', 'bob'), as);
		isTaken(answer, hidden);
		assert.ok(!answer.text.includes('2031') && !answer.text.includes(String(id)), answer.text);
	}
	assert.equal((await book(visit(later(start, 30), {}, 'Practitioner/okafor', 'bob'), 'bob')).status, 201);
});

test('of twenty who want the same hour at once through both APIs, one gets it', async () => {
	for (let round = 0; round < 3; round++) {
		const start = free();
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, i) =>
				i % 2 === round % 2 ? book(visit(later(start, i))) : server.api('POST', 'api/appointment', { body: booking(later(start, 19 - i)) }),
			),
		);
		assert.deepEqual(
			answers.map(({ status }) => status).sort(),
			[201, ...Array.from({ length: 19 }, () => 409)],
			answers.map(({ text }) => text).join('\n'),
		);
		const day = await server.send('GET', `Appointment?date=${start.slice(0, 10)}&practitioner=okafor`);
		assert.equal((day.json.entry as unknown[]).length, 1);
	}
});

test('two that are moved to one hour at once through both APIs: one stays', async () => {
	const [start, first, second] = [free(), free(), free()];
	const { id } = await booked(visit(first));
	const made = await server.api('POST', 'api/appointment', { body: booking(second) });
	const to = booking(start) as { pc_eventDate: string; pc_startTime: string };
	const [one, two] = await Promise.all([
		server.send('PUT', `Appointment/${id}`, { body: { ...visit(start), id } }),
		server.api('PUT', `api/appointment/${made.json.id}`, { body: { pc_eventDate: to.pc_eventDate, pc_startTime: to.pc_startTime } }),
	]);
	assert.deepEqual([one.status, two.status].sort(), [200, 409], `${one.text} ${two.text}`);
});
