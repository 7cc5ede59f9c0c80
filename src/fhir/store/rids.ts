// Row ids, handed out from blocks of a sequence: rows made one after the other get ids one after the other, over all processes roughly.
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { ridBlock } from './schema.ts';

export type Rids = {
	/** So many ids, by a function that gives the next one at each call. */
	take(count: number): Promise<() => number>;
};

type Block = { next: number; left: number };

export function createRids(db: Querier): Rids {
	const blocks: Block[] = [];
	let left = 0;
	let filling: Promise<void> | undefined;
	const fill = async (count: number): Promise<void> => {
		const rows = await db.rows(sql`SELECT nextval('fhir.rid') FROM generate_series(1, ${Math.ceil(count / ridBlock)}::int)`);
		for (const [first] of rows) {
			blocks.push({ next: Number(first), left: ridBlock });
			left += ridBlock;
		}
	};
	/** Parts of blocks with so many ids in all. They are taken at once: others may ask before the caller goes on. */
	const cut = (count: number): Block[] => {
		const parts: Block[] = [];
		left -= count;
		for (let missing = count; missing > 0; ) {
			const block = blocks[0] as Block;
			const size = Math.min(missing, block.left);
			parts.push({ next: block.next, left: size });
			block.next += size;
			block.left -= size;
			missing -= size;
			if (block.left === 0) blocks.shift();
		}
		return parts;
	};
	return {
		async take(count) {
			while (left < count) {
				filling ??= fill(count - left).finally(() => {
					filling = undefined;
				});
				await filling;
			}
			const parts = cut(count);
			return () => {
				const part = parts[0];
				if (part === undefined) throw new Error('more row ids were taken than were asked for');
				if (--part.left === 0) parts.shift();
				return part.next++;
			};
		},
	};
}
