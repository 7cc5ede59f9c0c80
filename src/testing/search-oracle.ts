// What a search should find, worked out the slow and simple way: the parameters' FHIRPath by the fhirpath package, the values compared as
// https://hl7.org/fhir/R4/search.html says. It shares no code with the search it is a measure for.
import fhirpath from 'fhirpath';
import model from 'fhirpath/fhir-context/r4';
import type { SearchParameterFacts } from '#fhir/definitions/facts.ts';
import type { Resource } from '#fhir/resource.ts';

type Json = Record<string, unknown>;
type Item = { readonly value: unknown; readonly type: string; readonly path: string };
type Span = { readonly lo: number; readonly hi: number };
type Coding = { system?: string; code?: string; display?: string };

/** Code systems of elements of type code, which are written nowhere in a resource. */
const implicitSystems: Readonly<Record<string, string>> = {
	'Patient.gender': 'http://hl7.org/fhir/administrative-gender',
	'Observation.status': 'http://hl7.org/fhir/observation-status',
	'Encounter.status': 'http://hl7.org/fhir/encounter-status',
	'Appointment.status': 'http://hl7.org/fhir/appointmentstatus',
	'MedicationRequest.status': 'http://hl7.org/fhir/CodeSystem/medicationrequest-status',
};

/** Units in base units. */
const units: Readonly<Record<string, readonly [factor: number, dimension: string]>> = {
	mg: [1e-3, 'g'],
	g: [1, 'g'],
	kg: [1e3, 'g'],
	ug: [1e-6, 'g'],
	'mm[Hg]': [133322, 'pressure'],
	min: [60, 's'],
	h: [3600, 's'],
	a: [31_557_600, 's'],
	mo: [31_557_600 / 12, 's'],
};
const ucum = 'http://unitsofmeasure.org';

export type OracleOptions = {
	readonly resources: readonly Resource[];
	readonly parameters: readonly SearchParameterFacts[];
	readonly base: string;
	readonly now: number;
	/** Codes of a value set, for `:in`. */
	readonly valueSet?: (url: string) => readonly Coding[];
};

/** Brute-force search over parsed resources. */
export class SearchOracle {
	readonly resources: readonly Resource[];
	readonly parameters: readonly SearchParameterFacts[];
	readonly base: string;
	readonly #options: OracleOptions;
	readonly #params = new Map<string, SearchParameterFacts>();
	readonly #byName = new Map<string, Resource>();
	readonly #items = new Map<string, Item[]>();
	readonly #compiled = new Map<string, (resource: unknown, env: Json) => unknown[]>();

	constructor(options: OracleOptions) {
		this.#options = options;
		this.resources = options.resources;
		this.parameters = options.parameters;
		this.base = options.base;
		for (const facts of options.parameters) this.#params.set(`${facts.base} ${facts.code}`, facts);
		for (const resource of options.resources) this.#byName.set(`${resource.resourceType}/${resource.id}`, resource);
	}

	/** The resources of a type that meet all of the pairs. */
	find(type: string, pairs: readonly (readonly [string, string])[]): Resource[] {
		return this.#options.resources.filter(
			(resource) => resource.resourceType === type && pairs.every(([name, value]) => this.matches(resource, name, value)),
		);
	}

	param(type: string, code: string): SearchParameterFacts | undefined {
		return this.#params.get(`${type} ${code}`) ?? this.#params.get(`Resource ${code}`);
	}

	/** Whether a resource meets one parameter. */
	matches(resource: Resource, name: string, value: string): boolean {
		if (name.startsWith('_has:')) return this.#has(resource, name, value);
		const dot = name.indexOf('.');
		if (dot >= 0) return this.#chain(resource, name.slice(0, dot), name.slice(dot + 1), value);
		const [code = '', modifier] = name.split(/:(.*)/) as [string, string?];
		if (code === '_text' || code === '_content') return splitAt(value, ',').some((one) => this.#text(resource, code, withoutEscapes(one)));
		if (code === '_list') return this.#listed(resource, value);
		const param = this.param(resource.resourceType, code);
		if (param === undefined) throw new Error(`the oracle knows no parameter ${resource.resourceType}.${code}`);
		if (modifier === 'missing') return (this.itemsOf(resource, param).length === 0) === (value === 'true');
		const values = splitAt(value, ',').filter((one) => one !== '');
		if (modifier === 'not') return !values.some((one) => this.#one(resource, param, undefined, one));
		if (modifier === 'not-in') return !values.some((one) => this.#one(resource, param, 'in', one));
		return values.some((one) => this.#one(resource, param, modifier, one));
	}

	/** The values of a parameter. */
	itemsOf(resource: Resource, param: SearchParameterFacts): Item[] {
		const name = `${resource.resourceType}/${resource.id} ${param.code}`;
		let items = this.#items.get(name);
		if (items === undefined) {
			items = this.#evaluate(resource, param.expression, resource);
			this.#items.set(name, items);
		}
		return items;
	}

	#evaluate(focus: unknown, expression: string, resource: Resource, path?: string): Item[] {
		// The package cannot compare quantities that have a comparator, which a union wants to.
		return expression.split(' | ').flatMap((one) => this.#evaluatePath(focus, one, resource, path));
	}

	#evaluatePath(focus: unknown, expression: string, resource: Resource, path?: string): Item[] {
		const target = /\.where\(resolve\(\) is ([A-Za-z]+)\)/.exec(expression)?.[1];
		const plain = expression.replaceAll(/\.where\(resolve\(\) is [A-Za-z]+\)/g, '');
		const key = `${path ?? ''} ${plain}`;
		let run = this.#compiled.get(key);
		if (run === undefined) {
			const what = path === undefined ? plain : { base: path, expression: plain };
			run = fhirpath.compile(what as string, model as never, { resolveInternalTypes: false } as never) as never as (
				resource: unknown,
				env: Json,
			) => unknown[];
			this.#compiled.set(key, run);
		}
		const items = run(focus, { resource }).flatMap((node): Item[] => {
			const held = node as { data?: unknown; fhirNodeDataType?: string; parentResNode?: { path?: string }; propName?: string };
			if (held === null || typeof held !== 'object') return [{ value: node, type: typeof node, path: '' }];
			if (held.data === null || held.data === undefined) return [];
			return [{ value: held.data, type: held.fhirNodeDataType ?? '', path: `${held.parentResNode?.path}.${held.propName}` }];
		});
		return target === undefined ? items : items.filter(({ value }) => refersToType(value as Json, target, resource));
	}

	#one(resource: Resource, param: SearchParameterFacts, modifier: string | undefined, value: string): boolean {
		if (param.type === 'composite') return this.#composite(resource, param, value);
		return this.itemsOf(resource, param).some((item) => this.#item(item, param, modifier, value));
	}

	#item(item: Item, param: SearchParameterFacts, modifier: string | undefined, value: string): boolean {
		switch (param.type) {
			case 'string':
				return stringsOf(item).some((text) => matchesString(text, item, modifier, withoutEscapes(value)));
			case 'token':
				return this.#token(item, modifier, value);
			case 'date':
				return compareSpans(spanOf(item), value, this.#options.now);
			case 'number':
				return compareNumber({ lo: Number(item.value), hi: Number(item.value) }, value);
			case 'quantity':
				return compareQuantity(item, value);
			case 'uri':
				return this.#uri(String(item.value), modifier, withoutEscapes(value));
			case 'reference':
				return this.#reference(item, param, modifier, value);
			case 'special':
				return isNear(item.value as Json, value);
			default:
				return false;
		}
	}

	#uri(held: string, modifier: string | undefined, wanted: string): boolean {
		const urn = wanted.startsWith('urn:');
		const bare = held.split('|')[0] as string;
		if (modifier === 'below') return urn ? held === wanted : held.startsWith(wanted);
		if (modifier === 'above') return urn ? held === wanted : wanted.startsWith(held) || wanted.startsWith(bare);
		return held === wanted || bare === wanted || held === `${this.#options.base}/${wanted}`;
	}

	#token(item: Item, modifier: string | undefined, value: string): boolean {
		const { text, codings, folds } = tokenOf(item);
		if (modifier === 'text') {
			const wanted = wordsOf(withoutEscapes(value));
			return text.some((one) => wanted.every((word) => wordsOf(one).join(' ').includes(word)));
		}
		if (modifier === 'in') {
			const codes = this.#options.valueSet?.(withoutEscapes(value)) ?? [];
			return codings.some((coding) => codes.some((one) => one.code === coding.code && one.system === coding.system));
		}
		if (modifier === 'of-type') {
			const [system, code, id] = splitAt(value, '|').map(withoutEscapes);
			const held = item.value as { value?: string; type?: { coding?: Coding[] } };
			return held.value === id && (held.type?.coding ?? []).some((one) => (one.system ?? '') === system && one.code === code);
		}
		if (modifier === 'below') return codings.some(({ code }) => code?.split(';')[0]?.trim() === value);
		const [first = '', ...rest] = splitAt(value, '|');
		const system = rest.length === 0 ? undefined : withoutEscapes(first);
		const code = withoutEscapes(rest.length === 0 ? first : rest.join('|'));
		if (folds.some((one) => one === foldOf(code, item.type)) && (system === undefined || system === '')) return true;
		return codings.some((coding) => (code === '' || coding.code === code) && (system === undefined || (coding.system ?? '') === system));
	}

	#reference(item: Item, param: SearchParameterFacts, modifier: string | undefined, value: string): boolean {
		const held = item.value as Json | string;
		if (modifier === 'identifier') {
			const identifier = (held as Json).identifier as Json | undefined;
			return identifier !== undefined && this.#token({ value: identifier, type: 'Identifier', path: '' }, undefined, value);
		}
		const wanted = this.#local(withoutEscapes(value));
		if (typeof held === 'string') {
			const [url, version] = this.#local(held).split('|') as [string, string?];
			const [askedUrl, askedVersion] = wanted.split('|') as [string, string?];
			if (url !== askedUrl) return false;
			if (askedVersion === undefined) return true;
			if (modifier !== 'below') return version === askedVersion;
			return (
				version !== undefined &&
				(version === askedVersion || (/^[.-]/.test(version.slice(askedVersion.length)) && version.startsWith(askedVersion)))
			);
		}
		if (typeof held.reference !== 'string' || held.reference.startsWith('#')) return false;
		const name = this.#local(held.reference).replace(/^([A-Z][A-Za-z]+\/[A-Za-z0-9.-]+)\/_history\/.*/, '$1');
		const names = this.#named(wanted, param, modifier);
		if (modifier === 'below' || modifier === 'above') return names.some((one) => this.#kin(name, one, modifier));
		return names.includes(name);
	}

	/** What a searched reference may stand for. */
	#named(wanted: string, param: SearchParameterFacts, modifier: string | undefined): string[] {
		const type = modifier !== undefined && /^[A-Z]/.test(modifier) ? modifier : undefined;
		if (wanted.includes('://') || wanted.startsWith('urn:')) return [wanted];
		if (wanted.includes('/')) {
			const name = wanted.replace(/\/_history\/.*/, '');
			return type === undefined || name.startsWith(`${type}/`) ? [name] : [];
		}
		return type !== undefined ? [`${type}/${wanted}`] : (param.targets ?? []).map((one) => `${one}/${wanted}`);
	}

	/** Whether `name` is `other`, or below or above it by partOf. */
	#kin(name: string, other: string, modifier: 'below' | 'above'): boolean {
		const [low, high] = modifier === 'below' ? [name, other] : [other, name];
		for (let at: string | undefined = low; at !== undefined; at = this.#parent(at)) if (at === high) return true;
		return false;
	}

	#parent(name: string): string | undefined {
		const partOf = this.#byName.get(name)?.partOf as { reference?: string } | undefined;
		return partOf?.reference === undefined ? undefined : this.#local(partOf.reference);
	}

	#local(reference: string): string {
		const { base } = this.#options;
		return reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
	}

	/** The resources here that a parameter of a resource refers to. */
	targets(resource: Resource, param: SearchParameterFacts): Resource[] {
		return this.itemsOf(resource, param).flatMap(({ value }) => {
			if (typeof value === 'string') {
				const [url] = value.split('|');
				return this.#options.resources.filter((one) => one.url === url && (param.targets ?? []).includes(one.resourceType));
			}
			const reference = (value as Json).reference;
			if (typeof reference !== 'string') return [];
			if (reference.startsWith('#')) {
				const inner = (resource.contained as Resource[] | undefined)?.find((one) => one.id === reference.slice(1));
				return inner === undefined ? [] : [{ ...inner, id: `${resource.id}#${inner.id}` }];
			}
			const found = this.#byName.get(this.#local(reference).replace(/\/_history\/.*/, ''));
			return found === undefined ? [] : [found];
		});
	}

	/** Names of what `_include` and `_revinclude` values bring along for the matches, without the matches. */
	included(matches: readonly Resource[], includes: readonly (readonly [name: string, value: string])[]): Set<string> {
		const found = new Set<Resource>(matches);
		const first = new Set(found);
		for (let size = -1; size !== found.size; ) {
			size = found.size;
			for (const [name, value] of includes) {
				const from = name.endsWith(':iterate') ? [...found] : [...first];
				for (const one of from.flatMap((resource) => this.#brought(resource, name.startsWith('_rev'), value))) found.add(one);
			}
		}
		return new Set([...found].filter((one) => !first.has(one)).map(({ resourceType, id }) => `${resourceType}/${id}`));
	}

	#brought(resource: Resource, reverse: boolean, value: string): Resource[] {
		const [source = '', code = '*', target] = value.split(':') as [string, string?, string?];
		const params = (type: string): SearchParameterFacts[] =>
			this.parameters.filter((one) => one.base === type && one.type === 'reference' && (code === '*' || one.code === code));
		const here = (of: Resource, param: SearchParameterFacts): Resource[] =>
			this.targets(of, param).filter((one) => this.resources.includes(one) && this.#isAskedVersion(of, param, one));
		if (!reverse) {
			if (source !== '*' && source !== resource.resourceType) return [];
			return params(resource.resourceType)
				.flatMap((param) => here(resource, param))
				.filter((one) => target === undefined || one.resourceType === target);
		}
		if (target !== undefined && target !== resource.resourceType) return [];
		return this.resources.filter(
			(other) =>
				(source === '*' || other.resourceType === source) &&
				params(other.resourceType).some(
					(param) => (param.targets ?? []).includes(resource.resourceType) && this.targets(other, param).includes(resource),
				),
		);
	}

	/** A canonical url with a version includes that version alone. */
	#isAskedVersion(of: Resource, param: SearchParameterFacts, target: Resource): boolean {
		const canonicals = this.itemsOf(of, param).filter(({ value }) => typeof value === 'string' && value.split('|')[0] === target.url);
		return (
			canonicals.length === 0 ||
			canonicals.some(({ value }) => !String(value).includes('|') || String(value).endsWith(`|${target.version}`))
		);
	}

	#chain(resource: Resource, head: string, rest: string, value: string): boolean {
		const [code = '', type] = head.split(':');
		const param = this.param(resource.resourceType, code) as SearchParameterFacts;
		const next = /^[^.:]*/.exec(rest)?.[0] ?? '';
		return this.targets(resource, param).some((target) => {
			if (type !== undefined && target.resourceType !== type) return false;
			if (next !== '_has' && !['_text', '_content'].includes(next) && this.param(target.resourceType, next) === undefined) return false;
			return this.matches(target, rest, value);
		});
	}

	#has(resource: Resource, name: string, value: string): boolean {
		const [, type, code, rest] = /^_has:([^:]+):([^:]+):(.+)$/.exec(name) as unknown as [string, string, string, string];
		const param = this.param(type, code) as SearchParameterFacts;
		return this.#options.resources.some(
			(other) => other.resourceType === type && this.targets(other, param).includes(resource) && this.matches(other, rest, value),
		);
	}

	#listed(resource: Resource, value: string): boolean {
		return splitAt(value, ',').some((id) => {
			const list = this.#byName.get(`List/${id}`);
			const entries = (list?.entry ?? []) as { item?: { reference?: string } }[];
			return entries.some(
				({ item }) =>
					item?.reference !== undefined &&
					this.#local(item.reference).replace(/\/_history\/.*/, '') === `${resource.resourceType}/${resource.id}`,
			);
		});
	}

	#composite(resource: Resource, param: SearchParameterFacts, value: string): boolean {
		const parts = splitAt(value, '$');
		const elements = this.#evaluate(resource, param.expression, resource);
		return elements.some(({ value: element, path }) =>
			(param.components ?? []).every(({ definition, expression }, i) => {
				const inner = this.#options.parameters.find(
					(one) => one.url === definition && (one.base === resource.resourceType || one.base === 'Resource'),
				) as SearchParameterFacts;
				// The definition of DocumentReference's `relationship` has its two expressions exchanged.
				const right = (param.code === 'relationship' ? (expression === 'code' ? 'target' : 'code') : expression)
					.replace('DateTime', 'dateTime')
					.replace('value.ofType(string)', 'value.ofType(string) | value.ofType(CodeableConcept).text');
				const at = param.expression === resource.resourceType ? resource.resourceType : path;
				return this.#evaluate(element, right, resource, at).some((item) => this.#item(item, inner, undefined, parts[i] as string));
			}),
		);
	}

	#text(resource: Resource, code: string, value: string): boolean {
		const { div } = (resource.text ?? {}) as { div?: string };
		const narrative = wordsOf((div ?? '').replaceAll(/<[^>]*>/g, ' ').replaceAll('&amp;', '&'));
		const words = code === '_text' ? narrative : [...narrative, ...leavesOf(resource).flatMap(wordsOf)];
		return wordsOf(value).every((wanted) => words.some((word) => word.startsWith(wanted)));
	}

	/** The text or number that a resource is sorted by; undefined when it has none. */
	sortKey(resource: Resource, code: string, descending: boolean): string | number | undefined {
		const param = this.param(resource.resourceType, code) as SearchParameterFacts;
		const keys = this.itemsOf(resource, param).flatMap((item): (string | number)[] => {
			switch (param.type) {
				case 'date':
					return [spanOf(item).lo];
				case 'number':
					return [Number(item.value)];
				case 'string':
					return stringsOf(item).map(normal);
				case 'token':
					return typeof item.value === 'object' ? tokenOf(item).codings.flatMap(({ code: one }) => one ?? []) : [String(item.value)];
				case 'reference':
					return referenceKey((item.value as Json).reference, param.expression);
				default:
					return [];
			}
		});
		if (keys.length === 0 && param.type === 'token') {
			const texts = this.itemsOf(resource, param).flatMap(({ value }) => (value as { text?: string }).text ?? []);
			return texts.length === 0 ? undefined : texts.reduce((best, text) => (text < best !== descending ? text : best));
		}
		if (keys.length === 0) return undefined;
		return keys.reduce((best, key) => (key < best !== descending ? key : best));
	}
}

/** What a reference is sorted by; of what it contains only a parameter for all types does. */
function referenceKey(reference: unknown, expression: string): string[] {
	if (typeof reference !== 'string' || (reference.startsWith('#') && expression.includes('resolve()'))) return [];
	return [reference];
}

/** Parts at unescaped separators. */
function splitAt(text: string, separator: string): string[] {
	const parts = [''];
	for (let i = 0; i < text.length; i++) {
		const piece = text[i] === '\\' ? text.slice(i, ++i + 1) : (text[i] as string);
		if (piece === separator) parts.push('');
		else parts.push((parts.pop() ?? '') + piece);
	}
	return parts;
}

function withoutEscapes(text: string): string {
	return text.replaceAll(/\\([\\,|$])/g, '$1');
}

function normal(text: string): string {
	return text
		.normalize('NFD')
		.replaceAll(/[\p{M}\p{P}]/gu, '')
		.toLowerCase()
		.replaceAll(/\s+/g, ' ')
		.trim();
}

function wordsOf(text: string): string[] {
	return (text.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).map(normal);
}

/** Text for people anywhere in a resource, but for names beside references. */
function leavesOf(value: unknown, name = ''): string[] {
	if (typeof value === 'string') return ['id', 'code', 'system', 'reference', 'url', 'div'].includes(name) ? [] : [value];
	if (Array.isArray(value)) return value.flatMap((one) => leavesOf(one, name));
	if (value === null || typeof value !== 'object') return [];
	return Object.entries(value).flatMap(([key, held]) => (key === 'display' && 'reference' in value ? [] : leavesOf(held, key)));
}

function refersToType(value: Json, type: string, resource: Resource): boolean {
	if (typeof value.reference !== 'string') return value.type === undefined || value.type === type;
	if (value.reference.startsWith('#'))
		return (resource.contained as Resource[] | undefined)?.find((one) => `#${one.id}` === value.reference)?.resourceType === type;
	return new RegExp(`(^|/)${type}/[A-Za-z0-9.-]+(/_history/[A-Za-z0-9.-]+)?$`).test(value.reference);
}

function stringsOf({ value, type }: Item): string[] {
	if (typeof value === 'string') return [value];
	const held = value as Readonly<Record<string, string | string[] | undefined>>;
	const names =
		type === 'HumanName'
			? ['family', 'given', 'prefix', 'suffix', 'text']
			: type === 'Address'
				? ['line', 'city', 'district', 'state', 'postalCode', 'country', 'text']
				: ['text'];
	return names.flatMap((name) => held[name] ?? []);
}

function matchesString(text: string, { value, type, path }: Item, modifier: string | undefined, wanted: string): boolean {
	if (modifier === 'exact') return text === wanted;
	if (modifier === 'text') return wordsOf(wanted).every((word) => normal(text).includes(word));
	const sought = normal(wanted);
	if (sought === '') return false;
	if (modifier === 'contains') return normal(text).includes(sought);
	const isFamily = type === 'HumanName' ? (value as Json).family === text : path.endsWith('.family');
	const starts = isFamily ? [text, ...[...text.matchAll(/(?<=[\s-])[^\s-]/g)].map(({ index }) => text.slice(index))] : [text];
	return starts.some((one) => normal(one).startsWith(sought));
}

function tokenOf({ value, type, path }: Item): { codings: Coding[]; text: string[]; folds: string[] } {
	const display = (coding: Coding): string[] => (coding.display === undefined ? [] : [coding.display]);
	switch (type) {
		case 'CodeableConcept': {
			const { coding = [], text } = value as { coding?: Coding[]; text?: string };
			return { codings: coding, text: [...coding.flatMap(display), ...(text === undefined ? [] : [text])], folds: [] };
		}
		case 'Coding':
			return { codings: [value as Coding], text: display(value as Coding), folds: [] };
		case 'Identifier': {
			const { system, value: code, type: kind } = value as { system?: string; value?: string; type?: { text?: string } };
			const coding = { ...(system === undefined ? {} : { system }), ...(code === undefined ? {} : { code }) };
			return { codings: [coding], text: kind?.text === undefined ? [] : [kind.text], folds: [] };
		}
		case 'ContactPoint':
			return { codings: [], text: [], folds: [foldOf(String((value as Json).value), type)] };
		case 'string':
			return { codings: [], text: [], folds: [foldOf(String(value), type)] };
		default: {
			const system = implicitSystems[path];
			return { codings: [{ code: String(value), ...(system === undefined ? {} : { system }) }], text: [], folds: [] };
		}
	}
}

function foldOf(text: string, type: string): string {
	if (type === 'ContactPoint' && /^[+\d\s().\-/]+$/.test(text)) return text.replaceAll(/[^+\d]/g, '');
	return text.toLowerCase();
}

/** The time a date stands for, in milliseconds, both ends included. */
function timeOf(text: string): Span {
	const [date = '', clock] = text.split('T');
	const [year = 0, month, day] = date.split('-').map(Number);
	if (month === undefined) return { lo: Date.UTC(year, 0, 1), hi: Date.UTC(year + 1, 0, 1) - 1 };
	if (day === undefined) return { lo: Date.UTC(year, month - 1, 1), hi: Date.UTC(year, month, 1) - 1 };
	if (clock === undefined) return { lo: Date.UTC(year, month - 1, day), hi: Date.UTC(year, month - 1, day + 1) - 1 };
	const zoned = /(Z|[+-]\d\d:\d\d)$/.test(clock) ? clock : `${clock}Z`;
	const lo = Date.parse(`${date}T${zoned}`);
	const [, , seconds] = zoned.replace(/(Z|[+-]\d\d:\d\d)$/, '').split(':');
	const decimals = seconds?.split('.')[1]?.length;
	const width = seconds === undefined ? 60_000 : decimals === undefined ? 1000 : 10 ** Math.max(0, 3 - decimals);
	return { lo, hi: lo + width - 1 };
}

function spanOf({ value, type }: Item): Span {
	if (typeof value === 'string') return timeOf(value);
	const { start, end, event, repeat } = value as { start?: string; end?: string; event?: string[]; repeat?: { boundsPeriod?: unknown } };
	if (type === 'Timing' && event !== undefined) {
		const spans = event.map(timeOf);
		return { lo: Math.min(...spans.map(({ lo }) => lo)), hi: Math.max(...spans.map(({ hi }) => hi)) };
	}
	if (type === 'Timing') return spanOf({ value: repeat?.boundsPeriod, type: 'Period', path: '' });
	return { lo: start === undefined ? -Infinity : timeOf(start).lo, hi: end === undefined ? Infinity : timeOf(end).hi };
}

function prefixOf(text: string): [string, string] {
	const match = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)(.*)$/.exec(text);
	return match === null ? ['eq', text] : [match[1] as string, match[2] as string];
}

function compareSpans(target: Span, value: string, now: number): boolean {
	const [prefix, text] = prefixOf(value);
	const search = timeOf(text);
	const contained = target.lo >= search.lo && target.hi <= search.hi;
	switch (prefix) {
		case 'eq':
			return contained;
		case 'ne':
			return !contained;
		case 'gt':
			return target.hi > search.hi;
		case 'lt':
			return target.lo < search.lo;
		case 'ge':
			return target.hi > search.hi || contained;
		case 'le':
			return target.lo < search.lo || contained;
		case 'sa':
			return target.lo > search.hi;
		case 'eb':
			return target.hi < search.lo;
		default: {
			const reach = Math.round(Math.abs(now - (search.lo + search.hi) / 2) * 0.1);
			return target.lo <= search.hi + reach && target.hi >= search.lo - reach;
		}
	}
}

/** What the digits of a number leave open, in decimal arithmetic. */
function digitsOf(text: string): { exact: number; lo: number; hi: number } {
	const [, mantissa = '', exponent = '0'] = /^([^eE]+)(?:[eE](.+))?$/.exec(text) as RegExpExecArray;
	const decimals = mantissa.split('.')[1]?.length ?? 0;
	const scale = decimals === 0 && Number(exponent) > 0 ? Number(exponent) - 1 : Number(exponent) - decimals;
	// Ten times the number in units of its last place is whole, and half of a last place is five.
	const tenfold = BigInt(mantissa.replace('.', '').replace('+', '')) * 10n * (scale < Number(exponent) - decimals ? 10n : 1n);
	const at = (whole: bigint): number => Number(`${whole}e${scale - 1}`);
	return { exact: Number(text), lo: at(tenfold - 5n), hi: at(tenfold + 5n) };
}

function compareNumber(target: Span, value: string, convert: (number: number) => number = (number) => number): boolean {
	const [prefix, text] = prefixOf(value);
	const { exact, lo, hi } = digitsOf(text);
	const [point, from, to] = [convert(exact), convert(lo), convert(hi)];
	const inside = target.lo >= from && target.lo < to && target.hi <= to;
	switch (prefix) {
		case 'eq':
			return inside;
		case 'ne':
			return !inside;
		case 'gt':
			return target.hi > point;
		case 'lt':
			return target.lo < point;
		case 'ge':
			return target.hi >= point;
		case 'le':
			return target.lo <= point;
		case 'sa':
			return target.lo > point;
		case 'eb':
			return target.hi < point;
		default:
			return target.lo <= point + Math.abs(point) * 0.1 && target.hi >= point - Math.abs(point) * 0.1;
	}
}

type Quantity = { value?: number; unit?: string; system?: string; code?: string; comparator?: string };

function compareQuantity({ value: held, type }: Item, value: string): boolean {
	const [number = '', system, code] = splitAt(value, '|').map(withoutEscapes);
	const { low, high } = held as { low?: Quantity; high?: Quantity };
	const ends: [Quantity | undefined, Quantity | undefined] = type === 'Range' ? [low, high] : [held as Quantity, held as Quantity];
	const known = (ends[0] ?? ends[1]) as Quantity;
	const span = (convert: (number: number) => number): Span => ({
		lo: bound(ends[0], -Infinity, convert),
		hi: bound(ends[1], Infinity, convert),
	});
	const plain = (one: number): number => one;
	if (code === undefined || code === '') return compareNumber(span(plain), number);
	if (system === '') return (known.code === code || known.unit === code) && compareNumber(span(plain), number);
	if (system === ucum) {
		const wanted = units[code];
		const own = known.system === ucum && known.code !== undefined ? units[known.code] : undefined;
		if (wanted === undefined || own === undefined || wanted[1] !== own[1]) return false;
		const rounded = (one: number): number => Number(one.toPrecision(11));
		return compareNumber(
			span((one) => rounded(one * own[0])),
			number,
			(one) => rounded(one * wanted[0]),
		);
	}
	return known.system === system && known.code === code && compareNumber(span(plain), number);
}

function bound(quantity: Quantity | undefined, open: number, convert: (number: number) => number): number {
	if (quantity?.value === undefined) return open;
	const { value, comparator } = quantity;
	const nudge = comparator === '<' ? -1 : comparator === '>' ? 1 : 0;
	return convert(value) + nudge * Math.abs(convert(value)) * 1e-14;
}

function isNear({ latitude, longitude }: Json, value: string): boolean {
	const [lat = 0, lon = 0, distance = 0] = value.split('|').map(Number);
	const rad = (degrees: number): number => (degrees * Math.PI) / 180;
	const [a, b] = [rad(Number(latitude)), rad(lat)];
	const cosine = Math.sin(a) * Math.sin(b) + Math.cos(a) * Math.cos(b) * Math.cos(rad(Number(longitude) - lon));
	return Math.acos(Math.min(1, Math.max(-1, cosine))) * 6371.0088 <= distance * (value.endsWith('|m') ? 0.001 : 1);
}
