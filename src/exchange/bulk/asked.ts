// What an export is asked for: the parameters of https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters, understood and checked
// against what the caller may see, as it is kept for the job.
import { type Issue, Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { isId } from '#fhir/interactions/prepare.ts';
import { pairsOf } from '#fhir/search/escape.ts';
import { parseCriteria } from '#fhir/search/parse.ts';
import { reachOf } from '#fhir/search/restrict.ts';
import { type Given, listOf } from './given.ts';
import { refused } from './problems.ts';

export type Level = 'system' | 'patient' | 'group';

export type Asked = {
	readonly level: Level;
	/** The Group of a group export. */
	readonly group?: string;
	/** The address of the request, for the manifest. */
	readonly request: string;
	/** Types that were named; absent for all there are. */
	readonly types?: readonly string[];
	readonly since?: string;
	readonly until?: string;
	readonly elements: readonly string[];
	/** Searches of which a resource of their type has to meet one. */
	readonly filters: readonly { readonly type: string; readonly query: string }[];
	/** Ids of the only patients. */
	readonly patients?: readonly string[];
	readonly provenance?: 'latest' | 'relevant';
	readonly byPatient: boolean;
	/** What was not understood and passed over, as lenient handling allows. */
	readonly notes: readonly Issue[];
};

/**
 * Types that belong to no patient and that a record cannot be read without. They come with patients' data; of devices those of the
 * patients.
 */
export const helpful: readonly string[] = [
	'Device',
	'Endpoint',
	'HealthcareService',
	'Location',
	'Medication',
	'Organization',
	'Practitioner',
	'PractitionerRole',
];

/** Whether a type can be in an export of patients' data. */
export function isAboutPatients({ fhir }: FhirCtx, type: string): boolean {
	if (type === 'Patient' || helpful.includes(type)) return true;
	return (fhir.definitions.compartment('Patient')[type] ?? []).length > 0;
}

/** Whether the caller may see anything of the type. */
export function isWithinReach(ctx: FhirCtx, type: string): boolean {
	return reachOf(ctx, type, 'search') !== 'nothing';
}

const known: ReadonlySet<string> = new Set([
	'_outputFormat',
	'_since',
	'_until',
	'_type',
	'type',
	'_elements',
	'_typeFilter',
	'patient',
	'includeAssociatedData',
	'organizeOutputBy',
	'allowPartialManifests',
]);

const formats: ReadonlySet<string> = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson']);

/**
 * The request, understood. With `lenient` handling what is not is noted and passed over. Throws Problem invalid or forbidden that lists
 * all that is wrong.
 */
export function askedOf(
	ctx: FhirCtx,
	given: Given,
	about: Pick<Asked, 'level' | 'request'> & { readonly group?: string },
	lenient: boolean,
): Asked {
	const reader = createReader(ctx, given, about.level);
	const types = reader.types();
	const asked = {
		...about,
		...(types === undefined ? {} : { types }),
		...reader.times(),
		elements: reader.elements(),
		filters: reader.filters(types),
		...reader.patients(),
		...reader.provenance(),
		byPatient: reader.byPatient(),
	};
	reader.others();
	const { issues, fatal } = reader;
	if (fatal.length > 0 || (issues.length > 0 && !lenient)) throw refused([...fatal, ...issues]);
	if (types?.length === 0) throw refused(issues);
	return { ...asked, notes: issues };
}

type Reader = {
	readonly issues: Issue[];
	/** What lenient handling cannot pass over. */
	readonly fatal: Issue[];
	types(): readonly string[] | undefined;
	times(): Pick<Asked, 'since' | 'until'>;
	elements(): readonly string[];
	filters(types: readonly string[] | undefined): Asked['filters'];
	patients(): Pick<Asked, 'patients'>;
	provenance(): Pick<Asked, 'provenance'>;
	byPatient(): boolean;
	others(): void;
};

function createReader(ctx: FhirCtx, given: Given, level: Level): Reader {
	const issues: Issue[] = [];
	const fatal: Issue[] = [];
	const { definitions } = ctx.fhir;
	const wrong = (path: string, code: string, text: string, type = 'not-supported'): void => {
		issues.push({ severity: 'error', type, code, text, path });
	};
	const once = (name: string): string | undefined => {
		const values = given.get(name) ?? [];
		if (values.length > 1)
			fatal.push({ severity: 'error', type: 'value', code: 'parameter-invalid', text: `${name} may be given once.`, path: name });
		return values[0];
	};
	/** Why a type cannot be exported; undefined when it can. */
	const isFine = (name: string, type: string): boolean => {
		const shown = type.slice(0, 64);
		if (!definitions.isResourceType(type)) wrong(name, 'type-unknown', `${name}: "${shown}" is not a resource type.`, 'value');
		else if (level !== 'system' && !isAboutPatients(ctx, type)) wrong(name, 'type-outside', `${name}: ${type} belongs to no patient.`);
		else if (!isWithinReach(ctx, type)) wrong(name, 'type-forbidden', `${name}: you may not see ${type}.`, 'forbidden');
		else return true;
		return false;
	};
	const instant = (name: string): string | undefined => {
		// A plus sign that was not encoded has become a blank.
		const text = once(name)?.replace(' ', '+');
		if (text === undefined) return undefined;
		const shape = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?$/;
		if (shape.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
		const hint = `${name} must be an instant such as 2026-01-31T08:00:00Z.`;
		fatal.push({ severity: 'error', type: 'value', code: 'parameter-invalid', text: hint, path: name });
		return undefined;
	};
	return {
		issues,
		fatal,
		types() {
			const named = [...listOf(given, '_type'), ...listOf(given, 'type')];
			if (named.length === 0) return undefined;
			return [...new Set(named)].filter((type) => isFine('_type', type));
		},
		times() {
			const [since, until] = [instant('_since'), instant('_until')];
			return { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
		},
		elements() {
			const named = listOf(given, '_elements');
			return named.filter((name) => {
				const [type, element] = name.includes('.') ? (name.split('.') as [string, string]) : [undefined, name];
				const fine =
					/^[a-z][A-Za-z]*$/.test(element) && name.split('.').length < 3 && (type === undefined || definitions.isResourceType(type));
				if (!fine) wrong('_elements', 'element-unknown', `_elements: "${name.slice(0, 80)}" is not "element" or "Type.element".`, 'value');
				return fine;
			});
		},
		filters(types) {
			// A comma parts two filters only where another type begins: values of a search may have commas of their own.
			const named = (given.get('_typeFilter') ?? []).flatMap((text) => text.split(/,(?=[A-Z][A-Za-z]+(?:\?|%3[Ff]))/));
			return named.flatMap((text) => {
				const filter = filterOf(text);
				if (filter === undefined || !isFine('_typeFilter', filter.type)) {
					if (filter === undefined)
						wrong('_typeFilter', 'filter-invalid', `_typeFilter: "${text.slice(0, 80)}" is not like "Type?search".`, 'value');
					return [];
				}
				if (types !== undefined && !types.includes(filter.type)) {
					wrong('_typeFilter', 'filter-not-asked', `_typeFilter: ${filter.type} is not among the types of _type.`);
					return [];
				}
				const problem = problemIn(ctx, filter);
				if (problem === undefined) return [filter];
				issues.push(...problem);
				return [];
			});
		},
		patients() {
			const named = listOf(given, 'patient');
			if (named.length === 0) return {};
			if (level === 'system') {
				wrong('patient', 'parameter-unsupported', 'An export of the system has no parameter "patient"; ask Patient/$export.');
				return {};
			}
			const ids = named.flatMap((text) => {
				const id = text.startsWith(`${ctx.fhir.base}/`) ? text.slice(ctx.fhir.base.length + 1) : text;
				const [, bare = ''] = /^(?:Patient\/)?([^/]+)$/.exec(id) ?? [];
				if (isId(bare)) return [bare];
				wrong('patient', 'parameter-invalid', `patient: "${text.slice(0, 80)}" is not a reference to a Patient.`, 'value');
				return [];
			});
			// Whoever asks for some is never given all.
			return { patients: [...new Set(ids)] };
		},
		provenance() {
			const named = listOf(given, 'includeAssociatedData');
			for (const name of named) {
				if (name !== 'LatestProvenanceResources' && name !== 'RelevantProvenanceResources')
					wrong('includeAssociatedData', 'associated-unknown', `includeAssociatedData: "${name.slice(0, 80)}" is not known here.`);
			}
			const provenance = named.includes('RelevantProvenanceResources')
				? 'relevant'
				: named.includes('LatestProvenanceResources')
					? 'latest'
					: undefined;
			if (provenance === undefined) return {};
			return isFine('includeAssociatedData', 'Provenance') ? { provenance } : {};
		},
		byPatient() {
			const by = once('organizeOutputBy');
			if (by === undefined || by === 'Patient') return by === 'Patient' && isFine('organizeOutputBy', 'Patient');
			wrong('organizeOutputBy', 'organize-unsupported', `Files can be organized by Patient, not by "${by.slice(0, 64)}".`);
			return false;
		},
		others() {
			const format = once('_outputFormat')?.replace(' ', '+');
			if (format !== undefined && !formats.has(format)) {
				const text = `_outputFormat: "${format.slice(0, 80)}" cannot be made; it may be ${[...formats].join(', ')}.`;
				fatal.push({ severity: 'error', type: 'not-supported', code: 'output-format', text, path: '_outputFormat' });
			}
			for (const name of given.keys())
				if (!known.has(name)) wrong(name.slice(0, 64), 'parameter-unknown', `The parameter "${name.slice(0, 64)}" is not known here.`);
		},
	};
}

/** `Type?search`, which may come encoded once more. */
function filterOf(text: string): { type: string; query: string } | undefined {
	const plain = /^[A-Za-z]+%3[Ff]/.test(text) ? safeDecode(text) : text;
	const [, type, query] = /^([A-Z][A-Za-z]+)\?(.+)$/.exec(plain) ?? [];
	return type === undefined || query === undefined ? undefined : { type, query };
}

function safeDecode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/** What is wrong with a search; what is about the result of one has no meaning here. */
function problemIn({ fhir }: FhirCtx, { type, query }: { type: string; query: string }): readonly Issue[] | undefined {
	try {
		const pairs = pairsOf(query);
		const about = pairs.find(([name]) => /^_(count|sort|total|summary|elements|include|revinclude|page|contained|type)(:|$)/.test(name));
		if (about !== undefined) {
			const text = `_typeFilter: "${about[0].slice(0, 64)}" is about the result of a search and cannot be used.`;
			return [{ severity: 'error', type: 'not-supported', code: 'filter-result-parameter', text, path: '_typeFilter' }];
		}
		parseCriteria(fhir, type, pairs);
		return undefined;
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		const own = { severity: 'error', type: 'invalid', code: error.code, text: error.text, path: '_typeFilter' } as const;
		return error.issues.length > 0 ? error.issues : [own];
	}
}
