// The audit as a whole against a plain list of what it was told: notes and writes of several processes in random order, searched by random
// criteria, then changed in random ways behind Heron's back.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { silentLog } from '#base/log.ts';
import type { Database } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { testDatabase } from '#testing/database.ts';
import { createRandom, type Random } from '#testing/random.ts';
import { type Audit, createAudit } from './audit.ts';
import { mostInBlock } from './block.ts';
import type { Action, AuditEvent } from './event.ts';
import { type Criterion, countLog, type Logged, type Place, readLog } from './log.ts';
import { openSecrets, readLastSeal } from './secrets.ts';
import { verify } from './verify.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'heron-audit-blocks-'));
after(() => rmSync(dataDir, { recursive: true }));
const db = await testDatabase({ after });

/** A clock that the test moves. */
let now = Date.parse('2026-03-31T23:59:58Z');
const open = (): Audit =>
	createAudit({ db, clock: { now: () => new Date(now) }, log: silentLog, dataDir, level: 'all', flushMs: 3_600_000 });

const strange = ['"', '\\', '\n', 'ä𝔸', '%', "'", '],[', '\\u0022', ','];

function eventOf(random: Random, number: number): AuditEvent {
	const who = random.below(5);
	const type = random.pick(['Patient', 'Observation', 'Condition', undefined]);
	const isSearch = random.below(4) === 0;
	return {
		kind: random.pick(['rest', 'rest', 'sign-in']),
		interaction: random.pick(['read', 'vread', 'search-type', 'operation-everything']),
		action: random.pick<Action>(['R', 'E', 'C']),
		status: random.pick([200, 200, 404, 500]),
		caller: {
			kind: 'user',
			id: `u${who}${strange[who]}`,
			name: `${random.pick(['Ada', 'aDe', 'Bob'])} ${random.pick(strange)}`,
			...(who < 3 ? { fhirUser: `Practitioner/${who}` } : {}),
			...(random.below(2) === 0 ? { client: 'app' } : {}),
		},
		address: random.pick(['10.0.0.1', '10.0.1.1', '::1']),
		patient: random.pick(['p1', 'p2', 'p3', `p${number}`, undefined]),
		type,
		id: type === undefined || isSearch ? undefined : random.pick(['p1', 'o1', `o${number}`]),
		version: random.pick([undefined, 1, 2]),
		...(isSearch ? { query: random.pick(['patient,code', 'name', strange.join('')]), queryHash: 'a'.repeat(32) } : {}),
		purpose: random.pick([undefined, 'TREAT']),
		requestId: `r${number}`,
		detail: random.pick([undefined, undefined, random.pick(strange)]),
	};
}

type Told = Omit<Logged, 'name' | 'stream' | 'seq'>;

function toldOf({ caller, ...event }: AuditEvent, at: number): Told {
	const { patient = null, type = null, id = null, version = null, query = null, queryHash = null, purpose = null, detail = null } = event;
	const who = { caller: caller.id, callerKind: caller.kind, callerName: caller.name, client: caller.client ?? null };
	const { kind, interaction, action, status, requestId, address = null } = event;
	const known = { at, kind, interaction, action, status, ...who, fhirUser: caller.fhirUser ?? null, address, patient, type, id };
	return { ...known, version, query, queryHash, purpose, requestId, detail };
}

const told: Told[] = [];

/** Tells the audits of events, in every way there is. */
async function tell(random: Random, audits: readonly Audit[], count: number): Promise<void> {
	for (let i = 0; i < count; i++) {
		now += random.pick([0, 0, 1, 7, 150]);
		const audit = random.pick(audits);
		const event = eventOf(random, told.length);
		const way = random.below(40);
		if (way < 36) await audit.note(event);
		else if (way < 37) await audit.record(event);
		else if (way < 38) await db.tx((tx) => audit.record(event, tx));
		else {
			const lost = db.tx(async (tx) => {
				await audit.record(event, tx);
				throw new Error('rolled back');
			});
			await assert.rejects(lost, /rolled back/);
			continue;
		}
		told.push(toldOf(event, now));
		if (random.below(25) === 0) await audit.flush();
		if (random.below(120) === 0) await audit.seal();
	}
}

/** All that the audit shows for criteria, page by page. */
async function pages(criteria: readonly Criterion[], isAscending: boolean, count: number): Promise<Logged[]> {
	const found: Logged[] = [];
	for (let last: Place | undefined; ; last = found.at(-1)) {
		const page = await readLog(db, { criteria, count, after: last, isAscending });
		found.push(...page);
		if (page.length < count) return found;
	}
}

const inOrder = (a: Logged, b: Logged): number => a.at - b.at || a.stream - b.stream || a.seq - b.seq;

/** What the plain list says of an entry. */
function meets(entry: Logged, criterion: Criterion): boolean {
	if ('column' in criterion) {
		const { caller, fhirUser, callerName, client, address, patient, kind, interaction, action, requestId } = entry;
		const value = {
			agent: fhirUser ?? caller,
			caller,
			name: callerName,
			client,
			address,
			patient,
			kind,
			interaction,
			action,
			request: requestId,
		};
		return criterion.any.includes(value[criterion.column] as string);
	}
	if ('either' in criterion) return criterion.either.some((one) => meets(entry, one));
	if ('begins' in criterion) {
		const value = { name: entry.callerName, address: entry.address ?? '', interaction: entry.interaction }[criterion.begins].toLowerCase();
		return criterion.any.some((one) => value.startsWith(one.toLowerCase()));
	}
	if ('about' in criterion)
		return criterion.about.some(
			({ type, id }) =>
				(entry.type === type && (id === undefined || entry.id === id)) || (type === 'Patient' && id !== undefined && entry.patient === id),
		);
	if ('status' in criterion) return criterion.status.some(({ from, to }) => entry.status >= from && entry.status <= to);
	if ('at' in criterion) return criterion.at.some(({ from, to }) => entry.at >= from && entry.at <= to);
	return criterion.names.includes(entry.name);
}

function criterionOf(random: Random, all: readonly Logged[]): Criterion {
	const one = random.pick(all);
	const two = random.pick(all);
	const [from = 0, to = 0] = [one.at, two.at].sort((a, b) => a - b);
	const of = (value: string | null): string[] => [value ?? 'none', ...(random.below(3) === 0 ? ['other'] : [])];
	const made: readonly (() => Criterion)[] = [
		() => ({ column: 'patient', any: of(one.patient) }),
		() => ({ column: 'agent', any: of(one.fhirUser ?? one.caller) }),
		() => ({ column: 'caller', any: of(one.caller) }),
		() => ({ column: 'name', any: of(one.callerName) }),
		() => ({ column: 'client', any: of(one.client) }),
		() => ({ column: 'interaction', any: of(one.interaction) }),
		() => ({ column: 'action', any: of(one.action) }),
		() => ({ column: 'request', any: of(one.requestId) }),
		() => ({ begins: 'name', any: [random.pick(['ad', 'ADA "', 'b', `bob ${random.pick(strange)}`])] }),
		() => ({ begins: 'address', any: [random.pick(['10.', '10.0.1', ':'])] }),
		() => ({ about: [{ type: one.type ?? 'Patient', ...(one.id === null ? {} : { id: one.id }) }] }),
		() => ({ about: [{ type: 'Patient', id: one.patient ?? 'p1' }] }),
		() => ({ status: [{ from: 400, to: random.pick([499, 999]) }] }),
		() => ({ at: [{ from, to }] }),
		() => ({ at: [{ from: random.pick([from, Number.NEGATIVE_INFINITY]), to: random.pick([from, Number.POSITIVE_INFINITY]) }] }),
		() => ({ names: [one.name, two.name, 'log.1.2.3'] }),
		() => ({ either: [criterionOf(random, all), criterionOf(random, all)] }),
	];
	return random.pick(made)();
}

/** Searches by random criteria show what the plain list does. */
async function compare(random: Random, searches: number): Promise<void> {
	const all = await pages([], true, 1000);
	const bare = all.map(({ name: _name, stream: _stream, seq: _seq, ...entry }) => entry);
	const byRequest = (a: Told, b: Told): number => Number(a.requestId.slice(1)) - Number(b.requestId.slice(1));
	assert.deepEqual(bare.sort(byRequest), told.toSorted(byRequest));
	for (let i = 0; i < searches; i++) {
		const criteria = Array.from({ length: random.below(3) }, () => criterionOf(random, all));
		const wanted = all.filter((entry) => criteria.every((one) => meets(entry, one))).sort(inOrder);
		const isAscending = random.below(2) === 0;
		const what = JSON.stringify(criteria);
		const found = await pages(criteria, isAscending, random.pick([Math.ceil(wanted.length / 3) + 1, 1000]));
		assert.deepEqual(found, isAscending ? wanted : wanted.reverse(), what);
		assert.equal(await countLog(db, criteria), wanted.length, what);
	}
}

const check = () => verify(db, { keys: [openSecrets(dataDir).publicKey], last: readLastSeal(dataDir) });

test('what was told in any order by several processes is found, counted and verified', async () => {
	const random = createRandom(7);
	for (let round = 0; round < 3; round++) {
		const audits = [open(), open(), open()];
		await tell(random, audits, 200);
		await Promise.all(audits.map((audit) => audit.flush()));
		await compare(random, 20);
		await Promise.all(audits.map((audit) => audit.close()));
		const { entries, findings, unsealed } = await check();
		assert.deepEqual([entries, findings, unsealed], [told.length, [], 0]);
	}
	const [blocks = []] = await db.rows(raw('SELECT count(*), max(count) FROM audit.block'));
	assert.ok(blocks.every((count) => Number(count) > 10));
});

test('a full block is stored at once, and the next goes on where it ended', async () => {
	const audit = open();
	const random = createRandom(8);
	await tell(random, [audit], 1);
	const begin = told.length;
	for (let i = 0; i < 2 * mostInBlock + 10; i++) {
		const event = eventOf(random, told.length);
		await audit.note(event);
		told.push(toldOf(event, now));
	}
	await audit.close();
	assert.equal(await countLog(db, []), told.length);
	assert.deepEqual(await db.rows(raw(`SELECT max(count) FROM audit.block`)), [[mostInBlock]]);
	await compare(random, 15);
	assert.ok(told.length > begin + 2 * mostInBlock);
	assert.deepEqual((await check()).findings, []);
});

test('where the clock goes back, the time of a stream stands still', async () => {
	const audit = open();
	const random = createRandom(9);
	const first = told.length;
	for (const step of [0, -5000, 3000, 10, -20_000]) {
		now += step;
		for (let i = 0; i < 3; i++) {
			await audit.note({ ...eventOf(random, told.length + i), interaction: 'back' });
			now -= 5;
		}
		await audit.flush();
	}
	await audit.close();
	const found = await pages([{ column: 'interaction', any: ['back'] }], true, 4);
	assert.equal(found.length, 15);
	for (const [i, { seq }] of found.toSorted((a, b) => a.seq - b.seq).entries()) assert.equal(found[i]?.seq, seq);
	assert.equal(told.length, first);
	assert.deepEqual((await check()).findings, []);
});

/** A link of a chain in the database. */
type Row = {
	readonly table: 'entry' | 'block';
	readonly place: string;
	readonly stream: number;
	readonly first: number;
	readonly last: number;
};

async function rowsOf(): Promise<Row[]> {
	const rows = await db.query<Row>(
		raw(`SELECT 'entry' AS table, ctid::text || tableoid AS place, stream, seq AS first, seq AS last FROM audit.entry UNION ALL
			SELECT 'block', ctid::text || tableoid, stream, seq - count + 1, seq FROM audit.block`),
	);
	return rows;
}

/** A change of a column, as an SQL expression. */
const changes: Readonly<Record<Row['table'], readonly (readonly [column: string, to: string])[]>> = {
	block: [
		['at', `at + interval '1 microsecond'`],
		['at', `at - interval '40 days'`],
		['at', `'infinity'`],
		['since', `since - interval '1 millisecond'`],
		['stream', 'stream + 1'],
		['seq', 'seq + 1'],
		['seq', 'seq + 100000'],
		['count', 'count + 1'],
		['count', 'count - 1'],
		['count', '-5'],
		['hash', `sha256('x')`],
		['patients', `array_append(patients, 'px')`],
		['patients', `ARRAY[NULL, 'p1']`],
		['agents', `'{}'`],
		['sources', `replace(sources, '"u', '"v')`],
		['sources', `sources || ' '`],
		['entries', `replace(entries, '"r', '"s')`],
		['entries', `left(entries, 20)`],
	],
	entry: [
		['at', `at + interval '1 millisecond'`],
		['stream', 'stream + 1'],
		['seq', 'seq + 100000'],
		['hash', `sha256('x')`],
		['caller', `'eve'`],
		['patient', `coalesce(patient, '') || 'x'`],
		['status', 'status + 1'],
		['detail', `coalesce(detail, '') || 'x'`],
	],
};

const copied = 'CREATE TEMP TABLE copy ON COMMIT DROP AS SELECT * FROM audit.';

/** Ways to tamper with one row, each as statements; the condition finds the row. */
function tamperings(random: Random, { table, place }: Row): string[] {
	const here = `WHERE ctid::text || tableoid = '${place}'`;
	const [column, to] = random.pick(changes[table]);
	const alter = [`UPDATE audit.${table} SET ${column} = ${to} ${here}`];
	const remove = [`DELETE FROM audit.${table} ${here}`];
	const insert = [
		`${copied}${table} ${here}`,
		`UPDATE copy SET ${random.pick([`at = at + interval '1 microsecond'`, 'seq = seq + 1', 'stream = stream + 1', 'seq = 100000'])}`,
		`DELETE FROM copy c WHERE EXISTS (SELECT FROM audit.${table} o WHERE (o.stream, o.seq, o.at) = (c.stream, c.seq, c.at))`,
		`INSERT INTO audit.${table} SELECT * FROM copy`,
	];
	return random.pick([alter, alter, alter, remove, insert]);
}

/** The numbers that findings name, by stream. */
function named(texts: readonly string[]): { stream: number; from: number; to: number }[] {
	const shape = /(?:numbers?|Entr(?:y|ies)) (-?\d+)(?: to (-?\d+))? of stream (\d+)/g;
	return texts.flatMap((text) =>
		[...text.matchAll(shape)].map(([, from, to, stream]) => ({ stream: Number(stream), from: Number(from), to: Number(to ?? from) })),
	);
}

async function tamper(to: Database, statements: readonly string[]): Promise<void> {
	await to.tx(async (tx) => {
		await tx.execute(raw('SET LOCAL session_replication_role = replica'));
		for (const statement of statements) await tx.execute(raw(statement));
	});
}

test('whatever is done to one entry or block, it is found and named', async () => {
	const random = createRandom(10);
	for (const table of ['entry', 'block']) await db.execute(raw(`CREATE TABLE public.kept_${table} AS SELECT * FROM audit.${table}`));
	const state = async (): Promise<string> => {
		const [row] = await db.rows(sql`SELECT md5(string_agg(t, ',' ORDER BY t)) FROM
			(SELECT e::text AS t FROM audit.entry e UNION ALL SELECT b::text FROM audit.block b) all_of_it`);
		return row?.[0] as string;
	};
	const before = await state();
	for (let i = 0; i < 80; i++) {
		const rows = await rowsOf();
		const table = random.pick(['entry', 'block', 'block'] as const);
		const row = random.pick(rows.filter((one) => one.table === table));
		const how = tamperings(random, row);
		await tamper(db, how);
		const what = `${JSON.stringify(row)} ${how.join('; ')}`;
		const { findings } = await check();
		if ((await state()) !== before) {
			const texts = findings.map(({ text }) => text);
			const known = new Set(rows.map(({ place }) => place));
			const touched = [row, ...(await rowsOf()).filter(({ place }) => !known.has(place))];
			const isNamed = named(texts).some(({ stream, from, to }) =>
				touched.some((one) => stream === one.stream && from <= Math.max(one.first, one.last) && to >= Math.min(one.first, one.last)),
			);
			assert.ok(isNamed, `${what}\n${texts.join('\n')}`);
		} else assert.deepEqual(findings, [], what);
		for (const name of ['entry', 'block'])
			await tamper(db, [`DELETE FROM audit.${name}`, `INSERT INTO audit.${name} SELECT * FROM public.kept_${name}`]);
	}
	assert.equal(await state(), before);
	assert.deepEqual((await check()).findings, []);
});
