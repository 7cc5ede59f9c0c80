// Items told apart into slices, counted and checked.
import type { StructureFacts } from '#fhir/definitions/facts.ts';
import type { Findings } from './findings.ts';
import type { ProfileCheck } from './profiles.ts';
import { reports } from './reports.ts';
import type { Item, SlicePlan } from './slices.ts';

type Checks = readonly (ProfileCheck | undefined)[];
type Placed = Item & { readonly index: number };

/** Checks the items of a sliced element. `values` and `siblings` are what JSON has; `step` is the element's path below the value at work. */
export function checkSlices(
	c: Findings,
	p: StructureFacts,
	plan: SlicePlan,
	checks: Checks,
	values: readonly unknown[] | undefined,
	siblings: readonly unknown[] | undefined,
	type: string | undefined,
	step: string,
	isArray: boolean,
): void {
	const items: Placed[] = [];
	const length = Math.max(values?.length ?? 0, siblings?.length ?? 0);
	for (let index = 0; index < length; index++) items.push({ value: values?.[index], sibling: siblings?.[index], type, index });
	checkItems(c, p, plan, checks, items, step, isArray);
}

function checkItems(
	c: Findings,
	p: StructureFacts,
	plan: SlicePlan,
	checks: Checks,
	items: readonly Placed[],
	step: string,
	isArray: boolean,
): void {
	const pathOf = ({ index }: Placed): string => (isArray ? `${step}[${index}]` : step);
	const inSlice: Placed[][] = plan.slices.map(() => []);
	let unknown = 0;
	let last = -1;
	let outside: Placed | undefined;
	for (const item of items) {
		const at = sliceOf(plan, item, c);
		if (at === undefined) unknown++;
		else if (at < 0) {
			outside ??= item;
			if (plan.rules === 'closed')
				reports.sliceNone(
					c,
					p,
					pathOf(item),
					plan.slices.map(({ name }) => name),
				);
		} else {
			(inSlice[at] as Placed[]).push(item);
			if (outside !== undefined && plan.rules === 'openAtEnd')
				reports.sliceOrder(c, p, pathOf(outside), 'what is in no slice must come last.');
			if (plan.ordered && at < last)
				reports.sliceOrder(c, p, pathOf(item), `the slice ${plan.slices[at]?.name} must come before ${plan.slices[last]?.name}.`);
			last = Math.max(last, at);
		}
	}
	for (const [at, slice] of plan.slices.entries()) {
		const found = inSlice[at] as Placed[];
		if ((found.length < slice.min && unknown === 0) || (slice.max >= 0 && found.length > slice.max))
			reports.sliceCount(c, p, step, slice, found.length);
		const check = checks[slice.check];
		if (check !== undefined) {
			for (const item of found) {
				const n = c.issues.length;
				check(item.value, item.sibling, c, item.type);
				if (c.issues.length !== n) c.under(n, pathOf(item));
			}
		}
		if (slice.slices !== undefined) checkItems(c, p, slice.slices, checks, found, step, isArray);
	}
}

/** Number of the first slice that takes the item; -1 when none does, undefined when that cannot be known. */
function sliceOf(plan: SlicePlan, item: Item, c: Findings): number | undefined {
	let isUnknown = false;
	for (let at = 0; at < plan.slices.length; at++) {
		const matches = plan.slices[at]?.test(item, c);
		if (matches === true) return at;
		if (matches === undefined) isUnknown = true;
	}
	return isUnknown ? undefined : -1;
}
