// What PostgreSQL does for a statement: for tests that assert which index it reads and how many pages it touches, never the clock.
import type { Database, Querier, Statement } from '#db/database.ts';
import { Sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';

export type Spoken = {
	readonly text: string;
	readonly values: readonly unknown[];
	readonly named: boolean;
	/** How many rows it gave, once it has. */
	rows: number;
};

/** The same context with a database that notes what it is asked. */
export function listening(ctx: FhirCtx): { readonly ctx: FhirCtx; readonly statements: Spoken[] } {
	const statements: Spoken[] = [];
	const note = async <T extends { readonly length: number } | number>(
		statement: Statement,
		run: (statement: Statement) => Promise<T>,
	): Promise<T> => {
		const { text, values = [] } = statement instanceof Sql ? statement.compile() : statement;
		const spoken = { text, values, named: !(statement instanceof Sql) && statement.name !== undefined, rows: 0 };
		statements.push(spoken);
		const answer = await run(statement);
		spoken.rows = typeof answer === 'number' ? answer : answer.length;
		return answer;
	};
	const heard = (querier: Querier): Querier => ({
		query: (statement) => note(statement, (asked) => querier.query(asked)),
		rows: (statement) => note(statement, (asked) => querier.rows(asked)),
		execute: (statement) => note(statement, (asked) => querier.execute(asked)),
	});
	const db: Database = {
		...ctx.db,
		...heard(ctx.db),
		session: (work) => ctx.db.session((session) => work(heard(session))),
		tx: (work, mode) => ctx.db.tx((tx) => work({ ...tx, ...heard(tx) }), mode),
	};
	return { ctx: { ...ctx, db }, statements };
}

export type Node = {
	readonly type: string;
	readonly relation: string | undefined;
	readonly index: string | undefined;
	readonly rows: number;
};

export type Plan = { readonly nodes: readonly Node[]; readonly buffers: number; readonly text: string };

type Json = {
	'Node Type': string;
	'Relation Name'?: string;
	'Index Name'?: string;
	'Actual Rows': number;
	'Actual Loops': number;
	'Shared Hit Blocks': number;
	'Shared Read Blocks': number;
	Plans?: Json[];
};

/** Runs the statement and tells how. A named one is planned without its values, as it is after a while. */
export async function explain(db: Database, { text, values, named }: Spoken): Promise<Plan> {
	const client = await db.connect();
	try {
		// A generic plan is only had by way of PREPARE.
		if (named) await client.query(`SET plan_cache_mode = force_generic_plan; PREPARE probe AS ${text}`);
		const what = named ? `EXECUTE probe${values.length === 0 ? '' : `(${values.map(literal).join(', ')})`}` : text;
		const given = named ? [] : [...values];
		const { rows } = await client.query({ text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${what}`, values: given, rowMode: 'array' });
		const plan = (rows as [[{ Plan: Json }]][])[0]?.[0]?.[0]?.Plan as Json;
		const nodes: Node[] = [];
		const visit = (node: Json): void => {
			nodes.push({
				type: node['Node Type'],
				relation: node['Relation Name'],
				index: node['Index Name'],
				rows: node['Actual Rows'] * node['Actual Loops'],
			});
			for (const inner of node.Plans ?? []) visit(inner);
		};
		visit(plan);
		const { rows: lines } = await client.query({ text: `EXPLAIN ${what}`, values: given, rowMode: 'array' });
		return {
			nodes,
			buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
			text: (lines as [string][]).map(([line]) => line).join('\n'),
		};
	} finally {
		await client.query('RESET plan_cache_mode');
		if (named) await client.query('DEALLOCATE probe');
		client.release();
	}
}

function literal(value: unknown): string {
	if (value === null || value === undefined) return 'NULL';
	const text = Array.isArray(value) ? `{${value.map((one) => JSON.stringify(String(one))).join(',')}}` : String(value);
	return `'${text.replaceAll("'", "''")}'`;
}
