// Signing in by an OpenID provider elsewhere (https://openid.net/specs/openid-connect-core-1_0.html, code flow with PKCE), by openid-client.
import {
	allowInsecureRequests,
	authorizationCodeGrant,
	buildAuthorizationUrl,
	type Configuration,
	calculatePKCECodeChallenge,
	discovery,
	enableNonRepudiationChecks,
	randomNonce,
	randomPKCECodeVerifier,
	randomState,
} from 'openid-client';
import { Problem } from '#base/problem.ts';
import { sql } from '#db/sql.ts';
import { findByEmail } from './account.ts';
import { secretHash } from './passwords.ts';
import type { People } from './people.ts';

export type OutsideSettings = {
	readonly issuer: string;
	readonly clientId: string;
	readonly clientSecret: string;
	readonly name: string;
};

export type OutsideProvider = {
	/** What the button says. */
	readonly name: string;
	/** Begins a sign-in: where to send the browser, and the secret of a cookie that only it gets. Throws Problem unavailable `provider-away`. */
	begin(returnTo: string): Promise<{ readonly url: string; readonly secret: string }>;
	/**
	 * Ends it with what the browser brought back: the account and where it was going. Throws Problem unauthenticated `outside-refused` for
	 * anything that is not right, and when nobody here belongs to who signed in there.
	 */
	finish(query: string, secret: string | undefined): Promise<{ readonly account: string; readonly returnTo: string }>;
};

const patienceMs = 10 * 60_000;
const knownForMs = 60 * 60_000;

/** The provider's own address and keys are looked up when first needed, and again after an hour. */
export function createOutsideProvider(people: People, settings: OutsideSettings): OutsideProvider {
	const { clientId, clientSecret, name } = settings;
	const issuer = new URL(settings.issuer);
	const redirectUri = `${people.settings.publicUrl}/account/outside/callback`;
	let known: { readonly configuration: Promise<Configuration>; readonly since: number } | undefined;
	const configuration = (): Promise<Configuration> => {
		const now = people.clock.now().getTime();
		if (known === undefined || now - known.since > knownForMs) {
			// The library believes an id token without its signature when it came over TLS from the provider itself; we look at it all the same.
			const execute = [enableNonRepudiationChecks, ...(issuer.protocol === 'http:' ? [allowInsecureRequests] : [])];
			const found = discovery(issuer, clientId, { client_secret: clientSecret }, undefined, { execute });
			known = { configuration: found, since: now };
			found.catch(() => {
				known = undefined;
			});
		}
		return known.configuration;
	};
	return {
		name,
		async begin(returnTo) {
			const secret = randomState();
			const [state, nonce, verifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()];
			const expiresAt = new Date(people.clock.now().getTime() + patienceMs);
			const url = await buildUrl(configuration, { redirect_uri: redirectUri, state, nonce, verifier });
			await people.db.execute(sql`
				INSERT INTO oauth.outside_sign_in (hash, state, nonce, verifier, return_to, expires_at)
				VALUES (${secretHash(secret)}, ${state}, ${nonce}, ${verifier}, ${returnTo}, ${expiresAt})`);
			return { url, secret };
		},
		async finish(query, secret) {
			const [flow] = await people.db.query<{ state: string; nonce: string; verifier: string; return_to: string }>(sql`
				DELETE FROM oauth.outside_sign_in WHERE hash = ${secretHash(secret ?? '')} AND expires_at > ${people.clock.now()}
				RETURNING state, nonce, verifier, return_to`);
			if (flow === undefined) throw refused();
			const claims = await claimsOf(configuration, `${redirectUri}?${query}`, flow);
			const account = await accountOf(people, claims);
			if (account === undefined) throw refused();
			return { account, returnTo: flow.return_to };
		},
	};
}

async function buildUrl(
	configuration: () => Promise<Configuration>,
	{ redirect_uri, state, nonce, verifier }: { redirect_uri: string; state: string; nonce: string; verifier: string },
): Promise<string> {
	try {
		const url = buildAuthorizationUrl(await configuration(), {
			redirect_uri,
			scope: 'openid email profile',
			state,
			nonce,
			code_challenge: await calculatePKCECodeChallenge(verifier),
			code_challenge_method: 'S256',
		});
		return url.href;
	} catch (error) {
		throw new Problem('unavailable', 'provider-away', 'The other provider cannot be reached at the moment.', { cause: error });
	}
}

type Claims = { readonly issuer: string; readonly subject: string; readonly email: string | undefined };

/** Everything the library checks, it checks by throwing: state, nonce, signature, issuer, audience, time. */
async function claimsOf(
	configuration: () => Promise<Configuration>,
	back: string,
	{ state, nonce, verifier }: { readonly state: string; readonly nonce: string; readonly verifier: string },
): Promise<Claims> {
	try {
		const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
		const claims = (await authorizationCodeGrant(await configuration(), new URL(back), checks)).claims();
		if (claims === undefined) throw refused();
		const { iss, sub, email, email_verified } = claims;
		return { issuer: iss, subject: sub, email: email_verified === true && typeof email === 'string' ? email : undefined };
	} catch (error) {
		throw error instanceof Problem ? error : refused(error);
	}
}

/** Whom they are here: known from before, or the one user of the practice who has the mail address that the provider has verified. */
async function accountOf(people: People, { issuer, subject, email }: Claims): Promise<string | undefined> {
	const [row] = await people.db.query<{ account: string }>(
		sql`SELECT account FROM oauth.outside_identity WHERE issuer = ${issuer} AND subject = ${subject}`,
	);
	if (row !== undefined) return row.account;
	const found = email === undefined ? [] : (await findByEmail(people, email)).filter(({ kind, active }) => kind === 'user' && active);
	const [account] = found;
	if (account === undefined || found.length > 1) return undefined;
	await people.db.execute(sql`
		INSERT INTO oauth.outside_identity (issuer, subject, account, created_at) VALUES (${issuer}, ${subject}, ${account.id}, ${people.clock.now()})
		ON CONFLICT DO NOTHING`);
	return account.id;
}

function refused(cause?: unknown): Problem {
	return new Problem('unauthenticated', 'outside-refused', 'The sign-in at the other provider did not succeed.', { cause });
}
