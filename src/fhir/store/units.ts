// Quantities in canonical units, so that 1 g and 1000 mg are found by each other. UCUM is done by @lhncbc/ucum-lhc, loaded when first needed.
import { createRequire } from 'node:module';

/** A unit as a factor to base units; `canonical` is the same for all units that can be compared. */
type Unit = { readonly factor: number; readonly offset: number; readonly canonical: string };

type UcumUnit = { magnitude_: number; dim_?: { dimVec_?: number[] | null } | null; cnv_?: string | null; isArbitrary_?: boolean };
type Ucum = { UcumLhcUtils: { getInstance(): { getSpecifiedUnit(code: string, mode: 'validate'): { unit: UcumUnit | null } } } };

export const ucumSystem = 'http://unitsofmeasure.org';

const offsets: Readonly<Record<string, number>> = { Cel: 273.15, degF: 255.37222222222223 };
const known = new Map<string, Unit | undefined>();
const capacity = 5000;

function unitOf(code: string): Unit | undefined {
	if (known.has(code)) return known.get(code);
	if (known.size >= capacity) known.clear();
	const unit = lookUp(code);
	known.set(code, unit);
	return unit;
}

/** UCUM is printable ASCII; on these mistakes the library would complain on the console. */
const plausible = /^(?!.*(?:\(\)|\}\d))[!-~]{1,60}$/;

function lookUp(code: string): Unit | undefined {
	if (!plausible.test(code)) return undefined;
	const ucum = createRequire(import.meta.url)('@lhncbc/ucum-lhc') as Ucum;
	const { unit } = ucum.UcumLhcUtils.getInstance().getSpecifiedUnit(code, 'validate');
	if (unit === null || unit === undefined || !Number.isFinite(unit.magnitude_) || unit.magnitude_ === 0) return undefined;
	const special = unit.cnv_ ?? undefined;
	const offset = special === undefined ? 0 : offsets[special];
	// Logarithmic and other special scales, and units whose size nobody knows, compare only with themselves.
	if (offset === undefined || unit.isArbitrary_ === true) return { factor: 1, offset: 0, canonical: `~${code}` };
	const vector = unit.dim_?.dimVec_;
	return { factor: unit.magnitude_, offset, canonical: `~${vector === null || vector === undefined ? '1' : vector.join('.')}` };
}

/** A value in base units and the name of its dimension; undefined when the unit is not UCUM or unknown to it. */
export function canonicalQuantity(
	value: number,
	system: string | undefined,
	code: string | undefined,
): { readonly value: number; readonly unit: string } | undefined {
	if (system !== ucumSystem || code === undefined) return undefined;
	const unit = unitOf(code);
	return unit === undefined ? undefined : { value: rounded(value * unit.factor + unit.offset), unit: unit.canonical };
}

/** To twelve digits: what differs beyond them does so by the arithmetic. */
function rounded(value: number): number {
	return Number.isInteger(value) && Math.abs(value) < 1e12 ? value : Number(value.toPrecision(12));
}
