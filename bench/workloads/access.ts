// What it costs to ask who somebody is and to note it, and how many tokens services get.
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { builtInRoles, roleGrants } from '#access/roles.ts';
import { mintToken } from '#access/tokens.ts';
import { raw, sql } from '#db/sql.ts';
import { startHeron } from '#testing/heron.ts';
import { type Finding, finding } from '../finding.ts';
import { requestBytes } from '../load/connection.ts';
import { interleave, rateOf, type Sample } from '../measure.ts';
import { costed, cpuSeconds } from '../metrics.ts';
import { startOpen } from '../references/reference.ts';
import { get } from '../requests.ts';
import { environment, type Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

export const access: Workload = { name: 'access', run: runAccess };
export const tokens: Workload = { name: 'tokens', run: runTokens };

const connections = 32;

/** The same reads with and without a door, and with and without the audit. */
async function runAccess(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
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
	const quiet = { ...environment(home.config), HERON_AUDIT: 'off' };
	const open = await startOpen({ ...quiet, HERON_HTTP_PORT: '1' });
	// Two servers that have done nothing before: one that has served for minutes has another heap.
	const silent = await startHeron({ env: quiet });
	const noted = await startHeron({ env: environment(home.config) });
	const used: Record<string, Sample[]> = {};
	/** Rate and, on the side, processor time: on a machine that others use too, only that says what a door costs. */
	const burst = (name: string, port: number, run: string, read: () => Promise<number>) => async (): Promise<Sample> => {
		const { outcome, cpu } = await costed(read, () => load.run({ port, connections, seconds: options.seconds, run }));
		used[name] = [...(used[name] ?? []), cpu];
		return rateOf(outcome);
	};
	const cpuOf = (name: string): Sample[] => (used[name] ?? []).slice(-options.rounds);
	try {
		const samples = await interleave(
			[
				{ name: 'open', run: burst('open', open.port, 'access', open.cpuSeconds) },
				{ name: 'authorised', run: burst('authorised', silent.port, 'access', () => cpuSeconds(silent.port)) },
				{ name: 'audited', run: burst('audited', noted.port, 'access', () => cpuSeconds(noted.port)) },
				{ name: 'openSearch', run: burst('openSearch', open.port, 'access search', open.cpuSeconds) },
				{ name: 'nurse', run: burst('nurse', silent.port, 'access nurse', () => cpuSeconds(silent.port)) },
			],
			options.rounds,
		);
		const about = (what: string): { workload: string; what: string; unit: string } => ({ workload: 'access', what, unit: 'req/s' });
		return [
			finding(about('Patient by id, nobody is asked who they are'), samples.open),
			finding(about('the same with a token'), samples.authorised, [{ to: 'open', samples: samples.open, goal: { atLeast: 0.85 } }]),
			finding(about('the same, and every read noted in the audit'), samples.audited, [
				{ to: 'without audit', samples: samples.authorised, goal: { atLeast: 0.9 } },
			]),
			finding({ workload: 'access', what: 'Node CPU per read with a token', unit: 'µs' }, cpuOf('authorised'), [
				{ to: 'open', samples: cpuOf('open'), goal: { atMost: 1.18 } },
			]),
			finding({ workload: 'access', what: 'Node CPU per read that is noted', unit: 'µs' }, cpuOf('audited'), [
				{ to: 'without audit', samples: cpuOf('authorised'), goal: { atMost: 1.11 } },
			]),
			finding(about('50 observations of a patient, nobody is asked'), samples.openSearch),
			finding(about('the same as a nurse (nothing sensitive)'), samples.nurse, [{ to: 'open', samples: samples.openSearch }]),
		];
	} finally {
		open.stop();
		await silent.stop();
		await noted.stop();
	}
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
