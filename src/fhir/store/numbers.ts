// Numbers of resources: the row id as a name that other dialects use. A resource keeps it for all its versions, so both ways may be
// remembered for as long as there is room.
import type { Querier } from '#db/database.ts';
import { tableOf } from './statements.ts';

export type Numbers = {
	/** The numbers of resources of a type by id; those that are not there are left out. */
	of(db: Querier, type: string, ids: readonly string[]): Promise<Map<string, number>>;
	/** The number of a resource by its reference, such as "Patient/1", when it is remembered. */
	known(reference: string): number | undefined;
	/** The id of the resource of a type that has the number; undefined when there is none. */
	idOf(db: Querier, type: string, number: number): Promise<string | undefined>;
	/** Remembers what was learnt on the way. */
	note(type: string, id: string, number: number): void;
};

const capacity = 50_000;

/** Opens a bounded memory of numbers over the tables of the store. */
export function createNumbers(): Numbers {
	const byId = new Map<string, number>();
	const byNumber = new Map<string, string>();
	const note = (type: string, id: string, number: number): void => {
		const key = `${type}/${id}`;
		if (byId.has(key)) return;
		if (byId.size >= capacity) forgetOldest();
		byId.set(key, number);
		byNumber.set(`${type} ${number}`, id);
	};
	const forgetOldest = (): void => {
		const [key, number] = byId.entries().next().value as [string, number];
		byId.delete(key);
		byNumber.delete(`${key.slice(0, key.indexOf('/'))} ${number}`);
	};
	return {
		note,
		known: (reference) => byId.get(reference),
		async of(db, type, ids) {
			const found = new Map<string, number>();
			const missing: string[] = [];
			for (const id of new Set(ids)) {
				const number = byId.get(`${type}/${id}`);
				if (number === undefined) missing.push(id);
				else found.set(id, number);
			}
			if (missing.length === 0) return found;
			const rows = await db.rows({
				name: `numbers_${type}`,
				text: `SELECT r.id, r.rid FROM ${tableOf(type)} r WHERE r.id = ANY($1)`,
				values: [missing],
			});
			for (const [id, rid] of rows) {
				found.set(id as string, Number(rid));
				note(type, id as string, Number(rid));
			}
			return found;
		},
		async idOf(db, type, number) {
			const known = byNumber.get(`${type} ${number}`);
			if (known !== undefined) return known;
			const text = `SELECT r.id FROM ${tableOf(type)} r WHERE r.rid = $1`;
			const [row] = await db.rows({ name: `id_of_${type}`, text, values: [number] });
			if (row === undefined) return undefined;
			note(type, row[0] as string, number);
			return row[0] as string;
		},
	};
}
