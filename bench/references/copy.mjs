// R5: COPY as fast as PostgreSQL and pg take it. `in` copies rows of Heron's observation table, under new ids, into a table with the same
// columns and indexes, a transaction for each thousand; `out` copies bodies to nowhere and counts their bytes.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { from, to } from 'pg-copy-streams';

const { database } = JSON.parse(process.env.HERON_BENCH_REFERENCE ?? '{}');
const client = new pg.Client(database);
await client.connect();
process.on('disconnect', () => process.exit());

let template = [];
let columns = [];
let rid = 1_000_000_000 + process.pid * 1_000_000;

process.on('message', async (job) => {
	try {
		process.send({ done: job.in === undefined ? await copyOut(job.out) : await copyIn(job.in) });
	} catch (error) {
		process.send({ error: String(error) });
	}
});
process.send({ ready: true });

/** Copies for so many seconds; gives rows and seconds spent in COPY, making the text not counted. */
async function copyIn({ seconds, size }) {
	if (template.length === 0) await load();
	let rows = 0;
	let spent = 0;
	while (spent < seconds * 1000) {
		const text = chunk(size);
		const started = performance.now();
		await client.query('BEGIN');
		await new Promise((resolve, reject) => {
			const stream = client.query(from(`COPY bench.observation_copy (${columns.join()}) FROM STDIN`));
			stream.on('finish', resolve);
			stream.on('error', reject);
			stream.end(text);
		});
		await client.query('COMMIT');
		spent += performance.now() - started;
		rows += size;
	}
	return { rows, seconds: spent / 1000 };
}

async function load() {
	const { rows } = await client.query(
		`SELECT column_name FROM information_schema.columns WHERE table_schema = 'fhir' AND table_name = 'observation' ORDER BY ordinal_position`,
	);
	columns = rows.map((row) => `"${row.column_name}"`);
	const parts = [];
	for await (const part of client.query(to(`COPY (SELECT ${columns.join()} FROM fhir.observation LIMIT 20000) TO STDOUT`)))
		parts.push(part);
	const lines = Buffer.concat(parts).toString().trimEnd().split('\n');
	template = lines.map((line) => line.split('\t'));
}

function chunk(size) {
	const ridAt = columns.indexOf('"rid"');
	const idAt = columns.indexOf('"id"');
	let text = '';
	for (let i = 0; i < size; i++) {
		const row = template[rid % template.length];
		row[ridAt] = rid++;
		row[idAt] = randomUUID();
		text += `${row.join('\t')}\n`;
	}
	return Buffer.from(text);
}

/** Copies what a query gives; counts bytes. */
async function copyOut(query) {
	const started = performance.now();
	let bytes = 0;
	for await (const part of client.query(to(`COPY (${query}) TO STDOUT`))) bytes += part.length;
	return { bytes, seconds: (performance.now() - started) / 1000 };
}
