// What every npm script starts with. Runs on any Node from 18 on, needs no packages: installs what package-lock.json asks for when it is
// not there yet, then runs the given script with the Node that came with it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.heron-stamp');
const nodeBinary = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const [script, ...args] = process.argv.slice(2);

if (script === undefined) {
	console.error('usage: node tools/bootstrap.mjs <script.ts> [arguments]');
	process.exit(2);
}
ensureInstalled();
runScript();

function ensureInstalled() {
	if (isInstalled()) return;
	const lock = join(root, '.install.lock');
	const waited = waitForLock(lock);
	try {
		if (waited && isInstalled()) return;
		console.error('Installing what Heron needs (once; about half a minute) …');
		const npm = process.env.npm_execpath;
		const options = {
			cwd: root,
			stdio: ['ignore', 'ignore', 'pipe'],
			encoding: 'utf8',
			env: { ...process.env, npm_config_ignore_scripts: 'false', npm_config_omit: '', NODE_ENV: '' },
		};
		const words = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
		const done = npm === undefined ? spawnSync('npm', words, options) : spawnSync(process.execPath, [npm, ...words], options);
		if (done.status !== 0) {
			console.error(`npm could not install the packages:\n${done.stderr || done.error?.message || `exit code ${done.status}`}`);
			process.exit(1);
		}
		if (!existsSync(nodeBinary)) {
			console.error(
				'npm installed the packages but not their Node (its install script did not run). Check that npm is allowed to run install scripts: npm config get ignore-scripts',
			);
			process.exit(1);
		}
		writeFileSync(stampFile, stamp());
	} finally {
		removeFolder(lock);
	}
}

function isInstalled() {
	return existsSync(stampFile) && existsSync(nodeBinary) && readFileSync(stampFile, 'utf8') === stamp();
}

function stamp() {
	return createHash('sha256')
		.update(readFileSync(join(root, 'package-lock.json')))
		.digest('hex');
}

/** One installation at a time: the folder is the lock. Returns whether somebody else held it. A lock older than ten minutes is stale. */
function waitForLock(lock) {
	for (let waited = false; ; waited = true) {
		try {
			mkdirSync(lock);
			return waited;
		} catch (error) {
			if (error.code !== 'EEXIST') throw error;
			if (age(lock) > 600_000) removeFolder(lock);
			else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
		}
	}
}

function age(path) {
	try {
		return Date.now() - statSync(path).mtimeMs;
	} catch {
		return 0;
	}
}

function removeFolder(path) {
	try {
		rmdirSync(path);
	} catch (error) {
		if (error.code !== 'ENOENT') throw error;
	}
}

function runScript() {
	const child = spawn(nodeBinary, [join(root, script), ...args], {
		stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
		env: {
			// Scripts come up in half the time when Node keeps what it made of them.
			NODE_COMPILE_CACHE: join(modules, '.cache', 'node'),
			...process.env,
			HERON_BOOTSTRAP: '1',
			PATH: `${dirname(nodeBinary)}:${join(modules, '.bin')}:${process.env.PATH ?? ''}`,
		},
	});
	// The channel closes when this process ends, however it ends; the child takes that as a request to stop.
	for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
	// A terminal sends Ctrl-C to the whole group; passing it on would make it two.
	process.on('SIGINT', () => {
		if (!process.stdin.isTTY) child.kill('SIGINT');
	});
	stopWithNpm(child);
	child.on('error', (error) => {
		console.error(error.message);
		process.exit(1);
	});
	child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1)));
}

/** npm passes a signal to the shell between us, which dies of it and passes nothing on: that we have another parent is how we hear of it. */
function stopWithNpm(child) {
	if (process.env.npm_lifecycle_event === undefined) return;
	const parent = process.ppid;
	const timer = setInterval(() => {
		if (process.ppid === parent) return;
		clearInterval(timer);
		child.kill('SIGTERM');
	}, 200);
	timer.unref();
}
