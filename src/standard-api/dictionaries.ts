// Lists of values that fields choose from, as data in lists.json: what comes with Heron.
import lists from './lists.json' with { type: 'json' };

/** An option: what is stored, what is shown, and its codes as `SYSTEM:code`. */
export type Option = {
	readonly id: string;
	readonly title: string;
	readonly codes?: string;
	readonly notes?: string;
};

type Row = readonly [id: string, title: string, codes?: string, notes?: string];

const optionLists: ReadonlyMap<string, readonly Option[]> = new Map(
	Object.entries(lists as unknown as Record<string, readonly Row[]>).map(([name, rows]) => [
		name,
		rows.map(([id, title, codes, notes]) => ({
			id,
			title,
			...(codes === undefined || codes === '' ? {} : { codes }),
			...(notes === undefined ? {} : { notes }),
		})),
	]),
);

/** The options of a list; undefined when there is no list of that name. */
export function listOf(name: string): readonly Option[] | undefined {
	return optionLists.get(name);
}

const defaults: Readonly<Record<string, string>> = {
	_ActEncounterCode: 'AMB',
	ord_priority: 'routine',
	medication_usage_category: 'community',
	medication_request_intent: 'order',
	Care_Team_Status: 'active',
	sensitivities: 'normal',
	apptstat: '-',
	pricelevel: 'standard',
	country: 'USA',
};

/** Whether an option is taken when nobody chooses. */
export function isDefault(list: string, option: string): boolean {
	return defaults[list] === option;
}

/** The names of all lists. */
export const listNames: readonly string[] = Object.keys(lists);

const sets = new Map<string, ReadonlySet<string>>();

/** What a field may hold: the values themselves, or the options of a list. */
export function optionsOf(from: readonly string[] | { readonly list: string }): ReadonlySet<string> {
	if (!('list' in from)) return new Set(from);
	let set = sets.get(from.list);
	if (set === undefined) {
		set = new Set(listOf(from.list)?.map(({ id }) => id));
		sets.set(from.list, set);
	}
	return set;
}
