// The whole schema of an installation, for the template that tests clone.
import type { Database } from '#db/database.ts';
import { migrate } from '#db/migrate.ts';

/** Brings a database to the schema that the server itself makes. */
export async function migrateAll(database: Database): Promise<void> {
	await migrate(database);
}
