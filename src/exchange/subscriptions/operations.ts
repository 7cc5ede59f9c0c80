// $status, $events and $secret of a Subscription.
// https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-status.html
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit } from '#fhir/interactions/guard.ts';
import { read } from '#fhir/interactions/read.ts';
import { define, input, output } from '#fhir/operations/define.ts';
import { answerParameters, badParameter, flagOf, textOf, textsOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { escaped, type Pair } from '#fhir/search/escape.ts';
import { search } from '#fhir/search/search.ts';
import { notification, statusParameters } from './notification.ts';
import * as outbox from './outbox.ts';
import { secretOf, statusNow } from './subscriptions.ts';
import { topics } from './topics.ts';

async function subscription(ctx: FhirCtx, id: string): Promise<Resource> {
	return JSON.parse((await read(ctx, 'Subscription', id)).body) as Resource;
}

/** Those that the caller may see, by ids and statuses where they are given. */
async function subscriptionsOf(ctx: FhirCtx, given: OperationInput): Promise<Resource[]> {
	const query = ['id', 'status'].flatMap((name): Pair[] => {
		const values = textsOf(given, name).flatMap((text) => text.split(','));
		return values.length === 0 ? [] : [[name === 'id' ? '_id' : name, values.map(escaped).join(',')]];
	});
	const { matches } = await search(ctx, { type: 'Subscription', query: [...query, ['_count', '1000']], handling: 'strict' });
	return matches.map(({ body }) => JSON.parse(body) as Resource);
}

const canonical = (name: string): string =>
	`http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-${name}`;

const status: Operation = {
	name: 'status',
	definition: define({
		id: 'Subscription-status',
		name: 'SubscriptionStatus',
		title: 'Status of a subscription',
		code: 'status',
		base: canonical('status'),
		description:
			'What subscriptions are doing and how many events each has had, as a searchset with a Parameters resource for each: of the one in the address, or of those that are asked for, the latest 1,000 at most.',
		resource: ['Subscription'],
		type: true,
		instance: true,
		parameter: [
			input('id', 'id', 'On the type: a subscription that is asked for; all unless given.', { max: '*' }),
			input('status', 'code', 'On the type: only those with one of these statuses.', { max: '*' }),
			output('return', 'Bundle', 'The status.', { min: 1 }),
		],
	}),
	levels: { type: true, instance: true },
	types: ['Subscription'],
	methods: ['GET', 'POST'],
	declares: {
		profiles: ['http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription'],
		// https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-capabilitystatement-subscriptiontopic-canonical.html
		extensions: topics.map(({ url: valueCanonical }) => ({
			url: 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical',
			valueCanonical,
		})),
	},
	async run(ctx, given) {
		const asked = given.id === undefined ? await subscriptionsOf(ctx, given) : [await subscription(ctx, given.id)];
		const entry: object[] = [];
		for (const one of asked) {
			const resource = { ...statusParameters(await statusNow(ctx, one), 'query-status', [], false), id: ctx.ids.next() };
			entry.push({ fullUrl: `urn:uuid:${resource.id}`, resource, search: { mode: 'match' } });
		}
		return { resource: { resourceType: 'Bundle', type: 'searchset', total: entry.length, ...(entry.length === 0 ? {} : { entry }) } };
	},
};
const events: Operation = {
	name: 'events',
	definition: define({
		id: 'Subscription-events',
		name: 'SubscriptionEvents',
		title: 'Events of a subscription',
		code: 'events',
		base: canonical('events'),
		description:
			'Events by their numbers, delivered or not, for a receiver that missed some. They are kept for a week after delivery; at most 1,000 are given at a time.',
		resource: ['Subscription'],
		instance: true,
		parameter: [
			input('eventsSinceNumber', 'string', 'The first number; 1 unless given.'),
			input('eventsUntilNumber', 'string', 'The last number.'),
			input('content', 'code', 'empty or id-only.'),
			output('return', 'Bundle', 'A notification of the type query-event.', { min: 1 }),
		],
	}),
	levels: { instance: true },
	types: ['Subscription'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		const id = given.id as string;
		const resource = await subscription(ctx, id);
		const content = textOf(given, 'content') ?? 'id-only';
		if (content !== 'empty' && content !== 'id-only')
			throw badParameter('content', 'It can be empty or id-only; read the resources themselves.');
		const number = (name: string, otherwise: number): number => {
			const text = textOf(given, name);
			if (text === undefined) return otherwise;
			if (!/^\d{1,15}$/.test(text)) throw badParameter(name, 'It must be the number of an event.');
			return Number(text);
		};
		const list = await outbox.eventsBetween(
			ctx.db,
			id,
			number('eventsSinceNumber', 1),
			number('eventsUntilNumber', Number.MAX_SAFE_INTEGER),
			1000,
		);
		const now = await statusNow(ctx, resource);
		return { json: notification(now, 'query-event', list, content, { ids: ctx.ids, now: ctx.clock.now() }) };
	},
};
const secret: Operation = {
	name: 'secret',
	definition: define({
		id: 'Subscription-secret',
		name: 'SubscriptionSecret',
		title: 'Secret of a subscription',
		code: 'secret',
		description:
			'The secret that notifications are signed with (header X-Heron-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">). With rotate=true a new one is made and used from the next notification on.',
		affectsState: true,
		resource: ['Subscription'],
		instance: true,
		parameter: [input('rotate', 'boolean', 'Makes a new secret.'), output('secret', 'string', 'The secret.', { min: 1 })],
	}),
	levels: { instance: true },
	types: ['Subscription'],
	methods: ['POST'],
	async run(ctx, given) {
		permit(ctx, 'Subscription', 'update');
		const id = given.id as string;
		await subscription(ctx, id);
		if (flagOf(given, 'rotate') === true) await outbox.newSecret(ctx.db, id);
		const force = await outbox.inForce(ctx.db, id);
		if (force === undefined)
			throw new Problem('conflict', 'subscription-not-active', 'The subscription is not active yet; it has no secret.');
		return { resource: answerParameters([{ name: 'secret', valueString: secretOf(ctx.fhir, id, force.secret) }]) };
	},
};
export const subscriptionOperations: readonly Operation[] = [status, events, secret];
