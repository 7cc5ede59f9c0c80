// `heron users`: the people who may sign in, their roles, sessions and the way back in for who is shut out.
import { listBreakGlass } from '#access/break-glass.ts';
import { rights as knownRights, type RightLevel } from '#access/rights.ts';
import { findRoles, listRoles, requireRoles } from '#access/roles.ts';
import { Problem } from '#base/problem.ts';
import { chooseLanguage, signInWords } from '#contract/words/words.ts';
import { type Account, addAccount, addProxy, changeAccount, findByUsername, listAccounts, removeProxy } from '#oauth/accounts/account.ts';
import { unlock } from '#oauth/accounts/attempts.ts';
import { makeResetLink, setRandomPassword } from '#oauth/accounts/credentials.ts';
import type { People } from '#oauth/accounts/people.ts';
import { changeRole, endEmergencyAccess, resetRole } from '#oauth/accounts/rights.ts';
import { clearSecondFactors } from '#oauth/accounts/second-factor.ts';
import { acting } from '#oauth/accounts/telling.ts';
import type { AppGrants } from '#oauth/sessions/app-grants.ts';
import { listSessions, signOutEverywhere } from '#oauth/sessions/sessions.ts';
import { type Command, columns, type Given, nearest, UsageError } from './command.ts';
import { operator, withInstallation } from './installation.ts';

export const usersCommand: Command = {
	usage: 'add|list|show|set|role|disable|enable|reset|unlock|sign-out|sessions|proxy|roles|break-glass [words] [options]',
	about: `
add <user> --name <name> [--role <role>]…      a user of the practice; prints a password that has to be changed
add <user> --name <name> --patient <id>        a patient's portal account
list [--role <role>]                           all accounts
show <user>                                    one, with everything noted of it
set <user> <field>=<value>…                    name, email, fhir-user and details (npi=…, facilities=Organization/1, provider=yes …)
role <user> --role <role>…                     gives it these roles and no others
disable <user> | enable <user>                 shuts an account (and ends its sessions and apps), or opens it again
reset <user> [--password] [--mail] [--second-factor]
                                               prints a link that sets a new password (or a password; or sends the link by mail);
                                               with --second-factor also takes away app, recovery codes and passkeys
unlock <user>                                  opens the door that too many tries shut
sign-out <user> [--apps]                       ends all sessions, and with --apps the access of all apps
sessions [<user>]                              who is signed in
proxy <user> --patient <id> --related-person <id> [--until <date>] | proxy <user> --patient <id> --remove
                                               lets a portal account act for another patient, or ends that
roles [<role>] [<right>=<level>…] [--title <title>] [--remove]
                                               shows roles; with rights, changes or adds one: view, add, change, write, deny, none
break-glass [end <user>]                       emergency access that was taken; ends it`,
	options: [
		{ name: 'name', value: 'name', means: 'with add: as it is shown, e.g. "Ann Lee, MD"' },
		{ name: 'email', value: 'address', means: 'with add' },
		{ name: 'fhir-user', value: 'Type/id', means: 'with add: the resource that stands for the person, e.g. Practitioner/1' },
		{ name: 'role', value: 'role', repeats: true, means: 'with add, role, list' },
		{ name: 'patient', value: 'id', means: 'with add and proxy: the Patient' },
		{ name: 'related-person', value: 'id', means: 'with proxy: the RelatedPerson that says why' },
		{ name: 'until', value: 'date', means: 'with proxy: the last day, e.g. 2030-12-31' },
		{ name: 'title', value: 'title', means: 'with roles' },
		{ name: 'remove', means: 'with proxy and roles' },
		{ name: 'password', means: 'with reset: a random password instead of a link' },
		{ name: 'mail', means: 'with reset: sends the link instead of printing it' },
		{ name: 'second-factor', means: 'with reset: takes away app, recovery codes and passkeys' },
		{ name: 'apps', means: 'with sign-out: also withdraws the access of all apps' },
	],
	run: (given) =>
		withInstallation(({ people, authorization }) =>
			runUsers({ people: acting(people, operator('users')), apps: authorization.appGrants, print: console.log }, given),
		),
};

export type Desk = { readonly people: People; readonly apps: AppGrants; readonly print: (text: string) => void };

type Act = (desk: Desk, words: readonly string[], given: Given) => Promise<number>;

/** What the words ask for. Throws UsageError, Problem. */
export async function runUsers(desk: Desk, given: Given): Promise<number> {
	const [name = 'list', ...words] = given.words;
	const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
	if (act === undefined) {
		const meant = nearest(name, Object.keys(acts));
		throw new UsageError(`users cannot "${name}".${meant === undefined ? '' : ` Did you mean "${meant}"?`}`);
	}
	return act(desk, words, given);
}

const acts: Readonly<Record<string, Act>> = {
	add,
	list,
	show: forOne(show),
	set: forOne(set),
	role: forOne(setRoles),
	disable: forOne(disable),
	enable: forOne(enable),
	reset: forOne(reset),
	unlock: forOne(async ({ people, print }, account) => {
		await unlock(people, account);
		print(`${account.username} may try again.`);
	}),
	'sign-out': forOne(signOut),
	sessions,
	proxy: forOne(proxy),
	roles,
	'break-glass': breakGlass,
};

/** An act on the account that the first word names. */
function forOne(act: (desk: Desk, account: Account, words: readonly string[], given: Given) => Promise<void>): Act {
	return async (desk, [username, ...words], given) => {
		if (username === undefined) throw new UsageError('Which user?');
		await act(desk, await accountOf(desk, username), words, given);
		return 0;
	};
}

async function accountOf({ people }: Desk, username: string): Promise<Account> {
	const account = await findByUsername(people, username);
	if (account === undefined) throw new Problem('not-found', 'no-such-account', `There is no user "${username}".`);
	return account;
}

async function add({ people, print }: Desk, [username, ...more]: readonly string[], given: Given): Promise<number> {
	const name = given.value('name');
	if (username === undefined || more.length > 0 || name === undefined) throw new UsageError('Name one user, and --name.');
	const patient = given.value('patient');
	const roles = given.values('role');
	await requireRoles(people.db, roles);
	const account = await addAccount(people, {
		kind: patient === undefined ? 'user' : 'patient',
		username,
		name,
		email: given.value('email'),
		fhirUser: patient === undefined ? given.value('fhir-user') : `Patient/${patient}`,
		roles,
	});
	print(`Password, to be changed at the first sign-in: ${await setRandomPassword(people, account)}`);
	return 0;
}

async function list({ people, print }: Desk, _words: readonly string[], given: Given): Promise<number> {
	const [role] = given.values('role');
	const accounts = await listAccounts(people, role === undefined ? {} : { role });
	if (accounts.length === 0) print('There is no such account.');
	else print(columns(accounts.map((account) => [account.username, described(account)])));
	return 0;
}

function described({ name, kind, roles, fhirUser, active, hasTotp, passkeys }: Account): string {
	const second = hasTotp || passkeys > 0 ? ', second factor' : '';
	return `${name}, ${kind === 'patient' ? 'patient' : roles.join(' ') || 'no role'}${fhirUser === undefined ? '' : `, ${fhirUser}`}${second}${active ? '' : ', disabled'}`;
}

async function show({ people, apps, print }: Desk, account: Account): Promise<void> {
	const { details, proxies, ...plain } = account;
	const open = await listSessions(people, account.id);
	const granted = await apps.list(account.id);
	const rows = [
		...Object.entries({ ...plain, ...details }).map(([name, value]) => [name, shown(value)] as const),
		...proxies.map(
			({ patient, relatedPerson, expiresAt }) =>
				[
					'acts for',
					`Patient/${patient} as RelatedPerson/${relatedPerson}${expiresAt === undefined ? '' : ` until ${expiresAt.toISOString()}`}`,
				] as const,
		),
		...open.map(({ address, seenAt }) => ['session', `${address}, last used ${seenAt.toISOString()}`] as const),
		...granted.map(({ client, scopes }) => ['app', `${client}: ${scopes.join(' ')}`] as const),
	];
	print(columns(rows));
}

function shown(value: unknown): string {
	if (value instanceof Date) return value.toISOString();
	return Array.isArray(value) ? value.join(' ') : String(value ?? '');
}

async function set({ people, print }: Desk, account: Account, words: readonly string[]): Promise<void> {
	if (words.length === 0) throw new UsageError('What is to be set? E.g. npi=1234567893');
	const pairs = new Map(words.map(pairOf));
	const take = (name: string): string | undefined => {
		const value = pairs.get(name);
		pairs.delete(name);
		return value;
	};
	const [name, email, fhirUser] = [take('name'), take('email'), take('fhir-user')];
	await changeAccount(people, account.id, {
		...(name === undefined ? {} : { name }),
		...(email === undefined ? {} : { email: email === '' ? null : email }),
		...(fhirUser === undefined ? {} : { fhirUser: fhirUser === '' ? null : fhirUser }),
		details: Object.fromEntries(pairs),
	});
	print('Done.');
}

function pairOf(word: string): [string, string] {
	const at = word.indexOf('=');
	if (at < 1) throw new UsageError(`"${word}" is not of the form name=value.`);
	return [word.slice(0, at), word.slice(at + 1)];
}

async function setRoles({ people, print }: Desk, account: Account, _words: readonly string[], given: Given): Promise<void> {
	const names = given.values('role');
	await requireRoles(people.db, names);
	await changeAccount(people, account.id, { roles: names });
	print(names.length === 0 ? `${account.username} has no role now.` : `${account.username} is ${names.join(' and ')} now.`);
}

async function disable({ people, apps, print }: Desk, account: Account): Promise<void> {
	await changeAccount(people, account.id, { active: false });
	await signOutEverywhere(people, account);
	await apps.endAll(account.id, people.actor);
	print(`${account.username} cannot sign in any more; sessions and apps have ended.`);
}

async function enable({ people, print }: Desk, account: Account): Promise<void> {
	await changeAccount(people, account.id, { active: true });
	print(`${account.username} may sign in.`);
}

async function reset({ people, print }: Desk, account: Account, _words: readonly string[], given: Given): Promise<void> {
	if (!account.active) throw new Problem('invalid', 'account-disabled', `${account.username} is disabled.`);
	await unlock(people, account);
	if (given.has('second-factor')) {
		await clearSecondFactors(people, account);
		print('The second factor is gone.');
	}
	if (given.has('password')) return print(`Password, to be changed at the next sign-in: ${await setRandomPassword(people, account)}`);
	const minutes = Math.round(people.settings.resetMs / 60_000);
	const { email, name } = account;
	if (!given.has('mail'))
		return print(`This link sets a new password, once, within ${minutes} minutes:\n${await makeResetLink(people, account)}`);
	if (people.mail === undefined) throw new Problem('invalid', 'no-mail', 'No mail server is set (HERON_SMTP_URL).');
	if (email === undefined) throw new Problem('invalid', 'no-address', `${account.username} has no mail address.`);
	const words = signInWords[chooseLanguage(account.details.language)];
	await people.mail.send({
		to: email,
		subject: words.mailSubject,
		text: words.mailText(name, await makeResetLink(people, account), minutes),
	});
	print(`A link was sent to ${email}.`);
}

async function signOut({ people, apps, print }: Desk, account: Account, _words: readonly string[], given: Given): Promise<void> {
	const ended = await signOutEverywhere(people, account);
	const withdrawn = given.has('apps') ? await apps.endAll(account.id, people.actor) : 0;
	print(`Ended ${ended} sessions${given.has('apps') ? ` and the access of ${withdrawn} apps` : ''}.`);
}

async function sessions(desk: Desk, [username]: readonly string[]): Promise<number> {
	const account = username === undefined ? undefined : await accountOf(desk, username);
	const open = await listSessions(desk.people, account?.id);
	if (open.length === 0) desk.print('Nobody is signed in.');
	else
		desk.print(
			columns(
				open.map(({ username: name, address, seenAt, createdAt }) => [
					name,
					`${address}, since ${createdAt.toISOString()}, last used ${seenAt.toISOString()}`,
				]),
			),
		);
	return 0;
}

async function proxy({ people, print }: Desk, account: Account, _words: readonly string[], given: Given): Promise<void> {
	const patient = given.value('patient');
	if (patient === undefined) throw new UsageError('For which --patient?');
	if (given.has('remove')) {
		if (!(await removeProxy(people, account, patient)))
			throw new Problem('not-found', 'no-such-proxy', `${account.username} does not act for Patient/${patient}.`);
		return print(`${account.username} no longer acts for Patient/${patient}.`);
	}
	const relatedPerson = given.value('related-person');
	if (relatedPerson === undefined) throw new UsageError('Which --related-person says why?');
	const until = given.value('until');
	if (until !== undefined && !/^\d{4}-\d\d-\d\d$/.test(until)) throw new UsageError('--until is a date such as 2030-12-31.');
	const expiresAt = until === undefined ? undefined : new Date(`${until}T23:59:59Z`);
	if (expiresAt !== undefined && Number.isNaN(expiresAt.getTime())) throw new UsageError('--until is a date such as 2030-12-31.');
	await addProxy(people, account, { patient, relatedPerson, expiresAt });
	print(`${account.username} acts for Patient/${patient}.`);
}

async function roles({ people, print }: Desk, [name, ...words]: readonly string[], given: Given): Promise<number> {
	if (name === undefined) {
		print(columns((await listRoles(people.db)).map((role) => [role.name, role.title])));
		return 0;
	}
	if (given.has('remove')) {
		if (!(await resetRole(people, name))) throw new Problem('not-found', 'no-such-role', `The role "${name}" is as it came, or is none.`);
		print('Done.');
		return 0;
	}
	const [before] = await findRoles(people.db, [name]);
	if (words.length === 0 && given.value('title') === undefined) {
		if (before === undefined) throw new Problem('not-found', 'no-such-role', `There is no role "${name}".`);
		print(
			columns(
				Object.keys(knownRights).flatMap((right) => (before.rights[right] === undefined ? [] : [[right, before.rights[right]] as const])),
			),
		);
		return 0;
	}
	const changed: Record<string, RightLevel> = { ...before?.rights };
	for (const [right, level] of words.map(pairOf)) {
		if (level === 'none') delete changed[right];
		else changed[right] = level as RightLevel;
	}
	await changeRole(people, { name, title: given.value('title') ?? before?.title ?? name, rights: changed });
	print('Done.');
	return 0;
}

async function breakGlass(desk: Desk, [word, username]: readonly string[]): Promise<number> {
	const { people, print } = desk;
	if (word === 'end' && username !== undefined) {
		const ended = await endEmergencyAccess(people, await accountOf(desk, username));
		print(ended === 0 ? `${username} has no emergency access.` : 'Ended.');
		return 0;
	}
	if (word !== undefined) throw new UsageError('break-glass, or break-glass end <user>.');
	const names = new Map((await listAccounts(people)).map(({ id, username: name }) => [id, name]));
	const taken = await listBreakGlass(people);
	if (taken.length === 0) print('Nobody has taken emergency access.');
	else
		print(
			columns(
				taken.map(({ account, reason, beganAt, until, endedAt }) => [
					names.get(account) ?? account,
					`${beganAt.toISOString()} to ${(endedAt ?? until).toISOString()}: ${reason}`,
				]),
			),
		);
	return 0;
}
