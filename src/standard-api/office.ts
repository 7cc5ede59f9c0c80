// What the practice looks up: lists of values, kinds of payers, the version that clients expect.
import { isDefault, listOf } from './dictionaries.ts';
import { notThere } from './problems.ts';
import type { StandardRow } from './row.ts';

/** The version of OpenEMR whose API this is; clients ask for it to know what they can do. */
const version = { v_major: '8', v_minor: '2', v_patch: '0', v_realpatch: '0', v_tag: '', v_database: 541, v_acl: 13 };

/** Heron is registered nowhere. */
const product = { status: 'OPT_OUT' };

/** An option as OpenEMR's list shows it. */
function optionsShown(name: string): object[] | undefined {
	return listOf(name)?.map(({ id, title, codes, notes }, i) => ({
		list_id: name,
		option_id: id,
		title,
		seq: (i + 1) * 10,
		is_default: isDefault(name, id) ? 1 : 0,
		option_value: 0,
		mapping: '',
		notes: notes ?? '',
		codes: codes ?? '',
		toggle_setting_1: 0,
		toggle_setting_2: 0,
		activity: 1,
		subtype: '',
		edit_options: 1,
		timestamp: null,
		last_updated: null,
	}));
}

export const officeRows: readonly StandardRow[] = [
	{
		method: 'GET',
		path: '/list/:list_name',
		resource: 'list',
		does: 'read',
		right: 'lists.default',
		style: 'B',
		summary: 'The options of a list of values; the list "lists" names them all',
		async run(_ctx, { params }) {
			const data = optionsShown(params.list_name as string);
			if (data === undefined) throw notThere();
			return { data };
		},
	},
	{
		method: 'GET',
		path: '/version',
		resource: 'version',
		does: 'search',
		isPublic: true,
		style: 'B',
		summary: 'The version of OpenEMR whose API this is',
		run: async () => ({ data: version }),
	},
	{
		method: 'GET',
		path: '/product',
		resource: 'product',
		does: 'search',
		isPublic: true,
		style: 'B',
		summary: 'Whether this installation is registered with its makers',
		run: async () => ({ data: product }),
	},
	{
		method: 'GET',
		path: '/insurance_type',
		resource: 'insurance_type',
		does: 'search',
		right: 'acct.bill',
		style: 'B',
		summary: 'The kinds of payers, by number',
		run: async () => ({ data: Object.fromEntries((listOf('insurance_types') ?? []).map(({ title }, i) => [String(i + 1), title])) }),
	},
];
