// What the pages for administrators have in common.
import { Problem } from '#base/problem.ts';
import { type AdministrationWords, administrationWords } from '#contract/words/administration.ts';
import type { Reply } from '#http/route.ts';
import type { ClientStore } from '#oauth/clients/clients.ts';
import { act } from '#oauth/pages/account.ts';
import { errorBox, type Html, html, noticeBox, pageReply } from '#oauth/pages/page.ts';
import type { Visit } from '#oauth/pages/visit.ts';
import type { AppGrants } from '#oauth/sessions/app-grants.ts';
import type { Session } from '#oauth/sessions/sessions.ts';

/** One request of an administrator. */
export type Desk = {
	readonly visit: Visit;
	readonly session: Session;
	readonly clients: ClientStore;
	readonly apps: AppGrants;
	readonly words: AdministrationWords;
	/** The part of the path that names a thing, when there is one. */
	readonly id: string;
};

export type Shown = { readonly errors?: readonly string[]; readonly notice?: string | undefined; readonly extra?: Html | undefined };

export const root = '/account/administration';

export function deskOf(visit: Visit, session: Session, stores: Pick<Desk, 'clients' | 'apps'>): Desk {
	return { visit, session, ...stores, words: administrationWords[visit.language], id: visit.request.params.id ?? '' };
}

/** A page with the way to the others; `first` is its first section without the heading. */
export function administrationPage(
	{ visit, session, words }: Desk,
	{ title, first, more, self }: { readonly title: string; readonly first: Html; readonly more?: Html; readonly self: string },
	{ errors = [], notice, extra }: Shown = {},
): Reply {
	const body = html`<section><h1>${title}</h1>${links(words, self)}
${errorBox(visit.words, errors)}${notice !== undefined && noticeBox(notice)}${extra}
${first}</section>${more}`;
	return pageReply({
		language: visit.language,
		title,
		body,
		status: errors.length > 0 ? 422 : 200,
		wide: true,
		corner: act(session, '/account/sign-out', visit.words.signOut),
		self,
		headers: visit.headers,
	});
}

function links(words: AdministrationWords, self: string): Html {
	const pages = [
		[`${root}/users`, words.users],
		[`${root}/roles`, words.roles],
		[`${root}/applications`, words.applications],
		['/account/all-sessions', words.sessions],
		[`${root}/emergencies`, words.emergencies],
		['/account', words.account],
	] as const;
	return html`<nav aria-label="${words.administration}"><ul class="ways">${pages.map(
		([path, text]) =>
			html`<li>${self.split('?')[0] === path ? html`<span aria-current="page">${text}</span>` : html`<a href="${path}">${text}</a>`}</li>`,
	)}</ul></nav>`;
}

/** Does something and shows the page anew: with what it gave, or with why it could not be done. */
export async function tried(show: (shown: Shown) => Promise<Reply>, work: () => Promise<Shown>): Promise<Reply> {
	try {
		return await show(await work());
	} catch (error) {
		if (!(error instanceof Problem) || (error.kind !== 'invalid' && error.kind !== 'conflict' && error.kind !== 'not-found')) throw error;
		return show({ errors: [error.text] });
	}
}

export function notFound(): Problem {
	return new Problem('not-found', 'no-such-thing', 'There is no such thing.');
}
