// The whole schema of an installation, for the template that tests clone.
import type { Database } from '#db/database.ts';
import { migrate } from '#db/migrate.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { createRegistry } from '#fhir/search/registry.ts';
import { fhirTables } from '#fhir/store/schema.ts';

/** Brings a database to the schema that the server itself makes. */
export async function migrateAll(database: Database): Promise<void> {
	const definitions = loadDefinitions();
	await migrate(database, [fhirTables(definitions, createRegistry(definitions))]);
}
