// The protocol itself is oidc-provider's; this file holds the provider of the present signing keys and hands requests to it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Middleware, Provider } from 'oidc-provider';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import { isSecret } from '#oauth/clients/clients.ts';
import { configurationOf, type ProtocolDeps, signOutOrAsk } from './configuration.ts';
import type { Keys, SigningKeys } from './keys.ts';
import { answerMembers } from './members.ts';
import { registerPasswordGrant } from './password-grant.ts';
import { tellOfTokens } from './telling.ts';

export type Protocol = {
	/** The provider with the present keys. */
	current(): Promise<Provider>;
	handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
};

/** How soon a rotation of keys is noticed. */
const lookEveryMs = 10_000;

export function createProtocol(deps: ProtocolDeps & { readonly keys: Keys; readonly clock: Clock; readonly log: Log }): Protocol {
	let present: { readonly version: string; readonly provider: Provider } | undefined;
	let lookedAt = 0;
	let looking: Promise<void> | undefined;
	const look = async (): Promise<void> => {
		const keys = await deps.keys.load();
		if (present?.version !== keys.version) present = { version: keys.version, provider: build(deps, keys) };
		lookedAt = deps.clock.now().getTime();
	};
	const current = async (): Promise<Provider> => {
		if (present === undefined || deps.clock.now().getTime() - lookedAt > lookEveryMs) {
			looking ??= look().finally(() => {
				looking = undefined;
			});
			await looking;
		}
		return (present as { provider: Provider }).provider;
	};
	return {
		current,
		async handle(request, response) {
			await (await current()).callback()(request, response);
		},
	};
}

function build(deps: ProtocolDeps & { readonly log: Log }, keys: SigningKeys): Provider {
	const provider = new Provider(deps.issuer, configurationOf(deps, keys.jwks));
	// Where we stand comes from the settings, by headers that the mount sets; never from the client.
	provider.proxy = true;
	const { passwordGrant: allowed } = deps.settings;
	if (allowed !== 'off') registerPasswordGrant(provider, { ...deps, allowed });
	tellOfTokens(provider, deps.people.audit);
	provider.use(answerMembers(deps));
	provider.use(afterSignOut(deps));
	acceptsKeysAndSecret(provider);
	deps.clientKeys.watch(provider);
	provider.Client.prototype.compareClientSecret = function (actual: string): boolean {
		return isSecret(actual, this.clientSecret);
	};
	const failed = (error: { name?: string; stack?: string; code?: string }): void => {
		const { name, code, stack } = error;
		deps.log.error({ name, code, stack: stack?.split('\n').slice(0, 12).join('\n') }, 'unexpected failure in the authorization server');
	};
	provider.on('server_error', (_ctx: never, error: never) => failed(error));
	provider.on('error', (error: never) => failed(error));
	return provider;
}

/** A client that registered a secret and keys may use either, as OpenEMR's backend services do. */
function acceptsKeysAndSecret(provider: Provider): void {
	Object.defineProperty(provider.Client.prototype, 'clientAuthMethod', {
		get(this: Record<string, unknown>) {
			const hasKeys = this.jwks !== undefined || this.jwksUri !== undefined;
			return hasKeys && isAssertion() ? 'private_key_jwt' : this.tokenEndpointAuthMethod;
		},
	});
}

function isAssertion(): boolean {
	const { oidc } = Provider.ctx ?? {};
	return typeof oidc?.params?.client_assertion === 'string';
}

/**
 * When somebody said yes to signing out, the browser's session ends with the provider's. Where the provider has no session of its own it
 * would answer with a page of its own that sends itself by a script; who is there is asked as everybody is.
 */
function afterSignOut(deps: ProtocolDeps): Middleware {
	return async (ctx, next) => {
		await next();
		const session = ctx.oidc?.session;
		if (ctx.path === '/logout/confirm' && session?.destroyed === true) await deps.onSignedOut(ctx);
		if (ctx.path === '/logout' && ctx.status === 200 && session !== undefined && session.accountId === undefined)
			await signOutOrAsk(deps, ctx);
	};
}
