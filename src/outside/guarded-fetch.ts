// Asking addresses that somebody else named (a client's JWKS, a subscription's endpoint): https only, never to this machine or a private network, whatever the name
// resolves to, no redirects, little data, little time. https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
import { lookup as lookUpName } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { Problem } from '#base/problem.ts';

export type GuardOptions = {
	/** Takes http, loopback and private addresses too; for development. */
	readonly allowPrivate: boolean;
	readonly limitBytes?: number;
	readonly timeoutMs?: number;
	/** GET unless set. */
	readonly method?: 'GET' | 'POST' | 'PUT';
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
};

export type Fetched = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer };

/** Special-use addresses, https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry */
const special = new BlockList();
for (const [net, bits] of [
	['0.0.0.0', 8],
	['10.0.0.0', 8],
	['100.64.0.0', 10],
	['127.0.0.0', 8],
	['169.254.0.0', 16],
	['172.16.0.0', 12],
	['192.0.0.0', 24],
	['192.0.2.0', 24],
	['192.88.99.0', 24],
	['192.168.0.0', 16],
	['198.18.0.0', 15],
	['198.51.100.0', 24],
	['203.0.113.0', 24],
	['224.0.0.0', 3],
] as const)
	special.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
	['::', 96],
	['64:ff9b::', 96],
	['64:ff9b:1::', 48],
	['100::', 64],
	['2001::', 23],
	['2001:db8::', 32],
	['2002::', 16],
	['3fff::', 20],
	['5f00::', 16],
	['fc00::', 7],
	['fe80::', 9],
	['ff00::', 8],
] as const)
	special.addSubnet(net, bits, 'ipv6');

/** Whether an IP address is this machine's, a private network's, or otherwise not one of the public internet. */
export function isSpecialAddress(address: string): boolean {
	const bare = address.replace(/^\[|\]$/g, '');
	const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
	if (mapped !== undefined) return special.check(mapped, 'ipv4');
	const version = isIP(bare);
	return version === 0 || special.check(bare, version === 4 ? 'ipv4' : 'ipv6');
}

/** Whether the host of an address can be told to be private by its text alone. */
export function isPrivateHost(hostname: string): boolean {
	const host = hostname.toLowerCase().replace(/\.$/, '');
	if (isIP(host.replace(/^\[|\]$/g, '')) > 0) return isSpecialAddress(host);
	return !host.includes('.') || /\.(localhost|local|internal|lan|home|corp|intranet|home\.arpa)$/.test(host);
}

/**
 * Sends a request, a GET unless the options say otherwise. Throws Problem invalid `address-refused` for one that may not be asked, unavailable `address-failed` when it does not
 * answer as it should.
 */
export function guardedFetch(address: string, options: GuardOptions): Promise<Fetched> {
	const { allowPrivate, limitBytes = 256 * 1024, timeoutMs = 3000 } = options;
	const url = allowedUrl(address, allowPrivate);
	return new Promise((resolve, reject) => {
		const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
		const fail = (cause: unknown): void => reject(cause instanceof Problem ? cause : failed(cause));
		const request = send(
			url,
			{
				method: options.method ?? 'GET',
				headers: { accept: 'application/json', 'user-agent': 'Heron', ...options.headers },
				agent: false,
				signal: AbortSignal.timeout(timeoutMs),
				lookup: lookupFor(allowPrivate),
			},
			(response) => {
				const chunks: Buffer[] = [];
				let size = 0;
				response.on('data', (chunk: Buffer) => {
					size += chunk.length;
					if (size <= limitBytes) return void chunks.push(chunk);
					fail(new Error('the answer is too large'));
					request.destroy();
				});
				response.on('end', () => {
					const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
					resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
				});
				response.on('error', fail);
			},
		);
		request.on('error', fail);
		request.end(options.body);
	});
}

export type DownloadOptions = Pick<GuardOptions, 'allowPrivate' | 'headers'> & {
	/** How long nothing may come. */
	readonly idleMs: number;
	readonly signal: AbortSignal;
};

/** An answer as it comes in. Who reads it decides how much is too much. */
export type Download = { readonly status: number; readonly headers: Readonly<Record<string, string | undefined>>; readonly body: Readable };

/** GETs what is too large to hold. Throws as guardedFetch does. */
export function guardedDownload(address: string, { allowPrivate, headers, idleMs, signal }: DownloadOptions): Promise<Download> {
	const url = allowedUrl(address, allowPrivate);
	return new Promise((resolve, reject) => {
		const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
		const asked = { 'user-agent': 'Heron', ...headers };
		const request = send(url, { headers: asked, agent: false, signal, timeout: idleMs, lookup: lookupFor(allowPrivate) }, (response) => {
			const told = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
			resolve({ status: response.statusCode ?? 0, headers: told, body: response });
		});
		request.on('timeout', () => request.destroy(new Error('nothing came for too long')));
		request.on('error', (cause) => reject(cause instanceof Problem ? cause : failed(cause)));
		request.end();
	});
}

/** Throws Problem invalid `address-refused` for an address that can be told by its text to be none that may be asked. */
function allowedUrl(address: string, allowPrivate: boolean): URL {
	if (!URL.canParse(address)) throw refused('it is not an address');
	const url = new URL(address);
	if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) throw refused('only https is');
	if (url.username !== '' || url.password !== '') throw refused('it has a password');
	if (!allowPrivate && isPrivateHost(url.hostname)) throw refused('it is on a private network');
	return url;
}

/** Throws Problem as a download of it would, before anything is sent. */
export function requireFetchable(address: string, allowPrivate: boolean): void {
	allowedUrl(address, allowPrivate);
}

/** Names are resolved here, so that what was checked is what is connected to. */
function lookupFor(allowPrivate: boolean): LookupFunction {
	return (hostname, options, callback) => {
		lookUpName(hostname, { ...options, all: true }, (error, addresses) => {
			if (error !== null) return callback(error, []);
			const allowed = allowPrivate ? addresses : addresses.filter(({ address }) => !isSpecialAddress(address));
			const [first] = allowed;
			if (first === undefined) return callback(refused('it is on a private network') as NodeJS.ErrnoException, []);
			if (options.all === true) callback(null, allowed);
			else callback(null, first.address, first.family);
		});
	};
}

function refused(why: string): Problem {
	return new Problem('invalid', 'address-refused', `This address may not be asked: ${why}.`);
}

function failed(cause: unknown): Problem {
	return new Problem('unavailable', 'address-failed', 'An address outside did not answer as it should.', { cause });
}
