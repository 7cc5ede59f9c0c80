// $meta-delete. https://hl7.org/fhir/R4/operation-resource-meta-delete.html
import { define, hl7, input, output } from './define.ts';
import { changeMeta } from './meta-change.ts';
import { difference } from './meta-sets.ts';
import type { Operation } from './operation.ts';

export const metaDelete: Operation = {
	name: 'meta-delete',
	definition: define({
		id: 'Resource-meta-delete',
		name: 'MetaDelete',
		title: 'Remove profiles, tags and security labels',
		code: 'meta-delete',
		base: hl7('Resource-meta-delete'),
		description:
			'Takes what the given meta holds from that of a resource; what is not there is not missed. The resource gets a new version, unless there was nothing to remove. Former versions cannot be changed.',
		affectsState: true,
		resource: ['Resource'],
		instance: true,
		parameter: [input('meta', 'Meta', 'What is to be removed.', { min: 1 }), output('return', 'Meta', 'The meta as it now is.')],
	}),
	complete: true,
	levels: { instance: true },
	types: ['Resource'],
	methods: ['POST'],
	run: (ctx, given) => changeMeta(ctx, given, difference),
};
