// The facilities of an installation, and which of them stands for the practice as a whole.
import type { FhirCtx } from './ctx.ts';
import type { Resource } from './resource.ts';
import { search } from './search/search.ts';

export type Extension = { readonly url: string; readonly valueBoolean?: boolean; readonly extension?: readonly Extension[] };

export type Facility = Resource & {
	readonly id: string;
	readonly meta: { readonly lastUpdated: string };
	readonly active?: boolean;
	readonly partOf?: { readonly reference?: string };
	readonly extension?: readonly Extension[];
};

const provider = 'http://terminology.hl7.org/CodeSystem/organization-type|prov';

/** The facilities that are not marked as inactive, by id; of more than a thousand the first thousand. */
export async function facilitiesOf(ctx: FhirCtx): Promise<Facility[]> {
	const query = [
		['type', provider],
		['_sort', '_id'],
		['_count', '1000'],
	] as const;
	const { matches } = await search(ctx, { type: 'Organization', query, handling: 'strict' });
	return matches.map(({ body }) => JSON.parse(body) as Facility).filter(({ active }) => active !== false);
}

/** The facility that is marked as the business's main one, else the only one that is part of no other. */
export function mainOf<One extends Facility>(facilities: readonly One[]): One | undefined {
	const marked = facilities.find((one) => isMarked(one, 'primary_business_entity'));
	if (marked !== undefined) return marked;
	const names = new Set(facilities.map(({ id }) => `Organization/${id}`));
	const [first, ...more] = facilities.filter(({ partOf }) => !names.has(partOf?.reference ?? ''));
	return more.length === 0 ? first : undefined;
}

/** Whether a facility has one of the flags that the Standard API gives it. */
export function isMarked({ extension }: Facility, flag: 'primary_business_entity' | 'service_location'): boolean {
	const url = `https://heron-ehr.org/fhir/StructureDefinition/openemr-facility-${flag}`;
	return extension?.some((one) => one.url === url && one.valueBoolean === true) === true;
}
