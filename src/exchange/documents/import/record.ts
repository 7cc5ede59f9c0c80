// The few things that the import of documents asks of the record, always with the caller's own rights.
import assert from 'node:assert/strict';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Ask } from '#fhir/interactions/transaction.ts';
import { transaction } from '#fhir/interactions/transaction.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { search } from '#fhir/search/search.ts';
import { parseJson } from '#fhir/wire/json.ts';

export function resourceIn({ body }: { readonly body: string }): Resource {
	return parseJson(Buffer.from(body)) as Resource;
}

const maxPages = 20;

/** All that a search finds, page after page, up to 20 full pages. */
export async function findAll(ctx: FhirCtx, type: string, criteria: readonly (readonly [string, string])[]): Promise<Resource[]> {
	const first = [...criteria, ['_count', String(ctx.fhir.settings.maxCount)]].map(
		([name = '', value = '']) => [name, value] as [string, string],
	);
	let query: string | [string, string][] | undefined = first;
	const found: Resource[] = [];
	for (let page = 0; page < maxPages && query !== undefined; page += 1) {
		const { matches, links }: { matches: readonly Pick<Stored, 'body'>[]; links: { next?: string } } = await search(ctx, {
			type,
			query,
			handling: 'strict',
		});
		found.push(...matches.map(resourceIn));
		query = links.next === undefined ? undefined : new URL(links.next).search.slice(1);
	}
	return found;
}

/** An entry of a transaction. */
export type Step = {
	readonly fullUrl?: string;
	readonly resource: Resource;
	readonly request: { readonly method: 'POST' | 'PUT'; readonly url: string; readonly ifMatch?: string; readonly ifNoneExist?: string };
};

const asksNothing: Ask = () => assert.fail('no entry of it reads');

/** Writes all or nothing and gives the references of what was written, in order. */
export async function writeTogether(ctx: FhirCtx, steps: readonly Step[]): Promise<string[]> {
	const text = await transaction(ctx, { resourceType: 'Bundle', type: 'transaction', entry: steps }, {}, asksNothing);
	const { entry } = JSON.parse(text) as { entry: { response: { location?: string } }[] };
	return entry.map(({ response }, index) => {
		const { resource } = steps[index] as Step;
		return response.location?.replace(/\/_history\/.*$/, '') ?? `${resource.resourceType}/${resource.id}`;
	});
}
