// What a list costs: statements and rows, counted. The table of it is list-cost.golden.txt; `HERON_WRITE_GOLDEN=1 npm test -- list-cost`
// writes it anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Request } from '#http/route.ts';
import { listening } from '#testing/plans.ts';
import { testServer } from '#testing/server.ts';
import { createStandardRecords, label, pathOf } from '#testing/standard-records.ts';
import { standardRows } from './routes.ts';
import type { StandardRow } from './row.ts';

const server = await testServer({ after });
const { world, ownFor } = await createStandardRecords(server);
const mine = await world();
const lists = standardRows.filter(({ does, mapping }) => does === 'search' && mapping !== undefined);
const there = 6;
for (const row of new Map(lists.map((one) => [one.resource, one])).values()) for (let i = 0; i < there; i++) await ownFor(row, mine);

// The time stands, so that nothing that is known for a moment is looked up again.
const now = new Date();
const standing: FhirCtx = { ...server.ctx, clock: { now: () => now } };

type Cost = { readonly statements: number; readonly rows: number; readonly shown: number };

/** One answer of a list, with what it asked of the database. Rows are those of the list's own type. */
async function costOf(row: StandardRow, limit: number): Promise<Cost> {
	const { ctx, statements } = listening(standing);
	const names = [...pathOf(row, mine).slice(3).split('/')];
	const params = Object.fromEntries(
		row.path.split('/').flatMap((part, i) => (part.startsWith(':') ? [[part.slice(1), names[i] as string]] : [])),
	);
	const request = { path: `/apis/default/${pathOf(row, mine)}`, query: '', params } as unknown as Request;
	const { data } = await row.run(ctx, { params, query: [['_limit', String(limit)]], body: {}, request });
	const table = new RegExp(`\\b${(row.type as string).toLowerCase()}\\b`);
	const own = statements.filter(({ text }) => table.test(text) && / body\b|\.body\b/.test(text));
	return {
		statements: statements.filter(({ text }) => !/^(BEGIN|COMMIT)/.test(text)).length,
		rows: own.reduce((sum, { rows }) => sum + rows, 0),
		shown: (data as unknown[]).flat().length,
	};
}

test('a list asks as much of the database however long its page is, and reads what it shows and one row more', async () => {
	const lines: string[] = [`${'list'.padEnd(44)} statements  rows for 2 records, for 4`];
	for (const row of lists) {
		// What is looked up once and then known is no cost of a page.
		await costOf(row, there);
		const [two, four] = [await costOf(row, 2), await costOf(row, 4)];
		assert.equal(two.shown, Math.min(2, two.shown), label(row));
		lines.push(`${label(row).padEnd(44)} ${String(two.statements).padEnd(11)} ${String(two.rows).padEnd(5)} ${four.rows}`);
		assert.ok(four.statements <= two.statements + 1, `${label(row)}: ${two.statements} statements for 2, ${four.statements} for 4`);
		// A vital record of the sample is a panel with three measurements.
		const each = row.resource === 'vital' ? 4 : 1;
		for (const { rows, shown } of [two, four]) assert.ok(rows <= (shown + 1) * each, `${label(row)}: ${rows} rows for ${shown} records`);
	}
	const table = `${lines.join('\n')}\n`;
	const golden = join(import.meta.dirname, 'list-cost.golden.txt');
	if (process.env.HERON_WRITE_GOLDEN === '1') writeFileSync(golden, table);
	assert.equal(table, readFileSync(golden, 'utf8'));
});
