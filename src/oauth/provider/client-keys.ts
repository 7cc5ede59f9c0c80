// Keys that clients publish at an address of their own: fetched guarded, believed no longer than the answer says, and looked at anew for a
// key that is not known. https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#signature-verification
import { decodeProtectedHeader } from 'jose';
import { type Client, errors, type KeyStore, Provider } from 'oidc-provider';
import type { Clock } from '#base/clock.ts';
import { Problem } from '#base/problem.ts';
import { guardedFetch } from '#outside/guarded-fetch.ts';

export type ClientKeys = {
	/** Gets a client's keys. Throws InvalidClientAuth when that may or can not be done. */
	fetch(address: string | URL): Promise<Response>;
	/** Lets a provider look at the keys of a client again when what it has is too old or does not know a key. */
	watch(provider: Provider): void;
};

/** Of answers that do not say how long they are good. */
const usualSeconds = 300;
const longestSeconds = 3600;
/** The provider believes what it fetched for a minute at least. */
const providersSeconds = 60;
/** How soon a key that was not there is looked for again. */
const againSeconds = 10;
/** Addresses whose ages are remembered; one that was forgotten is asked again. */
const remembered = 10_000;

export function createClientKeys(clock: Clock, allowPrivate: boolean): ClientKeys {
	const ages = new Map<string, number>();
	return {
		async fetch(address) {
			try {
				const { status, headers, body } = await guardedFetch(String(address), { allowPrivate });
				const age = ageOf(headers['cache-control'] ?? '');
				ages.delete(String(address));
				ages.set(String(address), age);
				if (ages.size > remembered) ages.delete(ages.keys().next().value as string);
				return new Response(new Uint8Array(body), { status, headers: { 'cache-control': `max-age=${age}` } });
			} catch (error) {
				if (error instanceof Problem) throw new errors.InvalidClientAuth(error.text);
				throw error;
			}
		},
		watch(provider) {
			const find = provider.Client.find.bind(provider.Client);
			provider.Client.find = async (id) => {
				const client = await find(id);
				const assertion = Provider.ctx?.oidc?.params?.client_assertion;
				if (client?.jwksUri !== undefined && typeof assertion === 'string') review(client, assertion, ages, clock.now().getTime() / 1000);
				return client;
			};
		},
	};
}

/** How many seconds an answer is good. */
function ageOf(cacheControl: string): number {
	if (/\bno-(store|cache)\b/i.test(cacheControl)) return 0;
	return Math.min(Number(/\bmax-age=(\d{1,9})/i.exec(cacheControl)?.[1] ?? usualSeconds), longestSeconds);
}

/** Empties a client's keys when they have to be fetched before the assertion is checked; the provider fetches what it lacks. */
function review(client: Client, assertion: string, ages: ReadonlyMap<string, number>, now: number): void {
	const { asymmetricKeyStore: keys, jwksUri } = client;
	if (keys.freshUntil === undefined) return;
	const age = ages.get(new URL(String(jwksUri)).href) ?? 0;
	const seconds = now - (keys.freshUntil - Math.max(providersSeconds, age));
	if (seconds < age && (seconds < againSeconds || knows(keys, assertion))) return;
	keys.clear();
	keys.freshUntil = 0;
}

function knows(keys: KeyStore, assertion: string): boolean {
	try {
		const { alg = '', kid } = decodeProtectedHeader(assertion);
		return keys.selectForVerify({ alg, kid }).length > 0;
	} catch {
		// No assertion: it is refused, whatever the keys.
		return true;
	}
}
