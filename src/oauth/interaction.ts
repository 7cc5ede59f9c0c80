// The steps between an app's request and its answer that a person takes part in: sign in, choose a patient and a visit, consent.
// Each is a page with a form; the state between them is the provider's interaction, bound to the browser by a cookie.
import { timingSafeEqual } from 'node:crypto';
import type { Client, Interaction, Provider, Result } from 'oidc-provider';
import type { Clock } from '#base/clock.ts';
import { type ConsentWords, consentWords } from '#contract/words/consent.ts';
import type { Database } from '#db/database.ts';
import type { Reply, Request } from '#http/route.ts';
import { patientsOf } from './accounts/account.ts';
import type { Account, Accounts } from './accounts/accounts.ts';
import type { People } from './accounts/people.ts';
import { tell, tellShown } from './accounts/telling.ts';
import type { ClientStore } from './clients/clients.ts';
import type { Directory, EncounterEntry, PatientEntry } from './directory.ts';
import { consentPage } from './pages/consent.ts';
import { errorPage } from './pages/message.ts';
import { seeOther } from './pages/page.ts';
import { encounterFacts, pickEncounterPage } from './pages/pick-encounter.ts';
import { pickPatientPage } from './pages/pick-patient.ts';
import { type Visit, visitOf } from './pages/visit.ts';
import { signedCookieOf } from './provider/cookies.ts';
import { grantedOf } from './scopes/narrow.ts';
import { hasLevel, needsPatient, plainScopes, scopesOf } from './scopes/scopes.ts';
import type { Session } from './sessions/sessions.ts';
import { saveConsent } from './smart/consents.ts';
import type { LaunchContext } from './smart/context.ts';
import { findLaunch } from './smart/launches.ts';

export type InteractionDeps = {
	readonly db: Database;
	readonly clock: Clock;
	readonly publicUrl: string;
	readonly issuer: string;
	readonly provider: () => Promise<Provider>;
	readonly accounts: Pick<Accounts, 'find'>;
	readonly directory: Directory;
	readonly people: People;
	readonly clients: ClientStore;
	readonly cookieKeys: readonly string[];
};

/** Everything a step knows. */
type Step = {
	readonly deps: InteractionDeps;
	readonly words: ConsentWords;
	readonly visit: Visit;
	/** Of who is wholly signed in. */
	readonly session: Session | undefined;
	readonly provider: Provider;
	readonly interaction: Interaction;
	readonly client: Client;
	/** Address of the interaction, as a path. */
	readonly path: string;
};

/** What the provider keeps for us between steps, beside its own result. */
type Kept = Result & {
	patient?: string;
	/** Empty when the person went on without one. */
	encounter?: string;
	before?: string;
};

/** What an app is let in to, beside the record: known before anybody is asked to consent. */
type Circumstances = {
	/** Of the chart the app was launched from. */
	readonly launch: LaunchContext;
	readonly patient: PatientEntry | undefined;
	/** The visit that was chosen, for an app that was not launched from a chart. */
	readonly encounter: EncounterEntry | undefined;
	/** The scopes that can be granted. */
	readonly asked: readonly string[];
};

/** `GET /oauth2/default/interaction/:uid`: whatever is to be done next. */
export async function showStep(deps: InteractionDeps, request: Request): Promise<Reply> {
	const step = await stepOf(deps, request);
	if (!('client' in step)) return step;
	const reply = await nextOf(step);
	// A language that was chosen on one page is that of the next ones.
	return { ...reply, headers: { ...reply.headers, ...step.visit.headers } };
}

async function nextOf(step: Step): Promise<Reply> {
	if (step.interaction.prompt.name === 'login') return signIn(step);
	const account = await whoConsents(step);
	if ('status' in account) return account;
	const circumstances = await circumstancesOf(step, account);
	if ('status' in circumstances) return circumstances;
	if (step.client.heron_trusted === true) return grant(step, account, circumstances, circumstances.asked);
	return consent(step, account, circumstances);
}

/** `POST …/patient`: the patient was chosen. */
export async function choosePatient(deps: InteractionDeps, request: Request): Promise<Reply> {
	const found = await postedStep(deps, request);
	if ('status' in found) return found;
	const { step, account } = found;
	const id = step.visit.form.get('patient') ?? '';
	const isAllowed =
		account.kind === 'patient' ? patientsOf(account).includes(id) : (await deps.directory.patient(account, id)) !== undefined;
	if (!isAllowed) return failure(step.words, step.words.noPatient);
	// A visit chosen before was one of somebody else.
	const { encounter: _, ...kept } = keptOf(step);
	await keep(step, { ...kept, patient: id });
	return seeOther(step.path);
}

/** `POST …/encounter`: the visit was chosen, or none. */
export async function chooseEncounter(deps: InteractionDeps, request: Request): Promise<Reply> {
	const found = await postedStep(deps, request);
	if ('status' in found) return found;
	const { step, account } = found;
	const id = step.visit.form.get('encounter');
	if (id === null || !asksForEncounter(step)) return failure(step.words, step.words.expired);
	const patient = await patientOf(step, account, {});
	if ('status' in patient) return patient;
	const isAllowed = id === '' || (await encounterOf(step, account, patient.entry, id)) !== undefined;
	if (!isAllowed) return failure(step.words, step.words.noEncounter);
	await keep(step, { ...keptOf(step), encounter: id });
	return seeOther(step.path);
}

/** `POST …/consent`: the person decided. */
export async function decide(deps: InteractionDeps, request: Request): Promise<Reply> {
	const found = await postedStep(deps, request);
	if ('status' in found) return found;
	const { step, account } = found;
	const { form } = step.visit;
	const deny = (): Promise<Reply> => finish(step, { error: 'access_denied', error_description: 'The access was not granted.' });
	if (form.get('decision') !== 'allow') return deny();
	const circumstances = await circumstancesOf(step, account);
	if ('status' in circumstances) return circumstances;
	const granted = grantedOf(circumstances.asked, form.getAll('scope'));
	if (granted.length === 0) return deny();
	return grant(step, account, circumstances, granted);
}

async function stepOf(deps: InteractionDeps, request: Request): Promise<Step | Reply> {
	const uid = request.params.uid ?? '';
	const provider = await deps.provider();
	// The cookie binds the interaction to the browser that began it.
	const isBound = signedCookieOf(cookiesOf(request), 'heron_interaction', deps.cookieKeys) === uid;
	const interaction = isBound && /^[\w-]{20,64}$/.test(uid) ? await provider.Interaction.find(uid) : undefined;
	const visit = await visitOf(deps.people, request, localesOf(interaction));
	const words = consentWords[visit.language];
	const client = interaction === undefined ? undefined : await provider.Client.find(String(interaction.params.client_id));
	if (interaction === undefined || client === undefined) return failure(words, words.expired);
	const session = visit.session?.stage === 'done' ? visit.session : undefined;
	return { deps, words, visit, session, provider, interaction, client, path: `${new URL(deps.issuer).pathname}/interaction/${uid}` };
}

async function postedStep(deps: InteractionDeps, request: Request): Promise<{ readonly step: Step; readonly account: Account } | Reply> {
	const step = await stepOf(deps, request);
	if (!('client' in step)) return step;
	const account = await whoConsents(step);
	if ('status' in account) return account;
	return isOurForm(step) ? { step, account } : failure(step.words, step.words.expired);
}

/** The languages that the app says the person prefers. */
function localesOf(interaction: Interaction | undefined): string | undefined {
	const locales = interaction?.params.ui_locales;
	return typeof locales === 'string' ? locales : undefined;
}

function cookiesOf({ headers }: Request): string | undefined {
	const { cookie } = headers;
	return Array.isArray(cookie) ? cookie.join('; ') : cookie;
}

/** The sign-in is the browser's, on pages of its own; here it is only taken note of. */
async function signIn(step: Step): Promise<Reply> {
	const { interaction, path, session } = step;
	// Who has to show anew who they are has done so when the session is another one than before.
	const again = interaction.prompt.reasons.some((reason) => reason !== 'no_session');
	const { before } = (interaction.result ?? {}) as Kept;
	if (again && before === undefined) await keep(step, { ...interaction.result, before: session?.id ?? '' });
	if (session === undefined || (again && (before === undefined || before === session.id)))
		return seeOther(signInPath(interaction, path, again));
	const ts = Math.floor(session.authenticatedAt.getTime() / 1000);
	return finish(step, { login: { accountId: session.account.id, ts, amr: session.methods, remember: false } });
}

function signInPath(interaction: Interaction, path: string, again: boolean): string {
	const locales = localesOf(interaction);
	// The pages on the way in know of the app's request only where they lead to.
	const to = locales === undefined ? path : `${path}?${new URLSearchParams({ ui_locales: locales.slice(0, 200) })}`;
	return `/account/sign-in?to=${encodeURIComponent(to)}${again ? '&again=1' : ''}`;
}

/** The account that decides; an answer when nobody is signed in any more, or somebody else. */
async function whoConsents({ deps, interaction, session, path, words }: Step): Promise<Account | Reply> {
	if (session === undefined) return seeOther(signInPath(interaction, path, false));
	if (session.account.id !== interaction.session?.accountId) return failure(words, words.expired);
	const account = await deps.accounts.find(session.account.id);
	return account ?? seeOther(signInPath(interaction, path, true));
}

/** What the app is let in to; an answer with the page on which something of it is chosen. */
async function circumstancesOf(step: Step, account: Account): Promise<Circumstances | Reply> {
	const launch = await launchOf(step, account);
	if ('status' in launch) return launch;
	const patient = await patientOf(step, account, launch.context);
	if ('status' in patient) return patient;
	const known = { launch: launch.context, patient: patient.entry };
	const asked = askedOf(step);
	if (!asksForEncounter(step)) return { ...known, encounter: undefined, asked };
	const { encounter: chosen } = keptOf(step);
	if (chosen === undefined) return pickEncounter(step, account, patient.entry);
	// The token says that there is none.
	if (chosen === '') return { ...known, encounter: undefined, asked: asked.filter((scope) => scope !== 'launch/encounter') };
	const encounter = await encounterOf(step, account, patient.entry, chosen);
	return encounter === undefined ? failure(step.words, step.words.noEncounter) : { ...known, encounter, asked };
}

async function launchOf(
	{ deps, interaction, client, words }: Step,
	account: Account,
): Promise<{ readonly context: LaunchContext } | Reply> {
	const { launch: text } = interaction.params;
	if (typeof text !== 'string') return { context: {} };
	const launch = await findLaunch(deps, text);
	if (launch === undefined || launch.clientId !== client.clientId) return failure(words, words.expired);
	if (launch.accountId !== account.id) return failure(words, words.wrongAccount);
	return launch;
}

function askedOf({ interaction, client }: Step): string[] {
	const asked = scopesOf(String(interaction.params.scope ?? ''));
	// Who gets no refresh tokens cannot stay, whatever was asked.
	return client.grantTypes.includes('refresh_token') ? asked : asked.filter((scope) => !/^(offline|online)_access$/.test(scope));
}

/**
 * Whether a visit is to be chosen. For an app that is launched from a chart, `launch/encounter` is a hint only.
 * https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-context-data
 */
function asksForEncounter(step: Step): boolean {
	return step.interaction.params.launch === undefined && askedOf(step).includes('launch/encounter');
}

function keptOf({ interaction }: Step): Kept {
	return { ...interaction.lastSubmission, ...interaction.result };
}

/** The patient it is about: of the launch, chosen, or the only one there is; none when no scope needs one; an answer with the page to choose. */
async function patientOf(
	step: Step,
	account: Account,
	context: LaunchContext,
): Promise<{ readonly entry: PatientEntry | undefined } | Reply> {
	const { deps, words } = step;
	const known = context.patient ?? keptOf(step).patient;
	if (known !== undefined) {
		const entry = await deps.directory.patient(account, known);
		return entry === undefined ? failure(words, words.noPatient) : { entry };
	}
	const isNeeded = needsPatient(askedOf(step)) || asksForEncounter(step);
	if (account.kind === 'patient') {
		const ids = patientsOf(account);
		const [only] = ids;
		if (only === undefined) return failure(words, words.noPatient);
		if (ids.length > 1 && isNeeded) return pick(step, account, ids);
		return { entry: await deps.directory.patient(account, only) };
	}
	return isNeeded ? pick(step, account, undefined) : { entry: undefined };
}

async function pick(step: Step, account: Account, ids: readonly string[] | undefined): Promise<Reply> {
	const { deps, words, client, path, visit } = step;
	const searched = ids === undefined ? (visit.query.get('search') ?? '').slice(0, 100) : undefined;
	const { patients, more } =
		ids === undefined
			? await deps.directory.findPatients(account, searched ?? '')
			: {
					patients: (await Promise.all(ids.map((id) => deps.directory.patient(account, id)))).filter((one) => one !== undefined),
					more: false,
				};
	await shown(step, { type: 'Patient', about: patients, patient: undefined, query: { search: searched ?? '' } });
	return pickPatientPage(words, {
		app: nameOf(client),
		action: `${path}/patient`,
		formToken: formToken(step),
		searched,
		patients,
		more,
		self: path,
	});
}

async function pickEncounter(step: Step, account: Account, patient: PatientEntry | undefined): Promise<Reply> {
	const { deps, words, client, path, visit } = step;
	if (patient === undefined) return failure(words, words.noPatient);
	const found = await deps.directory.findEncounters(account, patient.id, visit.query.get('page') ?? undefined);
	await shown(step, { type: 'Encounter', about: found.encounters, patient: patient.id, query: { patient: patient.id } });
	return pickEncounterPage(words, {
		...found,
		app: nameOf(client),
		patient: patient.name,
		action: `${path}/encounter`,
		formToken: formToken(step),
		self: path,
	});
}

async function encounterOf(
	{ deps }: Step,
	account: Account,
	patient: PatientEntry | undefined,
	id: string,
): Promise<EncounterEntry | undefined> {
	return patient === undefined ? undefined : deps.directory.encounter(account, id, patient.id);
}

async function consent(step: Step, account: Account, { patient, encounter, asked }: Circumstances): Promise<Reply> {
	for (const [type, one] of [
		['Patient', patient],
		['Encounter', encounter],
	] as const) {
		if (one !== undefined) await shown(step, { type, about: [one], patient: patient?.id });
	}
	const { words, client, interaction, path } = step;
	return consentPage(words, {
		app: nameOf(client),
		appUri: client.clientUri,
		termsUri: client.tosUri,
		policyUri: client.policyUri,
		redirectHost: hostOf(String(interaction.params.redirect_uri)),
		person: account.name,
		patient: patient?.name,
		encounter: encounter === undefined ? undefined : encounterFacts(words, encounter).join(' · '),
		scopes: asked,
		action: `${path}/consent`,
		formToken: formToken(step),
		otherAccount: signInPath(interaction, path, true),
		self: path,
	});
}

/** Tells the audit whom and what of the record a page names: of a list all in one entry. */
async function shown(
	{ visit, client }: Step,
	what: {
		type: 'Patient' | 'Encounter';
		about: readonly { readonly id: string }[];
		patient: string | undefined;
		query?: Record<string, string>;
	},
): Promise<void> {
	const { type, about, patient, query } = what;
	const ids = about.map(({ id }) => id);
	const isList = query !== undefined;
	const list = isList && ids.length > 0 ? `: ${ids.map((id) => `${type}/${id}`).join(' ')}` : '';
	await tellShown(visit.people, {
		type,
		id: isList ? undefined : ids[0],
		patient: patient ?? (type === 'Patient' && ids.length === 1 ? ids[0] : undefined),
		query: query === undefined ? undefined : new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')),
		detail: `shown to let client ${client.clientId} in${list}`,
	});
}

function nameOf(client: Client): string {
	return (client.clientName ?? client.clientId).slice(0, 100);
}

function hostOf(uri: string): string {
	const { protocol, host } = new URL(uri);
	return /^https?:$/.test(protocol) ? host : protocol;
}

/** How long a grant lasts at most; it is kept alive by tokens. */
const grantMs = 390 * 86_400_000;

/** Writes down what was granted and lets the app's request go on. */
async function grant(step: Step, account: Account, circumstances: Circumstances, scopes: readonly string[]): Promise<Reply> {
	const { deps, provider, client, interaction, session } = step;
	const made = new provider.Grant({ accountId: account.id, clientId: client.clientId });
	const plain = scopes.filter((scope) => plainScopes.includes(scope));
	if (plain.length > 0) made.addOIDCScope(plain.join(' '));
	const scope = scopes.join(' ');
	for (const resource of resourcesOf(deps, interaction)) made.addResourceScope(resource, scope);
	const grantId = await made.save();
	await saveConsent(
		deps.db,
		{
			grantId,
			accountId: account.id,
			clientId: client.clientId,
			scope,
			context: contextFor(circumstances, scopes),
			sessionId: session?.id,
		},
		new Date(deps.clock.now().getTime() + grantMs),
	);
	const { launch, patient, encounter } = circumstances;
	const about = [
		['Patient', launch.patient ?? patient?.id],
		['Encounter', launch.encounter ?? encounter?.id],
	].filter(([, id]) => id !== undefined);
	await tell(step.visit.people, {
		kind: 'permission',
		interaction: 'app-allowed',
		action: 'C',
		about: account,
		detail: `client ${client.clientId}${about.map(([type, id]) => `, ${type}/${id}`).join('')}: ${scope}`,
	});
	return finish(step, { consent: { grantId, scope } });
}

function resourcesOf({ publicUrl }: InteractionDeps, { params }: Interaction): string[] {
	const { resource } = params;
	if (Array.isArray(resource)) return resource as string[];
	return [typeof resource === 'string' ? resource : `${publicUrl}/apis/default/fhir`];
}

/** An app learns of the launch what its scopes entitle it to. */
function contextFor({ launch, patient, encounter: chosen }: Circumstances, scopes: readonly string[]): LaunchContext {
	const isLaunch = scopes.includes('launch');
	const { patient: _, encounter: open, ...rest } = launch;
	const asked = scopes.includes('launch/encounter') ? (chosen?.id ?? open) : undefined;
	const encounter = asked ?? (isLaunch ? open : undefined);
	const isWithPatient = isLaunch || needsPatient(scopes) || hasLevel(scopes, 'user') || (chosen !== undefined && asked !== undefined);
	return {
		...(isLaunch ? rest : {}),
		...(encounter !== undefined ? { encounter } : {}),
		...(patient !== undefined && isWithPatient ? { patient: patient.id } : {}),
	};
}

async function finish(step: Step, result: Result): Promise<Reply> {
	// The steps of one request add up.
	await keep(step, result.error === undefined ? { ...step.interaction.lastSubmission, ...result } : result);
	return seeOther(step.interaction.returnTo);
}

async function keep({ interaction, deps }: Step, result: Kept): Promise<void> {
	interaction.result = result;
	await interaction.save(Math.max(1, interaction.exp - Math.floor(deps.clock.now().getTime() / 1000)));
}

function formToken({ session, interaction }: Step): string {
	return `${session?.formToken ?? ''}${interaction.uid.slice(0, 8)}`;
}

function isOurForm(step: Step): boolean {
	const [a, b] = [Buffer.from(step.visit.form.get('form') ?? ''), Buffer.from(formToken(step))];
	return a.length === b.length && timingSafeEqual(a, b);
}

function failure(words: ConsentWords, text: string): Reply {
	return errorPage(words, text);
}
