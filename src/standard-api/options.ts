// Concepts as options of OpenEMR's lists: the option's id in a record, its title and code in the resource.
import type { Codec } from './codec.ts';
import { readCodes } from './codes.ts';
import { listNames, type Option, listOf as optionsIn } from './dictionaries.ts';
import { at, isNode, matcher, type Place, type Step } from './place.ts';
import { nameOf } from './places.ts';

/** The options of a list by id, and by id and title as people write them; the first of each. */
type Index = { readonly byId: ReadonlyMap<unknown, Option>; readonly byWord: ReadonlyMap<string, Option> };

const indices = new Map<string, Index>(listNames.map((name) => [name, indexOf(optionsIn(name) ?? [])]));

function indexOf(options: readonly Option[]): Index {
	const byId = new Map<string, Option>();
	const byWord = new Map<string, Option>();
	const first = (map: Map<string, Option>, word: string, option: Option): void => {
		if (!map.has(word)) map.set(word, option);
	};
	for (const option of options) {
		first(byId, option.id, option);
		first(byWord, option.id.toLowerCase(), option);
		first(byWord, option.title.toLowerCase(), option);
	}
	return { byId, byWord };
}

/** The option of a list with an id; or, as people write it, with a title. */
export function optionOf(list: string, named: unknown): Option | undefined {
	const index = indices.get(list);
	return index?.byId.get(named) ?? index?.byWord.get(String(named ?? '').toLowerCase());
}

/**
 * A concept that is an option of a list. A concept that is no option shows its words; words that are no option are kept as words. Of options
 * with the same code (both eyes have one route) the words tell which is meant.
 */
export function optionAt(list: string, ...steps: readonly Step[]): Place {
	const concept = at(...steps);
	const coded = (optionsIn(list) ?? []).flatMap(({ id, codes }) => {
		const { codings } = readCodes(codes ?? '');
		return codings.length === 0 ? [] : [{ id, is: matcher({ coding: codings }) }];
	});
	return {
		path: concept.path,
		get(resource) {
			const found = concept.get(resource);
			const name = nameOf(found);
			const titled = name === undefined ? undefined : optionOf(list, name);
			if (titled !== undefined || !isNode(found)) return titled?.id ?? name;
			return coded.find(({ is }) => is(found))?.id ?? name;
		},
		set(resource, value) {
			if (value === undefined) return concept.set(resource, undefined);
			const option = optionOf(list, value);
			const { codings } = readCodes(option?.codes ?? '');
			concept.set(resource, { ...(codings.length === 0 ? {} : { coding: codings }), text: option?.title ?? String(value) });
		},
	};
}

/** Option ids come as numbers or texts: 1 and "1" are the same. */
export const optionId: Codec = { show: (json) => json, keep: (value) => String(value) };

/** What an option is called, and its codes; null for none. */
export function titleOf(list: string, named: unknown): string | null {
	if (named === null || named === undefined || named === '') return null;
	return optionOf(list, named)?.title ?? String(named);
}

export function codesOf(list: string, named: unknown): string | null {
	return named === null || named === undefined || named === '' ? null : (optionOf(list, named)?.codes ?? null);
}

/** Numbers that forms hold as text: numbers where a number writes itself the same way, words elsewhere. */
export function numberOrTextAt(number: Place, text: Place): Place {
	return {
		path: `${number.path} | ${text.path}`,
		get(resource) {
			const found = number.get(resource);
			return found === undefined ? text.get(resource) : String(found);
		},
		set(resource, value) {
			const isNumber = value !== undefined && String(Number(value)) === value && Number.isFinite(Number(value));
			number.set(resource, isNumber ? Number(value) : undefined);
			text.set(resource, isNumber ? undefined : value);
		},
	};
}
