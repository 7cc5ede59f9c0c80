// Brings the demo clinic into an installation: its record by the road of every import, then the accounts of its people.
import { type Caller, everything } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import { raw, sql } from '#db/sql.ts';
import { existing } from '#exchange/import/lookup.ts';
import { prepare } from '#exchange/import/prepare.ts';
import { createTally } from '#exchange/import/tally.ts';
import { createWriter, type Prepared } from '#exchange/import/writer.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { table } from '#fhir/search/params/row.ts';
import type { Clinic } from './clinic.ts';

/** Who the record says brought the clinic in. */
export const demoCaller: Caller = { kind: 'system', id: 'heron-demo', name: 'heron demo', grants: everything };

export type Loading = {
	readonly signal?: AbortSignal;
	/** Told from time to time: patients done, and resources stored or under way. */
	readonly onProgress?: (progress: { readonly patients: number; readonly resources: number }) => void;
};

export type Loaded = {
	readonly patients: number;
	readonly resources: number;
	/** Resources by type that were not there before. */
	readonly created: ReadonlyMap<string, number>;
};

/** Whether nothing is in the record, or nothing but a part of this clinic whose loading was cut short. */
export async function hasRoom(ctx: FhirCtx, clinic: Clinic): Promise<boolean> {
	if (await isEmpty(ctx)) return true;
	const [first] = clinic.shared;
	if (first === undefined) return false;
	const begun = await existing(ctx, new Set([`${first.resourceType}/${first.id}`]));
	const [account] = await ctx.db.rows(sql`SELECT 1 FROM oauth.account WHERE username = ${lastLogin}`);
	return begun.size > 0 && account === undefined;
}

/** The account that is made last: once it is there, the clinic is whole. */
export const lastLogin = 'oneill';

async function isEmpty({ db }: FhirCtx): Promise<boolean> {
	// What tells of what was deleted is left of a record that is empty again.
	for (const [type] of await db.rows(raw("SELECT type FROM fhir.used_type WHERE type <> 'Provenance'"))) {
		const [some] = await db.rows(sql`SELECT 1 FROM ${table(type as string)} WHERE op <> 'D' LIMIT 1`);
		if (some !== undefined) return false;
	}
	return true;
}

/**
 * Stores the clinic, a patient at a time; what is there already stays as it is, so that a loading which was cut short can be done again.
 * Everything is validated as every write is. Rejects with the Problem of a resource that is refused, and when the database cannot be used.
 */
export async function loadClinic(ctx: FhirCtx, clinic: Clinic, { signal, onProgress }: Loading = {}): Promise<Loaded> {
	const refused: string[] = [];
	const tally = createTally((line) => {
		if (line.outcome === 'refused') refused.push(`${line.place}: ${line.issues.map(({ text }) => text).join('; ')}`);
	});
	const setAside = ({ key }: Prepared, missing: readonly string[]): void => {
		refused.push(`${key} refers to ${missing.join(', ')}`);
	};
	const writer = createWriter({ ctx: strict(ctx), tally, setAside });
	const store = async (resources: readonly Resource[]): Promise<void> => {
		const ready: Prepared[] = [];
		for (const resource of resources) ready.push((await prepare(strict(ctx), keyOf(resource), resource, false)).prepared);
		await writer.add(ready);
	};
	await store(clinic.shared);
	await writer.idle();
	let patients = 0;
	let resources = clinic.shared.length;
	for (; patients < clinic.patients && signal?.aborted !== true; patients++) {
		const chart = clinic.chart(patients);
		await store(chart);
		resources += chart.length;
		onProgress?.({ patients: patients + 1, resources });
	}
	await writer.idle();
	const [first] = refused;
	if (first !== undefined)
		throw new Problem('fault', 'demo-refused', `${refused.length} resources of the demo clinic were refused, such as ${first}`);
	const created = [...tally.summary().byType].map(([type, counts]) => [type, counts.created] as const);
	return { patients, resources, created: new Map(created) };
}

function strict(ctx: FhirCtx): FhirCtx {
	return { ...ctx, fhir: { ...ctx.fhir, settings: { ...ctx.fhir.settings, validation: 'strict' } } };
}

function keyOf({ resourceType, id }: Resource): string {
	return `${resourceType}/${id}`;
}
