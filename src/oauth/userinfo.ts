// Who the token's account is, https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
import { readBearer, tokenRefused } from '#access/tokens.ts';
import type { Clock } from '#base/clock.ts';
import { Problem } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import type { Reply, Request } from '#http/route.ts';
import type { Accounts } from './accounts/accounts.ts';
import { claimNames, claimsOf } from './claims.ts';
import { findAccessToken } from './tokens.ts';

type Deps = { readonly db: Querier; readonly clock: Clock; readonly accounts: Pick<Accounts, 'find'>; readonly publicUrl: string };

/** The claims that the token's scopes entitle to. Throws Problem unauthenticated, or forbidden `insufficient_scope` without `openid`. */
export async function userinfo({ db, clock, accounts, publicUrl }: Deps, request: Request): Promise<Reply> {
	const { authorization } = request.headers;
	const facts = await findAccessToken(db, clock, readBearer(typeof authorization === 'string' ? authorization : undefined));
	const account = facts?.accountId === undefined ? undefined : await accounts.find(facts.accountId);
	if (facts === undefined || account === undefined) throw tokenRefused();
	if (!facts.scopes.includes('openid'))
		throw new Problem('forbidden', 'insufficient-scope', 'The access token has no openid scope.', {
			headers: { 'www-authenticate': 'Bearer realm="heron", error="insufficient_scope", scope="openid"' },
		});
	const names = new Set(facts.scopes.flatMap((scope) => claimNames[scope] ?? []));
	const claims = Object.entries(claimsOf(account, publicUrl)).filter(([name, value]) => names.has(name) && value !== undefined);
	return {
		status: 200,
		headers: { 'content-type': 'application/json; charset=utf-8' },
		body: JSON.stringify(Object.fromEntries(claims)),
	};
}
