// `heron token`: access tokens for scripts and first steps.
import { type Caller, everything, type Grant } from '#access/ctx.ts';
import { grantsOf } from '#access/scopes.ts';
import { forgetExpired, listTokens, mintToken, revokeToken, revokeTokens, type TokenRow } from '#access/tokens.ts';
import { systemClock } from '#base/clock.ts';
import type { Database } from '#db/database.ts';
import { type Command, columns, type Given, UsageError } from './command.ts';
import { tellOf, withInstallation } from './installation.ts';

export const tokenCommand: Command = {
	usage: '<user> [options] | list | revoke <token or id> | revoke --user <user>',
	about: `
Mints a token for a user and prints it, and nothing else, on standard output; it is shown this once. Send it as "Authorization: Bearer
<token>". Without --scope it may do everything; with --patient, read and search everything of that patient. Tokens are told apart in the
list by an id; revoking takes effect within a second.

Scopes are those of SMART App Launch 2: user/Observation.rs (read and search), user/*.cruds (everything), patient/Condition.rs with
--patient, patient/Observation.rs?category=laboratory.`,
	options: [
		{ name: 'scope', value: 'scope', repeats: true, means: 'what it may do; may be given several times' },
		{ name: 'patient', value: 'id', means: 'the Patient that patient scopes are about' },
		{ name: 'expires', value: 'time', means: 'how long it is good for: 30m, 12h, 30d (the default), 52w' },
		{ name: 'fhir-user', value: 'Type/id', means: 'the resource that stands for the user, e.g. Practitioner/1' },
		{ name: 'user', value: 'user', means: 'with revoke: all tokens of this user' },
	],
	async run(given) {
		const [first, ...more] = given.words;
		if (first === 'list') return list();
		if (first === 'revoke') return revoke(given, more);
		if (first === undefined || more.length > 0) throw new UsageError('For whom? Name one user, or say list or revoke.');
		const caller = callerOf(given, first);
		const expiresAt = new Date(systemClock.now().getTime() + durationMs(given.value('expires') ?? '30d'));
		const token = await withInstallation(async (installation) => {
			await forgetExpired(installation.db);
			const detail = `for ${caller.id} until ${expiresAt.toISOString()}: ${scopesIn(given).join(' ') || 'everything'}`;
			await tellOf(installation, 'token', { kind: 'permission', interaction: 'token-made', action: 'C', detail });
			return mintToken(installation.db, caller, expiresAt);
		});
		console.log(token);
		return 0;
	},
};

function callerOf(given: Given, user: string): Caller {
	const patient = given.value('patient');
	if (patient !== undefined && !/^[A-Za-z0-9\-.]{1,64}$/.test(patient))
		throw new UsageError(`--patient "${patient}" cannot be the id of a Patient.`);
	const fhirUser = given.value('fhir-user');
	if (fhirUser !== undefined && !/^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.test(fhirUser))
		throw new UsageError('--fhir-user is of the form Practitioner/1.');
	const scopes = scopesIn(given);
	const isPatients = patient !== undefined && scopes.every((scope) => scope.startsWith('patient/'));
	return {
		kind: isPatients ? 'patient' : 'user',
		id: user,
		name: user,
		...(fhirUser === undefined ? {} : { fhirUser }),
		grants: grants(scopes, patient),
	};
}

function scopesIn(given: Given): string[] {
	return given.values('scope').flatMap((text) => text.split(/\s+/).filter((word) => word !== ''));
}

function grants(scopes: readonly string[], patient: string | undefined): readonly Grant[] {
	if (scopes.length > 0) return grantsOf(scopes, patient);
	return patient === undefined ? everything : grantsOf(['patient/*.rs'], patient);
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

function durationMs(text: string): number {
	const [, number, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
	if (number === undefined || unit === undefined || Number(number) === 0)
		throw new UsageError(`--expires "${text}" is not a time such as 30m, 12h, 30d or 52w.`);
	return Number(number) * (unitMs[unit] as number);
}

async function list(): Promise<number> {
	const tokens = await withInstallation(({ db }) => listTokens(db));
	if (tokens.length === 0) console.log('There is no token.');
	else console.log(columns([['id', 'user, until, may'], ...tokens.map((token) => [token.id, described(token)] as const)]));
	return 0;
}

function described({ caller, expiresAt }: TokenRow): string {
	const may = caller.grants.map(({ type, interactions, patient, query }) => {
		const letters = interactions.map((interaction) => interaction[0]).join('');
		return `${type}.${letters}${query === undefined ? '' : `?${query}`}${patient === undefined ? '' : ` of Patient/${patient}`}`;
	});
	return `${caller.id}, ${expiresAt.toISOString().slice(0, 16)}Z, ${may.join(' ')}`;
}

async function revoke(given: Given, [what, ...more]: readonly string[]): Promise<number> {
	const user = given.value('user');
	if ((what === undefined) === (user === undefined) || more.length > 0)
		throw new UsageError('Which? Name one token or id, or --user with a name.');
	const ended = await withInstallation(async (installation) => {
		const tokens = await end(installation.db, what, user);
		const detail = `${tokens} tokens${user === undefined ? '' : ` of ${user}`}`;
		await tellOf(installation, 'token', { kind: 'permission', interaction: 'token-revoked', action: 'D', detail });
		return tokens;
	});
	console.log(ended === 0 ? 'There is no such token.' : ended === 1 ? 'Revoked.' : `Revoked ${ended} tokens.`);
	return ended === 0 ? 1 : 0;
}

async function end(db: Database, what: string | undefined, user: string | undefined): Promise<number> {
	if (user !== undefined) return revokeTokens(db, { user });
	if (/^[0-9a-f]{12}$/.test(what as string)) return revokeTokens(db, { id: what as string });
	return (await revokeToken(db, what as string)) ? 1 : 0;
}
