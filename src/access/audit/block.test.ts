// The stored form of a block, which is for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '#testing/random.ts';
import { createNotes, mostInBlock } from './block.ts';
import { entryOf, genesis } from './entry.ts';
import type { AuditEvent } from './event.ts';

const ada = { kind: 'user', id: 'u1', name: 'Ada', client: 'app', fhirUser: 'Practitioner/1' } as const;
const nobody = { kind: 'anonymous', id: 'anonymous', name: 'anonymous' } as const;
const read = { kind: 'rest', interaction: 'read', action: 'R', status: 200, caller: ada, address: '10.0.0.1', type: 'Patient' } as const;

test('a block looks as it always did', () => {
	const notes = createNotes();
	notes.add({ ...read, id: 'p1', version: 3, patient: 'p1', requestId: 'r1' }, 1000);
	notes.add({ ...read, id: 'p2', patient: 'p2', requestId: 'r2', purpose: 'TREAT' }, 1007);
	notes.add(
		{ ...read, interaction: 'search-type', type: 'Observation', query: 'code', queryHash: 'ab12', patient: 'p1', requestId: 'r3' },
		1005,
	);
	notes.add({ ...read, caller: nobody, status: 401, id: '', requestId: 'r "4"', detail: 'a\u0001\ud800' }, 1009);
	notes.add({ ...read, id: 'p3', requestId: 'r5' }, 1010);
	const { block, hash } = notes.fold(77, { ...genesis, seq: 10 });
	assert.deepEqual(block, {
		at: 1_010_000,
		since: 1_000_000,
		stream: 77,
		seq: 15,
		count: 5,
		patients: ['p1', 'p2', 'p3'],
		agents: ['Practitioner/1', 'anonymous'],
		sources:
			'[["rest","read","R",200,"u1","user","Ada","app","Practitioner/1","10.0.0.1","Patient",null,null],' +
			'["rest","read","R",200,"u1","user","Ada","app","Practitioner/1","10.0.0.1","Patient",null,"TREAT"],' +
			'["rest","search-type","R",200,"u1","user","Ada","app","Practitioner/1","10.0.0.1","Observation","code",null],' +
			'["rest","read","R",401,"anonymous","anonymous","anonymous",null,null,"10.0.0.1","Patient",null,null]]',
		entries:
			'[[0,0,"p1",3,"p1","r1"],[1,7,"p2",null,"p2","r2"],[2,7,null,null,"p1","r3","ab12"],' +
			'[3,9,null,null,null,"r \\"4\\"",null,"a\\u0001\ufffd"],[0,10,"p3",null,null,"r5"]]',
	});
	assert.equal(hash, '428d1a76c6bd103b383f0b9ebdbd7058a78a918437c583f0c792c51564b2bef9');
});

test('whatever is told and whoever does it: an entry is what its event would be by itself', () => {
	const random = createRandom(11);
	const texts = [undefined, '', 'p1', 'p-2.x', '"', '\\', '\n', '\0', '\ud800', 'ä𝔸', ',"x"', '\u2028', 'x'.repeat(129), '𝔸'.repeat(1500)];
	const text = (): string | undefined => random.pick(texts);
	const callers = Array.from({ length: 6 }, (_, i) => ({
		...ada,
		id: random.pick(texts) ?? 'u',
		name: `n${i % 4}`,
		client: text() ?? 'c',
	}));
	for (let round = 0; round < 20; round++) {
		const events = Array.from({ length: mostInBlock }, (): AuditEvent => {
			const about = { type: random.pick(['Patient', 'Observation', undefined]), id: text(), patient: text(), address: text() };
			const more = { version: random.pick([undefined, 1]), query: text(), queryHash: random.pick([undefined, 'ab']), detail: text() };
			const how = { interaction: random.pick(['read', 'vread', 'a"b']), status: random.pick([200, 404]), purpose: text() };
			return { ...read, ...about, ...more, ...how, caller: random.pick(callers), requestId: text() ?? 'r' };
		});
		const notes = createNotes();
		for (const event of events) notes.add(event, 5);
		const { block } = notes.fold(1, genesis);
		const sources = JSON.parse(block.sources) as unknown[][];
		const entries = JSON.parse(block.entries) as unknown[][];
		assert.equal(block.sources, JSON.stringify(sources));
		assert.equal(block.entries, JSON.stringify(entries));
		assert.equal(new Set(sources.map((source) => JSON.stringify(source))).size, sources.length);
		for (const [i, event] of events.entries()) {
			const [, , , kind, interaction, action, status, caller, callerKind, name, client, fhirUser, address, patient, type, ...rest] =
				entryOf(event, 0, 0, 0);
			const [id, version, query, queryHash, purpose, requestId, detail] = rest;
			const who = [caller, callerKind, name, client, fhirUser];
			const [number = -1, , ...own] = entries[i] as [number, number];
			assert.deepEqual(sources[number], [kind, interaction, action, status, ...who, address, type, query, purpose]);
			const ends = detail !== null ? [queryHash, detail] : queryHash !== null ? [queryHash] : [];
			assert.deepEqual(own, [id, version, patient, requestId, ...ends]);
			if (patient !== null) assert.ok(block.patients.includes(patient));
			if (type === 'Patient' && id !== null) assert.ok(block.patients.includes(id));
			assert.ok(block.agents.includes(fhirUser ?? caller));
		}
	}
});
