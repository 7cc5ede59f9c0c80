// What the caller may do to a resource, checked by the database within the write's own transaction.
import { isEntryName } from '#access/audit/log.ts';
import type { Interaction } from '#access/ctx.ts';
import { type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { isToBePlaced, placed } from '#fhir/provenance/placed.ts';
import type { Stored } from '#fhir/resource.ts';
import { restrictSql } from '#fhir/search/match.ts';
import { table } from '#fhir/search/params/row.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import { auditReadOnly, forbidden } from './problems.ts';

/** The limit on the type for the interaction, null for none. Throws Problem forbidden when the caller may do it to no resource of the type. */
export function permit(ctx: FhirCtx, type: string, interaction: Interaction): Sql | null {
	const limit = restrictSql(ctx, type, interaction);
	if (limit === 'nothing') throw forbidden(type, interaction);
	return limit;
}

/** Entries of the audit are shown as AuditEvents of these names; nothing else may have one. */
function requireNoEntry({ type, id }: Write): void {
	if (type === 'AuditEvent' && isEntryName(id)) throw auditReadOnly(id);
}

/** One write by itself: joined with others when the caller is not limited, else in a transaction that checks the limit before and after. */
export function writeAlone(ctx: FhirCtx, write: Write, interaction: Interaction): Promise<Written> {
	requireNoEntry(write);
	const limit = permit(ctx, write.type, interaction);
	if (limit === null && !isRuled(ctx, write) && !isToBePlaced(write)) return ctx.fhir.store.write(ctx, write);
	return ctx.fhir.store.transact(ctx, async (unit) => (await writeWithin(ctx, unit, [write], () => interaction))[0] as Written);
}

/** Whether a rule has to look at the write, for which it needs a transaction. */
export function isRuled({ fhir }: FhirCtx, write: Write): boolean {
	return fhir.rules.get(write.type)?.concerns(write) === true;
}

/** Shows the writes to the rules of their types. */
async function obey(ctx: FhirCtx, unit: Unit, writes: readonly Write[]): Promise<void> {
	for (const [type, rule] of ctx.fhir.rules) {
		const own = writes.filter((write) => write.type === type);
		if (own.some((write) => rule.concerns(write))) await rule.check(ctx, unit, own);
	}
}

/**
 * Writes in a transaction; each resource must be within the caller's limits before (if it was there) and after. Throws also what the rules
 * of its type do.
 */
export async function writeWithin(
	ctx: FhirCtx,
	unit: Unit,
	writes: readonly Write[],
	interactionOf: (write: Write, index: number) => Interaction,
): Promise<Written[]> {
	for (const write of writes) requireNoEntry(write);
	const limits = writes.map((write, index) => permit(ctx, write.type, interactionOf(write, index)));
	for (const [index, write] of writes.entries()) {
		const limit = limits[index];
		if (limit === null || limit === undefined || write.op === 'C') continue;
		const current = await unit.read(write.type, write.id);
		if (current !== undefined && current.op !== 'D') await requireWithin(unit, current, limit, interactionOf(write, index));
	}
	await obey(ctx, unit, writes);
	const written = await unit.write(await placed(ctx, unit, writes));
	for (const [index, one] of written.entries()) {
		const limit = limits[index];
		if (limit !== null && limit !== undefined && one.op !== 'D')
			await requireWithin(unit, one, limit, interactionOf(writes[index] as Write, index));
	}
	return written;
}

async function requireWithin(unit: Unit, stored: Stored, limit: Sql, interaction: Interaction): Promise<void> {
	if (!(await isWithin(unit, stored, limit))) throw forbidden(stored.type, interaction);
}

/** Whether a resource meets the caller's limit as the transaction sees it. */
export async function isWithin(unit: Unit, stored: Pick<Stored, 'type' | 'id'>, limit: Sql): Promise<boolean> {
	const rows = await unit.tx.rows(sql`SELECT 1 FROM ${table(stored.type)} r WHERE r.id = ${stored.id} AND ${limit}`);
	return rows.length > 0;
}
