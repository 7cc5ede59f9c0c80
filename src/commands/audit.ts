// `heron audit`: verifies the chains of the audit, lists entries, tells the key that signs.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Criterion, type Logged, type Place, readLog } from '#access/audit/log.ts';
import { openSecrets, readLastSeal } from '#access/audit/secrets.ts';
import { verify } from '#access/audit/verify.ts';
import type { Database } from '#db/database.ts';
import { findByUsername } from '#oauth/accounts/account.ts';
import { type Command, type Given, pathOf, UsageError } from './command.ts';
import { withInstallation } from './installation.ts';
import { createMeter } from './meter.ts';

export const auditCommand: Command = {
	usage: 'verify | list | key [options]',
	about: `
verify reads the whole audit and names every entry and seal that was changed, removed or put in afterwards; it works while the server
runs. The exit code is 0 when nothing is wrong, else 1. Servers that do not share a data folder sign with keys of their own: name the
public keys of the others with --trust ("audit key" prints them). With --from it leaves out what is older, for audits whose old months
were taken away by their keeper.

list prints entries, newest first, one a line: time, who, what, how it ended (HTTP status), on what, for which patient, from where.`,
	options: [
		{ name: 'from', value: 'date', means: 'since this day or moment, e.g. 2026-01-31 or 2026-01-31T08:00:00Z' },
		{ name: 'to', value: 'date', means: 'with list: before this day or moment' },
		{ name: 'trust', value: 'file', repeats: true, means: 'with verify: a public key (PEM) of another server' },
		{ name: 'user', value: 'user', means: 'with list: what this user did' },
		{ name: 'patient', value: 'id', means: 'with list: what was done to this patient’s record' },
		{ name: 'resource', value: 'Type/id', means: 'with list: what was done to this resource' },
		{ name: 'refused', means: 'with list: only what was refused or failed' },
		{ name: 'count', value: 'number', means: 'with list: at most so many, 100 unless said' },
		{ name: 'json', means: 'with list: a JSON object on each line' },
	],
	async run(given) {
		return withInstallation(({ db, people, settings: { dataDir } }, signal) => {
			const idOf = async (name: string) => (await findByUsername(people, name))?.id;
			return runAudit({ db, dataDir, signal, print: console.log, idOf }, given);
		});
	},
};

export type AuditOn = {
	readonly db: Database;
	readonly dataDir: string;
	readonly signal: AbortSignal;
	readonly print: (line: string) => void;
	/** The id of the account with this name. */
	readonly idOf: (username: string) => Promise<string | undefined>;
};

/** Does what the words say and gives the exit code. Throws UsageError. */
export async function runAudit(on: AuditOn, given: Given): Promise<number> {
	const [what, ...more] = given.words;
	if (more.length > 0) throw new UsageError('One word is enough: verify, list or key.');
	if (what === 'verify') return verifyAll(on, given);
	if (what === 'list') return list(on, given);
	if (what !== 'key') throw new UsageError('What? Say verify, list or key.');
	on.print((openSecrets(on.dataDir).publicKey.export({ type: 'spki', format: 'pem' }) as string).trim());
	return 0;
}

async function verifyAll({ db, dataDir, print }: AuditOn, given: Given): Promise<number> {
	const from = given.value('from');
	const trusted = given.values('trust').map(readKey);
	const meter = createMeter(process.stderr);
	const { entries, seals, findings, unsealed } = await verify(db, {
		...(from === undefined ? {} : { from: momentOf('from', from) }),
		keys: [openSecrets(dataDir).publicKey, ...trusted],
		last: readLastSeal(dataDir),
		onProgress: (done) => meter.show({ done, of: 'entries' }),
	});
	meter.end();
	for (const { what, text } of findings) print(`${what.toUpperCase().padEnd(8)}  ${text}`);
	const number = (count: number): string => count.toLocaleString('en-US');
	print(`${number(entries)} entries, ${number(seals)} seals, ${number(unsealed)} entries that no seal vouches for yet.`);
	print(
		findings.length === 0 ? 'Nothing is wrong.' : findings.length === 1 ? 'One thing is wrong.' : `${findings.length} things are wrong.`,
	);
	return findings.length === 0 ? 0 : 1;
}

function readKey(file: string): KeyObject {
	try {
		return createPublicKey(readFileSync(pathOf(file)));
	} catch {
		throw new UsageError(`--trust ${file}: there is no public key in PEM form.`);
	}
}

const rowsAtOnce = 1000;

async function list({ db, signal, print, idOf }: AuditOn, given: Given): Promise<number> {
	const wanted = Number(given.value('count') ?? '100');
	if (!Number.isSafeInteger(wanted) || wanted < 1) throw new UsageError('--count is a whole number.');
	const user = given.value('user');
	const criteria = criteriaOf(given, user === undefined ? [] : [user, (await idOf(user)) ?? user]);
	let after: Place | undefined;
	for (let left = wanted; left > 0 && !signal.aborted; left -= rowsAtOnce) {
		const count = Math.min(left, rowsAtOnce);
		const entries = await readLog(db, { criteria, count, after });
		for (const entry of entries) print(given.has('json') ? JSON.stringify(entry) : lineOf(entry));
		if (entries.length < count) break;
		after = entries.at(-1);
	}
	return 0;
}

function criteriaOf(given: Given, callers: readonly string[]): Criterion[] {
	const [from, to, patient, resource] = ['from', 'to', 'patient', 'resource'].map((name) => given.value(name));
	const [type, id] = resource?.split('/') ?? [];
	if (resource !== undefined && (type === undefined || id === undefined)) throw new UsageError('--resource is of the form Observation/1.');
	const begin = from === undefined ? Number.NEGATIVE_INFINITY : momentOf('from', from).getTime();
	const end = to === undefined ? Number.POSITIVE_INFINITY : momentOf('to', to).getTime() - 1;
	return [
		...(from === undefined && to === undefined ? [] : [{ at: [{ from: begin, to: end }] }]),
		...(callers.length === 0 ? [] : [{ column: 'caller', any: callers } as const]),
		...(patient === undefined ? [] : [{ column: 'patient', any: [patient] } as const]),
		...(type === undefined || id === undefined ? [] : [{ about: [{ type, id }] }]),
		...(given.has('refused') ? [{ status: [{ from: 400, to: 999 }] }] : []),
	];
}

function momentOf(name: string, text: string): Date {
	const moment = new Date(text);
	if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(moment.getTime()))
		throw new UsageError(`--${name} "${text}" is not a date such as 2026-01-31 or 2026-01-31T08:00:00Z.`);
	return moment;
}

function lineOf({ at, caller, client, interaction, status, type, id, version, query, patient, address, purpose, detail }: Logged): string {
	const resource = type === null ? '' : `${type}${id === null ? '' : `/${id}`}${version === null ? '' : `/_history/${version}`}`;
	return [
		new Date(at).toISOString(),
		client === null ? caller : `${caller} by ${client}`,
		interaction,
		String(status),
		`${resource}${query === null ? '' : `?${query}`}`,
		patient === null ? '' : `of Patient/${patient}`,
		address === null ? '' : `from ${address}`,
		purpose === null ? '' : `for ${purpose}`,
		detail ?? '',
	]
		.filter((part) => part !== '')
		.join('  ');
}
