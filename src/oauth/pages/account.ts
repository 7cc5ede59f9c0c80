// One's own account: password, second step, passkeys, sessions, apps, emergency access.

import { activeBreakGlass } from '#access/break-glass.ts';
import { may } from '#access/roles.ts';
import { Problem } from '#base/problem.ts';
import { administrationWords } from '#contract/words/administration.ts';
import type { SignInWords } from '#contract/words/words.ts';
import type { Reply } from '#http/route.ts';
import { findAccount } from '#oauth/accounts/account.ts';
import { addPasskey, listPasskeys, type Passkey, removePasskey } from '#oauth/accounts/passkeys.ts';
import type { People } from '#oauth/accounts/people.ts';
import { endEmergencyAccess, isChiefAdministrator, rolesOf, takeEmergencyAccess } from '#oauth/accounts/rights.ts';
import {
	beginTotp,
	clearSecondFactors,
	confirmTotp,
	type Enrolment,
	pendingTotp,
	recoveryCodesLeft,
	renewRecoveryCodes,
} from '#oauth/accounts/second-factor.ts';
import { changePassword, checkPassword } from '#oauth/accounts/sign-in.ts';
import type { AppGrant, AppGrants } from '#oauth/sessions/app-grants.ts';
import { listSessions, type Session, type SessionRow, signOut, signOutEverywhere } from '#oauth/sessions/sessions.ts';
import { errorBox, field, type Html, hidden, html, noticeBox, pageReply, seeOther } from './page.ts';
import { qrImage } from './qr.ts';
import { explained, hiddenUsername, jsonOf, newPasswordFields, nextPassword } from './sign-in.ts';
import { setSession, type Visit } from './visit.ts';

type Act = { readonly fields?: Readonly<Record<string, string>>; readonly look?: 'plain' | 'danger'; readonly about?: string };

/** A form with one button that does one thing; `about` says to which of several, for those who hear the page. */
export function act(session: Session, action: string, label: string, { fields = {}, look = 'plain', about }: Act = {}): Html {
	const inputs = Object.entries(fields).map(([name, value]) => hidden(name, value));
	return html`<form method="post" action="${action}">${hidden('token', session.formToken)}${inputs}<button class="${look}"${about !== undefined && html` aria-label="${label}: ${about}"`}>${label}</button></form>`;
}

type Shown = {
	readonly errors?: readonly string[];
	readonly notice?: string | undefined;
	readonly status?: number;
	readonly extra?: Html | undefined;
};

/** `GET /account` */
export async function accountPage(
	people: People,
	apps: AppGrants | undefined,
	visit: Visit,
	session: Session,
	shown: Shown = {},
): Promise<Reply> {
	const { words, language } = visit;
	const { account } = session;
	const [passkeys, left, sessions, grants, emergency, administers] = await Promise.all([
		listPasskeys(people, account.id),
		recoveryCodesLeft(people, account.id),
		listSessions(people, account.id),
		apps === undefined ? Promise.resolve([]) : apps.list(account.id),
		emergencySection(people, visit, session),
		isChiefAdministrator(people, account),
	]);
	const notice = shown.notice ?? (visit.query.get('done') === 'password' ? words.passwordChanged : undefined);
	const body = html`<section>
<h1>${words.account}</h1>
<p>${words.signedInAs(account.name, account.username)}</p>
${errorBox(words, shown.errors ?? [])}${notice !== undefined && noticeBox(notice)}${shown.extra}
</section>
${security(words, session, passkeys, left)}
${sessionsSection(words, session, sessions, language)}
${apps !== undefined && appsSection(words, session, grants, language)}
${emergency}
${administers && administrationSection(visit)}`;
	const corner = act(session, '/account/sign-out', words.signOut);
	const status = shown.status ?? 200;
	return pageReply({
		language,
		title: words.account,
		body,
		status,
		wide: true,
		usesPasskeys: true,
		corner,
		self: '/account',
		headers: visit.headers,
	});
}

function security(words: SignInWords, session: Session, passkeys: readonly Passkey[], left: number): Html {
	const { account } = session;
	const hasSecond = account.hasTotp || passkeys.length > 0;
	return html`<section aria-labelledby="security"><h2 id="security">${words.security}</h2>
<ul class="rows">
<li><div>${words.password}</div><a class="button plain" href="/account/change-password">${words.changePassword}</a></li>
<li><div>${words.app}<br><span class="quiet">${account.hasTotp ? words.appOn : words.appOff}</span></div>
${act(session, '/account/authenticator', account.hasTotp ? words.replaceApp : words.setUpApp)}</li>
${
	account.hasTotp &&
	html`<li><div>${words.recoveryCodes}<br><span class="quiet">${words.recoveryLeft(left)}</span></div>${act(session, '/account/recovery-codes', words.recoveryNew)}</li>`
}
</ul>
<h3>${words.passkeys}</h3>
${passkeys.length === 0 && html`<p class="quiet">${words.noPasskeys}</p>`}
<ul class="rows">${passkeys.map(
		({ id, name }) =>
			html`<li><div>${name}</div>${act(session, '/account/passkeys/remove', words.remove, { fields: { id }, look: 'danger', about: name })}</li>`,
	)}</ul>
<form method="post" action="/account/passkeys" data-passkey="add" hidden>
${hidden('token', session.formToken)}${hidden('response', '')}
<div class="error" role="alert" data-failed hidden><p>${words.passkeyRefused}</p></div>
${field({ name: 'name', label: words.passkeyName })}
<button class="plain">${words.addPasskey}</button>
</form>
<noscript><p class="quiet">${words.passkeyNeedsScript}</p></noscript>
${
	hasSecond &&
	html`<details><summary>${words.removeSecond}</summary>
<form method="post" action="/account/second-factor/remove">
${hidden('token', session.formToken)}${hiddenUsername(account.username)}
${field({ name: 'present', label: words.presentPassword, type: 'password', autocomplete: 'current-password', hint: words.removeSecondHint })}
<button class="danger">${words.removeSecond}</button>
</form></details>`
}
</section>`;
}

function sessionsSection(words: SignInWords, session: Session, sessions: readonly SessionRow[], language: string): Html {
	return html`<section aria-labelledby="sessions"><h2 id="sessions">${words.sessions}</h2>
<ul class="rows">${sessions.map(
		(row) => html`<li><div>${row.id === session.id ? html`<strong>${words.thisBrowser}</strong>` : browserOf(row.agent)}<br>
<span class="quiet">${row.address} · ${words.lastUsed} ${timeOf(row.seenAt, language)}</span></div>
${row.id !== session.id && act(session, '/account/sessions/end', words.end, { fields: { id: row.id }, look: 'danger', about: `${browserOf(row.agent)}, ${row.address}` })}</li>`,
	)}</ul>
${sessions.length > 1 && act(session, '/account/sessions/end', words.signOutEverywhere, { fields: { id: 'others' } })}
</section>`;
}

function appsSection(words: SignInWords, session: Session, grants: readonly AppGrant[], language: string): Html {
	return html`<section aria-labelledby="apps"><h2 id="apps">${words.apps}</h2>
${grants.length === 0 && html`<p class="quiet">${words.noApps}</p>`}
<ul class="rows">${grants.map(
		({
			id,
			client,
			scopes,
			since,
		}) => html`<li><div><strong>${client}</strong>${since !== undefined && html` <span class="quiet">${words.since} ${timeOf(since, language)}</span>`}<br>
<span class="quiet">${scopes.join(' ')}</span></div>${act(session, '/account/apps/end', words.endAccess, { fields: { id }, look: 'danger', about: client })}</li>`,
	)}</ul></section>`;
}

async function emergencySection(people: People, { words, language }: Visit, session: Session): Promise<Html | undefined> {
	const { account } = session;
	if (!may(await rolesOf(people, account), 'emergency.access')) return undefined;
	const glass = await activeBreakGlass(people, account.id);
	const inner =
		glass === undefined
			? html`<p>${words.breakGlassIntro}</p>
<details><summary>${words.breakGlassBegin}</summary><form method="post" action="/account/emergency">
${hidden('token', session.formToken)}
<div class="field"><label for="reason">${words.breakGlassReason}</label>
<textarea id="reason" name="reason" rows="3" minlength="10" maxlength="2000" required></textarea></div>
<button class="danger">${words.breakGlassBegin}</button></form></details>`
			: html`<p role="status"><strong>${words.breakGlassUntil} ${timeOf(glass.until, language)}</strong><br>${glass.reason}</p>
${act(session, '/account/emergency/end', words.breakGlassEnd)}`;
	return html`<section aria-labelledby="emergency"><h2 id="emergency">${words.breakGlass}</h2>${inner}</section>`;
}

function administrationSection({ language }: Visit): Html {
	const { administration } = administrationWords[language];
	return html`<section aria-labelledby="administration"><h2 id="administration">${administration}</h2>
<p><a class="button plain" href="/account/administration/users">${administration}</a></p></section>`;
}

const emergencyMinutes = 60;

/** `POST /account/emergency` */
export async function takeEmergency(people: People, apps: AppGrants | undefined, visit: Visit, session: Session): Promise<Reply> {
	try {
		await takeEmergencyAccess(people, session.account, { reason: visit.form.get('reason') ?? '', minutes: emergencyMinutes });
		return seeOther('/account');
	} catch (error) {
		const { errors, status } = explained(visit.words, error);
		return accountPage(people, apps, visit, session, { errors, status });
	}
}

/** `POST /account/emergency/end` */
export async function takeEndEmergency(people: People, session: Session): Promise<Reply> {
	await endEmergencyAccess(people, session.account);
	return seeOther('/account');
}

/** A time as people of the language write it; in UTC, for the server does not know theirs. */
export function timeOf(date: Date, language: string): Html {
	const text = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(date);
	return html`<time datetime="${date.toISOString()}">${text} UTC</time>`;
}

/** The browser's family and system out of its long name, as far as they are known; else the beginning of it. */
export function browserOf(agent: string): string {
	const family = /(Edg|OPR|Firefox|Chrome|CriOS|FxiOS|Safari)\//.exec(agent)?.[1];
	const system = /(Windows|Android|iPhone|iPad|Macintosh|CrOS|Linux)/.exec(agent)?.[1];
	const names: Readonly<Record<string, string>> = {
		Edg: 'Edge',
		OPR: 'Opera',
		CriOS: 'Chrome',
		FxiOS: 'Firefox',
		Macintosh: 'macOS',
		CrOS: 'ChromeOS',
	};
	const parts = [family, system].filter((part) => part !== undefined).map((part) => names[part] ?? part);
	return parts.length > 0 ? parts.join(', ') : agent.slice(0, 60) || '?';
}

/** `GET /account/change-password` of who is signed in */
export function changePasswordPage(people: People, visit: Visit, session: Session, errors: readonly string[] = [], status = 200): Reply {
	const { words, language } = visit;
	const body = html`<section><h1>${words.changePassword}</h1>
${errorBox(words, errors)}
<form method="post" action="/account/change-password">
${hidden('token', session.formToken)}${hiddenUsername(session.account.username)}
${field({ name: 'present', label: words.presentPassword, type: 'password', autocomplete: 'current-password', invalid: errors.length > 0 })}
${newPasswordFields(people, words, errors.length > 0)}
<button class="full">${words.savePassword}</button>
</form>
<p class="after"><a href="/account">${words.cancel}</a></p></section>`;
	return pageReply({ language, title: words.changePassword, body, status, self: '/account/change-password', headers: visit.headers });
}

/** `POST /account/change-password` of who is signed in */
export async function takeChangePassword(people: People, visit: Visit, session: Session): Promise<Reply> {
	try {
		const given = { present: visit.form.get('present') ?? '', next: nextPassword(visit) };
		await changePassword(people, session, given, visit.visitor);
		return seeOther('/account?done=password');
	} catch (error) {
		const { errors, status } = explained({ ...visit.words, signInWrong: visit.words.presentWrong }, error);
		return changePasswordPage(people, visit, session, errors, status === 401 ? 422 : status);
	}
}

/** `POST /account/authenticator`: without a code a new key is made and shown, with one it is confirmed. */
export async function takeAuthenticator(people: People, apps: AppGrants | undefined, visit: Visit, session: Session): Promise<Reply> {
	const code = visit.form.get('code');
	if (code === null) return enrolPage(visit, session, await beginTotp(people, session.account, session.id));
	try {
		const codes = await confirmTotp(people, session.account, session.id, code);
		return accountPage(people, apps, visit, await renewed(people, session), { extra: codeList(visit.words, codes) });
	} catch (error) {
		const pending = await pendingTotp(people, session.account, session.id);
		if (pending === undefined) throw error;
		return enrolPage(visit, session, pending, explained(visit.words, error).errors);
	}
}

/** The session with the account as it is now. */
async function renewed(people: People, session: Session): Promise<Session> {
	return { ...session, account: (await findAccount(people, session.account.id)) ?? session.account };
}

function enrolPage(visit: Visit, session: Session, { uri, secret }: Enrolment, errors: readonly string[] = []): Reply {
	const { words, language } = visit;
	const body = html`<section><h1>${words.setUpApp}</h1>
${errorBox(words, errors)}
<p>${words.setUpIntro}</p>
${qrImage(uri, words.qrCode)}
<p><a class="button plain full" href="${uri}">${words.appLink}</a></p>
<p>${words.key}: <code>${secret.replaceAll(/.{4}(?=.)/g, '$& ')}</code></p>
<form method="post" action="/account/authenticator">
${hidden('token', session.formToken)}
${field({ name: 'code', label: words.code, autocomplete: 'one-time-code', numeric: true, invalid: errors.length > 0, focus: true })}
<button class="full">${words.continue}</button>
</form>
<p class="after"><a href="/account">${words.cancel}</a></p></section>`;
	return pageReply({ language, title: words.setUpApp, body, status: errors.length > 0 ? 422 : 200, headers: visit.headers });
}

function codeList(words: SignInWords, codes: readonly string[]): Html {
	return html`<div class="notice" role="status"><p><strong>${words.recoveryCodes}</strong></p><p>${words.recoveryShown}</p></div>
<ul class="codes">${codes.map((code) => html`<li>${code}</li>`)}</ul>`;
}

/** `POST /account/recovery-codes` */
export async function takeRecoveryCodes(people: People, apps: AppGrants | undefined, visit: Visit, session: Session): Promise<Reply> {
	const codes = await renewRecoveryCodes(people, session.account);
	return accountPage(people, apps, visit, session, { extra: codeList(visit.words, codes) });
}

/** `POST /account/second-factor/remove`: whoever sits at an open browser does not know the password. */
export async function takeRemoveSecondFactor(people: People, apps: AppGrants | undefined, visit: Visit, session: Session): Promise<Reply> {
	const { username } = session.account;
	try {
		await checkPassword(people, { username, password: visit.form.get('present') ?? '', address: visit.visitor.address });
		await clearSecondFactors(people, session.account);
		return seeOther('/account');
	} catch (error) {
		const { errors } = explained({ ...visit.words, signInWrong: visit.words.presentWrong }, error);
		return accountPage(people, apps, visit, session, { errors, status: 422 });
	}
}

/** `POST /account/passkeys` */
export async function takePasskey(people: People, apps: AppGrants | undefined, visit: Visit, session: Session): Promise<Reply> {
	try {
		await addPasskey(people, session.account, jsonOf(visit.form.get('response')), visit.form.get('name') ?? '');
		return seeOther('/account');
	} catch (error) {
		const { errors, status } = explained(visit.words, error);
		return accountPage(people, apps, visit, session, { errors, status });
	}
}

/** `POST /account/passkeys/remove` */
export async function takeRemovePasskey(people: People, { form }: Visit, session: Session): Promise<Reply> {
	await removePasskey(people, session.account, form.get('id') ?? '');
	return seeOther('/account');
}

/** `POST /account/sessions/end`: one of one's own, or all but this one. */
export async function takeEndSession(people: People, { form }: Visit, session: Session): Promise<Reply> {
	const id = form.get('id') ?? '';
	if (id === 'others') await signOutEverywhere(people, session.account, session.id);
	else await signOut(people, session.account.id, id);
	return seeOther('/account');
}

/** `POST /account/apps/end` */
export async function takeEndApp(apps: AppGrants | undefined, { form, people }: Visit, session: Session): Promise<Reply> {
	if (!(await apps?.end(session.account.id, form.get('id') ?? '', people.actor)))
		throw new Problem('not-found', 'no-such-app', 'This app has no access.');
	return seeOther('/account');
}

/** `POST /account/sign-out` */
export async function takeSignOut(people: People, session: Session): Promise<Reply> {
	await signOut(people, session.account.id, session.id);
	return seeOther('/account/signed-out', setSession(people, undefined));
}

/** `GET /account/signed-out` */
export function signedOutPage({ words, language, headers }: Visit): Reply {
	const body = html`<section><h1>${words.signedOut}</h1><p>${words.signedOutText}</p>
<p><a class="button plain" href="/account/sign-in">${words.signInAgain}</a></p></section>`;
	return pageReply({ language, title: words.signedOut, body, self: '/account/signed-out', headers });
}

/** `GET /account/all-sessions`: all of everybody's, for administrators. */
export async function allSessionsPage(people: People, visit: Visit, session: Session): Promise<Reply> {
	const { words, language } = visit;
	const rows = await listSessions(people);
	const body = html`<section><h1>${words.allSessions}</h1>
<ul class="rows">${rows.map(
		(row) => html`<li><div><strong>${row.username}</strong> ${row.id === session.id ? words.thisBrowser : browserOf(row.agent)}<br>
<span class="quiet">${row.address} · ${words.since} ${timeOf(row.createdAt, language)} · ${words.lastUsed} ${timeOf(row.seenAt, language)}</span></div>
${act(session, '/account/all-sessions/end', words.end, {
	fields: { id: row.id, account: row.account },
	look: 'danger',
	about: `${row.username}, ${row.address}`,
})}</li>`,
	)}</ul></section>`;
	return pageReply({ language, title: words.allSessions, body, wide: true, self: '/account/all-sessions', headers: visit.headers });
}

/** `POST /account/all-sessions/end` */
export async function takeEndAnySession(people: People, { form }: Visit): Promise<Reply> {
	await signOut(people, form.get('account') ?? '', form.get('id') ?? '');
	return seeOther('/account/all-sessions');
}
