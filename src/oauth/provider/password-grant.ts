// The password grant, when it is switched on: an application asks for name and password itself and sends them. OAuth 2.1 has no such
// thing; OpenEMR's older clients do. https://www.rfc-editor.org/rfc/rfc6749#section-4.3
import { type Context, errors, type Provider } from 'oidc-provider';
import { Problem } from '#base/problem.ts';
import type { Account, Accounts } from '#oauth/accounts/accounts.ts';
import { countTry, forgiveTry } from '#oauth/accounts/attempts.ts';
import type { People } from '#oauth/accounts/people.ts';
import { checkTotp } from '#oauth/accounts/second-factor.ts';
import { claimsOf } from '#oauth/claims.ts';
import { allowedOf, hasLevel, isKnown, plainScopes, type RecordFacts, scopesOf } from '#oauth/scopes/scopes.ts';
import { saveConsent } from '#oauth/smart/consents.ts';

export type PasswordGrantDeps = {
	readonly people: People;
	readonly accounts: Accounts;
	readonly facts: RecordFacts;
	readonly allowed: 'users' | 'patients' | 'all';
};

const parameters = ['username', 'password', 'scope', 'user_role', 'email', 'mfa_token'] as const;

/** Lets a provider take passwords. */
export function registerPasswordGrant(provider: Provider, deps: PasswordGrantDeps): void {
	provider.registerGrantType('password', (ctx) => answer(provider, deps, ctx), parameters);
}

async function answer(provider: Provider, deps: PasswordGrantDeps, ctx: Context): Promise<void> {
	const { params, client } = ctx.oidc;
	if (client === undefined || client.clientAuthMethod === 'none')
		throw new errors.UnauthorizedClient('a public client may not ask for passwords');
	const account = await signedIn(deps, params, ctx.ip);
	const scopes = scopesFor(deps, scopesOf(params.scope), scopesOf(client.heron_scope as string | undefined), account);
	const base = `${deps.people.settings.publicUrl}/apis/default/fhir`;
	const scope = scopes.join(' ');
	const grant = new provider.Grant({ accountId: account.id, clientId: client.clientId });
	const plain = scopes.filter((one) => plainScopes.includes(one));
	if (plain.length > 0) grant.addOIDCScope(plain.join(' '));
	grant.addResourceScope(base, scope);
	const grantId = await grant.save();
	const { db, clock, settings } = deps.people;
	const context = account.patient === undefined ? {} : { patient: account.patient };
	const expiresAt = new Date(clock.now().getTime() + 390 * 86_400_000);
	await saveConsent(db, { grantId, accountId: account.id, clientId: client.clientId, scope, context, sessionId: undefined }, expiresAt);
	const common = { accountId: account.id, client, grantId, gty: 'password' };
	const token = new provider.AccessToken({ ...common, scope });
	token.setAudience(base);
	ctx.oidc.entity('AccessToken', token);
	const lasts = scopes.includes('offline_access') && client.grantTypes.includes('refresh_token');
	const refresh = lasts ? new provider.RefreshToken({ ...common, scope, resource: base, rotations: 0 }) : undefined;
	const idToken = scopes.includes('openid') ? new provider.IdToken(claimsOf(account, settings.publicUrl), { ctx }) : undefined;
	if (idToken !== undefined) idToken.scope = plain.join(' ');
	ctx.body = {
		access_token: await token.save(),
		expires_in: token.expiration,
		token_type: 'Bearer',
		scope,
		...(refresh === undefined ? {} : { refresh_token: await refresh.save() }),
		...(idToken === undefined ? {} : { id_token: await idToken.issue({ use: 'idtoken' }) }),
	};
}

async function signedIn(
	{ people, accounts, allowed }: PasswordGrantDeps,
	params: Record<string, unknown>,
	address: string,
): Promise<Account> {
	const { username, password, user_role: role, mfa_token: code } = params;
	if (typeof username !== 'string' || typeof password !== 'string') throw new errors.InvalidRequest('username and password are needed');
	if (role !== 'users' && role !== 'patient') throw new errors.InvalidRequest('user_role must be users or patient');
	const kind = role === 'users' ? 'user' : 'patient';
	if (allowed !== 'all' && allowed !== (kind === 'user' ? 'users' : 'patients'))
		throw refused('passwords of these accounts are not taken here');
	const found = await accounts.signIn(username, password, { address });
	if (!found.ok || found.account.kind !== kind) throw refused('user name or password is wrong');
	if (found.needs.includes('second-factor')) {
		if (typeof code !== 'string') throw refused('mfa_token is needed: the code of the authenticator app');
		await secondFactor(people, found.account, code, address);
	}
	if (found.needs.includes('new-password') || found.account.mustChange)
		throw refused('the password has to be changed on the sign-in page first');
	return found.account;
}

async function secondFactor(people: People, account: Account, code: string, address: string): Promise<void> {
	const tried = { username: `second factor of ${account.id}`, address };
	try {
		await countTry(people, tried);
		await checkTotp(people, account, code);
	} catch (error) {
		if (error instanceof Problem && error.kind !== 'unavailable') throw refused('mfa_token is wrong');
		throw error;
	}
	await forgiveTry(people, tried);
}

function scopesFor({ facts }: PasswordGrantDeps, asked: readonly string[], registered: readonly string[], { patient }: Account): string[] {
	const unknown = asked.filter((scope) => !isKnown(scope, facts));
	if (unknown.length > 0) throw new errors.InvalidScope('this server has no such scope', unknown.join(' '));
	const fitting = allowedOf(asked, registered).filter(
		(scope) => !hasLevel([scope], 'system') && (patient !== undefined || !(hasLevel([scope], 'patient') || scope.startsWith('launch'))),
	);
	if (fitting.length === 0) throw new errors.InvalidScope('none of these scopes was registered by this client');
	return fitting;
}

function refused(text: string): Error {
	return Object.assign(new errors.InvalidGrant(text), { error_description: text });
}
