// Special parameters: Location.near, a distance over the globe. https://hl7.org/fhir/R4/location.html#positional
import { raw, type Sql, sql } from '#db/sql.ts';
import type { NearValue, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { anyOf, type Row, someRange } from './row.ts';

const earthMetres = 6_371_008.8;
const degrees = 180 / Math.PI;

/** The condition that the position (latitude and longitude as the ends of a range) is no farther than asked from one of the places. */
export function specialCondition(row: Row, param: SearchParam, values: readonly Value[]): Sql {
	return anyOf(
		values.map((value) => (value.is === 'near' ? someRange(row, param.number, ({ lo, hi }) => isNear(value, lo, hi)) : raw('false'))),
	);
}

/** The latitudes within reach first, since an index has them. */
function isNear({ latitude, longitude, metres }: NearValue, lat: Sql, lon: Sql): Sql {
	const reach = (metres / earthMetres) * degrees + 1e-9;
	const half = sql`sin(radians(${lat} - ${latitude}::float8) / 2) ^ 2 + cos(radians(${lat})) * ${Math.cos(latitude / degrees)}::float8 * sin(radians(${lon} - ${longitude}::float8) / 2) ^ 2`;
	return sql`${lat} BETWEEN ${latitude - reach}::float8 AND ${latitude + reach}::float8 AND 2 * ${earthMetres}::float8 * asin(least(1, sqrt(${half}))) <= ${metres}::float8`;
}
