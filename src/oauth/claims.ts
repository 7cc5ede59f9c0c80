// What apps are told of an account, by scope: https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims
import type { Account } from './accounts/accounts.ts';

export const claimNames: Readonly<Record<string, readonly string[]>> = {
	openid: ['sub'],
	fhirUser: ['fhirUser'],
	profile: ['name', 'given_name', 'family_name', 'preferred_username'],
	name: ['name'],
	given_name: ['given_name'],
	family_name: ['family_name'],
	email: ['email'],
};

/** All claims of an account; what is not known is undefined. */
export function claimsOf(account: Account, publicUrl: string): Readonly<Record<string, string | undefined>> {
	const { id, name, username, email, fhirUser, details } = account;
	return {
		sub: id,
		name,
		preferred_username: username,
		given_name: details.givenName,
		family_name: details.familyName,
		email,
		fhirUser: fhirUser === undefined ? undefined : `${publicUrl}/apis/default/fhir/${fhirUser}`,
	};
}
