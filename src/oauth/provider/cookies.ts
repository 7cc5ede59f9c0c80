// Reading the provider's cookies outside of it: name=value with a signature beside it, as the `keygrip` package makes them.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { cookieOf } from '#oauth/pages/visit.ts';

/** The value of a cookie whose signature is by one of the keys. */
export function signedCookieOf(header: string | undefined, name: string, keys: readonly string[]): string | undefined {
	const [value, signature] = [cookieOf(header, name), cookieOf(header, `${name}.sig`)];
	if (value === undefined || signature === undefined) return undefined;
	return keys.some((key) => isSigned(`${name}=${value}`, signature, key)) ? value : undefined;
}

function isSigned(text: string, signature: string, key: string): boolean {
	const expected = Buffer.from(createHmac('sha1', key).update(text).digest('base64url'));
	const given = Buffer.from(signature);
	return expected.length === given.length && timingSafeEqual(expected, given);
}
