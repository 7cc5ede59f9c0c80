// Has somebody else look for viruses: a clamd (https://docs.clamav.net/manual/Usage/Scanning.html#clamd) by its socket, or any command that
// takes content on its standard input and ends with 0 for clean and 1 for infected, as clamdscan and clamscan do.
import { spawn } from 'node:child_process';
import { createConnection, type NetConnectOpts } from 'node:net';
import { Problem } from '#base/problem.ts';

export type VirusScanner = {
	/** Whether the content is infected. Throws Problem unavailable `virus-scanner-unavailable` when nobody can say. */
	readonly isInfected: (bytes: Buffer) => Promise<boolean>;
};

/** What the setting HERON_VIRUS_SCAN may be. */
export const virusScanShape = /^(off|clamd:\/\S+|clamd:[A-Za-z0-9.-]+:\d{1,5}|command:\S.*)$/;

const patienceMs = 60_000;

/** The scanner of a setting; undefined for `off`. */
export function createVirusScanner(setting: string, timeoutMs = patienceMs): VirusScanner | undefined {
	const [, kind = '', place = ''] = /^(clamd|command):(.*)$/.exec(setting) ?? [];
	if (kind === 'command') return { isInfected: (bytes) => askCommand(place.trim().split(/\s+/), bytes, timeoutMs) };
	if (kind === 'clamd') return { isInfected: (bytes) => askClamd(addressOf(place), bytes, timeoutMs) };
	return undefined;
}

function addressOf(place: string): NetConnectOpts {
	if (place.startsWith('/')) return { path: place };
	const colon = place.lastIndexOf(':');
	return { host: place.slice(0, colon), port: Number(place.slice(colon + 1)) };
}

function askCommand([command = '', ...args]: readonly string[], bytes: Buffer, timeoutMs: number): Promise<boolean> {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'ignore'], timeout: timeoutMs, killSignal: 'SIGKILL' });
		child.on('error', (cause) => reject(unavailable(cause)));
		child.on('close', (code) => {
			if (code === 0 || code === 1) resolve(code === 1);
			else reject(unavailable(new Error(`the command ended with ${code ?? 'a signal'}`)));
		});
		// A scanner that has seen enough closes its input.
		child.stdin?.on('error', () => undefined);
		child.stdin?.end(bytes);
	});
}

const chunkBytes = 1024 * 1024;

/** The command INSTREAM: chunks with their lengths before them, and one of length 0 at the end. */
function askClamd(address: NetConnectOpts, bytes: Buffer, timeoutMs: number): Promise<boolean> {
	return new Promise((resolve, reject) => {
		const socket = createConnection({ ...address, timeout: timeoutMs });
		const fail = (cause: unknown): void => {
			socket.destroy();
			reject(unavailable(cause));
		};
		let answer = '';
		socket.setEncoding('utf8');
		socket.on('timeout', () => fail(new Error('clamd did not answer in time')));
		socket.on('error', fail);
		socket.on('data', (text: string) => {
			answer += text;
		});
		socket.on('close', () => {
			const said = answer.replace(/\0/g, '').trim();
			if (/ FOUND$/.test(said)) resolve(true);
			else if (/^stream: OK$/.test(said)) resolve(false);
			else fail(new Error('clamd gave no verdict'));
		});
		socket.on('connect', () => {
			socket.write('zINSTREAM\0');
			for (let at = 0; at < bytes.length; at += chunkBytes) {
				const chunk = bytes.subarray(at, at + chunkBytes);
				socket.write(lengthOf(chunk.length));
				socket.write(chunk);
			}
			socket.write(lengthOf(0));
		});
	});
}

function lengthOf(size: number): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(size);
	return length;
}

function unavailable(cause: unknown): Problem {
	const text = 'The virus scanner cannot be asked at the moment, so nothing can be filed. Try again later.';
	return new Problem('unavailable', 'virus-scanner-unavailable', text, { cause, headers: { 'retry-after': '30' } });
}
