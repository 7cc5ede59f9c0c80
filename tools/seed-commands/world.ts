// A fresh server with what the commands take for granted: a record, an administrator, applications, tokens.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { childEnv, freePort, startHeron } from '#testing/heron.ts';
import { Browser, signInAt } from '#testing/oauth.ts';
import { records } from './records.ts';

type App = { readonly id: string; readonly secret: string };

export type World = {
	/** e.g. https://localhost:12345 */
	readonly origin: string;
	/** Of a user who may do everything. */
	token: string;
	/** Of a service that exports. */
	serviceToken: string;
	/** The app that asks for patient scopes, with its tokens. */
	app: App;
	refreshToken: string;
	appToken: string;
	service: { readonly id: string; readonly key: Parameters<SignJWT['sign']>[0] };
	/** A file to send. */
	readonly pdf: string;
	/** What commands leave for later ones. */
	pid: string;
	puuid: string;
	facility: string;
	document: string;
	job: string;
	file: string;
	/** The applications whose tokens the commands use. */
	registerOthers(): Promise<void>;
	/** Sends a browser to an address, signs in and agrees; gives the code. */
	authorize(url: string): Promise<string>;
	/** Has a visit entered for the patient of the commands. */
	visit(): Promise<Readonly<Record<string, string>>>;
	/** A resource or searchset of the FHIR API. */
	fhir(path: string): Promise<Record<string, unknown>>;
};

const password = 'Correct-Horse-9-Battery';
const redirect = 'https://client.example.org/callback';
const bearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const fhirTypes = 'Patient Observation Condition MedicationRequest AllergyIntolerance Encounter DocumentReference Binary Provenance'.split(
	' ',
);
const standard = 'patient encounter allergy vital document appointment facility'.split(' ');
const userScopes = [
	'openid api:oemr api:fhir user/DocumentReference.$docref',
	...fhirTypes.map((type) => `user/${type}.cruds`),
	...standard.map((name) => `user/${name}.cruds`),
].join(' ');
const systemScopes = 'system/*.read system/Patient.$export system/Group.$export system/*.$bulkdata-status';

/**
 * Runs `work` against a server that was started for it and ends with it. `databaseUrl` is an empty PostgreSQL; without it the server brings
 * its own.
 */
export async function withWorld(work: (world: World) => Promise<void>, databaseUrl?: string): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), 'heron-seed-'));
	const httpsPort = await freePort();
	const env = {
		HERON_DATA_DIR: join(folder, 'data'),
		HERON_HTTPS_PORT: String(httpsPort),
		HERON_ADMIN_PASSWORD: password,
		HERON_DEMO: '0',
		// Nobody waits for an administrator.
		HERON_CLIENT_APPROVAL: 'automatic',
		...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
	};
	const heron = await startHeron({ env });
	try {
		setDefaultCACertificates([...getCACertificates('default'), readFileSync(join(folder, 'data', 'tls.pem'), 'utf8')]);
		await work(await worldOf(`https://localhost:${httpsPort}`, folder, await command(['token', 'seed-commands'], env)));
	} catch (error) {
		console.error(heron.output());
		throw error;
	} finally {
		await heron.stop();
		rmSync(folder, { recursive: true, force: true });
	}
}

/** `npm run heron -- …` on the installation of the server. */
function command(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
	const main = join(import.meta.dirname, '..', '..', 'src', 'commands', 'heron.ts');
	const child = spawn(process.execPath, [main, ...args], { env: { ...childEnv, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
	let out = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		out += text;
	});
	return new Promise((resolve, reject) =>
		child.on('close', (code) => (code === 0 ? resolve(out.trim()) : reject(new Error(`heron ${args.join(' ')} ended with ${code}`)))),
	);
}

async function worldOf(origin: string, folder: string, local: string): Promise<World> {
	const pdf = join(folder, 'files', 'lab-results.pdf');
	mkdirSync(join(folder, 'files'));
	writeFileSync(pdf, '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');
	const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
		const response = await fetch(`${origin}/apis/default/${path}`, {
			method,
			headers: { authorization: `Bearer ${local}`, 'content-type': path.startsWith('fhir') ? 'application/fhir+json' : 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const text = await response.text();
		assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
		return JSON.parse(text) as Record<string, unknown>;
	};
	await call('POST', 'fhir', {
		resourceType: 'Bundle',
		type: 'transaction',
		entry: records.map((resource) => ({ request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` }, resource })),
	});
	const clinic = (await call('POST', 'api/facility', { name: 'Clinic', facility_npi: '1234567893' })) as { data: { id: number } };
	const world: World = {
		origin,
		token: '',
		serviceToken: '',
		app: { id: '', secret: '' },
		refreshToken: '',
		appToken: '',
		service: { id: '', key: undefined as never },
		pdf,
		pid: '',
		puuid: '',
		facility: String(clinic.data.id),
		document: '',
		job: '',
		file: '',
		registerOthers: () => registerOthers(world),
		authorize: (url) => authorize(world, url),
		async visit() {
			await call('POST', `api/patient/${world.puuid}/encounter`, { pc_catid: '5', class_code: 'AMB', reason: 'Check-up' });
			return {};
		},
		fhir: (path) => call('GET', `fhir/${path}`),
	};
	return world;
}

async function registerOthers(world: World): Promise<void> {
	const patientScopes = 'openid offline_access launch/patient patient/Patient.read patient/Observation.read';
	world.app = await register(world, { token_endpoint_auth_method: 'client_secret_post', scope: patientScopes });
	const all = await register(world, { token_endpoint_auth_method: 'client_secret_post', scope: userScopes });
	const query = {
		response_type: 'code',
		client_id: all.id,
		redirect_uri: redirect,
		scope: userScopes,
		state: 'x',
		aud: `${world.origin}/apis/default/fhir`,
	};
	const code = await authorize(world, `${world.origin}/oauth2/default/authorize?${new URLSearchParams(query)}`);
	world.token = await tokenFor(world, {
		grant_type: 'authorization_code',
		client_id: all.id,
		client_secret: all.secret,
		redirect_uri: redirect,
		code,
	});
	const { publicKey, privateKey } = await generateKeyPair('RS384', { extractable: true });
	const jwk: JWK = { ...(await exportJWK(publicKey)), kid: 'my-key-1', alg: 'RS384', use: 'sig' };
	const { id } = await register(world, { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] }, scope: systemScopes });
	world.service = { id, key: privateKey };
	world.serviceToken = await tokenFor(world, {
		grant_type: 'client_credentials',
		client_assertion_type: bearer,
		client_assertion: await assertion(world),
		scope: systemScopes,
	});
}

async function register(world: World, more: object): Promise<App> {
	const body = {
		application_type: 'private',
		redirect_uris: [redirect],
		client_name: 'My Healthcare App',
		contacts: ['admin@example.org'],
		...more,
	};
	const response = await fetch(`${world.origin}/oauth2/default/registration`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
	const client = (await response.json()) as { client_id: string; client_secret?: string };
	assert.ok(response.ok, JSON.stringify(client));
	return { id: client.client_id, secret: client.client_secret ?? '' };
}

async function tokenFor({ origin }: World, form: Record<string, string>): Promise<string> {
	const response = await fetch(`${origin}/oauth2/default/token`, { method: 'POST', body: new URLSearchParams(form) });
	const body = (await response.json()) as { access_token: string };
	assert.ok(response.ok, JSON.stringify(body));
	return body.access_token;
}

/** What a service signs to say who it is, with the claims of the documentation. */
export async function assertion({ origin, service }: World): Promise<string> {
	return new SignJWT()
		.setProtectedHeader({ alg: 'RS384', kid: 'my-key-1', typ: 'JWT' })
		.setIssuer(service.id)
		.setSubject(service.id)
		.setAudience(`${origin}/oauth2/default/token`)
		.setJti(crypto.randomUUID())
		.setIssuedAt()
		.setExpirationTime('4m')
		.sign(service.key);
}

async function authorize({ origin, app }: World, url: string): Promise<string> {
	const browser = new Browser(origin);
	let place = await browser.get(url.replaceAll('https://localhost:9300', origin).replace('YOUR_CLIENT_ID', app.id));
	if (place.text.includes('name="password"')) place = await signInAt(browser, place, 'admin', password);
	if (place.text.includes('name="patient"')) place = await browser.submit(place, '/patient', { patient: '123' });
	if (place.text.includes('name="encounter"')) place = await browser.submit(place, '/encounter', { encounter: '' });
	if (place.text.includes('/consent"')) place = await browser.submit(place, '/consent', { decision: 'allow' });
	assert.ok(place.url.startsWith(`${redirect}?`), `${place.url} ${place.status} ${place.text.slice(0, 3000)}`);
	return new URL(place.url).searchParams.get('code') ?? '';
}
