// Who a caller is as the author of what it writes, and which organization that person works for.
import { type Caller, everything } from '#access/ctx.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { facilitiesOf, mainOf } from '#fhir/practice.ts';
import type { Resource } from '#fhir/resource.ts';
import { search } from '#fhir/search/search.ts';
import type { Activity, Author } from './draft.ts';
import { createTemplate, type Template } from './template.ts';

/** Where a practitioner works, as the Standard API and the demo write it: what they write is signed for it. */
export const worksAt = 'https://heron-ehr.org/fhir/StructureDefinition/openemr-practitioner-facility_id';

/** How an author signs. */
export type Signing = { template(ctx: FhirCtx, activity: Activity): Template };

export type Authors = {
	/** A promise only when it has to be looked up. */
	of(ctx: FhirCtx): Signing | Promise<Signing>;
};

type Known = { readonly signing: Signing; readonly at: number };

/** So long an organization is taken for the one that the author works for. */
const freshMs = 60_000;
const mostKnown = 1000;

export function createAuthors(): Authors {
	const known = new Map<string, Known>();
	/** The same by who asks, as long as it is the very same object: many requests of a second. */
	const recent = new WeakMap<Caller, Known>();
	const keep = (name: string, author: Author, at: number): Signing => {
		if (known.size >= mostKnown) known.clear();
		const signing = signingOf(author);
		known.set(name, { signing, at });
		return signing;
	};
	return {
		of(ctx) {
			const { caller } = ctx;
			const now = ctx.clock.now().getTime();
			const last = recent.get(caller);
			if (last !== undefined && now - last.at < freshMs) return last.signing;
			const { fhirUser, id, name, client } = caller;
			const key = JSON.stringify([fhirUser, id, name, client]);
			const found = known.get(key);
			if (found !== undefined && now - found.at < freshMs) {
				recent.set(caller, found);
				return found.signing;
			}
			const author = authorOf(caller);
			if (fhirUser === undefined) return keep(key, author, now);
			return organizationOf(ctx, fhirUser).then((organization) =>
				keep(key, organization === undefined ? author : { ...author, organization }, now),
			);
		},
	};
}

function authorOf({ fhirUser, id, name, client }: Caller): Author {
	const display = name === '' && fhirUser === undefined ? id : name;
	return {
		who: { ...(fhirUser === undefined ? {} : { reference: fhirUser }), ...(display === '' ? {} : { display }) },
		...(client === undefined ? {} : { client }),
	};
}

/** Templates last as long as the search parameters do. */
function signingOf(author: Author): Signing {
	let registry: FhirCtx['fhir']['registry'] | undefined;
	const templates = new Map<Activity, Template>();
	return {
		template(ctx, activity) {
			if (registry !== ctx.fhir.registry) {
				registry = ctx.fhir.registry;
				templates.clear();
			}
			let template = templates.get(activity);
			if (template === undefined) {
				template = createTemplate(ctx, author, activity);
				templates.set(activity, template);
			}
			return template;
		},
	};
}

/** Where somebody of the staff works: the facility of the practitioner, else of the first role in force, else of the practice as a whole. */
async function organizationOf(ctx: FhirCtx, fhirUser: string): Promise<string | undefined> {
	const [type, id = ''] = fhirUser.split('/');
	if (type !== 'Practitioner' && type !== 'PractitionerRole') return undefined;
	const stored = await ctx.fhir.store.read(ctx, type, id);
	const resource = stored === undefined || stored.op === 'D' ? undefined : (JSON.parse(stored.body) as Resource);
	const own: FhirCtx = { ...ctx, caller: { ...ctx.caller, grants: everything } };
	const named = localOrganization(type === 'PractitionerRole' ? resource?.organization : extensionOf(resource, worksAt)?.valueReference);
	return named ?? (type === 'Practitioner' ? await organizationOfRole(own, fhirUser) : undefined) ?? (await practiceOf(own));
}

async function organizationOfRole(ctx: FhirCtx, practitioner: string): Promise<string | undefined> {
	const roles = await inForce(ctx, 'PractitionerRole', 'practitioner', practitioner);
	return roles.map(({ organization }) => localOrganization(organization)).find((organization) => organization !== undefined);
}

async function practiceOf(ctx: FhirCtx): Promise<string | undefined> {
	const main = mainOf(await facilitiesOf(ctx));
	return main === undefined ? undefined : `Organization/${main.id}`;
}

/** The first of those that a search finds and that are not marked as inactive. */
async function inForce(ctx: FhirCtx, type: string, param: string, value: string): Promise<Resource[]> {
	const query = [
		[param, value],
		['_count', '50'],
	] as const;
	const { matches } = await search(ctx, { type, query, handling: 'strict' });
	return matches.map(({ body }) => JSON.parse(body) as Resource).filter(({ active }) => active !== false);
}

type Extension = { readonly url?: string; readonly valueReference?: unknown; readonly valueBoolean?: unknown };

function extensionOf(resource: Resource | undefined, url: string): Extension | undefined {
	return (resource?.extension as Extension[] | undefined)?.find((one) => one.url === url);
}

function localOrganization(value: unknown): string | undefined {
	const { reference } = (value ?? {}) as { reference?: unknown };
	return typeof reference === 'string' && /^Organization\/[A-Za-z0-9\-.]{1,64}$/.test(reference) ? reference : undefined;
}
