// What it costs to ask who somebody is and to note it, and how many tokens services get.
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { builtInRoles, roleGrants } from '#access/roles.ts';
import { mintToken } from '#access/tokens.ts';
import { raw, sql } from '#db/sql.ts';
import { startHeron } from '#testing/heron.ts';
import { type Finding, finding } from '../finding.ts';
import { requestBytes } from '../load/connection.ts';
import type { Outcome } from '../load/job.ts';
import type { Load } from '../load/load.ts';
import { median, rateOf, type Sample } from '../measure.ts';
import { cpuSeconds } from '../metrics.ts';
import type { Options } from '../options.ts';
import { startOpen } from '../references/reference.ts';
import { get } from '../requests.ts';
import { environment, type Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

export const access: Workload = { name: 'access', run: runAccess };
export const tokens: Workload = { name: 'tokens', run: runTokens };

const connections = 32;

/** The same reads with and without a door, and with and without the audit. */
async function runAccess(stage: Stage): Promise<Finding[]> {
	const { home, load } = stage;
	const rows = await home.db.rows(raw('SELECT id FROM fhir.patient ORDER BY random() LIMIT 5000'));
	const paths = rows.map(([id]) => `Patient/${id}`);
	const ids = home.charts.filter((one) => one.length > 80).map(([patient]) => patient?.id as string);
	const nurse = roleGrants(
		{ fhirUser: 'Practitioner/none' },
		builtInRoles.filter(({ name }) => name === 'nurse'),
	);
	const caller = { kind: 'user', id: 'nurse', name: 'nurse', grants: nurse } as const;
	const asNurse = { authorization: `Bearer ${await mintToken(home.db, caller, new Date(Date.now() + 86_400_000))}` };
	const chart = (id: string): string => `Observation?patient=${id}&date=ge2010-01-01&_sort=-date&_count=50`;
	load.define('access', { requests: paths.map((path) => get(home, path)) });
	load.define('access search', { requests: ids.map((id) => get(home, chart(id))) });
	load.define('access nurse', { requests: ids.map((id) => get(home, chart(id), asNurse)) });
	// Servers that have done nothing before and do nothing else: one that has served for minutes, or searches too, has another heap.
	return [...(await readsOf(stage)), ...(await searchesOf(stage))];
}

const about = (what: string): { workload: string; what: string; unit: string } => ({ workload: 'access', what, unit: 'req/s' });

async function readsOf({ home, load, options }: Stage): Promise<Finding[]> {
	const quiet = { ...environment(home.config), HERON_AUDIT: 'off' };
	const open = await startOpen({ ...quiet, HERON_HTTP_PORT: '1' });
	const silent = await startHeron({ env: quiet });
	const noted = await startHeron({ env: environment(home.config) });
	try {
		const lanes = [
			{ name: 'open', port: open.port, run: 'access', cpuSeconds: open.cpuSeconds },
			{ name: 'authorised', port: silent.port, run: 'access', cpuSeconds: () => cpuSeconds(silent.port) },
			{ name: 'audited', port: noted.port, run: 'access', cpuSeconds: () => cpuSeconds(noted.port) },
		] as const;
		const { rates, cpu } = await compared(lanes, load, options, warmReads);
		return [
			finding(about('Patient by id, nobody is asked who they are'), rates.open),
			finding(about('the same with a token'), rates.authorised, [{ to: 'open', samples: rates.open, goal: { atLeast: 0.85 } }]),
			finding(about('the same, and every read noted in the audit'), rates.audited, [
				{ to: 'without audit', samples: rates.authorised, goal: { atLeast: 0.9 } },
			]),
			finding({ workload: 'access', what: 'Node CPU per read with a token', unit: 'µs' }, cpu.authorised, [
				{ to: 'open', samples: cpu.open, goal: { atMost: 1.18 } },
			]),
			finding({ workload: 'access', what: 'Node CPU per read that is noted', unit: 'µs' }, cpu.audited, [
				{ to: 'without audit', samples: cpu.authorised, goal: { atMost: 1.11 } },
			]),
		];
	} finally {
		open.stop();
		await silent.stop();
		await noted.stop();
	}
}

async function searchesOf({ home, load, options }: Stage): Promise<Finding[]> {
	const quiet = { ...environment(home.config), HERON_AUDIT: 'off' };
	const open = await startOpen({ ...quiet, HERON_HTTP_PORT: '1' });
	const silent = await startHeron({ env: quiet });
	try {
		const lanes = [
			{ name: 'open', port: open.port, run: 'access search', cpuSeconds: open.cpuSeconds },
			{ name: 'nurse', port: silent.port, run: 'access nurse', cpuSeconds: () => cpuSeconds(silent.port) },
		] as const;
		const { rates } = await compared(lanes, load, options, warmSearches);
		return [
			finding(about('50 observations of a patient, nobody is asked'), rates.open),
			finding(about('the same as a nurse (nothing sensitive)'), rates.nurse, [{ to: 'open', samples: rates.open }]),
		];
	} finally {
		open.stop();
		await silent.stop();
	}
}

/** A round is so many short turns of every lane: whatever else the machine does for a moment falls on all alike. */
const turnsOfRound = 8;
/** Turns in the time of a slice of other workloads. */
const turnsOfSlice = 4;

/** What a new server needs until its code is as fast as it gets: the first ten thousand reads take twice the time of the last. */
const warmReads = 60_000;
const warmSearches = 3000;

type Door<Name extends string> = {
	readonly name: Name;
	readonly port: number;
	readonly run: string;
	readonly cpuSeconds: () => Promise<number>;
};

type Turn = { readonly outcome: Outcome; readonly cpuSeconds: number };

/** Of each lane, round by round: requests a second, and microseconds of its server's processor time for each, which say more where others use the machine too. */
async function compared<Name extends string>(lanes: readonly Door<Name>[], load: Load, { rounds, seconds }: Options, warm: number) {
	const rates = {} as Record<Name, Sample[]>;
	const cpu = {} as Record<Name, Sample[]>;
	for (const { name } of lanes) rates[name] = cpu[name] = [];
	for (const { port, run } of lanes) await load.run({ port, connections, requests: warm, run });
	for (let round = 0; round < rounds; round++) {
		const turns = await roundOf(lanes, load, seconds / turnsOfSlice);
		for (const { name } of lanes) {
			const [rate, used] = summed(turns.get(name) ?? []);
			rates[name] = [...rates[name], rate];
			cpu[name] = [...cpu[name], used];
		}
	}
	return { rates, cpu };
}

async function roundOf<Name extends string>(lanes: readonly Door<Name>[], load: Load, seconds: number): Promise<Map<Name, Turn[]>> {
	const turns = new Map<Name, Turn[]>(lanes.map(({ name }) => [name, []]));
	for (let turn = 0; turn < turnsOfRound; turn++) {
		for (let at = 0; at < lanes.length; at++) {
			const { name, port, run, cpuSeconds: read } = lanes[(at + turn) % lanes.length] as Door<Name>;
			const before = await read();
			const outcome = await load.run({ port, connections, seconds, run });
			turns.get(name)?.push({ outcome, cpuSeconds: (await read()) - before });
		}
	}
	return turns;
}

/** Turns of a lane as one sample of its rate and one of its processor time. */
function summed(turns: readonly Turn[]): [rate: Sample, cpu: Sample] {
	const sum = (of: (turn: Turn) => number): number => turns.reduce((total, turn) => total + of(turn), 0);
	const ok = sum(({ outcome }) => outcome.ok);
	const samples = turns.map(({ outcome }) => rateOf(outcome));
	const failed = samples.reduce((total, sample) => total + (sample.failed ?? 0), 0);
	const complaint = samples.find((sample) => sample.complaint !== undefined)?.complaint;
	const times = { p50: median(samples.map(({ p50 }) => p50 as number)), p99: median(samples.map(({ p99 }) => p99 as number)) };
	const rate = {
		value: ok / sum(({ outcome }) => outcome.seconds),
		...times,
		...(failed === 0 ? {} : { failed }),
		...(complaint === undefined ? {} : { complaint }),
	};
	return [rate, { value: (sum(({ cpuSeconds: spent }) => spent) * 1e6) / ok }];
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const perTurn = 400;

/** Access tokens for a backend service: each with an assertion of its own, for each is good once. */
async function runTokens(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const issuer = `${environment(home.config).HERON_PUBLIC_URL}/oauth2/default`;
	const findings: Finding[] = [];
	for (const alg of ['ES384', 'RS384']) {
		const { privateKey, publicKey } = await generateKeyPair(alg);
		const client = await register(stage, { ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' });
		const samples: Sample[] = [];
		for (let round = -1; round < options.rounds; round++) {
			const requests = await Promise.all(Array.from({ length: perTurn }, () => tokenRequest(issuer, client, { alg, privateKey })));
			load.define('tokens', { requests });
			const outcome = await load.run({ port: home.heron.port, connections: 8, requests: perTurn, run: 'tokens' });
			if (round >= 0) samples.push(rateOf(outcome));
		}
		findings.push(finding({ workload: 'tokens', what: `client credentials, assertion by ${alg}, 8 connections`, unit: 'req/s' }, samples));
	}
	return findings;
}

async function register({ home }: Stage, jwk: object): Promise<string> {
	const response = await fetch(`http://127.0.0.1:${home.heron.port}/oauth2/default/registration`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({
			application_type: 'private',
			token_endpoint_auth_method: 'private_key_jwt',
			client_name: 'bench',
			scope: 'system/Patient.rs',
			jwks: { keys: [jwk] },
		}),
	});
	const { client_id: id } = (await response.json()) as { client_id: string };
	await home.db.execute(sql`UPDATE oauth.client SET enabled = true WHERE id = ${id}`);
	return id;
}

let serial = 0;

async function tokenRequest(issuer: string, client: string, { alg, privateKey }: { alg: string; privateKey: CryptoKey }): Promise<Buffer> {
	const now = Math.floor(Date.now() / 1000);
	const assertion = await new SignJWT({
		iss: client,
		sub: client,
		aud: `${issuer}/token`,
		jti: `bench-${process.pid}-${serial++}`,
		iat: now,
		exp: now + 600,
	})
		.setProtectedHeader({ alg, kid: alg, typ: 'JWT' })
		.sign(privateKey);
	const form = {
		grant_type: 'client_credentials',
		scope: 'system/Patient.rs',
		client_assertion_type: assertionType,
		client_assertion: assertion,
	};
	const headers = { 'content-type': 'application/x-www-form-urlencoded' };
	return requestBytes('POST', '/oauth2/default/token', headers, new URLSearchParams(form).toString());
}
