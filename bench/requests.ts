// Requests and pools of requests, as bytes.
import type { Resource } from '#fhir/resource.ts';
import { requestBytes } from './load/connection.ts';
import type { Pool } from './load/job.ts';
import { base, type Step } from './stage.ts';

export function get(step: Step, path: string, headers: Readonly<Record<string, string>> = {}): Buffer {
	return requestBytes('GET', `${base}/${path}`, { authorization: step.authorization, ...headers });
}

export function post(step: Step, path: string, body: object | string, headers: Readonly<Record<string, string>> = {}): Buffer {
	return withBody('POST', step, path, body, headers);
}

export function put(step: Step, resource: Resource, headers: Readonly<Record<string, string>> = {}): Buffer {
	return withBody('PUT', step, `${resource.resourceType}/${resource.id}`, resource, headers);
}

function withBody(method: string, step: Step, path: string, body: object | string, headers: Readonly<Record<string, string>>): Buffer {
	const text = typeof body === 'string' ? body : JSON.stringify(body);
	const own = { authorization: step.authorization, 'content-type': 'application/fhir+json' };
	return requestBytes(method, path === '' ? base : `${base}/${path}`, { ...own, ...headers }, text);
}

/** A resource as a client sends it to be created. */
export function unnamed(resource: Resource): Resource {
	const { id: _, ...rest } = resource;
	return rest as Resource;
}

/** The resources of a type in the step's charts. */
export function ofType(step: Step, type: string): Resource[] {
	return step.charts.flatMap((chart) => chart.filter(({ resourceType }) => resourceType === type));
}

/** A pool in which kind k has the requests of list k, turn by turn. */
export function mixed(lists: readonly (readonly Uint8Array[])[]): Pool {
	const requests: Uint8Array[] = [];
	const kinds: number[] = [];
	const length = Math.max(...lists.map((list) => list.length));
	for (let turn = 0; turn < length; turn++) {
		for (const [kind, list] of lists.entries()) {
			requests.push(list[turn % list.length] as Uint8Array);
			kinds.push(kind);
		}
	}
	return { requests, kinds };
}

/** The first family name of a patient. */
export function familyOf(patient: Resource | undefined): string {
	const [name] = (patient?.name ?? []) as { family: string }[];
	return name?.family ?? 'Smith';
}
