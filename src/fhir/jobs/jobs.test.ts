import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Caller, type Ctx, everything } from '#access/ctx.ts';
import { systemClock } from '#base/clock.ts';
import { createIds } from '#base/ids.ts';
import { silentLog } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { raw, sql } from '#db/sql.ts';
import { cloneDatabase } from '#testing/database.ts';
import { createJobs, type JobKind, type JobOptions, type JobStatus, type Jobs } from './jobs.ts';

const ids = createIds();

const alice: Caller = { kind: 'user', id: 'alice', name: 'Alice', grants: [{ type: '*', interactions: ['read', 'search'] }] };
const bob: Caller = { ...alice, id: 'bob' };
const admin: Caller = { kind: 'system', id: 'admin', name: 'Admin', grants: everything };

function ctxOf(caller: Caller): Ctx {
	return { caller, db, clock: systemClock, ids, log: silentLog, requestId: 'r1' };
}

const { database: db, drop } = await cloneDatabase();
after(drop);
const folder = mkdtempSync(join(tmpdir(), 'heron-jobs-'));
after(() => rmSync(folder, { recursive: true }));

/** Processes that take jobs; they end with the test, and so do their jobs. */
function processes(t: TestContext): (options?: Partial<JobOptions>) => Jobs {
	const opened: Jobs[] = [];
	t.after(async () => {
		await Promise.all(opened.map((jobs) => jobs.close()));
		await db.execute(raw('DELETE FROM jobs.job'));
	});
	return (options = {}) => {
		const jobs = createJobs({ db, clock: systemClock, ids, log: silentLog, folder, pollMs: 50, leaseMs: 600, ...options });
		opened.push(jobs);
		return jobs;
	};
}

/** Waits until the job has ended. */
async function ended(jobs: Jobs, ctx: Ctx, id: string): Promise<JobStatus> {
	for (;;) {
		const status = await jobs.status(ctx, id);
		if (status.state === 'done' || status.state === 'failed') return status;
		await sleep(20);
	}
}

async function gone(jobs: Jobs, ctx: Ctx, id: string): Promise<void> {
	await assert.rejects(jobs.status(ctx, id), { kind: 'not-found', code: 'job-not-found' });
}

test('a job is done in the name of its caller, and its result is kept for the caller', async (t) => {
	const process = processes(t);
	const jobs = process();
	jobs.register('greet', async ({ caller, requestId }, { input }) => ({
		text: `${input} ${caller.name} ${requestId}`,
		contentType: 'text/plain',
	}));
	const ctx = ctxOf(alice);
	const id = await jobs.start(ctx, 'greet', 'hello');
	assert.equal((await jobs.status(ctx, id)).state, 'waiting');
	jobs.work();
	const status = await ended(jobs, ctx, id);
	assert.deepEqual(status.result, { text: 'hello Alice r1', contentType: 'text/plain' });
	assert.ok(status.expires !== undefined && status.expires > status.created);
	const [row] = await db.query(sql`SELECT input FROM jobs.job WHERE id = ${id}`);
	assert.deepEqual(row, { input: null }, 'what was asked is not kept longer than needed');
});

test('only the owner and callers without limits see a job', async (t) => {
	const process = processes(t);
	const jobs = process();
	jobs.register('wait', async () => ({ text: '' }));
	const id = await jobs.start(ctxOf(alice), 'wait', '');
	await gone(jobs, ctxOf(bob), id);
	await assert.rejects(jobs.cancel(ctxOf(bob), id), { code: 'job-not-found' });
	await gone(jobs, ctxOf({ ...admin, grants: [{ type: '*', interactions: ['read'] }] }), id);
	await gone(jobs, ctxOf({ ...alice, kind: 'patient' }), id);
	assert.equal((await jobs.status(ctxOf(admin), id)).id, id);
	await gone(jobs, ctxOf(admin), 'no-such-job');
	await gone(jobs, ctxOf(admin), 'x\u0001'.repeat(500));
});

test('a Problem fails the job with its status and issues; anything else says nothing of what happened inside', async (t) => {
	const process = processes(t);
	const jobs = process();
	const issues = [{ severity: 'error', type: 'invalid', code: 'c', text: 'no', path: 'Patient.name' }] as const;
	jobs.register('refuse', async () => {
		throw new Problem('invalid', 'c', 'no', { status: 422, issues });
	});
	jobs.register('break', async () => {
		throw new TypeError('secret of the inside');
	});
	jobs.work();
	const ctx = ctxOf(alice);
	const refused = await ended(jobs, ctx, await jobs.start(ctx, 'refuse', ''));
	assert.equal(refused.state, 'failed');
	assert.equal(refused.problem?.status, 422);
	assert.deepEqual(refused.problem?.issues, issues);
	const broken = await ended(jobs, ctx, await jobs.start(ctx, 'break', ''));
	assert.equal(broken.problem?.kind, 'fault');
	assert.ok(!JSON.stringify(await db.query(raw('SELECT problem FROM jobs.job'))).includes('secret'));
});

test('progress is told while the job runs', async (t) => {
	const process = processes(t);
	const jobs = process();
	const { promise, resolve } = Promise.withResolvers<void>();
	jobs.register('slow', async (_ctx, job) => {
		job.progress(`half ${'x'.repeat(200)}`);
		await promise;
		return { text: 'ok' };
	});
	jobs.work();
	const ctx = ctxOf(alice);
	const id = await jobs.start(ctx, 'slow', '');
	let progress: string | undefined;
	while (progress === undefined) {
		await sleep(20);
		progress = (await jobs.status(ctx, id)).progress;
	}
	assert.match(progress, /^half x{94}$/);
	resolve();
	assert.equal((await ended(jobs, ctx, id)).progress, undefined);
});

test('a cancelled job is forgotten, its run is told to stop and can record nothing more', async (t) => {
	const process = processes(t);
	const jobs = process();
	const begun = Promise.withResolvers<void>();
	const outcome = Promise.withResolvers<unknown>();
	jobs.register('endless', async (_ctx, job) => {
		begun.resolve();
		await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
		await job.record('late', '1').then(outcome.resolve, outcome.resolve);
		return { text: 'never' };
	});
	jobs.work();
	const ctx = ctxOf(alice);
	const id = await jobs.start(ctx, 'endless', '');
	await begun.promise;
	await jobs.cancel(ctx, id);
	assert.equal(((await outcome.promise) as Problem).code, 'job-lost');
	await gone(jobs, ctx, id);
	assert.deepEqual(await db.query(raw('SELECT FROM jobs.step')), []);
});

test('no more jobs run at once than allowed, and each is run once, however many processes look', async (t) => {
	const process = processes(t);
	let now = 0;
	let most = 0;
	const runs = new Map<string, number>();
	const kind: JobKind = async (_ctx, { input }) => {
		runs.set(input, (runs.get(input) ?? 0) + 1);
		most = Math.max(most, ++now);
		await sleep(10);
		now--;
		return { text: input };
	};
	const both = [process({ concurrency: 2, maxOpen: 100 }), process({ concurrency: 1, maxOpen: 100 })] as const;
	for (const jobs of both) jobs.register('count', kind);
	const ctx = ctxOf(alice);
	const started = await Promise.all(Array.from({ length: 24 }, (_, i) => both[0].start(ctx, 'count', String(i))));
	for (const jobs of both) jobs.work();
	for (const id of started) assert.equal((await ended(both[0], ctx, id)).state, 'done');
	assert.ok(most <= 3, `${most} ran at once`);
	assert.deepEqual([...runs.values()], new Array(24).fill(1));
});

test('a caller may have so many jobs open, also when they are started at the same moment', async (t) => {
	const process = processes(t);
	const jobs = process({ maxOpen: 3 });
	jobs.register('wait', async () => ({ text: '' }));
	const ctx = ctxOf(alice);
	const all = await Promise.allSettled(Array.from({ length: 7 }, () => jobs.start(ctx, 'wait', '')));
	const refused = all.filter((one) => one.status === 'rejected').map((one) => one.reason as Problem);
	assert.deepEqual(
		refused.map(({ code, status }) => [code, status]),
		new Array(4).fill(['job-limit', 429]),
	);
	await jobs.start(ctxOf(bob), 'wait', '');
	jobs.work();
	for (const one of all) if (one.status === 'fulfilled') await ended(jobs, ctx, one.value);
	await jobs.start(ctx, 'wait', '');
});

test('a job whose process fell silent goes on elsewhere from what was recorded; the first process can record nothing more', async (t) => {
	const process = processes(t);
	// So long a lease that it is not renewed in the meantime, and no room to take the job again.
	const first = process({ leaseMs: 600_000, concurrency: 1 });
	const silent = Promise.withResolvers<void>();
	const stuck = Promise.withResolvers<void>();
	const late = Promise.withResolvers<unknown>();
	first.register('steps', async (_ctx, job) => {
		await job.record('1', 'one');
		// The process stands still: nothing renews the lease.
		await db.execute(sql`UPDATE jobs.job SET due_at = now() - interval '1 s' WHERE id = ${job.id}`);
		silent.resolve();
		await stuck.promise;
		await db.tx((tx) => job.record('2', 'from the dead', tx)).then(late.resolve, late.resolve);
		return { text: 'from the dead' };
	});
	first.work();
	const ctx = ctxOf(alice);
	const id = await first.start(ctx, 'steps', '');
	const second = process();
	const seen: string[][] = [];
	second.register('steps', async (_ctx, job) => {
		seen.push([...job.recorded.values()]);
		await job.record('2', 'two');
		stuck.resolve();
		await late.promise;
		return { text: 'alive' };
	});
	await silent.promise;
	second.work();
	assert.deepEqual((await ended(second, ctx, id)).result, { text: 'alive' });
	assert.equal(((await late.promise) as Problem).code, 'job-lost');
	assert.deepEqual(seen, [['one']]);
	assert.deepEqual(await db.query(raw('SELECT FROM jobs.step')), []);
});

test('what is recorded in a transaction that fails is not recorded', async (t) => {
	const process = processes(t);
	const jobs = process();
	const seen: string[][] = [];
	jobs.register('twice', async (_ctx, job) => {
		seen.push([...job.recorded.keys()]);
		if (seen.length === 2) return { text: 'ok' };
		await db.tx((tx) => job.record('kept', '', tx));
		await db
			.tx(async (tx) => {
				await job.record('lost', '', tx);
				throw new Error('rolled back');
			})
			.catch(() => undefined);
		throw new Problem('unavailable', 'database-unavailable', 'away');
	});
	jobs.work();
	const ctx = ctxOf(alice);
	const id = await jobs.start(ctx, 'twice', '');
	while (seen.length === 0) await sleep(10);
	while ((await jobs.status(ctx, id)).state !== 'waiting') await sleep(10);
	await db.execute(sql`UPDATE jobs.job SET due_at = now() WHERE id = ${id}`);
	assert.equal((await ended(jobs, ctx, id)).state, 'done');
	assert.deepEqual(seen, [[], ['kept']]);
});

test('closing gives running jobs back at once, for another process to go on', async (t) => {
	const process = processes(t);
	const first = process();
	const begun = Promise.withResolvers<void>();
	first.register('long', async (_ctx, job) => {
		begun.resolve();
		for (let i = 0; ; i++) {
			await sleep(5);
			await job.record('i', String(i));
		}
	});
	first.work();
	const ctx = ctxOf(alice);
	const id = await first.start(ctx, 'long', '');
	await begun.promise;
	await first.close();
	const [row] = await db.query(sql`SELECT state, attempts FROM jobs.job WHERE id = ${id}`);
	assert.deepEqual(row, { state: 'waiting', attempts: 0 });
});

test('a job that brings its process down again and again is given up', async (t) => {
	const process = processes(t);
	const jobs = process({ maxAttempts: 2 });
	let runs = 0;
	jobs.register('deadly', async () => {
		runs++;
		return { text: '' };
	});
	const ctx = ctxOf(alice);
	const id = await jobs.start(ctx, 'deadly', '');
	await db.execute(sql`UPDATE jobs.job SET state = 'running', lease = 'of a dead process', attempts = 2, due_at = now() WHERE id = ${id}`);
	jobs.work();
	assert.equal((await ended(jobs, ctx, id)).problem?.code, 'job-gave-up');
	assert.equal(runs, 0);
});

test('results are deleted when their time is over', async (t) => {
	const process = processes(t);
	const first = process({ keepMs: 1 });
	first.register('short', async () => ({ text: 'x' }));
	const ctx = ctxOf(alice);
	const id = await first.start(ctx, 'short', '');
	first.work();
	while ((await db.rows(sql`SELECT FROM jobs.job WHERE id = ${id} AND state = 'done'`)).length === 0) await sleep(10);
	await gone(first, ctx, id);
	await first.close();
	process().work();
	while ((await db.rows(raw('SELECT FROM jobs.job'))).length > 0) await sleep(10);
});

test('a kind nobody knows is a fault of ours, not a job', async (t) => {
	const process = processes(t);
	await assert.rejects(process().start(ctxOf(alice), 'nothing', ''), { code: 'job-kind-unknown' });
	assert.deepEqual(await db.query(raw('SELECT FROM jobs.job')), []);
});

test('files of a job are its owner’s once it is done, and go with it', async (t) => {
	const jobs = processes(t)();
	jobs.register('write', async (_, job) => {
		mkdirSync(job.folder, { recursive: true });
		writeFileSync(join(job.folder, '1'), job.input);
		if (job.input === 'waits') await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
		return { text: '', keepMs: job.input === 'short' ? 1 : 60_000 };
	});
	jobs.work();
	const [own, other] = [ctxOf(alice), ctxOf(bob)];
	const id = await jobs.start(own, 'write', 'here');
	await ended(jobs, own, id);
	const path = await jobs.file(own, id, '1');
	assert.equal(readFileSync(path, 'utf8'), 'here');
	assert.equal(await jobs.file(ctxOf(admin), id, '1'), path);
	for (const [ctx, job, name] of [
		[other, id, '1'],
		[own, id, '2'],
		[own, id, '../1'],
		[own, '..', '1'],
		[own, id, ''],
	] as const)
		await assert.rejects(jobs.file(ctx, job, name), { kind: 'not-found', code: 'job-not-found' });
	await jobs.cancel(own, id);
	assert.ok(!existsSync(path));
	const short = await jobs.start(own, 'write', 'short');
	while (
		await jobs.status(own, short).then(
			() => true,
			() => false,
		)
	)
		await sleep(20);
	await assert.rejects(jobs.file(own, short, '1'), { code: 'job-not-found' });
	const waits = await jobs.start(own, 'write', 'waits');
	while (!existsSync(join(folder, waits, '1'))) await sleep(20);
	await assert.rejects(jobs.file(own, waits, '1'), { code: 'job-not-found' });
	const next = processes(t)();
	next.work();
	while (existsSync(join(folder, short))) await sleep(20);
	assert.ok(existsSync(join(folder, waits)));
});
