// Accounts as the authorization server needs them: found, tried with a password, made. The rest is in account.ts, sign-in.ts, credentials.ts.
import { noAudit } from '#access/audit/audit.ts';
import { heron } from '#access/audit/event.ts';
import { systemClock } from '#base/clock.ts';
import { createIds } from '#base/ids.ts';
import { Problem } from '#base/problem.ts';
import type { Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { type AccountKind, addAccount, findAccount, type Account as Person, patientsOf } from './account.ts';
import { setPassword } from './credentials.ts';
import { createPasswords, randomPassword } from './passwords.ts';
import { defaultPeopleSettings, type People, type PeopleSettings } from './people.ts';
import { checkPassword, stageAfterPassword } from './sign-in.ts';

export type Account = Person & {
	/** The Patient of a patient's account. */
	readonly patient?: string;
};

/** What has to happen between a right password and being signed in. */
export type Need = 'second-factor' | 'new-password';

export type SignIn =
	| { readonly ok: true; readonly account: Account; readonly needs: readonly Need[] }
	/** `reason` is for logs; who tries to sign in learns only that it did not work. */
	| { readonly ok: false; readonly reason: string };

export type NewAccount = {
	readonly kind: AccountKind;
	readonly username: string;
	readonly name: string;
	/** Of a user of the practice. */
	readonly role: string;
	readonly fhirUser?: string;
	readonly patient?: string;
	readonly email?: string;
	/** Absent: nobody can sign in by password. */
	readonly password?: string;
	readonly mustChangePassword?: boolean;
};

export type Accounts = {
	/** An account that may be used; undefined for one that is unknown or was shut. */
	find(id: string): Promise<Account | undefined>;
	signIn(username: string, password: string, from: { readonly address: string }): Promise<SignIn>;
	/** Throws Problem conflict `username-taken`, and invalid for what cannot be. */
	create(account: NewAccount): Promise<Account>;
	setPassword(id: string, password: string): Promise<void>;
};

type Core = Pick<People, 'db' | 'clock' | 'ids' | 'passwords' | 'settings' | 'audit' | 'actor'>;

/** What accounts alone need, without mail, sessions and second factors. */
export function coreOf(db: Database, settings: Omit<PeopleSettings, 'publicUrl'> = defaultPeopleSettings): Core {
	return {
		db,
		clock: systemClock,
		ids: createIds(),
		passwords: createPasswords(),
		settings: { ...settings, publicUrl: '' },
		audit: noAudit,
		actor: heron,
	};
}

/** Accounts in the database. */
export function createAccounts(db: Database, people: Core = coreOf(db)): Accounts {
	return {
		async find(id) {
			const found = await findAccount(people, id);
			return found?.active ? accountOf(found) : undefined;
		},
		async signIn(username, password, { address }) {
			try {
				const account = await checkPassword(people, { username: username.trim(), password, address });
				const stage = stageAfterPassword(people, account);
				return { ok: true, account: accountOf(account), needs: stage === 'done' ? [] : [stage] };
			} catch (error) {
				if (error instanceof Problem && error.kind !== 'unavailable') return { ok: false, reason: error.code };
				throw error;
			}
		},
		async create({ role, patient, password, mustChangePassword = false, fhirUser, ...rest }) {
			const standsFor = fhirUser ?? (patient === undefined ? undefined : `Patient/${patient}`);
			const made = await addAccount(people, { ...rest, fhirUser: standsFor, roles: rest.kind === 'user' ? [role] : [] });
			if (password !== undefined) await setPassword(people, made, password, { mustChange: mustChangePassword });
			return accountOf((await findAccount(people, made.id)) as Person);
		},
		async setPassword(id, password) {
			const account = await findAccount(people, id);
			if (account === undefined) throw new Problem('not-found', 'no-such-account', 'There is no such account.');
			await setPassword(people, account, password);
		},
	};
}

function accountOf(person: Person): Account {
	const [patient] = patientsOf(person);
	return { ...person, ...(patient === undefined ? {} : { patient }) };
}

/**
 * Makes the first account, `admin`, when there is none. Gives the random password that it got, to be shown once; undefined when a
 * password was given or there are accounts already. Throws Problem invalid `password-weak` for a given one that breaks the rules.
 */
export async function ensureAdministrator(
	db: Database,
	password: string | undefined,
	people: Core = coreOf(db),
): Promise<string | undefined> {
	const [some] = await db.rows(sql`SELECT 1 FROM oauth.account LIMIT 1`);
	if (some !== undefined) return undefined;
	const made = password ?? randomPassword(people.settings.policy.minLength);
	const account = await addAccount(people, { kind: 'user', username: 'admin', name: 'Administrator', roles: ['administrator'] }).catch(
		(error: unknown) => {
			// Another process was faster.
			if (error instanceof Problem && error.code === 'username-taken') return undefined;
			throw error;
		},
	);
	if (account === undefined) return undefined;
	try {
		await setPassword(people, account, made, { mustChange: password === undefined });
	} catch (error) {
		await db.execute(sql`DELETE FROM oauth.account WHERE id = ${account.id}`);
		throw error;
	}
	return password === undefined ? made : undefined;
}
