// How oidc-provider is set up: which parts are on, how long things live, which scopes a token gets, and where everything is kept.
// https://github.com/panva/node-oidc-provider/blob/main/docs/README.md
import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import { type Client, type Context, errors, type Model } from 'oidc-provider';
import type { Clock } from '#base/clock.ts';
import type { Database } from '#db/database.ts';
import type { Accounts } from '#oauth/accounts/accounts.ts';
import type { People } from '#oauth/accounts/people.ts';
import { claimNames, claimsOf } from '#oauth/claims.ts';
import type { ClientStore } from '#oauth/clients/clients.ts';
import { extraMembers } from '#oauth/clients/registration.ts';
import { allowedOf, hasLevel, isKnown, plainScopes, type RecordFacts, scopesOf } from '#oauth/scopes/scopes.ts';
import { findConsent } from '#oauth/smart/consents.ts';
import { contextMembers } from '#oauth/smart/context.ts';
import { findLaunch } from '#oauth/smart/launches.ts';
import { createAdapter } from './adapter.ts';
import type { ClientKeys } from './client-keys.ts';
import { rememberedGrant } from './remembered.ts';

export type OAuthSettings = {
	/** `manual`: clients that want a user's or the system's data wait for an administrator. */
	readonly clientApproval: 'manual' | 'automatic';
	/** Who has to use PKCE. */
	readonly requirePkce: 'public' | 'all';
	/** Takes http, loopback and private addresses of clients; for development. */
	readonly allowPrivateUrls: boolean;
	/** Seconds a client's assertion may live. */
	readonly assertionMaxAge: number;
	readonly accessTokenSeconds: number;
	/** Of clients that act for themselves. */
	readonly serviceTokenSeconds: number;
	readonly refreshTokenSeconds: number;
	/** Whose passwords apps may ask for themselves. */
	readonly passwordGrant: 'off' | 'users' | 'patients' | 'all';
	/** Registrations that one address may make in an hour; 0 for no limit. */
	readonly registrationsPerHour: number;
	/** Requests for access that may begin from one address in an hour while nobody is signed in; 0 for no limit. */
	readonly authorizationsPerHour: number;
};

/** The browser's sign-in, which all pages and apps share. */
export type BrowserSession = {
	readonly id: string;
	readonly accountId: string;
	readonly authenticatedAt: Date;
	readonly methods: readonly string[];
};

export type ProtocolDeps = {
	readonly issuer: string;
	readonly publicUrl: string;
	readonly settings: OAuthSettings;
	readonly db: Database;
	readonly clock: Clock;
	readonly clients: ClientStore;
	/** Keys that clients publish. */
	readonly clientKeys: ClientKeys;
	readonly accounts: Accounts;
	readonly people: People;
	readonly facts: RecordFacts;
	/** Who is signed in in the browser that sent these cookies. */
	readonly browserSession: (cookies: string | undefined) => Promise<BrowserSession | undefined>;
	/** Whether a browser session goes on. */
	readonly isSessionOpen: (account: string, id: string) => Promise<boolean>;
	/** Keys of the cookies' signatures. */
	readonly cookieKeys: readonly string[];
	/** Answers with the page for a failure that cannot be told to the app. */
	readonly errorPage: (ctx: Context, error: { readonly error: string; readonly error_description?: string }) => void;
	/** Signs the browser out and gives where to go; undefined when the person has to be asked first. */
	readonly logout: (ctx: Context) => Promise<string | undefined>;
	readonly logoutPage: (ctx: Context, form: { readonly action: string; readonly secret: string }) => void;
	readonly signedOutPage: (ctx: Context) => void;
	/** After the person said yes. */
	readonly onSignedOut: (ctx: Context) => Promise<void>;
};

const day = 86_400;

/** The provider's configuration. */
export function configurationOf(deps: ProtocolDeps, jwks: readonly JWK[]): Record<string, unknown> {
	const { issuer, settings, cookieKeys } = deps;
	const isSecure = issuer.startsWith('https:');
	const cookie = { httpOnly: true, sameSite: 'lax', secure: isSecure, signed: true };
	return {
		adapter: (model: string) => createAdapter(deps, model),
		jwks: { keys: jwks },
		clients: [],
		routes: {
			authorization: '/authorize',
			token: '/token',
			jwks: '/jwk',
			registration: '/registration',
			introspection: '/introspect',
			revocation: '/revoke',
			userinfo: '/userinfo',
			end_session: '/logout',
		},
		cookies: {
			names: { session: 'heron_flow', interaction: 'heron_interaction', resume: 'heron_resume' },
			long: cookie,
			short: cookie,
			keys: cookieKeys,
		},
		features: featuresOf(deps),
		scopes: plainScopes,
		claims: claimNames,
		conformIdTokenClaims: false,
		responseTypes: ['code'],
		subjectTypes: ['public'],
		clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
		enabledJWA: {
			clientAuthSigningAlgValues: ['RS384', 'ES384', 'RS256', 'ES256'],
			idTokenSigningAlgValues: ['RS256', 'ES384'],
		},
		pkce: { required: (_ctx: Context, client: Client) => settings.requirePkce === 'all' || client.clientAuthMethod === 'none' },
		allowOmittingSingleRegisteredRedirectUri: false,
		extraParams: { aud: audience(deps), launch: launchParameter(deps) },
		extraClientMetadata: { properties: [...extraMembers], validator: () => undefined },
		clientBasedCORS: () => true,
		expiresWithSession: () => false,
		issueRefreshToken: (_ctx: Context, client: Client, { scopes }: Model) =>
			client.grantTypes.includes('refresh_token') && (scopes.has('offline_access') || scopes.has('online_access')),
		rotateRefreshToken: true,
		loadExistingGrant: async (ctx: Context) => {
			const id = ctx.oidc.result?.consent?.grantId;
			return id === undefined ? rememberedGrant(deps, ctx) : ctx.oidc.provider.Grant.find(id);
		},
		findAccount: accountFinder(deps),
		extraTokenClaims: extraClaims(deps),
		assertJwtClientAuthClaimsAndHeader: (_ctx: Context, { exp, iat }: { exp: number; iat?: number }) =>
			checkLifetime(exp, iat, deps.clock.now().getTime() / 1000, settings.assertionMaxAge),
		fetch: deps.clientKeys.fetch,
		interactions: { url: (_ctx: Context, { uid }: { uid: string }) => `${issuer}/interaction/${uid}` },
		renderError: deps.errorPage,
		ttl: {
			AccessToken: settings.accessTokenSeconds,
			AuthorizationCode: 60,
			ClientCredentials: settings.serviceTokenSeconds,
			IdToken: settings.accessTokenSeconds,
			Interaction: 3600,
			Session: day,
			Grant: 390 * day,
			RefreshToken: settings.refreshTokenSeconds,
		},
	};
}

function featuresOf(deps: ProtocolDeps): Record<string, unknown> {
	return {
		devInteractions: { enabled: false },
		dPoP: { enabled: false },
		pushedAuthorizationRequests: { enabled: false },
		clientCredentials: { enabled: true },
		introspection: { enabled: true, allowedPolicy: (_ctx: Context, client: Client, token: Model) => token.clientId === client.clientId },
		revocation: { enabled: true, allowedPolicy: (_ctx: Context, client: Client, token: Model) => token.clientId === client.clientId },
		// Answered by a route of our own: tokens here are for the FHIR API, which the provider's own page would refuse.
		userinfo: { enabled: true },
		registration: {
			enabled: true,
			idFactory: () => randomBytes(32).toString('base64url'),
			secretFactory: () => randomBytes(64).toString('base64url'),
		},
		registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
		resourceIndicators: {
			enabled: true,
			defaultResource: () => `${deps.publicUrl}/apis/default/fhir`,
			useGrantedResource: () => true,
			getResourceServerInfo: resourceServer(deps),
		},
		rpInitiatedLogout: {
			enabled: true,
			logoutSource: (ctx: Context) => signOutOrAsk(deps, ctx),
			postLogoutSuccessSource: deps.signedOutPage,
		},
	};
}

/** The answer to who wants to sign out: done at once, or the page that asks. */
export async function signOutOrAsk({ logout, logoutPage }: ProtocolDeps, ctx: Context): Promise<void> {
	const next = await logout(ctx);
	if (next !== undefined) ctx.redirect(next);
	else logoutPage(ctx, { action: ctx.oidc.urlFor('end_session_confirm'), secret: ctx.oidc.session?.state?.secret ?? '' });
}

/** The addresses that `aud` and `resource` may name: where tokens are good. */
function isOurs({ publicUrl }: ProtocolDeps, address: string): boolean {
	const bare = address.replace(/\/+$/, '');
	return ['fhir', 'api', 'portal'].some((api) => bare === `${publicUrl}/apis/default/${api}`);
}

/**
 * Which scopes a request gets. Called once for every request that names or leads to scopes; it leaves what is allowed in the request's own
 * parameter, so that codes, tokens and refresh tokens all say the same.
 */
function resourceServer(deps: ProtocolDeps): (ctx: Context, address: string, client: Client) => object {
	return (ctx, address, client) => {
		if (!isOurs(deps, address)) throw new errors.InvalidTarget('this server does not give tokens for that resource');
		return {
			scope: scopeFor(deps, ctx, client),
			audience: `${deps.publicUrl}/apis/default/fhir`,
			accessTokenFormat: 'opaque',
			accessTokenTTL:
				ctx.oidc.params.grant_type === 'client_credentials' ? deps.settings.serviceTokenSeconds : deps.settings.accessTokenSeconds,
		};
	};
}

function scopeFor({ facts }: ProtocolDeps, { oidc }: Context, client: Client): string {
	const { route, params, result, entities } = oidc;
	if (route === 'resume') {
		if (result?.consent !== undefined) params.scope = result.consent.scope;
		return params.scope ?? '';
	}
	const source = entities.RefreshToken ?? entities.AuthorizationCode;
	if (source !== undefined) return source.scope ?? '';
	const asked = scopesOf(params.scope);
	const unknown = asked.filter((scope) => !isKnown(scope, facts));
	if (unknown.length > 0) throw new errors.InvalidScope('this server has no such scope', unknown.join(' '));
	const allowed = allowedOf(asked, scopesOf(client.heron_scope as string | undefined));
	const isService = params.grant_type === 'client_credentials';
	const fitting = allowed.filter((scope) => hasLevel([scope], 'system') === isService);
	if (fitting.length === 0)
		throw new errors.InvalidScope(
			isService ? 'a service needs system scopes that it registered' : 'none of these scopes was registered by this client',
		);
	params.scope = fitting.join(' ');
	return params.scope;
}

/** Checks `aud`, and takes over who is signed in in this browser. */
function audience(deps: ProtocolDeps): (ctx: Context, value: unknown) => Promise<void> {
	return async (ctx, value) => {
		await adoptSession(deps, ctx);
		if (value === undefined) {
			if (ctx.oidc.params.launch !== undefined) throw new errors.InvalidRequest('aud must be the address of the FHIR API');
		} else if (typeof value !== 'string' || !isOurs(deps, value)) throw new errors.InvalidRequest('aud is not an API of this server');
	};
}

/** The provider's own session lives for one flow; who is signed in is what the browser session says at its beginning. */
async function adoptSession({ browserSession }: ProtocolDeps, { oidc, headers }: Context): Promise<void> {
	const { session } = oidc;
	if (session === undefined) return;
	const found = await browserSession(headers.cookie);
	if (found === undefined) delete session.accountId;
	else
		session.loginAccount({
			accountId: found.accountId,
			loginTs: Math.floor(found.authenticatedAt.getTime() / 1000),
			amr: found.methods,
			transient: true,
		});
}

function launchParameter(deps: ProtocolDeps): (ctx: Context, value: unknown, client: Client) => Promise<void> {
	return async (_ctx, value, client) => {
		if (value === undefined) return;
		const launch = typeof value === 'string' ? await findLaunch(deps, value) : undefined;
		if (launch?.clientId !== client.clientId) throw new errors.InvalidRequest('this launch is unknown or too old');
	};
}

type Claimant = { readonly accountId: string; readonly claims: () => Promise<Record<string, unknown>> };

function accountFinder(deps: ProtocolDeps): (ctx: Context, id: string, token?: Model) => Promise<Claimant | undefined> {
	return async (_ctx, id, token) => {
		const account = await deps.accounts.find(id);
		if (account === undefined) return undefined;
		if (token?.kind === 'RefreshToken' && !token.scopes.has('offline_access') && !(await isOnline(deps, token))) return undefined;
		return { accountId: account.id, claims: async () => claimsOf(account, deps.publicUrl) };
	};
}

/** `online_access` lasts as long as the browser session it was given in. */
async function isOnline({ db, isSessionOpen }: ProtocolDeps, { grantId }: Model): Promise<boolean> {
	const consent = grantId === undefined ? undefined : await findConsent(db, grantId);
	return consent?.sessionId !== undefined && isSessionOpen(consent.accountId, consent.sessionId);
}

/** What a token carries beside its scopes: the launch context, and for who introspects it the account. */
function extraClaims({
	db,
	accounts,
	issuer,
	publicUrl,
}: ProtocolDeps): (ctx: Context, token: Model) => Promise<Record<string, unknown> | undefined> {
	return async (_ctx, { kind, grantId, accountId, scopes }) => {
		if (kind !== 'AccessToken' || grantId === undefined || accountId === undefined) return undefined;
		const [consent, account] = await Promise.all([findConsent(db, grantId), accounts.find(accountId)]);
		if (consent === undefined || account === undefined) throw new errors.InvalidGrant('the access was withdrawn');
		return {
			...contextMembers(consent.context, `${issuer}/smart/smart-style`),
			username: account.username,
			...(account.fhirUser !== undefined && scopes.has('fhirUser')
				? { fhirUser: `${publicUrl}/apis/default/fhir/${account.fhirUser}` }
				: {}),
		};
	};
}

function checkLifetime(exp: number, iat: number | undefined, now: number, maxAge: number): void {
	if (exp - now > maxAge + 60 || (iat !== undefined && (iat > now + 60 || exp - iat > maxAge)))
		throw new errors.InvalidClientAuth('the assertion lives too long');
}
