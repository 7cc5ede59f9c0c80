// A publisher's release file into the code systems of this installation.
import { Problem } from '#base/problem.ts';
import type { Database } from '#db/database.ts';
import { loadSystem, type SystemRow } from '#fhir/terminology/load.ts';
import { icd10cm, icd10pcs } from './icd10.ts';
import { loinc } from './loinc.ts';
import { cpt, cvx, fhirCodeSystem, hcpcs, mvx, nucc } from './others.ts';
import type { Publisher } from './publisher.ts';
import { openRelease } from './release.ts';
import { rxnorm } from './rxnorm.ts';
import { snomed } from './snomed.ts';

export const publishers: readonly Publisher[] = [snomed, loinc, rxnorm, icd10cm, icd10pcs, cvx, mvx, hcpcs, cpt, nucc, fhirCodeSystem];

export type LoadOptions = {
	/** One of the publishers' kinds; told by the names of the files unless given. */
	readonly kind?: string | undefined;
	/** Instead of what the names say. */
	readonly version?: string | undefined;
	readonly onProgress?: (done: number) => void;
};

/**
 * Loads a release: file, folder or zip. It comes in use when it is whole; the version before it is kept for a rollback. Throws Problem invalid
 * `terminology-kind-unknown`, `file-not-readable`, `file-broken`, `terminology-file-missing`, and what loadSystem throws.
 */
export async function loadRelease(db: Database, path: string, { kind, version, onProgress }: LoadOptions = {}): Promise<SystemRow> {
	const release = await openRelease(path);
	try {
		const publisher = publishers.find((one) => (kind === undefined ? one.knows(release) : one.kind === kind));
		if (publisher === undefined || !publisher.knows(release)) throw unknownKind(path, kind);
		const { system, concepts } = await publisher.read(release);
		return await loadSystem(db, { ...system, version: version ?? system.version, origin: release.name }, concepts, onProgress);
	} finally {
		release.close();
	}
}

function unknownKind(path: string, kind: string | undefined): Problem {
	const list = publishers.map((one) => `  ${one.kind.padEnd(10)} ${one.about}`).join('\n');
	const why = kind === undefined ? 'its files are of no code system that is known' : `it has no file of the kind ${kind}`;
	return new Problem('invalid', 'terminology-kind-unknown', `${path}: ${why}. Known are\n${list}`);
}
