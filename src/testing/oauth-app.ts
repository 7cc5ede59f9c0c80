// An application as tests play it, over a server of oauth.ts: registers, sends a person through the pages, gets and uses tokens. With a
// small practice to look at: a doctor, two patients, observations of each.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { update } from '#fhir/interactions/update.ts';
import type { Resource } from '#fhir/resource.ts';
import { Browser, type OAuthServer, type Place, signInAt } from './oauth.ts';

export const password = 'Correct-Horse-9-Battery';
export const redirect = 'https://client.example.org/callback';

/** Stores resources as an administrator. */
export async function store(server: OAuthServer, ...resources: readonly object[]): Promise<void> {
	for (const resource of resources as Resource[])
		await update(server.ctx, { type: resource.resourceType, id: resource.id as string, resource });
}

/** An observation of a patient in a category of the usual code system. */
export function observation(id: string, patient: string, code: string): object {
	return {
		resourceType: 'Observation',
		id,
		status: 'final',
		category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }] }],
		code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
		subject: { reference: `Patient/${patient}` },
	};
}

/** A facility, or another organization by its code of HL7's organization types. */
export function facility(id: string, more: object = {}, code = 'prov'): object {
	const type = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/organization-type', code }] }];
	return { resourceType: 'Organization', id, active: true, name: `Place ${id}`, type, ...more };
}

/** Patients `pa` and `pb`, the accounts `doctor` (Practitioner/dr) and `ann` (Patient/pa). */
export async function practice(server: OAuthServer): Promise<void> {
	await store(
		server,
		{ resourceType: 'Patient', id: 'pa', name: [{ family: 'Adams', given: ['Ann'] }], birthDate: '1970-01-31' },
		{ resourceType: 'Patient', id: 'pb', name: [{ family: 'Brown', given: ['Bob'] }], birthDate: '1980-02-01' },
		{ resourceType: 'Practitioner', id: 'dr', name: [{ family: 'Who' }] },
		{ resourceType: 'Encounter', id: 'ea', status: 'in-progress', class: { code: 'AMB' }, subject: { reference: 'Patient/pa' } },
		{ resourceType: 'Encounter', id: 'eb', status: 'in-progress', class: { code: 'AMB' }, subject: { reference: 'Patient/pb' } },
		observation('vital-a', 'pa', 'vital-signs'),
		observation('lab-a', 'pa', 'laboratory'),
		observation('vital-b', 'pb', 'vital-signs'),
		observation('lab-b', 'pb', 'laboratory'),
	);
	const { accounts } = server;
	await accounts.create({
		kind: 'user',
		username: 'doctor',
		name: 'Dr. Who',
		role: 'physician',
		fhirUser: 'Practitioner/dr',
		email: 'who@example.org',
		password,
	});
	await accounts.create({ kind: 'patient', username: 'ann', name: 'Ann Adams', role: '', patient: 'pa', password });
}

export type Client = {
	readonly client_id: string;
	readonly client_secret: string;
	readonly registration_access_token: string;
	readonly registration_client_uri: string;
	readonly [name: string]: unknown;
};

export type Answer = { readonly status: number; readonly headers: Headers; readonly body: Record<string, unknown> };

async function answerOf(response: Response): Promise<Answer> {
	const text = await response.text();
	return { status: response.status, headers: response.headers, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

/** Sends a registration as JSON. */
export async function postRegistration(server: OAuthServer, body: unknown): Promise<Answer> {
	const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
	return answerOf(await fetch(`${server.issuer}/registration`, init));
}

/** Registers a client; it has to be taken. */
export async function register(server: OAuthServer, body: object): Promise<Client> {
	const { status, body: client } = await postRegistration(server, body);
	assert.equal(status, 201, JSON.stringify(client));
	return client as Client;
}

/** A confidential client that an administrator has enabled. */
export async function confidential(server: OAuthServer, scope: string, more: object = {}): Promise<Client> {
	const client = await register(server, {
		application_type: 'private',
		redirect_uris: [redirect],
		client_name: 'My Healthcare App',
		token_endpoint_auth_method: 'client_secret_post',
		scope,
		...more,
	});
	await server.authorization.clients.setEnabled(client.client_id, true);
	return client;
}

export function authorizeUrl(server: OAuthServer, client: Client, parameters: Readonly<Record<string, string>>): string {
	const { client_id } = client;
	const query = { response_type: 'code', client_id, redirect_uri: redirect, state: 'xyz', aud: server.fhirBase, ...parameters };
	return `${server.issuer}/authorize?${new URLSearchParams(query)}`;
}

/** A form to one of the protocol's endpoints. */
export async function post(
	server: OAuthServer,
	path: string,
	form: Readonly<Record<string, string>>,
	headers: Record<string, string> = {},
): Promise<Answer> {
	return answerOf(await fetch(`${server.issuer}/${path}`, { method: 'POST', body: new URLSearchParams(form), headers }));
}

export type Walk = {
	readonly who?: string;
	readonly patient?: string;
	/** The visit that is chosen when one is asked for; empty for none. */
	readonly encounter?: string;
	/** Boxes that are left ticked on the consent page; all that were when absent. */
	readonly scopes?: readonly string[];
	readonly decision?: 'allow' | 'deny';
	readonly browser?: Browser;
};

/** Goes from the app's request to where the browser is sent back to. */
export async function walk(
	server: OAuthServer,
	url: string,
	{ who = 'doctor', patient = 'pa', encounter = 'ea', scopes, decision = 'allow', browser }: Walk = {},
): Promise<Place> {
	const used = browser ?? new Browser(server.origin);
	let place = await used.get(url);
	if (place.text.includes('name="password"')) place = await signInAt(used, place, who, password);
	if (place.text.includes('name="patient"')) place = await used.submit(place, '/patient', { patient });
	if (place.text.includes('name="encounter"')) place = await used.submit(place, '/encounter', { encounter });
	if (!place.text.includes('/consent"')) return place;
	return used.submit(place, '/consent', { decision, ...(scopes === undefined ? {} : { scope: scopes }) });
}

/** The members of the query that a browser came back with. */
export function backWith({ url }: Place): Record<string, string> {
	return Object.fromEntries(new URL(url).searchParams);
}

export type Proof = { readonly verifier: string; readonly challenge: string };

export function proof(): Proof {
	const verifier = randomBytes(32).toString('base64url');
	return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** Changes a code for tokens. */
export function redeem(server: OAuthServer, client: Client, place: Place, more: Record<string, string> = {}): Promise<Answer> {
	return post(server, 'token', {
		grant_type: 'authorization_code',
		client_id: client.client_id,
		...(client.client_secret === undefined ? {} : { client_secret: client.client_secret }),
		redirect_uri: redirect,
		code: backWith(place).code ?? '',
		...more,
	});
}

/** The whole way with an enabled client: request, pages, code, tokens. */
export async function tokensFor(
	server: OAuthServer,
	client: Client,
	scope: string,
	how: Walk & { readonly parameters?: Record<string, string> } = {},
): Promise<Record<string, unknown>> {
	const place = await walk(server, authorizeUrl(server, client, { scope, ...how.parameters }), how);
	const { status, body } = await redeem(server, client, place);
	assert.equal(status, 200, `${place.url} ${place.text.slice(0, 2000)} ${JSON.stringify(body)}`);
	return body;
}

export function refresh(server: OAuthServer, client: Client, token: unknown, more: Record<string, string> = {}): Promise<Answer> {
	return post(server, 'token', {
		grant_type: 'refresh_token',
		client_id: client.client_id,
		...(client.client_secret === undefined ? {} : { client_secret: client.client_secret }),
		refresh_token: String(token),
		...more,
	});
}
