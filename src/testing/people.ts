// People for tests: a database of its own, a clock that the test moves, mail that is kept.
import { randomBytes } from 'node:crypto';
import { noAudit } from '#access/audit/audit.ts';
import { createIds } from '#base/ids.ts';
import { silentLog } from '#base/log.ts';
import { type Account, addAccount, findAccount, type NewAccount } from '#oauth/accounts/account.ts';
import { setPassword } from '#oauth/accounts/credentials.ts';
import { createPeople, defaultPeopleSettings, type People, type PeopleSettings } from '#oauth/accounts/people.ts';
import { createSealer } from '#oauth/accounts/sealing.ts';
import type { Letter } from '#outside/mail.ts';
import { type Ends, testDatabase } from './database.ts';

export type TestPeople = People & {
	/** Letters that were sent. */
	readonly letters: Letter[];
	/** Moves the clock. */
	readonly pass: (ms: number) => void;
};

export async function testPeople(t: Ends, settings: Partial<PeopleSettings> = {}): Promise<TestPeople> {
	const letters: Letter[] = [];
	let aheadMs = 0;
	const people = createPeople({
		db: await testDatabase(t),
		clock: { now: () => new Date(Date.now() + aheadMs) },
		ids: createIds(),
		log: silentLog,
		sealer: createSealer(randomBytes(32)),
		audit: noAudit,
		mail: { send: async (letter) => void letters.push(letter), close() {} },
		settings: { ...defaultPeopleSettings, publicUrl: 'http://localhost', ...settings },
	});
	return {
		...people,
		letters,
		pass: (ms) => {
			aheadMs += ms;
		},
	};
}

/** A password that meets the rules and no test expects to be refused. */
export const goodPassword = 'Correct-horse-7-battery';

/** An account that can sign in with `goodPassword`. */
export async function testAccount(people: People, given: Partial<NewAccount> & { readonly username: string }): Promise<Account> {
	const account = await addAccount(people, { kind: 'user', name: `Dr ${given.username}`, ...given });
	await setPassword(people, account, goodPassword);
	return (await findAccount(people, account.id)) as Account;
}
