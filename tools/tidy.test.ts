// The rules of the house that no compiler knows: each must be able to fail, so the import rule is tried with a planted trespass.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const architecture = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
const rooms = new Map(
	[...architecture.matchAll(/^\| `([a-z-]+)` \| .+ \| ([a-z, -]+) \|$/gm)].map((row) => [
		row[1] as string,
		row[2] === 'nothing' ? [] : (row[2] as string).split(', '),
	]),
);

test('Biome guards the same rooms that ARCHITECTURE.md names', () => {
	type Override = {
		includes: string[];
		linter: { rules: { style: { noRestrictedImports: { options?: { patterns: { message: string }[] } } } } };
	};
	const { overrides } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as { overrides: Override[] };
	const guarded = new Map<string, string[]>();
	for (const { includes, linter } of overrides) {
		const room = /^src\/([a-z-]+)\/\*\*$/.exec(includes[0] ?? '')?.[1];
		const message = linter.rules.style.noRestrictedImports.options?.patterns.at(-1)?.message;
		if (room === undefined || message === undefined) continue;
		const list = message.split(': ')[1] as string;
		guarded.set(room, list === 'nothing' ? [] : list.split(', '));
	}
	assert.deepEqual(guarded, rooms);
	assert.ok(rooms.size >= 13);
});

test('a planted trespass is caught', () => {
	const file = join(root, 'src/http/canary-trespass.ts');
	writeFileSync(file, `import { a } from '#fhir/resource.ts';\nimport { b } from '../db/sql.ts';\nexport const c = [a, b];\n`);
	try {
		const biome = join(root, 'node_modules/.bin/biome');
		const { stdout, stderr, status } = spawnSync(biome, ['lint', '--vcs-enabled=false', file], { cwd: root, encoding: 'utf8' });
		assert.notEqual(status, 0);
		assert.match(stdout + stderr, /The room http may use only: base/);
		assert.match(stdout + stderr, /Name the room instead/);
	} finally {
		rmSync(file);
	}
});

test('every room has its page', () => {
	for (const entry of readdirSync(join(root, 'src'), { withFileTypes: true })) {
		if (entry.isDirectory()) assert.ok(existsSync(join(root, 'src', entry.name, 'README.md')), `src/${entry.name}/README.md is missing`);
	}
});

test('every dependency has its reason in ARCHITECTURE.md', () => {
	const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
	for (const [name, version] of Object.entries(dependencies)) {
		assert.ok(architecture.includes(`\`${name}\``), `${name} has no row in ARCHITECTURE.md`);
		assert.match(version, /^\d/, `${name} is not pinned`);
	}
});

test('the clock and random ids are read in few places', () => {
	const allowed = new Set(['src/base/clock.ts', 'src/base/ids.ts', 'src/base/log.ts', 'src/http/server.ts']);
	const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'src'], { cwd: root, encoding: 'utf8' });
	const outside = /^src\/(commands|testing|db|main\.ts|compose\.ts|workers\.ts)/;
	const trespassers = listed
		.split('\n')
		.filter(
			(file) =>
				file.endsWith('.ts') && !file.endsWith('.test.ts') && !allowed.has(file) && !outside.test(file) && existsSync(join(root, file)),
		)
		.filter((file) => /\bDate\.now\(|\bnew Date\(\)|\brandomUUID\(/.test(readFileSync(join(root, file), 'utf8')));
	assert.deepEqual(trespassers, []);
});
