// The whole schema of an installation, for the template that tests clone.
import type { Database } from '#db/database.ts';
import { type Generated, migrate } from '#db/migrate.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { createRegistry } from '#fhir/search/registry.ts';
import { fhirTables } from '#fhir/store/schema.ts';

/** The parts of the schema that code writes. */
export function generatedTables(): Generated[] {
	const definitions = loadDefinitions();
	return [fhirTables(definitions, createRegistry(definitions))];
}

/** Brings a database to the schema that the server itself makes. */
export async function migrateAll(database: Database): Promise<void> {
	await migrate(database, generatedTables());
}
