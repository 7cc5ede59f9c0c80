import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clause } from './query.ts';
import { parseTextQuery, TextQueryError } from './text-query.ts';

function shown(clause: Clause): string {
	switch (clause.is) {
		case 'word':
			return clause.word;
		case 'not':
			return `!${shown(clause.of)}`;
		case 'any':
		case 'all':
			return `(${clause.of.map(shown).join(clause.is === 'any' ? ' | ' : ' & ')})`;
		default:
			throw new Error(`a text query has no ${clause.is}`);
	}
}

for (const [text, expected] of [
	['bone', 'bone'],
	['Bone  Métastases', '(bone & metastases)'],
	['bone AND liver', '(bone & liver)'],
	['bone OR liver lung', '(bone | (liver & lung))'],
	['bone or liver', '(bone | liver)'],
	['(bone OR liver) AND metastases', '((bone | liver) & metastases)'],
	['NOT bone', '!bone'],
	['not bone', '(not & bone)'],
	['liver NOT (bone OR lung)', '(liver & !(bone | lung))'],
	['"bone metastases" OR x', '((bone & metastases) | x)'],
	['"never closed', '(never & closed)'],
	['blood-pressure', '(blood & pressure)'],
	["'; DROP TABLE", '(drop & table)'],
] as const) {
	test(`a text query is read: ${text}`, () => assert.equal(shown(parseTextQuery(text, 'all')), expected));
}

for (const text of ['', ' ', '()', '(bone', 'bone)', 'OR', 'bone OR', 'NOT', '""', '!!', '('.repeat(30), Array(21).fill('x').join(' ')]) {
	test(`a text query is refused: ${text}`, () => assert.throws(() => parseTextQuery(text, 'narrative'), TextQueryError));
}
