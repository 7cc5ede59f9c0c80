// SearchParameter resources of an installation, and those of packages added to it: each gets a number for ever, is gathered from what is stored
// already, and is searchable from then on. https://hl7.org/fhir/R4/searchparameter.html
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '#base/log.ts';
import { type Issue, Problem } from '#base/problem.ts';
import type { Database, Tx } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { Resource } from '#fhir/resource.ts';
import { createExtractor } from '#fhir/store/extract.ts';
import type { Extract } from '#fhir/store/layout.ts';
import { reindexType, unfinishedReindexes } from '#fhir/store/reindex.ts';
import type { Store } from '#fhir/store/store.ts';
import { checkParameter, factsOf } from './custom-check.ts';
import { addedFrom, type CustomFacts, createRegistry, type SearchRegistry } from './registry.ts';
import { usedTypes } from './used-types.ts';

/** Numbers of an installation's own parameters: up to where the numbers of canonical values begin. */
const numbers = { first: 1000, last: 1999 } as const;

export type ParameterStatus = {
	readonly url: string;
	readonly number: number;
	/** `pending` while its values are gathered; `off` when its SearchParameter is gone or no longer active. */
	readonly state: 'pending' | 'ready' | 'off';
	/** Types whose resources are still to be gone through. */
	readonly todo: readonly string[];
};

export type SearchParameters = {
	/** The registry as it is at the moment: another object each time it has changed, so ask for it again. */
	readonly registry: SearchRegistry;
	/** Index rows as the registry is at the moment. */
	readonly extract: Extract;
	/** Why an active SearchParameter resource could not be searched by; empty when it can. */
	check(resource: Resource): Issue[];
	/** To be called after a SearchParameter was written or deleted: takes the change over in this process; others follow within a second. */
	changed(): Promise<void>;
	/** How far each parameter is. */
	status(): Promise<ParameterStatus[]>;
	/** Begins to follow the changes of other processes and to gather values, with the store that writes them. */
	work(store: Store): void;
	/** Resolves when nothing is left to gather. */
	settled(): Promise<void>;
	close(): Promise<void>;
};

export type SearchParametersOptions = {
	readonly db: Database;
	readonly definitions: Definitions;
	readonly base: string;
	readonly log: Log;
	/** How often each process looks for changes. */
	readonly pollMs?: number;
	/** How long after a change values are gathered: by then every process writes by it. */
	readonly graceMs?: number;
};

/** Reads the parameters and takes over what changed since. Rejects as the database does. */
export async function createSearchParameters(options: SearchParametersOptions): Promise<SearchParameters> {
	const { pollMs = 1000, log } = options;
	const live = createLive(options);
	await live.refresh();
	const ending = new AbortController();
	let polling: Promise<void> | undefined;
	let gathering: Promise<void> | undefined;
	let store: Store | undefined;
	const gather = (): void => {
		const into = store;
		if (into === undefined || gathering !== undefined || ending.signal.aborted) return;
		gathering = gatherAll(options, live, into, ending.signal)
			.catch((error: unknown) => {
				if (!ending.signal.aborted)
					log.warn({ code: (error as { code?: string }).code }, 'gathering the values of search parameters was interrupted');
			})
			.finally(() => {
				gathering = undefined;
			});
	};
	const poll = async (): Promise<void> => {
		while (!ending.signal.aborted) {
			await sleep(pollMs, undefined, { signal: ending.signal, ref: false }).catch(() => undefined);
			if (ending.signal.aborted) return;
			await live.refresh().catch(() => undefined);
			if (live.pending()) gather();
		}
	};
	return {
		get registry() {
			return live.registry();
		},
		extract: live.extract,
		check: (resource) => checkParameter(options.definitions, live.registry(), live.facts(), resource),
		async changed() {
			await live.refresh();
			if (live.pending()) gather();
		},
		status: () => readStatus(options.db),
		work(into) {
			store = into;
			polling ??= poll();
			if (live.pending()) gather();
		},
		async settled() {
			await live.refresh();
			while (live.pending()) {
				gather();
				await gathering;
				await live.refresh();
				// Another process may be the one that gathers.
				if (live.pending()) await sleep(20);
			}
		},
		async close() {
			ending.abort();
			await polling;
			await gathering;
		},
	};
}

type Live = {
	registry(): SearchRegistry;
	readonly extract: Extract;
	refresh(): Promise<void>;
	facts(): readonly CustomFacts[];
	/** Whether values are still to be gathered for some parameter. */
	pending(): boolean;
};

/** A registry and an extractor that change. */
function createLive({ db, definitions, base }: SearchParametersOptions): Live {
	let generation = -1;
	let facts: readonly CustomFacts[] = [];
	let registry = createRegistry(definitions);
	let extract = createExtractor(registry, definitions, base);
	let running: Promise<void> | undefined;
	let next: Promise<void> | undefined;
	const look = async (): Promise<void> => {
		const now = await readGeneration(db);
		if (now.seen !== now.signature || generation < 0) await takeOver(db, definitions, registry, facts);
		const [latest] = await db.rows(raw('SELECT n FROM fhir.search_generation'));
		if (Number(latest?.[0]) === generation) return;
		const read = await db.tx(readParameters, { readOnly: true, isolation: 'repeatable read' });
		registry = createRegistry(definitions, read.facts);
		extract = createExtractor(registry, definitions, base);
		facts = read.facts;
		generation = read.generation;
	};
	const refresh = (): Promise<void> => {
		if (running === undefined) {
			running = look().finally(() => {
				running = undefined;
			});
			return running;
		}
		// A look under way may have begun before the change that the caller knows of, so another one follows it.
		next ??= running
			.catch(() => undefined)
			.then(() => {
				next = undefined;
				return refresh();
			});
		return next;
	};
	return {
		registry: () => registry,
		extract: (resource, id) => extract(resource, id),
		refresh,
		facts: () => facts,
		pending: () => facts.some(({ pending }) => pending === true),
	};
}

/** Changes with every write and delete of a SearchParameter. */
const signature = `(SELECT count(*) || ' ' || COALESCE(sum(ver), 0) || ' ' || COALESCE(sum(rid), 0) FROM fhir.searchparameter)`;

async function readGeneration(db: Database): Promise<{ seen: string; signature: string }> {
	const [row] = await db.rows(raw(`SELECT seen, ${signature} FROM fhir.search_generation`));
	return { seen: row?.[0] as string, signature: row?.[1] as string };
}

async function readParameters(tx: Tx): Promise<{ generation: number; facts: CustomFacts[] }> {
	const [row] = await tx.rows(raw('SELECT n FROM fhir.search_generation'));
	const rows = await tx.rows(raw("SELECT number, facts, state FROM fhir.search_parameter WHERE state <> 'off' ORDER BY number"));
	const facts = rows.flatMap(([number, text, state]) =>
		(JSON.parse(text as string) as Omit<CustomFacts, 'number'>[]).map(
			(one): CustomFacts => ({ ...one, number: Number(number), ...(state === 'pending' ? { pending: true } : {}) }),
		),
	);
	return { generation: Number(row?.[0]), facts };
}

type Wanted = ReadonlyMap<string, readonly Omit<CustomFacts, 'number'>[]>;

/** Brings the table of parameters up to date with the active SearchParameter resources and the packages. One process at a time. */
async function takeOver(db: Database, definitions: Definitions, registry: SearchRegistry, facts: readonly CustomFacts[]): Promise<void> {
	await db.tx(async (tx) => {
		const [row] = await tx.rows(raw(`SELECT n, seen, ${signature} FROM fhir.search_generation FOR UPDATE`));
		const wanted = await wantedParameters(tx, definitions, registry, facts);
		const changed = await noteParameters(tx, wanted);
		if (changed || row?.[1] !== row?.[2])
			await tx.execute(
				sql`UPDATE fhir.search_generation SET n = n + ${changed ? 1 : 0}, seen = ${row?.[2]}, changed_at = CASE WHEN ${changed} THEN now() ELSE changed_at END`,
			);
	});
}

/** By url: of several resources with the same url the last counts, and what the specification or a package defines is not defined again. */
async function wantedParameters(
	tx: Tx,
	definitions: Definitions,
	registry: SearchRegistry,
	present: readonly CustomFacts[],
): Promise<Wanted> {
	const wanted = new Map<string, Omit<CustomFacts, 'number'>[]>();
	for (const { number, ...facts } of definitions.searchParameters) {
		if (number >= addedFrom) wanted.set(facts.url, [...(wanted.get(facts.url) ?? []), facts]);
	}
	const packaged = new Set(wanted.keys());
	const known = new Set(definitions.searchParameters.map(({ url }) => url));
	const codes = new Map<string, string>();
	const rows = await tx.rows(raw('SELECT body FROM fhir.searchparameter ORDER BY rid'));
	for (const [body] of rows) {
		const resource = JSON.parse(body as string) as Resource;
		const url = String(resource.url);
		if (resource.status !== 'active' || known.has(url) || packaged.has(url)) continue;
		const facts = factsOf(resource);
		// Of two that came at the same moment the first has the code.
		const isTaken = facts.some(({ base, code }) => (codes.get(`${base} ${code}`) ?? url) !== url);
		if (isTaken || checkParameter(definitions, registry, present, resource).length > 0) continue;
		for (const { base, code } of facts) codes.set(`${base} ${code}`, url);
		wanted.set(url, facts);
	}
	return wanted;
}

async function noteParameters(tx: Tx, wanted: Wanted): Promise<boolean> {
	const rows = await tx.rows(raw('SELECT number, url, facts, state FROM fhir.search_parameter'));
	const known = new Map(rows.map(([number, url, facts, state]) => [url as string, { number: Number(number), facts, state }]));
	let next = Math.max(numbers.first - 1, ...rows.map(([number]) => Number(number))) + 1;
	let changed = false;
	const used = await usedTypes(tx);
	for (const [url, facts] of wanted) {
		const text = JSON.stringify(facts);
		const before = known.get(url);
		if (before !== undefined && before.state !== 'off' && before.facts === text) continue;
		const number = before?.number ?? next++;
		if (number > numbers.last) continue;
		const todo = typesOf(facts, used);
		await tx.execute(sql`INSERT INTO fhir.search_parameter (number, url, facts, state, todo) VALUES (${number}, ${url}, ${text}, ${todo.length === 0 ? 'ready' : 'pending'}, ${todo})
			ON CONFLICT (number) DO UPDATE SET facts = excluded.facts, state = excluded.state, todo = excluded.todo`);
		changed = true;
	}
	for (const [url, { number, state }] of known) {
		if (state === 'off' || wanted.has(url)) continue;
		await tx.execute(sql`UPDATE fhir.search_parameter SET state = 'off', todo = '{}' WHERE number = ${number}`);
		changed = true;
	}
	return changed;
}

/** The types in use that a parameter is about. */
function typesOf(facts: readonly { readonly base: string }[], used: readonly string[]): string[] {
	const bases = new Set(facts.map(({ base }) => base));
	return bases.has('Resource') || bases.has('DomainResource') ? [...used] : used.filter((type) => bases.has(type));
}

/** Only one process gathers: it holds this lock on a connection of its own, which falls when the process does. */
const gatherLock = 4_833_112;

async function gatherAll(options: SearchParametersOptions, live: Live, store: Store, signal: AbortSignal): Promise<void> {
	const { db, log, graceMs = 3000 } = options;
	const client = await db.connect();
	let broken: Error | undefined;
	try {
		const { rows } = await client.query(`SELECT pg_try_advisory_lock(${gatherLock})`);
		if (rows[0]?.pg_try_advisory_lock !== true) return;
		for (let type = await nextType(db, graceMs, signal); type !== undefined; type = await nextType(db, graceMs, signal)) {
			await live.refresh();
			await gatherType(options, store, type, signal);
			await live.refresh();
			log.info({ type }, 'values of search parameters gathered');
		}
	} catch (error) {
		broken = error as Error;
		throw error;
	} finally {
		await client.query(`SELECT pg_advisory_unlock(${gatherLock})`).catch((error: Error) => {
			broken = error;
		});
		client.release(broken);
	}
}

/** A type with something to gather, once every process has had the time to take the last change over. */
async function nextType(db: Database, graceMs: number, signal: AbortSignal): Promise<string | undefined> {
	for (;;) {
		signal.throwIfAborted();
		const [row] = await db.rows(
			sql`SELECT (SELECT min(t) FROM fhir.search_parameter, unnest(todo) AS t), extract(epoch FROM changed_at + make_interval(secs => ${graceMs / 1000}) - now()) * 1000 FROM fhir.search_generation`,
		);
		if (row?.[0] === null || row === undefined) return undefined;
		const wait = Number(row[1]);
		if (wait <= 0) return row[0] as string;
		await sleep(wait, undefined, { signal, ref: false });
	}
}

/** Goes through all resources of a type, for all parameters that ask for it now. */
async function gatherType({ db, definitions }: SearchParametersOptions, store: Store, type: string, signal: AbortSignal): Promise<void> {
	const rows = await db.rows(sql`SELECT number, facts FROM fhir.search_parameter WHERE ${type} = ANY(todo)`);
	const stop = (): void => signal.throwIfAborted();
	// What was begun before these parameters came has passed rows by already.
	if ((await unfinishedReindexes(db)).includes(type)) await reindexType(db, store, definitions, type, stop);
	await reindexType(db, store, definitions, type, stop);
	await db.tx(async (tx) => {
		await tx.execute(raw('UPDATE fhir.search_generation SET n = n + 1'));
		for (const [number, facts] of rows) {
			await tx.execute(sql`UPDATE fhir.search_parameter SET todo = array_remove(todo, ${type}), state = CASE WHEN array_remove(todo, ${type}) = '{}' THEN 'ready' ELSE state END
				WHERE number = ${number} AND facts = ${facts} AND state = 'pending'`);
		}
	});
}

async function readStatus(db: Database): Promise<ParameterStatus[]> {
	const rows = await db.rows(raw('SELECT url, number, state, todo FROM fhir.search_parameter ORDER BY number'));
	return rows.map(([url, number, state, todo]) => ({
		url: url as string,
		number: Number(number),
		state: state as ParameterStatus['state'],
		todo: todo as string[],
	}));
}

/** Throws Problem invalid `search-parameter-invalid` when an active SearchParameter could not be searched by. */
export function requireSearchable(parameters: Pick<SearchParameters, 'check'>, resource: Resource): void {
	const issues = parameters.check(resource);
	const [first] = issues;
	if (first !== undefined) throw new Problem('invalid', 'search-parameter-invalid', first.text, { issues, status: 422 });
}
