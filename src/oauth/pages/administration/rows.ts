// The pages for administrators by method and path below /account/administration.
import type { Reply } from '#http/route.ts';
import { seeOther } from '#oauth/pages/page.ts';
import { applicationsPage, emergenciesPage, takeApplication, takeEmergencyEnd } from './applications.ts';
import { type Desk, root } from './frame.ts';
import { rolePage, rolesPage, takeNewRole, takeRole, takeRoleReset } from './roles.ts';
import { takeDoor, takeNewUser, takeProxy, takeUserApps, takeUserChange, takeUserSessions, userPage, usersPage } from './users.ts';

export const administrationRows: readonly (readonly ['GET' | 'POST', string, (desk: Desk) => Promise<Reply>])[] = [
	['GET', '', async () => seeOther(`${root}/users`)],
	['GET', '/users', (desk) => usersPage(desk)],
	['POST', '/users', takeNewUser],
	['GET', '/users/:id', (desk) => userPage(desk)],
	['POST', '/users/:id', takeUserChange],
	['POST', '/users/:id/door', takeDoor],
	['POST', '/users/:id/proxy', takeProxy],
	['POST', '/users/:id/sessions', takeUserSessions],
	['POST', '/users/:id/apps', takeUserApps],
	['GET', '/roles', (desk) => rolesPage(desk)],
	['POST', '/roles', takeNewRole],
	['GET', '/roles/:id', (desk) => rolePage(desk)],
	['POST', '/roles/:id', takeRole],
	['POST', '/roles/:id/reset', takeRoleReset],
	['GET', '/applications', (desk) => applicationsPage(desk)],
	['POST', '/applications/:id', takeApplication],
	['GET', '/emergencies', (desk) => emergenciesPage(desk)],
	['POST', '/emergencies', takeEmergencyEnd],
];
