// Holds what the server has against what the client was told.
import { isDeepStrictEqual } from 'node:util';
import type { Attempt, Blob, Chain, Claim, Group, Ledger } from './ledger.ts';
import { type Client, createClient, digestOf, systems, type Target } from './writers.ts';

export type Verdict = {
	/** Acknowledged writes that are not there, or not as they were sent. */
	readonly lost: string[];
	/** Transactions that are there by half, versions that nobody sent or that were refused, gaps in a history. */
	readonly wrong: string[];
	/** Identifiers created more than once. */
	readonly doubled: string[];
	/** Versions, resources of transactions and blobs that were read and compared. */
	checked: number;
	/** Versions whose outcome the client never heard and that turned out to have been written. */
	unheard: number;
};

type Seen = { readonly method: string; readonly version: number; readonly body: Record<string, unknown> | undefined };

/** Reads back everything, over a few connections at a time. */
export async function verify(target: Target, ledger: Ledger): Promise<Verdict> {
	const verdict: Verdict = { lost: [], wrong: [], doubled: [], checked: 0, unheard: 0 };
	const jobs: ((client: Client) => Promise<void>)[] = [
		...ledger.chains.map((chain) => (client: Client) => checkChain(client, chain, verdict)),
		...ledger.groups.map((group) => (client: Client) => checkGroup(client, group, verdict)),
		...[...ledger.claims.values()].map((claim) => (client: Client) => checkClaim(client, claim, verdict)),
		...ledger.blobs.map((blob) => (client: Client) => checkBlob(client, blob, verdict)),
	];
	let next = 0;
	const work = async (): Promise<void> => {
		const client = createClient(target);
		for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) await job(client);
		client.close();
	};
	await Promise.all(Array.from({ length: 6 }, work));
	return verdict;
}

/** Walks the versions of a resource along what was sent: only writes that were not acknowledged may be passed over. */
async function checkChain(client: Client, chain: Chain, verdict: Verdict): Promise<void> {
	const { type, key, attempts } = chain;
	const id = chain.id ?? (await findOne(client, type, systems.chain, key, verdict));
	if (id !== undefined) chain.id = id;
	if (id === undefined) {
		for (const attempt of attempts) if (attempt.state === 'acknowledged') verdict.lost.push(nameOf(chain, attempt, 'not found at all'));
		return;
	}
	const seen = await historyOf(client, `${type}/${chain.id}`);
	let at = 0;
	for (const [index, { method, version, body }] of seen.entries()) {
		if (version !== index + 1) verdict.wrong.push(`${type}/${chain.id}: version ${index + 1} is missing`);
		// Deletes have no content to tell them apart: the one that was acknowledged as this version comes before one that was not heard of.
		const owner = attempts.findIndex((one, i) => i >= at && one.state === 'acknowledged' && one.version === version);
		let attempt = attempts[at];
		while (attempt !== undefined && (owner < 0 ? !isOf(attempt, method, body) : at < owner)) {
			if (attempt.state === 'acknowledged') verdict.lost.push(nameOf(chain, attempt, `version ${version} is another`));
			attempt = attempts[++at];
		}
		at++;
		if (attempt === undefined) verdict.wrong.push(`${type}/${chain.id} version ${version} was sent by nobody`);
		else if (!isOf(attempt, method, body)) verdict.lost.push(nameOf(chain, attempt, `version ${version} is another`));
		else await checkVersion(client, chain, attempt, version, body, verdict);
	}
	for (const attempt of attempts.slice(at))
		if (attempt.state === 'acknowledged') verdict.lost.push(nameOf(chain, attempt, 'not in its history'));
}

async function checkVersion(
	client: Client,
	chain: Chain,
	attempt: Attempt,
	version: number,
	body: Record<string, unknown> | undefined,
	verdict: Verdict,
): Promise<void> {
	verdict.checked++;
	if (attempt.state === 'unknown') verdict.unheard++;
	if (attempt.state === 'refused')
		verdict.wrong.push(nameOf(chain, attempt, `refused, but there as version ${version}: ${attempt.answer}`));
	if (attempt.state === 'acknowledged' && attempt.version !== undefined && attempt.version !== version)
		verdict.lost.push(nameOf(chain, attempt, `acknowledged as version ${attempt.version}, there as ${version}`));
	const read = await client.json(`${chain.type}/${chain.id}/_history/${version}`);
	if (attempt.text === undefined) {
		if (read?.status !== 410) verdict.lost.push(nameOf(chain, attempt, `a read of the deletion says ${read?.status}`));
		return;
	}
	const sent = JSON.parse(attempt.text) as Record<string, unknown>;
	if (!isDeepStrictEqual(bare(read?.body), sent)) verdict.lost.push(nameOf(chain, attempt, `version ${version} reads otherwise`));
	if (!isDeepStrictEqual(bare(body), sent)) verdict.lost.push(nameOf(chain, attempt, `version ${version} is otherwise in the history`));
}

/** Whether a version is what an attempt sent; each write carries its number. */
function isOf(attempt: Attempt, method: string, body: Record<string, unknown> | undefined): boolean {
	if (attempt.text === undefined || method === 'DELETE') return attempt.text === undefined && method === 'DELETE';
	return markOf(body) === markOf(JSON.parse(attempt.text));
}

function markOf(body: Record<string, unknown> | undefined): string | undefined {
	return (body?.identifier as { value: string }[] | undefined)?.[1]?.value;
}

function bare(body: Record<string, unknown> | undefined): object {
	const { id: _id, meta: _meta, ...rest } = body ?? {};
	return rest;
}

function nameOf(chain: Chain, attempt: Attempt, what: string): string {
	return `${chain.type}/${chain.id ?? chain.key}, write ${attempt.seq} of round ${attempt.round}: ${what}`;
}

/** Versions from the first to the last. */
async function historyOf(client: Client, path: string): Promise<Seen[]> {
	const found: Seen[] = [];
	let next: string | undefined = `${path}/_history?_count=200`;
	while (next !== undefined) {
		const page = await client.json(next);
		if (page?.status !== 200) break;
		type Entry = { resource?: Record<string, unknown>; request: { method: string }; response: { etag: string } };
		for (const { resource, request, response } of (page.body.entry ?? []) as Entry[]) {
			found.push({ method: request.method, version: Number(/\d+/.exec(response.etag)?.[0]), body: resource });
		}
		next = linkOf(page.body, 'next');
	}
	return found.reverse();
}

function linkOf(bundle: Record<string, unknown>, relation: string): string | undefined {
	const link = (bundle.link as { relation: string; url: string }[] | undefined)?.find((one) => one.relation === relation);
	return link?.url.replace(/^.*?\/apis\/default\/fhir\//, '');
}

async function findAll(client: Client, type: string, system: string, key: string): Promise<{ id: string; [element: string]: unknown }[]> {
	const found = await client.json(`${type}?identifier=${system}%7C${key}&_count=200`);
	return ((found?.body.entry ?? []) as { resource: { id: string } }[]).map(({ resource }) => resource);
}

async function findOne(client: Client, type: string, system: string, key: string, verdict: Verdict): Promise<string | undefined> {
	const found = await findAll(client, type, system, key);
	if (found.length > 1) verdict.doubled.push(`${type} ${key} is there ${found.length} times`);
	return found[0]?.id;
}

/** All of a transaction or nothing of it, its part in the chain included. */
async function checkGroup(client: Client, { attempt, key, observations, chain, update }: Group, verdict: Verdict): Promise<void> {
	const patients = await findAll(client, 'Patient', systems.group, key);
	const found = await findAll(client, 'Observation', systems.group, key);
	const versions = chain.id === undefined ? [] : await historyOf(client, `${chain.type}/${chain.id}`);
	const updated = versions.some(({ body }) => markOf(body) === String(update.seq));
	verdict.checked += found.length + patients.length;
	const counts = `${patients.length} of 1 patient, ${found.length} of ${observations} observations, ${updated ? 'with' : 'without'} the update`;
	const whole = patients.length === 1 && found.length === observations && updated;
	const name = `transaction ${attempt.seq} of round ${attempt.round}`;
	if (attempt.state === 'acknowledged' && !whole) verdict.lost.push(`${name}: ${counts}`);
	else if (!whole && (patients.length > 0 || found.length > 0 || updated)) verdict.wrong.push(`${name} is there by half: ${counts}`);
	else if (whole && attempt.state === 'refused') verdict.wrong.push(`${name} was refused but is there: ${attempt.answer}`);
	for (const { id, subject } of found) {
		if ((subject as { reference?: string })?.reference !== `Patient/${patients[0]?.id}`)
			verdict.wrong.push(`Observation/${id} of ${name} does not refer to its patient`);
	}
}

async function checkClaim(client: Client, { key, attempts, ids }: Claim, verdict: Verdict): Promise<void> {
	const found = await findAll(client, 'Patient', systems.claim, key);
	verdict.checked++;
	if (found.length > 1 || ids.size > 1) verdict.doubled.push(`${key} was created ${Math.max(found.length, ids.size)} times`);
	const [one] = found;
	if (one === undefined) {
		if (attempts.some(({ state }) => state === 'acknowledged')) verdict.lost.push(`${key} is not there`);
		return;
	}
	if (ids.size === 1 && !ids.has(one.id)) verdict.lost.push(`${key} is not the resource that was acknowledged`);
	const sent = attempts.find(({ text }) => markOf(JSON.parse(text as string)) === markOf(one));
	if (sent === undefined || sent.state === 'refused') verdict.wrong.push(`${key} is there as nobody sent it`);
	else if (!isDeepStrictEqual(bare(one), JSON.parse(sent.text as string))) verdict.lost.push(`${key} reads otherwise than it was sent`);
}

async function checkBlob(client: Client, { attempt, id, digest }: Blob, verdict: Verdict): Promise<void> {
	if (attempt.state !== 'acknowledged') return;
	const answer = await client.send('GET', `Binary/${id}`, undefined, { accept: 'application/octet-stream' });
	verdict.checked++;
	if (answer?.status !== 200 || digestOf(answer.body) !== digest)
		verdict.lost.push(`Binary/${id} of round ${attempt.round}: status ${answer?.status}, other bytes than were sent`);
}
