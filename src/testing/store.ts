// A store over a database of a test's own, without the rest of the record.
import { type Ctx, everything } from '#access/ctx.ts';
import type { Clock } from '#base/clock.ts';
import { systemClock } from '#base/clock.ts';
import { createIds } from '#base/ids.ts';
import { silentLog } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import type { Database } from '#db/database.ts';
import { type Definitions, loadDefinitions } from '#fhir/definitions/definitions.ts';
import type { Resource } from '#fhir/resource.ts';
import { createRegistry, type SearchRegistry } from '#fhir/search/registry.ts';
import { createExtractor } from '#fhir/store/extract.ts';
import { createStore, type Store } from '#fhir/store/store.ts';
import { type Ends, testDatabase } from './database.ts';

export type TestStore = {
	readonly store: Store;
	/** Another store on the same database, as a second server process has. */
	readonly second: () => Store;
	readonly ctx: Ctx;
	readonly db: Database;
	readonly definitions: Definitions;
	readonly registry: SearchRegistry;
};

/** Opens it; it ends with `t`. */
export async function testStore(t: Ends, { integrity = true, clock = systemClock as Clock } = {}): Promise<TestStore> {
	const stores: Store[] = [];
	const db = await testDatabase({
		after: (drop) =>
			t.after(async () => {
				for (const store of stores) await store.close();
				await drop();
			}),
	});
	const definitions = loadDefinitions();
	const registry = createRegistry(definitions);
	const open = (): Store => {
		const extract = createExtractor(registry, definitions, 'https://heron.test/fhir');
		const store = createStore({ db, definitions, extract, settings: { referentialIntegrity: integrity } });
		stores.push(store);
		return store;
	};
	const caller = { kind: 'system', id: 'test', name: 'test', grants: everything } as const;
	const ctx: Ctx = { caller, db, clock, ids: createIds(), log: silentLog, requestId: 'test' };
	return { store: open(), second: open, ctx, db, definitions, registry };
}

/** The code of the Problem that a promise rejects with; throws when it resolves or rejects with something else. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
	const error = await promise.then(
		() => new Error('it was not refused'),
		(reason: unknown) => reason,
	);
	if (error instanceof Problem) return error.code;
	throw error;
}

/** A small Observation about a patient. */
export function observation(patient: string, more: Readonly<Record<string, unknown>> = {}): Resource {
	return {
		resourceType: 'Observation',
		status: 'final',
		code: { coding: [{ system: 'http://loinc.org', code: '8480-6', display: 'Systolic blood pressure' }] },
		subject: { reference: `Patient/${patient}` },
		effectiveDateTime: '2026-02-03T10:20:30+01:00',
		valueQuantity: { value: 120, unit: 'mmHg', system: 'http://unitsofmeasure.org', code: 'mm[Hg]' },
		...more,
	};
}

/** A Patient with a name. */
export function patient(family: string, more: Readonly<Record<string, unknown>> = {}): Resource {
	return { resourceType: 'Patient', active: true, name: [{ family, given: ['Ada'] }], birthDate: '1990-05-06', ...more };
}
