// The whole way in by its front, for tests: the authorization server, the pages of accounts and the FHIR API on real sockets, and a browser
// that keeps cookies and fills in forms without scripts.
import type { Level } from '#access/audit/audit.ts';
import { anonymous, type Caller } from '#access/ctx.ts';
import { createTokenVerifier } from '#access/tokens.ts';
import { appStateRoutes } from '#app-state.ts';
import { createDirectory } from '#directory.ts';
import { registerBulk, usualBulk } from '#exchange/bulk/operations.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { registerBundles } from '#fhir/interactions/later.ts';
import { outcomeReply } from '#fhir/outcome.ts';
import { fhirRoutes } from '#fhir/routes.ts';
import { performing } from '#fhir/rows.ts';
import { createHandler, listen } from '#http/server.ts';
import { type Account, type Accounts, createAccounts } from '#oauth/accounts/accounts.ts';
import { createPeople, defaultPeopleSettings, type People } from '#oauth/accounts/people.ts';
import { isAdministrator, rightsOf as rightsOfAccount } from '#oauth/accounts/rights.ts';
import { createSealer } from '#oauth/accounts/sealing.ts';
import { type Authorization, createAuthorization } from '#oauth/authorization.ts';
import { accountRoutes } from '#oauth/pages/routes.ts';
import type { OAuthSettings } from '#oauth/provider/configuration.ts';
import { standardRoutes } from '#standard-api/routes.ts';
import type { Ends } from './database.ts';
import { testFhir } from './fhir.ts';
import { freePort } from './heron.ts';

export type OAuthServer = {
	readonly origin: string;
	readonly issuer: string;
	readonly fhirBase: string;
	readonly ctx: FhirCtx;
	readonly people: People;
	readonly accounts: Accounts;
	readonly authorization: Authorization;
	/** Moves the clock on. */
	advance(ms: number): void;
	/** A request to the FHIR API with an access token. */
	fhir(token: string | undefined, path: string, init?: RequestInit): Promise<Response>;
};

export const usualOAuth: OAuthSettings = {
	clientApproval: 'manual',
	requirePkce: 'public',
	allowPrivateUrls: false,
	assertionMaxAge: 86_400,
	accessTokenSeconds: 3600,
	serviceTokenSeconds: 60,
	refreshTokenSeconds: 92 * 86_400,
	passwordGrant: 'off',
	registrationsPerHour: 0,
	authorizationsPerHour: 0,
};

/** A server that ends with the test. */
export async function oauthServer(t: Ends, settings: Partial<OAuthSettings> = {}, audit: Level = 'off'): Promise<OAuthServer> {
	const port = await freePort();
	const origin = `http://127.0.0.1:${port}`;
	const base = `${origin}/apis/default/fhir`;
	const made = await testFhir(t, { base, audit });
	let aheadMs = 0;
	const clock = { now: () => new Date(Date.now() + aheadMs) };
	const ctx: FhirCtx = { ...made, clock };
	registerBundles(ctx.fhir, performing);
	registerBulk(ctx.fhir, usualBulk);
	ctx.fhir.jobs.work();
	const log = { ...ctx.log, error: (fields: object, text: string) => console.error(text, fields) };
	const people = createPeople({
		db: ctx.db,
		clock,
		ids: ctx.ids,
		log,
		audit: ctx.fhir.audit,
		sealer: createSealer(Buffer.alloc(32, 7)),
		mail: undefined,
		settings: { ...defaultPeopleSettings, publicUrl: origin },
	});
	const rightsOf = (account: Account) => rightsOfAccount(people, account);
	const ctxFor = (caller: Caller, requestId: string): FhirCtx => ({ ...ctx, caller, requestId });
	const directory = createDirectory({ fhir: ctx.fhir, ctxFor, rightsOf });
	const authorization = createAuthorization({ people, settings: { ...usualOAuth, ...settings }, directory, rightsOf });
	const verifier = createTokenVerifier(ctx.db, clock, { source: authorization.source });
	const handler = createHandler<FhirCtx>({
		routes: [
			...authorization.routes,
			...accountRoutes<FhirCtx>({
				people,
				apps: authorization.appGrants,
				clients: authorization.clients,
				isAdministrator: ({ account }) => isAdministrator(people, account),
			}),
			...appStateRoutes({ publicUrl: origin, db: ctx.db, sealer: people.sealer, accounts: authorization.accounts }),
			...fhirRoutes(ctx.fhir.rows),
			...standardRoutes({ statusCompat: false }),
		],
		mounts: [authorization.mount],
		authenticate: async (header, request) => ctxFor(await verifier.verify(header), request.requestId),
		anonymous: (request) => ctxFor(anonymous, request.requestId),
		dialects: [{ prefix: '/apis/', problem: outcomeReply }],
		cors: { origins: ['*'] },
		bodyLimitBytes: ctx.fhir.settings.bodyLimitBytes,
		trustedProxies: [],
		log,
	});
	const listening = await listen(handler, { port, host: '127.0.0.1' }, 100);
	t.after(() => listening.close());
	return {
		origin,
		issuer: `${origin}/oauth2/default`,
		fhirBase: base,
		ctx,
		people,
		accounts: createAccounts(ctx.db, people),
		authorization,
		advance(ms) {
			aheadMs += ms;
		},
		fhir: (token, path, init = {}) =>
			fetch(`${base}/${path}`, {
				...init,
				headers: {
					...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
					...(init.body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
					...init.headers,
				},
			}),
	};
}

export type Form = { readonly action: string; readonly method: string; readonly fields: URLSearchParams };

/** Where a browser is. */
export type Place = { readonly url: string; readonly status: number; readonly headers: Headers; readonly text: string };

/** A browser without scripts: keeps cookies by path, follows redirects as long as they stay on the site, reads and sends forms. */
export class Browser {
	readonly #cookies = new Map<string, { value: string; path: string }>();
	readonly #origin: string;

	constructor(origin: string) {
		this.#origin = origin;
	}

	async get(url: string): Promise<Place> {
		return this.#go(url, { method: 'GET' });
	}

	/** Sends the form of a page whose action contains `part`, with fields added, replaced or (null) left out. */
	async submit(place: Place, part: string, fields: Readonly<Record<string, string | readonly string[] | null>> = {}): Promise<Place> {
		const form = formsOf(place).find(({ action }) => action.includes(part));
		if (form === undefined) throw new Error(`no form ${part} at ${place.url} (${place.status}):\n${place.text.slice(0, 3000)}`);
		for (const [name, value] of Object.entries(fields)) {
			form.fields.delete(name);
			for (const one of value === null ? [] : [value].flat()) form.fields.append(name, one as string);
		}
		if (form.method === 'get') return this.get(`${form.action}?${form.fields}`);
		return this.#go(form.action, {
			method: 'POST',
			body: form.fields.toString(),
			headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.#origin },
		});
	}

	/** Sends a form as if a page of the site had it. */
	async send(path: string, fields: Readonly<Record<string, string>>): Promise<Place> {
		return this.#go(path, {
			method: 'POST',
			body: new URLSearchParams(fields).toString(),
			headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.#origin },
		});
	}

	async #go(start: string, init: RequestInit): Promise<Place> {
		let url = new URL(start, this.#origin);
		let request = init;
		for (let hops = 0; hops < 12; hops++) {
			const response = await fetch(url, { ...request, redirect: 'manual', headers: { ...request.headers, cookie: this.#cookiesFor(url) } });
			for (const line of response.headers.getSetCookie()) this.#take(line);
			const to = response.headers.get('location');
			if (response.status < 300 || response.status > 399 || to === null)
				return { url: url.href, status: response.status, headers: response.headers, text: await response.text() };
			await response.arrayBuffer();
			const next = new URL(to, url);
			if (next.origin !== this.#origin) return { url: next.href, status: response.status, headers: response.headers, text: '' };
			url = next;
			request = { method: 'GET' };
		}
		throw new Error(`too many redirects from ${start}`);
	}

	cookie(name: string, value: string): void {
		this.#cookies.set(`${name};/`, { value, path: '/' });
	}

	#cookiesFor({ pathname }: URL): string {
		const fitting = [...this.#cookies].filter(
			([, { path }]) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
		);
		return fitting.map(([key, { value }]) => `${key.split(';')[0]}=${value}`).join('; ');
	}

	#take(line: string): void {
		const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
		const at = pair.indexOf('=');
		const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
		const ended = attributes.some((one) => /^max-age=0$/i.test(one) || /^expires=Thu, 01 Jan 1970/i.test(one));
		const key = `${pair.slice(0, at)};${path}`;
		if (ended) this.#cookies.delete(key);
		else this.#cookies.set(key, { value: pair.slice(at + 1), path });
	}
}

/** The forms of a page with what their fields hold; boxes count when they are ticked. */
export function formsOf({ url, text }: Place): Form[] {
	return [...text.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, attributes = '', inner = '']) => {
		const fields = new URLSearchParams();
		for (const [, tag = ''] of inner.matchAll(/<input\b([^>]*)>/g)) {
			const name = attribute(tag, 'name');
			if (name === undefined || (attribute(tag, 'type') === 'checkbox' && !/\bchecked\b/.test(tag))) continue;
			fields.append(name, attribute(tag, 'value') ?? '');
		}
		return {
			action: new URL(attribute(attributes, 'action') ?? url, url).href,
			method: (attribute(attributes, 'method') ?? 'get').toLowerCase(),
			fields,
		};
	});
}

function attribute(tag: string, name: string): string | undefined {
	const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
	return value?.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

/** Signs a browser in on the sign-in page. */
export async function signInAt(browser: Browser, place: Place, username: string, password: string): Promise<Place> {
	return browser.submit(place, '/account/sign-in', { username, password });
}

/** The paths of the protocol that the library answers. */
export const protocolRoutes: readonly { readonly method: string; readonly path: string }[] = [
	['GET', 'authorize'],
	['POST', 'authorize'],
	['GET', 'authorize/:uid'],
	['POST', 'token'],
	['POST', 'introspect'],
	['POST', 'revoke'],
	['GET', 'jwk'],
	['POST', 'registration'],
	['GET', 'client/:id'],
	['PUT', 'client/:id'],
	['DELETE', 'client/:id'],
	['GET', 'logout'],
	['POST', 'logout'],
	['POST', 'logout/confirm'],
	['GET', 'logout/success'],
	['GET', '.well-known/openid-configuration'],
	['GET', '.well-known/oauth-authorization-server'],
].map(([method = '', path = '']) => ({ method, path: `/oauth2/:site/${path}` }));
