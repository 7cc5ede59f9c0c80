// $convert: a resource in one format in, the same in another out. https://hl7.org/fhir/R4/operation-resource-convert.html
import { define, hl7, input, output } from './define.ts';
import { missingParameter, resourceOf } from './input.ts';
import type { Operation } from './operation.ts';

export const convert: Operation = {
	name: 'convert',
	definition: define({
		id: 'Resource-convert',
		name: 'Convert',
		title: 'Convert between formats',
		code: 'convert',
		base: hl7('Resource-convert'),
		description:
			'Reads a resource in the format of its Content-Type and gives it back in the format of the Accept header. It is neither checked nor stored.',
		resource: ['Resource'],
		system: true,
		parameter: [input('input', 'Resource', 'The resource.', { min: 1 }), output('output', 'Resource', 'The same in the format asked for.')],
	}),
	complete: true,
	levels: { system: true },
	types: ['Resource'],
	methods: ['POST'],
	async run(_ctx, given) {
		// A Parameters resource without an input is the resource to convert.
		const resource = resourceOf(given, 'input') ?? given.parameters;
		if (resource === undefined) throw missingParameter('input', 'Send the resource as the body.');
		return { resource };
	},
};
