// What OpenEMR's lists have in common: problems, allergies, medications, surgeries and dental issues are rows of one table there.
import { extra, type Field, type Filter } from './mapping.ts';

/**
 * The columns of a list row, those given in their place and the rest in extensions. Columns that are shown the same for all rows, and the
 * number and UUIDs, are the route's business.
 */
export function issueFields(resource: string, own: readonly Field[]): Field[] {
	const columns: readonly (readonly [name: string, kind: Field['kind']])[] = [
		['subtype', 'text'],
		['title', 'text'],
		['udi', 'text'],
		['udi_data', 'text'],
		['begdate', 'datetime'],
		['enddate', 'datetime'],
		['returndate', 'date'],
		['occurrence', 'integer'],
		['classification', 'integer'],
		['referredby', 'text'],
		['extrainfo', 'text'],
		['diagnosis', 'text'],
		['activity', 'flag'],
		['comments', 'text'],
		['groupname', 'text'],
		['outcome', 'integer'],
		['destination', 'text'],
		['reinjury_id', 'integer'],
		['injury_part', 'text'],
		['injury_type', 'text'],
		['injury_grade', 'text'],
		['reaction', 'text'],
		['verification', 'text'],
		['external_allergyid', 'integer'],
		['erx_source', 'text'],
		['erx_uploaded', 'text'],
		['severity_al', 'text'],
		['external_id', 'text'],
		['list_option_id', 'text'],
	];
	const given = new Map(own.map((field) => [field.name, field]));
	const known = new Set(columns.map(([name]) => name));
	return [
		...own.filter(({ name }) => !known.has(name)),
		...columns.map(([name, kind]) => given.get(name) ?? extra(resource, name, { kind })),
	].map((one) => (one.filter !== undefined || one.to !== undefined ? one : { ...one, filter: filterOf(one) }));
}

/** Every column filters a list; of dates, the day is enough. What no index knows is looked for among a patient's rows, which are few. */
function filterOf({ kind }: Field): Filter {
	return kind === 'datetime' || kind === 'date' ? { part: true } : {};
}
