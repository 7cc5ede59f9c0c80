// message: a note that staff write to each other about a patient, as a Communication. https://hl7.org/fhir/R4/communication.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import {
	author,
	calledIn,
	change,
	type Entry,
	enter,
	findEntry,
	firstOf,
	linkIn,
	listEntries,
	type Present,
	patientIn,
	showEntry,
	strike,
} from './chart.ts';
import { type RowOptions, rowOf } from './chart-rows.ts';
import { localTime } from './codec.ts';
import { extensionAt, extensionBase, extra, field, type Mapping } from './mapping.ts';
import { at, isNode, type Place } from './place.ts';
import { nameAt } from './places.ts';
import type { Call, StandardRow } from './row.ts';
import { requireNew } from './rules.ts';
import type { Read } from './write.ts';

const name = 'message';

/** Of a paragraph: when it was written, by whom and for whom. */
const stampUrl = `${extensionBase}/openemr-message-stamp`;
const pending = '?';

type Payload = {
	readonly contentString?: unknown;
	readonly extension?: readonly { readonly url?: string; readonly valueString?: unknown }[];
};

const stampOf = ({ extension = [] }: Payload): unknown => extension.find(({ url }) => url === stampUrl)?.valueString;

/** A message grows: what is written to it is a paragraph of its own, and shown behind its stamp. */
const body: Place = {
	path: 'payload.contentString',
	get(resource) {
		const paragraphs = payloadsIn(resource).filter(({ contentString }) => typeof contentString === 'string');
		const texts = paragraphs.map((one) => (stampOf(one) === undefined ? one.contentString : `\n${stampOf(one)} ${one.contentString}`));
		return texts.length === 0 ? undefined : texts.join('\n');
	},
	set(resource, value) {
		if (value === undefined) return;
		const paragraph = { extension: [{ url: stampUrl, valueString: pending }], contentString: value };
		(resource as Resource).payload = [...payloadsIn(resource), paragraph];
	},
};

function payloadsIn(resource: object): Payload[] {
	const { payload } = resource as Resource;
	return Array.isArray(payload) ? payload.filter(isNode) : [];
}

const [from, to] = [at('sender', 'display'), at('recipient', 0, 'display')];

/** Stamps what has just been written. */
function stamp(resource: Resource, now: Date): void {
	const text = `${localTime(now.toISOString()).slice(0, 16)} (${from.get(resource) ?? ''} to ${to.get(resource) ?? ''})`;
	for (const one of payloadsIn(resource)) {
		if (stampOf(one) === pending) Object.assign(one, { extension: [{ url: stampUrl, valueString: text }] });
	}
}

const word = extensionAt(name, 'message_status');

/** Done is completed; all else is still to be worked on, and the word itself is kept beside it. */
const status: Place = {
	path: `${word.path} | status`,
	get(resource) {
		const { status: code } = resource as Resource;
		const kept = word.get(resource);
		if (typeof kept === 'string' && statusFor(kept) === code) return kept;
		return code === 'completed' ? 'Done' : 'New';
	},
	set(resource, value) {
		const text = String(value ?? 'New');
		(resource as Resource).status = statusFor(text);
		word.set(resource, text === 'Done' ? undefined : text);
	},
};

function statusFor(text: string): string {
	return text === 'Done' ? 'completed' : 'in-progress';
}

export const messageMapping: Mapping = {
	resource: name,
	type: 'Communication',
	numbers: ['id', 'mid'],
	uuids: ['uuid'],
	fields: [
		field('date', at('sent'), { kind: 'datetime', isReadOnly: true, sort: 'sent' }),
		field('pid', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('to', to, { required: true, length: [2, 255] }),
		field('from', from, { required: true, length: [2, 255] }),
		extra(name, 'groupname', { required: true, length: [2, 255] }),
		field('title', nameAt('topic'), { required: true, length: [2, 255], filter: {} }),
		field('message_status', status, {
			required: true,
			length: [2, 20],
			filter: { param: 'status', isLoose: true, value: statusFor },
		}),
		field('body', body, { required: true, length: [2, 65_535], note: 'each PUT adds a paragraph, with a stamp before it' }),
	],
	make: () => ({ resourceType: 'Communication', status: 'in-progress' }),
};

/** Who is known by a reference alone is shown by name. */
const present: Present = (record, { sender, recipient }, related) => {
	const named = (shown: unknown, link: unknown): unknown => (shown === '' ? calledIn(related.get(linkIn(link))) : shown);
	return { ...record, to: named(record.to, firstOf(recipient)), from: named(record.from, sender) };
};

const message: Entry = {
	mapping: messageMapping,
	owner: 'subject',
	order: '-sent',
	criteria: [['status:not', 'entered-in-error']],
	isOne: (resource) => resource.status !== 'entered-in-error',
	entered: (ctx) => ({ sent: ctx.clock.now().toISOString() }),
	settle: stamp,
	strike: (resource) => {
		resource.status = 'entered-in-error';
	},
	present,
	links: ({ sender, recipient }) => [linkIn(sender), linkIn(firstOf(recipient))],
};

const options: RowOptions = {
	entry: message,
	name,
	param: 'mid',
	style: 'B',
	words: { one: 'a message', many: 'messages' },
	reading: 'patients.notes',
	writing: 'patients.notes',
};

const [list, one] = ['/patient/:pid/message', '/patient/:pid/message/:mid'];

async function messageIn(ctx: FhirCtx, call: Call): Promise<Read> {
	return findEntry(ctx, message, call.params.mid as string, await patientIn(ctx, call));
}

/** What a new message needs, a change of one needs too. Throws Problem invalid. */
function requireAll(sent: Call['body']): void {
	requireNew(
		messageMapping.fields.filter((one) => !Object.hasOwn(sent, one.name)),
		{},
	);
}

/** A message from the caller names the record that stands for the caller too. */
function signedBy(ctx: FhirCtx, sent: Call['body']): object {
	const own = author(ctx);
	return own !== undefined && sent.from === ctx.caller.name ? { sender: { ...own } } : {};
}

export const messageRows: readonly StandardRow[] = [
	rowOf(options, 'GET', list, 'search', 'The messages about a patient', async (ctx, call) => {
		const { records, links } = await listEntries(ctx, message, call, await patientIn(ctx, call));
		return { data: records, links };
	}),
	rowOf(options, 'POST', list, 'create', 'Writes a message', async (ctx, call) => {
		const stored = await enter(ctx, message, await patientIn(ctx, call), call.body, signedBy(ctx, call.body));
		return { data: { mid: stored.rid, uuid: stored.id }, about: stored };
	}),
	rowOf(options, 'GET', one, 'read', 'Shows a message', async (ctx, call) => {
		const stored = await messageIn(ctx, call);
		return { data: await showEntry(ctx, message, stored), about: stored };
	}),
	rowOf(options, 'PUT', one, 'update', 'Adds a paragraph to a message, and changes what else is sent', async (ctx, call) => {
		const found = await messageIn(ctx, call);
		requireAll(call.body);
		const stored = await change(ctx, message, found, call.body);
		return { data: { mid: stored.rid }, about: stored };
	}),
	rowOf(options, 'DELETE', one, 'delete', 'Marks a message as entered in error', async (ctx, call) => {
		const stored = await strike(ctx, message, await messageIn(ctx, call));
		return { data: true, about: stored };
	}),
];
