// What was worked out of stored bodies lately. What follows from nothing but a text is the same as long as the text is; whether a caller may
// see it is asked of the database each time, and it is the database's text that is compared.

type Stored = { readonly rid?: number; readonly body: string };

/** A function of a stored body whose last results are remembered, by the resource's number. */
export function remembering<S extends Stored, T>(most: number, make: (stored: S) => T): (stored: S) => T {
	const known = new Map<number, { readonly body: string; readonly result: T }>();
	return (stored) => {
		const { rid, body } = stored;
		if (rid === undefined) return make(stored);
		const last = known.get(rid);
		if (last?.body === body) return last.result;
		if (last === undefined && known.size >= most) known.delete(known.keys().next().value as number);
		const result = make(stored);
		known.set(rid, { body, result });
		return result;
	};
}
