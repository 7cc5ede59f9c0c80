// Roles as data: what each lets its people do, compiled to grants on FHIR types that policy.ts combines with an app's scopes.
import { Problem } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { type Apart, everything, type Grant, type Interaction } from './ctx.ts';
import {
	clinicalTypes,
	commonTypes,
	encounterParams,
	interactionsAt,
	rights as known,
	type Level,
	type PlaceParams,
	patientEnters,
	patientTypes,
	placeParams,
	type RightLevel,
	type Rights,
	resultTypes,
} from './rights.ts';

export type Role = { readonly name: string; readonly title: string; readonly rights: Rights };

function role(name: string, title: string, levels: Partial<Record<Level, string>>): Role {
	const entries = Object.entries(levels).flatMap(([level, words]) => words.split(/\s+/).map((right) => [right, level as Level] as const));
	return { name, title, rights: Object.fromEntries(entries) };
}

const allRights: Rights = Object.fromEntries(Object.keys(known).map((name) => [name, 'write']));
const acct = 'acct.bill acct.disc acct.eob acct.rep acct.rep_a';
const clinicalEntries =
	'patients.demo patients.docs patients.notes patients.trans patients.reminder patients.alert patients.disclosure patients.rx patients.amendment patients.lab';

/** The roles that come with Heron: OpenEMR's six with their usual rights, and five that practices kept asking for. */
export const builtInRoles: readonly Role[] = [
	{ name: 'administrator', title: 'Administrators', rights: allRights },
	role('physician', 'Physicians', {
		write: `acct.disc acct.rep admin.drugs encounters.auth encounters.auth_a encounters.coding encounters.coding_a encounters.notes encounters.notes_a
			encounters.date_a encounters.relaxed patients.appt patients.med patients.sign ${clinicalEntries} sensitivities.normal sensitivities.high
			groups.gcalendar groups.glog emergency.access`,
		view: 'patients.pat_rep',
	}),
	role('clinician', 'Clinicians', {
		write: 'admin.drugs encounters.auth encounters.coding patients.appt patients.med groups.gcalendar groups.glog emergency.access',
		add: `encounters.notes encounters.relaxed ${clinicalEntries} sensitivities.normal`,
		view: 'patients.pat_rep',
	}),
	role('front-office', 'Front Office', {
		write: 'patients.appt patients.demo groups.gcalendar',
		add: 'patients.docs patients.notes',
		view: 'patients.alert',
	}),
	role('accounting', 'Accounting', {
		write: `${acct} admin.practice admin.superbill encounters.auth_a encounters.coding_a encounters.date_a patients.appt patients.demo`,
		view: 'patients.alert',
	}),
	{ name: 'emergency', title: 'Emergency Login', rights: allRights },
	role('nurse', 'Nurses', {
		write: 'patients.appt patients.med encounters.notes groups.gcalendar groups.glog emergency.access',
		add: `encounters.auth encounters.relaxed ${clinicalEntries} sensitivities.normal`,
		view: 'encounters.notes_a patients.pat_rep',
	}),
	role('biller', 'Billers', {
		write: 'acct.bill acct.eob acct.rep encounters.coding_a',
		change: 'patients.demo',
		view: 'patients.appt patients.alert patients.docs patients.med',
	}),
	role('lab', 'Laboratory', {
		write: 'patients.lab',
		add: 'patients.docs patients.notes',
		view: 'patients.demo patients.alert sensitivities.normal',
	}),
	role('auditor', 'Auditors', { view: 'audit.log acct.rep acct.rep_a patients.disclosure admin.users' }),
	role('portal-manager', 'Portal managers', {
		write: 'patientportal.portal patients.notes patients.appt',
		change: 'patients.demo',
		add: 'patients.docs',
		view: 'patients.alert',
	}),
];

/** Whose rights they are. */
export type Person = {
	/** e.g. "Practitioner/1": whose own work is. */
	readonly fhirUser?: string | undefined;
	/** `Organization/…` and `Location/…` the person is kept to; none for everywhere. */
	readonly facilities?: readonly string[] | undefined;
};

/** The level that roles give for a right: the highest, or none when any of them denies it. */
export function levelOf(roles: readonly Role[], right: string): Level | undefined {
	const given = roles.flatMap(({ rights }) => rights[right] ?? []);
	if (given.includes('deny')) return undefined;
	return (['write', 'change', 'add', 'view'] as const).find((level) => given.includes(level));
}

/** Whether the roles give at least this level of a right; `admin.super` gives all that is not denied. */
export function may(roles: readonly Role[], right: string, level: Level = 'view'): boolean {
	const denied = roles.some(({ rights }) => rights[right] === 'deny');
	const given = levelOf(roles, right);
	const order: readonly Level[] = ['view', 'add', 'change', 'write'];
	return (given !== undefined && order.indexOf(given) >= order.indexOf(level)) || (!denied && levelOf(roles, 'admin.super') === 'write');
}

const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const restricted = ['R', 'V'].map((code) => `${confidentiality}|${code}`).join(',');

/**
 * What is out of reach without `sensitivities.high`: what is marked restricted, what hangs on an encounter that is, and what tells who wrote
 * such things.
 */
function sensitive(type: string): string[] {
	if (type === 'Provenance') return [...clinicalTypes].flatMap((of) => sensitive(of).map((query) => `target:${of}.${query}`));
	if (!clinicalTypes.has(type)) return [];
	const encounter = encounterParams.get(type);
	return [`_security=${restricted}`, ...(encounter === undefined ? [] : [`${encounter}:Encounter._security=${restricted}`])];
}

/**
 * The grants of a person with these roles. Who may see anything of patients may see that they are there; who has any role may look up people,
 * places and terms. What is marked restricted (security label R or V), and what hangs on an encounter that is, is left out without
 * `sensitivities.high`; what belongs to other facilities, itself or by its encounter, is left out for who is kept to some, and what tells
 * who wrote it. The audit tells of all facilities, so it is not for them.
 */
export function roleGrants(person: Person, roles: readonly Role[]): Grant[] {
	const denied = new Set(Object.keys(known).filter((right) => roles.some(({ rights }) => rights[right] === 'deny')));
	const seesAll = may(roles, 'sensitivities.high');
	if (levelOf(roles, 'admin.super') === 'write' && denied.size === 0 && !person.facilities?.length) return [...everything];
	const plain = new Map<string, Set<Interaction>>();
	const own = new Map<string, Set<Interaction>>();
	const add = (to: typeof plain, type: string, interactions: readonly Interaction[], query = ''): void => {
		const key = `${type} ${query}`;
		to.set(key, new Set([...(to.get(key) ?? []), ...interactions]));
	};
	const facilities = person.facilities ?? [];
	for (const [name, right] of Object.entries(known)) {
		if (name === 'audit.log' && facilities.length > 0) continue;
		const level = may(roles, name, 'write') ? 'write' : levelOf(roles, name);
		if (level === undefined) continue;
		const allowed = interactionsAt[level].filter((interaction) => !(right.keeps && interaction === 'delete'));
		for (const type of right.types) {
			if (right.own === undefined) add(plain, type, allowed);
			else {
				const mine: readonly Interaction[] = allowed.filter((interaction) => interaction === 'update' || interaction === 'delete');
				add(
					plain,
					type,
					allowed.filter((interaction) => !mine.includes(interaction)),
				);
				const param = right.own[type];
				if (mine.length > 0 && param !== undefined && person.fhirUser !== undefined) add(own, type, mine, `${param}=${person.fhirUser}`);
			}
		}
		for (const [type, query] of Object.entries(right.part ?? {})) add(plain, type, allowed, query);
		if (/^(patients|encounters|acct)\./.test(name)) add(plain, 'Patient', interactionsAt.view);
	}
	if (roles.length > 0) for (const type of commonTypes) add(plain, type, interactionsAt.view);
	return [...plain, ...own].flatMap(([key, interactions]) => {
		const [type = '', query = ''] = key.split(' ');
		const hidden = seesAll ? [] : sensitive(type);
		const apart = type === 'Provenance' && facilities.length > 0 ? { apart: provenanceOfElsewhere(facilities) } : {};
		const without = { ...(hidden.length === 0 ? {} : { except: hidden }), ...apart };
		return product([[query], ownPlaces(type, facilities), placesByEncounter(type, facilities)]).map(
			(criteria): Grant => ({ type, interactions: [...interactions], ...(criteria === '' ? {} : { query: criteria }), ...without }),
		);
	});
}

/** Every way to take one of each, joined. */
function product(choices: readonly (readonly string[])[]): string[] {
	return choices.reduce<string[]>(
		(taken, some) => taken.flatMap((before) => some.map((one) => [before, one].filter((part) => part !== '').join('&'))),
		[''],
	);
}

/** The searches that find what is at these places by `organization` and `location`. */
function placesBy(organization: string, location: string | undefined, facilities: readonly string[]): string[] {
	const [organizations, locations] = ['Organization/', 'Location/'].map((begin) =>
		facilities.filter((one) => one.startsWith(begin)).join(','),
	);
	return [
		...(organizations === '' ? [] : [`${organization}=${organizations}`]),
		...(locations === '' || location === undefined ? [] : [`${location}=${locations}`]),
	];
}

/** The searches for what is itself at the facilities; one empty one where they do not matter. */
function ownPlaces(type: string, facilities: readonly string[]): string[] {
	const params = placeParams[type];
	if (params === undefined || facilities.length === 0) return [''];
	const { organization, location, always } = params;
	const named = [organization, location].flatMap((param) =>
		param === undefined ? [] : [`${param.split(/[.:]/)[0] as string}:missing=true`],
	);
	return [...placesBy(organization, location, facilities), ...(always ? [] : [[...new Set(named)].join('&')])];
}

/** The searches for what hangs on no encounter, or on one at the facilities; one empty one where they do not matter. */
function placesByEncounter(type: string, facilities: readonly string[]): string[] {
	const param = encounterParams.get(type);
	if (param === undefined || facilities.length === 0) return [''];
	const { organization, location } = placeParams.Encounter as PlaceParams;
	return [`${param}:missing=true`, ...placesBy(`${param}:Encounter.${organization}`, `${param}:Encounter.${location}`, facilities)];
}

/** What is at other facilities, by each type that can be: who wrote it is not to be known of either. */
function provenanceOfElsewhere(facilities: readonly string[]): Apart {
	const types = [...new Set([...Object.keys(placeParams), ...encounterParams.keys()])];
	const here = (type: string): string[] => product([ownPlaces(type, facilities), placesByEncounter(type, facilities)]);
	return { param: 'target', types: Object.fromEntries(types.map((type) => [type, here(type)])) };
}

/** The tag of a result that is held back from the patient: `meta.tag` with this system and the code `withheld`. */
export const releaseSystem = 'urn:heron:release';

const withheld = `${releaseSystem}|withheld`;

function releasedStatus(resultType: string): string {
	return `final,amended,corrected${resultType === 'DiagnosticReport' ? ',appended' : ''}`;
}

/** What is held back is not to be known of by who wrote it either. */
const provenanceOfHeldBack: readonly string[] = [
	...[...resultTypes].map((type) => `target:${type}.status:not=${releasedStatus(type)}`),
	...[...clinicalTypes].map((type) => `target:${type}._tag=${withheld}`),
];

/** The grants of who sees these patients' records as a patient: their own compartment, and results when they are final and not held back. */
export function patientGrants(patients: readonly string[]): Grant[] {
	return patients.flatMap((patient) =>
		patientTypes.map((type): Grant => {
			const interactions = patientEnters.includes(type) ? interactionsAt.add : interactionsAt.view;
			const queries = [
				...(resultTypes.has(type) ? [`status=${releasedStatus(type)}`] : []),
				...(clinicalTypes.has(type) ? [`_tag:not=${withheld}`] : []),
			];
			if (type === 'Provenance') return { type, interactions, patient, except: provenanceOfHeldBack };
			// Devices are in no compartment (https://hl7.org/fhir/R4/compartmentdefinition-patient.html); they name their patient all the same.
			if (type === 'Device') return { type, interactions, query: [`patient=Patient/${patient}`, ...queries].join('&') };
			return { type, interactions, patient, ...(queries.length === 0 ? {} : { query: queries.join('&') }) };
		}),
	);
}

/** What patients may look up, as everybody: who treats them and where, and what things are called. */
export const patientLookUps: readonly Grant[] = commonTypes.map((type) => ({ type, interactions: interactionsAt.view }));

/** All roles: those that come with Heron, as the installation changed them, and its own. */
export async function listRoles(db: Pick<Querier, 'query'>): Promise<Role[]> {
	const changed = await db.query<Role>(sql`SELECT name, title, rights FROM access.role ORDER BY name`);
	const names = new Set(changed.map(({ name }) => name));
	return [...builtInRoles.filter(({ name }) => !names.has(name)), ...changed];
}

/** The roles of these names; a name that is none gives nothing. */
export async function findRoles(db: Pick<Querier, 'query'>, names: readonly string[]): Promise<Role[]> {
	return names.length === 0 ? [] : (await listRoles(db)).filter(({ name }) => names.includes(name));
}

/** Throws Problem invalid `no-such-role`, naming those that there are. */
export async function requireRoles(db: Pick<Querier, 'query'>, names: readonly string[]): Promise<void> {
	const all = (await listRoles(db)).map(({ name }) => name);
	const unknown = names.find((name) => !all.includes(name));
	if (unknown !== undefined)
		throw new Problem('invalid', 'no-such-role', `There is no role "${unknown.slice(0, 60)}"; there are ${all.join(', ')}.`);
}

/** Adds a role or changes one. Throws Problem invalid `role-wrong`. */
export async function saveRole(db: Querier, { name, title, rights }: Role, now: Date): Promise<void> {
	if (!/^[a-z][a-z0-9-]{1,39}$/.test(name)) throw wrong('a role’s name has 2 to 40 small letters, digits and hyphens');
	if (title.trim() === '' || title.length > 100) throw wrong('its title has 1 to 100 characters');
	const levels: readonly RightLevel[] = ['view', 'add', 'change', 'write', 'deny'];
	for (const [right, level] of Object.entries(rights)) {
		if (!Object.hasOwn(known, right)) throw wrong(`"${right.slice(0, 60)}" is not a right`);
		if (!levels.includes(level)) throw wrong(`the level of a right is one of ${levels.join(', ')}`);
	}
	if (name === 'administrator' && rights['admin.super'] !== 'write') throw wrong('administrators keep admin.super');
	await db.execute(sql`
		INSERT INTO access.role (name, title, rights, updated_at) VALUES (${name}, ${title}, ${JSON.stringify(rights)}, ${now})
		ON CONFLICT (name) DO UPDATE SET title = excluded.title, rights = excluded.rights, updated_at = excluded.updated_at`);
}

/** Removes a role of one's own, or makes one of Heron's as it came; false when there was nothing to remove. */
export async function removeRole(db: Querier, name: string): Promise<boolean> {
	return (await db.execute(sql`DELETE FROM access.role WHERE name = ${name}`)) > 0;
}

function wrong(why: string): Problem {
	return new Problem('invalid', 'role-wrong', `This role cannot be: ${why}.`);
}
