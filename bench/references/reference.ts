// Starts the reference points beside the server's own database, so that both stand on the same cluster and the same data.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { PoolConfig } from 'pg';
import { type Database, openDatabase } from '#db/database.ts';
import { raw } from '#db/sql.ts';

export type ReferenceMode = 'none' | 'insert' | 'batch' | 'read' | 'search' | 'crud';

export type Reference = {
	readonly port: number;
	/** Processor time it has used, in seconds. */
	readonly cpuSeconds: () => Promise<number>;
	readonly stop: () => void;
};

/** The tables of the reference points. Bodies stay uncompressed in their rows, as in Heron's tables. */
export async function prepareReferences(db: Database): Promise<void> {
	const uncompressed = 'WITH (toast_tuple_target = 8160)';
	for (const text of [
		'CREATE SCHEMA bench',
		`CREATE TABLE bench.raw (id uuid PRIMARY KEY, body text NOT NULL) ${uncompressed}`,
		`CREATE TABLE bench.patient (id text COLLATE "C" PRIMARY KEY, body text NOT NULL) ${uncompressed}`,
		'INSERT INTO bench.patient SELECT id, body FROM fhir.patient',
		'VACUUM (ANALYZE) bench.patient',
		'CREATE TABLE bench.observation_copy (LIKE fhir.observation INCLUDING ALL)',
	]) {
		await db.execute(raw(text));
	}
}

/** Starts a reference server; `extra` is added to its orders. */
export async function startReference(mode: ReferenceMode, database: PoolConfig, extra: object): Promise<Reference> {
	const child = forkReference('server.mjs', { mode, database: mode === 'none' ? undefined : database, connections: 16, ...extra });
	const { port } = await answerOf<{ port: number }>(child);
	return {
		port,
		async cpuSeconds() {
			child.send('cpu');
			return (await answerOf<{ cpuSeconds: number }>(child)).cpuSeconds;
		},
		stop: () => void child.kill(),
	};
}

/** Starts `open.ts`, the server without its door, with these settings. */
export async function startOpen(env: Readonly<Record<string, string>>): Promise<Reference> {
	const child = fork(join(import.meta.dirname, 'open.ts'), { env });
	const { port } = await answerOf<{ port: number }>(child);
	return {
		port,
		async cpuSeconds() {
			child.send('cpu');
			return (await answerOf<{ cpuSeconds: number }>(child)).cpuSeconds;
		},
		stop: () => void child.kill(),
	};
}

export type Copier = {
	/** Rows a second into a table with the columns and indexes of Heron's observations, a transaction for each `size` rows. */
	readonly copyIn: (seconds: number, size: number) => Promise<number>;
	/** Bytes a second out of a query. */
	readonly copyOut: (query: string) => Promise<number>;
	readonly stop: () => void;
};

/** R5, with so many processes that copy at the same time. */
export async function startCopier(database: PoolConfig, processes: number): Promise<Copier> {
	const children = Array.from({ length: processes }, () => forkReference('copy.mjs', { database }));
	await Promise.all(children.map((child) => answerOf(child)));
	const ask = async <T>(child: ChildProcess, job: object): Promise<T> => {
		child.send(job);
		return (await answerOf<{ done: T }>(child)).done;
	};
	return {
		async copyIn(seconds, size) {
			const done = await Promise.all(children.map((child) => ask<{ rows: number; seconds: number }>(child, { in: { seconds, size } })));
			return done.reduce((sum, { rows, seconds: spent }) => sum + rows / spent, 0);
		},
		async copyOut(query) {
			const { bytes, seconds } = await ask<{ bytes: number; seconds: number }>(children[0] as ChildProcess, { out: query });
			return bytes / seconds;
		},
		stop() {
			for (const child of children) child.kill();
		},
	};
}

function forkReference(script: string, order: object): ChildProcess {
	return fork(join(import.meta.dirname, script), { env: { ...process.env, HERON_BENCH_REFERENCE: JSON.stringify(order) } });
}

function answerOf<T>(child: ChildProcess): Promise<T> {
	return new Promise((resolve, reject) => {
		const ended = (code: number | null): void => reject(new Error(`a reference process ended with ${code}`));
		child.once('exit', ended);
		child.once('message', (message: { error?: string }) => {
			child.off('exit', ended);
			if (message.error === undefined) resolve(message as T);
			else reject(new Error(message.error));
		});
	});
}

/** Empties what the reference points wrote, so that one workload does not weigh on the next. */
export async function clearReferences(config: PoolConfig): Promise<void> {
	const db = openDatabase({ ...config, max: 1 });
	try {
		await db.execute(raw('TRUNCATE bench.raw, bench.observation_copy'));
	} finally {
		await db.close();
	}
}
