// The answer while it grows: objects whose fields collect values, so that @flatten can add to a field from many places.
import type { ASTNode } from 'graphql';
import { invalid } from './problems.ts';

export type Slot = { readonly type: string; readonly list: boolean; readonly values: unknown[] };

/** An object of the answer: its fields by name. */
export type Out = Map<string, Slot>;

/** Where the fields of a selection go. */
export type Place = {
	readonly out: Out;
	/** What @slice around it adds to the names of fields. */
	readonly suffix: string;
	/** A list was flattened around it: its fields collect several values. */
	readonly collects: boolean;
};

/** How one field of a selection is shown. */
export type Shown = { readonly at: ASTNode; readonly key: string; readonly type: string; readonly list: boolean; readonly single: boolean };

/** A place for a new object. */
export function newPlace(): Place {
	return { out: new Map(), suffix: '', collects: false };
}

/** Makes sure that the field is there, even without a value. */
export function open(place: Place, { at, key, type, list, single }: Shown): Slot {
	const name = key + place.suffix;
	const slot = place.out.get(name) ?? { type, list: (list || place.collects) && !single, values: [] };
	if (slot.type !== type) throw invalid(at, `The field "${name}" would collect values of the types ${slot.type} and ${type}.`);
	place.out.set(name, slot);
	return slot;
}

/** Adds a value to the field. */
export function put(place: Place, shown: Shown, value: unknown): void {
	const slot = open(place, shown);
	if (!slot.list && slot.values.length > 0)
		throw invalid(shown.at, `The field "${shown.key}" has several values and cannot be a @singleton.`);
	slot.values.push(value);
}

/** The finished object. */
export function finish(out: Out): Record<string, unknown> {
	const object: Record<string, unknown> = {};
	for (const [name, { list, values }] of out) setOwn(object, name, list ? values.map(finished) : finished(values[0] ?? null));
	return object;
}

/** Sets a member whatever its name, of which clients have the choice: `__proto__` is one like any other. */
export function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
	if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true });
	else object[name] = value;
}

function finished(value: unknown): unknown {
	return value instanceof Map ? finish(value as Out) : value;
}
