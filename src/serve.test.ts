// A server as it runs, by what its audit says: strangers, starts and stops, settings that changed; and that the audit is whole after a restore.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { cloneDatabase } from '#testing/database.ts';
import { childEnv, type Heron, startHeron } from '#testing/heron.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-serve-'));
const drops: (() => Promise<void>)[] = [];
after(async () => {
	for (const drop of drops) await drop();
	rmSync(folder, { recursive: true });
});

/** An installation on a database of its own. */
async function installation(name: string): Promise<Record<string, string>> {
	const { config, drop } = await cloneDatabase();
	drops.push(drop);
	const url = new URL(`postgres://${config.user}@localhost/${config.database}?host=${encodeURIComponent(config.host as string)}`);
	url.password = config.password as string;
	return { DATABASE_URL: url.href, HERON_DATA_DIR: join(folder, name), HERON_HTTPS_PORT: '0', HERON_HTTP_PORT: '1' };
}

async function command(env: Record<string, string>, ...words: string[]): Promise<string> {
	const script = join(import.meta.dirname, 'commands', 'heron.ts');
	return (await promisify(execFile)(process.execPath, [script, ...words], { env: { ...childEnv, ...env } })).stdout.trim();
}

async function start(env: Record<string, string>): Promise<Heron> {
	const { HERON_HTTP_PORT: _, ...rest } = env;
	return startHeron({ env: rest });
}

/** Entries of the audit, the oldest first, as words. */
async function entries(env: Record<string, string>): Promise<string[]> {
	const lines = (await command(env, 'audit', 'list', '--json')).split('\n').filter((line) => line !== '');
	return lines
		.map((line) => JSON.parse(line) as Record<string, string | number | null>)
		.map(
			({ kind, interaction, status, address, detail }) =>
				`${kind} ${interaction} ${status}${address === null ? '' : ` from ${address}`} ${detail ?? ''}`,
		)
		.toReversed();
}

const first = await installation('first');

test('requests of strangers, starts, stops and settings that changed have entries', async () => {
	let heron = await start(first);
	const url = `${heron.base}/Patient/1`;
	assert.equal((await fetch(url)).status, 401);
	assert.equal((await fetch(url, { headers: { authorization: `Bearer ${'x'.repeat(43)}` } })).status, 401);
	assert.equal((await fetch(url, { method: 'DELETE', headers: { authorization: 'Basic YTpi' } })).status, 401);
	await heron.stop();
	const before = await entries(first);
	// The first start made an administrator.
	assert.match(before[0] ?? '', /^permission account-added 200 user admin \(.+\): administrator/);
	assert.match(before[1] ?? '', /^permission password-set 200 user admin/);
	assert.equal(before.filter((one) => /^rest unauthenticated 401 from 127\.0\.0\.1/.test(one)).length, 3, before.join('\n'));
	const began = before.findIndex((one) => /^configuration started 200 process \d+, audit all/.test(one));
	assert.ok(began >= 0 && began < before.findIndex((one) => one.startsWith('rest ')), before.join('\n'));
	assert.match(before[began + 1] ?? '', /^configuration settings-changed 200 HERON_DATA_DIR DATABASE_URL/);
	assert.ok(
		before.some((one) => one.startsWith('configuration stopped 200')),
		before.join('\n'),
	);
	assert.ok(!before.join().includes(new URL(first.DATABASE_URL as string).password || 'none at all'));
	heron = await start({ ...first, HERON_MAX_COUNT: '500' });
	await heron.stop();
	const later = (await entries(first)).slice(before.length);
	assert.ok(!later.some((one) => one.startsWith('permission')));
	const changes = later.filter((one) => one.includes('settings-changed'));
	assert.match(changes.join('\n'), /settings-changed 200 .*HERON_MAX_COUNT/);
	assert.doesNotMatch(changes.join('\n'), /500/);
});

test('after a restore the audit is whole, goes on, and says that it was restored', async () => {
	const file = join(folder, 'whole.tar');
	await command(first, 'backup', file);
	const second = await installation('second');
	await command(second, 'restore', file);
	assert.match(await command(second, 'audit', 'verify'), /Nothing is wrong\.$/);
	const restored = await entries(second);
	assert.match(restored.at(-1) ?? '', /^import restore 200 the backup of 20/);
	const heron = await start(second);
	assert.equal((await fetch(`${heron.base}/Patient/1`)).status, 401);
	await heron.stop();
	assert.ok((await entries(second)).slice(restored.length).some((one) => one.startsWith('rest unauthenticated 401')));
	assert.match(await command(second, 'audit', 'verify'), /Nothing is wrong\.$/);
});
