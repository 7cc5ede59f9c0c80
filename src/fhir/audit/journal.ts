// Writes of the record as entries of the audit, in the transaction that writes.
import type { Audit } from '#access/audit/audit.ts';
import type { AuditEvent } from '#access/audit/event.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Journal, Journaled } from '#fhir/store/journal.ts';
import type { IndexRow } from '#fhir/store/layout.ts';
import { patientOf } from './subject.ts';

/** The store's journal; undefined when nothing is to be kept. */
export function createJournal(audit: Audit, extract: (resource: Resource) => IndexRow): Journal | undefined {
	if (audit.level === 'off') return undefined;
	return async (writes) => {
		const part = await audit.part(writes.flatMap((write) => eventOf(write, extract) ?? []));
		if (part === undefined) return undefined;
		return {
			statement: part.statement,
			end(outcome) {
				part.end(outcome);
				if (outcome !== 'committed') return;
				for (const { ready } of writes) if (ready.by?.trail !== undefined) ready.by.trail.entries++;
			},
		};
	};
}

function eventOf({ ready, written, deleted }: Journaled, extract: (resource: Resource) => IndexRow): AuditEvent | undefined {
	const { by, write } = ready;
	if (by === undefined) return undefined;
	const { caller, trail, requestId } = by;
	const { type, id, version } = written;
	const body = write.op === 'D' ? deleted : written.body;
	return {
		kind: 'rest',
		interaction: write.op === 'D' ? 'delete' : write.op === 'C' ? 'create' : write.isPatch === true ? 'patch' : 'update',
		action: write.op === 'D' ? 'D' : written.created ? 'C' : 'U',
		status: write.op === 'D' ? 204 : written.created ? 201 : 200,
		caller,
		address: trail?.address,
		patient: body === undefined ? undefined : patientOf(type, id, body, extract),
		type,
		id,
		version: version === 0 ? undefined : version,
		purpose: caller.purpose ?? trail?.purpose,
		requestId,
	};
}
