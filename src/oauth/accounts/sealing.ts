// What has to be read again but not by who reads the database: AES-256-GCM with a key in the data folder.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '#base/problem.ts';

export type Sealer = {
	/** `about` says what it is; only who says the same opens it. */
	seal(about: string, bytes: Buffer): Buffer;
	/** Throws Problem fault `seal-broken` when it was sealed with another key or changed. */
	open(about: string, sealed: Buffer): Buffer;
	/** A keyed hash, for secrets too short to be kept under a plain one. */
	mac(about: string, text: string): Buffer;
};

/** The sealer of an installation: reads `secret.key` in the folder, or makes it (32 random bytes, readable by the owner alone). */
export function openSealer(folder: string): Sealer {
	return createSealer(readKey(folder));
}

function readKey(folder: string): Buffer {
	const file = join(folder, 'secret.key');
	try {
		return readFileSync(file);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
	}
	mkdirSync(folder, { recursive: true });
	const draft = `${file}.${process.pid}`;
	writeFileSync(draft, randomBytes(32), { mode: 0o600, flush: true });
	try {
		// Of several processes that start at the same time, one wins.
		linkSync(draft, file);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
	} finally {
		unlinkSync(draft);
	}
	return readFileSync(file);
}

export function createSealer(secret: Buffer): Sealer {
	if (secret.length !== 32) throw new Problem('fault', 'seal-key-wrong', 'The file secret.key in the data folder does not have 32 bytes.');
	const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), purpose, 32));
	const key = derive('heron sealing');
	const macKey = derive('heron mac');
	return {
		mac: (about, text) => createHmac('sha256', macKey).update(about).update('\0').update(text).digest(),
		seal(about, bytes) {
			const nonce = randomBytes(12);
			const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about));
			const text = Buffer.concat([cipher.update(bytes), cipher.final()]);
			return Buffer.concat([nonce, cipher.getAuthTag(), text]);
		},
		open(about, sealed) {
			try {
				const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 }).setAAD(Buffer.from(about));
				decipher.setAuthTag(sealed.subarray(12, 28));
				return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
			} catch (error) {
				throw new Problem('fault', 'seal-broken', 'A secret cannot be read: it was sealed with another key than secret.key.', {
					cause: error,
				});
			}
		},
	};
}
