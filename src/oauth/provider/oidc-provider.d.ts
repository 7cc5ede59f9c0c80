// The part of oidc-provider 9 that Heron uses; the package has no types of its own.
declare module 'oidc-provider' {
	import type { IncomingMessage, ServerResponse } from 'node:http';

	export type Payload = Record<string, unknown>;

	export type Model = {
		jti: string;
		kind: string;
		accountId?: string;
		clientId?: string;
		grantId?: string;
		scope?: string;
		exp?: number;
		readonly scopes: Set<string>;
	};

	export type Client = {
		readonly clientId: string;
		readonly clientName?: string;
		readonly clientAuthMethod: string;
		readonly redirectUris: readonly string[];
		readonly grantTypes: readonly string[];
		readonly clientUri?: string;
		readonly logoUri?: string;
		readonly policyUri?: string;
		readonly tosUri?: string;
		/** Metadata that was made known by `extraClientMetadata`. */
		readonly [extra: string]: unknown;
		/** Its public keys, by value or fetched from `jwksUri`. */
		readonly asymmetricKeyStore: KeyStore;
		compareClientSecret(actual: string): boolean | Promise<boolean>;
	};

	export type KeyStore = {
		/** Seconds since 1970; undefined before the first fetch. */
		freshUntil?: number;
		clear(): void;
		selectForVerify(key: { readonly alg: string; readonly kid?: string | undefined }): readonly unknown[];
	};

	export type Interaction = Model & {
		readonly uid: string;
		readonly exp: number;
		readonly returnTo: string;
		readonly prompt: { readonly name: string; readonly reasons: readonly string[]; readonly details: Payload };
		readonly params: Readonly<Record<string, unknown>>;
		readonly session?: { readonly accountId: string; readonly uid: string };
		result?: Result;
		lastSubmission?: Result;
		save(ttl: number): Promise<string>;
	};

	export type Result = {
		login?: { accountId: string; ts?: number; amr?: readonly string[]; remember?: boolean };
		consent?: { grantId: string; scope: string };
		error?: string;
		error_description?: string;
	};

	export type Session = Model & {
		readonly uid: string;
		loginTs?: number;
		amr?: readonly string[];
		destroyed?: boolean;
		state?: { secret: string };
		loginAccount(details: { accountId: string; loginTs?: number; amr?: readonly string[]; transient?: boolean }): void;
		destroy(): Promise<void>;
	};

	export type Grant = Model & {
		addOIDCScope(scope: string): void;
		addResourceScope(resource: string, scope: string): void;
		save(): Promise<string>;
	};

	export type OidcContext = {
		readonly route: string;
		readonly provider: Provider;
		readonly params: Record<string, unknown> & { scope?: string | undefined; prompt?: string | undefined };
		readonly client?: Client;
		readonly account?: { readonly accountId: string };
		readonly session?: Session;
		readonly result?: Result;
		readonly grant?: Grant;
		readonly entities: {
			readonly AccessToken?: Model;
			readonly RefreshToken?: Model;
			readonly AuthorizationCode?: Model;
			readonly ClientCredentials?: Model;
			readonly Grant?: Grant;
			readonly Client?: Client;
			readonly IdTokenHint?: { readonly payload: { readonly sub?: string } };
		};
		entity(name: string, value: unknown): void;
		urlFor(name: string, options?: Record<string, unknown>): string;
	};

	/** Koa's context with what the provider adds. */
	export type Context = {
		readonly req: IncomingMessage;
		readonly res: ServerResponse;
		readonly method: string;
		readonly path: string;
		/** The address of the client. */
		readonly ip: string;
		url: string;
		status: number;
		body: unknown;
		type: string;
		readonly query: Record<string, string | string[] | undefined>;
		readonly headers: IncomingMessage['headers'];
		readonly oidc: OidcContext;
		get(header: string): string;
		set(header: string, value: string): void;
		append(header: string, value: string): void;
		redirect(to: string): void;
	};

	export type Middleware = (ctx: Context, next: () => Promise<void>) => Promise<void>;

	type Finder<T> = {
		new (properties: Record<string, unknown>): T;
		readonly prototype: T;
		find: (id: string, options?: { ignoreExpiration?: boolean }) => Promise<T | undefined>;
	};

	export class Provider {
		constructor(issuer: string, configuration: Record<string, unknown>);
		static readonly ctx: Context | undefined;
		readonly issuer: string;
		proxy: boolean;
		use(middleware: Middleware): this;
		on(event: string, listener: (...args: never[]) => void): this;
		callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
		registerGrantType(
			name: string,
			handler: (ctx: Context, next: () => Promise<void>) => Promise<void>,
			params: readonly string[],
			dupes?: readonly string[],
		): void;
		readonly Client: Finder<Client>;
		readonly Interaction: Finder<Interaction>;
		readonly Grant: Finder<Grant>;
		readonly AccessToken: Finder<Model & { readonly expiration: number; save(): Promise<string>; setAudience(audience: string): void }>;
		readonly IdToken: new (
			claims: object,
			options: { ctx: Context },
		) => { scope: string; issue(options: { use: 'idtoken' }): Promise<string> };
		readonly RefreshToken: Finder<Model & { save(): Promise<string> }>;
		readonly RegistrationAccessToken: Finder<Model>;
	}
	export default Provider;

	type Refusal = new (description?: string, detail?: string) => Error & { status: number; statusCode: number; error_description?: string };
	export const errors: {
		readonly InvalidRequest: Refusal;
		readonly InvalidClient: Refusal;
		readonly InvalidClientMetadata: Refusal;
		readonly InvalidGrant: Refusal;
		readonly InvalidScope: Refusal;
		readonly InvalidTarget: Refusal;
		readonly InvalidClientAuth: Refusal;
		readonly AccessDenied: Refusal;
		readonly UnauthorizedClient: Refusal;
	};

	type Checked = (ctx: Context) => boolean | Promise<boolean>;
	export const interactionPolicy: {
		readonly Check: { new (reason: string, description: string, check: Checked): unknown; REQUEST_PROMPT: true; NO_NEED_TO_PROMPT: false };
		base(): unknown[] & {
			get(name: string): { checks: unknown[] & { get(reason: string): unknown; remove(reason: string): void; add(check: unknown): void } };
		};
	};
}
