// $meta: the profiles, tags and security labels of a resource, of a type, or in use at all.
// https://hl7.org/fhir/R4/operation-resource-meta.html
import { Problem } from '#base/problem.ts';
import { raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit } from '#fhir/interactions/guard.ts';
import { read, vread } from '#fhir/interactions/read.ts';
import type { Meta, Resource } from '#fhir/resource.ts';
import { restrictSql } from '#fhir/search/match.ts';
import { table } from '#fhir/search/params/row.ts';
import { define, hl7, output } from './define.ts';
import { answerParameters } from './input.ts';
import { type Labels, labelsOf, union, withLabels } from './meta-sets.ts';
import type { Operation } from './operation.ts';

export const meta: Operation = {
	name: 'meta',
	definition: define({
		id: 'Resource-meta',
		name: 'Meta',
		title: 'Profiles, tags and security labels',
		code: 'meta',
		base: hl7('Resource-meta'),
		description:
			'The meta of a resource or of one of its versions; on a type, or on the system, every profile, tag and security label in use that the caller may see. The latter look at every resource, and are refused when that takes too long.',
		resource: ['Resource'],
		system: true,
		type: true,
		instance: true,
		parameter: [output('return', 'Meta', 'The meta.')],
	}),
	complete: true,
	levels: { system: true, type: true, instance: true },
	types: ['Resource'],
	methods: ['GET', 'POST'],
	versions: true,
	async run(ctx, { type, id, version }) {
		return { resource: answerParameters([{ name: 'return', valueMeta: await metaOf(ctx, type, id, version) }]) };
	},
};

async function metaOf(ctx: FhirCtx, type: string | undefined, id: string | undefined, version: number | undefined): Promise<Meta> {
	if (type === undefined) return inUse(ctx, await usedTypes(ctx));
	if (id === undefined) return inUse(ctx, [{ type, limit: permit(ctx, type, 'read') }]);
	const stored = version === undefined ? await read(ctx, type, id) : await vread(ctx, type, id, String(version));
	return (JSON.parse(stored.body) as Resource).meta ?? {};
}

type Reached = { readonly type: string; readonly limit: Sql | null };

/** The types that have resources of which the caller may see some. */
async function usedTypes(ctx: FhirCtx): Promise<Reached[]> {
	const rows = await ctx.db.rows(raw('SELECT type FROM fhir.used_type ORDER BY type'));
	return rows.flatMap(([name]) => {
		const limit = restrictSql(ctx, name as string, 'read');
		return limit === 'nothing' ? [] : [{ type: name as string, limit }];
	});
}

const limitSeconds = 20;

async function inUse(ctx: FhirCtx, reached: readonly Reached[]): Promise<Meta> {
	let labels: Labels = labelsOf({});
	await ctx.db
		.tx(
			async (tx) => {
				await tx.execute(raw(`SET LOCAL statement_timeout = '${limitSeconds}s'`));
				for (const { type, limit } of reached) {
					const rows = await tx.rows(sql`
					SELECT DISTINCT (r.body::jsonb -> 'meta') - '{versionId,lastUpdated,source,id,extension}'::text[] FROM ${table(type)} r
					WHERE r.has & ${raw(labelBits(ctx, type))}::int8 <> 0 AND ${limit ?? raw('true')}`);
					for (const [found] of rows) labels = union(labels, labelsOf(found as Meta));
				}
			},
			{ readOnly: true },
		)
		.catch((error: unknown) => {
			throw (error as { code?: string }).code === '57014' ? tooCostly(error) : error;
		});
	return withLabels({}, labels);
}

/** Bits of the parameters of which one at least has a value when there are labels. */
function labelBits({ fhir }: FhirCtx, type: string): string {
	const numbers = ['_profile', '_security', '_tag'].flatMap((code) => fhir.registry.param(type, code)?.number ?? []);
	return String(numbers.reduce((bits, number) => bits | (1n << BigInt(number)), 0n));
}

function tooCostly(cause: unknown): Problem {
	const text = `There are so many resources that their labels cannot be collected within ${limitSeconds} seconds.`;
	return new Problem('too-much', 'meta-too-costly', text, {
		cause,
		status: 422,
		issues: [{ severity: 'error', type: 'too-costly', code: 'meta-too-costly', text }],
	});
}
