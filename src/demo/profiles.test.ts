// What clients find who know US Core alone, in any of its versions: whatever they get by a profile's own codes they take for a resource of the
// profile. Conformance kits do so, and then look for the notes, screenings and missing data that the guide speaks of.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { isError } from '#base/problem.ts';
import type { ElementFacts, StructureFacts } from '#fhir/definitions/facts.ts';
import type { Resource } from '#fhir/resource.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { createClinic } from './clinic.ts';

const definitions = testDefinitions();
const validator = createValidator(definitions);
const guides = definitions.servers.filter(({ url }) => url.endsWith('/us-core-server'));

const clinic = createClinic({ seed: 1, today: '2026-11-25', patients: 40 });
const charts = Array.from({ length: clinic.patients }, (_, n) => clinic.chart(n));
/** A patient of each kind. */
const everybody: Map<string, Resource[]> = Map.groupBy(
	[...clinic.shared, ...charts.slice(0, 20).flat()],
	({ resourceType }) => resourceType,
);

type Concept = { readonly coding?: readonly { readonly system?: string; readonly code?: string }[] };

function codesOf(value: unknown): string[] {
	return [value ?? []].flat().flatMap((one) => ((one as Concept).coding ?? []).flatMap(({ code }) => code ?? []));
}

/** Profiles of which clients ask by category; of other observations they ask by code. */
const byCategory = /careplan|diagnosticreport|observation-(clinical-result|lab|screening-assessment)$|simple-observation|us-core-condition/;

/** The codes that a profile says its resources have in an element. */
function ownCodes({ elements, type, version }: StructureFacts, name: string): Set<string> | undefined {
	const path = `${type}.${name}`;
	const own = elements.filter((element) => element.path === path);
	const slices = own.filter(({ slice }) => slice !== undefined);
	const patterns = elements
		.filter((element) => element.path === path || element.path.startsWith(`${path}.coding`))
		.flatMap(({ pattern, fixed }) => patternCodes(pattern ?? fixed));
	if (patterns.length > 0) return new Set(patterns);
	const bound = slices.filter(({ binding }) => binding?.strength === 'required');
	const needed = bound.filter(({ min }) => min > 0);
	const [whole] = own;
	const asked = needed.length > 0 ? needed : bound.length > 0 ? bound : whole === undefined ? [] : [whole];
	const codes = asked.flatMap(({ binding }) =>
		binding === undefined ? [] : (definitions.valueSetCodes(`${binding.valueSet}|${version}`) ?? []).map(({ code }) => code),
	);
	return codes.length === 0 ? undefined : new Set(codes);
}

function patternCodes(pattern: ElementFacts['pattern']): string[] {
	if (typeof pattern === 'string') return /^(https?|urn):/.test(pattern) ? [] : [pattern];
	const { code } = (pattern ?? {}) as { code?: string };
	return code === undefined ? codesOf(pattern) : [code];
}

/** What the first search of a client finds for a profile. */
function foundFor(structure: StructureFacts, type: string): Resource[] {
	const all = everybody.get(type) ?? [];
	const name = byCategory.test(structure.url) ? 'category' : type === 'Observation' ? 'code' : undefined;
	const codes = name === undefined ? undefined : ownCodes(structure, name);
	return codes === undefined || name === undefined
		? all
		: all.filter((resource) => codesOf(resource[name]).some((code) => codes.has(code)));
}

for (const { version, resources } of guides) {
	describe(`US Core ${version}`, () => {
		for (const { type, profiles } of resources) {
			for (const profile of profiles) {
				const url = `${profile.split('|')[0]}|${version}`;
				const structure = definitions.structure(url);
				// Of another guide, or of vital signs in general, which clients ask for one by one.
				if (structure === undefined || url.includes('us-core-vital-signs')) continue;
				if (type === 'Observation' && !byCategory.test(structure.url) && ownCodes(structure, 'code') === undefined) continue;
				it(`what is found for ${structure.name} conforms to it`, () => {
					const found = foundFor(structure, type);
					assert.ok(found.length > 0, 'nothing is found');
					for (const resource of found) {
						const errors = validator.validate(resource, { profiles: [url] }).filter(isError);
						assert.deepEqual(errors, [], `${type}/${resource.id}`);
					}
				});
			}
		}
	});
}

test('everything conforms to what it claims, in every version that knows it', () => {
	for (const resource of charts.slice(20).flat()) {
		const profiles = (resource.meta?.profile ?? []).flatMap((url) => definitions.versionsOf(url).map((version) => `${url}|${version}`));
		assert.deepEqual(validator.validate(resource, { profiles }).filter(isError), [], `${resource.resourceType}/${resource.id}`);
	}
});

/** How many patients have something. */
function count(has: (chart: readonly Resource[]) => boolean): number {
	return charts.filter(has).length;
}

function ofType(chart: readonly Resource[], type: string): Resource[] {
	return chart.filter(({ resourceType }) => resourceType === type);
}

// https://hl7.org/fhir/us/core/STU8/clinical-notes.html
describe('clinical notes', () => {
	for (const code of ['11488-4', '18842-5', '34117-2', '28570-0', '11506-3', '18748-4', '11502-2', '11526-1', '11504-8', '34111-5'])
		it(`${code} is there as a document`, () => {
			assert.ok(count((chart) => ofType(chart, 'DocumentReference').some(({ type }) => codesOf(type).includes(code))) >= 2);
		});

	for (const code of ['LP29708-2', 'LP7839-6', 'LP29684-5'])
		it(`${code} is there as a report`, () => {
			assert.ok(count((chart) => ofType(chart, 'DiagnosticReport').some(({ category }) => codesOf(category).includes(code))) >= 2);
		});

	it('what a report shows is found as a document too', () => {
		type Attached = { readonly url?: string };
		let shown = 0;
		for (const chart of charts) {
			const documents = ofType(chart, 'DocumentReference').flatMap(({ content }) => content as { attachment: Attached }[]);
			const urls = new Set(documents.map(({ attachment }) => attachment.url));
			for (const { url } of ofType(chart, 'DiagnosticReport').flatMap(({ presentedForm }) => (presentedForm ?? []) as Attached[])) {
				shown++;
				assert.ok(url !== undefined && urls.has(url), url);
			}
		}
		assert.ok(shown > 5);
	});
});

// https://hl7.org/fhir/us/core/STU8/screening-and-assessments.html
describe('screenings and assessments', () => {
	for (const code of ['sdoh', 'functional-status', 'disability-status', 'cognitive-status', 'activity', 'social-history'])
		it(`${code} is there as a survey`, () => {
			const has = ({ category }: Resource): boolean => codesOf(category).includes('survey') && codesOf(category).includes(code);
			assert.ok(count((chart) => ofType(chart, 'Observation').some(has)) >= 2);
		});

	it('social needs are among the health concerns', () => {
		const has = ({ category }: Resource): boolean => codesOf(category).includes('health-concern') && codesOf(category).includes('sdoh');
		assert.ok(count((chart) => ofType(chart, 'Condition').some(has)) >= 2);
	});
});

// https://hl7.org/fhir/us/core/STU8/general-requirements.html#missing-data
describe('missing data', () => {
	const absent = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';
	for (const [what, text] of [
		['the extension', '"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason"'],
		['the code unknown', `"system":"${absent}","code":"unknown"`],
	] as const)
		it(`is said by ${what}`, () => {
			assert.ok(count((chart) => JSON.stringify(chart).includes(text)) >= 2);
		});
});
