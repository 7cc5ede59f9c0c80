// The server's certificate: the operator's own files, or one that Heron makes for itself and keeps in the data folder.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';

/** Certificate (with its chain) and private key, both PEM. */
export type Tls = { readonly cert: string; readonly key: string };

const day = 24 * 3600 * 1000;
const validDays = 397;
const renewBeforeDays = 30;

export type CertificateOptions = {
	/** The operator's own files; without them Heron makes a certificate and keeps it in `folder`. */
	readonly given: { readonly certFile: string; readonly keyFile: string } | undefined;
	readonly folder: string;
	/** Names and addresses beside localhost that Heron's own certificate is for. */
	readonly hosts: readonly string[];
	readonly clock: Clock;
	readonly log: Log;
};

/** The certificate in use, looked at again every hour, so that renewed files need no restart. */
export type Certificate = {
	readonly current: () => Tls;
	/** Tells of every new one until it is closed. */
	readonly onChange: (listener: (tls: Tls) => void) => void;
	readonly close: () => void;
};

const lookAgainMs = 3600 * 1000;

/** Reads or makes the certificate. Throws Problem invalid `tls-files`. */
export async function openCertificate(options: CertificateOptions): Promise<Certificate> {
	const { given, folder, hosts, clock, log } = options;
	const read = async (): Promise<Tls> =>
		given === undefined ? ownCertificate(folder, hosts, clock) : givenCertificate(given.certFile, given.keyFile);
	let current = await read();
	const listeners: ((tls: Tls) => void)[] = [];
	const lookAgain = async (): Promise<void> => {
		try {
			const found = await read();
			if (found.cert === current.cert && found.key === current.key) return;
			current = found;
			for (const tell of listeners) tell(found);
			log.info({ until: new X509Certificate(found.cert).validTo }, 'the certificate was renewed');
		} catch (error) {
			log.warn({ problem: (error as Error).message }, 'the certificate could not be read again; the one in use stays');
		}
	};
	const timer = setInterval(lookAgain, lookAgainMs).unref();
	return {
		current: () => current,
		onChange: (listener) => listeners.push(listener),
		close: () => clearInterval(timer),
	};
}

/**
 * The operator's certificate. Throws Problem invalid `tls-files` in words that name the file when one cannot be read, is not PEM, or
 * when key and certificate do not belong together.
 */
export function givenCertificate(certFile: string, keyFile: string): Tls {
	const cert = readPem('HERON_TLS_CERT', certFile);
	const key = readPem('HERON_TLS_KEY', keyFile);
	const parsed = parse(`HERON_TLS_CERT (${certFile}) holds no certificate in PEM form.`, () => new X509Certificate(cert));
	const secret = parse(`HERON_TLS_KEY (${keyFile}) holds no private key in PEM form without a passphrase.`, () => createPrivateKey(key));
	if (!parsed.checkPrivateKey(secret)) throw tlsProblem(`The key in ${keyFile} does not belong to the certificate in ${certFile}.`);
	return { cert, key };
}

/**
 * Heron's own certificate for these host names and addresses, kept in `folder` for the user alone. Made when there is none, when it does
 * not name all of them, and when less than thirty days of it are left.
 */
export async function ownCertificate(folder: string, hosts: readonly string[], clock: Clock): Promise<Tls> {
	const names = [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])];
	const file = join(folder, 'tls.pem');
	const kept = keptCertificate(file);
	if (kept !== undefined && isFit(kept, names, clock)) return kept;
	return keep(file, await make(names, clock), (found) => isFit(found, names, clock));
}

/** When the certificate of a data folder ends; undefined when there is none. */
export function certificateEnds(folder: string): Date | undefined {
	const kept = keptCertificate(join(folder, 'tls.pem'));
	return kept === undefined ? undefined : new X509Certificate(kept.cert).validToDate;
}

/** A host of a URL as a certificate names it: an IPv6 address without its brackets. */
export function hostOf(url: string): string {
	return new URL(url).hostname.replace(/^\[|\]$/g, '');
}

async function make(names: readonly string[], clock: Clock): Promise<Tls> {
	// Loaded when needed only: a later start has no use for it.
	const { generate } = await import('selfsigned');
	const now = clock.now().getTime();
	const made = await generate([{ name: 'commonName', value: 'Heron' }], {
		keyType: 'ec',
		curve: 'P-256',
		algorithm: 'sha256',
		// An hour back, for clients whose clock is a little behind.
		notBeforeDate: new Date(now - 3600 * 1000),
		notAfterDate: new Date(now + validDays * day),
		extensions: [
			{ name: 'basicConstraints', cA: false, critical: true },
			{ name: 'keyUsage', digitalSignature: true, critical: true },
			{ name: 'extKeyUsage', serverAuth: true },
			{ name: 'subjectAltName', altNames: names.map((name) => (isIP(name) > 0 ? { type: 7, ip: name } : { type: 2, value: name })) },
		],
	});
	return { cert: tidy(made.cert), key: tidy(made.private) };
}

function tidy(pem: string): string {
	return `${pem.replaceAll('\r', '').trim()}\n`;
}

/** Puts it in place whole. Where another process was quicker, its certificate is the one, so that all show the same. */
function keep(file: string, made: Tls, isFine: (found: Tls) => boolean): Tls {
	const draft = `${file}.${process.pid}`;
	mkdirSync(join(file, '..'), { recursive: true });
	writeFileSync(draft, made.key + made.cert, { mode: 0o600 });
	try {
		linkSync(draft, file);
		return made;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
		const found = keptCertificate(file);
		if (found !== undefined && isFine(found)) return found;
		renameSync(draft, file);
		return made;
	} finally {
		rmSync(draft, { force: true });
	}
}

function keptCertificate(file: string): Tls | undefined {
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
	const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----\n?/.exec(text)?.[0];
	const cert = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/.exec(text)?.[0];
	return key === undefined || cert === undefined ? undefined : { key, cert };
}

function isFit(kept: Tls, names: readonly string[], clock: Clock): boolean {
	try {
		const parsed = new X509Certificate(kept.cert);
		const left = parsed.validToDate.getTime() - clock.now().getTime();
		return (
			left > renewBeforeDays * day &&
			parsed.checkPrivateKey(createPrivateKey(kept.key)) &&
			names.every((name) => (isIP(name) > 0 ? parsed.checkIP(name) : parsed.checkHost(name)) !== undefined)
		);
	} catch {
		return false;
	}
}

function readPem(setting: string, file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		throw tlsProblem(`${setting}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
	}
}

function parse<T>(words: string, read: () => T): T {
	try {
		return read();
	} catch {
		throw tlsProblem(words);
	}
}

function tlsProblem(text: string): Problem {
	return new Problem('invalid', 'tls-files', text);
}
