// The command line as a process: help, errors, exit codes, and the commands on a database of the operator's own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { raw } from '#db/sql.ts';
import { cloneDatabase } from '#testing/database.ts';
import { childEnv } from '#testing/heron.ts';
import { runCommand } from './cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-commands-'));
const { database, config, drop } = await cloneDatabase();
const url = new URL(`postgres://${config.user}@localhost/${config.database}?host=${encodeURIComponent(config.host as string)}`);
url.password = config.password as string;
after(async () => {
	await drop();
	rmSync(folder, { recursive: true });
});

type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

function start(args: readonly string[], env: Record<string, string> = {}) {
	const child = spawn(process.execPath, [join(import.meta.dirname, 'heron.ts'), ...args], {
		env: {
			...childEnv,
			DATABASE_URL: url.href,
			HERON_DATA_DIR: join(folder, 'data'),
			HERON_HTTPS_PORT: '0',
			HERON_HTTP_PORT: '1',
			...env,
		},
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let out = '';
	let err = '';
	child.stdout.on('data', (text) => {
		out += text;
	});
	child.stderr.on('data', (text) => {
		err += text;
	});
	return { child, ended: new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ code, out, err }))) };
}

const heron = (...args: string[]): Promise<Ran> => start(args).ended;

const names = ['import', 'export', 'backup', 'restore', 'users', 'token', 'packages', 'doctor', 'reindex'];

/** Help and misuse, within this process. */
async function said(...args: string[]): Promise<Ran> {
	let out = '';
	let err = '';
	const say = {
		out: (text: string) => {
			out += `${text}\n`;
		},
		err: (text: string) => {
			err += `${text}\n`;
		},
	};
	return { code: await runCommand(args, say), out, err };
}

test('help lists the commands, and each has its own', async () => {
	const help = await said('--help');
	assert.deepEqual([help.code, (await said()).code, (await said('help')).out], [0, 2, help.out]);
	for (const name of names) {
		assert.match(help.out, new RegExp(`^  ${name} +\\S`, 'm'));
		const { code, out, err } = await said(name, '--help');
		assert.deepEqual([code, err], [0, ''], name);
		assert.match(out, new RegExp(`^Usage: npm run heron -- ${name}`));
		assert.equal((await said('help', name)).out, out);
	}
	assert.deepEqual(await heron('--help'), help);
});

const misuses: [string[], RegExp][] = [
	[['imprt'], /There is no command "imprt"\. Did you mean "import"\?/],
	[['import'], /Which files\?/],
	[['import', '--fast', 'x'], /Unknown option '--fast'/],
	[['import', '--lenient', '--strict', 'x'], /exclude each other/],
	[['export', 'a', 'b'], /One folder at most/],
	[['backup'], /Into which file\?/],
	[['restore', 'a', 'b'], /Which file\?/],
	[['token'], /For whom\?/],
	[['token', 'ann', '--expires', 'soon'], /not a time such as 30m/],
	[['token', 'ann', '--patient', 'a b'], /cannot be the id of a Patient/],
	[['token', 'revoke'], /Which\?/],
	[['packages', 'frobnicate'], /Say "add/],
	[['doctor', 'now'], /takes no words/],
];

test('what is not understood is said, with where help is: exit code 2', async () => {
	for (const [args, words] of misuses) {
		const { code, out, err } = await said(...args);
		assert.equal(code, 2, args.join(' '));
		assert.equal(out, '');
		assert.match(err, words);
		assert.match(err, args[0] === 'imprt' ? /Usage:/ : new RegExp(`Help: npm run heron -- ${args[0]} --help`));
	}
	assert.equal((await heron('imprt')).code, 2);
});

test('what cannot be done is said in words: exit code 1', async () => {
	const [missing, wrong, scope] = await Promise.all([
		heron('import', join(folder, 'none.json')),
		start(['token', 'ann'], { HERON_WORKERS: 'many' }).ended,
		heron('token', 'ann', '--scope', 'everything'),
	]);
	assert.deepEqual([missing.code, wrong.code, scope.code], [1, 1, 1]);
	assert.match(missing.err, /none\.json: there is no such file or folder\.\n$/);
	assert.match(wrong.err, /HERON_WORKERS="many"/);
	assert.match(scope.err, /"everything" is not a scope/);
});

test('tokens: alone on standard output, listed, revoked', async () => {
	const minted = await heron('token', 'ann', '--scope', 'patient/Observation.rs', '--patient', '7', '--expires', '2h');
	assert.deepEqual([minted.code, minted.err], [0, '']);
	assert.match(minted.out, /^hrn_\S{43}\n$/);
	const listed = await heron('token', 'list');
	assert.match(listed.out, /^ {2}([0-9a-f]{12}) {2}ann, \S+Z, Observation\.rs of Patient\/7$/m);
	assert.ok(!listed.out.includes(minted.out.trim()));
	const id = /^ {2}([0-9a-f]{12})/m.exec(listed.out)?.[1] as string;
	assert.deepEqual(await heron('token', 'revoke', id), { code: 0, out: 'Revoked.\n', err: '' });
	assert.equal((await heron('token', 'revoke', minted.out.trim())).code, 1);
});

test('import: summary, report, exit code; again, nothing is new', async () => {
	const dir = join(folder, 'in');
	mkdirSync(dir);
	const rows = [
		{ resourceType: 'Patient', id: 'c1' },
		{ resourceType: 'Patient', id: 'c2', gender: 'unheard-of' },
		{ resourceType: 'Patient', id: 'c3' },
	];
	writeFileSync(join(dir, 'a.ndjson'), rows.map((row) => JSON.stringify(row)).join('\n'));
	const report = join(folder, 'report.ndjson');
	const first = await heron('import', dir, '--report', report);
	assert.equal(first.code, 1);
	assert.match(first.out, /3 entries in [\d.]+ s[\s\S]+taken +2\n +refused +1[\s\S]+Patient +2 taken, 1 refused[\s\S]+Patient\.gender/);
	assert.equal(JSON.parse(readFileSync(report, 'utf8')).id, 'c2');
	const again = await heron('import', dir);
	assert.match(again.out, /there already +2\n +refused +1/);
	const lenient = await heron('import', dir, '--lenient');
	assert.equal(lenient.code, 0);
	assert.match(lenient.out, /taken +1\n +there already +2[\s\S]+although a rule is broken/);
});

test('killed in the middle of an import and run again, it comes to what one run comes to', async () => {
	const file = join(folder, 'many.ndjson');
	writeFileSync(
		file,
		Array.from({ length: 6000 }, (_, i) => JSON.stringify({ resourceType: 'Organization', id: `k${i}`, name: `Organization ${i}` })).join(
			'\n',
		),
	);
	const count = async (): Promise<number> => Number((await database.rows(raw('SELECT count(*) FROM fhir.organization')))[0]?.[0]);
	const first = start(['import', file]);
	while ((await count()) === 0) await sleep(10);
	first.child.kill('SIGKILL');
	await first.ended;
	const there = await count();
	assert.ok(there > 0 && there <= 6000);
	const second = await heron('import', file);
	assert.equal(second.code, 0);
	assert.deepEqual(await database.rows(raw('SELECT count(*), count(DISTINCT id), max(ver) FROM fhir.organization')), [[6000, 6000, 1]]);
	assert.deepEqual(readdirSync(join(folder, 'data', 'tmp')), []);
});

test('Ctrl-C ends an import at a good place', async () => {
	const file = join(folder, 'interrupted.ndjson');
	writeFileSync(file, Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ resourceType: 'Location', id: `l${i}` })).join('\n'));
	const run = start(['import', file]);
	while ((await database.rows(raw('SELECT 1 FROM fhir.location LIMIT 1'))).length === 0) await sleep(10);
	run.child.kill('SIGINT');
	const { code, out } = await run.ended;
	assert.equal(code, 130);
	assert.match(out, /Run the same command again to go on/);
});

test('export, backup, restore and doctor', async () => {
	const exported = await heron('export', join(folder, 'out'), '--type', 'Patient');
	assert.equal(exported.code, 0);
	assert.match(exported.out, /Patient\.ndjson\.gz +3\n3 lines in 1 files/);
	const file = join(folder, 'b.tar');
	const backed = await heron('backup', file);
	assert.deepEqual([backed.code, /read again and found whole/.test(backed.out)], [0, true]);
	const refused = await heron('restore', file);
	assert.equal(refused.code, 1);
	assert.match(refused.err, /--force replaces all of them/);
	await database.execute(raw('DELETE FROM fhir.patient'));
	const restored = await heron('restore', file, '--force');
	assert.equal(restored.code, 0, restored.err);
	assert.deepEqual(await database.rows(raw('SELECT count(*) FROM fhir.patient')), [[3]]);
	await database.execute(raw(`UPDATE fhir.patient SET keys = '{}' WHERE id = 'c1'`));
	const ill = await heron('doctor', '--deep');
	assert.equal(ill.code, 1);
	assert.match(ill.out, /WRONG +record +Patient\/c1/);
	const mended = await heron('reindex', 'Patient');
	assert.match(mended.out, /Patient +3 looked at, 1 changed/);
	assert.match((await heron('doctor', '--deep')).out, /ok +record +[\d,]+ resources and [\d,]+ former versions read/);
});

test('packages are added to an installation, listed and removed', async () => {
	assert.match((await heron('packages', 'list')).out, /No package was added/);
	const wrong = await heron('packages', 'add', join(folder, 'b.tar'));
	assert.equal(wrong.code, 1);
	assert.match(wrong.err, /is not a FHIR NPM package/);
	assert.equal((await heron('packages', 'remove', 'none')).code, 1);
});
