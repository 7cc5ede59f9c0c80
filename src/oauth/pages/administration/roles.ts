// Roles: which there are, and the rights of each.
import { rights as known, type RightLevel } from '#access/rights.ts';
import { findRoles, listRoles, type Role } from '#access/roles.ts';
import { Problem } from '#base/problem.ts';
import type { AdministrationWords } from '#contract/words/administration.ts';
import type { Reply } from '#http/route.ts';
import { changeRole, resetRole } from '#oauth/accounts/rights.ts';
import { act } from '#oauth/pages/account.ts';
import { field, type Html, hidden, html, seeOther } from '#oauth/pages/page.ts';
import { administrationPage, type Desk, notFound, root, type Shown, tried } from './frame.ts';

/** `GET …/roles` */
export async function rolesPage(desk: Desk, shown: Shown = {}): Promise<Reply> {
	const { visit, words, session } = desk;
	const roles = await listRoles(visit.people.db);
	const first = html`<ul class="rows">${roles.map(
		({ name, title }) =>
			html`<li><div><strong>${title}</strong> <code>${name}</code></div><a class="button plain" href="${root}/roles/${name}" aria-label="${words.open}: ${title}">${words.open}</a></li>`,
	)}</ul>`;
	const more = html`<section aria-labelledby="new"><h2 id="new">${words.newRole}</h2>
<form method="post" action="${root}/roles">${hidden('token', session.formToken)}
${field({ name: 'name', label: words.roleName })}${field({ name: 'title', label: words.roleTitle })}<button>${words.addButton}</button></form></section>`;
	return administrationPage(desk, { title: words.roles, first, more, self: `${root}/roles` }, shown);
}

/** `POST …/roles`: a new one without rights. */
export async function takeNewRole(desk: Desk): Promise<Reply> {
	const { people, form } = desk.visit;
	const name = form.get('name')?.trim() ?? '';
	try {
		if ((await findRoles(people.db, [name])).length > 0) throw new Problem('conflict', 'role-there', 'There is a role of this name.');
		await changeRole(people, { name, title: form.get('title')?.trim() ?? '', rights: {} });
	} catch (error) {
		return tried(
			(shown) => rolesPage(desk, shown),
			() => Promise.reject(error),
		);
	}
	return seeOther(`${root}/roles/${name}`);
}

const levels = ['none', 'view', 'add', 'change', 'write', 'deny'] as const;

/** `GET …/roles/:id` */
export async function rolePage(desk: Desk, shown: Shown = {}): Promise<Reply> {
	const { visit, words, session, id } = desk;
	const [role] = await findRoles(visit.people.db, [id]);
	if (role === undefined) throw notFound();
	const first = html`<form method="post" action="${root}/roles/${id}">${hidden('token', session.formToken)}
${field({ name: 'title', label: words.roleTitle, value: role.title })}
<table><thead><tr><th scope="col">${words.right}</th><th scope="col">${words.level}</th></tr></thead>
<tbody>${Object.keys(known).map((right) => levelRow(words, role, right))}</tbody></table>
<button>${words.save}</button></form>
${act(session, `${root}/roles/${id}/reset`, words.roleReset, { look: 'danger' })}`;
	return administrationPage(desk, { title: role.title, first, self: `${root}/roles/${id}` }, shown);
}

function levelRow(words: AdministrationWords, { rights }: Role, right: string): Html {
	const present = rights[right] ?? 'none';
	return html`<tr><th scope="row"><label for="r-${right}">${right}</label></th><td><select id="r-${right}" name="r-${right}">${levels.map(
		(level) => html`<option value="${level}"${level === present && html` selected`}>${words.levels[level]}</option>`,
	)}</select></td></tr>`;
}

/** `POST …/roles/:id` */
export async function takeRole(desk: Desk): Promise<Reply> {
	const { people, form } = desk.visit;
	const [before] = await findRoles(people.db, [desk.id]);
	if (before === undefined) throw notFound();
	return tried(
		(shown) => rolePage(desk, shown),
		async () => {
			const rights = Object.keys(known).flatMap((right) => {
				const level = form.get(`r-${right}`) ?? before.rights[right] ?? 'none';
				return level === 'none' ? [] : [[right, level as RightLevel] as const];
			});
			await changeRole(people, { name: before.name, title: form.get('title')?.trim() ?? before.title, rights: Object.fromEntries(rights) });
			return { notice: desk.words.saved };
		},
	);
}

/** `POST …/roles/:id/reset` */
export async function takeRoleReset(desk: Desk): Promise<Reply> {
	await resetRole(desk.visit.people, desk.id);
	const [left] = await findRoles(desk.visit.people.db, [desk.id]);
	return seeOther(left === undefined ? `${root}/roles` : `${root}/roles/${desk.id}`);
}
