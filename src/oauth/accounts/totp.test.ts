// TOTP against the test vectors of RFC 6238 appendix B (eight digits there, six here), and which codes are taken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base32, codeAt, matchingStep, otpauthUri } from './totp.ts';

const key = Buffer.from('12345678901234567890');

for (const [seconds, code] of [
	[59, '94287082'],
	[1111111109, '07081804'],
	[1111111111, '14050471'],
	[1234567890, '89005924'],
	[2000000000, '69279037'],
	[20000000000, '65353130'],
] as const) {
	test(`RFC 6238 at ${seconds}`, () => assert.equal(codeAt(key, Math.floor(seconds / 30)), code.slice(2)));
}

const now = new Date(1234567890_000);
const present = Math.floor(1234567890 / 30);
for (const [ahead, last, taken] of [
	[0, undefined, true],
	[1, undefined, true],
	[-1, undefined, true],
	[2, undefined, false],
	[-2, undefined, false],
	[0, present, false],
	[1, present, true],
	[-1, present - 1, false],
] as const) {
	test(`code of step ${ahead}, last ${last === undefined ? 'none' : last - present}: ${taken}`, () =>
		assert.equal(matchingStep(key, codeAt(key, present + ahead), now, last), taken ? present + ahead : undefined));
}

test('what is no code is not taken', () => {
	for (const text of ['', '12345', '1234567', 'abcdef', '١٢٣٤٥٦', '-12345'])
		assert.equal(matchingStep(key, text, now, undefined), undefined);
});

test('the key as apps take it', () => {
	assert.equal(base32(Buffer.from('foobar')), 'MZXW6YTBOI');
	assert.equal(
		otpauthUri(Buffer.from('foobar'), 'Heron', 'a b@c'),
		'otpauth://totp/Heron:a%20b%40c?secret=MZXW6YTBOI&issuer=Heron&algorithm=SHA1&digits=6&period=30',
	);
});
