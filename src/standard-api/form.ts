// The form of a mapping's records: its names in their order, empty at first. Made once for a mapping.
import { type Field, type Mapping, shownOf } from './mapping.ts';
import { type Reader, readerOf } from './reading.ts';
import { idIn } from './references.ts';
import { remembering } from './remembering.ts';
import { readingOf } from './write.ts';

export type Shown = Record<string, unknown>;

export type Form = {
	/** What a resource holds of the fields. */
	readonly read: Reader;
	/** The same of a stored body, which is parsed only when it was not lately. */
	readonly readStored: (found: { readonly rid?: number; readonly body: string }) => readonly unknown[];
	/** The references among the values whose numbers are shown. */
	readonly numbered: (values: readonly unknown[]) => string[];
	/** The record of the resource with the id and the number, by what it holds and the numbers of what it refers to. */
	readonly record: (id: string, number: number | null, values: readonly unknown[], numbers: ReadonlyMap<string, number>) => Shown;
};

const forms = new WeakMap<Mapping, Form>();

/** The form of a mapping. */
export function formOf(mapping: Mapping): Form {
	let form = forms.get(mapping);
	if (form === undefined) {
		form = createForm(mapping);
		forms.set(mapping, form);
	}
	return form;
}

function createForm({ fields, numbers: numberNames, uuids }: Mapping): Form {
	const byNumber = fields.flatMap(({ to, as }, i) => (to !== undefined && as === 'number' ? [i] : []));
	const EmptyRecord = emptyRecord([...numberNames, ...uuids], fields);
	const read = readerOf(fields);
	return {
		read,
		readStored: remembering(1000, (found) => read(readingOf(found))),
		numbered: (values) => byNumber.map((i) => values[i]).filter((one) => typeof one === 'string'),
		record(id, number, values, numbers) {
			const record: Shown = new EmptyRecord();
			for (const name of numberNames) record[name] = number;
			for (const name of uuids) record[name] = id;
			for (let i = 0; i < fields.length; i++) {
				const { name, to, as } = fields[i] as Field;
				const value = values[i];
				if (value === undefined) continue;
				record[name] = to === undefined ? value : as === 'number' ? (numbers.get(value as string) ?? null) : idIn(value);
			}
			return record;
		},
	};
}

/**
 * Makes records of nothing. A function with a line for each name, since V8 turns objects whose many names come one by one into hash tables,
 * which are slow to copy and to write.
 */
function emptyRecord(heads: readonly string[], fields: readonly Field[]): new () => Shown {
	const lines = [
		...heads.map((name) => [name, null] as const),
		...fields.map((field) => [field.name, shownOf(field, undefined)] as const),
	].map(([name, value]) => `this[${JSON.stringify(name)}] = ${JSON.stringify(value)};`);
	return new Function(lines.join('\n')) as unknown as new () => Shown;
}
