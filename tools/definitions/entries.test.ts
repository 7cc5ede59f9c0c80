import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openPack, writePack } from '#fhir/definitions/pack.ts';
import { r4Structures, readR4 } from './entries.ts';

describe('the committed definitions', () => {
	const committed = openPack(join(import.meta.dirname, '..', '..', 'src', 'fhir', 'definitions', 'r4', 'facts'));

	it('are what the R4 definitions give', () => {
		const structures = r4Structures(readR4());
		assert.ok(structures.length > 600);
		for (const facts of structures)
			assert.deepEqual(committed.read(`structure ${facts.url}`), JSON.parse(JSON.stringify(facts)), facts.url);
	});
});

describe('a pack', () => {
	it('gives back what was written, and is the same for the same input', () => {
		const folder = mkdtempSync(join(tmpdir(), 'heron-pack-'));
		try {
			const entries = new Map<string, unknown>(Array.from({ length: 50 }, (_, i) => [`entry ${i}`, { i, text: 'ä'.repeat(i * 10) }]));
			writePack(join(folder, 'a'), entries, 1000);
			writePack(join(folder, 'b'), entries, 1000);
			for (const end of ['bin', 'index.json'])
				assert.ok(readFileSync(join(folder, `a.${end}`)).equals(readFileSync(join(folder, `b.${end}`))));
			const pack = openPack(join(folder, 'a'));
			for (const [name, value] of [...entries].reverse()) assert.deepEqual(pack.read(name), value);
			assert.deepEqual(pack.names(), [...entries.keys()]);
			assert.equal(pack.has('entry 1'), true);
			assert.equal(pack.read('nothing'), undefined);
		} finally {
			rmSync(folder, { recursive: true });
		}
	});
});
