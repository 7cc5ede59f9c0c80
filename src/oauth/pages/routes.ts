// The rows of /account/…: every page, who may see it, and what it says when something goes wrong.
import { Problem } from '#base/problem.ts';
import { chooseLanguage, signInWords } from '#contract/words/words.ts';
import type { Method, Reply, Request, Route } from '#http/route.ts';
import type { OutsideProvider } from '#oauth/accounts/outside-provider.ts';
import type { People } from '#oauth/accounts/people.ts';
import { isChiefAdministrator } from '#oauth/accounts/rights.ts';
import type { ClientStore } from '#oauth/clients/clients.ts';
import type { AppGrants } from '#oauth/sessions/app-grants.ts';
import type { Session } from '#oauth/sessions/sessions.ts';
import {
	accountPage,
	allSessionsPage,
	changePasswordPage,
	signedOutPage,
	takeAuthenticator,
	takeChangePassword,
	takeEmergency,
	takeEndAnySession,
	takeEndApp,
	takeEndEmergency,
	takeEndSession,
	takePasskey,
	takeRecoveryCodes,
	takeRemovePasskey,
	takeRemoveSecondFactor,
	takeSignOut,
} from './account.ts';
import { type Desk, deskOf } from './administration/frame.ts';
import { administrationRows } from './administration/rows.ts';
import { outsideCallback, takeOutside } from './outside.ts';
import { errorBox, html, pageFiles, pageReply, seeOther } from './page.ts';
import {
	forcedPasswordPage,
	forgotPage,
	newPasswordPage,
	passkeyOptions,
	secondFactorPage,
	signInPage,
	takeForcedPassword,
	takeForgot,
	takeNewPassword,
	takePasskeySignIn,
	takeSecondFactor,
	takeSignIn,
} from './sign-in.ts';
import { type Visit, visitOf } from './visit.ts';

export type AccountDeps = {
	readonly people: People;
	/** The apps that accounts let in; without the authorization server there are none. */
	readonly apps?: AppGrants | undefined;
	/** A provider elsewhere that people may sign in with. */
	readonly outside?: OutsideProvider | undefined;
	/** The applications; without the authorization server there are none. */
	readonly clients?: ClientStore | undefined;
	/** Whether this account may see and end everybody's sessions. */
	readonly isAdministrator: (session: Session) => Promise<boolean>;
};

const freshMs = 15 * 60_000;

type Open = (visit: Visit) => Promise<Reply> | Reply;
type Closed = (visit: Visit, session: Session) => Promise<Reply> | Reply;

/** All rows. They find out by themselves who is there, so they are public to the server. */
export function accountRoutes<C>(deps: AccountDeps): Route<C>[] {
	const { people, apps, clients, outside, isAdministrator } = deps;
	const row = (method: Method, path: string, handle: (visit: Visit) => Promise<Reply> | Reply): Route<C> => ({
		method,
		path: `/account${path}`,
		may: 'public',
		handle: async (_ctx, request) => handle(await visitOf(people, request)),
		problem: (error, request) => problemPage(error, request),
	});
	const open = (method: Method, path: string, handle: Open): Route<C> => row(method, path, handle);
	const forSession = (method: Method, path: string, stages: readonly Session['stage'][], handle: Closed): Route<C> =>
		row(method, path, (visit) => {
			const { session, request } = visit;
			if (session === undefined || !stages.includes(session.stage)) return toSignIn(visit);
			if (request.method === 'POST' && visit.form.get('token') !== session.formToken)
				throw new Problem('forbidden', 'form-old', 'This form does not belong to this session.');
			return handle(visit, session);
		});
	const closed = (method: Method, path: string, handle: Closed): Route<C> => forSession(method, path, ['done'], handle);
	/** What changes how one signs in needs a sign-in that is not long ago: whoever sits at an open browser cannot do it. */
	const fresh = (method: Method, path: string, handle: Closed): Route<C> =>
		closed(method, path, (visit, session) => {
			if (people.clock.now().getTime() - session.authenticatedAt.getTime() > freshMs)
				return seeOther('/account/sign-in?again=1&to=/account');
			return handle(visit, session);
		});
	const forAdministrators = (method: Method, path: string, handle: Closed): Route<C> =>
		closed(method, path, async (visit, session) => {
			if (!(await isAdministrator(session))) throw new Problem('forbidden', 'not-administrator', 'This page is for administrators.');
			return handle(visit, session);
		});
	const administration = (method: 'GET' | 'POST', path: string, handle: (desk: Desk) => Promise<Reply>): Route<C> =>
		(method === 'POST' ? fresh : closed)(method, `/administration${path}`, async (visit, session) => {
			if (!(await isChiefAdministrator(people, session.account)))
				throw new Problem('forbidden', 'not-administrator', 'This page is for administrators.');
			if (apps === undefined || clients === undefined) throw new Problem('not-found', 'no-applications', 'There are no applications here.');
			return handle(deskOf(visit, session, { apps, clients }));
		});
	const files = Object.entries(pageFiles).map(
		([name, { type, bytes }]): Route<C> => ({
			method: 'GET',
			path: `/account/${name}`,
			may: 'public',
			handle: () => ({
				status: 200,
				headers: { 'content-type': type, 'cache-control': 'public, max-age=31536000, immutable' },
				body: bytes,
			}),
			problem: (error, request) => problemPage(error, request),
		}),
	);
	return [
		...files,
		open('GET', '/sign-in', (visit) => signInPage(visit, outside)),
		open('POST', '/sign-in', (visit) => takeSignIn(visit.people, visit, outside)),
		open('POST', '/sign-in/passkey', (visit) => takePasskeySignIn(visit.people, visit, outside)),
		...(outside === undefined
			? []
			: [
					open('POST', '/outside', (visit) => takeOutside(visit.people, outside, visit)),
					open('GET', '/outside/callback', (visit) => outsideCallback(visit.people, outside, visit)),
				]),
		open('POST', '/passkey-options', (visit) => passkeyOptions(visit.people, visit)),
		forSession('GET', '/second-factor', ['second-factor'], (visit, session) => secondFactorPage(visit, session)),
		forSession('POST', '/second-factor', ['second-factor'], (visit, session) => takeSecondFactor(visit.people, visit, session)),
		forSession('GET', '/change-password', ['new-password', 'done'], (visit, session) =>
			session.stage === 'done' ? changePasswordPage(visit.people, visit, session) : forcedPasswordPage(visit.people, visit, session),
		),
		forSession('POST', '/change-password', ['new-password', 'done'], (visit, session) =>
			session.stage === 'done' ? takeChangePassword(visit.people, visit, session) : takeForcedPassword(visit.people, visit, session),
		),
		open('GET', '/forgot', (visit) => forgotPage(visit)),
		open('POST', '/forgot', (visit) => takeForgot(visit.people, visit)),
		open('GET', '/new-password', (visit) => newPasswordPage(visit.people, visit)),
		open('POST', '/new-password', (visit) => takeNewPassword(visit.people, visit)),
		closed('GET', '', (visit, session) => accountPage(visit.people, apps, visit, session)),
		fresh('POST', '/authenticator', (visit, session) => takeAuthenticator(visit.people, apps, visit, session)),
		fresh('POST', '/recovery-codes', (visit, session) => takeRecoveryCodes(visit.people, apps, visit, session)),
		closed('POST', '/second-factor/remove', (visit, session) => takeRemoveSecondFactor(visit.people, apps, visit, session)),
		fresh('POST', '/passkeys', (visit, session) => takePasskey(visit.people, apps, visit, session)),
		fresh('POST', '/passkeys/remove', (visit, session) => takeRemovePasskey(visit.people, visit, session)),
		closed('POST', '/sessions/end', (visit, session) => takeEndSession(visit.people, visit, session)),
		closed('POST', '/apps/end', (visit, session) => takeEndApp(apps, visit, session)),
		closed('POST', '/emergency', (visit, session) => takeEmergency(visit.people, apps, visit, session)),
		closed('POST', '/emergency/end', (visit, session) => takeEndEmergency(visit.people, session)),
		closed('POST', '/sign-out', (visit, session) => takeSignOut(visit.people, session)),
		open('GET', '/signed-out', (visit) => signedOutPage(visit)),
		forAdministrators('GET', '/all-sessions', (visit, session) => allSessionsPage(visit.people, visit, session)),
		forAdministrators('POST', '/all-sessions/end', (visit) => takeEndAnySession(visit.people, visit)),
		...administrationRows.map(([method, path, handle]) => administration(method, path, handle)),
	];
}

/** Signing in comes first; afterwards back to the page, if it was one that can be loaded again. */
function toSignIn({ request, query }: Visit): Reply {
	const to = query.get('to') ?? (request.method === 'POST' ? '/account' : request.path);
	return seeOther(`/account/sign-in?${new URLSearchParams({ to })}`);
}

/** What a page says when it could not be made. */
export function problemPage(error: unknown, request: Request): Reply {
	const accepted = request.headers['accept-language'];
	const language = chooseLanguage(
		new URLSearchParams(request.query).get('lang') ?? undefined,
		Array.isArray(accepted) ? accepted[0] : accepted,
	);
	const words = signInWords[language];
	const problem = error instanceof Problem ? error : undefined;
	const status = problem?.status ?? 500;
	const forbidden = problem?.code === 'form-old' || problem?.code === 'form-foreign' ? words.formTooOld : words.notAllowedText;
	const said: Readonly<Record<number, string>> = { 403: forbidden, 404: words.notFound, 429: words.tooManyTries };
	const text = said[status] ?? `${words.errorText} ${request.requestId}`;
	const title = text === words.notAllowedText ? words.notAllowed : words.errorTitle;
	const body = html`<section><h1>${title}</h1>${errorBox(words, [text])}<p><a href="/account">${words.account}</a></p></section>`;
	return pageReply({ language, title, body, status, ...(problem === undefined ? {} : { headers: problem.headers }) });
}
