// `prompt=none`: an app asks without showing anything, and gets what the same person has consented to before, or less.
// https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
import type { Context, Grant } from 'oidc-provider';
import { allowedOf, plainScopes, scopesOf } from '#oauth/scopes/scopes.ts';
import { latestConsent, saveConsent } from '#oauth/smart/consents.ts';
import type { ProtocolDeps } from './configuration.ts';

/** An older consent has to be given anew. */
const memoryMs = 90 * 86_400_000;

/** A grant of its own like the one that was given last; undefined when something has to be asked. */
export async function rememberedGrant(
	{ db, clock, browserSession, publicUrl }: ProtocolDeps,
	{ oidc, headers }: Context,
): Promise<Grant | undefined> {
	const { params, client, provider } = oidc;
	// A launch is about a chart that nobody has consented to yet.
	if (params.prompt !== 'none' || params.launch !== undefined || client === undefined) return undefined;
	const session = await browserSession(headers.cookie);
	if (session === undefined || oidc.session?.accountId !== session.accountId) return undefined;
	const now = clock.now().getTime();
	const before = await latestConsent(db, session.accountId, client.clientId, new Date(now - memoryMs));
	if (before === undefined) return undefined;
	const scopes = allowedOf(scopesOf(params.scope), scopesOf(before.scope)).filter((scope) => !/^(offline|online)_access$/.test(scope));
	if (scopes.length === 0) return undefined;
	params.scope = scopes.join(' ');
	const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
	const plain = scopes.filter((scope) => plainScopes.includes(scope));
	if (plain.length > 0) grant.addOIDCScope(plain.join(' '));
	for (const resource of [params.resource ?? `${publicUrl}/apis/default/fhir`].flat())
		grant.addResourceScope(String(resource), params.scope);
	const grantId = await grant.save();
	const { encounter: _, ...withoutVisit } = before.context;
	const context = scopes.some((scope) => scope === 'launch' || scope === 'launch/encounter') ? before.context : withoutVisit;
	const consent = { ...before, grantId, scope: params.scope, context, sessionId: session.id, silent: true };
	await saveConsent(db, consent, new Date(now + 86_400_000));
	return grant;
}
