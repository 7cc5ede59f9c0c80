// Writes prepared resources in large transactions, a few at a time, so that the database works while the next are read and checked.
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Write, Written } from '#fhir/store/store.ts';
import { existing } from './lookup.ts';
import type { Tally } from './tally.ts';

/** A checked resource, ready to be written. */
export type Prepared = {
	readonly place: string;
	/** `Type/id`. */
	readonly key: string;
	readonly resource: Resource;
	readonly write: Write;
};

export type Writer = {
	/** Takes resources that belong together; resolves when there is room for more. */
	add(group: readonly Prepared[]): Promise<void>;
	/** Writes all of it or nothing, by itself; rejects with the Problem. */
	together(group: readonly Prepared[]): Promise<void>;
	/** Resolves when everything added so far is stored, refused or set aside. Rejects when the database cannot be used. */
	idle(): Promise<void>;
};

export type WriterOptions = {
	readonly ctx: FhirCtx;
	readonly tally: Tally;
	/** A resource that refers to what is not there (yet). */
	readonly setAside: (one: Prepared, missing: readonly string[]) => void;
	readonly batch?: number;
};

const atOnce = 3;
/** Groups are kept whole up to this size, so that their references to each other hold. */
const wholeUpTo = 5000;
const patienceMs = 60_000;

/** A writer over the store of the ctx. */
export function createWriter({ ctx, tally, setAside, batch: wanted = 500 }: WriterOptions): Writer {
	let batch = new Map<string, Prepared>();
	let underWay: Promise<void>[] = [];
	let failed: unknown;

	const send = async (): Promise<void> => {
		if (batch.size === 0) return;
		const list = [...batch.values()];
		batch = new Map();
		const earlier = Promise.all(underWay);
		const work: Promise<void> = writeBatch(list, earlier)
			.catch((error) => {
				failed ??= error;
			})
			.finally(() => {
				underWay = underWay.filter((one) => one !== work);
			});
		underWay.push(work);
		while (underWay.length >= atOnce) await Promise.race(underWay);
		if (failed !== undefined) throw failed;
	};

	/** Stores what can be stored of a batch, tells the tally of what cannot. */
	const writeBatch = async (list: readonly Prepared[], earlier: Promise<unknown>): Promise<void> => {
		if (list.length === 0) return;
		const problem = await attempt(list);
		if (problem === undefined) return;
		if (problem.code === 'reference-not-found') {
			// What is missing may be on its way in a batch before this one.
			await earlier;
			const missing = await missingOf(ctx, list);
			for (const [one, links] of missing) setAside(one, links);
			const rest = list.filter((one) => !missing.has(one));
			if (missing.size > 0) return writeBatch(rest, earlier);
			const again = await attempt(list);
			if (again !== undefined) await divide(list, again);
		} else await divide(list, problem);
	};

	/** One of them is to blame: it is found by halves. */
	const divide = async (list: readonly Prepared[], problem: Problem): Promise<void> => {
		if (list.length === 1) return tally.refuse(itemOf(list[0] as Prepared), problem);
		await halves(list);
	};

	const halves = async (list: readonly Prepared[]): Promise<void> => {
		const middle = Math.ceil(list.length / 2);
		await writeBatch(list.slice(0, middle), Promise.resolve());
		await writeBatch(list.slice(middle), Promise.resolve());
	};

	/** One transaction; gives the Problem when the resources are to blame. A database that is away is waited for. */
	const attempt = async (list: readonly Prepared[]): Promise<Problem | undefined> => {
		const deadline = ctx.clock.now().getTime() + patienceMs;
		for (;;) {
			try {
				const written = await ctx.fhir.store.transact(ctx, (unit) => unit.write(list.map(({ write }) => write)));
				for (const one of written) tally.count(one.type, outcomeOf(one));
				return undefined;
			} catch (error) {
				if (!(error instanceof Problem) || error.kind === 'fault') throw error;
				if (error.kind !== 'unavailable') return error;
				// Whether or not the last attempt was committed: what it wrote is found to be there already.
				if (error.code === 'disk-full' || ctx.clock.now().getTime() > deadline) throw error;
				await sleep(1000);
			}
		}
	};

	return {
		async add(group) {
			for (const one of group) {
				if (batch.has(one.key)) {
					// Said twice: as the first stands already, or as the later one is to have the last word.
					if (one.write.onlyIfAbsent === true) {
						tally.count(one.write.type, 'unchanged');
						continue;
					}
					await send();
				}
				batch.set(one.key, one);
				if (batch.size >= wholeUpTo) await send();
			}
			if (batch.size >= wanted) await send();
		},
		async together(group) {
			await this.idle();
			const problem = await attempt(group);
			if (problem !== undefined) throw problem;
		},
		async idle() {
			await send();
			await Promise.all(underWay);
			if (failed !== undefined) throw failed;
		},
	};
}

/** What the tally calls a prepared resource. */
export function itemOf({ place, write }: Prepared): { place: string; type: string; id: string } {
	return { place, type: write.type, id: write.id };
}

function outcomeOf({ unchanged, created }: Written): 'created' | 'updated' | 'unchanged' {
	return unchanged === true ? 'unchanged' : created ? 'created' : 'updated';
}

/** The resources of a batch that refer to what is neither stored nor in what is left of the batch without them. */
async function missingOf(ctx: FhirCtx, list: readonly Prepared[]): Promise<Map<Prepared, readonly string[]>> {
	const referred = new Map(list.map((one) => [one, ctx.fhir.store.extract(one.resource).references]));
	const within = new Set(list.map(({ key }) => key));
	const stored = await existing(ctx, new Set([...referred.values()].flat().filter((link) => !within.has(link))));
	const missing = new Map<Prepared, readonly string[]>();
	for (let before = -1; before !== missing.size; ) {
		before = missing.size;
		for (const [one, links] of referred) {
			if (missing.has(one)) continue;
			const lost = links.filter((link) => !within.has(link) && !stored.has(link));
			if (lost.length === 0) continue;
			missing.set(one, lost);
			within.delete(one.key);
		}
	}
	return missing;
}
