// What everything about accounts works with.
import type { Audit } from '#access/audit/audit.ts';
import { type Actor, heron } from '#access/audit/event.ts';
import type { Clock } from '#base/clock.ts';
import type { Ids } from '#base/ids.ts';
import type { Log } from '#base/log.ts';
import type { Database } from '#db/database.ts';
import type { Mail } from '#outside/mail.ts';
import { createPasswords, defaultPolicy, type PasswordPolicy, type Passwords } from './passwords.ts';
import type { Sealer } from './sealing.ts';

export type PeopleSettings = {
	/** Origin of links and of passkeys. */
	readonly publicUrl: string;
	readonly policy: PasswordPolicy;
	/** Failed tries of one user, and of one address, within the window before the door stays shut for the rest of it. */
	readonly tries: { readonly user: number; readonly address: number; readonly windowMs: number };
	/** How long a browser may be idle before it is signed out. */
	readonly idleMs: { readonly user: number; readonly patient: number };
	readonly resetMs: number;
};

export const defaultPeopleSettings: Omit<PeopleSettings, 'publicUrl'> = {
	policy: defaultPolicy,
	tries: { user: 10, address: 100, windowMs: 15 * 60_000 },
	idleMs: { user: 120 * 60_000, patient: 30 * 60_000 },
	resetMs: 60 * 60_000,
};

export type People = {
	readonly db: Database;
	readonly clock: Clock;
	readonly ids: Ids;
	readonly log: Log;
	readonly passwords: Passwords;
	readonly sealer: Sealer;
	/** undefined when no mail server is set. */
	readonly mail: Mail | undefined;
	readonly settings: PeopleSettings;
	readonly audit: Audit;
	/** Who does what is done: the server itself, unless somebody acts (`acting`). */
	readonly actor: Actor;
};

export function createPeople(given: Omit<People, 'passwords' | 'actor'>): People {
	return { ...given, actor: heron, passwords: createPasswords() };
}
