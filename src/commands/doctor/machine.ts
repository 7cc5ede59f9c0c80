// Checks of what is around the database: folders, disk, processes, ports, certificate.

import { X509Certificate } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isAlive, lockHolder } from '#db/embedded/lock.ts';
import { clusterOf } from '#db/embedded/place.ts';
import { freeBytes, readIfThere } from '#db/embedded/server.ts';
import { certificateEnds, givenCertificate } from '#http/certificate.ts';
import type { Settings } from '#settings.ts';
import { type Finding, failure, fine, note, warning } from './finding.ts';

/** All of them; none throws or changes anything. */
export async function machineFindings(settings: Settings, now: number): Promise<Finding[]> {
	const running = settings.databaseUrl === undefined ? lockHolder(join(settings.dataDir, 'heron.lock')) : undefined;
	return [
		...folders(settings),
		...disks(settings),
		...processes(settings, running),
		...(await ports(settings, running !== undefined)),
		...certificate(settings, now),
	];
}

function folders({ dataDir }: Settings): Finding[] {
	if (!existsSync(dataDir)) return [note('data folder', `${dataDir} is not there yet; the first start makes it`)];
	const found: Finding[] = [];
	for (const name of ['postgres.secret', 'tls.pem']) {
		const path = join(dataDir, name);
		if (existsSync(path) && (statSync(path).mode & 0o077) !== 0)
			found.push(failure('data folder', `${path} can be read by others; chmod 600 it`));
	}
	const { uid } = statSync(dataDir);
	const me = process.getuid?.();
	if (me !== undefined && me !== 0 && uid !== me) found.push(failure('data folder', `${dataDir} belongs to another user (${uid})`));
	return found.length > 0 ? found : [fine('data folder', dataDir)];
}

const gigabyte = 1e9;

function disks({ dataDir, databaseUrl }: Settings): Finding[] {
	const folder = existsSync(dataDir) ? dataDir : '.';
	const cluster = databaseUrl === undefined ? clusterOf(dataDir) : undefined;
	const isElsewhere = cluster !== undefined && statSync(cluster).dev !== statSync(folder).dev;
	return [folder, ...(isElsewhere ? [cluster] : [])].flatMap((place) => {
		const free = freeBytes(place);
		if (free === undefined) return [];
		const text = `${(free / gigabyte).toFixed(1)} GB free at ${place}`;
		return [free < 0.2 * gigabyte ? failure('disk', text) : free < 2 * gigabyte ? warning('disk', text) : fine('disk', text)];
	});
}

function processes({ dataDir, databaseUrl }: Settings, running: number | undefined): Finding[] {
	if (databaseUrl !== undefined) return [];
	const cluster = clusterOf(dataDir);
	const line = cluster === undefined ? undefined : readIfThere(join(cluster, 'postmaster.pid'))?.split('\n')[0];
	const postmaster = line !== undefined && isAlive(Number(line)) ? Number(line) : undefined;
	if (running !== undefined) return [fine('processes', `Heron ${running}${postmaster === undefined ? '' : `, PostgreSQL ${postmaster}`}`)];
	if (postmaster === undefined) return [fine('processes', 'Heron is not running, and nothing was left behind')];
	return [
		note('processes', `PostgreSQL (${postmaster}) was left behind by a Heron that was killed; this check takes it over and stops it`),
	];
}

async function ports({ httpsPort, httpPort, host }: Settings, running: boolean): Promise<Finding[]> {
	const found: Finding[] = [];
	for (const [name, port] of [
		['https', httpsPort],
		['http', httpPort],
	] as const) {
		if (port === 0) continue;
		const answer = await ready(name, port, host ?? '127.0.0.1');
		if (answer === 'ready') found.push(fine('port', `Heron answers on ${name} port ${port} and is ready`));
		else if (answer === 'not-ready')
			found.push(failure('port', `Heron answers on ${name} port ${port} but is not ready: it has lost its database`));
		else if (await isFree(port, host))
			found.push(
				running
					? failure('port', `Heron runs but does not listen on port ${port}: was it started with other settings?`)
					: fine('port', `${port} is free`),
			);
		else found.push(failure('port', `${port} is in use by another program; free it or set HERON_${name.toUpperCase()}_PORT`));
	}
	return found;
}

function ready(protocol: 'http' | 'https', port: number, host: string): Promise<'ready' | 'not-ready' | undefined> {
	return new Promise((resolve) => {
		const options = { host, port, path: '/meta/health/readyz', timeout: 3000, rejectUnauthorized: false };
		const asked = (protocol === 'https' ? httpsRequest : httpRequest)(options, (response) => {
			let text = '';
			response.setEncoding('utf8').on('data', (chunk) => {
				text += chunk;
			});
			response.on('end', () =>
				resolve(/"status":"ready"/.test(text) ? 'ready' : /"status":"not-ready"/.test(text) ? 'not-ready' : undefined),
			);
		});
		asked.on('error', () => resolve(undefined));
		asked.on('timeout', () => asked.destroy());
		asked.end();
	});
}

function isFree(port: number, host: string | undefined): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(false));
		server.listen({ port, ...(host === undefined ? {} : { host }) }, () => server.close(() => resolve(true)));
	});
}

const day = 24 * 3600 * 1000;

function certificate({ httpsPort, tlsCert, tlsKey, dataDir }: Settings, now: number): Finding[] {
	if (httpsPort === 0) return [];
	let ends: Date | undefined;
	try {
		const own = tlsCert === undefined || tlsKey === undefined;
		ends = own ? certificateEnds(dataDir) : new X509Certificate(givenCertificate(tlsCert, tlsKey).cert).validToDate;
	} catch (error) {
		return [failure('certificate', (error as Error).message)];
	}
	if (ends === undefined) return [note('certificate', 'Heron makes its own on first start')];
	const text = `good until ${ends.toISOString().slice(0, 10)}`;
	const left = ends.getTime() - now;
	if (left < 0) return [failure('certificate', `it ended on ${ends.toISOString().slice(0, 10)}`)];
	return [left < 21 * day ? warning('certificate', text) : fine('certificate', text)];
}
