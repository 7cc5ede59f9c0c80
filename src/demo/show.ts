// The demo clinic as `npm start` and `heron demo` bring it in: with progress, and a list of who can sign in.
import { columns } from '#commands/command.ts';
import type { Installation } from '#compose.ts';
import { type ClinicOptions, createClinic } from './clinic.ts';
import { demoCaller, hasRoom, type Loaded, loadClinic } from './load.ts';
import { addLogins, type Logins } from './logins.ts';
import { dateIn } from './time.ts';

/** The seed and the size that a demo has unless others are asked for. */
export const usualClinic = { seed: 1, patients: 200 } as const;

/** The day it is, on the clock by which the server shows times. */
export function here(now: Date): Pick<ClinicOptions, 'today'> & { readonly timeZone: string } {
	const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
	return { timeZone, today: dateIn(timeZone, now) };
}

export type Show = {
	readonly signal?: AbortSignal;
	/** Loads it beside what is there. */
	readonly beside?: boolean;
	readonly onProgress?: (share: number, patients: number) => void;
};

export type Shown = Loaded & Logins;

/** Loads the clinic and its accounts. Undefined when the record is not empty and it is not to be loaded beside what is there. */
export async function showClinic(installation: Installation, options: ClinicOptions, show: Show = {}): Promise<Shown | undefined> {
	const { people, ctxFor } = installation;
	const clinic = createClinic(options);
	const ctx = ctxFor(demoCaller, 'demo');
	if (show.beside !== true && !(await hasRoom(ctx, clinic))) return undefined;
	const loaded = await loadClinic(ctx, clinic, {
		...(show.signal === undefined ? {} : { signal: show.signal }),
		onProgress: ({ patients }) => show.onProgress?.(patients / clinic.patients, patients),
	});
	if (show.signal?.aborted === true) return { ...loaded, logins: [], password: undefined };
	return { ...loaded, ...(await addLogins(people, clinic)) };
}

/** What there is now, and who can sign in. The password is shown this once. */
export function textOf({ patients, resources, logins, password }: Shown): string {
	const count = (value: number): string => value.toLocaleString('en-US');
	const rows = logins.map(({ username, name, what }) => [username, `${name} (${what})`] as const);
	const how =
		password === undefined
			? 'They were there already and keep their passwords.'
			: `All of them have the password ${password} (it is shown this once).`;
	return `The demo clinic Lakeside Family Health has ${count(patients)} patients and ${count(resources)} resources. These can sign in:\n${columns(rows)}\n${how}`;
}
