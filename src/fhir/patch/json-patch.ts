// JSON Patch, RFC 6902 (https://www.rfc-editor.org/rfc/rfc6902) with JSON Pointer, RFC 6901, on FHIR's JSON.
import type { Resource } from '#fhir/resource.ts';
import { Copier, isObject, isSame, type Json, tidy } from './json.ts';
import { type At, clip, malformed, notApplicable, testFailed } from './problems.ts';

/** The whole result must stay an object, so the document hangs on one member of a holder. */
type Holder = { root: unknown };
type Place = { readonly holder: Json | unknown[]; readonly key: string; readonly depth: number };

/**
 * The resource after all operations; the one given is not changed. What FHIR's JSON may not have (null members, empty arrays and objects)
 * is taken out at the end.
 * Throws Problem invalid: 400 `patch-malformed` when it is no JSON Patch; 422 `patch-not-applicable` when a place does not exist or takes
 * no such change; 422 `patch-test-failed`; and too-much 413 `patch-too-large`.
 */
export function applyJsonPatch(resource: Resource, operations: unknown): Resource {
	if (!Array.isArray(operations)) throw malformed('The patch', 'a JSON Patch is an array of operations');
	const copier = new Copier();
	const holder: Holder = { root: copier.copy(resource, 0, 'The patch') };
	for (const [index, operation] of operations.entries()) apply(holder, operation, copier, `Operation ${index + 1}`);
	const { root } = holder;
	if (!isObject(root) || typeof root.resourceType !== 'string') throw notApplicable('The patch', 'the result is no resource');
	tidy(root);
	return root as Resource;
}

function apply(holder: Holder, operation: unknown, copier: Copier, at: At): void {
	if (!isObject(operation)) throw malformed(at, 'an operation is an object');
	const { op } = operation;
	switch (op) {
		case 'add':
			add(holder, pointer(operation, 'path', at), operand(operation, at), copier, at);
			return;
		case 'remove':
			remove(find(holder, pointer(operation, 'path', at), at), at);
			return;
		case 'replace': {
			const place = find(holder, pointer(operation, 'path', at), at);
			(place.holder as Json)[place.key] = copier.copy(operand(operation, at), place.depth, at);
			return;
		}
		case 'move': {
			const from = pointer(operation, 'from', at);
			const path = pointer(operation, 'path', at);
			const inside = path.length > from.length && from.every((token, index) => token === path[index]);
			if (inside) throw notApplicable(at, 'a value cannot be moved into itself');
			const place = find(holder, from, at);
			const value = read(place);
			if (from.length > 0) remove(place, at);
			add(holder, path, value, copier, at);
			return;
		}
		case 'copy':
			add(holder, pointer(operation, 'path', at), read(find(holder, pointer(operation, 'from', at), at)), copier, at);
			return;
		case 'test': {
			const path = pointer(operation, 'path', at);
			if (!isSame(read(find(holder, path, at)), operand(operation, at)))
				throw testFailed(at, `the value at "${clip(textOf(path))}" is not the one that was expected`);
			return;
		}
		default:
			throw malformed(at, 'its "op" is none of add, remove, replace, move, copy, test');
	}
}

function operand(operation: Json, at: At): unknown {
	if (!Object.hasOwn(operation, 'value')) throw malformed(at, 'it has no "value"');
	return operation.value;
}

/** The tokens of a JSON Pointer, unescaped. */
function pointer(operation: Json, name: 'path' | 'from', at: At): string[] {
	const text = operation[name];
	if (typeof text !== 'string') throw malformed(at, `its "${name}" is not a JSON Pointer`);
	if (text === '') return [];
	if (!text.startsWith('/') || /~(?![01])/.test(text)) throw malformed(at, `its "${name}" is not a JSON Pointer: "${clip(text)}"`);
	const tokens = text.slice(1).split('/');
	if (tokens.includes('__proto__')) throw malformed(at, 'the name "__proto__" is not allowed');
	return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function textOf(path: readonly string[]): string {
	return path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** What holds the last token's place; everything before it exists. */
function walk(holder: Holder, path: readonly string[], at: At): Place {
	let current = holder as unknown as Json | unknown[];
	let key = 'root';
	for (const [depth, token] of path.entries()) {
		const value = Object.hasOwn(current, key) ? (current as Json)[key] : undefined;
		if (!Array.isArray(value) && !isObject(value))
			throw notApplicable(at, `there is nothing that "${clip(textOf(path.slice(0, depth + 1)))}" could be in`);
		current = value;
		key = token;
	}
	return { holder: current, key, depth: path.length };
}

/** An existing place. */
function find(holder: Holder, path: readonly string[], at: At): Place {
	const place = walk(holder, path, at);
	const exists = Array.isArray(place.holder) ? indexOf(place.key, at) < place.holder.length : Object.hasOwn(place.holder, place.key);
	if (!exists) throw notApplicable(at, `there is nothing at "${clip(textOf(path))}"`);
	return place;
}

function read({ holder, key }: Place): unknown {
	return (holder as Json)[key];
}

function indexOf(token: string, at: At): number {
	if (token === '-') throw notApplicable(at, 'the place "-", after the end of an array, holds nothing');
	if (!/^(0|[1-9]\d{0,8})$/.test(token)) throw malformed(at, `"${clip(token)}" is not a place in an array`);
	return Number(token);
}

function add(holder: Holder, path: readonly string[], value: unknown, copier: Copier, at: At): void {
	const place = walk(holder, path, at);
	const copy = copier.copy(value, place.depth, at);
	if (!Array.isArray(place.holder)) {
		(place.holder as Json)[place.key] = copy;
		return;
	}
	const index = place.key === '-' ? place.holder.length : indexOf(place.key, at);
	if (index > place.holder.length) throw notApplicable(at, `the array ends before place ${index}`);
	place.holder.splice(index, 0, copy);
}

function remove({ holder, key }: Place, at: At): void {
	if (Array.isArray(holder)) holder.splice(Number(key), 1);
	else if (key === 'root') throw notApplicable(at, 'the resource as a whole cannot be removed');
	else delete holder[key];
}
