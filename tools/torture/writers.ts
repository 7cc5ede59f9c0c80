// Clients that write as fast as they can and take note of every answer.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '#testing/random.ts';
import { type Answer, type Connection, createConnection, headerOf, requestBytes } from '../../bench/load/connection.ts';
import type { Attempt, Chain, Group, Ledger } from './ledger.ts';

export const systems = {
	chain: 'https://heron.example/torture/chain',
	group: 'https://heron.example/torture/group',
	claim: 'https://heron.example/torture/claim',
};

export type Target = { readonly port: number; readonly authorization: string };

export const base = '/apis/default/fhir';

type Headers = Readonly<Record<string, string>>;

/** Sends requests to the server of the moment. */
export type Client = {
	/** The answer, or undefined when there is none. */
	readonly send: (method: string, path: string, body?: string | Uint8Array, headers?: Headers) => Promise<Answer | undefined>;
	readonly json: (path: string) => Promise<{ status: number; body: Record<string, unknown> } | undefined>;
	readonly close: () => void;
};

export function createClient({ port, authorization }: Target): Client {
	const connection: Connection = createConnection({ port, keepBody: true, timeoutMs: 30_000 });
	const send: Client['send'] = async (method, path, body, headers = {}) => {
		const type: Headers = body === undefined ? {} : { 'content-type': 'application/fhir+json' };
		try {
			return await connection.send(
				requestBytes(method, path === '' ? base : `${base}/${path}`, { authorization, ...type, ...headers }, body),
			);
		} catch {
			return undefined;
		}
	};
	return {
		send,
		async json(path) {
			const answer = await send('GET', path);
			return answer && { status: answer.status, body: answer.body.length === 0 ? {} : JSON.parse(answer.body.toString()) };
		},
		close: connection.close,
	};
}

/** Runs writers until `stop` resolves them all. */
export function startWriters(target: Target, ledger: Ledger, seed: number, count: number): { stop(): Promise<void> } {
	let stopping = false;
	const writers = Array.from({ length: count }, (_, number) =>
		write(createClient(target), ledger, createRandom(seed, number), () => stopping),
	);
	return {
		async stop() {
			stopping = true;
			await Promise.all(writers);
		},
	};
}

/** The life of one writer: it alone writes on its chains. */
async function write(client: Client, ledger: Ledger, random: Random, stopping: () => boolean): Promise<void> {
	const chains: Chain[] = [];
	while (!stopping()) {
		const dice = random.next();
		const chain = chains.length > 0 ? random.pick(chains) : undefined;
		const done =
			chain === undefined || dice < 0.3
				? await createOne(client, ledger, random, chains)
				: dice < 0.62
					? await change(client, ledger, random, chain)
					: dice < 0.68
						? await remove(client, ledger, random, chain)
						: dice < 0.82
							? await transact(client, ledger, random, chain)
							: dice < 0.95
								? await claim(client, ledger, random)
								: await upload(client, ledger, random);
		// The server is away, most likely: nothing is gained by knocking all the time.
		if (!done) await sleep(random.between(30, 200));
	}
	client.close();
}

/** Books an answer; whether the write was acknowledged. */
function book(ledger: Ledger, attempt: Attempt, answer: Answer | undefined, weight = 1): boolean {
	if (answer === undefined || answer.status >= 500) {
		attempt.state = 'unknown';
		if (answer !== undefined && answer.status !== 503) ledger.surprises.push(`${answer.status} ${answer.body.subarray(0, 500)}`);
		return false;
	}
	if (answer.status >= 300) {
		attempt.state = 'refused';
		attempt.answer = `${answer.status} ${answer.body.subarray(0, 500)}`;
		// A version that moved on: a write of unknown outcome had happened after all.
		if (answer.status !== 412) ledger.surprises.push(attempt.answer);
		return false;
	}
	attempt.state = 'acknowledged';
	ledger.acknowledged += weight;
	const version = /W\/"(\d+)"/.exec(headerOf(answer, 'etag') ?? '')?.[1];
	if (version !== undefined) attempt.version = Number(version);
	return true;
}

function patientText(system: string, key: string, seq: number, random: Random): string {
	return JSON.stringify({
		resourceType: 'Patient',
		identifier: [
			{ system, value: key },
			{ system: 'https://heron.example/torture/write', value: String(seq) },
		],
		name: [{ family: `Family${random.below(1000)}`, given: [`Given${seq}`] }],
		gender: random.pick(['male', 'female', 'other']),
		birthDate: `19${random.between(10, 99)}-0${random.between(1, 9)}-1${random.below(10)}`,
		address: [{ city: random.pick(['Boston', 'Lynn', 'Quincy']), line: [`${seq} Main Street`], text: 'x'.repeat(random.between(1, 1500)) }],
	});
}

function observationText(key: string, seq: number, random: Random): string {
	return JSON.stringify({
		resourceType: 'Observation',
		identifier: [
			{ system: systems.chain, value: key },
			{ system: 'https://heron.example/torture/write', value: String(seq) },
		],
		status: random.pick(['final', 'amended', 'preliminary']),
		code: { coding: [{ system: 'http://loinc.org', code: random.pick(['8867-4', '8302-2', '29463-7']) }] },
		effectiveDateTime: `20${random.between(10, 24)}-0${random.between(1, 9)}-1${random.below(10)}`,
		valueQuantity: { value: random.below(200) + 0.5, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
	});
}

function textOf(chain: Chain, seq: number, random: Random): string {
	return chain.type === 'Patient' ? patientText(systems.chain, chain.key, seq, random) : observationText(chain.key, seq, random);
}

async function createOne(client: Client, ledger: Ledger, random: Random, chains: Chain[]): Promise<boolean> {
	const seq = ledger.next();
	const chain: Chain = { type: random.chance(0.5) ? 'Patient' : 'Observation', key: `c${seq}`, attempts: [] };
	const attempt = ledger.attempt(textOf(chain, seq, random));
	chain.attempts.push(attempt);
	ledger.chains.push(chain);
	const answer = await client.send('POST', chain.type, attempt.text);
	const done = book(ledger, attempt, answer);
	if (done) setId(chain, answer);
	if (attempt.state !== 'refused') chains.push(chain);
	// Each writer goes on with its newest chains, so that these get many versions.
	if (chains.length > 12) chains.shift();
	return done;
}

function setId(chain: { id?: string }, answer: Answer | undefined): void {
	const id = /\/[A-Z][A-Za-z]+\/([A-Za-z0-9.-]+)\/_history\//.exec((answer && headerOf(answer, 'location')) ?? '')?.[1];
	if (id !== undefined) chain.id = id;
}

/** What stands now, as the client last knew it or, after a write of unknown outcome, as the server says; undefined when it cannot tell. */
async function standing(client: Client, chain: Chain): Promise<{ version: number; deleted: boolean } | undefined> {
	const last = chain.attempts.at(-1);
	if (last?.state === 'acknowledged' && last.version !== undefined) return { version: last.version, deleted: last.text === undefined };
	if (chain.id === undefined) {
		const found = await client.json(`${chain.type}?identifier=${systems.chain}%7C${chain.key}`);
		const [entry] = (found?.status === 200 && (found.body.entry as { resource: { id: string } }[] | undefined)) || [];
		if (entry === undefined) return undefined;
		chain.id = entry.resource.id;
	}
	const answer = await client.send('GET', `${chain.type}/${chain.id}`);
	const version = Number(/W\/"(\d+)"/.exec((answer && headerOf(answer, 'etag')) ?? '')?.[1]);
	if (answer?.status === 200) return { version, deleted: false };
	return answer?.status === 410 ? { version, deleted: true } : undefined;
}

async function change(client: Client, ledger: Ledger, random: Random, chain: Chain): Promise<boolean> {
	const now = await standing(client, chain);
	if (now === undefined) return false;
	if (now.deleted && chain.attempts.at(-1)?.state !== 'acknowledged') return false;
	const seq = ledger.next();
	const text = textOf(chain, seq, random);
	const attempt = ledger.attempt(text);
	chain.attempts.push(attempt);
	const path = `${chain.type}/${chain.id}`;
	if (!now.deleted && random.chance(0.2)) {
		const { resourceType: _, ...elements } = JSON.parse(text) as Record<string, unknown>;
		const operations = Object.entries(elements).map(([name, value]) => ({ op: 'add', path: `/${name}`, value }));
		const headers = { 'content-type': 'application/json-patch+json', 'if-match': `W/"${now.version}"` };
		return book(ledger, attempt, await client.send('PATCH', path, JSON.stringify(operations), headers));
	}
	const named = JSON.stringify({ ...JSON.parse(text), id: chain.id });
	return book(ledger, attempt, await client.send('PUT', path, named, now.deleted ? {} : { 'if-match': `W/"${now.version}"` }));
}

async function remove(client: Client, ledger: Ledger, _random: Random, chain: Chain): Promise<boolean> {
	const now = await standing(client, chain);
	if (now === undefined || now.deleted) return false;
	ledger.next();
	const attempt = ledger.attempt(undefined);
	chain.attempts.push(attempt);
	return book(ledger, attempt, await client.send('DELETE', `${chain.type}/${chain.id}`, undefined, { 'if-match': `W/"${now.version}"` }));
}

/** A new patient with observations that refer to it, and a new version of a chain, all or none. */
async function transact(client: Client, ledger: Ledger, random: Random, chain: Chain): Promise<boolean> {
	const now = await standing(client, chain);
	if (now === undefined || now.deleted) return false;
	const seq = ledger.next();
	const key = `g${seq}`;
	const observations = random.between(1, 30);
	const update = ledger.attempt(textOf(chain, seq, random));
	const group: Group = { attempt: ledger.attempt(''), key, observations, chain, update };
	ledger.groups.push(group);
	chain.attempts.push(update);
	const patient = `urn:uuid:${random.uuid()}`;
	const entry = [
		...Array.from({ length: observations }, () => ({
			fullUrl: `urn:uuid:${random.uuid()}`,
			resource: {
				...JSON.parse(observationText(key, seq, random)),
				identifier: [{ system: systems.group, value: key }],
				subject: { reference: patient },
			},
			request: { method: 'POST', url: 'Observation' },
		})),
		{
			resource: { ...JSON.parse(update.text as string), id: chain.id },
			request: { method: 'PUT', url: `${chain.type}/${chain.id}`, ifMatch: `W/"${now.version}"` },
		},
		{
			fullUrl: patient,
			resource: JSON.parse(patientText(systems.group, key, seq, random)),
			request: { method: 'POST', url: 'Patient' },
		},
	];
	const answer = await client.send('POST', '', JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
	const done = book(ledger, group.attempt, answer, observations + 2);
	update.state = group.attempt.state;
	if (done) update.version = now.version + 1;
	return done;
}

/** Creates unless it is there; several writers claim the same identifier at about the same time. */
async function claim(client: Client, ledger: Ledger, random: Random): Promise<boolean> {
	const seq = ledger.next();
	const key = `k${Math.floor(seq / 60)}`;
	const attempt = ledger.attempt(patientText(systems.claim, key, seq, random));
	const found = ledger.claims.get(key) ?? { key, attempts: [], ids: new Set<string>() };
	ledger.claims.set(key, found);
	found.attempts.push(attempt);
	const criteria = { 'if-none-exist': `identifier=${systems.claim}|${key}` };
	const answer = await client.send('POST', 'Patient', attempt.text, criteria);
	const done = book(ledger, attempt, answer);
	if (done) {
		const made: { id?: string } = {};
		setId(made, answer);
		if (made.id !== undefined) found.ids.add(made.id);
	}
	return done;
}

async function upload(client: Client, ledger: Ledger, random: Random): Promise<boolean> {
	ledger.next();
	const bytes = Buffer.alloc(random.between(1000, 400_000));
	for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(random.next() * 4_294_967_296), at);
	const blob: { attempt: Attempt; id?: string; digest: string } = { attempt: ledger.attempt(''), digest: digestOf(bytes) };
	ledger.blobs.push(blob);
	const answer = await client.send('POST', 'Binary', bytes, { 'content-type': 'application/octet-stream' });
	const done = book(ledger, blob.attempt, answer);
	if (done) setId(blob, answer);
	return done;
}

export function digestOf(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}
