// One notification on its way, signed so that the receiver can tell it from anybody else's.
import { createHmac } from 'node:crypto';
import { Problem } from '#base/problem.ts';
import { guardedFetch } from '#outside/guarded-fetch.ts';
import type { Plan } from './plan.ts';

export type Message = {
	readonly method: 'POST' | 'PUT';
	readonly url: string;
	readonly body: string;
	readonly contentType: string | undefined;
};

/**
 * Sends; resolves when the receiver said that it has it (2xx). Throws Problem unavailable `subscription-not-delivered` with why not.
 * The header X-Heron-Signature is `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body" under the subscription's secret>`.
 */
export async function send(plan: Plan, secret: string, message: Message, now: Date, allowPrivate: boolean): Promise<void> {
	const { method, url, body, contentType } = message;
	const time = Math.floor(now.getTime() / 1000);
	const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
	const headers = {
		...Object.fromEntries(plan.headers),
		...(contentType === undefined ? {} : { 'content-type': contentType }),
		'x-heron-signature': `t=${time},v1=${signature}`,
	};
	const { status } = await guardedFetch(url, { allowPrivate, timeoutMs: plan.timeoutMs, method, headers, body }).catch((error: unknown) => {
		const cause = error instanceof Problem ? (error.cause as { code?: string; name?: string } | undefined) : undefined;
		throw notDelivered(
			error instanceof Problem && error.code === 'address-refused' ? error.text : `no answer (${cause?.code ?? cause?.name ?? 'unknown'})`,
		);
	});
	if (status < 200 || status > 299) throw notDelivered(`the receiver answered ${status}`);
}

function notDelivered(why: string): Problem {
	return new Problem('unavailable', 'subscription-not-delivered', `The notification was not delivered: ${why}.`);
}
