// The way to an OpenID provider elsewhere and back.
import { Problem } from '#base/problem.ts';
import type { Reply } from '#http/route.ts';
import type { OutsideProvider } from '#oauth/accounts/outside-provider.ts';
import type { People } from '#oauth/accounts/people.ts';
import { signInFromOutside } from '#oauth/accounts/sign-in.ts';
import { seeOther } from './page.ts';
import { goOn } from './sign-in.ts';
import { cookieOf, localPath, secureOf, type Visit } from './visit.ts';

const cookie = 'heron_outside';

/** `POST /account/outside` */
export async function takeOutside(people: People, outside: OutsideProvider, { form }: Visit): Promise<Reply> {
	const { url, secret } = await outside.begin(localPath(form.get('to')));
	return seeOther(url, {
		'set-cookie': `${cookie}=${secret}; Path=/account/outside; Max-Age=600; HttpOnly; SameSite=Lax${secureOf(people)}`,
	});
}

/** `GET /account/outside/callback` */
export async function outsideCallback(people: People, outside: OutsideProvider, visit: Visit): Promise<Reply> {
	const { headers, query } = visit.request;
	try {
		const secret = cookieOf(typeof headers.cookie === 'string' ? headers.cookie : undefined, cookie);
		const { account, returnTo } = await outside.finish(query, secret);
		return await goOn(people, visit, await signInFromOutside(people, account, visit.visitor), localPath(returnTo));
	} catch (error) {
		if (error instanceof Problem && error.kind === 'unauthenticated') return seeOther('/account/sign-in?failed=outside');
		throw error;
	}
}
