// Accounts: the people who may sign in, as rows of oauth.account. A user of the practice has roles and stands for a Practitioner or Person;
// a patient's portal account stands for a Patient or RelatedPerson and may be given other patients to act for.
import { Problem } from '#base/problem.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { changedDetails, type UserDetails } from './details.ts';
import type { People } from './people.ts';
import { tell } from './telling.ts';

export type AccountKind = 'user' | 'patient';

export type Proxy = { readonly patient: string; readonly relatedPerson: string; readonly expiresAt: Date | undefined };

export type Account = {
	readonly id: string;
	readonly kind: AccountKind;
	readonly username: string;
	/** As it is shown, e.g. "Ann Lee, MD". */
	readonly name: string;
	readonly email: string | undefined;
	/** e.g. "Practitioner/1". */
	readonly fhirUser: string | undefined;
	readonly active: boolean;
	/** Names of roles, see access/roles.ts. */
	readonly roles: readonly string[];
	readonly details: UserDetails;
	/** The password has to be changed before anything else. */
	readonly mustChange: boolean;
	readonly passwordChangedAt: Date | undefined;
	/** Has an authenticator app. */
	readonly hasTotp: boolean;
	/** Passkeys it has. */
	readonly passkeys: number;
	/** Patients this account acts for, beside its own, that have not expired. */
	readonly proxies: readonly Proxy[];
};

/** Ids of the patients whose records a portal account may see: its own first. */
export function patientsOf({ kind, fhirUser, proxies }: Account): string[] {
	const own = kind === 'patient' && fhirUser?.startsWith('Patient/') ? [fhirUser.slice('Patient/'.length)] : [];
	return [...new Set([...own, ...proxies.map(({ patient }) => patient)])];
}

type Looking = Pick<People, 'clock'> & { readonly db: Pick<People['db'], 'query'> };
type Writing = Pick<People, 'clock' | 'ids' | 'db' | 'audit' | 'actor'>;

type AccountRow = {
	id: string;
	kind: AccountKind;
	username: string;
	name: string;
	email: string | null;
	fhir_user: string | null;
	active: boolean;
	roles: string[];
	details: UserDetails;
	must_change: boolean;
	password_changed_at: Date | null;
	has_totp: boolean;
	passkeys: number;
	proxies: { patient: string; relatedPerson: string; expiresAt: string | null }[];
};

async function select(people: Looking, where: Sql, limit = 100_000): Promise<Account[]> {
	const rows = await people.db.query<AccountRow>(sql`
		SELECT a.id, a.kind, a.username, a.name, a.email, a.fhir_user, a.active, a.roles, a.details, a.must_change, a.password_changed_at,
			a.totp_key IS NOT NULL AS has_totp, (SELECT count(*) FROM oauth.passkey k WHERE k.account = a.id) AS passkeys,
			COALESCE((SELECT jsonb_agg(jsonb_build_object('patient', p.patient, 'relatedPerson', p.related_person, 'expiresAt', p.expires_at)
				ORDER BY p.patient) FROM oauth.proxy p WHERE p.account = a.id AND (p.expires_at IS NULL OR p.expires_at > ${people.clock.now()})), '[]') AS proxies
		FROM oauth.account a WHERE ${where} ORDER BY lower(a.username) LIMIT ${limit}`);
	return rows.map(({ fhir_user, must_change, password_changed_at, has_totp, proxies, email, ...rest }) => ({
		...rest,
		email: email ?? undefined,
		fhirUser: fhir_user ?? undefined,
		mustChange: must_change,
		passwordChangedAt: password_changed_at ?? undefined,
		hasTotp: has_totp,
		proxies: proxies.map(({ expiresAt, ...proxy }) => ({ ...proxy, expiresAt: expiresAt === null ? undefined : new Date(expiresAt) })),
	}));
}

export async function findAccount(people: Looking, id: string): Promise<Account | undefined> {
	return (await select(people, sql`a.id = ${id}`))[0];
}

/** Names are told apart without regard to capitals. */
export async function findByUsername(people: Looking, username: string): Promise<Account | undefined> {
	if (!usernames.test(username)) return undefined;
	return (await select(people, sql`lower(a.username) = lower(${username})`))[0];
}

/** Those who have a mail address; several people may share one. */
export async function findByEmail(people: Looking, email: string): Promise<Account[]> {
	if (!emails.test(email)) return [];
	return select(people, sql`lower(a.email) = lower(${email})`);
}

export async function listAccounts(
	people: Looking,
	only: { readonly kind?: AccountKind; readonly role?: string } = {},
): Promise<Account[]> {
	const kind = only.kind === undefined ? raw('true') : sql`a.kind = ${only.kind}`;
	const role = only.role === undefined ? raw('true') : sql`${only.role} = ANY(a.roles)`;
	return select(people, sql`${kind} AND ${role}`);
}

/** Accounts whose name, user name or mail address has the words, by user name after `after`. */
export async function pageOfAccounts(
	people: Looking,
	{ search, after, count }: { readonly search: string; readonly after: string; readonly count: number },
): Promise<Account[]> {
	const like = `%${search.trim().replaceAll(/[\\%_]/g, '\\$&')}%`;
	const found = sql`(a.username ILIKE ${like} OR a.name ILIKE ${like} OR a.email ILIKE ${like})`;
	return select(people, sql`lower(a.username) > lower(${after}) AND ${found}`, count);
}

export type NewAccount = {
	readonly kind: AccountKind;
	readonly username: string;
	readonly name: string;
	readonly email?: string | undefined;
	readonly fhirUser?: string | undefined;
	readonly roles?: readonly string[];
	readonly details?: Readonly<Record<string, unknown>>;
};

/** Adds an account that nobody can sign in to yet. Throws Problem invalid (`username-wrong`, `email-wrong`, …), conflict `username-taken`. */
export async function addAccount(people: Writing, given: NewAccount): Promise<Account> {
	const { kind, username, name, email, fhirUser, roles = [], details = {} } = given;
	check(given);
	const id = people.ids.next();
	const now = people.clock.now();
	return people.db.tx(async (tx) => {
		const added = await tx.execute(sql`
		INSERT INTO oauth.account (id, kind, username, name, email, fhir_user, roles, details, created_at, updated_at)
		VALUES (${id}, ${kind}, ${username}, ${name}, ${email ?? null}, ${fhirUser ?? null}, ${roles},
			${JSON.stringify(changedDetails({}, details))}, ${now}, ${now})
		ON CONFLICT (lower(username)) DO NOTHING`);
		if (added === 0) throw new Problem('conflict', 'username-taken', `There is an account "${username}" already.`);
		const account = (await findAccount({ ...people, db: tx }, id)) as Account;
		await tell(people, { kind: 'permission', interaction: 'account-added', action: 'C', about: account, detail: roles.join(' ') }, tx);
		return account;
	});
}

export type AccountChange = {
	readonly name?: string;
	readonly email?: string | null;
	readonly fhirUser?: string | null;
	readonly active?: boolean;
	readonly roles?: readonly string[];
	readonly details?: Readonly<Record<string, unknown>>;
};

/** Changes an account. Throws Problem not-found `no-such-account`, and invalid as `addAccount`. */
export async function changeAccount(people: Writing, id: string, change: AccountChange): Promise<Account> {
	const before = await findAccount(people, id);
	if (before === undefined) throw new Problem('not-found', 'no-such-account', 'There is no such account.');
	check({
		kind: before.kind,
		username: before.username,
		name: change.name ?? before.name,
		email: change.email ?? undefined,
		fhirUser: change.fhirUser ?? undefined,
		roles: change.roles ?? before.roles,
	});
	const sets = [sql`updated_at = ${people.clock.now()}`];
	if (change.name !== undefined) sets.push(sql`name = ${change.name}`);
	if (change.email !== undefined) sets.push(sql`email = ${change.email}`);
	if (change.fhirUser !== undefined) sets.push(sql`fhir_user = ${change.fhirUser}`);
	if (change.active !== undefined) sets.push(sql`active = ${change.active}`);
	if (change.roles !== undefined) sets.push(sql`roles = ${change.roles}`);
	if (change.details !== undefined) sets.push(sql`details = ${JSON.stringify(changedDetails(before.details, change.details))}`);
	return people.db.tx(async (tx) => {
		await tx.execute(sql`UPDATE oauth.account SET ${join(sets, ', ')} WHERE id = ${id}`);
		const account = (await findAccount({ ...people, db: tx }, id)) as Account;
		await tell(people, { kind: 'permission', interaction: 'account-changed', about: account, detail: changeInWords(change) }, tx);
		return account;
	});
}

/** Which fields a change is about, and what it gives where that decides what somebody may. */
function changeInWords({ details = {}, roles, active, ...others }: AccountChange): string {
	return [
		...(roles === undefined ? [] : [`roles ${roles.join(' ') || 'none'}`]),
		...(active === undefined ? [] : [active ? 'enabled' : 'disabled']),
		...Object.keys({ ...others, ...details }),
	].join(', ');
}

/** Lets a portal account act for a patient, because of what a RelatedPerson says, until a time or without end. */
export async function addProxy(people: Writing, account: Account, { patient, relatedPerson, expiresAt }: Proxy): Promise<void> {
	if (account.kind !== 'patient') throw new Problem('invalid', 'proxy-wrong', 'Only a portal account acts for patients.');
	for (const id of [patient, relatedPerson])
		if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id))
			throw new Problem('invalid', 'reference-wrong', `"${id.slice(0, 70)}" cannot be the id of a resource.`);
	await people.db.tx(async (tx) => {
		await tx.execute(sql`
		INSERT INTO oauth.proxy (account, patient, related_person, expires_at)
		VALUES (${account.id}, ${patient}, ${relatedPerson}, ${expiresAt ?? null})
		ON CONFLICT (account, patient) DO UPDATE SET related_person = excluded.related_person, expires_at = excluded.expires_at`);
		const detail = `acts for Patient/${patient} as RelatedPerson/${relatedPerson}${expiresAt === undefined ? '' : ` until ${expiresAt.toISOString()}`}`;
		await tell(people, { kind: 'permission', interaction: 'proxy-added', about: account, detail }, tx);
	});
}

/** False when there was none. */
export async function removeProxy(people: Writing, account: Account, patient: string): Promise<boolean> {
	return people.db.tx(async (tx) => {
		const removed = (await tx.execute(sql`DELETE FROM oauth.proxy WHERE account = ${account.id} AND patient = ${patient}`)) > 0;
		const detail = `no longer acts for Patient/${patient}`;
		if (removed) await tell(people, { kind: 'permission', interaction: 'proxy-removed', about: account, detail }, tx);
		return removed;
	});
}

const usernames = /^[A-Za-z0-9][A-Za-z0-9._@+-]{1,63}$/;
const emails = /^[^\s\p{C}@<>",;]{1,64}@[^\s\p{C}@<>",;]{1,190}$/u;

const standsFor: Readonly<Record<AccountKind, RegExp>> = {
	user: /^(Practitioner|Person)\/[A-Za-z0-9\-.]{1,64}$/,
	patient: /^(Patient|RelatedPerson)\/[A-Za-z0-9\-.]{1,64}$/,
};

function check({ kind, username, name, email, fhirUser, roles = [] }: NewAccount): void {
	if (!usernames.test(username))
		throw new Problem(
			'invalid',
			'username-wrong',
			'A user name has 2 to 64 letters, digits and signs of ._@+- and begins with a letter or digit.',
		);
	if (name.trim() === '' || name.length > 200) throw new Problem('invalid', 'name-wrong', 'A name has 1 to 200 characters.');
	if (email !== undefined && !emails.test(email))
		throw new Problem('invalid', 'email-wrong', `"${email.slice(0, 100)}" is not a mail address.`);
	if (fhirUser !== undefined && !standsFor[kind].test(fhirUser))
		throw new Problem(
			'invalid',
			'reference-wrong',
			kind === 'user'
				? 'A user stands for Practitioner/<id> or Person/<id>.'
				: 'A patient’s account stands for Patient/<id> or RelatedPerson/<id>.',
		);
	if (kind === 'patient' && roles.length > 0)
		throw new Problem('invalid', 'patient-has-no-role', 'Roles are for users of the practice; a patient’s account has none.');
}
