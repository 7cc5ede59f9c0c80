// Row ids, handed out from blocks of a sequence: rows made one after the other get ids one after the other, over all processes roughly.
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { ridBlock } from './schema.ts';

export type Rids = {
	/** Resolves when so many ids are at hand; they have to be taken before anything else is awaited. */
	reserve(count: number): Promise<void>;
	take(): number;
};

export function createRids(db: Querier): Rids {
	const blocks: { next: number; left: number }[] = [];
	let left = 0;
	let filling: Promise<void> | undefined;
	const fill = async (count: number): Promise<void> => {
		const rows = await db.rows(sql`SELECT nextval('fhir.rid') FROM generate_series(1, ${Math.ceil(count / ridBlock)}::int)`);
		for (const [first] of rows) {
			blocks.push({ next: Number(first), left: ridBlock });
			left += ridBlock;
		}
	};
	return {
		async reserve(count) {
			while (left < count) {
				filling ??= fill(count - left).finally(() => {
					filling = undefined;
				});
				await filling;
			}
		},
		take() {
			const block = blocks[0];
			if (block === undefined) throw new Error('no row ids reserved');
			if (--block.left === 0) blocks.shift();
			left--;
			return block.next++;
		},
	};
}
