// What the audit is told of data that left or came in bulk, beside the requests themselves.
import type { FhirCtx } from '#fhir/ctx.ts';

/** Notes that an export or import came to its end; `detail` counts and names nobody. */
export async function noteBulk({ fhir: { audit }, caller, requestId }: FhirCtx, kind: 'export' | 'import', detail: string): Promise<void> {
	if (audit.level === 'off') return;
	await audit.record({ kind, interaction: `bulk-${kind}`, action: kind === 'export' ? 'R' : 'C', status: 200, caller, requestId, detail });
}
