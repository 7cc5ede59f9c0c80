// `heron demo` as a process on an empty database: what it says, who can sign in then, that it goes no further than it was told.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { startWithDemo } from '#demo/start.ts';
import { listAccounts } from '#oauth/accounts/account.ts';
import { createAccounts } from '#oauth/accounts/accounts.ts';
import { readSettings } from '#settings.ts';
import { cloneDatabase } from '#testing/database.ts';
import { childEnv } from '#testing/heron.ts';
import { runCommand } from './cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-demo-'));
const { database, config, drop } = await cloneDatabase();
const url = new URL(`postgres://${config.user}@localhost/${config.database}?host=${encodeURIComponent(config.host as string)}`);
url.password = config.password as string;
after(async () => {
	await drop();
	rmSync(folder, { recursive: true });
});

type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

function demo(...args: string[]): Promise<Ran> {
	const child = spawn(process.execPath, [join(import.meta.dirname, 'heron.ts'), 'demo', ...args], {
		env: { ...childEnv, DATABASE_URL: url.href, HERON_DATA_DIR: join(folder, 'data'), HERON_HTTPS_PORT: '0', HERON_HTTP_PORT: '1' },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let [out, err] = ['', ''];
	child.stdout.on('data', (text) => {
		out += text;
	});
	child.stderr.on('data', (text) => {
		err += text;
	});
	return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

const misuses: readonly (readonly [args: string[], says: RegExp])[] = [
	[['now'], /"now" is not understood/],
	[['--patients', '0'], /--patients is a whole number from 1/],
	[['--patients', '1e3'], /--patients is a whole number/],
	[['--seed', '-1'], /--seed|argument/],
	[['--today', '2026-02-30'], /--today is a date/],
	[['--today', 'tomorrow'], /--today is a date/],
];

for (const [args, says] of misuses) {
	test(`not understood: demo ${args.join(' ')}`, async () => {
		const lines: string[] = [];
		const code = await runCommand(['demo', ...args], { out: () => undefined, err: (text) => lines.push(text) });
		const said = lines.join('');
		assert.deepEqual([code, says.test(said)], [2, true], said);
	});
}

let password = '';

test('into an empty record: it says who can sign in, and they can', async () => {
	const { code, out } = await demo('--patients', '12', '--today', '2026-11-25');
	assert.equal(code, 0);
	assert.match(out, /^The demo clinic Lakeside Family Health has 12 patients and [\d,]+ resources\. These can sign in:\n {2}okafor /);
	password = /All of them have the password (\S+) \(it is shown this once\)\.\n$/.exec(out)?.[1] ?? '';
	const accounts = createAccounts(database);
	const named = [...out.matchAll(/^ {2}(\S+) /gm)].map(([, username]) => username as string);
	const known = (await listAccounts({ db: database, clock: systemClock })).map(({ username }) => username);
	assert.deepEqual(named.toSorted(), known.toSorted());
	const parent = await accounts.signIn('parent', password, { address: '127.0.0.1' });
	assert.ok(parent.ok && parent.account.proxies.length === 1);
	const chen = await accounts.signIn('chen', password, { address: '127.0.0.1' });
	assert.ok(
		chen.ok &&
			chen.needs.length === 0 &&
			chen.account.roles[0] === 'physician' &&
			chen.account.fhirUser?.startsWith('Practitioner/') === true,
	);
});

test('into a record with something in it only when told, and then what is there stays as it is', async () => {
	const refused = await demo('--patients', '12', '--today', '2026-11-25');
	assert.deepEqual([refused.code, refused.out], [1, '']);
	assert.match(refused.err, /The record is not empty\. "--beside" loads the demo clinic beside what is there\./);
	const again = await demo('--patients', '13', '--today', '2026-11-25', '--beside');
	assert.equal(again.code, 0);
	assert.match(again.out, /has 13 patients[\s\S]*They were there already and keep their passwords\.\n$/);
	assert.ok((await createAccounts(database).signIn('okafor', password, { address: '127.0.0.1' })).ok);
});

test('a start without a terminal loads nothing unless it is told to', async () => {
	// Nothing listens there: it would fail if it tried.
	const nowhere = { host: '127.0.0.1', port: 1 };
	for (const demo of [undefined, '0']) {
		const settings = readSettings(demo === undefined ? {} : { HERON_DEMO: demo });
		await startWithDemo({ settings, config: nowhere, log: silentLog, isFirst: true, signal: new AbortController().signal });
	}
	assert.equal(readSettings({ HERON_DEMO: '1' }).demo, 'yes');
	assert.throws(() => readSettings({ HERON_DEMO: 'please' }), { code: 'setting-wrong' });
});
