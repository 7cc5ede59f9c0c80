// Applications that registered: which wait, which are let in, shut out, trusted, removed. And emergency access that was taken.
import { listBreakGlass } from '#access/break-glass.ts';
import type { Reply } from '#http/route.ts';
import { findAccount, listAccounts } from '#oauth/accounts/account.ts';
import { endEmergencyAccess } from '#oauth/accounts/rights.ts';
import type { ClientRow } from '#oauth/clients/clients.ts';
import { act, timeOf } from '#oauth/pages/account.ts';
import { type Html, html } from '#oauth/pages/page.ts';
import { administrationPage, type Desk, notFound, root, type Shown, tried } from './frame.ts';

const shownAtOnce = 50;

/** `GET …/applications?waiting=1&after=…` */
export async function applicationsPage(desk: Desk, shown: Shown = {}): Promise<Reply> {
	const { visit, words } = desk;
	const waiting = visit.query.get('waiting') === '1';
	const found = await desk.clients.page({ waiting, after: visit.query.get('after') ?? undefined, count: shownAtOnce + 1 });
	const clients = found.slice(0, shownAtOnce);
	const last = found.length > shownAtOnce ? clients.at(-1) : undefined;
	const next = new URLSearchParams({ ...(waiting ? { waiting: '1' } : {}), after: last?.id ?? '' });
	const first = html`<p>${waiting ? html`<a class="button plain" href="${root}/applications">${words.all}</a>` : html`<a class="button plain" href="${root}/applications?waiting=1">${words.onlyWaiting}</a>`}</p>
${clients.length === 0 && html`<p class="quiet">${words.none}</p>`}
<ul class="rows">${clients.map((client) => row(desk, client))}</ul>
${last !== undefined && html`<p><a class="button plain" href="${root}/applications?${next.toString()}">${words.more}</a></p>`}`;
	return administrationPage(desk, { title: words.applications, first, self: `${root}/applications` }, shown);
}

function row({ session, words, visit }: Desk, client: ClientRow): Html {
	const { id, name, enabled, trusted, isPublic, scopes, redirectUris, createdAt } = client;
	const button = (does: string, label: string, look: 'plain' | 'danger' = 'plain'): Html =>
		act(session, `${root}/applications/${id}`, label, { fields: { does }, look, about: name });
	return html`<li><div><strong>${name}</strong> <code>${id}</code><br>
<span class="quiet">${enabled ? words.enabled : words.waits} · ${isPublic ? words.public : words.confidential}${trusted && ` · ${words.trusted}`} · ${words.registered} ${timeOf(createdAt, visit.language)}</span><br>
<span class="quiet">${words.goesTo} ${redirectUris.join(' ')}</span><br><span class="quiet">${words.scopes} ${scopes.join(' ')}</span></div>
${enabled ? button('disable', words.appDisable, 'danger') : button('enable', words.appEnable)}
${trusted ? button('distrust', words.appDistrust) : button('trust', words.appTrust)}
<details><summary>${words.appRemove}</summary>${button('remove', words.appRemove, 'danger')}</details></li>`;
}

/** `POST …/applications/:id` */
export function takeApplication(desk: Desk): Promise<Reply> {
	const { clients, id, visit } = desk;
	const by = visit.people.actor;
	const acts: Readonly<Record<string, () => Promise<boolean>>> = {
		enable: () => clients.setEnabled(id, true, by),
		disable: () => clients.setEnabled(id, false, by),
		trust: () => clients.setTrusted(id, true, by),
		distrust: () => clients.setTrusted(id, false, by),
		remove: async () => {
			const isThere = (await clients.find(id)) !== undefined;
			if (isThere) await clients.remove(id, by);
			return isThere;
		},
	};
	return tried(
		(shown) => applicationsPage(desk, shown),
		async () => {
			const does = visit.form.get('does') ?? '';
			if (!Object.hasOwn(acts, does) || !(await acts[does]?.())) throw notFound();
			return { notice: desk.words.saved };
		},
	);
}

/** `GET …/emergencies` */
export async function emergenciesPage(desk: Desk, shown: Shown = {}): Promise<Reply> {
	const { visit, words, session } = desk;
	const [taken, users] = await Promise.all([listBreakGlass(visit.people), listAccounts(visit.people, { kind: 'user' })]);
	const names = new Map(users.map(({ id, username }) => [id, username]));
	const now = visit.people.clock.now();
	const first = html`${taken.length === 0 && html`<p class="quiet">${words.none}</p>`}
<ul class="rows">${taken.slice(0, 200).map(
		(
			one,
		) => html`<li><div><strong>${names.get(one.account) ?? one.account}</strong> ${timeOf(one.beganAt, visit.language)} ${words.until} ${timeOf(one.endedAt ?? one.until, visit.language)}<br>
<span class="quiet">${words.reason}: ${one.reason}</span></div>
${one.endedAt === undefined && one.until > now && act(session, `${root}/emergencies`, words.end, { fields: { account: one.account }, look: 'danger', about: names.get(one.account) ?? one.account })}</li>`,
	)}</ul>`;
	return administrationPage(desk, { title: words.emergencies, first, self: `${root}/emergencies` }, shown);
}

/** `POST …/emergencies`: ends what an account has. */
export async function takeEmergencyEnd(desk: Desk): Promise<Reply> {
	const { people, form } = desk.visit;
	const account = await findAccount(people, form.get('account') ?? '');
	if (account === undefined) throw notFound();
	await endEmergencyAccess(people, account);
	return emergenciesPage(desk, { notice: desk.words.saved });
}
