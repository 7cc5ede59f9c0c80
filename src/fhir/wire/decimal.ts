// A number whose written form means something: FHIR decimals keep their precision (https://hl7.org/fhir/R4/datatypes.html#decimal).

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/**
 * A number that JSON.parse and JSON.stringify would write differently (`1.0`, `0.010`, `1e2`, more than 15 digits). Counts as its number
 * in arithmetic, and is written as it was read.
 */
export class Decimal extends Number {
	/** The number as it was written. */
	readonly source: string;

	constructor(source: string) {
		super(source);
		this.source = source;
	}

	/** For JSON.stringify: the source as it stands. */
	toJSON(): unknown {
		return rawJSON(this.source);
	}

	override toString(radix?: number): string {
		return radix === undefined ? this.source : super.toString(radix);
	}
}

/** A number of JSON as a value: a plain number when that writes itself the same way, else a Decimal. */
export function numberOf(source: string): number | Decimal {
	const value = Number(source);
	return String(value) === source ? value : new Decimal(source);
}

/** Whether two numbers have the same value, to the last digit: `1.0` and `1`, but not two long numbers that a double cannot tell apart. */
export function sameNumber(a: unknown, b: unknown): boolean {
	if (Number(a) !== Number(b)) return false;
	return (!(a instanceof Decimal) && !(b instanceof Decimal)) || digitsOf(String(a)) === digitsOf(String(b));
}

/** The value in one form only: significant digits and exponent. */
function digitsOf(source: string): string {
	const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? [];
	const digits = (whole + fraction).replace(/^0+/, '');
	const significant = digits.replace(/0+$/, '');
	return significant === '' ? '0' : `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
