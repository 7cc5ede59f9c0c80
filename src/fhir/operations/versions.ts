// $versions: which FHIR versions the server speaks. https://hl7.org/fhir/R4/operation-capabilitystatement-versions.html
import { define, hl7, output } from './define.ts';
import { answerParameters } from './input.ts';
import type { Operation } from './operation.ts';

export const versions: Operation = {
	name: 'versions',
	definition: define({
		id: 'CapabilityStatement-versions',
		name: 'Versions',
		title: 'FHIR versions that are spoken here',
		code: 'versions',
		base: hl7('CapabilityStatement-versions'),
		description: 'Lists the FHIR versions of this server, and the one it speaks when a client names none.',
		resource: ['CapabilityStatement'],
		system: true,
		parameter: [
			output('version', 'code', 'A version as major.minor.', { max: '*' }),
			output('default', 'code', 'The version that is spoken when none is named.'),
		],
	}),
	complete: true,
	levels: { system: true },
	types: ['CapabilityStatement'],
	methods: ['GET', 'POST'],
	public: true,
	run: async () => ({
		resource: answerParameters([
			{ name: 'version', valueCode: '4.0' },
			{ name: 'default', valueCode: '4.0' },
		]),
	}),
};
