// The lock of a data folder: one holder, named; the dead and the reborn are not taken for it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isAlive, lockHolder, takeLock } from './lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-lock-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'heron.lock');

test('one holder at a time, and it is named', () => {
	assert.equal(lockHolder(path), undefined);
	const lock = takeLock(path);
	assert.equal(lockHolder(path), process.pid);
	assert.throws(
		() => takeLock(path),
		(error: { code?: string; text?: string }) => error.code === 'data-in-use' && error.text?.includes(`process ${process.pid}`) === true,
	);
	lock.release();
	assert.equal(lockHolder(path), undefined);
	takeLock(path).release();
	assert.deepEqual(readdirSync(folder), []);
});

test('what a dead process held is free', async () => {
	const child = spawn(process.execPath, ['-e', '']);
	await new Promise((resolve) => child.once('exit', resolve));
	assert.equal(isAlive(child.pid as number), false);
	writeFileSync(path, `${child.pid} 1\n`);
	takeLock(path).release();
});

test('a process that was given the id of a dead holder is not the holder, where start times can be told', () => {
	writeFileSync(path, `${process.pid} 1\n`);
	assert.equal(lockHolder(path), process.platform === 'linux' ? undefined : process.pid);
	rmSync(path);
});

test('a broken lock file is nobody’s', () => {
	for (const text of ['', 'x y\n', '-1 0\n', '0 0\n']) {
		writeFileSync(path, text);
		assert.equal(lockHolder(path), undefined);
		takeLock(path).release();
	}
});

test('releasing does not take away what another has taken since', () => {
	const lock = takeLock(path);
	writeFileSync(path, '1 1\n');
	lock.release();
	assert.equal(readFileSync(path, 'utf8'), '1 1\n');
	rmSync(path);
});

test('of many that find a dead lock at the same moment exactly one gets it', async () => {
	writeFileSync(path, '999999999 1\n');
	const code = `import { takeLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
		try { takeLock(${JSON.stringify(path)}); process.stdout.write('mine'); process.stdin.resume(); } catch { process.stdout.write('not'); }`;
	const children = Array.from({ length: 6 }, () => spawn(process.execPath, ['--input-type=module-typescript', '-e', code]));
	const said = await Promise.all(
		children.map((child) => new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))))),
	);
	for (const child of children) child.kill('SIGKILL');
	assert.deepEqual(said.toSorted(), ['mine', ...Array(5).fill('not')]);
});
