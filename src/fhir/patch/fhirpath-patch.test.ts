// The cases follow the kinds of the published FHIRPath Patch suite (primitives, nested, complex, anonymous types, lists), with data of
// our own, and then the rules that it leaves out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { fromXml, toXml } from '#fhir/wire/xml.ts';
import { createRandom } from '#testing/random.ts';
import { applyFhirPathPatch } from './fhirpath-patch.ts';

const definitions = loadDefinitions();
const parse = (text: string): Resource => parseJson(Buffer.from(text)) as Resource;

type Parts = Readonly<Record<string, unknown>>;

/** `{ type, path, name?, index?, …, value? }` as a parameter; `value` is the part's own content, such as `{ valueCode: 'x' }`. */
function operation({ type, path, name, value, ...indexes }: Parts): object {
	return {
		name: 'operation',
		part: [
			{ name: 'type', valueCode: type },
			{ name: 'path', valueString: path },
			...(name === undefined ? [] : [{ name: 'name', valueString: name }]),
			...(value === undefined ? [] : [{ name: 'value', ...(value as object) }]),
			...Object.entries(indexes).map(([part, index]) => ({ name: part, valueInteger: index })),
		],
	};
}

function parametersOf(operations: readonly Parts[]): Resource {
	return { resourceType: 'Parameters', parameter: operations.map(operation) };
}

const patient = '{"resourceType":"Patient","identifier":[{"value":"a"},{"value":"b"},{"value":"c"}],"birthDate":"1920-01-01"}';
const contact = '{"resourceType":"Patient","contact":[{"name":{"text":"N"},"gender":"male"}]}';
const observation =
	'{"resourceType":"Observation","status":"final","valueQuantity":{"value":1.10,"unit":"g"},"component":[{"valueString":"x"}]}';
const names =
	'{"resourceType":"Patient","name":[{"use":"official","given":["A","B"],"_given":[null,{"id":"g"}]},{"use":"usual","family":"U"}]}';

const applied: readonly (readonly [string, string, readonly Parts[], string])[] = [
	['no difference', patient, [], patient],
	[
		'replace a primitive',
		patient,
		[{ type: 'replace', path: 'Patient.birthDate', value: { valueDate: '1930-01-01' } }],
		patient.replace('1920', '1930'),
	],
	['delete a primitive', patient, [{ type: 'delete', path: 'Patient.birthDate' }], patient.replace(',"birthDate":"1920-01-01"', '')],
	['delete nothing', patient, [{ type: 'delete', path: 'Patient.gender' }], patient],
	[
		'add a primitive',
		contact,
		[{ type: 'add', path: 'Patient', name: 'birthDate', value: { valueDate: '1930-01-01' } }],
		contact.replace(/}$/, ',"birthDate":"1930-01-01"}'),
	],
	[
		'replace a nested primitive',
		contact,
		[{ type: 'replace', path: 'Patient.contact[0].gender', value: { valueCode: 'female' } }],
		contact.replace('male', 'female'),
	],
	[
		'replace a nested primitive without index',
		contact,
		[{ type: 'replace', path: 'Patient.contact.gender', value: { valueCode: 'female' } }],
		contact.replace('male', 'female'),
	],
	['delete a nested primitive', contact, [{ type: 'delete', path: 'Patient.contact[0].gender' }], contact.replace(',"gender":"male"', '')],
	[
		'add a nested primitive',
		'{"resourceType":"Patient","contact":[{"name":{"text":"N"}}]}',
		[{ type: 'add', path: 'Patient.contact[0]', name: 'gender', value: { valueCode: 'male' } }],
		contact,
	],
	[
		'add a complex value',
		'{"resourceType":"Patient"}',
		[{ type: 'add', path: 'Patient', name: 'maritalStatus', value: { valueCodeableConcept: { text: 'M' } } }],
		'{"resourceType":"Patient","maritalStatus":{"text":"M"}}',
	],
	[
		'replace a complex value',
		'{"resourceType":"Patient","maritalStatus":{"text":"M"}}',
		[{ type: 'replace', path: 'Patient.maritalStatus', value: { valueCodeableConcept: { text: 'S' } } }],
		'{"resourceType":"Patient","maritalStatus":{"text":"S"}}',
	],
	[
		'delete a complex value',
		'{"resourceType":"Patient","id":"1","maritalStatus":{"text":"M"}}',
		[{ type: 'delete', path: 'Patient.maritalStatus' }],
		'{"resourceType":"Patient","id":"1"}',
	],
	[
		'add to a list',
		patient,
		[{ type: 'add', path: 'Patient', name: 'identifier', value: { valueIdentifier: { value: 'd' } } }],
		patient.replace('{"value":"c"}', '{"value":"c"},{"value":"d"}'),
	],
	[
		'start a list',
		'{"resourceType":"Patient"}',
		[{ type: 'add', path: 'Patient', name: 'name', value: { valueHumanName: { text: 'N' } } }],
		'{"resourceType":"Patient","name":[{"text":"N"}]}',
	],
	[
		'add an anonymous type',
		'{"resourceType":"Patient"}',
		[
			{
				type: 'add',
				path: 'Patient',
				name: 'contact',
				value: {
					part: [
						{ name: 'name', valueHumanName: { text: 'N' } },
						{ name: 'gender', valueCode: 'male' },
					],
				},
			},
		],
		contact,
	],
	[
		'parts within parts, and repeated',
		'{"resourceType":"Questionnaire"}',
		[
			{
				type: 'add',
				path: 'Questionnaire',
				name: 'item',
				value: {
					part: [
						{ name: 'linkId', valueString: '1' },
						{ name: 'item', part: [{ name: 'linkId', valueString: '2' }] },
						{ name: 'item', part: [{ name: 'linkId', valueString: '3' }] },
					],
				},
			},
		],
		'{"resourceType":"Questionnaire","item":[{"linkId":"1","item":[{"linkId":"2"},{"linkId":"3"}]}]}',
	],
	[
		'a part that is a choice',
		'{"resourceType":"Observation","status":"final"}',
		[{ type: 'add', path: 'Observation', name: 'component', value: { part: [{ name: 'value', valueString: 'x' }] } }],
		'{"resourceType":"Observation","status":"final","component":[{"valueString":"x"}]}',
	],
	[
		'delete an anonymous type',
		contact.replace('{', '{"id":"1",'),
		[{ type: 'delete', path: 'Patient.contact[0]' }],
		'{"id":"1","resourceType":"Patient"}',
	],
	[
		'insert at the start',
		patient,
		[{ type: 'insert', path: 'Patient.identifier', index: 0, value: { valueIdentifier: { value: 'x' } } }],
		patient.replace('{"value":"a"}', '{"value":"x"},{"value":"a"}'),
	],
	[
		'insert in the middle',
		patient,
		[{ type: 'insert', path: 'Patient.identifier', index: 2, value: { valueIdentifier: { value: 'x' } } }],
		patient.replace('{"value":"c"}', '{"value":"x"},{"value":"c"}'),
	],
	[
		'insert at the end',
		patient,
		[{ type: 'insert', path: 'Patient.identifier', index: 3, value: { valueIdentifier: { value: 'x' } } }],
		patient.replace('{"value":"c"}', '{"value":"c"},{"value":"x"}'),
	],
	[
		'insert into a list that is not there',
		'{"resourceType":"Patient"}',
		[{ type: 'insert', path: 'Patient.name', index: 0, value: { valueHumanName: { text: 'N' } } }],
		'{"resourceType":"Patient","name":[{"text":"N"}]}',
	],
	['delete from a list', patient, [{ type: 'delete', path: 'Patient.identifier[1]' }], patient.replace('{"value":"b"},', '')],
	[
		'delete from a list by criterion',
		patient,
		[{ type: 'delete', path: "Patient.identifier.where(value = 'c')" }],
		patient.replace(',{"value":"c"}', ''),
	],
	[
		'replace in a list',
		patient,
		[{ type: 'replace', path: 'Patient.identifier[1]', value: { valueIdentifier: { value: 'x' } } }],
		patient.replace('"b"', '"x"'),
	],
	[
		'replace within a list',
		patient,
		[{ type: 'replace', path: "Patient.identifier.where(value='b').value", value: { valueString: 'x' } }],
		patient.replace('"b"', '"x"'),
	],
	[
		'move back',
		patient,
		[{ type: 'move', path: 'Patient.identifier', source: 2, destination: 0 }],
		patient.replace('{"value":"a"},{"value":"b"},{"value":"c"}', '{"value":"c"},{"value":"a"},{"value":"b"}'),
	],
	[
		'move on',
		patient,
		[{ type: 'move', path: 'Patient.identifier', source: 0, destination: 1 }],
		patient.replace('{"value":"a"},{"value":"b"}', '{"value":"b"},{"value":"a"}'),
	],
	[
		'several operations, each on the result of the last',
		patient,
		[
			{ type: 'insert', path: 'Patient.identifier', index: 1, value: { valueIdentifier: { value: 'x' } } },
			{ type: 'move', path: 'Patient.identifier', source: 3, destination: 0 },
			{ type: 'delete', path: 'Patient.identifier[1]' },
		],
		patient.replace('{"value":"a"},{"value":"b"},{"value":"c"}', '{"value":"c"},{"value":"x"},{"value":"b"}'),
	],
	[
		'the last of a list goes with the list',
		'{"resourceType":"Patient","id":"1","name":[{"text":"N"}]}',
		[{ type: 'delete', path: 'Patient.name[0].text' }],
		'{"resourceType":"Patient","id":"1"}',
	],
	[
		'a choice by its name',
		observation,
		[{ type: 'replace', path: 'Observation.value.unit', value: { valueString: 'mg' } }],
		observation.replace('"g"', '"mg"'),
	],
	[
		'a choice by its type',
		observation,
		[{ type: 'replace', path: 'Observation.value.ofType(Quantity).value', value: { valueDecimal: 2.5 } }],
		observation.replace('1.10', '2.5'),
	],
	[
		'a choice by its JSON name',
		observation,
		[{ type: 'replace', path: 'Observation.valueQuantity.unit', value: { valueString: 'mg' } }],
		observation.replace('"g"', '"mg"'),
	],
	[
		'a choice of another type',
		observation,
		[{ type: 'replace', path: 'Observation.value', value: { valueString: 'none' } }],
		observation.replace('"valueQuantity":{"value":1.10,"unit":"g"},', '').replace(/}$/, ',"valueString":"none"}'),
	],
	[
		'add a choice',
		'{"resourceType":"Observation","status":"final"}',
		[{ type: 'add', path: 'Observation', name: 'value', value: { valueBoolean: true } }],
		'{"resourceType":"Observation","status":"final","valueBoolean":true}',
	],
	[
		'add a choice by its JSON name',
		'{"resourceType":"Observation","status":"final"}',
		[{ type: 'add', path: 'Observation', name: 'valueBoolean', value: { valueBoolean: true } }],
		'{"resourceType":"Observation","status":"final","valueBoolean":true}',
	],
	['as()', observation, [{ type: 'delete', path: '(Observation.value as Quantity).unit' }], observation.replace(',"unit":"g"', '')],
	[
		'decimals keep their digits',
		observation,
		[{ type: 'delete', path: 'Observation.component[0]' }],
		observation.replace(',"component":[{"valueString":"x"}]', ''),
	],
	[
		'a primitive of a list, with its sibling',
		names,
		[{ type: 'delete', path: 'Patient.name[0].given[1]' }],
		names.replace(',"B"', '').replace(',"_given":[null,{"id":"g"}]', ''),
	],
	[
		'primitives move with their siblings',
		names,
		[{ type: 'move', path: 'Patient.name[0].given', source: 1, destination: 0 }],
		names.replace('"A","B"', '"B","A"').replace('null,{"id":"g"}', '{"id":"g"},null'),
	],
	[
		'a primitive into a list with siblings',
		names,
		[{ type: 'insert', path: 'Patient.name[0].given', index: 0, value: { valueString: 'X' } }],
		names.replace('"A"', '"X","A"').replace('[null', '[null,null'),
	],
	[
		'a primitive replaced goes with its sibling',
		names,
		[{ type: 'replace', path: 'Patient.name[0].given[1]', value: { valueString: 'X' } }],
		names.replace('"B"', '"X"').replace(',"_given":[null,{"id":"g"}]', ''),
	],
	[
		'a primitive brings its extensions',
		'{"resourceType":"Patient"}',
		[{ type: 'add', path: 'Patient', name: 'birthDate', value: { valueDate: '2000', _valueDate: { id: 'b' } } }],
		'{"resourceType":"Patient","birthDate":"2000","_birthDate":{"id":"b"}}',
	],
	[
		'an extension on a primitive',
		patient,
		[{ type: 'add', path: 'Patient.birthDate', name: 'extension', value: { valueExtension: { url: 'u', valueCode: 'c' } } }],
		patient.replace(/}$/, ',"_birthDate":{"extension":[{"url":"u","valueCode":"c"}]}}'),
	],
	[
		'an extension on a primitive of a list',
		names,
		[{ type: 'add', path: 'Patient.name[0].given[0]', name: 'id', value: { valueString: 'f' } }],
		names.replace('[null', '[{"id":"f"}'),
	],
	[
		'an extension in parts',
		'{"resourceType":"Patient"}',
		[
			{
				type: 'add',
				path: 'Patient',
				name: 'extension',
				value: {
					part: [
						{ name: 'url', valueUri: 'u' },
						{ name: 'value', valueInteger: 3 },
					],
				},
			},
		],
		'{"resourceType":"Patient","extension":[{"url":"u","valueInteger":3}]}',
	],
	[
		'extension(url)',
		'{"resourceType":"Patient","extension":[{"url":"u","valueCode":"a"},{"url":"v","valueCode":"b"}]}',
		[{ type: 'replace', path: "Patient.extension('v').value", value: { valueCode: 'c' } }],
		'{"resourceType":"Patient","extension":[{"url":"u","valueCode":"a"},{"url":"v","valueCode":"c"}]}',
	],
	[
		'first(), last(), tail(), skip(), take(), single()',
		patient,
		[
			{ type: 'delete', path: 'Patient.identifier.first()' },
			{ type: 'delete', path: 'Patient.identifier.last().value' },
			{ type: 'replace', path: 'Patient.identifier.take(1).single().value', value: { valueString: 'x' } },
			{ type: 'delete', path: 'Patient.identifier.skip(1)' },
			{ type: 'delete', path: 'Patient.identifier.tail()' },
		],
		'{"resourceType":"Patient","identifier":[{"value":"x"}],"birthDate":"1920-01-01"}',
	],
	['a path without the type', patient, [{ type: 'delete', path: 'birthDate' }], patient.replace(',"birthDate":"1920-01-01"', '')],
	['%resource', patient, [{ type: 'delete', path: '%resource.birthDate' }], patient.replace(',"birthDate":"1920-01-01"', '')],
	[
		'a contained resource',
		'{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"O"}]}',
		[{ type: 'replace', path: "Patient.contained.where(id='o').name", value: { valueString: 'P' } }],
		'{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"P"}]}',
	],
	[
		'a resource as value',
		'{"resourceType":"Patient"}',
		[{ type: 'add', path: 'Patient', name: 'contained', value: { resource: { resourceType: 'Basic', id: 'b' } } }],
		'{"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"b"}]}',
	],
	[
		'a string for a code',
		patient,
		[{ type: 'add', path: 'Patient', name: 'gender', value: { valueString: 'male' } }],
		patient.replace(/}$/, ',"gender":"male"}'),
	],
	[
		'criteria on other elements',
		names,
		[{ type: 'replace', path: "Patient.name.where(use = 'usual' and family.exists()).family", value: { valueString: 'V' } }],
		names.replace('"U"', '"V"'),
	],
];
for (const [name, before, operations, expected] of applied) {
	test(`FHIRPath Patch: ${name}`, () => {
		const resource = parse(before);
		const parameters = parametersOf(operations);
		const patch = JSON.stringify(parameters);
		assert.equal(JSON.stringify(applyFhirPathPatch(resource, parameters, definitions)), expected);
		assert.equal(JSON.stringify(resource), JSON.stringify(parse(before)), 'the resource given is not changed');
		assert.equal(JSON.stringify(parameters), patch, 'the patch is not changed');
		// A patch that came as XML says the same.
		if (/_value|valueExtension/.test(patch)) return;
		assert.equal(JSON.stringify(applyFhirPathPatch(resource, fromXml(toXml(patch)), definitions)), expected);
	});
}

const add = (name: string, value: object, path = 'Patient'): Parts => ({ type: 'add', path, name, value });
const refused: readonly (readonly [string, unknown, number, string, RegExp])[] = [
	['no Parameters', { resourceType: 'Patient' }, 400, 'patch-malformed', /Parameters resource/],
	['no list', { resourceType: 'Parameters', parameter: {} }, 400, 'patch-malformed', /list/],
	['another parameter', { resourceType: 'Parameters', parameter: [{ name: 'op', part: [] }] }, 400, 'patch-malformed', /named "operation"/],
	['no parts', { resourceType: 'Parameters', parameter: [{ name: 'operation' }] }, 400, 'patch-malformed', /no parts/],
	[
		'an unknown part',
		{ resourceType: 'Parameters', parameter: [{ name: 'operation', part: [{ name: 'x' }] }] },
		400,
		'patch-malformed',
		/its parts are/,
	],
	[
		'a part twice',
		{
			resourceType: 'Parameters',
			parameter: [
				{
					name: 'operation',
					part: [
						{ name: 'path', valueString: 'a' },
						{ name: 'path', valueString: 'a' },
					],
				},
			],
		},
		400,
		'patch-malformed',
		/twice/,
	],
	[
		'no path',
		{ resourceType: 'Parameters', parameter: [{ name: 'operation', part: [{ name: 'type', valueCode: 'add' }] }] },
		400,
		'patch-malformed',
		/no path/,
	],
	['an unknown type', [{ type: 'upsert', path: 'Patient' }], 400, 'patch-malformed', /none of add, insert/],
	['a path that is no FHIRPath', [{ type: 'delete', path: 'Patient..name' }], 400, 'fhirpath-syntax', /./],
	['a path that computes', [{ type: 'delete', path: 'Patient.name | Patient.contact' }], 400, 'patch-malformed', /more than steps/],
	[
		'a path to another resource',
		[{ type: 'delete', path: 'Patient.managingOrganization.resolve().name' }],
		400,
		'patch-malformed',
		/more than steps/,
	],
	['children()', [{ type: 'delete', path: 'Patient.children()' }], 400, 'patch-malformed', /more than steps/],
	['a path without end', [{ type: 'delete', path: `Patient${'.extension'.repeat(1000)}` }], 400, 'patch-malformed', /more than 2000/],
	['a path of brackets', [{ type: 'delete', path: `${'('.repeat(1900)}Patient` }], 400, 'fhirpath-syntax', /./],
	['a literal', [{ type: 'delete', path: "'Patient'" }], 400, 'patch-malformed', /more than steps/],
	['another type of resource', [{ type: 'delete', path: 'Observation.status' }], 422, 'patch-not-applicable', /Patient, not a Observation/],
	[
		'an unknown element in the path',
		[{ type: 'delete', path: 'Patient.nick' }],
		422,
		'patch-not-applicable',
		/Patient has no element "nick"/,
	],
	['an unknown element to add', [add('nick', { valueString: 'x' })], 422, 'patch-not-applicable', /Patient has no element "nick"/],
	['__proto__ to add', [add('__proto__', { valueString: 'x' })], 422, 'patch-not-applicable', /no element/],
	['no name to add', [{ type: 'add', path: 'Patient', value: { valueString: 'x' } }], 400, 'patch-malformed', /name of the element/],
	['no value', [{ type: 'add', path: 'Patient', name: 'gender' }], 400, 'patch-malformed', /no value/],
	['a value that is empty', [add('gender', {})], 400, 'patch-malformed', /no value/],
	[
		'a value of a wrong type',
		[add('gender', { valueCodeableConcept: {} })],
		422,
		'patch-not-applicable',
		/takes code and not CodeableConcept/,
	],
	['a boolean for a code', [add('gender', { valueBoolean: true })], 422, 'patch-not-applicable', /takes code/],
	['a choice of a type it does not have', [add('deceased', { valueString: 'x' })], 422, 'patch-not-applicable', /takes boolean, dateTime/],
	['a choice named for another type', [add('deceasedBoolean', { valueDateTime: '2000' })], 422, 'patch-not-applicable', /takes boolean/],
	['parts for a primitive', [add('gender', { part: [{ name: 'x' }] })], 422, 'patch-not-applicable', /in parts/],
	[
		'an unknown part of a value',
		[add('contact', { part: [{ name: 'nick', valueString: 'x' }] })],
		422,
		'patch-not-applicable',
		/Patient\.contact has no element/,
	],
	[
		'a single part twice',
		[
			add('contact', {
				part: [
					{ name: 'gender', valueCode: 'male' },
					{ name: 'gender', valueCode: 'male' },
				],
			}),
		],
		422,
		'patch-not-applicable',
		/only once/,
	],
	['a resource where none may be', [add('name', { resource: { resourceType: 'Basic' } })], 422, 'patch-not-applicable', /this resource/],
	[
		'something that is no resource',
		[add('contained', { resource: { resourceType: 'Nonsense' } })],
		422,
		'patch-not-applicable',
		/this resource/,
	],
	['adding what is there', [add('birthDate', { valueDate: '2000' })], 422, 'patch-not-applicable', /already has/],
	['adding to nothing', [add('family', { valueString: 'x' }, 'Patient.name')], 422, 'patch-not-applicable', /finds nothing/],
	['adding to several', [add('system', { valueUri: 'x' }, 'Patient.identifier')], 422, 'patch-not-applicable', /finds 3 elements/],
	[
		'replacing nothing',
		[{ type: 'replace', path: 'Patient.gender', value: { valueCode: 'male' } }],
		422,
		'patch-not-applicable',
		/finds nothing/,
	],
	[
		'replacing several',
		[{ type: 'replace', path: 'Patient.identifier', value: { valueIdentifier: {} } }],
		422,
		'patch-not-applicable',
		/finds 3 elements/,
	],
	[
		'replacing the whole',
		[{ type: 'replace', path: 'Patient', value: { resource: { resourceType: 'Patient' } } }],
		422,
		'patch-not-applicable',
		/as a whole/,
	],
	['deleting several', [{ type: 'delete', path: 'Patient.identifier' }], 422, 'patch-not-applicable', /finds 3 elements/],
	['deleting the whole', [{ type: 'delete', path: 'Patient' }], 422, 'patch-not-applicable', /as a whole/],
	['single() of several', [{ type: 'delete', path: 'Patient.identifier.single()' }], 422, 'patch-not-applicable', /single\(\)/],
	[
		'inserting without index',
		[{ type: 'insert', path: 'Patient.identifier', value: { valueIdentifier: {} } }],
		400,
		'patch-malformed',
		/"index"/,
	],
	[
		'inserting at a broken index',
		[{ type: 'insert', path: 'Patient.identifier', index: 1.5, value: { valueIdentifier: {} } }],
		400,
		'patch-malformed',
		/"index"/,
	],
	[
		'inserting before the start',
		[{ type: 'insert', path: 'Patient.identifier', index: -1, value: { valueIdentifier: {} } }],
		400,
		'patch-malformed',
		/"index"/,
	],
	[
		'inserting beyond the end',
		[{ type: 'insert', path: 'Patient.identifier', index: 4, value: { valueIdentifier: {} } }],
		422,
		'patch-not-applicable',
		/3 elements/,
	],
	[
		'inserting into what is no list',
		[{ type: 'insert', path: 'Patient.birthDate', index: 0, value: { valueDate: '2000' } }],
		422,
		'patch-not-applicable',
		/not a list/,
	],
	[
		'inserting into an element of a list',
		[{ type: 'insert', path: 'Patient.identifier[0]', index: 0, value: { valueIdentifier: {} } }],
		400,
		'patch-malformed',
		/does not name a list/,
	],
	[
		'inserting into lists of several',
		[{ type: 'insert', path: 'Patient.identifier.extension', index: 0, value: { valueExtension: {} } }],
		422,
		'patch-not-applicable',
		/exactly one/,
	],
	[
		'moving from beyond the end',
		[{ type: 'move', path: 'Patient.identifier', source: 3, destination: 0 }],
		422,
		'patch-not-applicable',
		/none at 3/,
	],
	[
		'moving to beyond the end',
		[{ type: 'move', path: 'Patient.identifier', source: 0, destination: 3 }],
		422,
		'patch-not-applicable',
		/none at 3/,
	],
	['moving without source', [{ type: 'move', path: 'Patient.identifier', destination: 0 }], 400, 'patch-malformed', /"source"/],
	['moving in nothing', [{ type: 'move', path: 'Patient.name', source: 0, destination: 0 }], 422, 'patch-not-applicable', /0 elements/],
	[
		'the second operation',
		[
			{ type: 'delete', path: 'Patient.birthDate' },
			{ type: 'delete', path: 'Patient.nick' },
		],
		422,
		'patch-not-applicable',
		/^Operation 2/,
	],
];
for (const [name, given, status, code, expected] of refused) {
	test(`FHIRPath Patch is refused: ${name}`, () => {
		const parameters = Array.isArray(given) ? parametersOf(given as Parts[]) : (given as Resource);
		assert.throws(
			() => applyFhirPathPatch(parse(patient), parameters, definitions),
			(error) => {
				assert.ok(error instanceof Problem, (error as Error).stack);
				assert.deepEqual([error.status, error.code], [status, code]);
				assert.match(error.text, expected);
				return true;
			},
		);
	});
}

test('a great many operations on a long list are refused instead of keeping the server busy', () => {
	const resource: Resource = { resourceType: 'Patient', identifier: Array.from({ length: 5000 }, (_, n) => ({ value: String(n) })) };
	const operations = Array.from({ length: 5000 }, (_, n) => ({
		type: 'replace',
		path: `Patient.identifier[${n}].value`,
		value: { valueString: 'x' },
	}));
	assert.throws(() => applyFhirPathPatch(resource, parametersOf(operations), definitions), /patch-too-large/);
});

test('a label for the path says nothing', () => {
	const parameters = parametersOf([{ type: 'delete', path: 'Patient.birthDate' }]);
	(parameters.parameter as { part: object[] }[])[0]?.part.push({ name: 'pathLabel', valueString: 'Born' });
	assert.equal(applyFhirPathPatch(parse(patient), parameters, definitions).birthDate, undefined);
});

test('random patches end in a resource or a Problem, and never change what they were given', () => {
	const random = createRandom(33);
	const paths = [
		'Patient',
		'Patient.name',
		'Patient.name[0]',
		'Patient.name.given',
		'Patient.name[0].given[1]',
		"Patient.name.where(use='usual')",
		'Patient.name[0].given[0].extension',
		'Patient.birthDate',
		'Patient.deceased',
		'Patient.contained',
		'nick',
	];
	const values = [
		{ valueString: 'x' },
		{ valueHumanName: { given: ['C', null], _given: [null, { id: 'z' }] } },
		{ valueExtension: { url: 'u' } },
		{ valueBoolean: true },
		{ valueDate: '2000' },
		{ part: [{ name: 'given', valueString: 'D' }] },
		{ resource: { resourceType: 'Basic' } },
		{},
		{ valueHumanName: 5 },
		{ valueHumanName: null },
		{ valueHumanName: [null, 'x'] },
		{ valueString: { a: 1 } },
		{ valueExtension: 'u', _valueExtension: 3 },
		{ part: [null] },
		{ part: [{ name: 'given', valueString: [] }] },
	];
	let done = 0;
	for (let round = 0; round < 3000; round++) {
		const operations = Array.from({ length: random.between(1, 3) }, () => ({
			type: random.pick(['add', 'insert', 'delete', 'replace', 'move']),
			path: random.pick(paths),
			name: random.pick(['name', 'given', 'extension', 'birthDate', 'deceased', 'contained', 'id', 'nick']),
			value: random.pick(values),
			index: random.below(3),
			source: random.below(3),
			destination: random.below(3),
		}));
		const resource = parse(names);
		try {
			const after = applyFhirPathPatch(resource, parametersOf(operations), definitions);
			assert.doesNotMatch(JSON.stringify(after), /\[\]|\{\}/);
			done++;
		} catch (error) {
			assert.ok(error instanceof Problem && [400, 422].includes(error.status), (error as Error).stack);
		}
		assert.equal(JSON.stringify(resource), names);
	}
	assert.ok(done > 100, String(done));
});
