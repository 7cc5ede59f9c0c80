// Conversions between the types of the language, and dates of now (http://hl7.org/fhirpath/N1/#conversion, #utility-functions).
import { arithmetic } from '#fhir/path/arithmetic.ts';
import { amountOf } from '#fhir/path/compare.ts';
import { single } from '#fhir/path/items.ts';
import { node, type Run, type Scope } from '#fhir/path/node.ts';
import { quantityFrom, temporalFrom, textOf } from '#fhir/path/text.ts';
import { sortOf, type Types } from '#fhir/path/types.ts';
import { Amount, isComplex, scalar, Temporal, type TemporalKind } from '#fhir/path/values.ts';
import { argumentOf, type Make, takes } from './call.ts';

const yes = /^(true|t|yes|y|1|1\.0)$/i;
const no = /^(false|f|no|n|0|0\.0)$/i;

function toBoolean(input: unknown): boolean | undefined {
	const value = scalar(input);
	if (typeof value === 'boolean') return value;
	if (typeof value === 'number') return value === 1 ? true : value === 0 ? false : undefined;
	if (typeof value !== 'string') return undefined;
	return yes.test(value) ? true : no.test(value) ? false : undefined;
}

const greatest = 2_147_483_647;

function toInteger(input: unknown): number | undefined {
	if (input instanceof Number) return undefined;
	if (typeof input === 'boolean') return input ? 1 : 0;
	const value = typeof input === 'string' && /^[+-]?\d+$/.test(input) ? Number(input) : input;
	return typeof value === 'number' && Number.isInteger(value) && value <= greatest && value >= -greatest - 1 ? value : undefined;
}

function toDecimal(input: unknown): unknown {
	if (typeof input === 'boolean') return input ? 1 : 0;
	if (typeof input === 'number' || input instanceof Number) return input;
	return typeof input === 'string' && /^[+-]?\d+(\.\d+)?$/.test(input) ? Number(input) : undefined;
}

function toTemporal(kind: TemporalKind): Convert {
	return (input) => {
		const text = input instanceof Temporal ? input.text : input;
		return typeof text === 'string' ? temporalFrom(text, kind) : undefined;
	};
}

/** The date of a dateTime; of a string only when that is just a date. */
function toDate(input: unknown, _argument: unknown, types: Types): Temporal | undefined {
	const text = input instanceof Temporal ? input.text : input;
	if (typeof text !== 'string' || (typeof input === 'string' && text.length > 10 && sortOf(types) === 'text')) return undefined;
	return temporalFrom(text, 'Date');
}

function toQuantity(input: unknown, unit: unknown): Amount | undefined {
	const amount = quantityOf(input);
	if (amount === undefined || unit === undefined) return amount;
	if (typeof unit !== 'string') return undefined;
	const wanted = quantityFrom(/^[a-z]+s?$/.test(unit) ? `1 ${unit}` : `1 '${unit}'`) ?? new Amount(1, unit);
	if (wanted.unit === amount.unit && wanted.calendar === amount.calendar) return amount;
	const ratio = arithmetic('/')?.(amount, wanted);
	return ratio instanceof Amount && ratio.unit === '1' ? new Amount(ratio.value, wanted.unit, wanted.calendar) : undefined;
}

function quantityOf(input: unknown): Amount | undefined {
	const value = scalar(input);
	if (typeof value === 'boolean') return new Amount(value ? 1 : 0, '1');
	if (typeof value === 'string') return quantityFrom(value);
	return typeof value === 'number' || value instanceof Amount || isComplex(value) ? amountOf(value) : undefined;
}

/** Converts a value; the types are those of the input. */
type Convert = (input: unknown, argument: unknown, types: Types) => unknown;

const conversions: Readonly<Record<string, readonly [convert: Convert, type: string, most: number]>> = {
	Boolean: [toBoolean, 'System.Boolean', 0],
	Integer: [toInteger, 'System.Integer', 0],
	Decimal: [toDecimal, 'System.Decimal', 0],
	String: [textOf, 'System.String', 0],
	Date: [toDate, 'System.Date', 0],
	DateTime: [toTemporal('DateTime'), 'System.DateTime', 0],
	Time: [toTemporal('Time'), 'System.Time', 0],
	Quantity: [toQuantity, 'System.Quantity', 1],
};

function conversion(convert: Convert, type: string, most: number): Make {
	return takes(
		0,
		({ input, arg }) => {
			const { value, types } = input;
			const argument = argumentOf(arg(0));
			const run: Run = (self, scope) => {
				const one = single(value(self, scope));
				return one === undefined ? undefined : convert(one, argument(self, scope), types);
			};
			return node(run, [type], false);
		},
		most,
	);
}

function conversionPairs(): Record<string, Make> {
	const made: Record<string, Make> = {};
	for (const [name, [convert, type, most]] of Object.entries(conversions)) {
		made[`to${name}`] = conversion(convert, type, most);
		made[`convertsTo${name}`] = conversion((...given) => convert(...given) !== undefined, 'System.Boolean', most);
	}
	return made;
}

function clock(kind: TemporalKind, cut: (now: string) => string): Make {
	return takes(0, () => node((_self, scope: Scope) => new Temporal(cut(scope.now()), kind), [`System.${kind}`], true));
}

export const conversionFunctions: Readonly<Record<string, Make>> = {
	...conversionPairs(),
	now: clock('DateTime', (now) => now),
	today: clock('Date', (now) => now.slice(0, 10)),
	timeOfDay: clock('Time', (now) => now.slice(11, 23)),
};
