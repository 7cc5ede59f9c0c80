// What the authorization server needs of the record, over FHIR reads and searches with the rights of the account.
import type { Caller, Grant } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Hit, pageIn } from '#fhir/search/bundle.ts';
import { escaped, type Pair, pairsOf } from '#fhir/search/escape.ts';
import { parseCriteria } from '#fhir/search/parse.ts';
import { search } from '#fhir/search/search.ts';
import type { Account } from '#oauth/accounts/accounts.ts';
import type { Directory, EncounterEntry, Encounters, PatientEntry } from '#oauth/directory.ts';
import { createBrands } from './brands.ts';

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
		brands: createBrands({ fhir, ctxFor }),
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
		async findEncounters(account, patient, page) {
			const ctx = await ctxOf(account);
			const criteria: Pair[] = [
				...ofPatient(patient),
				['status:not', 'entered-in-error'],
				['status:not', 'cancelled'],
				['_sort', '-date'],
				['_count', String(shown)],
			];
			const first = () => findEncounters(ctx, criteria);
			if (page === undefined) return first();
			// A page that is none is the first.
			return (await unless(['invalid'], findEncounters(ctx, [...criteria, ['_page', page]]))) ?? first();
		},
		async encounter(account, id, patient) {
			const found = findEncounters(await ctxOf(account), [...ofPatient(patient), ['_id', escaped(id)]]);
			return (await unless(['invalid'], found))?.encounters[0];
		},
	};
}

function ofPatient(id: string): Pair[] {
	return [['patient', escaped(`Patient/${id}`)]];
}

const named = ['location', 'service-provider', 'participant'].map((link): Pair => ['_include', `Encounter:${link}`]);

/** Encounters with the names of what they refer to; none for who may search none. */
async function findEncounters(ctx: FhirCtx, criteria: readonly Pair[]): Promise<Encounters> {
	const found = await unless(['forbidden'], search(ctx, { type: 'Encounter', query: [...criteria, ...named], handling: 'lenient' }));
	if (found === undefined) return { encounters: [], newer: undefined, older: undefined };
	const { matches, included, links } = found;
	const names = new Map(included.map((hit) => [`${hit.type}/${hit.id}`, titleOf(hit)]));
	return {
		encounters: matches.map(({ body }) => encounterOf(JSON.parse(body) as Resource, names)),
		newer: pageIn(links.previous),
		older: pageIn(links.next),
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
	const stored = await unless(['not-found', 'gone', 'forbidden'], read(await context, type, id));
	return stored === undefined ? undefined : (JSON.parse(stored.body) as Resource);
}

/** What comes of it; undefined when it is refused for one of these reasons. */
async function unless<T>(kinds: readonly Problem['kind'][], asked: Promise<T>): Promise<T | undefined> {
	try {
		return await asked;
	} catch (error) {
		if (error instanceof Problem && kinds.includes(error.kind)) return undefined;
		throw error;
	}
}

type HumanName = { readonly use?: string; readonly text?: string; readonly given?: readonly string[]; readonly family?: string };

function entryOf(patient: Resource): PatientEntry {
	const { name, birthDate, identifier } = patient as { name?: HumanName[]; birthDate?: string; identifier?: { value?: string }[] };
	return { id: patient.id as string, name: personName(name) ?? `Patient ${patient.id}`, birthDate, identifier: identifier?.[0]?.value };
}

function personName(names: readonly HumanName[] | undefined): string | undefined {
	const best = names?.find(({ use }) => use === 'official') ?? names?.[0];
	const text = best?.text ?? [...(best?.given ?? []), best?.family].filter((part) => part !== undefined).join(' ');
	return text === '' ? undefined : text;
}

/** What people call a place, an organization or a person. */
function titleOf({ body }: Hit): string | undefined {
	const { name } = JSON.parse(body) as { name?: string | HumanName[] };
	return typeof name === 'string' ? name : personName(name);
}

type Reference = { readonly reference?: string; readonly display?: string };
type Concept = { readonly text?: string; readonly coding?: readonly { readonly code?: string; readonly display?: string }[] };
type Participant = { readonly type?: readonly Concept[]; readonly individual?: Reference };

function encounterOf(encounter: Resource, names: ReadonlyMap<string, string | undefined>): EncounterEntry {
	const { id, period, type, serviceType, location, serviceProvider, participant } = encounter as {
		id?: string;
		period?: { start?: string };
		type?: Concept[];
		serviceType?: Concept;
		location?: { location?: Reference }[];
		serviceProvider?: Reference;
		participant?: Participant[];
	};
	const nameOf = (to: Reference | undefined) => names.get(to?.reference ?? '') ?? to?.display;
	return {
		id: id as string,
		start: period?.start,
		kind: wordsOf(type?.[0]) ?? wordsOf(serviceType),
		class: (encounter.class as { code?: string } | undefined)?.code,
		place: nameOf(location?.[0]?.location) ?? nameOf(serviceProvider),
		clinician: nameOf(clinicianOf(participant ?? [])),
	};
}

function wordsOf(concept: Concept | undefined): string | undefined {
	return concept?.text ?? concept?.coding?.find(({ display }) => display !== undefined)?.display;
}

/** Who was in charge, else the first of the staff. https://terminology.hl7.org/CodeSystem-v3-ParticipationType.html */
function clinicianOf(participants: readonly Participant[]): Reference | undefined {
	const staff = participants.filter(({ individual }) => /^Practitioner(Role)?\//.test(individual?.reference ?? ''));
	const leads = ({ type }: Participant) =>
		type?.some(({ coding }) => coding?.some(({ code }) => code === 'PPRF' || code === 'ATND')) === true;
	return (staff.find(leads) ?? staff[0])?.individual;
}
