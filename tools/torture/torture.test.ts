// A short run of the torture with a fixed seed: every kind of kill once; and that the verification would see what it looks for.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kills } from './killer.ts';
import type { Attempt, Chain, Ledger } from './ledger.ts';
import { torture } from './run.ts';
import { type Verdict, verify } from './verify.ts';
import type { Target } from './writers.ts';

test('nothing acknowledged is lost when the server and its PostgreSQL are killed', async () => {
	const dataDir = join(import.meta.dirname, '..', '..', '.cache', `torture-test-${process.pid}`);
	const result = await torture({
		rounds: kills.length,
		seed: 7,
		writers: 6,
		pauseMs: 400,
		dataDir,
		say: () => undefined,
		verified: seesWhatItLooksFor,
	});
	const { lost, wrong, doubled, checked } = result.verdict;
	assert.deepEqual({ lost, wrong, doubled, surprises: result.surprises }, { lost: [], wrong: [], doubled: [], surprises: [] });
	assert.ok(result.acknowledged > 100 && checked > 100, `${result.acknowledged} acknowledged, ${checked} checked`);
	assert.ok(result.doctor.well, result.doctor.words);
	rmSync(dataDir, { recursive: true, force: true });
});

/** Tells the verification of writes that did not happen so: each must be noticed. */
async function seesWhatItLooksFor(target: Target, ledger: Ledger): Promise<void> {
	const chain = ledger.chains.find(
		({ attempts }) => attempts.length > 2 && attempts.every(({ state }) => state === 'acknowledged'),
	) as Chain;
	const [first, ...others] = chain.attempts as [Attempt, ...Attempt[]];
	const group = ledger.groups.find(({ attempt }) => attempt.state === 'acknowledged');
	const claim = [...ledger.claims.values()].find(({ ids }) => ids.size === 1);
	const blob = ledger.blobs.find(({ attempt }) => attempt.state === 'acknowledged');
	assert.ok(group !== undefined && claim !== undefined && blob !== undefined);
	const says = async (part: Partial<Ledger>, list: Exclude<keyof Verdict, 'checked' | 'unheard'>, pattern: RegExp): Promise<void> => {
		const verdict = await verify(target, { ...ledger, chains: [], groups: [], claims: new Map(), blobs: [], ...part });
		assert.match(verdict[list].join('\n'), pattern);
	};
	const changed = (attempts: readonly Attempt[]): Partial<Ledger> => ({ chains: [{ ...chain, attempts: [...attempts] }] });
	const never: Attempt = { ...first, text: String(first.text).replaceAll(String(first.seq), '999999999') };
	await says(changed([...chain.attempts, never]), 'lost', /not in its history/);
	await says(changed([never, ...chain.attempts]), 'lost', /version 1 is another/);
	await says(changed(others), 'wrong', /sent by nobody|is another/);
	await says(changed([{ ...first, state: 'refused' }, ...others]), 'wrong', /refused, but there/);
	await says(changed([{ ...first, version: 2 }, ...others]), 'lost', /acknowledged as version 2, there as 1/);
	const other = String(first.text).replace('"resourceType"', '"language":"en","resourceType"');
	await says(changed([{ ...first, text: other }, ...others]), 'lost', /reads otherwise/);
	await says({ groups: [{ ...group, observations: group.observations + 1 }] }, 'lost', /observations/);
	const half = { ...group, observations: group.observations + 1, attempt: { ...group.attempt, state: 'unknown' as const } };
	await says({ groups: [half] }, 'wrong', /by half/);
	await says({ claims: new Map([['k', { ...claim, ids: new Set(['a', 'b']) }]]) }, 'doubled', /created 2 times/);
	await says({ blobs: [{ ...blob, digest: 'other' }] }, 'lost', /other bytes/);
}
