// What writes meet in the database, read before they are planned.
import type { Prepared } from '#db/pipeline.ts';
import { type Current, needsLook, type Ready } from './plan.ts';
import { lookUp } from './statements.ts';

/** The statements that look up what the writes meet, and how to read their rows. */
export function looksFor(writes: readonly Ready[]): {
	statements: Prepared[];
	read: (rows: readonly unknown[][][]) => Map<string, Current>;
} {
	const ids = idsByType(writes);
	return {
		statements: [...ids].map(([type, list]) => lookUp(type, list)),
		read(results) {
			const found = new Map<string, Current>();
			for (const [i, type] of [...ids.keys()].entries()) for (const row of results[i] ?? []) take(found, type, row);
			return found;
		},
	};
}

/** Ids of the resources to look at, by type in a fixed order. */
export function idsByType(writes: readonly Ready[]): Map<string, string[]> {
	const ids = new Map<string, string[]>();
	for (const ready of writes) {
		if (!needsLook(ready)) continue;
		const { type, id } = ready.write;
		const list = ids.get(type);
		if (list === undefined) ids.set(type, [id]);
		else list.push(id);
	}
	return new Map([...ids].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function take(found: Map<string, Current>, type: string, [id, rid, ver, updated, op, body]: readonly unknown[]): void {
	const name = `${type}/${id}`;
	// The mark of an earlier delete says nothing when the resource is there again.
	if (op === 'D' && found.has(name)) return;
	found.set(name, {
		rid: Number(rid),
		version: Number(ver),
		updated: Number(updated),
		op: op as Current['op'],
		body: body as string,
	});
}
