// What is sent: notifications of the R5 backport for R4, https://hl7.org/fhir/uv/subscriptions-backport/notifications.html
import type { Ids } from '#base/ids.ts';

export type Event = {
	readonly number: number;
	readonly type: string;
	readonly id: string;
	readonly version: number;
	readonly op: 'C' | 'U';
	readonly at: Date;
};

export type Status = {
	readonly base: string;
	readonly subscription: string;
	readonly topic: string | undefined;
	readonly status: string;
	/** Number of the last event. */
	readonly number: number;
	readonly error?: string | undefined;
};

export type Kind = 'handshake' | 'heartbeat' | 'event-notification' | 'query-status' | 'query-event';

const profile = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-';

/** SubscriptionStatus as Parameters. */
export function statusParameters(
	{ base, subscription, topic, status, number, error }: Status,
	kind: Kind,
	events: readonly Event[],
	focus: boolean,
): object {
	return {
		resourceType: 'Parameters',
		meta: { profile: [`${profile}status-r4`] },
		parameter: [
			{ name: 'subscription', valueReference: { reference: `${base}/Subscription/${subscription}` } },
			...(topic === undefined ? [] : [{ name: 'topic', valueCanonical: topic }]),
			{ name: 'status', valueCode: status },
			{ name: 'type', valueCode: kind },
			{ name: 'events-since-subscription-start', valueString: String(number) },
			...events.map((event) => ({
				name: 'notification-event',
				part: [
					{ name: 'event-number', valueString: String(event.number) },
					{ name: 'timestamp', valueInstant: event.at.toISOString() },
					...(focus ? [{ name: 'focus', valueReference: { reference: `${base}/${event.type}/${event.id}` } }] : []),
				],
			})),
			...(error === undefined ? [] : [{ name: 'error', valueCodeableConcept: { text: error } }]),
		],
	};
}

/** A notification as JSON text. `bodies` are the stored texts of the events' resources, in their order, where they are to be sent. */
export function notification(
	status: Status,
	kind: Kind,
	events: readonly Event[],
	content: 'empty' | 'id-only' | 'full-resource',
	{ ids, now, bodies = [] }: { readonly ids: Ids; readonly now: Date; readonly bodies?: readonly (string | undefined)[] },
): string {
	const { base, subscription } = status;
	const first = {
		fullUrl: `urn:uuid:${ids.next()}`,
		// With empty content not even the topic is told.
		resource: statusParameters(content === 'empty' ? { ...status, topic: undefined } : status, kind, events, content !== 'empty'),
		request: { method: 'GET', url: `Subscription/${subscription}/$status` },
		response: { status: '200' },
	};
	const others = events.map((event, index) => {
		const { type, id, op } = event;
		const entry = JSON.stringify({
			fullUrl: `${base}/${type}/${id}`,
			request: op === 'C' ? { method: 'POST', url: type } : { method: 'PUT', url: `${type}/${id}` },
			response: { status: op === 'C' ? '201' : '200' },
		});
		const body = bodies[index];
		return body === undefined ? entry : `${entry.slice(0, -1)},"resource":${body}}`;
	});
	const entries = content === 'empty' ? [JSON.stringify(first)] : [JSON.stringify(first), ...others];
	const head = JSON.stringify({
		resourceType: 'Bundle',
		id: ids.next(),
		meta: { profile: [`${profile}notification-r4`] },
		type: 'history',
		timestamp: now.toISOString(),
	});
	return `${head.slice(0, -1)},"entry":[${entries.join(',')}]}`;
}
