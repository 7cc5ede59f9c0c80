// docs/standard-api.md says what the tables say. HERON_WRITE_GOLDEN=1 writes it anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { documentationOf } from './documentation.ts';
import { portalRows } from './portal.ts';
import { standardRows } from './routes.ts';

test('docs/standard-api.md is what the rows and mappings give', () => {
	const page = join(import.meta.dirname, '..', '..', 'docs', 'standard-api.md');
	const text = documentationOf(standardRows, portalRows);
	if (process.env.HERON_WRITE_GOLDEN === '1') writeFileSync(page, text);
	assert.equal(readFileSync(page, 'utf8'), text, 'HERON_WRITE_GOLDEN=1 npm test -- standard-api/documentation writes it anew');
});

test('every row with fields has its table, every field one line, and no two fields of a mapping have one name', () => {
	const text = documentationOf(standardRows, portalRows);
	for (const { mapping } of standardRows) {
		if (mapping === undefined) continue;
		const names = mapping.fields.map(({ name }) => name);
		assert.equal(new Set(names).size, names.length, mapping.resource);
		assert.ok(text.includes(`\n## ${mapping.resource} ↔ ${mapping.type}\n`), mapping.resource);
	}
});
