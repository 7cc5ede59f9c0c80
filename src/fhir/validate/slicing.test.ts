import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import type { ElementFacts, StructureFacts } from '#fhir/definitions/facts.ts';
import { createValidator, type Validator } from './validator.ts';

const base = loadDefinitions();
const url = 'http://example.org/StructureDefinition/';

type Edit = Partial<ElementFacts> & { readonly path: string };

/** A profile of a type: elements of its definition with edits; edits of slices and of what is inside datatypes come after them. */
function profile(name: string, type: string, edits: readonly Edit[]): StructureFacts {
	const structure = base.structure(type) as StructureFacts;
	const byId = new Map(edits.map((edit) => [edit.id ?? edit.path, edit]));
	const elements = structure.elements.map((element): ElementFacts => {
		const edit = byId.get(element.path);
		byId.delete(element.path);
		return edit === undefined ? element : { ...element, ...edit };
	});
	const more = [...byId.values()].map((edit): ElementFacts => ({ min: 0, max: 1, ...edit }));
	return { ...structure, url: url + name, name, version: '1.0', derivation: 'constraint', elements: [...elements, ...more] };
}

function validatorWith(...structures: StructureFacts[]): Validator {
	return createValidator(loadDefinitions([{ name: 'test', version: '1.0', structures, valueSets: [], searchParameters: [], refused: [] }]));
}

const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' };

function told(validator: Validator, resource: object, name: string): string[] {
	return validator.validate({ text, ...resource }, { profiles: [url + name] }).map(({ code, path }) => `${code} ${path}`);
}

const coded = (system: string, code: string): object => ({ coding: [{ system, code }] });
const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };

describe('slicing', () => {
	it('tells items apart by what they have, have not and are', () => {
		const validator = validatorWith(
			profile('exists', 'Patient', [
				{ path: 'Patient.name', slicing: { discriminators: [{ type: 'exists', path: 'family' }], rules: 'open' } },
				{ path: 'Patient.name', id: 'Patient.name:with', slice: 'with', min: 1, max: 1, types: [{ code: 'HumanName' }] },
				{ path: 'Patient.name.family', id: 'Patient.name:with.family', min: 1, max: 1, types: [{ code: 'string' }] },
				{ path: 'Patient.name', id: 'Patient.name:without', slice: 'without', min: 0, max: 1, types: [{ code: 'HumanName' }] },
				{ path: 'Patient.name.family', id: 'Patient.name:without.family', min: 0, max: 0, types: [{ code: 'string' }] },
				{ path: 'Patient.name.text', id: 'Patient.name:without.text', min: 1, max: 1, types: [{ code: 'string' }] },
			]),
		);
		const patient = (...name: object[]): string[] => told(validator, { resourceType: 'Patient', name }, 'exists');
		assert.deepEqual(patient({ family: 'A' }), []);
		assert.deepEqual(patient({ family: 'A' }, { text: 'B' }), []);
		assert.deepEqual(patient({ text: 'B' }), ['profile-slice-min Patient.name']);
		assert.deepEqual(patient({ family: 'A' }, { given: ['C'] }), ['profile-cardinality-min Patient.name[1].text']);
		assert.deepEqual(patient({ family: 'A' }, { family: 'B' }), ['profile-slice-max Patient.name']);
	});

	it('keeps order and closes', () => {
		const slices = (rules: 'open' | 'closed' | 'openAtEnd', ordered?: true): readonly Edit[] => [
			{ path: 'Patient.telecom', slicing: { discriminators: [{ type: 'value', path: 'system' }], rules, ...(ordered ? { ordered } : {}) } },
			...['phone', 'email'].flatMap((system): Edit[] => [
				{ path: 'Patient.telecom', id: `Patient.telecom:${system}`, slice: system, min: 0, max: -1, types: [{ code: 'ContactPoint' }] },
				{ path: 'Patient.telecom.system', id: `Patient.telecom:${system}.system`, fixed: system, min: 1, types: [{ code: 'code' }] },
			]),
		];
		const validator = validatorWith(
			profile('open', 'Patient', slices('open')),
			profile('ordered', 'Patient', slices('open', true)),
			profile('closed', 'Patient', slices('closed')),
			profile('end', 'Patient', slices('openAtEnd')),
		);
		const patient = (name: string, ...systems: string[]): string[] =>
			told(validator, { resourceType: 'Patient', telecom: systems.map((system) => ({ system, value: 'x' })) }, name);
		assert.deepEqual(patient('open', 'fax', 'email', 'phone'), []);
		assert.deepEqual(patient('ordered', 'phone', 'fax', 'email'), []);
		assert.deepEqual(patient('ordered', 'email', 'phone'), ['profile-slice-order Patient.telecom[1]']);
		assert.deepEqual(patient('closed', 'email', 'phone'), []);
		assert.deepEqual(patient('closed', 'email', 'fax'), ['profile-slice-closed Patient.telecom[1]']);
		assert.deepEqual(patient('end', 'email', 'phone', 'fax', 'sms'), []);
		assert.deepEqual(patient('end', 'email', 'fax', 'phone'), ['profile-slice-order Patient.telecom[1]']);
	});

	it('slices slices again', () => {
		const validator = validatorWith(
			profile('again', 'Observation', [
				{ path: 'Observation.category', slicing: { discriminators: [{ type: 'pattern', path: '$this' }], rules: 'open' } },
				{
					path: 'Observation.category',
					id: 'Observation.category:lab',
					slice: 'lab',
					min: 1,
					max: -1,
					types: [{ code: 'CodeableConcept' }],
					pattern: coded('http://a', 'lab') as never,
					slicing: { discriminators: [{ type: 'value', path: 'text' }], rules: 'open' },
				},
				{
					path: 'Observation.category',
					id: 'Observation.category:lab/blood',
					slice: 'lab/blood',
					min: 1,
					max: 1,
					types: [{ code: 'CodeableConcept' }],
				},
				{
					path: 'Observation.category.text',
					id: 'Observation.category:lab/blood.text',
					fixed: 'blood',
					min: 1,
					types: [{ code: 'string' }],
				},
			]),
		);
		const of = (...category: object[]): string[] => told(validator, { ...observation, category }, 'again');
		const lab = coded('http://a', 'lab');
		assert.deepEqual(of({ ...lab, text: 'blood' }, lab), []);
		assert.deepEqual(of(lab), ['profile-slice-min Observation.category']);
		assert.deepEqual(of({ ...lab, text: 'blood' }, { text: 'blood' }, { ...lab, text: 'blood' }), [
			'profile-slice-max Observation.category',
		]);
		assert.deepEqual(of({ text: 'blood' }), ['profile-slice-min Observation.category', 'profile-slice-min Observation.category']);
	});

	it('follows references and extensions', () => {
		const validator = validatorWith(
			profile('finals', 'Observation', [{ path: 'Observation.status', fixed: 'final' }]),
			profile('members', 'Observation', [
				{ path: 'Observation.hasMember', slicing: { discriminators: [{ type: 'profile', path: 'resolve()' }], rules: 'closed' } },
				{
					path: 'Observation.hasMember',
					id: 'Observation.hasMember:finals',
					slice: 'finals',
					min: 1,
					max: 1,
					types: [{ code: 'Reference', targets: [`${url}finals`] }],
				},
			]),
			profile('focus', 'Observation', [
				{ path: 'Observation.focus', slicing: { discriminators: [{ type: 'type', path: 'resolve()' }], rules: 'open' } },
				...['Patient', 'Device'].map(
					(type): Edit => ({
						path: 'Observation.focus',
						id: `Observation.focus:${type}`,
						slice: type,
						min: type === 'Patient' ? 1 : 0,
						max: 1,
						types: [{ code: 'Reference', targets: [`http://hl7.org/fhir/StructureDefinition/${type}`] }],
					}),
				),
			]),
			profile('extended', 'Patient', [
				{ path: 'Patient.contact', slicing: { discriminators: [{ type: 'value', path: `extension('${url}kind').value` }], rules: 'open' } },
				{ path: 'Patient.contact', id: 'Patient.contact:near', slice: 'near', min: 1, max: 1, types: [{ code: 'BackboneElement' }] },
				{ path: 'Patient.contact.extension', id: 'Patient.contact:near.extension', max: -1, array: true, types: [{ code: 'Extension' }] },
				{
					path: 'Patient.contact.extension',
					id: 'Patient.contact:near.extension:kind',
					slice: 'kind',
					min: 1,
					types: [{ code: 'Extension', profiles: [`${url}kind`] }],
				},
				{
					path: 'Patient.contact.extension.value[x]',
					id: 'Patient.contact:near.extension:kind.value[x]',
					min: 1,
					fixed: 'near',
					types: [{ code: 'code' }],
				},
			]),
		);
		const inner = (id: string, status: string): object => ({ ...observation, id, status });
		const members = (list: string[], contained: object[] = []): string[] =>
			told(
				validator,
				{ ...observation, hasMember: list.map((reference) => ({ reference })), ...(contained.length > 0 ? { contained } : {}) },
				'members',
			);
		const textless = ['invariant Observation.contained[0]'];
		assert.deepEqual(members(['#a'], [inner('a', 'final')]), textless);
		assert.deepEqual(members(['#a'], [inner('a', 'amended')]), [
			...textless,
			'profile-slice-closed Observation.hasMember[0]',
			'profile-slice-min Observation.hasMember',
		]);
		assert.deepEqual(members(['Observation/elsewhere']), [], 'what is not here cannot be judged');

		const focus = (...list: string[]): string[] =>
			told(validator, { ...observation, focus: list.map((reference) => ({ reference })) }, 'focus');
		assert.deepEqual(focus('Patient/1', 'http://example.org/Device/1', 'Group/1'), []);
		assert.deepEqual(focus('Device/1'), ['profile-slice-min Observation.focus']);
		assert.deepEqual(focus('Patient/1', 'Patient/2'), ['profile-slice-max Observation.focus']);

		const contact = (value: string): string[] =>
			told(
				validator,
				{ resourceType: 'Patient', contact: [{ name: { text: 'x' }, extension: [{ url: `${url}kind`, valueCode: value }] }] },
				'extended',
			);
		assert.deepEqual(contact('near'), []);
		assert.deepEqual(contact('far'), ['profile-slice-min Patient.contact']);
	});

	it('slices choices by type', () => {
		const validator = validatorWith(
			profile('choice', 'Observation', [
				{ path: 'Observation.value[x]', slicing: { discriminators: [{ type: 'type', path: '$this' }], rules: 'open' } },
				{
					path: 'Observation.value[x]',
					id: 'Observation.value[x]:valueQuantity',
					slice: 'valueQuantity',
					min: 0,
					types: [{ code: 'Quantity' }],
				},
				{ path: 'Observation.value[x].code', id: 'Observation.value[x]:valueQuantity.code', min: 1, types: [{ code: 'code' }] },
			]),
		);
		assert.deepEqual(told(validator, { ...observation, valueQuantity: { value: 1, system: 'http://u', code: 'g' } }, 'choice'), []);
		assert.deepEqual(told(validator, { ...observation, valueString: 'x' }, 'choice'), []);
		assert.deepEqual(told(validator, { ...observation, valueQuantity: { value: 1 } }, 'choice'), [
			'profile-cardinality-min Observation.value.code',
		]);
	});
});

describe('what profiles say of elements', () => {
	it('checks lengths, ranges, fixed values and counts', () => {
		const validator = validatorWith(
			profile('limits', 'Patient', [
				{ path: 'Patient.name', max: 2, min: 1 },
				{ path: 'Patient.name.family', min: 0, maxLength: 3, types: [{ code: 'string' }] },
				{ path: 'Patient.name.given', min: 0, max: 1, types: [{ code: 'string' }] },
				{ path: 'Patient.multipleBirth[x]', types: [{ code: 'integer' }], minValue: 1, maxValue: 8 },
				{ path: 'Patient.birthDate', minValue: '1900-01-01' },
				{ path: 'Patient.active', fixed: true },
				{ path: 'Patient.photo', max: 0 },
			]),
		);
		const of = (patient: object): string[] => told(validator, { resourceType: 'Patient', name: [{ family: 'Ann' }], ...patient }, 'limits');
		assert.deepEqual(of({ multipleBirthInteger: 8, birthDate: '1900-01-01', active: true }), []);
		assert.deepEqual(of({ name: [] }), ['value-empty Patient.name']);
		assert.deepEqual(of({ name: [{ family: 'Anna' }] }), ['profile-length Patient.name[0].family']);
		assert.deepEqual(of({ name: [{ given: ['A', 'B'] }] }), ['profile-cardinality-max Patient.name[0].given']);
		assert.deepEqual(of({ name: [{ text: 'a' }, { text: 'b' }, { text: 'c' }] }), ['profile-cardinality-max Patient.name']);
		assert.deepEqual(of({ multipleBirthInteger: 9 }), ['profile-range Patient.multipleBirth']);
		assert.deepEqual(of({ multipleBirthBoolean: true }), ['profile-type-not-allowed Patient.multipleBirth']);
		assert.deepEqual(of({ birthDate: '1899-12-31' }), ['profile-range Patient.birthDate']);
		assert.deepEqual(of({ active: false }), ['profile-fixed Patient.active']);
		assert.deepEqual(of({ photo: [{ title: 'x' }] }), ['profile-cardinality-max Patient.photo']);
	});

	it('checks what is inside of primitives and of elements that repeat their own definition', () => {
		const validator = validatorWith(
			profile('inside', 'Questionnaire', [
				{ path: 'Questionnaire.title.extension', min: 1, max: -1, array: true, types: [{ code: 'Extension' }] },
				{ path: 'Questionnaire.item.item.text', min: 1, types: [{ code: 'string' }] },
			]),
		);
		const item = (inner: object): object => ({ linkId: '1', type: 'group', item: [{ linkId: '2', type: 'string', ...inner }] });
		const of = (questionnaire: object): string[] =>
			told(validator, { resourceType: 'Questionnaire', status: 'draft', ...questionnaire }, 'inside');
		const extension = [{ url: 'http://example.org/e', valueString: 'x' }];
		assert.deepEqual(of({ title: 'A', _title: { extension }, item: [item({ text: 'x' })] }), []);
		assert.deepEqual(of({ title: 'A' }), ['profile-cardinality-min Questionnaire.title.extension']);
		assert.deepEqual(of({ item: [item({})] }), ['profile-cardinality-min Questionnaire.item[0].item[0].text']);
	});

	it('lets one of several profiles of a type do', () => {
		const validator = validatorWith(
			profile('grams', 'Quantity', [{ path: 'Quantity.code', fixed: 'g', min: 1 }]),
			profile('litres', 'Quantity', [{ path: 'Quantity.code', fixed: 'L', min: 1 }]),
			profile('units', 'Observation', [
				{ path: 'Observation.value[x]', types: [{ code: 'Quantity', profiles: [`${url}grams`, `${url}litres`] }] },
			]),
			profile('unit', 'Observation', [{ path: 'Observation.value[x]', types: [{ code: 'Quantity', profiles: [`${url}grams`] }] }]),
		);
		const of = (name: string, code: string): string[] =>
			told(validator, { ...observation, valueQuantity: { value: 1, system: 'http://u', code } }, name);
		assert.deepEqual(of('units', 'g'), []);
		assert.deepEqual(of('units', 'L'), []);
		assert.deepEqual(of('units', 'm'), ['profile-none Observation.value']);
		assert.deepEqual(of('unit', 'm'), ['profile-fixed Observation.value.code']);
	});

	it('checks contained resources against the profiles of a reference', () => {
		const validator = validatorWith(
			profile('named', 'Patient', [{ path: 'Patient.name', min: 1 }]),
			profile('about', 'Observation', [{ path: 'Observation.subject', types: [{ code: 'Reference', targets: [`${url}named`] }] }]),
		);
		const of = (patient: object): string[] =>
			told(
				validator,
				{ ...observation, contained: [{ resourceType: 'Patient', id: 'p', text, ...patient }], subject: { reference: '#p' } },
				'about',
			);
		assert.deepEqual(of({ name: [{ text: 'A' }] }), []);
		assert.deepEqual(of({ active: true }), ['profile-reference-target Observation.subject']);
	});

	it('does not go round in circles', () => {
		const round = (name: string, other: string): StructureFacts =>
			profile(name, 'Observation', [{ path: 'Observation.hasMember', types: [{ code: 'Reference', targets: [url + other] }] }]);
		const validator = validatorWith(round('here', 'there'), round('there', 'here'));
		const contained = ['a', 'b'].map((id) => ({
			...observation,
			id,
			text,
			hasMember: [{ reference: id === 'a' ? '#b' : '#a' }, { reference: '#' }],
		}));
		assert.deepEqual(told(validator, { ...observation, contained, hasMember: [{ reference: '#a' }] }, 'here'), []);
	});
});
