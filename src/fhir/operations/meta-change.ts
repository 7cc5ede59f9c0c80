// How $meta-add and $meta-delete change a resource: as an update that makes a new version, so that ETags, history and If-Match hold, and
// again from the start when somebody else wrote in between, so that no update is lost.
import { Problem } from '#base/problem.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit } from '#fhir/interactions/guard.ts';
import { read } from '#fhir/interactions/read.ts';
import { update } from '#fhir/interactions/update.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { answerParameters, missingParameter } from './input.ts';
import { givenLabels, type Labels, labelsOf, withLabels } from './meta-sets.ts';
import type { OperationInput, OperationResult } from './operation.ts';

const attempts = 10;

/** Changes the sets of a resource's meta and answers with the whole meta. Throws as read and update do. */
export async function changeMeta(
	ctx: FhirCtx,
	input: OperationInput,
	change: (there: Labels, given: Labels) => Labels,
): Promise<OperationResult> {
	const { type = '', id = '' } = input;
	permit(ctx, type, 'update');
	if (input.parameters === undefined) throw missingParameter('meta', 'Send a Parameters resource with a valueMeta.');
	const given = givenLabels(input);
	for (let attempt = 1; ; attempt++) {
		const stored = await read(ctx, type, id);
		const resource = parseJson(Buffer.from(await restoreBody(ctx.fhir, stored))) as Resource;
		const meta = withLabels(resource.meta ?? {}, change(labelsOf(resource.meta ?? {}), given));
		try {
			const done = await update(ctx, { type, id, resource: { ...resource, meta }, ifMatch: stored.version });
			const { meta: valueMeta } = JSON.parse(done.stored.body) as Resource;
			return { resource: answerParameters([{ name: 'return', valueMeta }]) };
		} catch (error) {
			const overtaken = error instanceof Problem && error.code === 'version-mismatch';
			if (!overtaken || attempt >= attempts) throw error;
		}
	}
}
