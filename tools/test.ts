// `npm test`: Biome, the type checker, then every test on real PostgreSQL. `--check-only` stops after the checks; other arguments pick
// test files whose path contains one of them.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { startTestCluster } from '#testing/database.ts';

const root = join(import.meta.dirname, '..');
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const checkOnly = process.argv.includes('--check-only');

if (wanted.length === 0) {
	step('Biome', 'biome', ['check', '--error-on-warnings', '--reporter=summary']);
	step('TypeScript', 'tsc', ['--noEmit', '-p', '.']);
}
if (!checkOnly) process.exitCode = await runTests();

function step(name: string, command: string, args: string[]): void {
	const started = performance.now();
	const done = spawnSync(join(root, 'node_modules', '.bin', command), args, {
		cwd: root,
		encoding: 'utf8',
		env: { ...process.env, npm_config_loglevel: 'silent' },
	});
	const seconds = ((performance.now() - started) / 1000).toFixed(1);
	if (done.status !== 0) {
		console.log(`${done.stdout}${done.stderr}`);
		console.log(`${name}: failed after ${seconds} s`);
		process.exit(1);
	}
	console.log(`${name}: fine (${seconds} s)`);
}

async function runTests(): Promise<number> {
	const files = ['src', 'tools', 'bench', 'web']
		.flatMap((folder) => testFiles(join(root, folder)))
		.map((file) => relative(root, file))
		.filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
		.sort();
	// Without names Node would look for tests of its own.
	if (files.length === 0) {
		console.log(`No test file has ${wanted.join(' or ')} in its path.`);
		return 1;
	}
	const cluster = await startTestCluster();
	try {
		const reporter = process.stdout.isTTY || wanted.length > 0 ? 'spec' : 'dot';
		const args = [
			'--test',
			'--test-concurrency=2',
			'--test-timeout=300000',
			`--test-reporter=${reporter}`,
			'--test-reporter-destination=stdout',
		];
		if (reporter === 'dot') args.push('--test-reporter=./tools/test-summary.mjs', '--test-reporter-destination=stdout');
		const child = spawn(process.execPath, [...args, ...files], { cwd: root, stdio: 'inherit', env: { ...process.env, ...cluster.env } });
		return await new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
	} finally {
		await cluster.stop();
	}
}

function testFiles(folder: string): string[] {
	try {
		return readdirSync(folder, { recursive: true, encoding: 'utf8' })
			.filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
			.map((name) => join(folder, name));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw error;
	}
}
