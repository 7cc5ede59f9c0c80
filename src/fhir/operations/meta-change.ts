// How $meta-add and $meta-delete change a resource: as an update that makes a new version, so that ETags, history and If-Match hold. It is
// read and written in one transaction, so that of changes at the same moment none is lost.
import { detachBlob, restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit } from '#fhir/interactions/guard.ts';
import { check } from '#fhir/interactions/prepare.ts';
import { readWithin } from '#fhir/interactions/read.ts';
import { writeSignedWithin } from '#fhir/interactions/signed.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { answerParameters } from './input.ts';
import { givenLabels, type Labels, labelsOf, withLabels } from './meta-sets.ts';
import type { OperationInput, OperationResult } from './operation.ts';

/** Changes the sets of a resource's meta and answers with the whole meta. Throws as a read and an update do. */
export async function changeMeta(
	ctx: FhirCtx,
	input: OperationInput,
	change: (there: Labels, given: Labels) => Labels,
): Promise<OperationResult> {
	const { type = '', id = '' } = input;
	permit(ctx, type, 'update');
	const given = givenLabels(input);
	const { body } = await ctx.fhir.store.transact(ctx, async (unit) => {
		const stored = await readWithin(ctx, unit, type, id);
		const before = parseJson(Buffer.from(await restoreBody(ctx.fhir, stored))) as Resource;
		const after = { ...before, meta: withLabels(before.meta ?? {}, change(labelsOf(before.meta ?? {}), given)) };
		check(ctx, type, after);
		const resource = await detachBlob(ctx.fhir, after);
		return writeSignedWithin(ctx, unit, { type, id, op: 'U', resource }, 'update');
	});
	return { resource: answerParameters([{ name: 'return', valueMeta: (JSON.parse(body) as Resource).meta }]) };
}
