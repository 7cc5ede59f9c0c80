// The end of an import: what was set aside because it refers to what came later. First whatever has become possible, again and again; then
// circles, each in one transaction; what is left refers to what is nowhere.
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { referenceNotFound } from '#fhir/store/problems.ts';
import { idOfUrn, isUrn, resolveAll } from './lookup.ts';
import { linked, prepare } from './prepare.ts';
import type { Spool, Waiting } from './spool.ts';
import type { Tally } from './tally.ts';
import type { Prepared, Writer } from './writer.ts';

export type SettleOptions = {
	readonly ctx: FhirCtx;
	readonly spool: Spool;
	readonly writer: Writer;
	readonly tally: Tally;
	readonly update: boolean;
	readonly signal: AbortSignal;
};

/** What a link has become; a Problem when criteria found several or are none. */
type Known = Map<string, string | Problem>;

/** Stores what can be stored of the spool and refuses the rest. */
export async function settle(options: SettleOptions): Promise<void> {
	const { ctx, spool, writer, signal } = options;
	let left = spool.take();
	let known: Known = new Map();
	while (left.length > 0 && !signal.aborted) {
		known = await resolveAll(ctx, new Set(left.flatMap(({ waits }) => waits)));
		const [ready, waiting] = partition(left, ({ waits }) => waits.every((link) => typeof known.get(link) === 'string'));
		if (ready.length === 0) break;
		for (const one of ready) {
			const done = await complete(options, one, known);
			if (done !== undefined) await writer.add([done]);
		}
		await writer.idle();
		left = [...waiting, ...spool.take()];
	}
	if (signal.aborted) return;
	for (const circle of circlesOf(options, left, known)) await storeTogether(options, circle, known);
}

function partition<T>(list: readonly T[], test: (one: T) => boolean): [T[], T[]] {
	const yes: T[] = [];
	const no: T[] = [];
	for (const one of list) (test(one) ? yes : no).push(one);
	return [yes, no];
}

/** The write of a resource whose links are known now; undefined when it was refused. */
async function complete({ ctx, spool, tally, update }: SettleOptions, waiting: Waiting, known: Known): Promise<Prepared | undefined> {
	const { resource } = linked(spool.read(waiting), (link) => {
		const to = known.get(link);
		return typeof to === 'string' && to !== link ? to : undefined;
	});
	try {
		const { prepared, issues } = await prepare(ctx, waiting.place, resource, update);
		tally.remark(item(waiting), issues);
		return prepared;
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		tally.refuse(item(waiting), error);
		return undefined;
	}
}

function item({ place, key }: Waiting): { place: string; type: string; id: string } {
	const [type = '', id = ''] = key.split('/');
	return { place, type, id };
}

/**
 * Groups of what waits for each other. Whatever waits for something that is neither stored nor in here is refused, and with it what waits
 * for that.
 */
function circlesOf(options: SettleOptions, list: readonly Waiting[], known: Known): Waiting[][] {
	const here = new Map(list.map((one) => [one.key, one]));
	const urns = new Map(list.map(({ key }) => [key.slice(key.indexOf('/') + 1), key]));
	const keyOf = (link: string): string => {
		const to = known.get(link);
		if (typeof to === 'string') return to;
		return isUrn(link) ? (urns.get(idOfUrn(link)) ?? link) : link;
	};
	for (let changed = true; changed; ) {
		changed = false;
		for (const one of here.values()) {
			const lost = one.waits.filter((link) => typeof known.get(link) !== 'string' && !here.has(keyOf(link)));
			if (lost.length === 0) continue;
			here.delete(one.key);
			refuse(options, one, lost, known);
			changed = true;
		}
	}
	for (const one of here.values()) for (const link of one.waits) if (!known.has(link)) known.set(link, keyOf(link));
	return connected(here, keyOf);
}

function refuse({ spool, tally }: SettleOptions, waiting: Waiting, lost: readonly string[], known: Known): void {
	const problem = lost.map((link) => known.get(link)).find((found) => found instanceof Problem);
	tally.refuse(item(waiting), problem ?? referenceNotFound(spool.read(waiting), lost));
}

/** Sets of resources that hang together by what they wait for. */
function connected(here: ReadonlyMap<string, Waiting>, keyOf: (link: string) => string): Waiting[][] {
	const parent = new Map<string, string>([...here.keys()].map((key) => [key, key]));
	const rootOf = (key: string): string => {
		let root = key;
		for (let up = parent.get(root) as string; up !== root; up = parent.get(root) as string) {
			parent.set(root, parent.get(up) as string);
			root = up;
		}
		return root;
	};
	for (const { key, waits } of here.values()) {
		for (const link of waits) {
			const other = keyOf(link);
			if (here.has(other)) parent.set(rootOf(key), rootOf(other));
		}
	}
	return [...Map.groupBy(here.values(), ({ key }) => rootOf(key)).values()];
}

/** One circle in one transaction. Where one of it is refused, none of it can stay. */
async function storeTogether(options: SettleOptions, circle: readonly Waiting[], known: Known): Promise<void> {
	const { writer, tally } = options;
	const done: Prepared[] = [];
	for (const one of circle) {
		const prepared = await complete(options, one, known);
		if (prepared !== undefined) done.push(prepared);
	}
	const kept = new Set(done.map(({ key }) => key));
	const stands = done.length === circle.length;
	const problem = stands ? await writer.together(done).then(() => undefined, problemOf) : undefined;
	if (stands && problem === undefined) return;
	for (const one of circle) {
		if (!kept.has(one.key)) continue;
		const lost = one.waits.filter((link) => !kept.has(String(known.get(link))));
		tally.refuse(item(one), problem ?? referenceNotFound(options.spool.read(one) as Resource, lost.length > 0 ? lost : one.waits));
	}
}

function problemOf(error: unknown): Problem {
	if (error instanceof Problem && error.kind !== 'unavailable') return error;
	throw error;
}
