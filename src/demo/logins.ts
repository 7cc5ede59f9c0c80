// Accounts of the demo clinic's people: everybody on the staff, and two patients.
import { type Account, addAccount, addProxy, findByUsername, type NewAccount } from '#oauth/accounts/account.ts';
import { setPassword, weaknessesFor } from '#oauth/accounts/credentials.ts';
import { randomPassword } from '#oauth/accounts/passwords.ts';
import type { People } from '#oauth/accounts/people.ts';
import type { Clinic } from './clinic.ts';
import { lastLogin } from './load.ts';
import type { Staff } from './practice.ts';

export type Login = { readonly username: string; readonly name: string; readonly what: string };

export type Logins = {
	readonly logins: readonly Login[];
	/** The one password of all accounts that were made now; undefined when all were there. */
	readonly password: string | undefined;
};

/** A mother with an account of her own, who also acts for her son; and a patient with much to look at. */
const mother = 4;
const son = 10;
const other = 1;

/** Makes the accounts that are not there yet. They get one random password, good until somebody changes it. */
export async function addLogins(people: People, clinic: Clinic): Promise<Logins> {
	const staff = clinic.practice.staff.filter(({ row }) => row.username !== '');
	const wanted: readonly NewAccount[] = [
		...patientAccounts(clinic),
		...[...staff].sort((a, b) => Number(a.row.username === lastLogin) - Number(b.row.username === lastLogin)).map(accountOf),
	];
	const logins = [...staff.map(staffLogin), ...patientAccounts(clinic).map(({ username, name }) => ({ username, name, what: 'patient' }))];
	let password: string | undefined;
	for (const one of wanted) {
		if ((await findByUsername(people, one.username)) !== undefined) continue;
		const account = await addAccount(people, one);
		password ??= await passwordFor(people, account, [...wanted.map(({ name }) => name)]);
		await setPassword(people, account, password);
		if (one.username === 'parent') await actFor(people, account, clinic);
	}
	return { logins, password };
}

function accountOf({ row, name, link, facility }: Staff): NewAccount {
	return {
		kind: 'user',
		username: row.username,
		name,
		email: `${row.username}@lakeside.example`,
		fhirUser: link.reference,
		roles: [row.role],
		details: {
			givenName: row.given,
			familyName: row.family,
			job: row.title,
			...(row.specialty === undefined ? {} : { taxonomy: row.specialty[0] }),
			defaultFacility: facility.organization.reference,
			provider: row.specialty !== undefined,
			calendar: row.care !== 'none' && row.care !== 'lab',
		},
	};
}

function staffLogin({ row, name }: Staff): Login {
	return { username: row.username, name, what: `${row.title.toLowerCase()}, ${row.role}` };
}

function patientAccounts(clinic: Clinic): NewAccount[] {
	const of = (username: string, n: number): NewAccount[] => {
		if (n >= clinic.patients) return [];
		const { name, email, link } = clinic.person(n);
		return [{ kind: 'patient', username, name, email, fhirUser: link.reference }];
	};
	return [...of('parent', mother), ...of('patient', other)];
}

/** The mother acts for her son, as his RelatedPerson says. */
async function actFor(people: People, account: Account, clinic: Clinic): Promise<void> {
	if (son >= clinic.patients) return;
	const relative = clinic.chart(son).find(({ resourceType }) => resourceType === 'RelatedPerson');
	if (relative?.id === undefined) return;
	await addProxy(people, account, { patient: clinic.person(son).id, relatedPerson: relative.id, expiresAt: undefined });
}

/** Random, and none of the names is in it. */
async function passwordFor(people: People, account: Account, names: readonly string[]): Promise<string> {
	for (;;) {
		const password = randomPassword(people.settings.policy.minLength);
		const words = names.flatMap((name) => name.toLowerCase().split(/[\s,]+/)).filter((word) => word.length >= 4);
		const spelled = words.some((word) => password.toLowerCase().includes(word));
		if (!spelled && (await weaknessesFor(people, account, password)).length === 0) return password;
	}
}
