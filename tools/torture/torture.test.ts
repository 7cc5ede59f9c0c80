// A short run of the torture with a fixed seed: every kind of kill once.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kills } from './killer.ts';
import { torture } from './run.ts';

test('nothing acknowledged is lost when the server and its PostgreSQL are killed', async () => {
	const dataDir = join(import.meta.dirname, '..', '..', '.cache', `torture-test-${process.pid}`);
	const result = await torture({ rounds: kills.length, seed: 7, writers: 6, pauseMs: 500, dataDir, say: () => undefined });
	assert.deepEqual(result.verdict.lost, []);
	assert.deepEqual(result.verdict.wrong, []);
	assert.deepEqual(result.verdict.doubled, []);
	assert.deepEqual(result.surprises, []);
	assert.ok(
		result.acknowledged > 100 && result.verdict.checked > 100,
		`${result.acknowledged} acknowledged, ${result.verdict.checked} checked`,
	);
	assert.ok(result.doctor.well, result.doctor.words);
	rmSync(dataDir, { recursive: true, force: true });
});
