// `npm run e2e`: what needs a browser. A real server, Chromium, the SMART JS client as it is published, and axe-core on every page.
// `CHROMIUM` names the browser when it is not where it usually is; `--shots <folder>` keeps pictures of the pages.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startTestCluster } from '#testing/database.ts';
import { smartClient } from './smart-client.ts';

const root = join(import.meta.dirname, '..', '..');
const usual = [
	process.env.CHROMIUM,
	'/usr/bin/chromium',
	'/usr/bin/chromium-browser',
	'/usr/bin/google-chrome',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const browser = usual.find((path) => path !== undefined && existsSync(path));
if (browser === undefined) {
	console.error(
		'npm run e2e needs Chromium or Chrome, and there is none where it usually is. Say where: CHROMIUM=/path/to/chromium npm run e2e',
	);
	process.exit(1);
}
const at = process.argv.indexOf('--shots');
const shots = at < 0 ? '' : resolve(process.argv[at + 1] ?? 'shots');
const cluster = await startTestCluster();
const env = {
	...process.env,
	...cluster.env,
	HERON_E2E_BROWSER: browser,
	HERON_E2E_SHOTS: shots,
	HERON_E2E_SMART_CLIENT: await smartClient(),
};
const files = ['pages.e2e.ts', 'smart.e2e.ts'].map((name) => join('tools', 'e2e', name));
const args = ['--test', '--test-concurrency=1', '--test-reporter=spec', '--test-timeout=300000', ...files];
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
process.exitCode = await new Promise<number>((end) => child.on('exit', (code) => end(code ?? 1)));
await cluster.stop();
