// The categories of appointments: what each is for, how long it takes, and whether others may lie beside it. Those below come with Heron;
// an installation that stores the CodeSystem `appointment-category` has its own, with the properties named in `categoryProperties`.
import { codeSystemUrl } from '#clinic/names.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';

/** patient: a visit; provider: what fills a provider's own time; clinic: what closes the place; group: a visit of several patients. */
export type Kind = 'patient' | 'provider' | 'clinic' | 'group';

/**
 * Whether a visit may share its time, provider or room with others. `refused`: with none; `same`: with those of the same category;
 * `allowed`: with any. Of what is no visit: `allowed` takes up no time at all (a provider is in the office), else visits keep clear of it.
 */
export type Overlap = 'refused' | 'same' | 'allowed';

export type Category = {
	/** OpenEMR's number, `pc_catid`. */
	readonly number: number;
	readonly code: string;
	readonly name: string;
	readonly minutes: number;
	readonly kind: Kind;
	readonly overlap: Overlap;
	readonly isAllDay?: true;
	/** No longer offered. */
	readonly isInactive?: true;
};

export const categorySystem = codeSystemUrl('appointment-category');

/** Names of the concept properties of a CodeSystem of categories. */
export const categoryProperties = ['number', 'minutes', 'kind', 'overlap', 'allDay', 'inactive'] as const;

const row = (number: number, code: string, name: string, minutes: number, kind: Kind, overlap: Overlap): Category => {
	return { number, code, name, minutes, kind, overlap };
};

/** The categories that come with Heron, with OpenEMR's numbers, codes, names and minutes. */
export const usualCategories: readonly Category[] = [
	row(1, 'no_show', 'No Show', 0, 'patient', 'allowed'),
	row(2, 'in_office', 'In Office', 0, 'provider', 'allowed'),
	row(3, 'out_of_office', 'Out Of Office', 0, 'provider', 'refused'),
	{ ...row(4, 'vacation', 'Vacation', 0, 'provider', 'refused'), isAllDay: true },
	row(5, 'office_visit', 'Office Visit', 15, 'patient', 'refused'),
	{ ...row(6, 'holidays', 'Holidays', 1440, 'clinic', 'refused'), isAllDay: true },
	{ ...row(7, 'closed', 'Closed', 1440, 'clinic', 'refused'), isAllDay: true },
	row(8, 'lunch', 'Lunch', 60, 'provider', 'refused'),
	row(9, 'established_patient', 'Established Patient', 15, 'patient', 'refused'),
	row(10, 'new_patient', 'New Patient', 30, 'patient', 'refused'),
	row(11, 'reserved', 'Reserved', 15, 'provider', 'refused'),
	row(12, 'health_and_behavioral_assessment', 'Health and Behavioral Assessment', 15, 'patient', 'refused'),
	row(13, 'preventive_care_services', 'Preventive Care Services', 15, 'patient', 'refused'),
	row(14, 'ophthalmological_services', 'Ophthalmological Services', 15, 'patient', 'refused'),
	row(15, 'group_therapy', 'Group Therapy', 60, 'group', 'same'),
];

/** The id of the CodeSystem that an installation stores to have categories of its own. */
export const categoriesId = 'appointment-category';

/** The categories of this installation. Whoever asks gets them all: they are rules, not data of patients. */
export async function readCategories(ctx: FhirCtx): Promise<readonly Category[]> {
	const stored = await ctx.fhir.store.read(ctx, 'CodeSystem', categoriesId);
	return stored === undefined || stored.op === 'D' ? usualCategories : categoriesOf(JSON.parse(stored.body));
}

/** Categories seldom change: for showing, those of an installation are looked up again after this time. */
const freshMs = 2000;

const known = new WeakMap<Fhir, { readonly until: number; readonly categories: Promise<readonly Category[]> }>();

/** The same for what is only shown: as they were a moment ago. */
export function knownCategories(ctx: FhirCtx): Promise<readonly Category[]> {
	const now = ctx.clock.now().getTime();
	const found = known.get(ctx.fhir);
	if (found !== undefined && found.until > now) return found.categories;
	const categories = readCategories(ctx);
	known.set(ctx.fhir, { until: now + freshMs, categories });
	categories.catch(() => known.delete(ctx.fhir));
	return categories;
}

type Property = { readonly code?: string; readonly [value: string]: unknown };
type Concept = {
	readonly code?: string;
	readonly display?: string;
	readonly property?: readonly Property[];
	readonly concept?: readonly Concept[];
};

/** The categories of a CodeSystem; what a concept does not say is as in the category of the same code that comes with Heron. */
export function categoriesOf({ concept = [] }: { readonly concept?: readonly Concept[] }): Category[] {
	return concept.flatMap((one) => [...(one.code === undefined ? [] : [categoryOf(one.code, one)]), ...categoriesOf(one)]);
}

function categoryOf(code: string, { display, property = [] }: Concept): Category {
	const usual = usualCategories.find((one) => one.code === code);
	const of = (name: (typeof categoryProperties)[number]): unknown => {
		const found = property.find((one) => one.code === name) ?? {};
		return Object.entries(found).find(([key]) => key.startsWith('value'))?.[1];
	};
	const isAllDay = of('allDay') ?? usual?.isAllDay === true;
	return {
		number: wholeOf(of('number')) ?? usual?.number ?? 0,
		code,
		name: display ?? usual?.name ?? code,
		minutes: wholeOf(of('minutes')) ?? usual?.minutes ?? 15,
		kind: (['patient', 'provider', 'clinic', 'group'] as const).find((kind) => kind === of('kind')) ?? usual?.kind ?? 'patient',
		overlap: (['refused', 'same', 'allowed'] as const).find((overlap) => overlap === of('overlap')) ?? usual?.overlap ?? 'refused',
		...(isAllDay === true ? { isAllDay: true as const } : {}),
		...(of('inactive') === true ? { isInactive: true as const } : {}),
	};
}

function wholeOf(value: unknown): number | undefined {
	return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}
