// $meta-add. https://hl7.org/fhir/R4/operation-resource-meta-add.html
import { define, hl7, input, output } from './define.ts';
import { changeMeta } from './meta-change.ts';
import { union } from './meta-sets.ts';
import type { Operation } from './operation.ts';

export const metaAdd: Operation = {
	name: 'meta-add',
	definition: define({
		id: 'Resource-meta-add',
		name: 'MetaAdd',
		title: 'Add profiles, tags and security labels',
		code: 'meta-add',
		base: hl7('Resource-meta-add'),
		description:
			'Adds what the given meta holds to that of a resource, without repeats. The resource gets a new version, unless there was nothing to add. Former versions cannot be changed.',
		affectsState: true,
		resource: ['Resource'],
		instance: true,
		parameter: [input('meta', 'Meta', 'What is to be added.', { min: 1 }), output('return', 'Meta', 'The meta as it now is.')],
	}),
	complete: true,
	levels: { instance: true },
	types: ['Resource'],
	methods: ['POST'],
	run: (ctx, given) => changeMeta(ctx, given, union),
};
