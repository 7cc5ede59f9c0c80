// What is sealed opens for who says what it is, and only as it was; the key is made once and kept.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createSealer, openSealer } from './sealing.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-sealing-'));
after(() => rmSync(folder, { recursive: true }));

test('sealed and opened; changed, cut, moved to another place or opened with another key it is refused', () => {
	const sealer = createSealer(randomBytes(32));
	const secret = randomBytes(40);
	const sealed = sealer.seal('totp of ann', secret);
	assert.deepEqual(sealer.open('totp of ann', sealed), secret);
	assert.notDeepEqual(sealer.seal('totp of ann', secret), sealed);
	for (let i = 0; i < sealed.length; i++) {
		const changed = Buffer.from(sealed);
		changed[i] = (changed[i] as number) ^ 1;
		assert.throws(() => sealer.open('totp of ann', changed), { code: 'seal-broken' });
	}
	for (const cut of [0, 11, 12, 27, sealed.length - 1])
		assert.throws(() => sealer.open('totp of ann', sealed.subarray(0, cut)), { code: 'seal-broken' });
	assert.throws(() => sealer.open('totp of bob', sealed), { code: 'seal-broken' });
	assert.throws(() => createSealer(randomBytes(32)).open('totp of ann', sealed), { code: 'seal-broken' });
});

test('a keyed hash depends on the key, on what it is about and on the text', () => {
	const key = randomBytes(32);
	const mac = createSealer(key).mac('a', 'b');
	assert.deepEqual(createSealer(key).mac('a', 'b'), mac);
	for (const other of [createSealer(key).mac('a', 'c'), createSealer(key).mac('ab', ''), createSealer(randomBytes(32)).mac('a', 'b')])
		assert.notDeepEqual(other, mac);
});

test('the key of an installation is made once, for its owner alone, and nothing else is left behind', () => {
	const where = join(folder, 'data');
	const sealed = openSealer(where).seal('x', Buffer.from('kept'));
	assert.equal(openSealer(where).open('x', sealed).toString(), 'kept');
	assert.deepEqual(readdirSync(where), ['secret.key']);
	assert.equal(statSync(join(where, 'secret.key')).mode & 0o777, 0o600);
	assert.equal(readFileSync(join(where, 'secret.key')).length, 32);
	writeFileSync(join(where, 'secret.key'), 'short');
	assert.throws(() => openSealer(where), { code: 'seal-key-wrong' });
});
