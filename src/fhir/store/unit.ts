// Transactions: a unit of work on one connection, with what it meets locked, checked when it ends.
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { Ctx } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Pipeline, PipelinedTx, Prepared } from '#db/pipeline.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { Stored } from '#fhir/resource.ts';
import { closingOf, type Known } from './closing.ts';
import { isTransient, problemOf, type SqlError } from './failures.ts';
import { type Journal, type Journaled, journaledOf } from './journal.ts';
import type { Extract } from './layout.ts';
import { idsByType, looksFor } from './looks.ts';
import { makePlan, type Plan, type Ready, ridsFor } from './plan.ts';
import { alreadyExists, referenceNotFound, stillReferenced } from './problems.ts';
import type { Rids } from './rids.ts';
import { linkOf, lockRows, lockTexts, lookUp, readLinks, refusals } from './statements.ts';
import type { Unit, Write, Written } from './store.ts';

export type UnitOptions = {
	readonly pipeline: Pipeline;
	readonly rids: Rids;
	readonly known: Known;
	readonly definitions: Definitions;
	readonly extract: Extract;
	readonly integrity: boolean;
	readonly journal: Journal | undefined;
	/** Makes a write ready; throws when it cannot be. */
	readonly prepare: (ctx: Ctx, write: Write) => Ready;
};

const maxAttempts = 8;
/** Rows of one statement. */
const rowsAtOnce = 250;

/** Runs `work` as a transaction, from the start again when others got in its way. */
export async function transact<T>(options: UnitOptions, ctx: Ctx, work: (unit: Unit) => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await once(options, ctx, work);
		} catch (error) {
			if (!isTransient(error as SqlError) || attempt >= maxAttempts) throw problemOf(error as SqlError);
			await pause(attempt * (5 + Math.random() * 20));
		}
	}
}

/** One write as a transaction of its own. */
export async function writeAlone(options: UnitOptions, ready: Ready): Promise<Written> {
	for (let attempt = 1; ; attempt++) {
		const work = new Work(options);
		try {
			return await work.run(async () => (await work.carry(1, () => ready))[0] as Written);
		} catch (error) {
			const { code } = error as SqlError;
			if (ready.write.op === 'C' && code === '23505') throw alreadyExists(ready.write.type, ready.write.id);
			if (!isTransient(error as SqlError) || attempt >= maxAttempts) throw problemOf(error as SqlError);
			await pause(attempt * (5 + Math.random() * 20));
		}
	}
}

async function once<T>(options: UnitOptions, ctx: Ctx, job: (unit: Unit) => Promise<T>): Promise<T> {
	const work = new Work(options);
	return work.run((tx) =>
		job({
			tx,
			write: (writes) => work.carry(writes.length, (i) => options.prepare(ctx, writes[i] as Write)),
			lock: (texts) => work.lock(texts),
			read: (type, id) => work.read(type, id),
			check: () => work.check(),
		}),
	);
}

/** One attempt at a transaction. */
class Work {
	readonly #options: UnitOptions;
	readonly #plans: Plan[] = [];
	/** What was written last under each name, to say in which element a reference leads nowhere. */
	readonly #written = new Map<string, Ready>();
	readonly #journaled: Journaled[] = [];
	#tx: PipelinedTx | undefined;
	#lost: unknown;

	constructor(options: UnitOptions) {
		this.#options = options;
	}

	async run<T>(work: (tx: PipelinedTx) => Promise<T>): Promise<T> {
		let remember = (): void => undefined;
		const result = await this.#options.pipeline.tx(async (tx) => {
			this.#tx = tx;
			const made = await work(tx);
			if (this.#lost !== undefined) throw this.#lost;
			const part = await this.#options.journal?.(this.#journaled);
			if (part !== undefined) tx.onEnd(part.end);
			remember = await this.#close(tx, part === undefined ? [] : [part.statement]);
			return made;
		});
		remember();
		return result;
	}

	/** Carries out so many writes in parts: while PostgreSQL does one, the next is made ready. */
	async carry(count: number, readyAt: (index: number) => Ready): Promise<Written[]> {
		const sent: Promise<unknown>[] = [];
		const written: Written[] = [];
		const names = new Set<string>();
		try {
			for (let i = 0; i < count; i += rowsAtOnce) {
				// Other requests have their turn.
				if (i > 0) await turn();
				const part = Array.from({ length: Math.min(rowsAtOnce, count - i) }, (_, k) => readyAt(i + k));
				for (const { name } of part) names.add(name);
				if (names.size < i + part.length) throw new Error('two writes of one resource in one call');
				written.push(...(await this.#some(part, sent)));
			}
			await Promise.all(sent);
			return written;
		} catch (error) {
			// What comes after a statement that failed fails as well; the first one says why.
			const failed = (await Promise.allSettled(sent)).find((one) => one.status === 'rejected');
			this.#lost ??= failed?.reason ?? error;
			throw this.#lost;
		}
	}

	async #some(writes: readonly Ready[], sent: Promise<unknown>[]): Promise<Written[]> {
		const { rids, extract } = this.#options;
		const looks = looksFor(writes);
		const locks = [...idsByType(writes)].map(([type, ids]) => lockRows(type, ids));
		const answers = locks.length === 0 ? [] : await this.#send([...locks, ...looks.statements]);
		const found = looks.read(answers.slice(locks.length));
		const plan = makePlan(writes, (name) => found.get(name), await rids.take(ridsFor(writes, found)), extract);
		const refused = plan.outcomes.find((outcome) => outcome instanceof Problem);
		if (refused !== undefined) throw refused;
		const sending = this.#send(plan.statements);
		sending.catch(() => undefined);
		sent.push(sending);
		this.#plans.push(plan);
		// An import that runs again touches nothing of what it finds.
		const isTold = ({ unchanged }: Written, { write }: Ready): boolean =>
			write.isOwn !== true && (unchanged !== true || write.onlyIfAbsent !== true);
		if (this.#options.journal !== undefined) this.#journaled.push(...journaledOf(writes, plan, isTold));
		for (const ready of writes) this.#written.set(ready.name, ready);
		return plan.outcomes as Written[];
	}

	#send(statements: readonly Prepared[]): Promise<unknown[][][]> {
		return (this.#tx as PipelinedTx).send(statements);
	}

	async lock(texts: readonly string[]): Promise<void> {
		if (texts.length > 0) await this.#send([lockTexts(texts)]);
	}

	async read(type: string, id: string): Promise<Stored | undefined> {
		const [, rows = []] = await this.#send([lockRows(type, [id]), lookUp(type, [id])]);
		const row = rows.find(([, , , , op]) => op !== 'D') ?? rows[0];
		if (row === undefined) return undefined;
		const [, rid, version, updated, op, body] = row;
		return {
			type,
			id,
			rid: Number(rid),
			version: Number(version),
			updated: Number(updated),
			op: op as Stored['op'],
			body: body as string,
		};
	}

	async check(): Promise<void> {
		await this.#close(this.#tx as PipelinedTx);
	}

	async #close(tx: PipelinedTx, last: readonly Prepared[] = []): Promise<() => void> {
		const { known, definitions, integrity } = this.#options;
		const deletes = integrity && this.#plans.some(({ ends }) => ends.values().some(({ deleted }) => deleted));
		const [links = []] = deletes ? await tx.send([readLinks]) : [];
		const closing = closingOf(this.#plans, known, links.map(linkOf), definitions, integrity);
		try {
			await tx.send([...closing.statements, ...last]);
		} catch (error) {
			throw this.#explain(error as SqlError);
		}
		return closing.remember;
	}

	/** Says which element refers to nothing, or which delete is refused. */
	#explain(error: SqlError): unknown {
		const words = error.detail?.split(' ') ?? [];
		if (error.code === refusals.missing) {
			const by = [...this.#written.values()].find(({ index }) => index?.references.some((reference) => words.includes(reference)));
			const missing = by?.index?.references.filter((reference) => words.includes(reference)) ?? words;
			return referenceNotFound(by?.write.resource ?? null, missing);
		}
		if (error.code === refusals.referenced) {
			const source = words.pop() ?? 'resource';
			const of = [...this.#written.values()].find(({ write, rk }) => write.op === 'D' && words.includes(rk));
			if (of !== undefined) return stillReferenced(of.write.type, of.write.id, source);
		}
		return error;
	}
}
