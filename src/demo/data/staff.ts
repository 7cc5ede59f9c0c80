// Who works at the demo clinic and where. Everybody is made up.
import type { Coded } from '#demo/fhir.ts';

export type FacilityRow = {
	readonly key: string;
	readonly name: string;
	readonly line: string;
	readonly city: string;
	readonly zip: string;
	readonly kind: Coded;
};

/** The clinic's three places; each is an organization of its own below the practice, and a location. */
export const facilityRows: readonly FacilityRow[] = [
	{
		key: 'downtown',
		name: 'Lakeside Family Health, Downtown',
		line: '418 East Juneau Avenue',
		city: 'Milwaukee',
		zip: '53202',
		kind: ['FMC', 'Family medicine clinic'],
	},
	{
		key: 'northshore',
		name: 'Lakeside Family Health, North Shore',
		line: '2205 East Capitol Drive',
		city: 'Shorewood',
		zip: '53211',
		kind: ['GIM', 'General internal medicine clinic'],
	},
	{
		key: 'children',
		name: 'Lakeside Children and Women',
		line: '7610 West State Street',
		city: 'Wauwatosa',
		zip: '53213',
		kind: ['PEDC', 'Pediatrics clinic'],
	},
];

export type Care = 'adult' | 'child' | 'women' | 'heart' | 'mind' | 'nurse' | 'lab' | 'none';

export type StaffRow = {
	readonly username: string;
	readonly role: string;
	readonly family: string;
	readonly given: string;
	readonly prefix?: string;
	readonly suffix?: string;
	readonly sex: 'female' | 'male';
	readonly title: string;
	/** Whom they look after. */
	readonly care: Care;
	readonly facility: string;
	/** SNOMED CT, as in a care team. */
	readonly job: Coded;
	/** NUCC health care provider taxonomy. */
	readonly specialty?: Coded;
};

const clerk: Coded = ['159483005', 'Clerical worker'];

export const staffRows: readonly StaffRow[] = [
	{
		username: 'okafor',
		role: 'physician',
		family: 'Okafor',
		given: 'Amara',
		prefix: 'Dr.',
		suffix: 'MD',
		sex: 'female',
		title: 'Family physician',
		care: 'adult',
		facility: 'downtown',
		job: ['59058001', 'General physician'],
		specialty: ['207Q00000X', 'Family Medicine Physician'],
	},
	{
		username: 'rosenthal',
		role: 'physician',
		family: 'Rosenthal',
		given: 'Daniel',
		prefix: 'Dr.',
		suffix: 'MD',
		sex: 'male',
		title: 'Internist',
		care: 'adult',
		facility: 'northshore',
		job: ['59058001', 'General physician'],
		specialty: ['207R00000X', 'Internal Medicine Physician'],
	},
	{
		username: 'chen',
		role: 'physician',
		family: 'Chen',
		given: 'Mei-Ling',
		prefix: 'Dr.',
		suffix: 'MD',
		sex: 'female',
		title: 'Pediatrician',
		care: 'child',
		facility: 'children',
		job: ['82296001', 'Pediatrician'],
		specialty: ['208000000X', 'Pediatrics Physician'],
	},
	{
		username: 'ramirez',
		role: 'physician',
		family: 'Ramirez',
		given: 'Sofia',
		prefix: 'Dr.',
		suffix: 'MD',
		sex: 'female',
		title: 'Obstetrician and gynecologist',
		care: 'women',
		facility: 'children',
		job: ['11935004', 'Obstetrician'],
		specialty: ['207V00000X', 'Obstetrics & Gynecology Physician'],
	},
	{
		username: 'patel',
		role: 'physician',
		family: 'Patel',
		given: 'Rajesh',
		prefix: 'Dr.',
		suffix: 'MD',
		sex: 'male',
		title: 'Cardiologist',
		care: 'heart',
		facility: 'northshore',
		job: ['17561000', 'Cardiologist'],
		specialty: ['207RC0000X', 'Cardiovascular Disease Physician'],
	},
	{
		username: 'lindqvist',
		role: 'clinician',
		family: 'Lindqvist',
		given: 'Grace',
		suffix: 'FNP',
		sex: 'female',
		title: 'Family nurse practitioner',
		care: 'adult',
		facility: 'downtown',
		job: ['224571005', 'Nurse practitioner'],
		specialty: ['363LF0000X', 'Family Nurse Practitioner'],
	},
	{
		username: 'webb',
		role: 'clinician',
		family: 'Webb',
		given: 'Marcus',
		suffix: 'LCSW',
		sex: 'male',
		title: 'Clinical social worker',
		care: 'mind',
		facility: 'downtown',
		job: ['106328005', 'Social worker'],
		specialty: ['1041C0700X', 'Clinical Social Worker'],
	},
	{
		username: 'kowalski',
		role: 'nurse',
		family: 'Kowalski',
		given: 'Hannah',
		suffix: 'RN',
		sex: 'female',
		title: 'Registered nurse',
		care: 'nurse',
		facility: 'downtown',
		job: ['224535009', 'Registered nurse'],
		specialty: ['163W00000X', 'Registered Nurse'],
	},
	{
		username: 'ortega',
		role: 'nurse',
		family: 'Ortega',
		given: 'Luis',
		suffix: 'RN',
		sex: 'male',
		title: 'Registered nurse',
		care: 'nurse',
		facility: 'children',
		job: ['224535009', 'Registered nurse'],
		specialty: ['163W00000X', 'Registered Nurse'],
	},
	{
		username: 'shah',
		role: 'lab',
		family: 'Shah',
		given: 'Priya',
		suffix: 'MLS',
		sex: 'female',
		title: 'Laboratory scientist',
		care: 'lab',
		facility: 'northshore',
		job: ['159282002', 'Laboratory technician'],
		specialty: ['246QM0706X', 'Medical Technologist'],
	},
	{
		username: 'carter',
		role: 'front-office',
		family: 'Carter',
		given: 'Denise',
		sex: 'female',
		title: 'Front desk',
		care: 'none',
		facility: 'downtown',
		job: clerk,
	},
	{
		username: 'nguyen',
		role: 'biller',
		family: 'Nguyen',
		given: 'Tom',
		sex: 'male',
		title: 'Billing',
		care: 'none',
		facility: 'northshore',
		job: clerk,
	},
	{
		username: 'brandt',
		role: 'accounting',
		family: 'Brandt',
		given: 'Walter',
		sex: 'male',
		title: 'Accounting',
		care: 'none',
		facility: 'northshore',
		job: clerk,
	},
	{
		username: 'oneill',
		role: 'administrator',
		family: "O'Neill",
		given: 'Karen',
		sex: 'female',
		title: 'Practice administrator',
		care: 'none',
		facility: 'downtown',
		job: clerk,
	},
	{
		username: 'edwards',
		role: 'portal-manager',
		family: 'Edwards',
		given: 'Jamal',
		sex: 'male',
		title: 'Patient portal',
		care: 'none',
		facility: 'downtown',
		job: clerk,
	},
	{
		username: 'solheim',
		role: 'auditor',
		family: 'Solheim',
		given: 'Ingrid',
		sex: 'female',
		title: 'Compliance',
		care: 'none',
		facility: 'northshore',
		job: clerk,
	},
	{
		username: 'emergency',
		role: 'emergency',
		family: 'Standby',
		given: 'Morgan',
		sex: 'female',
		title: 'Emergency login',
		care: 'none',
		facility: 'downtown',
		job: clerk,
	},
];

export type PayerRow = {
	readonly key: string;
	readonly name: string;
	readonly naic: string;
	/** Source of Payment Typology of the National Association of Health Data Organizations. */
	readonly type: Coded;
	readonly plans: readonly string[];
};

export const payerRows: readonly PayerRow[] = [
	{
		key: 'medicare',
		name: 'Medicare Administrative Contractor, Region 6',
		naic: '10101',
		type: ['1', 'MEDICARE'],
		plans: ['Original Medicare'],
	},
	{ key: 'medicaid', name: 'BadgerCare Plus', naic: '20202', type: ['2', 'MEDICAID'], plans: ['Standard Plan'] },
	{
		key: 'evergreen',
		name: 'Evergreen Health Plan',
		naic: '30303',
		type: ['512', 'Commercial Managed Care - PPO'],
		plans: ['Choice Gold', 'Choice Silver'],
	},
	{
		key: 'summit',
		name: 'Summit Mutual Insurance',
		naic: '40404',
		type: ['511', 'Commercial Managed Care - HMO'],
		plans: ['Core HMO', 'Plus HMO'],
	},
];
