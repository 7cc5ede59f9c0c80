// The pages on the way in: name and password, second factor, forced new password, forgotten password, passkeys.
import { Problem } from '#base/problem.ts';
import type { SignInWords } from '#contract/words/words.ts';
import type { Reply } from '#http/route.ts';
import { countTry } from '#oauth/accounts/attempts.ts';
import { accountOfReset, forgotPassword, resetPassword } from '#oauth/accounts/credentials.ts';
import { authenticationOptions, registrationOptions } from '#oauth/accounts/passkeys.ts';
import type { People } from '#oauth/accounts/people.ts';
import { giveNewPassword, giveSecondFactor, type Progress, signIn, signInWithPasskey } from '#oauth/accounts/sign-in.ts';
import { endSession, type Session } from '#oauth/sessions/sessions.ts';
import { errorBox, field, type Html, hidden, html, pageReply, seeOther } from './page.ts';
import { localPath, setSession, type Visit } from './visit.ts';

type Outside = { readonly name: string };

/** `GET /account/sign-in?to=…[&again=1]`: who is signed in already goes on, unless `again` wants them to show it anew. */
export function signInPage(visit: Visit, outside: Outside | undefined): Reply {
	const to = localPath(visit.query.get('to'));
	if (visit.session?.stage === 'done' && visit.query.get('again') === null) return seeOther(to);
	const failed = visit.query.get('failed') === 'outside' ? [visit.words.outsideRefused] : [];
	return signInForm(visit, outside, { to, errors: failed, status: 200, username: visit.query.get('login_hint') ?? '' });
}

type SignInState = { readonly to: string; readonly errors: readonly string[]; readonly status: number; readonly username: string };

function signInForm(visit: Visit, outside: Outside | undefined, { to, errors, status, username }: SignInState): Reply {
	const { words, language } = visit;
	const invalid = errors.length > 0;
	const body = html`<section>
<h1>${words.signIn}</h1>
<p class="quiet">${words.signInIntro}</p>
${errorBox(words, errors)}
<form method="post" action="/account/sign-in">
${hidden('to', to)}
${field({ name: 'username', label: words.username, autocomplete: 'username', value: username, invalid, focus: username === '' })}
${field({ name: 'password', label: words.password, type: 'password', autocomplete: 'current-password', invalid, focus: username !== '' })}
<button class="full">${words.signIn}</button>
</form>
<p class="after"><a href="/account/forgot">${words.forgot}</a></p>
<form method="post" action="/account/sign-in/passkey" data-passkey="sign-in" hidden>
<p class="divider">${words.or}</p>
${passkeyFields(words, to)}
<button class="full plain">${words.signInPasskey}</button>
</form>
${
	outside !== undefined &&
	html`<form method="post" action="/account/outside">${hidden('to', to)}<p class="divider">${words.or}</p>
<button class="full plain">${words.signInOutside(outside.name)}</button></form>`
}
</section>`;
	const self = `/account/sign-in?${new URLSearchParams({ to })}`;
	return pageReply({ language, title: words.signIn, body, status, usesPasskeys: true, leadsAway: true, self, headers: visit.headers });
}

function passkeyFields(words: SignInWords, to: string): Html {
	return html`${hidden('to', to)}${hidden('response', '')}<div class="error" role="alert" data-failed hidden><p>${words.passkeyRefused}</p></div>`;
}

/** `POST /account/sign-in` */
export async function takeSignIn(people: People, visit: Visit, outside: Outside | undefined): Promise<Reply> {
	const { form, visitor } = visit;
	const to = localPath(form.get('to'));
	const username = (form.get('username') ?? '').trim();
	try {
		return await goOn(people, visit, await signIn(people, username, form.get('password') ?? '', visitor), to);
	} catch (error) {
		return signInForm(visit, outside, { to, username: username.slice(0, 64), ...explained(visit.words, error) });
	}
}

/** `POST /account/sign-in/passkey` */
export async function takePasskeySignIn(people: People, visit: Visit, outside: Outside | undefined): Promise<Reply> {
	const to = localPath(visit.form.get('to'));
	try {
		return await goOn(people, visit, await signInWithPasskey(people, jsonOf(visit.form.get('response')), visit.visitor), to);
	} catch (error) {
		return signInForm(visit, outside, { to, username: '', ...explained(visit.words, error) });
	}
}

/** Ends what this browser had before, hands out the new session, and leads to the next page. */
export async function goOn(people: People, { session }: Visit, { secret, stage }: Progress, to: string): Promise<Reply> {
	if (session !== undefined) await endSession(people, session.account.id, session.id);
	return seeOther(stage === 'done' ? to : `${pageOf[stage]}?${new URLSearchParams({ to })}`, setSession(people, secret));
}

const pageOf = { 'second-factor': '/account/second-factor', 'new-password': '/account/change-password' } as const;

/** `GET /account/second-factor` */
export function secondFactorPage(visit: Visit, session: Session, errors: readonly string[] = [], status = 200): Reply {
	const { words, language } = visit;
	const to = localPath(visit.form.get('to') ?? visit.query.get('to'));
	const { hasTotp, passkeys } = session.account;
	const token = hidden('token', session.formToken);
	const recovers = visit.form.get('is') === 'recovery';
	const body = html`<section>
<h1>${words.secondFactor}</h1>
<p class="quiet">${words.signedInAs(session.account.name, session.account.username)}</p>
${errorBox(words, errors)}
${
	passkeys > 0 &&
	html`<form method="post" action="/account/second-factor" data-passkey="second-factor" hidden>
${token}${hidden('is', 'passkey')}${passkeyFields(words, to)}
<button class="full">${words.usePasskey}</button>
<p class="divider">${words.or}</p>
</form>`
}
${
	hasTotp &&
	html`<p>${words.secondFactorIntro}</p>
<form method="post" action="/account/second-factor">
${token}${hidden('is', 'totp')}${hidden('to', to)}
${field({ name: 'code', label: words.code, autocomplete: 'one-time-code', numeric: true, invalid: errors.length > 0 && !recovers, focus: true })}
<button class="full">${words.continue}</button>
</form>`
}
<details${recovers ? html` open` : html``}><summary>${words.recoveryTitle}</summary>
<form method="post" action="/account/second-factor">
${token}${hidden('is', 'recovery')}${hidden('to', to)}
${field({ name: 'recovery', label: words.recoveryCode, hint: words.recoveryHint, invalid: errors.length > 0 && recovers })}
<button class="full plain">${words.continue}</button>
</form></details>
</section>`;
	const self = `/account/second-factor?${new URLSearchParams({ to })}`;
	return pageReply({
		language,
		title: words.secondFactor,
		body,
		status,
		usesPasskeys: passkeys > 0,
		leadsAway: true,
		self,
		headers: visit.headers,
	});
}

/** `POST /account/second-factor` */
export async function takeSecondFactor(people: People, visit: Visit, session: Session): Promise<Reply> {
	const { form, visitor } = visit;
	const is = form.get('is');
	const to = localPath(form.get('to'));
	try {
		const factor =
			is === 'passkey'
				? ({ is, response: jsonOf(form.get('response')) } as const)
				: is === 'recovery'
					? ({ is, code: form.get('recovery') ?? '' } as const)
					: ({ is: 'totp', code: form.get('code') ?? '' } as const);
		const { secret, stage } = await giveSecondFactor(people, session, factor, visitor);
		return seeOther(stage === 'done' ? to : `${pageOf['new-password']}?${new URLSearchParams({ to })}`, setSession(people, secret));
	} catch (error) {
		const { errors, status } = explained(visit.words, error);
		return secondFactorPage(visit, session, errors, status);
	}
}

/** `GET /account/change-password` for who has to choose one before going on. */
export function forcedPasswordPage(people: People, visit: Visit, session: Session, errors: readonly string[] = []): Reply {
	const { words, language } = visit;
	const to = localPath(visit.form.get('to') ?? visit.query.get('to'));
	const body = html`<section>
<h1>${words.newPassword}</h1>
<p>${words.newPasswordIntro}</p>
${errorBox(words, errors)}
<form method="post" action="/account/change-password">
${hidden('token', session.formToken)}${hidden('to', to)}${hiddenUsername(session.account.username)}
${newPasswordFields(people, words, errors.length > 0)}
<button class="full">${words.savePassword}</button>
</form></section>`;
	const self = `/account/change-password?${new URLSearchParams({ to })}`;
	const status = errors.length > 0 ? 422 : 200;
	return pageReply({ language, title: words.newPassword, body, status, leadsAway: true, self, headers: visit.headers });
}

/** Lets password managers know whose password it is. */
export function hiddenUsername(username: string): Html {
	return html`<input type="text" name="username" value="${username}" autocomplete="username" hidden>`;
}

/** The two fields of a new password. */
export function newPasswordFields({ settings }: People, words: SignInWords, invalid: boolean): Html {
	const hint = words.passwordRules(settings.policy.minLength, settings.policy.classes);
	return html`${field({ name: 'next', label: words.nextPassword, type: 'password', autocomplete: 'new-password', hint, invalid })}
${field({ name: 'repeat', label: words.repeatPassword, type: 'password', autocomplete: 'new-password', invalid })}`;
}

/** `POST /account/change-password` at that stage */
export async function takeForcedPassword(people: People, visit: Visit, session: Session): Promise<Reply> {
	try {
		const progress = await giveNewPassword(people, session, nextPassword(visit), visit.visitor);
		return seeOther(localPath(visit.form.get('to')), setSession(people, progress.secret));
	} catch (error) {
		return forcedPasswordPage(people, visit, session, explained(visit.words, error).errors);
	}
}

/** The new password of a form that asks for it twice. Throws Problem invalid `password-differs`. */
export function nextPassword({ form }: Visit): string {
	const next = form.get('next') ?? '';
	if (next !== form.get('repeat')) throw new Problem('invalid', 'password-differs', 'The two new passwords are not the same.');
	return next;
}

/** `GET /account/forgot` */
export function forgotPage(visit: Visit, isSent = false): Reply {
	const { words, language } = visit;
	const body = html`<section>
<h1>${words.forgotTitle}</h1>
${
	isSent
		? html`<div class="notice" role="status"><p>${words.forgotSent}</p></div><p class="quiet">${words.forgotNoMail}</p>
<p><a href="/account/sign-in">${words.signIn}</a></p>`
		: html`<p>${words.forgotIntro}</p>
<form method="post" action="/account/forgot">
${field({ name: 'named', label: words.forgotField, autocomplete: 'username', focus: true })}
<button class="full">${words.sendLink}</button>
</form>
<p class="after"><a href="/account/sign-in">${words.back}</a></p>`
}
</section>`;
	return pageReply({ language, title: words.forgotTitle, body, self: '/account/forgot', headers: visit.headers });
}

/** `POST /account/forgot`: answers before it has looked, so that neither words nor time say who is there. */
export async function takeForgot(people: People, visit: Visit): Promise<Reply> {
	const { words, visitor, form } = visit;
	const named = (form.get('named') ?? '').trim();
	await countTry(people, { username: `reset ${named}`, address: visitor.address });
	const minutes = Math.round(people.settings.resetMs / 60_000);
	void forgotPassword(people, named, ({ name }, link) => ({ subject: words.mailSubject, text: words.mailText(name, link, minutes) })).catch(
		(error: Error) => people.log.error({ problem: error.name }, 'a request for a new password could not be handled'),
	);
	return forgotPage(visit, true);
}

/** `GET /account/new-password?key=…` */
export async function newPasswordPage(people: People, visit: Visit, errors: readonly string[] = []): Promise<Reply> {
	const { words, language } = visit;
	const key = visit.form.get('key') ?? visit.query.get('key') ?? '';
	const account = await accountOfReset(people, key);
	const body =
		account === undefined
			? html`<section><h1>${words.newPassword}</h1>${errorBox(words, [words.resetEnded])}<p><a href="/account/forgot">${words.forgotTitle}</a></p></section>`
			: html`<section>
<h1>${words.newPassword}</h1>
<p>${words.newPasswordFor(account.username)}</p>
${errorBox(words, errors)}
<form method="post" action="/account/new-password">
${hidden('key', key)}${hiddenUsername(account.username)}
${newPasswordFields(people, words, errors.length > 0)}
<button class="full">${words.savePassword}</button>
</form></section>`;
	const status = account === undefined ? 404 : errors.length > 0 ? 422 : 200;
	return pageReply({ language, title: words.newPassword, body, status, headers: visit.headers });
}

/** `POST /account/new-password` */
export async function takeNewPassword(people: People, visit: Visit): Promise<Reply> {
	try {
		await resetPassword(people, visit.form.get('key') ?? '', nextPassword(visit));
		return seeOther('/account/sign-in');
	} catch (error) {
		return newPasswordPage(people, visit, explained(visit.words, error).errors);
	}
}

/** `POST /account/passkey-options`: what the script hands to the browser. */
export async function passkeyOptions(people: People, { form, session, visitor }: Visit): Promise<Reply> {
	const purpose = form.get('purpose');
	let options: object;
	if (purpose === 'add' && session?.stage === 'done') options = await registrationOptions(people, session.account);
	else if (purpose === 'second-factor' && session?.stage === 'second-factor')
		options = await authenticationOptions(people, session.account);
	else if (purpose === 'sign-in') {
		await countTry(people, { username: `passkey ${visitor.address}`, address: visitor.address });
		options = await authenticationOptions(people, undefined);
	} else throw new Problem('invalid', 'passkey-purpose', 'This is no time for a passkey.');
	return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(options) };
}

/** What the browser's passkey said; undefined for what is no JSON. */
export function jsonOf(text: string | null): unknown {
	try {
		return JSON.parse(text ?? '');
	} catch {
		return undefined;
	}
}

/** What went wrong, in the words of the page; anything that is not to be expected is thrown on. */
export function explained(words: SignInWords, error: unknown): { readonly errors: readonly string[]; readonly status: number } {
	if (!(error instanceof Problem)) throw error;
	const status = error.kind === 'invalid' ? 422 : error.status;
	if (error.code === 'password-weak') return { status, errors: error.issues.map(({ code }) => words[code as 'too-short'] ?? error.text) };
	const said: Readonly<Record<string, string>> = {
		'sign-in-wrong': words.signInWrong,
		'too-many-tries': words.tooManyTries,
		'sign-in-busy': words.busy,
		'password-expired': words.passwordExpired,
		'passkey-refused': words.passkeyRefused,
		'code-wrong': words.codeWrong,
		'password-differs': words.notTheSame,
		'reset-ended': words.resetEnded,
		'reason-short': words.breakGlassReasonShort,
	};
	const text = said[error.code];
	if (text === undefined) throw error;
	return { errors: [text], status };
}
