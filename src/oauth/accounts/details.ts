// What a practice notes of a user beyond name and role, and the checks of the numbers that carry check digits.
import { Problem } from '#base/problem.ts';

/** Facilities are named as in FHIR: `Organization/…` or `Location/…`. */
export type UserDetails = {
	readonly givenName?: string;
	readonly middleName?: string;
	readonly familyName?: string;
	readonly suffix?: string;
	readonly job?: string;
	/** Sees patients and may be chosen as the provider of a visit. */
	readonly provider?: boolean;
	/** Has a column in the calendar. */
	readonly calendar?: boolean;
	/** May be written to from the patient portal. */
	readonly portal?: boolean;
	/** May enter orders (computerized provider order entry). */
	readonly cpoe?: boolean;
	readonly providerType?: string;
	readonly defaultFacility?: string;
	/** The facilities this user works at; none means all. */
	readonly facilities?: readonly string[];
	readonly billingFacility?: string;
	readonly warehouse?: string;
	/** `Practitioner/…` of the supervisor. */
	readonly supervisor?: string;
	readonly npi?: string;
	readonly dea?: string;
	readonly stateLicence?: string;
	readonly upin?: string;
	/** NUCC health care provider taxonomy code. */
	readonly taxonomy?: string;
	readonly taxId?: string;
	readonly menu?: string;
	readonly patientMenu?: string;
	readonly prescribingRole?: string;
	/** `en`, `es`: the language of pages and mail; else the browser's. */
	readonly language?: string;
};

type Check = (value: string) => boolean;

const short: Check = (value) => value.length <= 200;
const facility: Check = (value) => /^(Organization|Location)\/[A-Za-z0-9\-.]{1,64}$/.test(value);

const texts: Readonly<Record<string, Check>> = {
	givenName: short,
	middleName: short,
	familyName: short,
	suffix: short,
	job: short,
	providerType: short,
	warehouse: short,
	menu: short,
	patientMenu: short,
	prescribingRole: short,
	stateLicence: short,
	defaultFacility: facility,
	billingFacility: facility,
	supervisor: (value) => /^Practitioner\/[A-Za-z0-9\-.]{1,64}$/.test(value),
	npi: isNpi,
	dea: isDea,
	upin: (value) => /^[A-Z]\d{5}$/.test(value),
	taxonomy: (value) => /^[0-9A-Z]{9}X$/.test(value),
	taxId: (value) => /^(\d{2}-?\d{7}|\d{3}-?\d{2}-?\d{4})$/.test(value),
	language: (value) => value === 'en' || value === 'es',
};
const flags = new Set(['provider', 'calendar', 'portal', 'cpoe']);

/** The names of all details, as a form shows them. */
export const detailNames: readonly string[] = [...Object.keys(texts), 'facilities', ...flags];

/** Whether a detail is yes or no. */
export function isFlag(name: string): boolean {
	return flags.has(name);
}

/**
 * The details that `given` changes of `before`; a null or empty text removes one. Throws Problem invalid `user-detail-wrong` naming the
 * field that is none or whose value cannot be right.
 */
export function changedDetails(before: UserDetails, given: Readonly<Record<string, unknown>>): UserDetails {
	const after: Record<string, unknown> = { ...before };
	for (const [name, value] of Object.entries(given)) {
		if (!flags.has(name) && name !== 'facilities' && !Object.hasOwn(texts, name)) throw wrong(name, 'is not a detail of a user');
		if (value === null || value === '') delete after[name];
		else after[name] = checked(name, value);
	}
	return after as UserDetails;
}

function checked(name: string, value: unknown): unknown {
	if (flags.has(name)) {
		if (typeof value === 'boolean') return value;
		if (value === 'yes' || value === 'no') return value === 'yes';
		throw wrong(name, 'is yes or no');
	}
	if (name === 'facilities') {
		const list = typeof value === 'string' ? value.split(/[\s,]+/).filter((word) => word !== '') : value;
		if (Array.isArray(list) && list.every((one) => typeof one === 'string' && facility(one))) return list;
		throw wrong(name, 'is a list such as Organization/1 Location/2');
	}
	if (typeof value === 'string' && (texts[name] as Check)(value)) return value;
	throw wrong(name, `cannot be "${String(value).slice(0, 50)}"`);
}

function wrong(name: string, why: string): Problem {
	return new Problem('invalid', 'user-detail-wrong', `${name.slice(0, 50)} ${why}.`, { path: name });
}

/** National Provider Identifier: ten digits whose Luhn sum, with 80840 before them, is right (45 CFR 162.406). */
export function isNpi(value: string): boolean {
	if (!/^[12]\d{9}$/.test(value)) return false;
	const digits = [...`80840${value}`].map(Number).reverse();
	return digits.reduce((sum, digit, i) => sum + (i % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9), 0) % 10 === 0;
}

/** DEA registration: two letters (the second may be a 9), six digits and a check digit. */
export function isDea(value: string): boolean {
	if (!/^[A-Z][A-Z9]\d{7}$/.test(value)) return false;
	const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, check] = [...value.slice(2)].map(Number);
	return (a + c + e + 2 * (b + d + f)) % 10 === check;
}
