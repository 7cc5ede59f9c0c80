// `_contained`: resources that contain one which meets the criteria. https://hl7.org/fhir/R4/search.html#contained
import type { Querier } from '#db/database.ts';
import { join, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { innerKey } from '#fhir/store/keys.ts';
import { table } from './params/row.ts';
import type { Clause } from './query.ts';
import type { Wanted } from './read.ts';
import { accepts, type SearchParam } from './registry.ts';
import { usedTypes } from './used-types.ts';

/** What of each type contains, and refers to, a resource of `type` that meets the clause. */
export async function holdersOf(ctx: FhirCtx, db: Querier, type: string, clause: Clause): Promise<Wanted[]> {
	const holders = await typesThatContain(ctx, db, type);
	return holders.map(([holder, params]) => {
		const of = params.map((param): Clause => ({ is: 'inside', param, type, clause }));
		return { type: holder, clause: of.length === 1 ? (of[0] as Clause) : { is: 'any', of } };
	});
}

/** The types of which some resource contains one of `type`, with the parameters by which it is referred to. */
async function typesThatContain(ctx: FhirCtx, db: Querier, type: string): Promise<[holder: string, params: SearchParam[]][]> {
	const asked = (await usedTypes(db)).flatMap((holder): [string, SearchParam[]][] => {
		const params = [...ctx.fhir.registry.plain(holder).values()].filter(
			(param) => param.type === 'reference' && param.number <= 62 && accepts(param, type),
		);
		return params.length === 0 ? [] : [[holder, params]];
	});
	if (asked.length === 0) return [];
	const probes = asked.map(([holder, params]) => {
		const marks = params.map(({ code }) => innerKey(code, type, ''));
		return sql`SELECT ${holder} AS holder, m.at FROM unnest(${marks}::int8[]) WITH ORDINALITY AS m (mark, at) WHERE EXISTS (SELECT 1 FROM ${table(holder)} r WHERE r.keys @> ARRAY[m.mark])`;
	});
	const found = new Set((await db.rows(join(probes, ' UNION ALL '))).map(([holder, at]) => `${holder} ${at}`));
	return asked.flatMap(([holder, params]): [string, SearchParam[]][] => {
		const used = params.filter((_, i) => found.has(`${holder} ${i + 1}`));
		return used.length === 0 ? [] : [[holder, used]];
	});
}
