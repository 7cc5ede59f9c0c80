// What somebody types finds what it should, in the order that it should, whichever way the index is asked: compared with looking at every name.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { testDatabase } from '#testing/database.ts';
import { createRandom, type Random } from '#testing/random.ts';
import { type LoadedConcept, loadSystem, removeSystem } from './load.ts';
import { findSystem, type TableSystem, typed } from './tables.ts';
import { codeKey, sortKey, wordsOf } from './words.ts';

const db = await testDatabase({ after });
const url = 'http://example.org/names';
const about = { url, version: '1', name: 'NAMES', title: 'Names', origin: 'names.txt', complete: true };

const syllables = ['ac', 'ben', 'co', 'dé', 'e11', 'fra', 'ge', 'hy', 'in', 'b12'];
const word = (random: Random): string => Array.from({ length: 1 + random.below(3) }, () => random.pick(syllables)).join('');
const words = (random: Random, most: number): string[] => Array.from({ length: 1 + random.below(most) }, () => word(random));

function concepts(random: Random, count: number): LoadedConcept[] {
	return Array.from({ length: count }, (_, n) => ({
		code: random.chance(0.5) ? `E${n}.${n % 10}` : String(10_000 + n),
		display: words(random, 4).join(random.pick([' ', ', ', '-', ' (x) '])),
		...(random.chance(0.3) ? { designations: [{ value: words(random, 3).join(' ') }] } : {}),
		...(random.chance(0.1) ? { inactive: true } : {}),
	}));
}

/** As it is said of `typed`, by looking at all. */
function expected(list: readonly LoadedConcept[], text: string, count: number): string[] {
	const asked = wordsOf(text);
	const [key, sort] = [codeKey(text), sortKey(text)];
	const begins = list.filter(
		({ code, display }) => (key !== '' && codeKey(code).startsWith(key)) || (sort !== '' && sortKey(display).startsWith(sort)),
	);
	const isShort = asked.length === 1 && (asked[0] as string).length < 4;
	const telling = asked.filter((one) => one.length > 1);
	const named = list.filter(({ code, display, designations = [] }) => {
		const own = [code, display, ...designations.map(({ value }) => value)].flatMap(wordsOf);
		return telling.length > 0 && telling.every((beginning) => own.some((one) => one.startsWith(beginning)));
	});
	const found = isShort && begins.length >= count ? begins : [...new Set([...begins, ...named])];
	const rank = ({ code, display, inactive }: LoadedConcept): number =>
		codeKey(code) === key ? 0 : sortKey(display) === sort ? 1 : inactive === true ? 4 : sortKey(display).startsWith(sort) ? 2 : 3;
	const lone = asked.length > 1 ? asked.filter((one) => one.length === 1) : [];
	const without = ({ display }: LoadedConcept): number => lone.filter((one) => !` ${sortKey(display)}`.includes(` ${one}`)).length;
	const bytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
	return found
		.toSorted(
			(a, b) =>
				rank(a) - rank(b) ||
				without(a) - without(b) ||
				[...a.display].length - [...b.display].length ||
				bytes(sortKey(a.display), sortKey(b.display)) ||
				bytes(a.code, b.code),
		)
		.slice(0, count)
		.map(({ code }) => code);
}

async function found(system: TableSystem, text: string, count: number): Promise<string[]> {
	const page = await typed(db, { system, filters: [], without: [] }, text, { offset: 0, count, activeOnly: false });
	return page.concepts.map(({ code }) => code);
}

for (const seed of [1, 2, 3]) {
	test(`what is typed letter by letter finds what looking at all finds, in the same order (seed ${seed})`, async () => {
		const random = createRandom(seed);
		const list = concepts(random, 700);
		await loadSystem(db, about, list);
		const system = (await findSystem(db, url)) as TableSystem;
		let hits = 0;
		for (let person = 0; person < 30; person++) {
			const whole = random.chance(0.2) ? (random.pick(list).code as string) : words(random, 4).join(' ');
			for (let length = 1; length <= whole.length; length += 1 + random.below(3)) {
				const text = whole.slice(0, length);
				const codes = await found(system, text, 20);
				assert.deepEqual(codes, expected(list, text, 20), JSON.stringify(text));
				hits += codes.length;
			}
		}
		assert.ok(hits > 500, String(hits));
	});
}

test('a digit alone puts names that have it first', async () => {
	await loadSystem(db, about, [
		{ code: 'E10', display: 'Type 1 diabetes mellitus' },
		{ code: 'E11', display: 'Type 2 diabetes mellitus' },
		{ code: 'E11.2', display: 'Type 2 diabetes mellitus with kidney complications' },
		{ code: 'E13', display: 'Diabetes of type 1' },
	]);
	const system = (await findSystem(db, url)) as TableSystem;
	assert.deepEqual(await found(system, 'diab type 2', 20), ['E11', 'E11.2', 'E13', 'E10']);
});

test('a beginning of more words than are looked up by themselves finds all of them', async () => {
	const list = Array.from({ length: 90 }, (_, n): LoadedConcept => {
		const letters = String.fromCharCode(97 + Math.floor(n / 26)) + String.fromCharCode(97 + (n % 26));
		return { code: `X${n}`, display: `pre${letters} of bone` };
	});
	await loadSystem(db, about, list);
	const system = (await findSystem(db, url)) as TableSystem;
	assert.equal((await found(system, 'bo pre', 200)).length, 90);
	assert.deepEqual(await found(system, 'bo preac', 200), ['X2']);
	assert.deepEqual(await found(system, 'bo none', 200), []);
});

test('with a system go its words', async () => {
	const left = () => db.query(sql`SELECT FROM terminology.word`).then(({ length }) => length);
	assert.ok((await left()) > 0);
	await removeSystem(db, url);
	assert.equal(await left(), 0);
});
