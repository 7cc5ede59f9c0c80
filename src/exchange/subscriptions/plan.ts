// What a Subscription asks for: R4's own criteria (https://hl7.org/fhir/R4/subscription.html), or a topic with filters
// (https://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition-backport-subscription.html).
import { createHash } from 'node:crypto';
import { Problem } from '#base/problem.ts';
import type { Fhir } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Pair, pairsOf } from '#fhir/search/escape.ts';
import { parseCriteria } from '#fhir/search/parse.ts';
import { isPrivateHost } from '#outside/guarded-fetch.ts';
import { topics } from './topics.ts';

const contents = ['empty', 'id-only', 'full-resource'] as const;

export type Content = (typeof contents)[number];

export type Plan = {
	/** Criteria by type; a resource must meet all of its type. */
	readonly criteria: ReadonlyMap<string, readonly Pair[]>;
	/** Canonical of the topic; undefined for criteria of R4's own. */
	readonly topic: string | undefined;
	readonly endpoint: string;
	readonly headers: readonly (readonly [string, string])[];
	/** Media type of what is sent; undefined for none. */
	readonly payload: string | undefined;
	readonly content: Content;
	/** Seconds of silence after which a sign of life is sent. */
	readonly heartbeat: number | undefined;
	readonly timeoutMs: number;
	/** Most events in one notification. */
	readonly maxCount: number;
	readonly end: string | undefined;
};

const backport = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-';
const payloads = new Set(['application/fhir+json', 'application/json', 'application/fhir+xml', 'application/xml']);
const forbidden =
	/^(host|content-length|content-type|connection|transfer-encoding|upgrade|te|trailer|keep-alive|proxy-.*|expect|x-heron-signature)$/i;

type Extended = { readonly extension?: readonly Readonly<Record<string, unknown>>[] | undefined };

/**
 * Reads a Subscription. Throws Problem invalid (422) with the path of what cannot be done: `subscription-channel` (only rest-hook is),
 * `subscription-endpoint` (https to a public host), `subscription-criteria`, `subscription-topic`, `subscription-payload`, `subscription-header`.
 */
export function planOf(fhir: Fhir, resource: Resource, allowPrivate: boolean): Plan {
	const channel = (resource.channel ?? {}) as Readonly<Record<string, unknown>> & {
		_payload?: Extended;
		extension?: Extended['extension'];
	};
	if (channel.type !== 'rest-hook')
		throw refused('channel', 'Only channels of the type rest-hook can be served.', 'Subscription.channel.type');
	const criteria = String(resource.criteria ?? '');
	const topic = /^https?:\/\//.test(criteria) ? criteria : undefined;
	const filters = topic === undefined ? [criteria] : filtersOf(resource);
	const payload = channel.payload === undefined ? undefined : String(channel.payload);
	if (payload !== undefined && !payloads.has(payload.split(';')[0] as string))
		throw refused('payload', 'The payload can be application/fhir+json or application/fhir+xml.', 'Subscription.channel.payload');
	const content = contentOf(channel._payload) ?? (topic === undefined ? 'full-resource' : 'id-only');
	const number = (name: string, least: number, most: number): number | undefined => {
		const given = extensionIn(channel, name);
		const value = Number(given?.valueUnsignedInt ?? given?.valuePositiveInt ?? Number.NaN);
		return Number.isInteger(value) ? Math.min(Math.max(value, least), most) : undefined;
	};
	return {
		criteria: topic === undefined ? criteriaOf(fhir, filters) : topicCriteria(fhir, topic, filters),
		topic,
		endpoint: endpointOf(channel.endpoint, allowPrivate),
		headers: ((channel.header as readonly unknown[] | undefined) ?? []).map(headerOf),
		payload,
		content,
		heartbeat: topic === undefined ? undefined : number('heartbeat-period', 10, 86_400),
		timeoutMs: (number('timeout', 1, 30) ?? 10) * 1000,
		maxCount: number('max-count', 1, 100) ?? 20,
		end: typeof resource.end === 'string' ? resource.end : undefined,
	};
}

function extensionIn(element: Extended | undefined, name: string): Readonly<Record<string, unknown>> | undefined {
	return element?.extension?.find(({ url }) => url === backport + name);
}

function contentOf(payload: Extended | undefined): Content | undefined {
	const asked = extensionIn(payload, 'payload-content')?.valueCode;
	if (asked === undefined) return undefined;
	const content = contents.find((one) => one === asked);
	if (content === undefined) throw refused('payload', `The content can be ${contents.join(', ')}.`, 'Subscription.channel.payload');
	return content;
}

/** What narrows the topic. A filter that is passed over would tell more than was asked for, so that none may be there that is not understood. */
function filtersOf(resource: Resource): string[] {
	const { extension = [] } = (resource._criteria ?? {}) as Extended;
	if (extension.some(({ url }) => url !== `${backport}filter-criteria`))
		throw refused('criteria', `Topics are narrowed by the extension ${backport}filter-criteria alone.`, 'Subscription.criteria');
	return extension.map(({ valueString }) => String(valueString ?? ''));
}

function criteriaOf(fhir: Fhir, filters: readonly string[]): Map<string, Pair[]> {
	const found = new Map<string, Pair[]>();
	for (const filter of filters) {
		const [, type = '', query = ''] = /^([A-Za-z]+)(?:\?(.*))?$/s.exec(filter) ?? [];
		if (!fhir.definitions.isResourceType(type))
			throw refused('criteria', 'Criteria are a search such as Observation?code=http://loinc.org|4548-4.', 'Subscription.criteria');
		const pairs = pairsOf(query);
		if (pairs.length > 0) readable(fhir, type, pairs);
		found.set(type, [...(found.get(type) ?? []), ...pairs]);
	}
	return found;
}

function readable(fhir: Fhir, type: string, pairs: readonly Pair[]): void {
	try {
		parseCriteria(fhir, type, [...pairs]);
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		throw refused('criteria', `The criteria cannot be read: ${error.text}`, 'Subscription.criteria');
	}
}

/** A filter narrows the topic to the types that filters name; without one it is about all of them. */
function topicCriteria(fhir: Fhir, url: string, filters: readonly string[]): Map<string, Pair[]> {
	const topic = topics.find((one) => one.url === url);
	if (topic === undefined)
		throw refused('topic', `There is no such topic; there are ${topics.map((one) => one.url).join(' and ')}.`, 'Subscription.criteria');
	const found = criteriaOf(fhir, filters);
	const { types } = topic;
	if (types === undefined && found.size === 0)
		throw refused('topic', 'This topic needs a filter that names a type, such as Encounter?status=in-progress.', 'Subscription.criteria');
	const beyond = [...found.keys()].find((type) => types !== undefined && !types.includes(type));
	if (beyond !== undefined) throw refused('topic', `The topic is not about ${beyond}.`, 'Subscription.criteria');
	return found.size > 0 || types === undefined ? found : new Map(types.map((type) => [type, []]));
}

function endpointOf(given: unknown, allowPrivate: boolean): string {
	const path = 'Subscription.channel.endpoint';
	if (typeof given !== 'string' || !URL.canParse(given)) throw refused('endpoint', 'A rest-hook needs the address to call.', path);
	const url = new URL(given);
	if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:'))
		throw refused('endpoint', 'The address must be https.', path);
	if (url.username !== '' || url.password !== '')
		throw refused('endpoint', 'The address must not hold a password; use channel.header.', path);
	if (!allowPrivate && isPrivateHost(url.hostname)) throw refused('endpoint', 'The address is on a private network.', path);
	return given;
}

function headerOf(given: unknown): [string, string] {
	const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*)$/.exec(String(given)) ?? [];
	if (name === undefined || value === undefined || forbidden.test(name))
		throw refused(
			'header',
			'A header is a line such as "Authorization: Bearer abc", and none that HTTP itself needs.',
			'Subscription.channel.header',
		);
	return [name, value];
}

function refused(what: string, text: string, path: string): Problem {
	return new Problem('invalid', `subscription-${what}`, text, {
		status: 422,
		path,
		issues: [{ severity: 'error', type: 'value', code: `subscription-${what}`, text, path }],
	});
}

/** Tells two states of a Subscription apart by what they ask for, whatever its status. */
export function hashOf(resource: Resource): string {
	const { status: _, error: __, meta: ___, ...asked } = resource;
	return createHash('sha256').update(JSON.stringify(asked)).digest('base64url');
}
