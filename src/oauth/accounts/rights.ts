// What an account may do whatever an app asks: its roles, or the patients it sees, and emergency access while that lasts.

import { activeBreakGlass, type BreakGlass, beginBreakGlass, breakGlassGrants, endBreakGlass } from '#access/break-glass.ts';
import type { Grant } from '#access/ctx.ts';
import { findRoles, may, patientGrants, patientLookUps, type Role, removeRole, roleGrants, saveRole } from '#access/roles.ts';
import { described } from '#base/log.ts';
import { chooseLanguage, signInWords } from '#contract/words/words.ts';
import { type Account, listAccounts, patientsOf } from './account.ts';
import type { People } from './people.ts';
import { tell } from './telling.ts';

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

/** Whether an account may do whatever an administrator's pages do: who can give roles can become anybody. */
export async function isChiefAdministrator(people: Pick<People, 'db'>, account: Account): Promise<boolean> {
	const roles = await rolesOf(people, account);
	return may(roles, 'admin.users', 'write') && may(roles, 'admin.acl', 'write') && may(roles, 'admin.super', 'write');
}

/** Begins emergency access and tells the administrators. Throws as `beginBreakGlass`. */
export async function takeEmergencyAccess(
	people: People,
	account: Account,
	given: { readonly reason: string; readonly minutes: number },
): Promise<BreakGlass> {
	const roles = await rolesOf(people, account);
	const glass = await people.db.tx(async (tx) => {
		const begun = await beginBreakGlass({ ...people, db: tx }, roles, { account: account.id, ...given });
		const detail = `until ${begun.until.toISOString()}, reason in access.break_glass ${begun.id}`;
		await tell(people, { kind: 'break-glass', interaction: 'emergency-begun', action: 'E', about: account, detail }, tx);
		return begun;
	});
	people.log.warn({ account: account.id, id: glass.id, until: glass.until.toISOString() }, 'emergency access began');
	await tellAdministrators(people, account, glass);
	return glass;
}

/** Ends what an account has; gives the number of those that were ended. */
export async function endEmergencyAccess(people: People, account: Account): Promise<number> {
	return people.db.tx(async (tx) => {
		const ended = await endBreakGlass({ ...people, db: tx }, account.id, people.actor.caller.id);
		if (ended > 0) await tell(people, { kind: 'break-glass', interaction: 'emergency-ended', action: 'E', about: account }, tx);
		return ended;
	});
}

/** Adds a role or changes one. Throws as `saveRole`. */
export async function changeRole(people: Pick<People, 'db' | 'clock' | 'audit' | 'actor'>, role: Role): Promise<void> {
	await people.db.tx(async (tx) => {
		await saveRole(tx, role, people.clock.now());
		const given = Object.entries(role.rights).map(([right, level]) => `${right}=${level}`);
		await tell(people, { kind: 'permission', interaction: 'role-changed', detail: `${role.name}: ${given.join(' ')}` }, tx);
	});
}

/** Removes a role, or makes one of Heron's as it came; false when there was nothing to remove. */
export async function resetRole(people: Pick<People, 'db' | 'audit' | 'actor'>, name: string): Promise<boolean> {
	return people.db.tx(async (tx) => {
		const removed = await removeRole(tx, name);
		if (removed) await tell(people, { kind: 'permission', interaction: 'role-removed', action: 'D', detail: name }, tx);
		return removed;
	});
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
