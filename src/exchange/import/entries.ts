// From a JSON text to the resources in it, each with the id it will have and the links that its neighbours know it by.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { isId } from '#fhir/interactions/prepare.ts';
import type { Resource } from '#fhir/resource.ts';

/** A resource on its way in. */
export type Entry = {
	/** Where it stands, for messages: `file` or `file:entry 3` or `file:line 7`. */
	readonly place: string;
	readonly fullUrl: string | undefined;
	/** With its id. */
	readonly resource: Resource;
	/** Criteria by which one that is there already stands for it (If-None-Exist, conditional update). */
	readonly criteria: string | undefined;
};

/** An entry that holds nothing to store. */
export type LeftOut = { readonly place: string; readonly code: string; readonly text: string };

/** The entries of one text belong together: links between them are looked up here first. */
export type Group = { readonly entries: readonly Entry[]; readonly leftOut: readonly LeftOut[] };

const opened = new Set(['transaction', 'batch', 'collection', 'searchset', 'history']);
const openedByLine = new Set(['transaction', 'batch']);

/**
 * The resources of a value. Bundles are opened, but for documents and messages, which are records themselves; in a file with a resource
 * a line only transactions and batches are, and none in a file named for Bundles: there they are what was exported.
 */
export function entriesOf(value: unknown, file: string, line: number | undefined): Group {
	const place = line === undefined ? file : `${file}:line ${line}`;
	if (!isResource(value)) {
		const text = 'This is not a FHIR resource: it has no resourceType.';
		return { entries: [], leftOut: [{ place, code: 'not-a-resource', text }] };
	}
	const isOpened =
		line === undefined ? opened.has(String(value.type)) : openedByLine.has(String(value.type)) && !/^Bundle\b/.test(insideName(file));
	if (value.resourceType === 'Bundle' && isOpened && Array.isArray(value.entry)) return bundleEntries(value.entry, place);
	return {
		entries: [{ place, fullUrl: undefined, resource: withId(value, undefined, (line ?? 1) - 1), criteria: undefined }],
		leftOut: [],
	};
}

function insideName(file: string): string {
	return basename(file.slice(file.lastIndexOf(':') + 1));
}

function bundleEntries(list: readonly unknown[], place: string): Group {
	const entries: Entry[] = [];
	const leftOut: LeftOut[] = [];
	for (const [index, one] of list.entries()) {
		const where = `${place}:entry ${index}`;
		const { resource, fullUrl, request } = (one ?? {}) as { resource?: unknown; fullUrl?: unknown; request?: Request };
		const method = request?.method;
		if (!isResource(resource) || (method !== undefined && method !== 'POST' && method !== 'PUT')) {
			const text = isResource(resource)
				? `The entry asks for ${String(method).slice(0, 10)}, which an import does not do.`
				: 'The entry has no resource.';
			leftOut.push({ place: where, code: 'entry-left-out', text });
			continue;
		}
		const url = typeof fullUrl === 'string' ? fullUrl : undefined;
		entries.push({ place: where, fullUrl: url, resource: withId(resource, url, index), criteria: criteriaOf(resource, request) });
	}
	return { entries, leftOut };
}

type Request = { readonly method?: unknown; readonly url?: unknown; readonly ifNoneExist?: unknown };

function criteriaOf({ resourceType }: Resource, request: Request | undefined): string | undefined {
	const { method, url, ifNoneExist } = request ?? {};
	if (method === 'POST') return typeof ifNoneExist === 'string' && ifNoneExist !== '' ? ifNoneExist.replace(/^[^?]*\?/, '') : undefined;
	return typeof url === 'string' && url.startsWith(`${resourceType}?`) ? url.slice(resourceType.length + 1) : undefined;
}

function isResource(value: unknown): value is Resource {
	return value !== null && typeof value === 'object' && typeof (value as Resource).resourceType === 'string';
}

/**
 * Its own id, else the one its fullUrl ends in (a uuid, or `…/Patient/1`), else one made from what it says and where it stands: the same
 * file gives the same ids whenever it is read.
 */
function withId(resource: Resource, fullUrl: string | undefined, position: number): Resource {
	if (resource.id !== undefined) return resource;
	return { ...resource, id: idIn(fullUrl, resource.resourceType) ?? idFor(resource, position) };
}

function idIn(fullUrl: string | undefined, type: string): string | undefined {
	if (fullUrl === undefined) return undefined;
	const uuid = /^urn:uuid:([0-9a-f-]{36})$/i.exec(fullUrl)?.[1];
	if (uuid !== undefined) return uuid.toLowerCase();
	const [, named, id = ''] = /\/([A-Za-z]+)\/([^/]+)$/.exec(fullUrl) ?? [];
	return named === type && isId(id) ? id : undefined;
}

function idFor(resource: Resource, position: number): string {
	return createHash('sha256')
		.update(`${position}\n${JSON.stringify(resource)}`)
		.digest('hex')
		.slice(0, 40);
}
