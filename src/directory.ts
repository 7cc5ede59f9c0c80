// What the authorization server needs of the record, over FHIR reads and searches with the rights of the account.
import type { Caller, Grant } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Resource } from '#fhir/resource.ts';
import { escaped, pairsOf } from '#fhir/search/escape.ts';
import { parseCriteria } from '#fhir/search/parse.ts';
import { search } from '#fhir/search/search.ts';
import type { Account } from '#oauth/accounts/accounts.ts';
import type { Directory, PatientEntry } from '#oauth/directory.ts';

export type DirectoryDeps = {
	readonly fhir: Fhir;
	readonly ctxFor: (caller: Caller, requestId: string) => FhirCtx;
	readonly rightsOf: (account: Account) => Promise<readonly Grant[]>;
};

const shown = 20;

export function createDirectory({ fhir, ctxFor, rightsOf }: DirectoryDeps): Directory {
	const ctxOf = async (account: Account): Promise<FhirCtx> => {
		const { kind, id, name } = account;
		return ctxFor({ kind, id, name, grants: await rightsOf(account) }, 'authorization');
	};
	return {
		types: new Set(fhir.definitions.resourceTypes),
		takesQuery(type, query) {
			try {
				return !parseCriteria(fhir, type, pairsOf(query)).empty;
			} catch (error) {
				if (error instanceof Problem) return false;
				throw error;
			}
		},
		async findPatients(account, text) {
			const ctx = await ctxOf(account);
			const query: [string, string][] = [
				...criteriaOf(text),
				['_sort', text === '' ? '-_lastUpdated' : 'family'],
				['_count', String(shown)],
			];
			const { matches, links } = await search(ctx, { type: 'Patient', query, handling: 'lenient' });
			return { patients: matches.map(({ body }) => entryOf(JSON.parse(body) as Resource)), more: links.next !== undefined };
		},
		async patient(account, id) {
			const body = await found(ctxOf(account), 'Patient', id);
			return body === undefined ? undefined : entryOf(body);
		},
		async isEncounterOf(account, encounter, patient) {
			const body = await found(ctxOf(account), 'Encounter', encounter);
			return (body?.subject as { reference?: string } | undefined)?.reference === `Patient/${patient}`;
		},
	};
}

/** Words are parts of names, a date is of birth, and what has a digit is a number of the patient. */
function criteriaOf(text: string): [string, string][] {
	return text
		.split(/[\s,]+/)
		.filter((word) => word !== '')
		.slice(0, 6)
		.map((word) => {
			const value = escaped(word);
			if (/^\d{4}(-\d\d){0,2}$/.test(word)) return ['birthdate', word];
			return /\d/.test(word) ? ['identifier', value] : ['name', value];
		});
}

async function found(context: Promise<FhirCtx>, type: string, id: string): Promise<Resource | undefined> {
	try {
		const { body } = await read(await context, type, id);
		return JSON.parse(body) as Resource;
	} catch (error) {
		if (error instanceof Problem && ['not-found', 'gone', 'forbidden'].includes(error.kind)) return undefined;
		throw error;
	}
}

type HumanName = { readonly use?: string; readonly text?: string; readonly given?: readonly string[]; readonly family?: string };

function entryOf(patient: Resource): PatientEntry {
	const { name, birthDate, identifier } = patient as { name?: HumanName[]; birthDate?: string; identifier?: { value?: string }[] };
	const best = name?.find(({ use }) => use === 'official') ?? name?.[0];
	const text = best?.text ?? [...(best?.given ?? []), best?.family].filter((part) => part !== undefined).join(' ');
	return { id: patient.id as string, name: text === '' ? `Patient ${patient.id}` : text, birthDate, identifier: identifier?.[0]?.value };
}
