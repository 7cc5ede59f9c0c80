// The authorization server as one part: what serves its requests, and what others need of it.

import type { Context } from 'oidc-provider';
import type { Ctx, Grant } from '#access/ctx.ts';
import type { TokenSource } from '#access/tokens.ts';
import { consentWords } from '#contract/words/consent.ts';
import { chooseLanguage, listOfLocales } from '#contract/words/words.ts';
import type { Reply, Route } from '#http/route.ts';
import type { Mount } from '#http/server.ts';
import { type Account, type Accounts, createAccounts } from './accounts/accounts.ts';
import { countAuthorization, countRegistration } from './accounts/attempts.ts';
import type { People } from './accounts/people.ts';
import { rolesOf } from './accounts/rights.ts';
import { acting, actorOf } from './accounts/telling.ts';
import { type ClientStore, createClientStore } from './clients/clients.ts';
import type { Directory } from './directory.ts';
import { errorPage, signedOutPage, signOutPage } from './pages/message.ts';
import { sessionCookie, setSession } from './pages/visit.ts';
import { createClientKeys } from './provider/client-keys.ts';
import type { BrowserSession, OAuthSettings } from './provider/configuration.ts';
import { createKeys, type Keys } from './provider/keys.ts';
import { oauthMount } from './provider/mount.ts';
import { createProtocol } from './provider/server.ts';
import { oauthRoutes } from './routes.ts';
import type { AppGrants } from './sessions/app-grants.ts';
import { listSessions, signedIn, signOut } from './sessions/sessions.ts';
import { createAppGrants } from './smart/consents.ts';
import { createTokenSource, publicClientOf } from './tokens.ts';

export type Authorization = {
	readonly routes: readonly Route<Ctx>[];
	readonly mount: Mount;
	/** Its access tokens, for createTokenVerifier. */
	readonly source: TokenSource;
	readonly clients: ClientStore;
	readonly accounts: Pick<Accounts, 'find'>;
	readonly appGrants: AppGrants;
	readonly keys: Keys;
};

export type AuthorizationDeps = {
	readonly people: People;
	readonly settings: OAuthSettings;
	readonly directory: Directory;
	/** What an account may do whatever an app asks; undefined for no limit. */
	readonly rightsOf: (account: Account) => Promise<readonly Grant[] | undefined>;
};

/** The authorization server of an installation, at `/oauth2/default` of its public address. */
export function createAuthorization({ people, settings, directory, rightsOf }: AuthorizationDeps): Authorization {
	const { db, clock, log, sealer, audit } = people;
	const { publicUrl } = people.settings;
	const issuer = `${publicUrl}/oauth2/default`;
	const accounts = createAccounts(db, people);
	const clients = createClientStore(db, settings.clientApproval, audit);
	const keys = createKeys({ db, sealer, clock, log });
	const cookieKeys = [sealer.mac('cookies', 'oauth').toString('base64url')];
	const browserSession = async (cookies: string | undefined): Promise<BrowserSession | undefined> => {
		const session = await signedIn(people, sessionCookie(people, cookies));
		return session === undefined ? undefined : { ...session, accountId: session.account.id };
	};
	const protocol = createProtocol({
		issuer,
		publicUrl,
		settings,
		db,
		clock,
		log,
		keys,
		clients,
		clientKeys: createClientKeys(clock, settings.allowPrivateUrls),
		accounts,
		people,
		facts: directory,
		browserSession,
		isSessionOpen: async (account, id) => (await listSessions(people, account)).some((session) => session.id === id),
		cookieKeys,
		errorPage: (ctx, { error, error_description: description }) => {
			const words = wordsFor(ctx);
			const reply = errorPage(words, words.errorText, { error, description });
			shown(ctx, { ...reply, status: ctx.status });
		},
		logout: (ctx) => signOutAtOnce(people, ctx),
		logoutPage: (ctx, form) => shown(ctx, signOutPage(wordsFor(ctx), form)),
		signedOutPage: (ctx) => shown(ctx, signedOutPage(wordsFor(ctx))),
		onSignedOut: (ctx) => endBrowserSession(people, ctx),
	});
	return {
		routes: oauthRoutes({ db, clock, publicUrl, issuer, provider: protocol.current, accounts, directory, people, cookieKeys, clients }),
		mount: oauthMount({
			issuer,
			protocol,
			publicClientOf: (token) => publicClientOf(db, token),
			countRegistration: (address) => countRegistration(people, address, settings.registrationsPerHour),
			countAuthorization: async (address, cookies) => {
				if ((await browserSession(cookies)) === undefined) await countAuthorization(people, address, settings.authorizationsPerHour);
			},
			refusalPage: ({ headers }, problem) => {
				const words = consentWords[chooseLanguage(headers['accept-language'])];
				const text = words.tooMany(Math.ceil(Number(problem.headers?.['retry-after'] ?? 60) / 60));
				const reply = errorPage(words, text);
				return { ...reply, status: problem.status, headers: { ...reply.headers, ...problem.headers } };
			},
			rules: { facts: directory, allowPrivate: settings.allowPrivateUrls, passwords: settings.passwordGrant !== 'off' },
		}),
		source: createTokenSource({ db, clock, accounts, rightsOf, rolesOf: (account) => rolesOf(people, account) }),
		clients,
		accounts,
		appGrants: createAppGrants(people),
		keys,
	};
}

function wordsFor(ctx: Context): (typeof consentWords)['en'] {
	const locales = ctx.oidc?.params?.ui_locales ?? ctx.query.ui_locales;
	return consentWords[chooseLanguage(listOfLocales(typeof locales === 'string' ? locales : undefined), ctx.get('accept-language'))];
}

/** Sends a page of ours through the provider's context. */
function shown(ctx: Context, { status, headers, body }: Reply): void {
	ctx.status = status;
	for (const [name, value] of Object.entries(headers ?? {})) ctx.set(name, value);
	ctx.body = body;
}

/** An app that shows whose session it is need not ask again; gives where to go then. */
async function signOutAtOnce(people: People, ctx: Context): Promise<string | undefined> {
	const { entities, params, session } = ctx.oidc;
	const { sub } = entities.IdTokenHint?.payload ?? {};
	const found = await signedIn(people, sessionCookie(people, ctx.headers.cookie));
	if (sub === undefined || (found !== undefined && found.account.id !== sub)) return undefined;
	await endBrowserSession(people, ctx);
	await session?.destroy();
	const { post_logout_redirect_uri: to, state } = params;
	if (typeof to !== 'string') return ctx.oidc.urlFor('end_session_success');
	const url = new URL(to);
	if (typeof state === 'string') url.searchParams.set('state', state);
	return url.href;
}

/** Signs the browser out and ends what was granted for this session only. */
async function endBrowserSession(people: People, ctx: Context): Promise<void> {
	const session = await signedIn(people, sessionCookie(people, ctx.headers.cookie));
	if (session === undefined) return;
	const where = { address: ctx.ip, requestId: String(ctx.res.getHeader('x-request-id')) };
	await signOut(acting(people, actorOf(session.account, where)), session.account.id, session.id);
	for (const [name, value] of Object.entries(setSession(people, undefined))) ctx.append(name, value);
}
