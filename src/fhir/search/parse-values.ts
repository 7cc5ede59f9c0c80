// One written value to what it means, by the type of its parameter. Whatever cannot be read is a Problem invalid.
import type { Fhir } from '#fhir/ctx.ts';
import { dateRange } from '#fhir/store/dates.ts';
import { split, unescaped } from './escape.ts';
import { badValue, clip } from './problems.ts';
import type { NearValue, NumberValue, Prefix, QuantityValue, ReferenceValue, TokenValue, Value } from './query.ts';
import type { SearchParam } from './registry.ts';

/** The value that `text` (escapes still in it) stands for. Throws Problem invalid `search-value-invalid`. */
export function parseValue(fhir: Fhir, param: SearchParam, modifier: string | undefined, text: string, whole: string): Value {
	if (text.length > 4000) throw badValue(whole, clip(text), 'It is too long.');
	switch (param.type) {
		case 'string':
			return { is: 'string', text: unescaped(text) };
		case 'uri':
			return { is: 'uri', text: unescaped(text) };
		case 'token':
			return modifier === 'of-type' ? ofType(text, whole) : token(text);
		case 'number':
			return number(text, whole);
		case 'quantity':
			return quantity(text, whole);
		case 'date':
			return date(text, whole);
		case 'reference':
			return modifier === 'identifier' ? token(text) : reference(fhir, param, modifier, unescaped(text), whole);
		case 'composite':
			return composite(fhir, param, text, whole);
		case 'special':
			return near(text, whole);
	}
}

function token(text: string): TokenValue {
	const [first = '', ...rest] = split(text, '|');
	if (rest.length === 0) return { is: 'token', system: undefined, code: unescaped(first), text: unescaped(text) };
	const code = unescaped(rest.join('|'));
	return { is: 'token', system: unescaped(first), code: code === '' ? undefined : code, text: unescaped(text) };
}

function ofType(text: string, whole: string): Value {
	const [system, code, value, ...more] = split(text, '|').map(unescaped);
	if (!code || !value || system === undefined || more.length > 0) throw badValue(whole, text, 'Write system|code|value.');
	return { is: 'of-type', system, code, value };
}

const prefixes: ReadonlySet<string> = new Set(['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap']);

function prefixed(text: string): [Prefix, string] {
	const start = text.slice(0, 2);
	return prefixes.has(start) ? [start as Prefix, text.slice(2)] : ['eq', text];
}

const decimal = /^([+-]?)(\d{1,30})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,3}))?$/;

/** A number and the range that its written precision leaves open. */
function number(text: string, whole: string): NumberValue {
	const [prefix, digits] = prefixed(text);
	const match = decimal.exec(digits);
	const value = match === null ? Number.NaN : Number(digits);
	if (match === null || !Number.isFinite(value)) throw badValue(whole, text, 'Write a number such as 5.4, lt10 or 1e-3.');
	const exponent = Number(match[4] ?? 0);
	// The specification's own example for one significant figure: 1e2 searches [95 ... 105).
	const last = match[3] === undefined && exponent > 0 ? exponent - 1 : exponent - (match[3]?.length ?? 0);
	const half = 0.5 * 10 ** last;
	return { is: 'number', prefix, value, lo: decimalOf(value - half), hi: decimalOf(value + half) };
}

/** Without what binary arithmetic adds: 5.4 - 0.05 is 5.35. */
function decimalOf(value: number): number {
	return Number(value.toPrecision(15));
}

function quantity(text: string, whole: string): QuantityValue {
	const [amount = '', system, ...rest] = split(text, '|');
	const { prefix, value, lo, hi } = number(amount, whole);
	const unit = system === undefined ? undefined : unescaped(rest.join('|'));
	if (system !== undefined && rest.length === 0) throw badValue(whole, text, 'Write number, number|system|code or number||code.');
	return {
		is: 'quantity',
		prefix,
		value,
		lo,
		hi,
		system: system === undefined || system === '' ? undefined : unescaped(system),
		code: unit === '' ? undefined : unit,
	};
}

function date(text: string, whole: string): Value {
	const [prefix, rest] = prefixed(text);
	const range = dateRange(rest.includes(' ') ? rest.replace(/ (?=\d\d:\d\d$)/, '+').replace(' ', 'T') : rest);
	if (range === undefined) throw badValue(whole, text, 'Write a date such as 2024, 2024-03-31 or ge2024-03-31T10:00:00Z.');
	return { is: 'date', prefix, lo: range.lo, hi: range.hi };
}

const idShape = /^[A-Za-z0-9\-.]{1,64}$/;
const localShape = /^([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

function reference(fhir: Fhir, param: SearchParam, modifier: string | undefined, text: string, whole: string): ReferenceValue {
	if (param.canonical === true) return canonical(fhir, modifier, text);
	const local = text.startsWith(`${fhir.base}/`) ? text.slice(fhir.base.length + 1) : text;
	const named = modifier !== undefined && fhir.definitions.isResourceType(modifier) ? modifier : undefined;
	const match = localShape.exec(local);
	if (match !== null && fhir.definitions.isResourceType(match[1] as string)) {
		if (named !== undefined && named !== match[1]) return { is: 'reference', targets: [] };
		return { is: 'reference', targets: [`${match[1]}/${match[2]}`] };
	}
	if (idShape.test(local)) {
		if (named !== undefined) return { is: 'reference', targets: [`${named}/${local}`] };
		const types = param.targets.length > 0 ? param.targets : fhir.definitions.resourceTypes;
		return { is: 'reference', targets: types.map((type) => `${type}/${local}`) };
	}
	if (/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(text)) return { is: 'reference', targets: [text] };
	throw badValue(whole, text, 'Write an id, Type/id or an absolute url.');
}

/** A canonical url: under this server's base without it; for `:below` a version stands for all that begin with it. */
function canonical(fhir: Fhir, modifier: string | undefined, text: string): ReferenceValue {
	const local = text.startsWith(`${fhir.base}/`) ? text.slice(fhir.base.length + 1) : text;
	return { is: 'reference', targets: [modifier === 'below' ? local.replace('|', '|~') : local] };
}

function composite(fhir: Fhir, param: SearchParam, text: string, whole: string): Value {
	const parts = split(text, '$');
	const components = param.components ?? [];
	if (parts.length !== components.length || parts.includes('')) {
		throw badValue(whole, text, `Write ${components.length} values joined by "$".`);
	}
	return { is: 'composite', parts: components.map(({ param: part }, i) => parseValue(fhir, part, undefined, parts[i] as string, whole)) };
}

const metres: ReadonlyMap<string, number> = new Map([
	['km', 1000],
	['m', 1],
	['[mi_us]', 1609.347],
	['[mi_i]', 1609.344],
	['cm', 0.01],
	['[ft_i]', 0.3048],
]);

function near(text: string, whole: string): NearValue {
	const [latitude, longitude, distance, unit, ...more] = split(text, '|').map(unescaped);
	const numbers = [latitude, longitude, distance || '50'].map((part) => (decimal.test(part ?? '') ? Number(part) : Number.NaN));
	const scale = metres.get(unit || 'km');
	const [lat, lon, far] = numbers as [number, number, number];
	if (scale === undefined || more.length > 0 || !(Math.abs(lat) <= 90) || !(Math.abs(lon) <= 180) || !(far >= 0)) {
		throw badValue(whole, text, 'Write latitude|longitude|distance|unit with unit km, m or [mi_us].');
	}
	return { is: 'near', latitude: lat, longitude: lon, metres: far * scale };
}
