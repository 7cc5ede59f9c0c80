// The rows of records that stand by themselves: list, get, create, change, and whatever removing means for them.
import type { Level } from '#access/rights.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Pair } from '#fhir/search/escape.ts';
import { list } from './list.ts';
import type { Mapping } from './mapping.ts';
import { noSuchRecord, notThere, type Style } from './problems.ts';
import { changeResource, createRecord, showOne, updateRecord } from './records.ts';
import { find } from './references.ts';
import { remembering } from './remembering.ts';
import type { StandardRow } from './row.ts';
import { readingOf } from './write.ts';

export type CrudOptions = {
	/** e.g. `/facility`. */
	readonly path: string;
	/** The variable of the path that names a record. */
	readonly param: string;
	/** What one record and several are, for summaries: "a facility", "facilities". */
	readonly one: string;
	readonly many: string;
	readonly style: Style;
	readonly right: string;
	/** The right for writing, when it is another one. */
	readonly writing?: string;
	/** FHIR criteria of the list. */
	readonly criteria?: readonly Pair[];
	/** Whether a resource of the type is such a record. */
	readonly is?: (resource: Resource) => boolean;
	/** What POST and PUT answer. */
	readonly made: (stored: Stored) => unknown;
	readonly changed?: (stored: Stored) => unknown;
	/** Makes the resource one that is no longer in use. */
	readonly retire?: (draft: Resource) => void;
	/** Which are there; all when absent. */
	readonly only?: readonly ('search' | 'create' | 'read' | 'update' | 'delete')[];
};

/** The rows of a mapping. */
export function crudRows(mapping: Mapping, options: CrudOptions): StandardRow[] {
	const { path, param, style, right, writing = right, criteria = [], made, retire, only, is } = options;
	const isOne = remembering(1000, (stored: Stored) => is === undefined || is(readingOf(stored)));
	/** The record that a path names. Throws Problem as the style of the row has it: 400 with the envelope, 404 without. */
	const named = async (ctx: FhirCtx, name: string): Promise<Stored> => {
		const stored = await find(ctx, mapping.type, name);
		if (stored !== undefined && isOne(stored)) return stored;
		throw style === 'B' || style === 'bare' ? notThere() : noSuchRecord('uuid', name);
	};
	const common = { mapping, resource: mapping.resource, type: mapping.type, style } as const;
	const row = (does: StandardRow['does'], level: Level, rest: Pick<StandardRow, 'method' | 'path' | 'summary' | 'run'>): StandardRow => ({
		...common,
		does,
		right: does === 'search' || does === 'read' ? right : writing,
		level,
		...rest,
	});
	const onePath = `${path}/:${param}`;
	const rows = [
		row('search', 'view', {
			method: 'GET',
			path,
			summary: `A page of the ${options.many}`,
			async run(ctx, call) {
				const { records, links } = await list(ctx, mapping, call, { criteria });
				return { data: records, links };
			},
		}),
		row('create', 'add', {
			method: 'POST',
			path,
			summary: `Adds ${options.one}`,
			async run(ctx, { body }) {
				const stored = await createRecord(ctx, mapping, body);
				return { data: made(stored), about: stored };
			},
		}),
		row('read', 'view', {
			method: 'GET',
			path: onePath,
			summary: `Shows ${options.one}`,
			async run(ctx, { params }) {
				const stored = await named(ctx, params[param] as string);
				return { data: await showOne(ctx, mapping, stored), about: stored };
			},
		}),
		row('update', 'change', {
			method: 'PUT',
			path: onePath,
			summary: `Changes what is sent of ${options.one}`,
			async run(ctx, { params, body }) {
				const { id } = await named(ctx, params[param] as string);
				const stored = await updateRecord(ctx, mapping, id, body);
				return { data: await (options.changed === undefined ? showOne(ctx, mapping, stored) : options.changed(stored)), about: stored };
			},
		}),
		row('delete', 'write', {
			method: 'DELETE',
			path: onePath,
			summary: `Takes ${options.one} out of use; the record stays`,
			async run(ctx, { params }) {
				const { id } = await named(ctx, params[param] as string);
				const stored = await changeResource(ctx, mapping.type, id, (draft) => retire?.(draft));
				return { data: style === 'B' ? true : { uuid: id }, about: stored };
			},
		}),
	];
	return rows.filter(({ does }) => (does !== 'delete' || retire !== undefined) && (only === undefined || only.includes(does as 'read')));
}

/** Takes a resource with an `active` element out of use. */
export function deactivate(draft: Resource): void {
	draft.active = false;
}
