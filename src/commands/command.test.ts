// Words, help and the nearest command.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, helpOf, nearest, readWords, UsageError } from './command.ts';
import { lineOf } from './meter.ts';

const command: Command = {
	usage: '<file> [options]',
	about: '\nDoes it.',
	options: [
		{ name: 'fast', means: 'without looking' },
		{ name: 'type', value: 'type', repeats: true, means: 'only these' },
		{ name: 'report', value: 'file', means: 'into a file' },
	],
	run: async () => 0,
};

test('words, flags and values', () => {
	const given = readWords(command, ['a', '--fast', '--type', 'X', '--type=Y', 'b', '--', '--report']);
	assert.deepEqual(given.words, ['a', 'b', '--report']);
	assert.deepEqual([given.has('fast'), given.has('report')], [true, false]);
	assert.deepEqual(given.values('type'), ['X', 'Y']);
	assert.equal(given.value('report'), undefined);
	assert.equal(readWords(command, ['--report', 'x']).value('report'), 'x');
});

for (const args of [['--slow'], ['--report'], ['--fast=yes'], ['-x']]) {
	test(`not understood: ${args.join(' ')}`, () => assert.throws(() => readWords(command, args), UsageError));
}

test('help shows usage and every option', () => {
	const text = helpOf('do', command);
	assert.match(text, /^Usage: npm run heron -- do <file> \[options\]\n\nDoes it\.\n/);
	for (const part of ['--fast ', '--type <type>', '--report <file>', '--help']) assert.ok(text.includes(part), part);
});

test('the command that was meant', () => {
	const known = ['import', 'export', 'backup'];
	assert.equal(nearest('imprt', known), 'import');
	assert.equal(nearest('bakcup', known), 'backup');
	assert.equal(nearest('frobnicate', known), undefined);
});

test('progress: bar, share, rate, time left', () => {
	const reading = { done: 1500, of: 'entries', share: 0.25 };
	assert.equal(lineOf(reading, 10, true), '[######..................] 25 %  1,500 entries, 150 a second, 30 s left');
	assert.equal(lineOf({ ...reading, more: ', 7 waiting' }, 400, false), '25 %  1,500 entries, 4 a second, 20 min 0 s left, 7 waiting');
	assert.equal(lineOf({ done: 3, of: 'resources' }, 0, true), '3 resources, 0 a second');
	assert.equal(lineOf({ done: 3, of: 'x', share: 1.2 }, 1, false), '100 %  3 x, 3 a second, 0 s left');
});
