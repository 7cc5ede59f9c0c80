// The JSON text of a stored version: a head that the store writes (type, id, version, time), then what the resource itself says.
import type { Resource } from '#fhir/resource.ts';

/** Text up to and including the time of the last update. Ids and types need no escaping. */
export function headOf(type: string, id: string, version: number, updated: number): string {
	return `{"resourceType":"${type}","id":"${id}","meta":{"versionId":"${version}","lastUpdated":"${instantOf(updated)}"`;
}

let last = { time: 0, text: new Date(0).toISOString() };

/** A time as FHIR writes it. Most that are written one after the other are the same. */
export function instantOf(time: number): string {
	if (time !== last.time) last = { time, text: new Date(time).toISOString() };
	return last.text;
}

/** The rest of the text: what else is in meta, then the elements in the order given. The resource is not changed. */
export function tailOf(resource: Resource): string {
	const { resourceType: _type, id: _id, meta, ...elements } = resource;
	const text = JSON.stringify(elements);
	const end = text === '{}' ? text.slice(1) : `,${text.slice(1)}`;
	if (meta === undefined || meta === null || typeof meta !== 'object') return `}${end}`;
	const { versionId: _version, lastUpdated: _updated, ...others } = meta;
	const about = JSON.stringify(others);
	return about === '{}' ? `}${end}` : `,${about.slice(1)}${end}`;
}
