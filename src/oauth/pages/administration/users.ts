// Accounts: found, added, changed, opened and shut, each with its roles, proxies, sessions and applications.
import { listRoles, requireRoles } from '#access/roles.ts';
import { Problem } from '#base/problem.ts';
import type { AdministrationWords } from '#contract/words/administration.ts';
import type { Reply } from '#http/route.ts';
import { type Account, addAccount, addProxy, changeAccount, findAccount, pageOfAccounts, removeProxy } from '#oauth/accounts/account.ts';
import { unlock } from '#oauth/accounts/attempts.ts';
import { makeResetLink, setRandomPassword } from '#oauth/accounts/credentials.ts';
import { detailNames, isFlag } from '#oauth/accounts/details.ts';
import { clearSecondFactors } from '#oauth/accounts/second-factor.ts';
import { act, browserOf, timeOf } from '#oauth/pages/account.ts';
import { field, type Html, hidden, html } from '#oauth/pages/page.ts';
import { listSessions, signOut, signOutEverywhere } from '#oauth/sessions/sessions.ts';
import { administrationPage, type Desk, notFound, root, type Shown, tried } from './frame.ts';

const shownAtOnce = 50;

/** `GET …/users?search=…&after=…` */
export async function usersPage(desk: Desk, shown: Shown = {}): Promise<Reply> {
	const { visit, words } = desk;
	const search = (visit.query.get('search') ?? '').slice(0, 100);
	const found = await pageOfAccounts(visit.people, { search, after: visit.query.get('after') ?? '', count: shownAtOnce + 1 });
	const accounts = found.slice(0, shownAtOnce);
	const last = found.length > shownAtOnce ? accounts.at(-1) : undefined;
	const first = html`<form method="get" action="${root}/users">
${field({ name: 'search', label: words.search, value: search, optional: true })}<button class="plain">${words.find}</button></form>
${accounts.length === 0 && html`<p class="quiet">${words.none}</p>`}
<ul class="rows">${accounts.map((account) => userRow(words, account))}</ul>
${last !== undefined && html`<p><a class="button plain" href="${root}/users?${new URLSearchParams({ search, after: last.username }).toString()}">${words.more}</a></p>`}`;
	return administrationPage(desk, { title: words.users, first, more: await addForm(desk), self: `${root}/users` }, shown);
}

function userRow(words: AdministrationWords, account: Account): Html {
	const { id, username, name, active, kind, roles, fhirUser } = account;
	const facts = [
		kind === 'patient' ? words.kindPatient : roles.join(', ') || words.noRole,
		...(fhirUser === undefined ? [] : [fhirUser]),
		...(active ? [] : [words.disabled]),
	];
	return html`<li><div><strong>${username}</strong> ${name}<br><span class="quiet">${facts.join(' · ')}</span></div>
<a class="button plain" href="${root}/users/${id}" aria-label="${words.open}: ${username}">${words.open}</a></li>`;
}

async function addForm({ visit, session, words }: Desk): Promise<Html> {
	return html`<section aria-labelledby="add"><h2 id="add">${words.add}</h2>
<form method="post" action="${root}/users">${hidden('token', session.formToken)}
<div class="field"><label for="kind">${words.kind}</label><select id="kind" name="kind"><option value="user">${words.kindUser}</option><option value="patient">${words.kindPatient}</option></select></div>
${field({ name: 'username', label: words.username })}
${field({ name: 'name', label: words.name })}
${field({ name: 'email', label: words.email, type: 'email', optional: true })}
${field({ name: 'fhirUser', label: words.standsFor, optional: true })}
${await roleBoxes(visit.people, words, [])}
<button>${words.addButton}</button></form></section>`;
}

async function roleBoxes(people: Desk['visit']['people'], words: AdministrationWords, held: readonly string[]): Promise<Html> {
	const roles = await listRoles(people.db);
	return html`<fieldset><legend>${words.roles}</legend>${roles.map(
		({ name, title }) =>
			html`<div class="choice"><label><input type="checkbox" name="role" value="${name}"${held.includes(name) && html` checked`}> <span>${title} <code>${name}</code></span></label></div>`,
	)}</fieldset>`;
}

/** `POST …/users`: shows the password for the first sign-in. */
export async function takeNewUser(desk: Desk): Promise<Reply> {
	const { visit, words } = desk;
	const { form, people } = visit;
	return tried(
		(shown) => usersPage(desk, shown),
		async () => {
			const kind = form.get('kind') === 'patient' ? 'patient' : 'user';
			const roles = form.getAll('role');
			await requireRoles(people.db, roles);
			const account = await addAccount(people, {
				kind,
				username: (form.get('username') ?? '').trim(),
				name: (form.get('name') ?? '').trim(),
				email: form.get('email')?.trim() || undefined,
				fhirUser: form.get('fhirUser')?.trim() || undefined,
				roles: kind === 'user' ? roles : [],
			});
			return secret(words.firstPassword, `${account.username}: ${await setRandomPassword(people, account)}`);
		},
	);
}

function secret(what: string, text: string): Shown {
	return { extra: html`<div class="notice" role="status"><p>${what}</p><p><code>${text}</code></p></div>` };
}

/** `GET …/users/:id` */
export async function userPage(desk: Desk, shown: Shown = {}): Promise<Reply> {
	const { visit, words, id } = desk;
	const account = await findAccount(visit.people, id);
	if (account === undefined) throw notFound();
	const first = html`<p class="quiet">${account.kind === 'user' ? words.kindUser : words.kindPatient} · ${account.active ? words.enabled : words.disabled}${(account.hasTotp || account.passkeys > 0) && ` · ${words.secondOn}`}</p>
${await changeForm(desk, account)}`;
	const parts = [
		doorsSection(desk, account),
		account.kind === 'patient' && proxiesSection(desk, account),
		await sessionsSection(desk, account),
		await appsSection(desk, account),
	];
	return administrationPage(desk, { title: account.name, first, more: html`${parts}`, self: `${root}/users/${id}` }, shown);
}

async function changeForm({ visit, session, words, id }: Desk, account: Account): Promise<Html> {
	const details = account.details as Readonly<Record<string, unknown>>;
	const inputs = detailNames.map((name) => {
		const value = details[name];
		if (isFlag(name)) {
			const options = (['', 'yes', 'no'] as const).map((one) => {
				const isChosen = (value === undefined ? '' : value === true ? 'yes' : 'no') === one;
				return html`<option value="${one}"${isChosen && html` selected`}>${one === '' ? '—' : words[one]}</option>`;
			});
			return html`<div class="field"><label for="d-${name}">${labelOf(words, name)}</label><select id="d-${name}" name="d-${name}">${options}</select></div>`;
		}
		const text = Array.isArray(value) ? value.join(' ') : String(value ?? '');
		const hint = name === 'facilities' ? { hint: words.facilitiesHint } : {};
		return field({ name: `d-${name}`, label: labelOf(words, name), value: text, optional: true, ...hint });
	});
	return html`<form method="post" action="${root}/users/${id}">${hidden('token', session.formToken)}
${field({ name: 'name', label: words.name, value: account.name })}
${field({ name: 'email', label: words.email, type: 'email', value: account.email, optional: true })}
${field({ name: 'fhirUser', label: words.standsFor, value: account.fhirUser, optional: true })}
${account.kind === 'user' && (await roleBoxes(visit.people, words, account.roles))}
${account.kind === 'user' && html`<details><summary>${words.details}</summary><div class="fields">${inputs}</div></details>`}
<button>${words.save}</button></form>`;
}

function labelOf(words: AdministrationWords, name: string): string {
	return (words.detail as Readonly<Record<string, string>>)[name] ?? name;
}

function doorsSection({ session, words, id }: Desk, account: Account): Html {
	const button = (does: string, label: string, look: 'plain' | 'danger' = 'plain'): Html =>
		html`<li><div>${label}</div>${act(session, `${root}/users/${id}/door`, label, { fields: { does }, look })}</li>`;
	return html`<section aria-labelledby="doors"><h2 id="doors">${account.username}</h2><ul class="rows">
${account.active ? button('disable', words.disable, 'danger') : button('enable', words.enable)}
${button('reset', words.reset)}
${button('unlock', words.unlock)}
${(account.hasTotp || account.passkeys > 0) && button('clear-second', words.clearSecond, 'danger')}
</ul></section>`;
}

function proxiesSection({ session, words, id }: Desk, { proxies }: Account): Html {
	return html`<section aria-labelledby="proxies"><h2 id="proxies">${words.proxies}</h2><ul class="rows">${proxies.map(
		({ patient, relatedPerson, expiresAt }) => html`<li><div>Patient/${patient}<br>
<span class="quiet">RelatedPerson/${relatedPerson}${expiresAt !== undefined && ` · ${words.until} ${expiresAt.toISOString().slice(0, 10)}`}</span></div>
${act(session, `${root}/users/${id}/proxy`, words.end, { fields: { end: patient }, look: 'danger', about: `Patient/${patient}` })}</li>`,
	)}</ul>
<form method="post" action="${root}/users/${id}/proxy">${hidden('token', session.formToken)}
${field({ name: 'patient', label: words.proxyPatient })}${field({ name: 'relatedPerson', label: words.proxyWhy })}
${field({ name: 'until', label: words.proxyUntil, optional: true })}<button class="plain">${words.addButton}</button></form></section>`;
}

async function sessionsSection({ visit, session, words, id }: Desk, account: Account): Promise<Html> {
	const rows = await listSessions(visit.people, account.id);
	return html`<section aria-labelledby="sessions"><h2 id="sessions">${words.sessions}</h2>
${rows.length === 0 && html`<p class="quiet">${words.none}</p>`}
<ul class="rows">${rows.map(
		(
			row,
		) => html`<li><div>${browserOf(row.agent)}<br><span class="quiet">${row.address} · ${words.lastUsed} ${timeOf(row.seenAt, visit.language)}</span></div>
${act(session, `${root}/users/${id}/sessions`, words.end, { fields: { end: row.id }, look: 'danger', about: `${browserOf(row.agent)}, ${row.address}` })}</li>`,
	)}</ul>${rows.length > 0 && act(session, `${root}/users/${id}/sessions`, words.signOut, { fields: { end: 'all' } })}</section>`;
}

async function appsSection({ visit, session, words, id, apps }: Desk, account: Account): Promise<Html> {
	const grants = await apps.list(account.id);
	return html`<section aria-labelledby="apps"><h2 id="apps">${words.apps}</h2>
${grants.length === 0 && html`<p class="quiet">${words.none}</p>`}
<ul class="rows">${grants.map(
		(
			one,
		) => html`<li><div><strong>${one.client}</strong>${one.since !== undefined && html` <span class="quiet">${words.since} ${timeOf(one.since, visit.language)}</span>`}<br>
<span class="quiet">${one.scopes.join(' ')}</span></div>
${act(session, `${root}/users/${id}/apps`, words.end, { fields: { end: one.id }, look: 'danger', about: one.client })}</li>`,
	)}</ul></section>`;
}

/** What was asked of an account that there is. */
async function onUser(desk: Desk, work: (account: Account) => Promise<Shown>): Promise<Reply> {
	const account = await findAccount(desk.visit.people, desk.id);
	if (account === undefined) throw notFound();
	return tried(
		(shown) => userPage(desk, shown),
		() => work(account),
	);
}

/** `POST …/users/:id` */
export function takeUserChange(desk: Desk): Promise<Reply> {
	const { form, people } = desk.visit;
	const text = (name: string): string | null => form.get(name)?.trim() || null;
	return onUser(desk, async (account) => {
		const roles = form.getAll('role');
		await requireRoles(people.db, roles);
		if (account.id === desk.session.account.id && account.roles.includes('administrator') && !roles.includes('administrator'))
			throw new Problem('invalid', 'own-role', 'Another administrator has to take this role from you.');
		const details = Object.fromEntries(detailNames.flatMap((name) => (form.has(`d-${name}`) ? [[name, text(`d-${name}`)]] : [])));
		const common = { name: text('name') ?? '', email: text('email'), fhirUser: text('fhirUser') };
		await changeAccount(people, account.id, account.kind === 'user' ? { ...common, roles, details } : common);
		return { notice: desk.words.saved };
	});
}

/** `POST …/users/:id/door` */
export function takeDoor(desk: Desk): Promise<Reply> {
	const { people, form } = desk.visit;
	const { words } = desk;
	return onUser(desk, async (account) => {
		switch (form.get('does')) {
			case 'disable':
				if (account.id === desk.session.account.id) throw new Problem('invalid', 'own-account', 'You cannot shut your own account.');
				await changeAccount(people, account.id, { active: false });
				await signOutEverywhere(people, account);
				await desk.apps.endAll(account.id, people.actor);
				return { notice: words.saved };
			case 'enable':
				await changeAccount(people, account.id, { active: true });
				return { notice: words.saved };
			case 'reset':
				if (!account.active) throw new Problem('invalid', 'account-disabled', `${account.username} is disabled.`);
				await unlock(people, account);
				return secret(words.resetLink, await makeResetLink(people, account));
			case 'unlock':
				await unlock(people, account);
				return { notice: words.saved };
			case 'clear-second':
				await clearSecondFactors(people, account);
				return { notice: words.saved };
			default:
				throw notFound();
		}
	});
}

/** `POST …/users/:id/proxy` */
export function takeProxy(desk: Desk): Promise<Reply> {
	const { people, form } = desk.visit;
	return onUser(desk, async (account) => {
		const ended = form.get('end');
		if (ended !== null) {
			if (!(await removeProxy(people, account, ended))) throw notFound();
			return { notice: desk.words.saved };
		}
		const until = form.get('until')?.trim() ?? '';
		const expiresAt = until === '' ? undefined : new Date(`${until}T23:59:59Z`);
		if (expiresAt !== undefined && (!/^\d{4}-\d\d-\d\d$/.test(until) || Number.isNaN(expiresAt.getTime())))
			throw new Problem('invalid', 'until-wrong', 'This is not a date such as 2030-12-31.');
		const [patient, relatedPerson] = [form.get('patient')?.trim() ?? '', form.get('relatedPerson')?.trim() ?? ''];
		await addProxy(people, account, { patient, relatedPerson, expiresAt });
		return { notice: desk.words.saved };
	});
}

/** `POST …/users/:id/sessions` */
export function takeUserSessions(desk: Desk): Promise<Reply> {
	const { people, form } = desk.visit;
	const end = form.get('end') ?? '';
	return onUser(desk, async (account) => {
		if (end === 'all') await signOutEverywhere(people, account, desk.session.id);
		else if (!(await signOut(people, account.id, end))) throw notFound();
		return { notice: desk.words.saved };
	});
}

/** `POST …/users/:id/apps` */
export function takeUserApps(desk: Desk): Promise<Reply> {
	return onUser(desk, async (account) => {
		if (!(await desk.apps.end(account.id, desk.visit.form.get('end') ?? '', desk.visit.people.actor))) throw notFound();
		return { notice: desk.words.saved };
	});
}
