// Subscriptions by HTTP, with a receiver of our own that can be slow, broken or away.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '#access/ctx.ts';
import { silentLog } from '#base/log.ts';
import { isError } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Answered, testServer } from '#testing/server.ts';
import { createSubscriptions, type Subscriptions } from './subscriptions.ts';
import { topics } from './topics.ts';

const server = await testServer({ after });
const { db } = server.ctx;
const seal = { seal: (_: string, bytes: Buffer) => bytes, open: (_: string, bytes: Buffer) => bytes, mac: server.ctx.fhir.mac };
const ended = new Set<string>();

function begin(): Subscriptions {
	const made = createSubscriptions({
		db,
		log: silentLog,
		seal,
		ctxFor: (caller, requestId) => ({ ...server.ctx, caller, requestId }),
		callerNow: async (caller: Caller) => (ended.has(caller.id) ? undefined : caller),
		allowPrivate: true,
		times: { pollMs: 30, leaderMs: 50, firstRetryMs: 40 },
	});
	(server.ctx.fhir.checks as Map<string, (ctx: FhirCtx, resource: Resource) => void>).set('Subscription', made.check);
	made.work();
	return made;
}

let working = begin();
after(() => working.close());

type Call = { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };
type Receiver = { readonly url: string; readonly calls: Call[]; status: number; close(): Promise<void> };

async function receiver(): Promise<Receiver> {
	const calls: Call[] = [];
	const http: Server = createServer(async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const { status } = made;
		if (status < 300)
			calls.push({
				method: request.method ?? '',
				path: request.url ?? '',
				headers: request.headers,
				body: Buffer.concat(chunks).toString(),
			});
		response.writeHead(status).end();
	});
	http.listen(0, '127.0.0.1');
	await once(http, 'listening');
	const made: Receiver = {
		url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`,
		calls,
		status: 200,
		async close() {
			http.closeAllConnections();
			http.close();
			await once(http, 'close');
		},
	};
	after(() => (http.listening ? made.close() : undefined));
	return made;
}

async function until<T>(what: () => Promise<T | undefined> | T | undefined, why: string): Promise<T> {
	for (let round = 0; round < 400; round += 1) {
		const found = await what();
		if (found !== undefined) return found;
		await sleep(25);
	}
	throw new Error(`not in ten seconds: ${why}`);
}

const backport = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-';
const feed = 'http://hl7.org/fhir/us/core/SubscriptionTopic/patient-data-feed';

const plain = (criteria: string, endpoint: string, more: object = {}): Resource => ({
	resourceType: 'Subscription',
	status: 'requested',
	reason: 'test',
	criteria,
	channel: { type: 'rest-hook', endpoint, ...more },
});

const topical = (filter: string, endpoint: string, content = 'id-only', more: object[] = [], name = 'filter-criteria'): Resource => ({
	resourceType: 'Subscription',
	status: 'requested',
	reason: 'test',
	criteria: feed,
	_criteria: { extension: [{ url: `${backport}${name}`, valueString: filter }] },
	channel: {
		type: 'rest-hook',
		endpoint,
		payload: 'application/fhir+json',
		_payload: { extension: [{ url: `${backport}payload-content`, valueCode: content }] },
		...(more.length === 0 ? {} : { extension: more }),
	},
});

async function subscribe(resource: Resource, as = 'admin'): Promise<string> {
	const made = await server.send('POST', 'Subscription', { as, body: resource });
	assert.equal(made.status, 201, made.text);
	return made.json.id as string;
}

const stored = async (id: string): Promise<Resource> => (await server.send('GET', `Subscription/${id}`)).json;
const hasStatus = (id: string, status: string): Promise<Resource> =>
	until(async () => {
		const now = await stored(id);
		return now.status === status ? now : undefined;
	}, `Subscription is ${status}`);

const patient = async (family: string): Promise<string> => {
	const { json, status, text } = await server.send('POST', 'Patient', { body: { resourceType: 'Patient', name: [{ family }] } });
	assert.equal(status, 201, text);
	return json.id as string;
};

type Notice = { readonly kind: string; readonly numbers: number[]; readonly focus: string[]; readonly entries: { resource?: Resource }[] };
function noticeIn({ body }: Call): Notice {
	const { entry } = JSON.parse(body) as {
		entry: { resource: { parameter: { name: string; valueCode?: string; part?: Record<string, unknown>[] }[] } }[];
	};
	const parameters = entry[0]?.resource.parameter ?? [];
	const events = parameters.filter(({ name }) => name === 'notification-event').map(({ part = [] }) => part);
	return {
		kind: parameters.find(({ name }) => name === 'type')?.valueCode ?? '',
		numbers: events.map((part) => Number(part[0]?.valueString)),
		focus: events.flatMap((part) => (part[2] === undefined ? [] : [(part[2].valueReference as { reference: string }).reference])),
		entries: entry.slice(1) as never,
	};
}

test('R4: each resource that meets the criteria is sent as an update; what does not is not', async () => {
	const hook = await receiver();
	const id = await subscribe(
		plain('Patient?family=Plain', hook.url, { payload: 'application/fhir+json', header: ['Authorization: Bearer abc'] }),
	);
	const active = await hasStatus(id, 'active');
	assert.match(active.meta?.versionId ?? '', /^2$/);
	const [hit] = [await patient('Plain'), await patient('Other')];
	const call = await until(() => hook.calls[0], 'a call');
	assert.deepEqual(
		[call.method, call.path, call.headers.authorization, call.headers['content-type']],
		['PUT', `/hook/Patient/${hit}`, 'Bearer abc', 'application/fhir+json'],
	);
	assert.equal((JSON.parse(call.body) as Resource).id, hit);
	await sleep(150);
	assert.equal(hook.calls.length, 1);
	const told = await server.send('POST', `Subscription/${id}/$secret`);
	const [{ valueString: secret }] = told.json.parameter as [{ valueString: string }];
	const [, time = '', signature = ''] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(call.headers['x-heron-signature'])) ?? [];
	assert.equal(signature, createHmac('sha256', secret).update(`${time}.${call.body}`).digest('hex'));
});

test('R4: without a payload the call is empty', async () => {
	const hook = await receiver();
	await hasStatus(await subscribe(plain('Patient?family=Bare', hook.url)), 'active');
	await patient('Bare');
	const call = await until(() => hook.calls[0], 'a call');
	assert.deepEqual([call.method, call.body], ['POST', '']);
});

test('a topic begins with a handshake and numbers its events; transactions and updates count, and $events and $status tell them again', async () => {
	const hook = await receiver();
	const subject = await patient('Topic');
	const id = await subscribe(topical(`Observation?patient=Patient/${subject}`, hook.url, 'full-resource'));
	await hasStatus(id, 'active');
	assert.deepEqual(
		hook.calls.map((call) => noticeIn(call).kind),
		['handshake'],
	);
	const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: `Patient/${subject}` } };
	const entry = [1, 2].map(() => ({ resource: observation, request: { method: 'POST', url: 'Observation' } }));
	const done = await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
	assert.equal(done.status, 200, done.text);
	const made = await server.send('POST', 'Observation', { body: observation });
	assert.equal(
		(await server.send('PUT', `Observation/${made.json.id}`, { body: { ...observation, id: made.json.id, status: 'amended' } })).status,
		200,
	);
	const numbers = () => hook.calls.slice(1).flatMap((call) => noticeIn(call).numbers);
	await until(() => (numbers().length === 4 ? true : undefined), 'four events');
	assert.deepEqual(numbers(), [1, 2, 3, 4]);
	const last = noticeIn(hook.calls.at(-1) as Call);
	assert.equal(last.entries.at(-1)?.resource?.status, 'amended');
	const status = await server.send('GET', `Subscription/${id}/$status`);
	assert.match(status.text, /"events-since-subscription-start","valueString":"4"/);
	const again = await server.send('GET', `Subscription/${id}/$events?eventsSinceNumber=3`);
	assert.deepEqual(noticeIn({ body: again.text } as Call).numbers, [3, 4]);
});

test('nothing is lost when the receiver is down and the sender dies; order per resource is kept', async () => {
	const hook = await receiver();
	const subject = await patient('Restart');
	const id = await subscribe(topical(`Condition?patient=Patient/${subject}`, hook.url, 'full-resource'));
	await hasStatus(id, 'active');
	hook.status = 503;
	const condition = (note: string) => ({ resourceType: 'Condition', subject: { reference: `Patient/${subject}` }, code: { text: note } });
	const made = await server.send('POST', 'Condition', { body: condition('0') });
	for (let turn = 1; turn < 4; turn += 1)
		await server.send('PUT', `Condition/${made.json.id}`, { body: { ...condition(String(turn)), id: made.json.id } });
	await working.close();
	await server.send('PUT', `Condition/${made.json.id}`, { body: { ...condition('4'), id: made.json.id } });
	// As after a restore, where transactions have other numbers.
	await db.execute({ text: "UPDATE events.outbox SET xid = '9999999999'", values: [] });
	hook.status = 200;
	working = begin();
	const texts = () =>
		hook.calls
			.slice(1)
			.flatMap((call) => noticeIn(call).entries.map(({ resource }) => (resource as { code: { text: string } } & Resource).code.text));
	await until(() => (texts().length >= 5 ? true : undefined), 'five events');
	assert.deepEqual([...new Set(texts())], ['0', '1', '2', '3', '4']);
});

test('failures are told after a while and forgotten when it works again; what is refused at the handshake is an error', async () => {
	const hook = await receiver();
	const subject = await patient('Failing');
	const id = await subscribe(topical(`Condition?patient=Patient/${subject}`, hook.url));
	await hasStatus(id, 'active');
	hook.status = 500;
	await server.send('POST', 'Condition', { body: { resourceType: 'Condition', subject: { reference: `Patient/${subject}` } } });
	assert.match(String((await hasStatus(id, 'error')).error), /answered 500/);
	hook.status = 200;
	await hasStatus(id, 'active');
	assert.deepEqual(noticeIn(hook.calls.at(-1) as Call).numbers, [1]);
	hook.status = 404;
	const second = await subscribe(topical(`Condition?patient=Patient/${subject}`, hook.url));
	assert.match(String((await hasStatus(second, 'error')).error), /answered 404/);
});

test('only what its owner may see is sent, and nothing after the access has ended', async () => {
	const hook = await receiver();
	const [mine, other] = [await patient('Mine'), await patient('Foreign')];
	server.caller('limited', [
		{ type: 'Observation', interactions: ['read', 'search'], patient: mine },
		{ type: 'Subscription', interactions: ['create', 'read', 'update'] },
	]);
	const id = await subscribe(topical('Observation?status=final', hook.url), 'limited');
	await hasStatus(id, 'active');
	const observe = (subject: string): Promise<Answered> =>
		server.send('POST', 'Observation', {
			body: { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: `Patient/${subject}` } },
		});
	await observe(other);
	const seen = await observe(mine);
	await until(() => (hook.calls.length > 1 ? true : undefined), 'a notification');
	assert.deepEqual(noticeIn(hook.calls.at(-1) as Call).focus, [`${server.base}/Observation/${seen.json.id}`]);
	ended.add('limited');
	await observe(mine);
	await hasStatus(id, 'off');
	assert.equal(hook.calls.length, 2);
	const forged = (await stored(id)).extension as object[];
	server.caller('other', [{ type: 'Subscription', interactions: ['create', 'read'] }]);
	const taken = await server.send('POST', 'Subscription', {
		as: 'other',
		body: { ...topical('Observation?status=final', hook.url), extension: forged },
	});
	assert.match(String((await hasStatus(taken.json.id as string, 'error')).error), /may not search Observation/);
});

test('a sign of life is sent when there is nothing to tell; one that is put off is told nothing', async () => {
	const hook = await receiver();
	const id = await subscribe(
		topical('Condition?code=never', hook.url, 'empty', [{ url: `${backport}heartbeat-period`, valueUnsignedInt: 10 }]),
	);
	const active = await hasStatus(id, 'active');
	await db.execute({ text: "UPDATE events.subscription SET sent_at = now() - interval '11 s' WHERE id = $1", values: [id] });
	await until(() => (hook.calls.some((call) => noticeIn(call).kind === 'heartbeat') ? true : undefined), 'a heartbeat');
	// Who wants to be told nothing is not told the topic either.
	for (const { body } of hook.calls) assert.ok(!body.includes(feed));
	assert.equal((await server.send('PUT', `Subscription/${id}`, { body: { ...active, status: 'off' } })).status, 200);
	await until(
		async () =>
			(await db.query({ text: 'SELECT 1 FROM events.subscription WHERE id = $1', values: [id] })).length === 0 ? true : undefined,
		'it is forgotten',
	);
});

test('the CapabilityStatement names the topics and the profile of subscriptions to them', async () => {
	type Entry = { type: string; supportedProfile: string[]; extension: { url: string; valueCanonical: string }[] };
	const { json } = await server.send('GET', 'metadata');
	const [{ resource }] = json.rest as [{ resource: Entry[] }];
	const { supportedProfile, extension } = resource.find(({ type }) => type === 'Subscription') as Entry;
	assert.deepEqual(supportedProfile, ['http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription']);
	const named = extension.filter(({ url }) => url.endsWith('/capabilitystatement-subscriptiontopic-canonical'));
	assert.deepEqual(
		named.map(({ valueCanonical }) => valueCanonical),
		topics.map(({ url }) => url),
	);
	assert.ok(named.some(({ valueCanonical }) => valueCanonical === feed));
});

test('$status tells of one, of several, and of those with a status; of none that may not be seen', async () => {
	const hook = await receiver();
	const ids = [await subscribe(topical('Patient?family=a', hook.url)), await subscribe(plain('Patient?family=b', hook.url))];
	for (const id of ids) await hasStatus(id, 'active');
	const statusesOf = async (query: string, as = 'admin'): Promise<string[]> => {
		const { status, json } = await server.send('GET', `Subscription/${query}`, { as });
		assert.equal(status, 200);
		assert.deepEqual(server.ctx.fhir.validator.validate(json).filter(isError), []);
		type Parameters = { resource: { parameter: { name: string; valueReference?: { reference: string }; valueCode?: string }[] } };
		return ((json.entry ?? []) as Parameters[]).flatMap(({ resource: { parameter } }) =>
			parameter.flatMap(({ name, valueReference }) => (name === 'subscription' ? [valueReference?.reference.split('/').at(-1) ?? ''] : [])),
		);
	};
	assert.deepEqual(await statusesOf(`${ids[0]}/$status`), [ids[0]]);
	assert.deepEqual((await statusesOf(`$status?id=${ids[0]}&id=${ids[1]}`)).sort(), ids.toSorted());
	assert.deepEqual((await statusesOf(`$status?id=${ids.join(',')}&status=active`)).sort(), ids.toSorted());
	assert.deepEqual(await statusesOf(`$status?id=${ids[0]}&status=off`), []);
	assert.ok((await statusesOf('$status')).length >= 2);
	server.caller('stranger', [{ type: 'Subscription', interactions: ['read', 'search'], query: 'url=https://nobody.example.org' }]);
	assert.deepEqual(await statusesOf('$status', 'stranger'), []);
});

// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html
for (const content of ['empty', 'id-only', 'full-resource'] as const)
	test(`notifications with ${content} content are valid history Bundles that begin with the status`, async () => {
		const hook = await receiver();
		const id = await subscribe(topical(`Patient?family=told-${content}`, hook.url, content));
		await hasStatus(id, 'active');
		const told = await patient(`told-${content}`);
		await until(() => (hook.calls.some((call) => noticeIn(call).kind === 'event-notification') ? true : undefined), 'an event');
		for (const call of hook.calls) {
			const bundle = JSON.parse(call.body) as Resource & { entry: { fullUrl?: string; resource?: Resource; request: { url: string } }[] };
			assert.deepEqual(server.ctx.fhir.validator.validate(bundle).filter(isError), []);
			assert.equal(bundle.type, 'history');
			assert.equal(bundle.entry[0]?.request.url, `Subscription/${id}/$status`);
			const { kind, focus } = noticeIn(call);
			if (kind !== 'event-notification') continue;
			const [, ...others] = bundle.entry;
			assert.deepEqual(focus, content === 'empty' ? [] : [`${server.base}/Patient/${told}`]);
			assert.deepEqual(
				others.map(({ fullUrl, resource }) => [fullUrl, resource?.id]),
				content === 'empty' ? [] : [[`${server.base}/Patient/${told}`, content === 'full-resource' ? told : undefined]],
			);
			assert.equal(call.body.includes(feed), content !== 'empty');
		}
	});

for (const payload of ['application/json', 'application/fhir+json', 'application/fhir+xml', undefined])
	test(`notifications are of the media type that was asked for: ${payload}`, async () => {
		const hook = await receiver();
		const { channel, ...rest } = topical('Patient?family=nobody', hook.url);
		const { payload: _, ...bare } = channel as Record<string, unknown>;
		const id = await subscribe({ ...rest, channel: { ...bare, ...(payload === undefined ? {} : { payload }) } });
		await hasStatus(id, 'active');
		assert.deepEqual(
			hook.calls.map(({ headers }) => headers['content-type']),
			[payload ?? 'application/fhir+json'],
		);
		assert.match(
			hook.calls[0]?.body ?? '',
			payload?.includes('xml') === true ? /^(<\?xml[^>]*>)?\s*<Bundle/ : /^\{"resourceType":"Bundle"/,
		);
	});

const hookUrl = 'https://hooks.example.org/in';
const refused: readonly (readonly [string, Resource, string])[] = [
	[
		'a channel we have not',
		{ ...plain('Patient?family=a', hookUrl), channel: { type: 'email', endpoint: 'mailto:a@example.org' } },
		'subscription-channel',
	],
	['no endpoint', { ...plain('Patient?family=a', hookUrl), channel: { type: 'rest-hook' } }, 'subscription-endpoint'],
	['a scheme that is none', plain('Patient?family=a', 'ftp://example.org/x'), 'subscription-endpoint'],
	['a password in the address', plain('Patient?family=a', 'https://a:b@example.org/x'), 'subscription-endpoint'],
	['criteria about no type', plain('Nothing?a=b', hookUrl), 'subscription-criteria'],
	['criteria that cannot be read', plain('Patient?birthdate=yesterday', hookUrl), 'subscription-criteria'],
	['a topic that is none', { ...topical('Patient?family=a', hookUrl), criteria: 'https://example.org/topic' }, 'subscription-topic'],
	['a topic that is not about the type', topical('Account?status=active', hookUrl), 'subscription-topic'],
	['a payload we cannot write', plain('Patient?family=a', hookUrl, { payload: 'text/csv' }), 'subscription-payload'],
	[
		'a filter as another version of FHIR writes it',
		{
			...topical('Patient?family=a', hookUrl),
			_criteria: {
				extension: [
					{ url: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Subscription.filterBy', valueString: 'Patient?family=a' },
				],
			},
		},
		'subscription-criteria',
	],
	[
		'more about the criteria than we understand',
		topical('Patient?family=a', hookUrl, 'id-only', [], 'more-criteria'),
		'subscription-criteria',
	],
	['a content that is none', topical('Patient?family=a', hookUrl, 'everything'), 'subscription-payload'],
	['a header that would be two', plain('Patient?family=a', hookUrl, { header: ['A: b\r\nC: d'] }), 'subscription-header'],
];
for (const [name, resource, code] of refused)
	test(`refused at once: ${name}`, async () => {
		const answer = await server.send('POST', 'Subscription', { body: resource });
		assert.equal(answer.status, 422, answer.text);
		assert.ok(answer.text.includes(code), answer.text);
	});
