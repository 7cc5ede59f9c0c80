// One request to a page, read: who is there, which language, what the form says, and whether it was sent from here.

import { anonymous } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import { chooseLanguage, type Language, listOfLocales, type SignInWords, signInWords } from '#contract/words/words.ts';
import type { Request } from '#http/route.ts';
import type { People } from '#oauth/accounts/people.ts';
import { acting, actorOf } from '#oauth/accounts/telling.ts';
import { type Session, sessionOf, type Visitor } from '#oauth/sessions/sessions.ts';

export type Visit = {
	/** As whom the visitor acts, for what is done to accounts. */
	readonly people: People;
	readonly request: Request;
	readonly query: URLSearchParams;
	/** The form that was sent; empty for a GET. */
	readonly form: URLSearchParams;
	/** Whatever its stage. */
	readonly session: Session | undefined;
	readonly visitor: Visitor;
	readonly language: Language;
	readonly words: SignInWords;
	/** Headers that keep a language which was just chosen. */
	readonly headers: Readonly<Record<string, string>>;
};

const formLimit = 64 * 1024;

/**
 * `locales` are those of the app's request (`ui_locales`); without them the address or what it leads on to may name some.
 * Throws Problem forbidden `form-foreign` for a form that another site sent, invalid for one that is none
 * and for what the database does not take.
 */
export async function visitOf(people: People, request: Request, locales?: string): Promise<Visit> {
	const form = request.method === 'POST' ? await readForm(people, request) : new URLSearchParams();
	const query = new URLSearchParams(request.query);
	for (const value of query.values())
		if (value.includes('\0')) throw new Problem('invalid', 'query-broken', 'The address has a null character.');
	const cookies = request.headers.cookie;
	const session = await sessionOf(people, sessionCookie(people, typeof cookies === 'string' ? cookies : undefined));
	const chosen = query.get('lang') ?? undefined;
	const language = chooseLanguage(
		chosen,
		cookieOf(typeof cookies === 'string' ? cookies : undefined, 'heron_lang'),
		session?.account.details.language,
		listOfLocales(locales ?? query.get('ui_locales') ?? localesIn(form.get('to') ?? query.get('to'))),
		text(request.headers['accept-language']),
	);
	const where = { address: request.remoteAddress, requestId: request.requestId };
	const isIn = session?.stage === 'done';
	return {
		people: acting(people, isIn ? actorOf(session.account, where) : { ...where, caller: anonymous }),
		request,
		query,
		form,
		session,
		visitor: { address: request.remoteAddress, agent: text(request.headers['user-agent']) ?? '' },
		language,
		words: signInWords[language],
		headers:
			chosen === undefined ? {} : { 'set-cookie': `heron_lang=${language}; Path=/; Max-Age=31536000; SameSite=Lax${secureOf(people)}` },
	};
}

/** The languages that the page to go to afterwards is to speak: https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest */
function localesIn(to: string | null): string | undefined {
	const at = to?.indexOf('?') ?? -1;
	return at < 0 ? undefined : (new URLSearchParams(to?.slice(at)).get('ui_locales') ?? undefined);
}

async function readForm(people: People, request: Request): Promise<URLSearchParams> {
	if (!isFromHere(people, request)) throw new Problem('forbidden', 'form-foreign', 'This form was sent from another site.');
	if (!/^application\/x-www-form-urlencoded\b/i.test(text(request.headers['content-type']) ?? ''))
		throw new Problem('invalid', 'form-expected', 'This takes a form.', { status: 415 });
	const form = new URLSearchParams((await request.body(formLimit)).toString('utf8'));
	for (const value of form.values()) if (value.includes('\0')) throw new Problem('invalid', 'form-broken', 'A field has a null character.');
	return form;
}

/** What browsers say about where a form comes from. Who says nothing is no browser and has no cookies to be abused. */
function isFromHere({ settings }: People, { headers }: Request): boolean {
	const site = text(headers['sec-fetch-site']);
	if (site !== undefined) return site === 'same-origin' || site === 'none';
	const origin = text(headers.origin);
	if (origin === undefined) return true;
	return origin === settings.publicUrl || (URL.canParse(origin) && new URL(origin).host === text(headers.host));
}

function text(header: string | string[] | undefined): string | undefined {
	return Array.isArray(header) ? header[0] : header;
}

/** The text of a cookie. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
	for (const part of header?.split(';') ?? []) {
		const [key, value] = part.trim().split('=');
		if (key === name) return value;
	}
	return undefined;
}

const isSecure = ({ settings }: Pick<People, 'settings'>): boolean => settings.publicUrl.startsWith('https:');

/** What cookies need so that they travel by https alone, where there is https. */
export function secureOf(people: Pick<People, 'settings'>): string {
	return isSecure(people) ? '; Secure' : '';
}

/** With https the name itself makes browsers refuse it from anywhere but here. */
function cookieName(people: Pick<People, 'settings'>): string {
	return isSecure(people) ? '__Host-heron' : 'heron';
}

/** The secret of a browser session among the cookies of a request. */
export function sessionCookie(people: Pick<People, 'settings'>, header: string | undefined): string | undefined {
	return cookieOf(header, cookieName(people));
}

/** The header that gives a browser its session, or takes it away. */
export function setSession(people: Pick<People, 'settings'>, secret: string | undefined): { readonly 'set-cookie': string } {
	const ends = secret === undefined ? '; Max-Age=0' : '';
	return { 'set-cookie': `${cookieName(people)}=${secret ?? ''}; Path=/; HttpOnly; SameSite=Lax${ends}${secureOf(people)}` };
}

/** Where to go afterwards: a path of this site, else the account's page. */
export function localPath(given: string | null | undefined): string {
	if (given === null || given === undefined || given.length > 4000 || !/^\/[\x21-\x7e]*$/.test(given)) return '/account';
	if (given.includes('\\') || given.startsWith('//')) return '/account';
	const base = 'https://here.invalid';
	return URL.canParse(given, base) && new URL(given, base).origin === base ? given : '/account';
}
