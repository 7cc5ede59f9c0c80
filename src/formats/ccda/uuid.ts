// UUIDs of names, for what has an address and no OID.
import { createHash } from 'node:crypto';

/** A UUID that is always the same for a name (RFC 9562, version 5, in the namespace of URLs). */
export function uuidOf(name: string): string {
	const hash = createHash('sha1').update(Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex')).update(name).digest();
	hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
	hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
	const hex = hash.toString('hex');
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
