// The audit's chains: entries of transactions that end in every way, tampering by someone who may do anything in the database, keys.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLog } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { type Database, openDatabase } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { type Ends, testDatabase } from '#testing/database.ts';
import { type Audit, type AuditOptions, createAudit } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { countLog, placeOf, readLog } from './log.ts';
import { openSecrets, readLastSeal } from './secrets.ts';
import { type Finding, verify } from './verify.ts';

const folders: string[] = [];
after(() => {
	for (const folder of folders) rmSync(folder, { recursive: true });
});

function newFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'heron-audit-test-'));
	folders.push(folder);
	return folder;
}

type World = { readonly db: Database; readonly dataDir: string; open(more?: Partial<AuditOptions>): Audit };

async function world(t: Ends): Promise<World> {
	const opened: Audit[] = [];
	const db = await testDatabase({
		after: (drop) =>
			t.after(async () => {
				for (const audit of opened) await audit.close();
				await drop();
			}),
	});
	const dataDir = newFolder();
	return {
		db,
		dataDir,
		open(more = {}) {
			const audit = createAudit({ db, clock: systemClock, log: silentLog, dataDir, level: 'all', flushMs: 5, ...more });
			opened.push(audit);
			return audit;
		},
	};
}

function event(interaction: string, more: Partial<AuditEvent> = {}): AuditEvent {
	const caller = { kind: 'user', id: 'ada', name: 'Ada "A" Ä 𝔸', client: 'app', fhirUser: 'Practitioner/1' } as const;
	return { kind: 'rest', interaction, action: 'R', status: 200, caller, requestId: 'r', ...more };
}

async function check({ db, dataDir }: World, more: Partial<Parameters<typeof verify>[1]> = {}) {
	return verify(db, { keys: [openSecrets(dataDir).publicKey], last: readLastSeal(dataDir), ...more });
}

const said = (findings: readonly Finding[]): string[] => findings.map(({ what, text }) => `${what}: ${text}`);

test('what is noted, recorded and part of transactions is stored once and verifies', async (t) => {
	const w = await world(t);
	const audit = w.open();
	await Promise.all(
		Array.from({ length: 40 }, async (_, i) => {
			await audit.note(event(`note-${i}`));
			await audit.record(event(`record-${i}`, { patient: 'p1', type: 'Observation', id: `o${i}`, version: 3 }));
			await w.db.tx((tx) => audit.record(event(`tx-${i}`), tx));
			const lost = w.db.tx(async (tx) => {
				await audit.record(event(`lost-${i}`), tx);
				throw new Error('rolled back');
			});
			await assert.rejects(lost, /rolled back/);
		}),
	);
	await audit.close();
	const { entries, findings, unsealed } = await check(w);
	assert.deepEqual(said(findings), []);
	assert.deepEqual([entries, unsealed], [120, 0]);
	assert.equal(await countLog(w.db, [{ begins: 'interaction', any: ['lost'] }]), 0);
	const streams = await w.db.rows(raw('SELECT DISTINCT stream FROM audit.entry'));
	assert.ok(streams.length > 1);
});

test('a transaction that fails at COMMIT leaves no gap', async (t) => {
	const w = await world(t);
	const audit = w.open();
	await w.db.execute(raw('CREATE TABLE public.once (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)'));
	for (const value of [1, 1, 2])
		await w.db
			.tx(async (tx) => {
				await audit.record(event('write'), tx);
				await tx.execute(sql`INSERT INTO public.once VALUES (${value})`);
			})
			.catch((error: { code?: string }) => assert.equal(error.code, '23505'));
	await audit.close();
	const { entries, findings } = await check(w);
	assert.deepEqual([entries, said(findings)], [2, []]);
});

test('strange text is stored so that it verifies', async (t) => {
	const w = await world(t);
	const audit = w.open();
	const texts = ['\0', 'a\0b', '\ud800x', '"\\\n\t{},NULL', 'NULL', '', '\u2028', '𝔸'.repeat(3000)];
	for (const text of texts) {
		const caller = { kind: 'user', id: text, name: text } as const;
		await audit.record(event('x', { caller, detail: text, purpose: text, address: text }));
		await audit.note(event('y', { caller, detail: text }));
	}
	await audit.close();
	const { entries, findings } = await check(w);
	assert.deepEqual([entries, said(findings)], [texts.length * 2, []]);
});

test('rows of a clean stop are not lost, and each process has streams of its own', async (t) => {
	const w = await world(t);
	const [a, b] = [w.open({ flushMs: 60_000 }), w.open({ flushMs: 60_000 })];
	for (let i = 0; i < 1200; i++) {
		await a.note(event(`a-${i}`));
		await b.note(event(`b-${i}`));
	}
	await Promise.all([a.close(), b.close()]);
	const { entries, findings } = await check(w);
	assert.deepEqual([entries, said(findings)], [2400, []]);
	assert.equal(await countLog(w.db, [{ begins: 'interaction', any: ['a-'] }]), 1200);
});

test('when there is no room callers wait, and are refused when that takes too long', async (t) => {
	const w = await world(t);
	const audit = w.open({ capacity: 3, flushMs: 60_000, patienceMs: 300 });
	for (let i = 0; i < 3; i++) assert.equal(audit.note(event(`n-${i}`)), undefined);
	const waiting = audit.note(event('n-3'));
	assert.ok(waiting instanceof Promise);
	await audit.flush();
	await waiting;
	const locker = await w.db.connect();
	await locker.query('BEGIN');
	await locker.query('LOCK TABLE audit.block IN ACCESS EXCLUSIVE MODE');
	const stuck = audit.flush();
	for (let i = 4; i < 6; i++) assert.equal(audit.note(event(`n-${i}`)), undefined);
	await assert.rejects(
		audit.note(event('n-6')) as Promise<void>,
		(error) => error instanceof Problem && error.code === 'audit-unavailable',
	);
	await locker.query('ROLLBACK');
	locker.release();
	await stuck;
	await audit.close();
	assert.equal(await countLog(w.db, []), 6);
	assert.deepEqual(said((await check(w)).findings), []);
});

test('a database that goes away in between loses and doubles nothing', async (t) => {
	const w = await world(t);
	const audit = w.open();
	await audit.record(event('before'));
	for (let i = 0; i < 3; i++) {
		for (let n = 0; n < 20; n++) await audit.note(event(`n-${i}-${n}`));
		await w.db.rows(
			raw('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'),
		);
		await audit.flush();
	}
	await audit.record(event('after')).catch(() => audit.record(event('after')));
	await audit.close();
	assert.equal(await countLog(w.db, [{ begins: 'interaction', any: ['n-'] }]), 60);
	assert.deepEqual(said((await check(w)).findings), []);
});

test('entries and seals cannot be changed, deleted or truncated', async (t) => {
	const w = await world(t);
	const audit = w.open();
	await audit.record(event('x'));
	await audit.note(event('y'));
	await audit.close();
	const partitions = await w.db.rows(
		raw('SELECT tableoid::regclass::text FROM audit.entry UNION SELECT tableoid::regclass::text FROM audit.block'),
	);
	assert.equal(partitions.length, 2);
	for (const table of ['audit.entry', 'audit.block', 'audit.seal', ...partitions.flat()])
		for (const statement of [`UPDATE ${table} SET at = now()`, `DELETE FROM ${table}`, `TRUNCATE ${table}`])
			await assert.rejects(w.db.execute(raw(statement)), /append-only/, statement);
});

/** Does what only a superuser can: changes past the triggers. */
async function tamper(db: Database, ...statements: readonly string[]): Promise<void> {
	await db.tx(async (tx) => {
		await tx.execute(raw('SET LOCAL session_replication_role = replica'));
		for (const statement of statements) await tx.execute(raw(statement));
	});
}

/** Ten entries of one stream, numbers 1 to 10, sealed after the fifth and at the end. */
async function written(t: Ends): Promise<World & { readonly stream: number }> {
	const w = await world(t);
	const audit = w.open();
	for (let i = 1; i <= 10; i++) {
		await audit.record(event(`e${i}`, { patient: 'p1' }));
		if (i === 5) await audit.seal();
	}
	await audit.close();
	const [row] = await w.db.rows(raw('SELECT DISTINCT stream FROM audit.entry'));
	return { ...w, stream: row?.[0] as number };
}

const cases: readonly { readonly what: string; readonly by: readonly string[]; readonly finds: readonly RegExp[] }[] = [
	{
		what: 'a changed caller',
		by: [`UPDATE audit.entry SET caller = 'eve' WHERE seq = 4`],
		finds: [/^changed: Entry log\.\S+ .*number 4 /],
	},
	{ what: 'a changed time', by: [`UPDATE audit.entry SET at = at - interval '1 hour' WHERE seq = 4`], finds: [/^changed: .*number 4 /] },
	{
		what: 'a time changed by a microsecond',
		by: [`UPDATE audit.entry SET at = at + interval '1 microsecond' WHERE seq = 4`],
		finds: [/^changed: .*number 4 /],
	},
	{ what: 'an endless time', by: [`UPDATE audit.entry SET at = 'infinity' WHERE seq = 4`], finds: [/^changed: .*number 4 /] },
	{ what: 'a patient taken out', by: ['UPDATE audit.entry SET patient = NULL WHERE seq = 10'], finds: [/^changed: .*number 10 /] },
	{
		what: 'a changed hash',
		by: [`UPDATE audit.entry SET hash = sha256('x') WHERE seq = 4`],
		finds: [/^changed: .*number 4 /, /^changed: .*number 5 .*or the one before/],
	},
	{ what: 'a removed entry', by: ['DELETE FROM audit.entry WHERE seq = 4'], finds: [/^removed: Entry 4 of stream/] },
	{
		what: 'removed entries',
		by: ['DELETE FROM audit.entry WHERE seq IN (1, 2, 7)'],
		finds: [/^removed: Entries 1 to 2 /, /^removed: Entry 7 /],
	},
	{ what: 'a removed end', by: ['DELETE FROM audit.entry WHERE seq > 8'], finds: [/^removed: Entries 9 to 10 .*seal \d+ has signed/] },
	{ what: 'all removed', by: ['DELETE FROM audit.entry'], finds: [/^removed: Entries 1 to 10 /] },
	{
		what: 'an entry put in under a number that is taken',
		by: [
			'CREATE TEMP TABLE copy ON COMMIT DROP AS SELECT * FROM audit.entry WHERE seq = 4',
			`UPDATE copy SET caller = 'eve', at = at - interval '1 hour'`,
			'INSERT INTO audit.entry SELECT * FROM copy',
		],
		finds: [/^inserted: .*number 4 /],
	},
	{
		what: 'an entry put in at the end',
		by: [
			'CREATE TEMP TABLE copy ON COMMIT DROP AS SELECT * FROM audit.entry WHERE seq = 10',
			'UPDATE copy SET seq = 11',
			'INSERT INTO audit.entry SELECT * FROM copy',
		],
		finds: [/^changed: .*number 11 /, /^inserted: Entry 11 .*after the end/],
	},
	{
		what: 'a stream put in',
		by: [
			'CREATE TEMP TABLE copy ON COMMIT DROP AS SELECT * FROM audit.entry WHERE seq = 1',
			'UPDATE copy SET stream = 7',
			'INSERT INTO audit.entry SELECT * FROM copy',
		],
		finds: [/^changed: .*stream 7/, /^inserted: Entry 1 of stream 7: no seal/],
	},
	{ what: 'a changed seal', by: [`UPDATE audit.seal SET heads = '[]' WHERE n = 2`], finds: [/^seal: Seal 2 was changed/] },
	{
		what: 'a seal that cannot be read',
		by: [`UPDATE audit.seal SET heads = '[' WHERE n = 2`],
		finds: [/^seal: Seal 2 was changed/, /^seal: Seal 2 cannot be read/],
	},
	{ what: 'a removed seal', by: ['DELETE FROM audit.seal WHERE n = 2'], finds: [/^seal: Seal 2 was removed/] },
	{
		what: 'the last seal removed with what it signed',
		by: ['DELETE FROM audit.seal WHERE n = (SELECT max(n) FROM audit.seal)', 'DELETE FROM audit.entry WHERE seq > 5'],
		finds: [/^seal: Seal \d+ was the last that the data folder knows of/],
	},
	{
		what: 'a signature of another',
		by: [`UPDATE audit.seal SET signature = sha512('x') WHERE n = 1`],
		finds: [/^seal: Seal 1 has a signature/],
	},
	{
		what: 'the key of another',
		by: [`UPDATE audit.seal SET key = '0123456789abcdef' WHERE n = 1`],
		finds: [/^seal: Seal 1 was changed/, /^seal: Seal 1 is signed by the key 0123456789abcdef/],
	},
];

for (const { what, by, finds } of cases) {
	test(`found: ${what}`, async (t) => {
		const w = await written(t);
		assert.deepEqual(said((await check(w)).findings), []);
		await tamper(w.db, ...by);
		const found = said((await check(w)).findings);
		assert.equal(found.length, finds.length, found.join('\n'));
		for (const [i, shape] of finds.entries()) assert.match(found[i] as string, shape);
	});
}

test('a chain that was computed anew is found by what is signed', async (t) => {
	const w = await written(t);
	const { chain, genesis, insertEntries } = await import('./entry.ts');
	const kept = await readLog(w.db, { criteria: [], count: 100, isAscending: true });
	const forged = chain(
		w.stream,
		genesis,
		kept.map(({ at, interaction }) => ({ at, event: event(interaction, { caller: { kind: 'user', id: 'eve', name: 'eve' } }) })),
	);
	await tamper(w.db, 'DELETE FROM audit.entry');
	const { text, values } = insertEntries(forged);
	await w.db.execute({ text, values });
	const found = said((await check(w)).findings);
	assert.equal(found.length, 2, found.join('\n'));
	assert.match(found[0] as string, /^changed: .*number 5 .*is not what seal \d+ has signed/);
	assert.match(found[1] as string, /^changed: .*number 10 /);
});

test('from a moment on: what came before may be gone', async (t) => {
	const w = await written(t);
	const [, , , fourth] = await readLog(w.db, { criteria: [], count: 10, isAscending: true });
	await tamper(w.db, `DELETE FROM audit.entry WHERE seq < 4`);
	assert.equal((await check(w)).findings.length, 1);
	const { entries, findings } = await check(w, { from: new Date(fourth?.at ?? 0) });
	assert.deepEqual(said(findings), []);
	assert.ok(entries === 7);
	await tamper(w.db, `UPDATE audit.entry SET caller = 'eve' WHERE seq = 6`);
	assert.equal((await check(w, { from: new Date(fourth?.at ?? 0) })).findings.length, 1);
});

test('a process that dies leaves entries that no seal vouches for, and nothing wrong', async (t) => {
	const w = await world(t);
	const other = openDatabase({ ...w.db.pool.options, password: w.db.pool.options.password, max: 2 });
	const audit = w.open({ db: other });
	for (let i = 0; i < 5; i++) await audit.record(event(`e${i}`));
	const { findings, unsealed } = await check(w);
	assert.deepEqual([said(findings), unsealed], [[], 5]);
	await other.close();
});

test('entries are read by what they are about, a page at a time, both ways', async (t) => {
	const w = await world(t);
	const audit = w.open();
	for (let i = 0; i < 25; i++)
		await audit.note(
			event(i % 2 === 0 ? 'read' : 'search-type', {
				patient: `p${i % 5}`,
				type: 'Observation',
				id: `o${i}`,
				status: i % 3 === 0 ? 403 : 200,
			}),
		);
	await audit.close();
	for (const isAscending of [true, false]) {
		const seen: string[] = [];
		for (let after = undefined as ReturnType<typeof placeOf>; ; ) {
			const page = await readLog(w.db, { criteria: [], count: 4, after, isAscending });
			seen.push(...page.map(({ id }) => id ?? ''));
			if (page.length < 4) break;
			after = placeOf(page.at(-1)?.name as string);
		}
		const wanted = Array.from({ length: 25 }, (_, i) => `o${i}`);
		assert.deepEqual(seen, isAscending ? wanted : wanted.reverse());
	}
	const count = (...criteria: Parameters<typeof countLog>[1]): Promise<number> => countLog(w.db, criteria);
	assert.equal(await count({ column: 'patient', any: ['p1', 'p2'] }), 10);
	assert.equal(await count({ column: 'patient', any: ['p1'] }, { status: [{ from: 400, to: 499 }] }), 2);
	assert.equal(
		await count({
			about: [
				{ type: 'Observation', id: 'o7' },
				{ type: 'Patient', id: 'p0' },
			],
		}),
		6,
	);
	assert.equal(await count({ about: [{ type: 'Condition', id: 'o7' }] }), 0);
	assert.equal(await count({ column: 'agent', any: ['Practitioner/1'] }, { column: 'interaction', any: ['read'] }), 13);
	assert.equal(await count({ begins: 'name', any: ['aDA'] }), 25);
	assert.equal(await count({ at: [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }] }), 25);
	assert.equal(
		await count({
			either: [
				{ column: 'patient', any: ['p3'] },
				{ column: 'patient', any: ['p4'] },
			],
		}),
		10,
	);
	const [one] = await readLog(w.db, { criteria: [], count: 1 });
	assert.equal(await count({ names: [one?.name as string, 'log.1.2.3', 'nonsense'] }), 1);
});

test('partitions are made ahead, and what has none still has a place', async (t) => {
	const w = await world(t);
	const audit = w.open({ clock: { now: () => new Date('2049-05-06T07:08:09Z') } });
	await audit.record(event('far'));
	await audit.note(event('also far'));
	await audit.close();
	for (const table of ['entry', 'block'])
		assert.deepEqual(await w.db.rows(raw(`SELECT tableoid::regclass::text FROM audit.${table}`)), [[`audit.${table}_other`]]);
	await w.db.rows(raw(`SELECT audit.make_partitions('2049-04-15', 3)`));
	const made = await w.db.rows(raw(`SELECT relname FROM pg_class WHERE relname ~ '^(entry|block)_2049_..$' AND relkind = 'r' ORDER BY 1`));
	const months = ['04', '06', '07'];
	assert.deepEqual(made.flat(), [...months.map((month) => `block_2049_${month}`), ...months.map((month) => `entry_2049_${month}`)]);
	assert.deepEqual(said((await check(w)).findings), []);
});

test('the secrets are made once, for their owner alone', () => {
	const folder = newFolder();
	const [a, b] = [openSecrets(folder), openSecrets(folder)];
	assert.equal(a.keyId, b.keyId);
	assert.equal(a.hashOf('name=x'), b.hashOf('name=x'));
	assert.notEqual(a.hashOf('name=x'), a.hashOf('name=y'));
	const key = Buffer.from(readFileSync(join(folder, 'audit', 'query.key'), 'utf8'), 'base64');
	for (const text of ['', 'name=ä', 'x'.repeat(1000)])
		assert.equal(a.hashOf(text), createHmac('sha256', key).update(text).digest('hex').slice(0, 32));
	assert.notEqual(a.hashOf('name=x'), openSecrets(newFolder()).hashOf('name=x'));
	for (const name of ['key.pem', 'query.key']) assert.equal(statSync(join(folder, 'audit', name)).mode & 0o077, 0);
	a.remember({ n: 5, hash: 'five' });
	b.remember({ n: 4, hash: 'four' });
	assert.deepEqual(readLastSeal(folder), { n: 5, hash: 'five' });
});

test('off keeps nothing and touches nothing', async (t) => {
	const w = await world(t);
	const audit = w.open({ level: 'off' });
	audit.note(event('x'));
	await audit.record(event('y'));
	await audit.close();
	assert.equal(await countLog(w.db, []), 0);
});
