// Subscriptions at work: what changed is matched with what people asked for and sent until the receiver says that it has it.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Caller, everything, grantsFor } from '#access/ctx.ts';
import { described, type Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import type { Database } from '#db/database.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import { read, vread } from '#fhir/interactions/read.ts';
import { update } from '#fhir/interactions/update.ts';
import type { Resource } from '#fhir/resource.ts';
import { search } from '#fhir/search/search.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { toXml } from '#fhir/wire/xml.ts';
import { type Event, type Kind, notification, type Status } from './notification.ts';
import * as outbox from './outbox.ts';
import { ownerOf, type Seal, setOwner } from './owner.ts';
import { hashOf, type Plan, planOf } from './plan.ts';
import { type Message, send } from './send.ts';

export type SubscriptionOptions = {
	readonly db: Database;
	readonly log: Log;
	readonly seal: Seal;
	readonly ctxFor: (caller: Caller, requestId: string) => FhirCtx;
	/** The caller with the rights it has now; undefined when the account or the app's access has ended. */
	readonly callerNow: (caller: Caller) => Promise<Caller | undefined>;
	/** Takes http and private addresses; for development. */
	readonly allowPrivate: boolean;
	readonly times?: Partial<Times>;
};

export type Times = { readonly pollMs: number; readonly leaderMs: number; readonly firstRetryMs: number };

export type Subscriptions = {
	/** Before a Subscription is written: refuses what cannot be served and notes who asks. Throws as planOf. */
	check(ctx: FhirCtx, resource: Resource): void;
	/** Begins to match and send; of several processes one does. */
	work(): void;
	close(): Promise<void>;
};

const server: Caller = { kind: 'system', id: 'heron-subscriptions', name: 'heron subscriptions', grants: everything };
const lockKey = 4_833_117;
const defaults: Times = { pollMs: 500, leaderMs: 5000, firstRetryMs: 2000 };
const batch = 500;
const inFlight = 8;
/** Failures in a row after which the status says `error`; sending goes on, ever more rarely. */
const failuresTold = 5;
/** After so long without success a subscription is put off. */
const patienceMs = 72 * 3_600_000;

/** A subscription in force, as this process knows it. */
type Active = { readonly id: string; readonly resource: Resource; readonly plan: Plan; readonly owner: Caller };

export function createSubscriptions(options: SubscriptionOptions): Subscriptions {
	const { db, log, seal, allowPrivate } = options;
	const times = { ...defaults, ...options.times };
	const stopped = new AbortController();
	const ctx = options.ctxFor(server, 'subscriptions');
	const active = new Map<string, Active>();
	const sending = new Map<string, Promise<void>>();
	const beginning = new Map<string, Promise<void>>();
	let running: Promise<void> = Promise.resolve();

	const statusOf = (id: string, plan: Plan, status: string, number: number): Status => ({
		base: ctx.fhir.base,
		subscription: id,
		topic: plan.topic,
		status,
		number,
	});

	/** Writes the status; whatever else changed meanwhile is looked at by who comes next. */
	const setStatus = async (id: string, status: 'active' | 'error' | 'off', error?: string): Promise<void> => {
		for (let attempt = 0; attempt < 3; attempt += 1) {
			const stored = await read(ctx, 'Subscription', id).catch(goneAs(undefined));
			if (stored === undefined) return;
			const { error: _, ...resource } = parseJson(Buffer.from(stored.body)) as Resource;
			if (resource.status === status && error === undefined) return;
			if (resource.status === 'off') return;
			try {
				await update(ctx, {
					type: 'Subscription',
					id,
					resource: { ...resource, status, ...(error === undefined ? {} : { error }) } as Resource,
					ifMatch: stored.version,
				});
				return;
			} catch (problem) {
				if (!(problem instanceof Problem && problem.kind === 'stale')) throw problem;
			}
		}
	};

	const forget = async (id: string): Promise<void> => {
		active.delete(id);
		await outbox.end(db, id);
	};

	/** What has become of a Subscription that somebody wrote: begun, begun anew, ended, or as before. */
	const lookAt = async (id: string): Promise<void> => {
		const stored = await read(ctx, 'Subscription', id).catch(goneAs(undefined));
		const resource = stored === undefined ? undefined : (parseJson(Buffer.from(stored.body)) as Resource);
		if (resource === undefined || resource.status === 'off') {
			await forget(id);
			await notes();
			return;
		}
		const force = await outbox.inForce(db, id);
		const hash = hashOf(resource);
		if (force?.hash === hash && resource.status !== 'requested') {
			if (!active.has(id)) await resume(id, resource);
			return;
		}
		await activate(id, resource, hash);
	};

	const resume = async (id: string, resource: Resource): Promise<void> => {
		try {
			active.set(id, { id, resource, plan: planOf(ctx.fhir, resource, allowPrivate), owner: ownerOf(resource, seal) });
		} catch (problem) {
			await refuse(id, problem);
		}
	};

	const refuse = async (id: string, problem: unknown): Promise<void> => {
		if (!(problem instanceof Problem) || problem.kind === 'fault') throw problem;
		await forget(id);
		await setStatus(id, 'error', problem.text);
	};

	const activate = async (id: string, resource: Resource, hash: string): Promise<void> => {
		try {
			const plan = planOf(ctx.fhir, resource, allowPrivate);
			const owner = ownerOf(resource, seal);
			const now = await options.callerNow(owner);
			if (now === undefined) throw new Problem('forbidden', 'subscription-owner', 'Who asked for this has no access any more.');
			const hidden = [...plan.criteria.keys()].find(
				(type) => grantsFor(now, type, 'search').length === 0 || grantsFor(now, type, 'read').length === 0,
			);
			if (hidden !== undefined) throw new Problem('forbidden', 'subscription-criteria', `Who asked for this may not search ${hidden}.`);
			await outbox.begin(db, id, hash);
			const force = (await outbox.inForce(db, id)) as outbox.Force;
			if (plan.topic !== undefined) await post(plan, force, 'handshake', statusOf(id, plan, 'requested', force.number));
			active.set(id, { id, resource, plan, owner });
			// What is written from here on is noted; only then is it said to be active.
			await notes();
			await setStatus(id, 'active');
		} catch (problem) {
			await refuse(id, problem);
		}
	};

	const notes = (): Promise<void> =>
		outbox.noteChangesOf(db, new Set(['Subscription', ...[...active.values()].flatMap(({ plan }) => [...plan.criteria.keys()])]));

	const post = async (
		plan: Plan,
		force: outbox.Force,
		kind: Kind,
		status: Status,
		events: readonly Event[] = [],
		bodies: readonly (string | undefined)[] = [],
	): Promise<void> => {
		const now = ctx.clock.now();
		const json = notification(status, kind, events, plan.content, { ids: ctx.ids, now, bodies });
		const contentType = plan.payload ?? 'application/fhir+json';
		const body = contentType.includes('xml') ? toXml(json) : json;
		await send(
			plan,
			secretOf(ctx.fhir, force.id, force.secret),
			{ method: 'POST', url: plan.endpoint, body, contentType },
			now,
			allowPrivate,
		);
	};

	/** Matches the next changes; false when there was nothing to match. */
	const match = async (): Promise<boolean> => {
		const changes = await outbox.nextChanges(db, batch);
		if (changes.length === 0) return false;
		const found = new Map<string, outbox.Change[]>();
		for (const one of active.values()) {
			const matched = await matching(one, changes);
			if (matched.length > 0) found.set(one.id, matched);
		}
		await db.tx(async (tx) => {
			for (const [id, list] of found) await outbox.addEvents(tx, id, list);
			await outbox.forgetChanges(tx, changes);
		});
		for (const id of new Set(changes.filter(({ type }) => type === 'Subscription').map((change) => change.id))) attend(id);
		return true;
	};

	/** The changes that a subscription is about and its owner may see. A resource that changed again meanwhile is judged as it is now. */
	const matching = async ({ id, plan, owner }: Active, changes: readonly outbox.Change[]): Promise<outbox.Change[]> => {
		const relevant = changes.filter(({ type, op }) => op !== 'D' && plan.criteria.has(type));
		if (relevant.length === 0) return [];
		const caller = await options.callerNow(owner);
		if (caller === undefined) {
			attendEnd(id, 'Who asked for this has no access any more.');
			return [];
		}
		const asOwner = options.ctxFor(caller, `subscription ${id}`);
		const visible = new Set<string>();
		for (const [type, criteria] of plan.criteria) {
			const ids = [...new Set(relevant.filter((change) => change.type === type).map((change) => change.id))];
			for (let from = 0; from < ids.length; from += 100) {
				const some = ids.slice(from, from + 100);
				const { matches } = await search(asOwner, {
					type,
					query: [...criteria, ['_id', some.join(',')], ['_count', '100']],
					handling: 'strict',
				});
				for (const hit of matches) visible.add(`${type}/${hit.id}`);
			}
		}
		return relevant.filter((change) => visible.has(`${change.type}/${change.id}`));
	};

	/** Activations and endings wait for the receiver; nothing else waits for them. */
	const attend = (id: string): void => {
		const before = beginning.get(id) ?? Promise.resolve();
		const work = before
			.then(() => lookAt(id))
			.catch((error: unknown) => log.error({ subscription: id, error: described(error) }, 'a subscription could not be looked at'))
			.then(() => {
				if (beginning.get(id) === work) beginning.delete(id);
			});
		beginning.set(id, work);
	};

	const attendEnd = (id: string, why: string): void => {
		active.delete(id);
		void setStatus(id, 'off', why).catch((error: unknown) =>
			log.error({ subscription: id, error: described(error) }, 'a subscription could not be ended'),
		);
	};

	/** Sends what is due, several subscriptions at a time and each in order. */
	const deliver = async (): Promise<void> => {
		const silent = new Map(
			[...active.values()].flatMap(({ id, plan }): [string, number][] => (plan.heartbeat === undefined ? [] : [[id, plan.heartbeat]])),
		);
		for (const { id, heartbeat } of await outbox.due(db, silent)) {
			const one = active.get(id);
			if (one === undefined || sending.has(id) || sending.size >= inFlight) continue;
			if (one.plan.end !== undefined && Date.parse(one.plan.end) <= ctx.clock.now().getTime()) {
				attendEnd(id, 'Its time is over.');
				continue;
			}
			sending.set(
				id,
				sendTo(one, heartbeat)
					.catch((error: unknown) => log.error({ subscription: id, error: described(error) }, 'a subscription could not be served'))
					.then(() => void sending.delete(id)),
			);
		}
	};

	const sendTo = async (one: Active, heartbeat: boolean): Promise<void> => {
		const { id, plan } = one;
		const force = await outbox.inForce(db, id);
		if (force === undefined) return;
		try {
			if (heartbeat) {
				await post(plan, force, 'heartbeat', statusOf(id, plan, 'active', force.number));
				await outbox.delivered(db, id, []);
			} else await sendEvents(one, force);
			if (force.failures >= failuresTold) await setStatus(id, 'active');
		} catch (problem) {
			if (!(problem instanceof Problem) || problem.code !== 'subscription-not-delivered') throw problem;
			await outbox.failed(db, id, retryAfter(force.failures));
			if (force.failures + 1 === failuresTold) await setStatus(id, 'error', problem.text);
			const since = force.failingSince?.getTime();
			if (since !== undefined && ctx.clock.now().getTime() - since > patienceMs) attendEnd(id, problem.text);
		}
	};

	const retryAfter = (failures: number): number => Math.min((times.firstRetryMs / 1000) * 2 ** Math.min(failures, 12), 3600);

	const sendEvents = async ({ id, plan, owner }: Active, force: outbox.Force): Promise<void> => {
		const events = await outbox.undelivered(db, id, plan.topic === undefined ? 100 : plan.maxCount);
		if (events.length === 0) return;
		const caller = await options.callerNow(owner);
		if (caller === undefined) return attendEnd(id, 'Who asked for this has no access any more.');
		const asOwner = options.ctxFor(caller, `subscription ${id}`);
		const bodyOf = async (event: Event): Promise<string | undefined> =>
			(await vread(asOwner, event.type, event.id, String(event.version)).catch(goneAs(undefined)))?.body;
		if (plan.topic !== undefined) {
			const bodies = plan.content === 'full-resource' ? await Promise.all(events.map(bodyOf)) : [];
			const last = events.at(-1) as Event;
			await post(plan, force, 'event-notification', statusOf(id, plan, 'active', last.number), events, bodies);
			return outbox.delivered(
				db,
				id,
				events.map(({ number }) => number),
			);
		}
		await sendPlainly(plan, force, events, bodyOf);
	};

	/** R4's own way: a call without a body when no payload is asked for, otherwise an update of each resource at the receiver. */
	const sendPlainly = async (
		plan: Plan,
		force: outbox.Force,
		events: readonly Event[],
		bodyOf: (event: Event) => Promise<string | undefined>,
	): Promise<void> => {
		const now = ctx.clock.now();
		const deliverOne = (message: Message): Promise<void> =>
			send(plan, secretOf(ctx.fhir, force.id, force.secret), message, now, allowPrivate);
		const { payload } = plan;
		if (payload === undefined) {
			await deliverOne({ method: 'POST', url: plan.endpoint, body: '', contentType: undefined });
			return outbox.delivered(
				db,
				force.id,
				events.map(({ number }) => number),
			);
		}
		for (const event of events) {
			const body = await bodyOf(event);
			if (body !== undefined) {
				const url = `${plan.endpoint.replace(/\/$/, '')}/${event.type}/${event.id}`;
				await deliverOne({ method: 'PUT', url, body: payload.includes('xml') ? toXml(body) : body, contentType: payload });
			}
			await outbox.delivered(db, force.id, [event.number]);
		}
	};

	/** Takes up what is in force after a start, also what was asked for while nobody worked. */
	const takeUp = async (): Promise<void> => {
		await outbox.adoptChanges(db);
		await outbox.noteChangesOf(db, new Set(['Subscription', ...(await typesInForce())]));
		const waiting = await search(ctx, {
			type: 'Subscription',
			query: [
				['status', 'requested,active,error'],
				['_count', '1000'],
			],
			handling: 'strict',
		});
		for (const { id } of waiting.matches) attend(id);
		await Promise.all(beginning.values());
		for (const { id } of await outbox.allInForce(db)) if (!active.has(id)) attend(id);
	};

	/** What was noted before must not cease to be while subscriptions are taken up one after the other. */
	const typesInForce = async (): Promise<string[]> => {
		const types: string[] = [];
		for (const { id } of await outbox.allInForce(db)) {
			const stored = await read(ctx, 'Subscription', id).catch(goneAs(undefined));
			if (stored === undefined) continue;
			const resource = parseJson(Buffer.from(stored.body)) as Resource;
			types.push(...planOf(ctx.fhir, resource, allowPrivate).criteria.keys());
		}
		return types;
	};

	const lead = async (): Promise<void> => {
		const client = await db.connect();
		try {
			const { rows } = await client.query(`SELECT pg_try_advisory_lock(${lockKey}) AS mine`);
			if (rows[0]?.mine !== true) return;
			await takeUp();
			let swept = ctx.clock.now().getTime();
			while (!stopped.signal.aborted) {
				// The lock lives as long as this connection.
				await client.query('SELECT 1');
				const busy = await match();
				if (active.size > 0) await deliver();
				if (ctx.clock.now().getTime() - swept > 3_600_000) {
					swept = ctx.clock.now().getTime();
					await outbox.forgetDelivered(db);
				}
				if (!busy) await rest(times.pollMs);
			}
		} finally {
			await Promise.allSettled([...sending.values(), ...beginning.values()]);
			active.clear();
			client.release(true);
		}
	};

	const rest = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);

	const loop = async (): Promise<void> => {
		while (!stopped.signal.aborted) {
			await lead().catch((error: unknown) =>
				log.warn({ error: described(error) }, 'subscriptions are interrupted; they are taken up again'),
			);
			await rest(times.leaderMs);
		}
	};

	return {
		check(asked, resource) {
			if (asked.caller.id === server.id && asked.caller.kind === 'system') return;
			if (resource.status !== 'off') planOf(asked.fhir, resource, allowPrivate);
			if (resource.status === 'active' || resource.status === 'error') resource.status = 'requested';
			setOwner(resource, asked.caller, seal);
		},
		work() {
			running = loop();
		},
		async close() {
			stopped.abort();
			await running;
		},
	};
}

/** The secret that notifications of a subscription are signed with. */
export function secretOf({ mac }: Pick<Fhir, 'mac'>, id: string, number: number): string {
	return mac('subscription secret', `${id} ${number}`).toString('base64url');
}

/** The status of a stored Subscription as it is now. */
export async function statusNow({ db, fhir }: FhirCtx, resource: Resource): Promise<Status> {
	const id = resource.id as string;
	const { topic } = planOf(fhir, resource, true);
	const number = (await outbox.inForce(db, id))?.number ?? 0;
	const error = typeof resource.error === 'string' ? resource.error : undefined;
	return { base: fhir.base, subscription: id, topic, status: String(resource.status), number, error };
}

/** What is not there, or not any more, is `instead`; anything else is thrown. */
function goneAs<T>(instead: T): (error: unknown) => T {
	return (error) => {
		if (error instanceof Problem && ['not-found', 'gone', 'forbidden'].includes(error.kind)) return instead;
		throw error;
	};
}
