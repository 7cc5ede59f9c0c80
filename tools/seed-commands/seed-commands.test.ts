// Every command of OpenEMR's documentation against a fresh server, one after the other: what one makes the next uses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cloneDatabase } from '#testing/database.ts';
import { commands } from './commands.ts';
import { requestOf } from './curl.ts';
import { perform } from './run.ts';
import { withWorld } from './world.ts';

test('commands of curl are read as a shell and curl do', () => {
	const { body, ...sent } = requestOf(
		`curl -X POST -k -H 'A: b c' \\\n  https://h/p?x=1 --data-urlencode 'scope=a b' --data-urlencode "t=1=2"`,
	);
	assert.deepEqual([sent, body], [{ method: 'POST', url: 'https://h/p?x=1', headers: { a: 'b c' } }, 'scope=a%20b&t=1%3D2']);
	assert.throws(() => requestOf('curl --insecure https://h'), /--insecure/);
});

test('every command answers as it should', async (t) => {
	const { config, drop } = await cloneDatabase();
	const url = new URL(`postgres://${config.user}@localhost/${config.database}?host=${encodeURIComponent(config.host as string)}`);
	url.password = config.password as string;
	try {
		await withWorld(async (world) => {
			for (const one of commands) await t.test(one.shows, () => perform(world, one));
		}, url.href);
	} finally {
		await drop();
	}
});
