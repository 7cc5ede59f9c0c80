// The tree of categories that documents are filed under. What is below comes with Heron; an installation that stores the CodeSystem
// `document-category` has its own tree, with a property `loinc` for what documents of a category are (https://loinc.org/document-ontology/).
import { codeSystemUrl } from '#clinic/names.ts';
import type { FhirCtx } from '#fhir/ctx.ts';

export type Category = {
	readonly code: string;
	readonly name: string;
	/** LOINC code of the documents in it. */
	readonly loinc?: string;
	readonly parent?: string;
};

export const categorySystem = codeSystemUrl('document-category');

/** What clients may call the root of the tree, which holds no documents. */
const root = 'Categories';

type Branch = readonly [name: string, loinc?: string, ...below: (Branch | string)[]];

const tree: readonly (Branch | string)[] = [
	['Lab Report', '11502-2'],
	['Medical Record', '11503-0'],
	['Patient Information', '', 'Patient ID card', 'Patient Photograph'],
	[
		'Advance Directive',
		'42348-3',
		['Do Not Resuscitate Order', '84095-9'],
		['Durable Power of Attorney', '64298-3'],
		['Living Will', '86533-7'],
	],
	'CCR',
	['CCD', '34133-9'],
	'CCDA',
	[
		'Eye Module',
		'',
		'Communication - Eye',
		'Encounters - Eye',
		[
			'Imaging - Eye',
			'',
			'OCT - Eye',
			'FA/ICG - Eye',
			'External Photos - Eye',
			'AntSeg Photos - Eye',
			'Optic Disc - Eye',
			'Fundus - Eye',
			'Radiology - Eye',
			'VF - Eye',
			'Drawings - Eye',
		],
		'AntSeg Laser - Eye',
		'Retina Laser - Eye',
		'Injections - Eye',
	],
	['Onsite Portal', '', 'Patient', 'Reviewed'],
	'FHIR Export Document',
	'Invoices',
	['Insurance card', '64290-0'],
	['Consent', '59284-0'],
	['Referral letter', '57133-1'],
	['Imaging report', '18748-4'],
	'Outside records',
	'Correspondence',
	'Prior authorization',
	['Prescription', '57833-6'],
];

/** The categories that come with Heron. */
export const usualCategories: readonly Category[] = tree.flatMap((branch) => flatten(branch, undefined));

function flatten(branch: Branch | string, parent: string | undefined): Category[] {
	const [name, loinc = '', ...below] = typeof branch === 'string' ? ([branch] as Branch) : branch;
	const code = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
	const own = { code, name, ...(loinc === '' ? {} : { loinc }), ...(parent === undefined ? {} : { parent }) };
	return [own, ...below.flatMap((one) => flatten(one, code))];
}

/** The id of the CodeSystem that an installation stores to have categories of its own. */
export const categoriesId = 'document-category';

/** The categories of this installation. Whoever asks gets them all: they are rules, not data of patients. */
export async function readCategories(ctx: FhirCtx): Promise<readonly Category[]> {
	const stored = await ctx.fhir.store.read(ctx, 'CodeSystem', categoriesId);
	return stored === undefined || stored.op === 'D' ? usualCategories : categoriesOf(JSON.parse(stored.body));
}

type Concept = {
	readonly code?: string;
	readonly display?: string;
	readonly property?: readonly { readonly code?: string; readonly valueCode?: string; readonly valueString?: string }[];
	readonly concept?: readonly Concept[];
};

/** The categories of a CodeSystem. */
export function categoriesOf({ concept = [] }: { readonly concept?: readonly Concept[] }, parent?: string): Category[] {
	return concept.flatMap((one) => {
		if (one.code === undefined) return [];
		const loinc = one.property?.find(({ code }) => code === 'loinc');
		const is = loinc?.valueCode ?? loinc?.valueString;
		const own = {
			code: one.code,
			name: one.display ?? one.code,
			...(is === undefined ? {} : { loinc: is }),
			...(parent === undefined ? {} : { parent }),
		};
		return [own, ...categoriesOf(one, one.code)];
	});
}

/**
 * The category that a path such as `/Categories/Advance_Directive/Living Will` leads to; undefined when it leads nowhere. Each name must be
 * below the one before. Capitals, blanks, marks and a plural do not matter; the root may be left out.
 */
export function categoryAt(path: string, categories: readonly Category[]): Category | undefined {
	const names = path.split('/').filter((name) => plain(name) !== '');
	if (names[0] !== undefined && plain(names[0]) === plain(root) && names.length > 1) names.shift();
	let found: Category | undefined;
	for (const name of names) {
		const below = found?.code;
		const next = categories.find((one) => one.parent === below && (plain(one.name) === plain(name) || one.code === name));
		if (next === undefined) return undefined;
		found = next;
	}
	return found;
}

function plain(name: string): string {
	return name
		.normalize('NFKD')
		.toLowerCase()
		.replace(/[^\p{L}\p{N}]+/gu, '')
		.replace(/s$/, '');
}

/** The path of a category, from the root. */
export function pathOf(code: string, categories: readonly Category[]): string | undefined {
	const names: string[] = [];
	for (let at = categories.find((one) => one.code === code); at !== undefined && names.length < 20; ) {
		names.unshift(at.name.replaceAll('/', ' '));
		const { parent } = at;
		at = parent === undefined ? undefined : categories.find((one) => one.code === parent);
	}
	return names.length === 0 ? undefined : `/${root}/${names.join('/')}`;
}
