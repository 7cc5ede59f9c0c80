// Special parameters: Location.near, a distance over the globe. https://hl7.org/fhir/R4/location.html#positional
import { raw, type Sql, sql } from '#db/sql.ts';
import type { Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { anyOf, column, isPresent, type Row } from './row.ts';

const earthMetres = 6_371_008.8;

/** The condition that the Location is no farther than asked from one of the places. Positions are read from the bodies of Locations that have one. */
export function specialCondition(row: Row, param: SearchParam, values: readonly Value[]): Sql {
	const position = (name: string): Sql => sql`radians((${column(row, 'body')}::jsonb #>> ${raw(`'{position,${name}}'`)})::float8)`;
	const [lat, lon] = [position('latitude'), position('longitude')];
	const near = values.map((value) => {
		if (value.is !== 'near') return raw('false');
		const [toLat, toLon] = [(value.latitude * Math.PI) / 180, (value.longitude * Math.PI) / 180];
		const haversine = sql`sin((${lat} - ${toLat}::float8) / 2) ^ 2 + cos(${lat}) * ${Math.cos(toLat)}::float8 * sin((${lon} - ${toLon}::float8) / 2) ^ 2`;
		return sql`2 * ${earthMetres}::float8 * asin(least(1, sqrt(${haversine}))) <= ${value.metres}::float8`;
	});
	return sql`(${isPresent(row, param)} AND ${anyOf(near)})`;
}
