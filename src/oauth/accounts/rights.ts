// What an account may do whatever an app asks: its roles, or the patients it sees, and emergency access while that lasts.

import { activeBreakGlass, type BreakGlass, beginBreakGlass, breakGlassGrants } from '#access/break-glass.ts';
import type { Grant } from '#access/ctx.ts';
import { findRoles, may, patientGrants, patientLookUps, type Role, roleGrants } from '#access/roles.ts';
import { described } from '#base/log.ts';
import { chooseLanguage, signInWords } from '#contract/words/words.ts';
import { type Account, listAccounts, patientsOf } from './account.ts';
import type { People } from './people.ts';

type Looking = Pick<People, 'db' | 'clock'>;

export async function rolesOf({ db }: Pick<People, 'db'>, account: Account): Promise<Role[]> {
	return account.kind === 'user' ? findRoles(db, account.roles) : [];
}

/** The grants of an account. What changes here takes effect within the second that a look-up of a token is believed. */
export async function rightsOf(people: Looking, account: Account): Promise<Grant[]> {
	if (account.kind === 'patient') return [...patientGrants(patientsOf(account)), ...patientLookUps];
	const [roles, glass] = await Promise.all([rolesOf(people, account), activeBreakGlass(people, account.id)]);
	const grants = roleGrants({ fhirUser: account.fhirUser, facilities: account.details.facilities }, roles);
	return glass === undefined ? grants : [...grants, ...breakGlassGrants];
}

/** Whether an account may see to the others. */
export async function isAdministrator(people: Pick<People, 'db'>, account: Account): Promise<boolean> {
	return may(await rolesOf(people, account), 'admin.users', 'write');
}

/** Begins emergency access and tells the administrators. Throws as `beginBreakGlass`. */
export async function takeEmergencyAccess(
	people: People,
	account: Account,
	given: { readonly reason: string; readonly minutes: number },
): Promise<BreakGlass> {
	const glass = await beginBreakGlass(people, await rolesOf(people, account), { account: account.id, ...given });
	people.log.warn({ account: account.id, id: glass.id, until: glass.until.toISOString() }, 'emergency access began');
	await tellAdministrators(people, account, glass);
	return glass;
}

/** By mail to every administrator who has an address; that no letter went out must not keep the emergency waiting. */
async function tellAdministrators({ mail, log, ...people }: People, account: Account, { reason, until }: BreakGlass): Promise<void> {
	if (mail === undefined) return;
	const users = await listAccounts(people, { kind: 'user' });
	for (const one of users) {
		if (!one.active || one.email === undefined || !(await isAdministrator(people, one))) continue;
		const words = signInWords[chooseLanguage(one.details.language)];
		const name = `${account.name} (${account.username})`;
		const letter = { subject: words.breakGlassMailSubject(name), text: words.breakGlassMailText(name, reason, until.toISOString()) };
		void mail
			.send({ to: one.email, ...letter })
			.catch((error: unknown) => log.error({ account: one.id, error: described(error) }, 'a letter could not be sent'));
	}
}
