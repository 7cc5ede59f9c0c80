import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { anyResource } from '#testing/any-resource.ts';
import { mutate } from '#testing/mutate.ts';
import { createRandom } from '#testing/random.ts';
import { parseResource } from './body.ts';
import { shapeOf } from './shapes.ts';
import { fromXml, toXml } from './xml.ts';

const definitions = loadDefinitions();

test('resources of every type come back from XML as they were', () => {
	const random = createRandom(3);
	for (const type of definitions.resourceTypes) {
		for (let round = 0; round < 4; round++) {
			const resource = anyResource(definitions, random, type);
			const text = JSON.stringify(resource);
			for (const back of [fromXml(toXml(text)), fromXml(toXml(text, true))])
				assert.equal(JSON.stringify(sorted(back)), JSON.stringify(sorted(resource)));
		}
	}
});

test('every type that an element may have has a shape', () => {
	const seen = new Set<string>(definitions.resourceTypes);
	for (const type of seen) {
		const shape = shapeOf(type);
		assert.ok(shape !== undefined && shape.size > 0, type);
		for (const child of shape.values()) if (child.kind === 'complex') seen.add(child.type);
	}
	assert.ok(seen.size > 600, String(seen.size));
});

/** The same with the names of every object in alphabetical order. */
function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (typeof value !== 'object' || value === null || value instanceof Number) return value;
	const entries = Object.entries(value).map(([name, inner]) => [name, sorted(inner)] as const);
	return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

const xmlns = 'xmlns="http://hl7.org/fhir"';
const xhtml = 'xmlns="http://www.w3.org/1999/xhtml"';
const head = '<?xml version="1.0" encoding="UTF-8"?>';

/** Both directions give exactly the other. */
const pairs: readonly (readonly [string, string, string])[] = [
	['an empty resource', '{"resourceType":"Patient"}', `<Patient ${xmlns}></Patient>`],
	[
		'booleans, integers and decimals',
		'{"resourceType":"Observation","valueQuantity":{"value":1.10}}',
		`<Observation ${xmlns}><valueQuantity><value value="1.10"/></valueQuantity></Observation>`,
	],
	[
		'choices',
		'{"resourceType":"Patient","deceasedBoolean":false,"multipleBirthInteger":0}',
		`<Patient ${xmlns}><deceasedBoolean value="false"/><multipleBirthInteger value="0"/></Patient>`,
	],
	[
		'special characters in values',
		'{"resourceType":"Patient","id":"a<b>&\\"\'\\n\\t\\rü😀"}',
		`<Patient ${xmlns}><id value="a&lt;b&gt;&amp;&quot;'&#xA;&#x9;&#xD;ü😀"/></Patient>`,
	],
	[
		'extensions on primitives, with and without value',
		'{"resourceType":"Patient","name":[{"given":["A",null,"C"],"_given":[null,{"id":"g","extension":[{"url":"u","valueCode":"x"}]},{"id":"h"}]}],"_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}}',
		`<Patient ${xmlns}><name><given value="A"/><given id="g"><extension url="u"><valueCode value="x"/></extension></given><given id="h" value="C"/></name><birthDate><extension url="u"><valueCode value="x"/></extension></birthDate></Patient>`,
	],
	[
		'repeated primitives that all have no value',
		'{"resourceType":"Patient","name":[{"_given":[{"id":"a"},{"id":"b"}]}]}',
		`<Patient ${xmlns}><name><given id="a"/><given id="b"/></name></Patient>`,
	],
	[
		'nested extensions',
		'{"resourceType":"Patient","extension":[{"id":"1","url":"u","extension":[{"url":"v","valueCoding":{"code":"c"}}]},{"url":"w"}]}',
		`<Patient ${xmlns}><extension id="1" url="u"><extension url="v"><valueCoding><code value="c"/></valueCoding></extension></extension><extension url="w"/></Patient>`,
	],
	[
		'a narrative, with its blanks, and contained resources',
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div ${xhtml.replaceAll('"', '\\"')}><p>1 &lt; 2<br/> <b>x</b> y</p></div>"},"contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Basic"}]}`,
		`<Patient ${xmlns}><text><status value="generated"/><div ${xhtml}><p>1 &lt; 2<br/> <b>x</b> y</p></div></text><contained><Organization><id value="o"/></Organization></contained><contained><Basic></Basic></contained></Patient>`,
	],
	[
		'a bundle',
		'{"resourceType":"Bundle","type":"batch","entry":[{"link":[{"relation":"a","url":"b"}],"fullUrl":"urn:uuid:1","resource":{"resourceType":"Binary","contentType":"a/b","data":"AAAA"},"request":{"method":"PUT","url":"Patient/1?a=b&c=d"}},{"response":{"status":"200","outcome":{"resourceType":"OperationOutcome"}}}]}',
		`<Bundle ${xmlns}><type value="batch"/><entry><link><relation value="a"/><url value="b"/></link><fullUrl value="urn:uuid:1"/><resource><Binary><contentType value="a/b"/><data value="AAAA"/></Binary></resource><request><method value="PUT"/><url value="Patient/1?a=b&amp;c=d"/></request></entry><entry><response><status value="200"/><outcome><OperationOutcome></OperationOutcome></outcome></response></entry></Bundle>`,
	],
	[
		'parameters',
		'{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient"}},{"name":"b","part":[{"name":"c","valueDecimal":1.0},{"name":"d","part":[{"name":"e","valueUri":"u"}]}]}]}',
		`<Parameters ${xmlns}><parameter><name value="a"/><resource><Patient></Patient></resource></parameter><parameter><name value="b"/><part><name value="c"/><valueDecimal value="1.0"/></part><part><name value="d"/><part><name value="e"/><valueUri value="u"/></part></part></parameter></Parameters>`,
	],
	[
		'elements defined by reference to others',
		'{"resourceType":"Questionnaire","item":[{"linkId":"1","item":[{"linkId":"2","item":[{"linkId":"3"}]}]}]}',
		`<Questionnaire ${xmlns}><item><linkId value="1"/><item><linkId value="2"/><item><linkId value="3"/></item></item></item></Questionnaire>`,
	],
];
for (const [name, json, xml] of pairs) {
	test(`both ways: ${name}`, () => {
		assert.equal(toXml(json), head + xml);
		assert.equal(JSON.stringify(fromXml(head + xml)), json);
	});
}

test('elements are written in the order of the definitions, whatever the order in JSON', () => {
	assert.equal(
		toXml('{"birthDate":"2000","_id":{"extension":[{"url":"u"}]},"resourceType":"Patient","name":[{"given":["G"],"family":"F"}],"id":"1"}'),
		`${head}<Patient ${xmlns}><id value="1"><extension url="u"/></id><name><family value="F"/><given value="G"/></name><birthDate value="2000"/></Patient>`,
	);
});

const read: readonly (readonly [string, string, string])[] = [
	[
		'comments and processing instructions',
		`<?xml-stylesheet href="a"?><!-- a --><Patient ${xmlns}><!-- b --><id value="1"/><?x y?></Patient><!-- c -->`,
		'{"resourceType":"Patient","id":"1"}',
	],
	[
		'any order',
		`<Patient ${xmlns}><birthDate value="2000"/><id value="1"/></Patient>`,
		'{"resourceType":"Patient","birthDate":"2000","id":"1"}',
	],
	['prefixes', '<f:Patient xmlns:f="http://hl7.org/fhir"><f:id value="1"/></f:Patient>', '{"resourceType":"Patient","id":"1"}'],
	[
		'a schema location',
		`<Patient ${xmlns} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"><id value="1"/></Patient>`,
		'{"resourceType":"Patient","id":"1"}',
	],
	['character references', `<Patient ${xmlns}><id value="&#65;&#x1F600;&apos;"/></Patient>`, '{"resourceType":"Patient","id":"A😀\'"}'],
	['a byte order mark', `\ufeff<Patient ${xmlns}><id value="1"/></Patient>`, '{"resourceType":"Patient","id":"1"}'],
	[
		'wrong primitives as they stand, for the validator to name',
		`<Patient ${xmlns}><active value="yes"/><multipleBirthInteger value="two"/><id value=""/></Patient>`,
		'{"resourceType":"Patient","active":"yes","multipleBirthInteger":"two","id":""}',
	],
	[
		'a narrative whose namespace comes from outside',
		'<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="http://www.w3.org/1999/xhtml"><f:text><div>a</div></f:text></f:Patient>',
		'{"resourceType":"Patient","text":{"div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">a</div>"}}',
	],
	[
		'a narrative with other line ends and CDATA',
		`<Patient ${xmlns}><text><div ${xhtml}>a\r\nb<![CDATA[<c>]]></div></text></Patient>`,
		`{"resourceType":"Patient","text":{"div":"<div ${xhtml.replaceAll('"', '\\"')}>a\\nb<![CDATA[<c>]]></div>"}}`,
	],
];
for (const [name, xml, json] of read) {
	test(`reads ${name}`, () => assert.equal(JSON.stringify(fromXml(xml)), json));
}

const bomb = `<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Patient ${xmlns}><id value="&b;"/></Patient>`;
const refused: readonly (readonly [string, string, string, RegExp])[] = [
	['nothing', '', 'xml-malformed', /root element/],
	['JSON', '{"resourceType":"Patient"}', 'xml-malformed', /line 1, column/],
	['an entity bomb', bomb, 'xml-malformed', /DOCTYPE/],
	[
		'an external entity',
		`<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><Patient ${xmlns}><id value="&x;"/></Patient>`,
		'xml-malformed',
		/DOCTYPE/,
	],
	['an external document type', `<!DOCTYPE p SYSTEM "http://localhost/x.dtd"><Patient ${xmlns}/>`, 'xml-malformed', /DOCTYPE/],
	['an unknown entity', `<Patient ${xmlns}><id value="&nbsp;"/></Patient>`, 'xml-malformed', /entity/],
	['a reference to the null character', `<Patient ${xmlns}><id value="&#0;"/></Patient>`, 'xml-malformed', /./],
	['a raw control character', `<Patient ${xmlns}><id value="\u0001"/></Patient>`, 'xml-malformed', /./],
	['a missing end', `<Patient ${xmlns}>\n<id value="1"/>`, 'xml-malformed', /line 2/],
	[
		'an id as an element of a data type',
		`<Patient ${xmlns}><name><id/></name></Patient>`,
		'xml-structure',
		/Patient\.name\[0\] has no element "id"/,
	],
	['an attribute twice', `<Patient ${xmlns}><id value="1" value="2"/></Patient>`, 'xml-malformed', /duplicate attribute/],
	['two roots', `<Patient ${xmlns}/><Patient ${xmlns}/>`, 'xml-malformed', /./],
	['another encoding', `<?xml version="1.0" encoding="ISO-8859-1"?><Patient ${xmlns}/>`, 'xml-malformed', /UTF-8/],
	['another version', `<?xml version="1.1"?><Patient ${xmlns}/>`, 'xml-malformed', /1\.0/],
	['text between elements', `<Patient ${xmlns}>text</Patient>`, 'xml-malformed', /text between elements/],
	['deep nesting', `<Parameters ${xmlns}><parameter>${'<part>'.repeat(300)}`, 'xml-malformed', /nested deeper/],
	['deep nesting in a narrative', `<Patient ${xmlns}><text><div ${xhtml}>${'<div>'.repeat(300)}`, 'xml-malformed', /nested deeper/],
	['no namespace', '<Patient><id value="1"/></Patient>', 'not-a-resource', /namespace/],
	['another namespace', '<Patient xmlns="urn:hl7-org:v3"/>', 'not-a-resource', /namespace/],
	['an unknown type', `<Patent ${xmlns}/>`, 'not-a-resource', /"Patent" is not/],
	['a data type as root', `<HumanName ${xmlns}/>`, 'not-a-resource', /"HumanName" is not/],
	['an unknown element', `<Patient ${xmlns}><nick value="x"/></Patient>`, 'xml-structure', /Patient has no element "nick"/],
	[
		'an unknown nested element',
		`<Patient ${xmlns}><name><family value="F"/></name><name><nick value="x"/></name></Patient>`,
		'xml-structure',
		/Patient\.name\[1\] has no element "nick"/,
	],
	[
		'an element of another namespace',
		`<Patient ${xmlns}><id xmlns="urn:x" value="1"/></Patient>`,
		'xml-structure',
		/Patient has no element "id"/,
	],
	['resourceType as an element', `<Patient ${xmlns}><resourceType value="x"/></Patient>`, 'xml-structure', /no element/],
	['__proto__ as an element', `<Patient ${xmlns}><__proto__ value="x"/></Patient>`, 'xml-structure', /no element/],
	[
		'an unknown attribute',
		`<Patient ${xmlns}><name><given valu="x"/></name></Patient>`,
		'xml-structure',
		/Patient\.name\[0\]\.given\[0\] has no attribute "valu"/,
	],
	['a value on a complex element', `<Patient ${xmlns}><name value="x"/></Patient>`, 'xml-structure', /no attribute "value"/],
	[
		'an attribute on a container',
		`<Patient ${xmlns}><contained id="x"><Basic/></contained></Patient>`,
		'xml-structure',
		/no attribute "id"/,
	],
	[
		'a repeat of what is single',
		`<Patient ${xmlns}><id value="1"/><id value="2"/></Patient>`,
		'xml-structure',
		/Patient\.id may stand only once/,
	],
	['a repeat by extension', `<Patient ${xmlns}><birthDate id="a"/><birthDate value="2000"/></Patient>`, 'xml-structure', /only once/],
	['an empty primitive', `<Patient ${xmlns}><id/></Patient>`, 'xml-structure', /Patient\.id has neither a value/],
	['an empty element', `<Patient ${xmlns}><name></name></Patient>`, 'xml-structure', /Patient\.name\[0\] is empty/],
	['an empty container', `<Patient ${xmlns}><contained/></Patient>`, 'xml-structure', /contained\[0\] holds no resource/],
	['two resources in a container', `<Patient ${xmlns}><contained><Basic/><Basic/></contained></Patient>`, 'xml-structure', /more than one/],
	[
		'a path through contained resources',
		`<Patient ${xmlns}><contained><Basic/></contained><contained><Basic><x/></Basic></contained></Patient>`,
		'xml-structure',
		/Patient\.contained\[1\] has no element "x"/,
	],
	['a narrative that is no XHTML', `<Patient ${xmlns}><text><div>x</div></text></Patient>`, 'xml-structure', /no element "div"/],
	[
		'other elements in a narrative',
		`<Patient ${xmlns}><text><div ${xhtml}><s xmlns="http://www.w3.org/2000/svg"/></div></text></Patient>`,
		'xml-malformed',
		/XHTML/,
	],
	[
		'prefixes in a narrative',
		`<Patient ${xmlns}><text><h:div xmlns:h="http://www.w3.org/1999/xhtml"/></text></Patient>`,
		'xml-malformed',
		/XHTML/,
	],
];
for (const [name, xml, code, expected] of refused) {
	test(`refuses ${name}`, () => {
		assert.throws(
			() => fromXml(xml),
			(error) => {
				assert.ok(error instanceof Problem, String(error));
				assert.deepEqual([error.status, error.code], [400, code]);
				assert.match(error.text, expected);
				return true;
			},
		);
	});
}

test('bytes that are not UTF-8 are refused', () => {
	assert.throws(() => parseResource(Buffer.from(`<Patient ${xmlns}><id value="\xff"/></Patient>`, 'latin1'), 'xml'), /xml-malformed/);
	assert.equal(parseResource(Buffer.from(`<Patient ${xmlns}><id value="ü"/></Patient>`), 'xml').id, 'ü');
});

test('damaged texts are read or refused with 400', () => {
	const random = createRandom(5);
	const pieces = [
		'<',
		'>',
		'/>',
		'"',
		'&',
		'&x;',
		'&#0;',
		'<!--',
		']]>',
		'<![CDATA[',
		'<?',
		'<!DOCTYPE x>',
		' value=""',
		'<id/>',
		'\0',
		'xmlns=""',
	];
	let taken = 0;
	for (let round = 0; round < 2500; round++) {
		const text = toXml(JSON.stringify(anyResource(definitions, random, random.pick(['Patient', 'Observation', 'Bundle']))));
		const bytes = mutate(random, Buffer.from(text), pieces);
		let json: string;
		try {
			json = JSON.stringify(parseResource(bytes, 'xml'));
		} catch (error) {
			assert.ok(error instanceof Problem && error.status === 400, (error as Error).stack);
			continue;
		}
		taken++;
		assert.equal(JSON.stringify(sorted(fromXml(toXml(json)))), JSON.stringify(sorted(parseResource(Buffer.from(json), 'json'))));
	}
	assert.ok(taken > 20);
});

const unwritable: readonly string[] = [
	'{}',
	'[]',
	'"text"',
	'{"resourceType":"Nonsense"}',
	'{"resourceType":"Patient","nick":"x"}',
	'{"resourceType":"Patient","name":"x"}',
	'{"resourceType":"Patient","id":{"a":1}}',
	'{"resourceType":"Patient","contained":[1]}',
];
for (const json of unwritable) {
	test(`what FHIR's XML has no form for is refused: ${json}`, () => {
		assert.throws(
			() => toXml(json),
			(error) => error instanceof Problem && error.status === 406 && error.code === 'xml-not-possible',
		);
	});
}

test('a narrative that is not well-formed cannot break out of its div', () => {
	for (const div of ['<div>a', 'text', `<div ${xhtml}>a</div></text><id value="2"/><text>`, `<div ${xhtml}/><div ${xhtml}/>`, '&nbsp;']) {
		const xml = toXml(JSON.stringify({ resourceType: 'Patient', text: { div } }));
		const back = fromXml(xml) as unknown as { id?: string; text: { div: string } };
		assert.equal(back.id, undefined);
		assert.match(back.text.div, /^<div xmlns="http:\/\/www\.w3\.org\/1999\/xhtml">[^<]*<\/div>$/);
	}
});

test('control characters, which XML cannot hold, become replacement characters', () => {
	assert.equal(fromXml(toXml('{"resourceType":"Patient","id":"a\\u0001b\\uffffc\\u0085"}')).id, 'a\ufffdb\ufffdc\u0085');
});
