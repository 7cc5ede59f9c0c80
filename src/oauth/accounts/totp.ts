// Codes of authenticator apps: TOTP (https://www.rfc-editor.org/rfc/rfc6238) with SHA-1, 30 seconds, six digits, as every app takes it.
import { createHmac, timingSafeEqual } from 'node:crypto';

const stepMs = 30_000;

/** The code of a time step. */
export function codeAt(key: Buffer, step: number): string {
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(step));
	const hmac = createHmac('sha1', key).update(counter).digest();
	const offset = (hmac[hmac.length - 1] as number) & 0xf;
	return String((hmac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** The step whose code this is, of the present one and its neighbours, if it comes after `last`. */
export function matchingStep(key: Buffer, code: string, now: Date, last: number | undefined): number | undefined {
	const digits = code.replaceAll(/\s/g, '');
	if (!/^\d{6}$/.test(digits)) return undefined;
	const present = Math.floor(now.getTime() / stepMs);
	return [present, present - 1, present + 1].find(
		(step) => step > (last ?? -1) && timingSafeEqual(Buffer.from(codeAt(key, step)), Buffer.from(digits)),
	);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base32 without padding (RFC 4648 section 6): how keys are typed and put into URIs. */
export function base32(bytes: Buffer): string {
	let bits = '';
	for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
	return bits.replaceAll(/.{1,5}/g, (five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)] as string);
}

/** The URI that apps take as a link or QR code, https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export function otpauthUri(key: Buffer, issuer: string, account: string): string {
	const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
	return `otpauth://totp/${label}?secret=${base32(key)}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=6&period=30`;
}
