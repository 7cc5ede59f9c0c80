// What the tests in a browser stand on: a server of its own with two patients, a doctor, an administrator and a patient's account; Chromium;
// and a place on another origin for an app.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { cloneDatabase, type Ends } from '#testing/database.ts';
import { childEnv, freePort, type Heron, startHeron } from '#testing/heron.ts';

export const password = 'Correct-Horse-9-Battery';

export type Clinic = {
	readonly heron: Heron;
	readonly origin: string;
	readonly fhir: string;
	/** What a command prints. */
	command(...words: string[]): Promise<string>;
	/** A new browser without cookies. */
	browse(look?: { readonly width?: number; readonly scheme?: 'light' | 'dark' }): Promise<BrowserContext>;
	/** The address of an app's page, on another origin, which has the SMART client. */
	readonly app: string;
};

/** Everything started; it ends with the test file. */
export async function openClinic(t: Ends): Promise<Clinic> {
	const { config, drop } = await cloneDatabase();
	const url = new URL(`postgres://${config.user}@localhost/${config.database}?host=${encodeURIComponent(config.host as string)}`);
	url.password = config.password as string;
	const dataDir = mkdtempSync(join(tmpdir(), 'heron-e2e-'));
	const port = await freePort();
	const origin = `http://localhost:${port}`;
	const env = {
		DATABASE_URL: url.href,
		HERON_DATA_DIR: dataDir,
		HERON_PUBLIC_URL: origin,
		HERON_ADMIN_PASSWORD: password,
		HERON_ALLOW_PRIVATE_URLS: '1',
		HERON_HTTPS_PORT: '0',
		HERON_HTTP_PORT: String(port),
	};
	const heron = await startHeron({ env, port });
	t.after(async () => {
		await heron.stop();
		await drop();
		rmSync(dataDir, { recursive: true, force: true });
	});
	const run = promisify(execFile);
	const command = async (...words: string[]): Promise<string> => {
		const script = join(import.meta.dirname, '..', '..', 'src', 'commands', 'heron.ts');
		return (await run(process.execPath, [script, ...words], { env: { ...childEnv, ...env } })).stdout.trim();
	};
	await fill(`${origin}/apis/default/fhir`, await command('token', 'setup'));
	const browser: Browser = await chromium.launch({
		executablePath: process.env.HERON_E2E_BROWSER as string,
		args: [
			'--headless',
			'--no-sandbox',
			'--disable-gpu',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
			'--no-first-run',
		],
	});
	t.after(() => browser.close());
	return {
		heron,
		origin,
		fhir: `${origin}/apis/default/fhir`,
		command,
		app: await serveApp(t),
		browse: ({ width = 1280, scheme = 'light' } = {}) =>
			browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, locale: 'en-US' }),
	};
}

async function fill(base: string, token: string): Promise<void> {
	const resources = [
		{ resourceType: 'Practitioner', id: 'dr', name: [{ family: 'Who' }] },
		{ resourceType: 'Patient', id: 'pa', name: [{ family: 'Adams', given: ['Ann'] }], birthDate: '1970-01-31' },
		{ resourceType: 'Patient', id: 'pb', name: [{ family: 'Brown', given: ['Bob'] }], birthDate: '1980-02-01' },
		{ resourceType: 'Encounter', id: 'ea', status: 'in-progress', class: { code: 'AMB' }, subject: { reference: 'Patient/pa' } },
		...['pa', 'pb'].map((id) => ({
			resourceType: 'Observation',
			id: `o-${id}`,
			status: 'final',
			code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
			subject: { reference: `Patient/${id}` },
		})),
	];
	for (const resource of resources) {
		const { status } = await fetch(`${base}/${resource.resourceType}/${resource.id}`, {
			method: 'PUT',
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
			body: JSON.stringify(resource),
		});
		if (status !== 201) throw new Error(`${resource.resourceType}/${resource.id}: ${status}`);
	}
}

const html = (script: string): string =>
	`<!doctype html><html lang="en"><title>App</title><body><pre id="out"></pre><script src="fhir-client.js"></script><script>${script}</script></body></html>`;

/** An app's pages as its authors write them: where it is launched, and where it comes back to. */
async function serveApp(t: Ends): Promise<string> {
	const bundle = readFileSync(process.env.HERON_E2E_SMART_CLIENT as string);
	const server = createServer((request, response) => {
		const { pathname } = new URL(request.url as string, 'http://app');
		if (pathname === '/fhir-client.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(bundle);
		const page = {
			'/launch.html': `const q = new URLSearchParams(location.search);
				FHIR.oauth2.authorize({ clientId: q.get('client') ?? sessionStorage.client ?? localStorage.client, scope: q.get('scope') ?? localStorage.scope,
					redirectUri: 'index.html', ...(q.get('standalone') ? { iss: q.get('standalone') } : {}) });`,
			'/index.html':
				'const out = (v) => { document.getElementById("out").textContent = typeof v === "string" ? v : JSON.stringify(v); document.title = "done"; };\n' +
				'FHIR.oauth2.ready().then(async (client) => { window.client = client; out({ patient: client.patient.id, user: client.user.fhirUser, encounter: client.encounter.id }); }).catch((error) => out("failed: " + error.message));',
			'/setup.html': 'document.title = "done";',
		}[pathname];
		if (page === undefined) return response.writeHead(404).end();
		response.writeHead(200, { 'content-type': 'text/html' }).end(html(page));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(async () => {
		server.closeAllConnections();
		server.close();
	});
	const address = server.address();
	return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

/** Signs in on the sign-in page that is shown. */
export async function signIn(page: Page, username: string, word = password): Promise<void> {
	await page.fill('#username', username);
	await page.fill('#password', word);
	await Promise.all([page.waitForNavigation(), page.click('main button.full')]);
}

/** Keeps a picture when pictures are wanted. */
export async function shot(page: Page, name: string): Promise<void> {
	const folder = process.env.HERON_E2E_SHOTS;
	if (folder === undefined || folder === '') return;
	mkdirSync(folder, { recursive: true });
	await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
