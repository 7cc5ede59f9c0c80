// What answers of the provider have beyond its own members: launch context in token answers, more facts in introspection, registrations
// under the names clients know.
import type { Context, Middleware } from 'oidc-provider';
import { languages } from '#contract/words/words.ts';
import { toAnswer } from '#oauth/clients/registration.ts';
import { advertisedScopes } from '#oauth/smart/configuration.ts';
import { hashOf } from './items.ts';

type Deps = { readonly issuer: string };

/** A middleware around the provider's own. */
export function answerMembers({ issuer }: Deps): Middleware {
	return async (ctx, next) => {
		await next();
		const { body } = ctx;
		if (typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return;
		const members = body as Record<string, unknown>;
		if (ctx.path === '/token' && 'access_token' in members) Object.assign(members, launchMembers(ctx));
		else if (/^\/\.well-known\/(openid-configuration|oauth-authorization-server)$/.test(ctx.path))
			Object.assign(members, discovered(issuer));
		else if (ctx.path === '/introspect') ctx.body = introspected(ctx, members);
		else if (ctx.path.startsWith('/registration') && 'client_id' in members) {
			ctx.body = toAnswer(members, `${issuer}/client/${String(members.client_id)}`);
		}
	};
}

/** What the provider's own document does not say, https://www.rfc-editor.org/rfc/rfc8414 */
function discovered(issuer: string): Record<string, unknown> {
	return {
		scopes_supported: advertisedScopes,
		introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
		response_modes_supported: ['query'],
		ui_locales_supported: Object.keys(languages),
		service_documentation: `${new URL(issuer).origin}/apis/default/fhir/metadata`,
	};
}

/** What of a token's extra members is for who introspects it only. */
const hidden = new Set(['username', 'fhirUser']);

function launchMembers(ctx: Context): Record<string, unknown> {
	const { extra } = (ctx.oidc.entities.AccessToken ?? {}) as { extra?: Record<string, unknown> };
	return Object.fromEntries(Object.entries(extra ?? {}).filter(([name]) => !hidden.has(name)));
}

/** https://www.rfc-editor.org/rfc/rfc7662#section-2.2 */
function introspected(ctx: Context, members: Record<string, unknown>): Record<string, unknown> {
	if (members.active !== true) return 'error' in members ? members : { active: false };
	const { params } = ctx.oidc;
	return {
		...members,
		// A client that acts for itself is its own subject.
		sub: members.sub ?? members.client_id,
		token_type: members.token_type ?? 'refresh_token',
		// Not the token's text, but always the same for it.
		jti: hashOf(String(params.token)).toString('hex').slice(0, 32),
	};
}
