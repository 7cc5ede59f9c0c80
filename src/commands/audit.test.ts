// `heron audit` by what it prints and its exit codes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAudit } from '#access/audit/audit.ts';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { raw } from '#db/sql.ts';
import { testDatabase } from '#testing/database.ts';
import { auditCommand, runAudit } from './audit.ts';
import { readWords, UsageError } from './command.ts';

const db = await testDatabase({ after });
const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'heron-audit-command-')));
after(() => {
	for (const folder of folders) rmSync(folder, { recursive: true });
});
const [dataDir = '', other = ''] = folders;

const idOf = async (name: string): Promise<string | undefined> => (name === 'eva' ? 'eve' : undefined);

async function said(words: readonly string[], folder = dataDir): Promise<{ code: number; lines: string[] }> {
	const lines: string[] = [];
	const on = { db, dataDir: folder, signal: new AbortController().signal, print: (line: string) => lines.push(line), idOf };
	return { code: await runAudit(on, readWords(auditCommand, words)), lines };
}

const audit = createAudit({ db, clock: systemClock, log: silentLog, dataDir, level: 'all' });
for (let i = 0; i < 5; i++)
	await audit.record({
		kind: 'rest',
		interaction: 'read',
		action: 'R',
		status: i === 3 ? 403 : 200,
		caller: { kind: 'user', id: i === 0 ? 'eve' : 'ada', name: 'A', client: 'app' },
		type: 'Observation',
		id: `o${i}`,
		version: 2,
		patient: `p${i % 2}`,
		address: '10.0.0.1',
		purpose: 'TREAT',
		requestId: 'r',
	});
await audit.close();

test('list prints the newest first, and what is asked for', async () => {
	const { code, lines } = await said(['list']);
	assert.deepEqual([code, lines.length], [0, 5]);
	assert.match(
		lines[0] as string,
		/Z {2}ada by app {2}read {2}200 {2}Observation\/o4\/_history\/2 {2}of Patient\/p0 {2}from 10.0.0.1 {2}for TREAT$/,
	);
	const count = async (...words: string[]): Promise<number> => (await said(['list', ...words])).lines.length;
	assert.equal(await count('--user', 'eve'), 1);
	assert.equal(await count('--user', 'eva'), 1);
	assert.equal(await count('--patient', 'p0', '--count', '2'), 2);
	assert.equal(await count('--resource', 'Observation/o2'), 1);
	assert.equal(await count('--refused'), 1);
	assert.equal(await count('--from', '2020-01-01', '--to', '2020-02-01'), 0);
	assert.equal(JSON.parse((await said(['list', '--json', '--count', '1'])).lines[0] as string).id, 'o4');
});

test('verify says that all is well, whose key it does not know, and what is wrong', async () => {
	const { code, lines } = await said(['verify']);
	assert.deepEqual([code, lines.at(-1)], [0, 'Nothing is wrong.']);
	assert.match(lines[0] as string, /^5 entries, \d+ seals, 0 entries/);
	const strange = await said(['verify'], other);
	assert.equal(strange.code, 1);
	assert.match(strange.lines[0] as string, /^SEAL {6}Seal 1 is signed by the key [0-9a-f]{16}, which is not among those that are trusted/);
	const file = join(other, 'key.pem');
	writeFileSync(file, (await said(['key'])).lines.join('\n'));
	assert.equal((await said(['verify', '--trust', file], other)).code, 0);
	await db.tx(async (tx) => {
		await tx.execute(raw('SET LOCAL session_replication_role = replica'));
		await tx.execute(raw(`UPDATE audit.entry SET caller = 'ada' WHERE caller = 'eve'`));
	});
	const wrong = await said(['verify']);
	assert.equal(wrong.code, 1);
	assert.match(wrong.lines[0] as string, /^CHANGED {3}Entry log\./);
	assert.equal(wrong.lines.at(-1), 'One thing is wrong.');
});

test('what cannot be understood is refused', async () => {
	const words = [
		[],
		['tell'],
		['list', 'all'],
		['list', '--count', '0'],
		['list', '--from', 'monday'],
		['list', '--resource', 'o1'],
		['verify', '--trust', '/none'],
	];
	for (const wrong of words) await assert.rejects(said(wrong), UsageError, wrong.join(' '));
});
