// Generated resources of every shape the definitions allow: right in structure, nonsense in content. For properties that must hold of any
// resource, such as surviving a change of format.

import type { Definitions, ElementInfo } from '#fhir/definitions/definitions.ts';
import type { Resource } from '#fhir/resource.ts';
import { Decimal } from '#fhir/wire/json.ts';
import type { Random } from './random.ts';

/** A resource of the type; the deeper, the fewer elements it has, so that it ends. */
export function anyResource(definitions: Definitions, random: Random, type: string, depth = 0): Resource {
	return { resourceType: type, ...anyObject(definitions, random, type, depth) };
}

function anyObject(definitions: Definitions, random: Random, type: string, depth: number): Record<string, unknown> {
	const json: Record<string, unknown> = {};
	for (const name of childNames(definitions, type)) {
		const info = definitions.elementInfo(type, name) as ElementInfo;
		if (random.next() > 0.9 / (1 + depth * 1.5)) continue;
		const childType = random.pick(info.types);
		if (depth > 3 && /^[A-Z]/.test(childType)) continue;
		const childName = info.choice ? name + childType.charAt(0).toUpperCase() + childType.slice(1) : name;
		addChild(
			definitions,
			random,
			json,
			{ name: childName, type: childType, many: info.max === '*', plain: isAttribute(definitions, type, name) },
			depth,
		);
	}
	if (Object.keys(json).length === 0) json.id = 'only';
	return json;
}

type Wanted = { readonly name: string; readonly type: string; readonly many: boolean; readonly plain: boolean };

function addChild(
	definitions: Definitions,
	random: Random,
	json: Record<string, unknown>,
	{ name, type, many, plain }: Wanted,
	depth: number,
): void {
	const primitive = /^[a-z]/.test(type);
	const one = (): unknown => {
		if (primitive) return anyPrimitive(random, type);
		if (type === 'Resource') return anyResource(definitions, random, random.pick(['Patient', 'Basic', 'Observation']), depth + 2);
		return definitions.isResourceType(type)
			? anyResource(definitions, random, type, depth + 2)
			: anyObject(definitions, random, type, depth + 1);
	};
	if (!primitive || plain || type === 'xhtml' || random.chance(0.8)) {
		json[name] = many ? Array.from({ length: random.between(1, 3) }, one) : one();
		return;
	}
	const extra = (): unknown => ({ id: 'e', extension: [{ url: 'http://example.org/e', valueString: anyText(random) }] });
	if (!many) {
		if (random.chance(0.5)) json[name] = one();
		json[`_${name}`] = extra();
		return;
	}
	const value = one();
	json[name] = random.pick([
		[value, null],
		[null, value],
		[value, value],
	]);
	json[`_${name}`] = (json[name] as unknown[]).map((given, index) => (given === null || index === 0 ? extra() : null));
}

function isAttribute(definitions: Definitions, type: string, name: string): boolean {
	return (name === 'id' && !definitions.isResourceType(type)) || (type === 'Extension' && name === 'url');
}

function childNames(definitions: Definitions, type: string): string[] {
	const elements = definitions.structure(type.split('.')[0] as string)?.elements ?? [];
	return elements
		.filter(({ path, slice }) => slice === undefined && path.slice(0, path.lastIndexOf('.')) === type && path.includes('.'))
		.map(({ path }) => path.slice(path.lastIndexOf('.') + 1).replace('[x]', ''));
}

const texts = [
	'plain',
	'a <b> & "c" \'d\'',
	'line one\nline two\ttab\r\nend',
	'  blanks  ',
	'Grüße 漢字 😀',
	'http://x.org/?a=1&b=2',
	']]>',
	'\u00a0\u0085\u2028',
	'{"a":[1]}',
];

function anyText(random: Random): string {
	return random.pick(texts);
}

const decimals = ['1.0', '0.010', '1e2', '-0', '3.14', '12345678901234567890.123456789', '0.0000001', '-7.50', '42'];

function anyPrimitive(random: Random, type: string): unknown {
	switch (type) {
		case 'boolean':
			return random.chance(0.5);
		case 'integer':
			return random.between(-1000, 1000);
		case 'positiveInt':
		case 'unsignedInt':
			return random.between(1, 100);
		case 'decimal': {
			const source = random.pick(decimals);
			return String(Number(source)) === source ? Number(source) : new Decimal(source);
		}
		case 'xhtml':
			return random.pick([
				'<div xmlns="http://www.w3.org/1999/xhtml">a &amp; b</div>',
				'<div xmlns="http://www.w3.org/1999/xhtml"><p id="p">1 &lt; 2<br/> <b>x</b>\n y</p><!-- c --></div>',
				'<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="en"><div>in <div>in</div></div>&#160;</div>',
			]);
		default:
			return anyText(random);
	}
}
