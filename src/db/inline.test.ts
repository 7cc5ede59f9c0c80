// Whatever a value holds, the literal says the same as the parameter would.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '#testing/database.ts';
import { inlined } from './inline.ts';
import { sql } from './sql.ts';

const db = await testDatabase({ after });
const texts = ['', "it's", 'back\\slash', '"', "\\'; DROP TABLE x; --", '{a,b}', '$1', 'é\n\t', 'NULL'];

test('texts, numbers, dates, arrays and nested parts come back as they were', async () => {
	for (const text of texts) {
		const part = sql`${text}::text`;
		const statement = sql`SELECT ${part}, ${texts}::text[], ${[1, 2]}::int8[], ${7}::int4, ${true}::bool, ${null}::text, ${[text, null]}::text[]`;
		const [row] = await db.rows({ text: inlined(statement) });
		assert.deepEqual(row, [text, texts, ['1', '2'], 7, true, null, [text, null]]);
	}
	const moment = new Date(0);
	assert.deepEqual(await db.rows({ text: inlined(sql`SELECT ${moment}::timestamptz`) }), [[moment]]);
	assert.throws(() => inlined(sql`SELECT ${{}}`), TypeError);
});
