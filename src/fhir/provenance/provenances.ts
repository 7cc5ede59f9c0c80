// The Provenance that the server itself makes of what is written, in the transaction that writes it.
import { patientOf } from '#fhir/audit/subject.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Companion, Unit, Write, Written } from '#fhir/store/store.ts';
import { attested } from './attested.ts';
import { createAuthors, type Signing } from './authors.ts';
import type { Activity } from './draft.ts';

export type Provenances = {
	/** The write with a Provenance beside it, when its type is one that has them. */
	accompany(ctx: FhirCtx, write: Write): Write | Promise<Write>;
	/**
	 * Writes who did all this, as part of the transaction: one Provenance for what was created, changed or deleted of one patient's record.
	 * Versions that were there already are left out.
	 */
	sign(ctx: FhirCtx, unit: Unit, written: readonly Written[]): Promise<void>;
};

/** Targets of one Provenance; more are spread over several, so that a reader never gets megabytes with one Condition. */
export const mostTargets = 500;

/** What makes them; makes none when `wanted` is false. */
export function createProvenances(wanted: boolean): Provenances {
	const authors = createAuthors();
	if (!wanted) return { accompany: (_ctx, write) => write, sign: async () => undefined };
	return {
		accompany(ctx, write) {
			if (!attested.has(write.type)) return write;
			const signing = authors.of(ctx);
			const withCompanion = (by: Signing): Write => ({ ...write, companion: companionOf(ctx, by) });
			return signing instanceof Promise ? signing.then(withCompanion) : withCompanion(signing);
		},
		async sign(ctx, unit, written) {
			const changed = written.filter(({ unchanged }) => unchanged !== true);
			if (changed.length === 0) return;
			const signing = await authors.of(ctx);
			await unit.write(deedsOf(ctx, changed).map((deed) => writeOf(ctx, signing, deed)));
		},
	};
}

function companionOf(ctx: FhirCtx, signing: Signing): Companion {
	return {
		type: 'Provenance',
		id: ctx.ids.next(),
		finish: (written, rk) =>
			signing
				.template(ctx, activityOf(written))
				.fill({ targets: [versionOf(written)], rk, patient: subjectOf(ctx, written), recorded: written.updated }),
	};
}

function activityOf({ op, created }: Written): Activity {
	return op === 'D' ? 'DELETE' : created ? 'CREATE' : 'UPDATE';
}

function versionOf({ type, id, version }: Written): string {
	return `${type}/${id}/_history/${version}`;
}

/** Whose record it is part of; a Patient is a target and needs not be named again. */
function subjectOf(ctx: FhirCtx, { type, id, body, former }: Written): string | undefined {
	return type === 'Patient' ? undefined : patientOf(type, id, former ?? body, ctx.fhir.store.extract);
}

type Deeds = { readonly activity: Activity; readonly patient: string | undefined; readonly of: readonly Written[] };

/**
 * What was done, apart by kind and by patient: nobody is to learn of others from the Provenance of the own record. What is nobody's goes with
 * the one patient there is.
 */
function deedsOf(ctx: FhirCtx, written: readonly Written[]): Deeds[] {
	const owned = written.map((one) => ({ one, owner: one.type === 'Patient' ? one.id : subjectOf(ctx, one) }));
	const [only, ...others] = new Set(owned.map(({ owner }) => owner).filter((owner) => owner !== undefined));
	const groups = Map.groupBy(owned, ({ one, owner }) => `${activityOf(one)} ${owner ?? (others.length === 0 ? only : undefined) ?? ''}`);
	return [...groups].flatMap(([name, list]) => {
		const [activity, patient] = name.split(' ') as [Activity, string];
		const parts = Array.from({ length: Math.ceil(list.length / mostTargets) }, (_, i) =>
			list.slice(i * mostTargets, (i + 1) * mostTargets),
		);
		return parts.map((part) => ({ activity, patient: patient === '' ? undefined : patient, of: part.map(({ one }) => one) }));
	});
}

function writeOf(ctx: FhirCtx, signing: Signing, { activity, patient, of }: Deeds): Write {
	const deed = {
		targets: of.map(versionOf),
		patient: of.some(({ type, id }) => type === 'Patient' && id === patient) ? undefined : patient,
		recorded: Math.max(...of.map(({ updated }) => updated)),
	};
	const template = signing.template(ctx, activity);
	const { index } = template.fill(deed);
	return { type: 'Provenance', id: ctx.ids.next(), op: 'C', resource: template.resource(deed), index, isOwn: true };
}
