// `POST /app/smart/launch`: opens an app from a chart. https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch
import type { Ctx } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Database } from '#db/database.ts';
import type { Reply, Request } from '#http/route.ts';
import type { Accounts } from '#oauth/accounts/accounts.ts';
import type { ClientStore } from '#oauth/clients/clients.ts';
import type { Directory } from '#oauth/directory.ts';
import type { FhirContext, LaunchContext } from './context.ts';
import { makeLaunch } from './launches.ts';

type Deps = {
	readonly db: Database;
	readonly clients: ClientStore;
	readonly accounts: Pick<Accounts, 'find'>;
	readonly directory: Directory;
	readonly publicUrl: string;
};

/**
 * Makes a launch for who is signed in: `{ client_id, patient, encounter?, fhirContext?, intent? }`; gives `{ launch, url, iss }`, the url
 * for the browser to go to. Throws Problem invalid, not-found or forbidden.
 */
export async function launchApp(deps: Deps, ctx: Ctx, request: Request): Promise<Reply> {
	const account = ctx.caller.kind === 'user' || ctx.caller.kind === 'patient' ? await deps.accounts.find(ctx.caller.id) : undefined;
	if (account === undefined) throw new Problem('forbidden', 'not-an-account', 'Only somebody who is signed in can launch an app.');
	const asked = read(await request.body(64 * 1024));
	const client = await deps.clients.find(asked.clientId);
	if (client === undefined || !client.enabled)
		throw new Problem('not-found', 'no-such-client', 'There is no such app, or it is not enabled.');
	if (client.launchUri === undefined)
		throw new Problem('invalid', 'not-launchable', 'This app did not say where it is launched (initiate_login_uri).');
	const { patient, encounter } = asked.context;
	if (patient !== undefined && (await deps.directory.patient(account, patient)) === undefined)
		throw new Problem('not-found', 'no-such-patient', 'There is no such patient whom this account may see.');
	if (encounter !== undefined && (patient === undefined || (await deps.directory.encounter(account, encounter, patient)) === undefined))
		throw new Problem('not-found', 'no-such-encounter', 'This patient has no such encounter.');
	const launch = await makeLaunch(
		{ db: deps.db, clock: ctx.clock },
		{ accountId: account.id, clientId: client.id, context: asked.context },
	);
	const iss = `${deps.publicUrl}/apis/default/fhir`;
	const url = new URL(client.launchUri);
	url.searchParams.set('iss', iss);
	url.searchParams.set('launch', launch);
	return {
		status: 201,
		headers: { 'content-type': 'application/json; charset=utf-8' },
		body: JSON.stringify({ launch, iss, url: url.href }),
	};
}

function read(bytes: Buffer): { readonly clientId: string; readonly context: LaunchContext } {
	let body: unknown;
	try {
		body = JSON.parse(bytes.toString('utf8'));
	} catch {
		body = undefined;
	}
	if (typeof body !== 'object' || body === null) throw invalid('the body must be a JSON object');
	const {
		client_id: clientId,
		patient,
		encounter,
		fhirContext,
		intent,
		need_patient_banner: banner = false,
	} = body as Record<string, unknown>;
	if (!isText(clientId, 200)) throw invalid('client_id must be a text');
	if (intent !== undefined && !isText(intent, 200)) throw invalid('intent must be a text');
	if (typeof banner !== 'boolean') throw invalid('need_patient_banner must be true or false');
	return {
		clientId,
		context: {
			...(patient === undefined ? {} : { patient: idOf('patient', patient) }),
			...(encounter === undefined ? {} : { encounter: idOf('encounter', encounter) }),
			...(fhirContext === undefined ? {} : { fhirContext: contextOf(fhirContext) }),
			...(intent === undefined ? {} : { intent }),
			need_patient_banner: banner,
		},
	};
}

/** A text that the database takes. */
function isText(value: unknown, most: number): value is string {
	return typeof value === 'string' && value.length <= most && value.isWellFormed() && !value.includes('\0');
}

function idOf(name: string, value: unknown): string {
	if (typeof value !== 'string' || !/^[A-Za-z0-9\-.]{1,64}$/.test(value)) throw invalid(`${name} must be an id`);
	return value;
}

const members = ['reference', 'canonical', 'role', 'type'] as const;

function contextOf(value: unknown): FhirContext[] {
	const fits = (one: unknown): one is FhirContext =>
		typeof one === 'object' &&
		one !== null &&
		Object.entries(one).every(([name, text]) => members.includes(name as 'role') && isText(text, 500));
	if (!Array.isArray(value) || value.length > 50 || !value.every(fits)) throw invalid('fhirContext must be a list of references');
	return value;
}

function invalid(why: string): Problem {
	return new Problem('invalid', 'launch-invalid', `This cannot be launched: ${why}.`);
}
