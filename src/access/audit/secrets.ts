// What the audit keeps in the data folder, out of reach of who can only reach the database: the key that signs seals, the key of query
// hashes, and the last seal.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The seal that was written last. */
export type LastSeal = { readonly n: number; readonly hash: string };

export type Secrets = {
	/** Names the key pair: the beginning of the public key's SHA-256. */
	readonly keyId: string;
	readonly publicKey: KeyObject;
	/** Ed25519 signature (RFC 8032). */
	sign(bytes: Buffer): Buffer;
	/** Keyed hash of a text: equal texts have equal hashes, and nobody without the key can try texts out. */
	hashOf(text: string): string;
	remember(seal: LastSeal): void;
};

/** Files of the audit below the data folder that a backup takes along. */
export const auditFiles: readonly string[] = ['audit/key.pem', 'audit/query.key'];

/** Opens the audit's secrets, which the first process to ask makes. Throws what the file system throws. */
export function openSecrets(dataDir: string): Secrets {
	const folder = join(dataDir, 'audit');
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	const pem = once(
		join(folder, 'key.pem'),
		() => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
	);
	const queryKey = Buffer.from(
		once(join(folder, 'query.key'), () => randomBytes(32).toString('base64')),
		'base64',
	);
	const privateKey = createPrivateKey(pem);
	const publicKey = createPublicKey(privateKey);
	return {
		keyId: keyIdOf(publicKey),
		publicKey,
		sign: (bytes) => sign(null, bytes, privateKey),
		hashOf: keyedHash(queryKey),
		remember(seal) {
			// Servers that share the folder may come here in another order than they sealed in.
			if ((readLastSeal(dataDir)?.n ?? 0) > seal.n) return;
			const draft = join(folder, `last-seal.json.${process.pid}`);
			writeFileSync(draft, `${JSON.stringify(seal)}\n`, { mode: 0o600 });
			renameSync(draft, join(folder, 'last-seal.json'));
		},
	};
}

/**
 * The first half of HMAC-SHA256 (RFC 2104) in hex, by one-shot hashes: every search is hashed, and createHmac takes longer to look its key
 * over than to hash.
 */
function keyedHash(key: Buffer): (text: string) => string {
	const pad = (byte: number): Buffer => Buffer.from(Uint8Array.from({ length: 64 }, (_, at) => (key[at] ?? 0) ^ byte));
	const [inner, outer] = [pad(0x36), pad(0x5c)];
	return (text) => {
		const first = hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer');
		return hash('sha256', Buffer.concat([outer, first]), 'hex').slice(0, 32);
	};
}

/** The name of a public key. */
export function keyIdOf(publicKey: KeyObject): string {
	return createHash('sha256')
		.update(publicKey.export({ type: 'spki', format: 'der' }))
		.digest('hex')
		.slice(0, 16);
}

/** The last seal that servers of this data folder wrote; undefined when there was none. */
export function readLastSeal(dataDir: string): LastSeal | undefined {
	try {
		return JSON.parse(readFileSync(join(dataDir, 'audit', 'last-seal.json'), 'utf8')) as LastSeal;
	} catch (error) {
		if ((error as { code?: string }).code === 'ENOENT') return undefined;
		throw error;
	}
}

/** The content of a file, which is written if there is none; of several processes that start together the first makes it. */
function once(path: string, make: () => string): string {
	for (;;) {
		try {
			return readFileSync(path, 'utf8');
		} catch (error) {
			if ((error as { code?: string }).code !== 'ENOENT') throw error;
		}
		// A draft that is linked into its place is there whole or not at all.
		const draft = `${path}.${process.pid}`;
		writeFileSync(draft, make(), { mode: 0o600 });
		try {
			linkSync(draft, path);
		} catch (error) {
			if ((error as { code?: string }).code !== 'EEXIST') throw error;
		} finally {
			unlinkSync(draft);
		}
	}
}
