// The functions of FHIRPath, by name.
import type { Make } from './functions/call.ts';
import { collectionFunctions } from './functions/collections.ts';
import { conversionFunctions } from './functions/conversions.ts';
import { fhirFunctions } from './functions/fhir.ts';
import { numberFunctions } from './functions/numbers.ts';
import { stringFunctions } from './functions/strings.ts';

const functions: ReadonlyMap<string, Make> = new Map(
	Object.entries({ ...collectionFunctions, ...conversionFunctions, ...fhirFunctions, ...numberFunctions, ...stringFunctions }),
);

/** How a function becomes a node; undefined when there is none of the name. `is`, `as` and `ofType` are the compiler's own. */
export function functionNamed(name: string): Make | undefined {
	return functions.get(name);
}
