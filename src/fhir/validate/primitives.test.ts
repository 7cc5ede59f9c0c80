import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { Decimal } from '#fhir/wire/decimal.ts';
import { primitiveForms, primitiveTests } from './primitives.ts';

/** Values that are right and wrong for each type, https://hl7.org/fhir/R4/datatypes.html#primitive. */
const cases: Readonly<Record<string, readonly [right: readonly unknown[], wrong: readonly unknown[]]>> = {
	boolean: [
		[true, false],
		['true', 0, 1, null],
	],
	integer: [
		[0, -1, 2_147_483_647, -2_147_483_648],
		[1.5, 2_147_483_648, '1', -0, new Decimal('1.0'), Number.NaN],
	],
	positiveInt: [
		[1, 2_147_483_647],
		[0, -1, 1.1],
	],
	unsignedInt: [
		[0, 2_147_483_647],
		[-1, 2_147_483_648],
	],
	decimal: [
		[0, -1.5, 1e-7, new Decimal('1.00'), new Decimal('123456789012345678.9')],
		['1', Number.POSITIVE_INFINITY, Number.NaN],
	],
	string: [
		['a', ' a\n\tb\r', 'ä 😀', ' ', 'a'.repeat(1_048_576)],
		['', 'a\u0000', '\u0007', '\ud83d', 'a'.repeat(1_048_577), 7],
	],
	markdown: [['# a\n\n* b'], ['', '\u0001']],
	code: [
		['a', 'a b', 'a-b.c', '*'],
		['', ' a', 'a ', 'a  b', 'a\u0000'],
	],
	id: [
		['a', 'A-1.b', 'x'.repeat(64)],
		['', 'a_b', 'a b', 'x'.repeat(65), 'ä'],
	],
	uri: [
		['http://a.b/c?d=e#f', 'urn:uuid:x', 'a', '#'],
		['', 'a b', 'a\n'],
	],
	url: [['https://a.b'], ['https://a. b']],
	canonical: [['http://a.b/c|1.0#x'], ['http://a b']],
	oid: [
		['urn:oid:1.2.840.0', 'urn:oid:2.999'],
		['1.2.3', 'urn:oid:3.1', 'urn:oid:1.02', 'urn:oid:1'],
	],
	uuid: [
		['urn:uuid:c757873d-ec9a-4326-a141-556f43239520'],
		['urn:uuid:C757873D-EC9A-4326-A141-556F43239520', 'c757873d-ec9a-4326-a141-556f43239520'],
	],
	date: [
		['2024', '0001', '2024-12', '2024-02-29', '2000-02-29', '1999-12-31'],
		[
			'24',
			'0000',
			'2024-13',
			'2024-00',
			'2024-1',
			'2023-02-29',
			'1900-02-29',
			'2024-04-31',
			'2024-12-00',
			'2024-12-31T',
			'2024-',
			'20241231',
			' 2024',
		],
	],
	dateTime: [
		['2024', '2024-12', '2024-02-29', '2024-02-29T23:59:60Z', '2024-02-29T00:00:00+14:00', '2024-02-29T00:00:00.123456-13:59'],
		[
			'2024-02T10:00:00Z',
			'2024-02-29T10:00:00',
			'2024-02-29T10:00Z',
			'2024-02-29T24:00:00Z',
			'2024-02-29T10:60:00Z',
			'2024-02-29T10:00:61Z',
			'2024-02-29T10:00:00.Z',
			'2024-02-29T10:00:00+14:01',
			'2024-02-29T10:00:00+1:00',
			'2024-02-29T10:00:00z',
			'2024-02-29 10:00:00Z',
			'2024-02-30T10:00:00Z',
		],
	],
	instant: [
		['2024-02-29T10:00:00Z', '2024-02-29T10:00:00.1+01:00'],
		['2024', '2024-02-29', '2024-02-29T10:00:00'],
	],
	time: [
		['00:00:00', '23:59:59.999'],
		['24:00:00', '10:00', '10:00:00Z', '10:00:00.', '1:00:00'],
	],
	base64Binary: [
		['AAAA', 'AAA=', 'AA==', 'AA AA\nAAAA', '+/+/'],
		['', 'A', 'AAA', 'A===', 'AA=A', '====', '-_-_', ' '],
	],
	xhtml: [['<div xmlns="http://www.w3.org/1999/xhtml">a</div>'], ['a', '<p>a</p>', '<div>a</div>']],
};

describe('primitive types', () => {
	for (const [type, [right, wrong]] of Object.entries(cases))
		it(type, () => {
			for (const value of right) assert.equal(primitiveTests[type]?.(value), true, `${value} is a ${type}`);
			for (const value of [...wrong, undefined, null, {}, []]) assert.equal(primitiveTests[type]?.(value), false, `${value} is no ${type}`);
		});

	it('are all known, with words for what they look like', () => {
		const definitions = loadDefinitions();
		for (const type of Object.keys(primitiveTests)) {
			assert.equal(definitions.structure(type)?.kind, 'primitive-type');
			assert.ok(primitiveForms[type] !== undefined && cases[type] !== undefined, type);
		}
		assert.equal(Object.keys(primitiveTests).length, 20);
	});
});
