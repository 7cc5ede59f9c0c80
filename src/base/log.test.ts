// What is logged of a failure never quotes what somebody sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { described } from './log.ts';

function thrown(work: () => unknown): unknown {
	try {
		work();
	} catch (error) {
		return error;
	}
	assert.fail('nothing was thrown');
}

test('words of parsers and databases are left out, however many lines they have', () => {
	const database = Object.assign(new Error('invalid input: "Ann Smith\n    at 12 Main Street"'), { name: 'error', code: '22P02' });
	const parser = thrown(() => JSON.parse('{"name": Smith}'));
	for (const error of [database, parser]) assert.doesNotMatch(JSON.stringify(described(error)), /Smith|Street/);
	assert.equal((described(database) as { code: string }).code, '22P02');
});

test('words of faults in the program stay, with where they came from', () => {
	const { name, message, frames } = described(thrown(() => (undefined as unknown as { a: { b: 1 } }).a.b)) as {
		name: string;
		message: string;
		frames: string[];
	};
	assert.equal(name, 'TypeError');
	assert.match(message, /reading 'a'/);
	assert.match(frames[0] ?? '', /log\.test\.ts/);
});

test('what is no error at all', () => {
	assert.deepEqual(described('Ann Smith'), { name: 'string' });
	assert.deepEqual(described(null), { name: 'object' });
});
