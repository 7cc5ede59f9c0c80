// Where things happen. To people a facility is one thing; to FHIR it is an Organization that answers for it and a Location to be at.
// https://hl7.org/fhir/R4/location.html
import { everything } from '#access/ctx.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { create } from '#fhir/interactions/create.ts';
import { read } from '#fhir/interactions/read.ts';
import { search } from '#fhir/search/search.ts';

/** Ids of the Locations that an Organization answers for, the oldest first. */
export async function locationsOf(ctx: FhirCtx, organization: string): Promise<string[]> {
	const query = [
		['organization', `Organization/${organization}`],
		['_sort', '_id'],
		['_count', '100'],
	] as const;
	const { matches } = await search(ctx, { type: 'Location', query, handling: 'strict' });
	return matches.map(({ id }) => id);
}

/**
 * The Location at which what an Organization does takes place; it is made when there is none, whoever asks, since it says nothing that the
 * Organization does not. Throws Problem not-found when there is no such Organization for the caller.
 */
export async function locationFor(ctx: FhirCtx, organization: string): Promise<string> {
	const [found] = await locationsOf(ctx, organization);
	if (found !== undefined) return found;
	const { name } = JSON.parse((await read(ctx, 'Organization', organization)).body) as { name?: string };
	const managingOrganization = { reference: `Organization/${organization}`, ...(name === undefined ? {} : { display: name }) };
	const own = { ...ctx, caller: { ...ctx.caller, grants: everything } };
	const { stored } = await create(own, {
		type: 'Location',
		resource: { resourceType: 'Location', status: 'active', ...(name === undefined ? {} : { name }), managingOrganization },
		ifNoneExist: `organization=Organization/${organization}`,
	});
	return stored.id;
}
