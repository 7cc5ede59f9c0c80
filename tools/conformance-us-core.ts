// `npm run conformance -- us-core [patients] [day]`: the patients of the demo clinic that together have everything US Core says must be
// supported, in each of its versions, with their ids: a conformance kit wants to be told whom to look at. The day is the one on which the clinic
// was loaded, today unless given.
import { isError } from '#base/problem.ts';
import { createClinic } from '#demo/clinic.ts';
import { here, usualClinic } from '#demo/show.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { StructureFacts } from '#fhir/definitions/facts.ts';
import type { Resource } from '#fhir/resource.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { elementTest, linksAt, mustSupport, mustSupportTargets } from '#testing/must-support.ts';

type Owned = { readonly owner: number; readonly resource: Resource };
/** Who has each of the things that have to be there. */
type Holders = Map<string, Set<number>>;

/** Documents, categories of reports and of screenings that the guide names beside its profiles. */
const named = /"code":"(11488-4|18842-5|34117-2|28570-0|11506-3|18748-4|11502-2|11526-1|11504-8|34111-5|LP29708-2|LP7839-6|LP29684-5)"/g;
const screened = /"code":"(sdoh|functional-status|disability-status|cognitive-status|activity|social-history)"/g;
const absent = [
	['the extension data-absent-reason', '"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason"'],
	['the code unknown', '"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason","code":"unknown"'],
] as const;

/** Prints the patients for each version; gives the number of things that nobody has. */
export function showPatients(definitions: Definitions, [patients = String(usualClinic.patients), day]: readonly string[]): number {
	const clinic = createClinic({
		...usualClinic,
		...here(new Date()),
		...(day === undefined ? {} : { today: day }),
		patients: Number(patients),
	});
	const all: Owned[] = clinic.shared.map((resource) => ({ owner: -1, resource }));
	for (let n = 0; n < clinic.patients; n++) for (const resource of clinic.chart(n)) all.push({ owner: n, resource });
	let missing = 0;
	for (const { url, version = '', resources } of definitions.servers) {
		if (!url.endsWith('/us-core-server')) continue;
		const profiles = resources.flatMap((of) => of.profiles.map((one) => `${one.split('|')[0]}|${version}`));
		const holders = holdersOf(
			definitions,
			all,
			profiles.flatMap((one) => definitions.structure(one) ?? []),
			version,
		);
		const lacking = [...holders].filter(
			([what, { size }]) => size === 0 && !what.startsWith('us-core-blood-pressure Observation.value[x]'),
		);
		missing += lacking.length;
		console.log(`\nUS Core ${version}: ${holders.size} things`);
		for (const [what] of lacking) console.log(`  nobody has ${what}`);
		for (const [n, count] of coverOf(holders)) console.log(`  ${clinic.person(n).id}  ${clinic.person(n).name}, ${count}`);
	}
	return missing;
}

function holdersOf(definitions: Definitions, all: readonly Owned[], structures: readonly StructureFacts[], version: string): Holders {
	const holders: Holders = new Map();
	const note = (what: string, owner: number | undefined): void => {
		const known = holders.get(what) ?? new Set();
		holders.set(what, owner === undefined ? known : known.add(owner));
	};
	const leadsTo = targetTest(definitions, all, version);
	for (const structure of structures) {
		const name = structure.url.split('/').at(-1);
		const own = all.filter(({ resource }) => resource.meta?.profile?.includes(structure.url));
		for (const id of mustSupport(structure)) {
			// The server says when it was stored.
			if (id.includes('.meta')) continue;
			const has = elementTest(structure, id);
			note(`${name} ${id}`, undefined);
			for (const { owner, resource } of own) if (has(resource)) note(`${name} ${id}`, owner);
		}
		for (const { path, target } of mustSupportTargets(structure)) {
			const what = `${name} ${path} with ${target}`;
			note(what, undefined);
			for (const { owner, resource } of own) if (linksAt(resource, path).some((link) => leadsTo(link, target))) note(what, owner);
		}
	}
	for (const { owner, resource } of all) for (const what of saidBeside(resource)) note(what, owner);
	return holders;
}

function targetTest(definitions: Definitions, all: readonly Owned[], version: string): (link: string, target: string) => boolean {
	const validator = createValidator(definitions);
	const byReference = new Map(all.map(({ resource }) => [`${resource.resourceType}/${resource.id}`, resource]));
	const known = new Map<string, boolean>();
	return (link, target) => {
		const key = `${link} ${target}`;
		const seen = known.get(key);
		if (seen !== undefined) return seen;
		const profile = `${target}|${version}`;
		const resource = byReference.get(link);
		const isOne =
			resource !== undefined &&
			definitions.structure(profile)?.type === resource.resourceType &&
			!validator.validate(resource, { profiles: [profile] }).some(isError);
		known.set(key, isOne);
		return isOne;
	};
}

function saidBeside({ resourceType, type, category, ...rest }: Resource): string[] {
	const codes = (pattern: RegExp, value: unknown): string[] =>
		[...JSON.stringify(value ?? '').matchAll(pattern)].map(([, code]) => code as string);
	const text = JSON.stringify(rest);
	return [
		...(resourceType === 'DocumentReference' ? codes(named, type) : []),
		...(resourceType === 'DiagnosticReport' ? codes(named, category) : []),
		...(resourceType === 'Observation' && JSON.stringify(category).includes('"survey"') ? codes(screened, category) : []),
		...absent.flatMap(([what, sign]) => (text.includes(sign) ? [what] : [])),
	];
}

/** Patients who together have everything, each with how much he adds: always the one who adds most. */
function coverOf(holders: Holders): [n: number, count: number][] {
	let left = [...holders.values()].filter((owners) => owners.size > 0 && !owners.has(-1));
	const chosen: [number, number][] = [];
	while (left.length > 0) {
		const counts = new Map<number, number>();
		for (const owners of left) for (const n of owners) counts.set(n, (counts.get(n) ?? 0) + 1);
		const [best] = [...counts].sort(([a, x], [b, y]) => y - x || a - b) as [[number, number]];
		chosen.push(best);
		left = left.filter((owners) => !owners.has(best[0]));
	}
	return chosen;
}
