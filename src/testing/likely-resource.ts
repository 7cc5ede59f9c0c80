// Generated resources with content that rules ask about: real dates, codes that invariants name, references within the resource. Right in
// structure, not valid: for comparing what two implementations say of them.
import type { Definitions, ElementInfo } from '#fhir/definitions/definitions.ts';
import { suffixOf } from '#fhir/path/values.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Random } from './random.ts';

export type Likely = {
	/** A resource of a type. */
	readonly resource: (type: string) => Resource;
	/** A value of any type: a primitive, a datatype, or a backbone element by its path. */
	readonly value: (type: string) => unknown;
};

/** A generator; `words` are texts that codes and strings are often taken from. */
export function createLikely(definitions: Definitions, random: Random, words: readonly string[]): Likely {
	const children = new Map<string, readonly string[]>();

	function childNames(type: string): readonly string[] {
		const known = children.get(type);
		if (known !== undefined) return known;
		const elements = definitions.structure(type.split('.')[0] as string)?.elements ?? [];
		const names = elements
			.filter(({ path, slice }) => slice === undefined && path.includes('.') && path.slice(0, path.lastIndexOf('.')) === type)
			.map(({ path }) => path.slice(path.lastIndexOf('.') + 1).replace('[x]', ''));
		children.set(type, names);
		return names;
	}

	function object(type: string, depth: number): Record<string, unknown> {
		const json: Record<string, unknown> = {};
		for (const name of childNames(type)) {
			const info = definitions.elementInfo(type, name) as ElementInfo;
			if (!random.chance(chanceOf(name, depth))) continue;
			const child = random.pick(info.types);
			if (depth > 3 && /^[A-Z]/.test(child)) continue;
			member(json, info.choice ? name + suffixOf(child) : name, child, info.max === '*', depth);
		}
		if (type === 'Extension') json.url ??= random.pick(urls);
		return json;
	}

	function member(json: Record<string, unknown>, name: string, type: string, many: boolean, depth: number): void {
		const one = (): unknown => any(type, depth + 1);
		json[name] = many ? Array.from({ length: random.between(1, 2) }, one) : one();
		const alone = /^[A-Z]/.test(type) || type === 'xhtml' || (name === 'id' && depth > 0) || (name === 'url' && many === false);
		if (alone || random.chance(0.9)) return;
		const extra = { extension: [{ url: random.pick(urls), valueCode: random.pick(words) }] };
		if (many) json[`_${name}`] = (json[name] as unknown[]).map((_, i) => (i === 0 ? extra : null));
		else {
			json[`_${name}`] = extra;
			if (random.chance(0.5)) delete json[name];
		}
	}

	function any(type: string, depth: number): unknown {
		if (/^[a-z]/.test(type)) return likelyPrimitive(random, type, words);
		if (type === 'Resource') return resource(random.pick(['Patient', 'Basic', 'Organization']), depth + 2);
		if (type === 'Reference' && random.chance(0.7)) return { reference: random.pick(references) };
		return definitions.isResourceType(type) ? resource(type, depth + 2) : object(type, depth);
	}

	function resource(type: string, depth: number): Resource {
		return { resourceType: type, ...object(type, depth) };
	}

	return { resource: (type) => resource(type, 0), value: (type) => any(type, 0) };
}

function chanceOf(name: string, depth: number): number {
	if (name === 'extension' || name === 'modifierExtension') return 0.05;
	return name === 'contained' ? 0.3 : 0.55 / (1 + depth * 0.4);
}

const urls = ['http://hl7.org/fhir/StructureDefinition/data-absent-reason', 'http://example.org/e', 'ombCategory'];
const references = ['#c1', '#c2', '#', 'Patient/1', 'http://example.org/fhir/Organization/2', 'Practitioner/3/_history/4', 'urn:uuid:5'];
const dates = ['2020', '2020-01', '2020-01-05', '2020-02-29', '2021-12-31'];
const dateTimes = [
	...dates,
	'2020-01-05T10:00:00Z',
	'2020-01-05T12:00:00+02:00',
	'2020-01-05T10:00:00.500Z',
	'2020-02-29T23:59:59-05:00',
	'2021-12-31T00:00:00Z',
];

function likelyPrimitive(random: Random, type: string, words: readonly string[]): unknown {
	switch (type) {
		case 'boolean':
			return random.chance(0.5);
		case 'integer':
		case 'positiveInt':
		case 'unsignedInt':
			return random.between(type === 'integer' ? -2 : 0, 4);
		case 'decimal':
			return random.pick([0, 1, -1, 2.5, 100, 0.001, -0.5, 42]);
		case 'date':
			return random.pick(dates);
		case 'dateTime':
			return random.pick(dateTimes);
		case 'instant':
			return random.pick(dateTimes.slice(dates.length));
		case 'time':
			return random.pick(['10:00:00', '23:59:59', '00:00:00.5']);
		case 'id':
			return random.pick(['c1', 'c2', 'other']);
		case 'uri':
		case 'url':
		case 'canonical':
			return random.pick(['#c1', 'http://unitsofmeasure.org', 'http://example.org/x', 'urn:oid:1.2.3', random.pick(words)]);
		case 'xhtml':
			return random.pick([
				'<div xmlns="http://www.w3.org/1999/xhtml">a</div>',
				'<div xmlns="http://www.w3.org/1999/xhtml"><p><b>x</b> y</p></div>',
			]);
		case 'base64Binary':
			return 'AAAA';
		default:
			return random.pick([...words, 'Patient', 'Patient.name', 'a.b']);
	}
}
