// JSON values in the hands of a patch: copied, compared, and put in order again afterwards.
import { sameNumber } from '#fhir/wire/decimal.ts';
import { type At, notApplicable, tooLarge } from './problems.ts';

export type Json = Record<string, unknown>;

/** As deep as a body may be. */
const maxDepth = 200;
/** Values a patch may copy altogether: copying a resource into itself doubles it every time. */
const maxCopied = 1_000_000;

export function isObject(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Number);
}

/** Copies values within one patch, up to a limit of size and depth. Numbers with a written form are immutable and shared. */
export class Copier {
	#copied = 0;

	/** A copy that will stand at a depth. Throws Problem too-much `patch-too-large`, or 422 when it gets too deep. */
	copy<T>(value: T, depth: number, at: At): T {
		if (++this.#copied > maxCopied) throw tooLarge(at);
		if (depth > maxDepth) throw notApplicable(at, `the result is nested deeper than ${maxDepth} levels`);
		if (Array.isArray(value)) return value.map((item) => this.copy(item, depth + 1, at)) as T;
		if (!isObject(value)) return value;
		const copy: Json = {};
		for (const [name, inner] of Object.entries(value)) if (name !== '__proto__') copy[name] = this.copy(inner, depth + 1, at);
		return copy as T;
	}
}

/** Equal as RFC 6902 (section 4.6) means it: numbers by value whatever their written form, objects whatever their order. */
export function isSame(a: unknown, b: unknown): boolean {
	const numeric = typeof a === 'number' || a instanceof Number;
	if (numeric) return (typeof b === 'number' || b instanceof Number) && sameNumber(a, b);
	if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => isSame(item, b[index]));
	if (!isObject(a)) return a === b;
	if (!isObject(b)) return false;
	const names = Object.keys(a);
	return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]));
}

/**
 * Takes out what FHIR's JSON may not have and a patch may have left: null members, empty objects and arrays. Within arrays null stays
 * where it keeps a place beside a `_sibling`. Changes the value it is given.
 */
export function tidy(value: Json): void {
	for (const name of Object.keys(value)) {
		const kept = tidied(value[name], name.startsWith('_'));
		if (kept === undefined) delete value[name];
		else value[name] = kept;
	}
}

function tidied(value: unknown, sibling: boolean): unknown {
	if (value === null || value === undefined) return undefined;
	if (Array.isArray(value)) return tidiedArray(value, sibling);
	if (!isObject(value)) return value;
	tidy(value);
	return Object.keys(value).length === 0 ? undefined : value;
}

function tidiedArray(array: readonly unknown[], sibling: boolean): unknown[] | undefined {
	const items = array.map((item) => (item === null ? null : (tidied(item, false) ?? (sibling ? null : undefined))));
	const kept = items.filter((item) => item !== undefined);
	return kept.every((item) => item === null) ? undefined : kept;
}
