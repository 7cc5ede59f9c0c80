// Whose subscription it is: events are matched and sent with the rights of who asked for them, as those are now.
import type { Caller } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';

/** Seals what only the server may write and read. */
export type Seal = {
	seal(about: string, bytes: Buffer): Buffer;
	open(about: string, sealed: Buffer): Buffer;
	mac(about: string, text: string): Buffer;
};

const url = 'https://heron-ehr.org/fhir/StructureDefinition/subscription-owner';
const about = 'subscription owner';

type Extensions = readonly { readonly url?: unknown; readonly valueString?: unknown }[];

/** Writes the caller into the resource, in place of whatever a client put there. */
export function setOwner(resource: Resource, caller: Caller, seal: Seal): void {
	const { kind, id, name, fhirUser, client, scopes, grants } = caller;
	const sealed = seal.seal(about, Buffer.from(JSON.stringify({ kind, id, name, fhirUser, client, scopes, grants })));
	const others = ((resource.extension as Extensions | undefined) ?? []).filter((one) => one.url !== url);
	resource.extension = [...others, { url, valueString: sealed.toString('base64') }];
}

/** Throws Problem invalid `subscription-owner` for one that did not come through the API. */
export function ownerOf(resource: Resource, seal: Seal): Caller {
	const sealed = ((resource.extension as Extensions | undefined) ?? []).find((one) => one.url === url)?.valueString;
	try {
		return JSON.parse(seal.open(about, Buffer.from(String(sealed), 'base64')).toString()) as Caller;
	} catch (cause) {
		throw new Problem('invalid', 'subscription-owner', 'It is not known who asked for this; send it again.', { cause });
	}
}
