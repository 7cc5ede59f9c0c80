// $validate: whether a resource is right, and whether it could be created, updated or deleted.
// https://hl7.org/fhir/R4/operation-resource-validate.html
import { type Issue, isError, Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { mismatch } from '#fhir/interactions/problems.ts';
import { read } from '#fhir/interactions/read.ts';
import { deletion } from '#fhir/interactions/remove.ts';
import { outcomeOf } from '#fhir/outcome.ts';
import type { Resource } from '#fhir/resource.ts';
import { define, hl7, input, output } from './define.ts';
import { badParameter, missingParameter, readWhole, resourceOf, textOf, textsOf } from './input.ts';
import type { Operation, OperationInput } from './operation.ts';
import { rehearse } from './rehearse.ts';

export const validate: Operation = {
	name: 'validate',
	definition: define({
		id: 'Resource-validate',
		name: 'Validate',
		title: 'Validate a resource',
		code: 'validate',
		base: hl7('Resource-validate'),
		description:
			'Checks a resource against FHIR R4, the profiles it claims and those that are named. With a mode it is also tried whether the server would create, update or delete it: permissions, and references to and from it. On an instance without a resource the stored one is checked. Nothing is changed. The answer is 200 with an OperationOutcome whenever the resource could be read.',
		resource: ['Resource'],
		system: true,
		type: true,
		instance: true,
		parameter: [
			input('resource', 'Resource', 'The resource; also as the body itself. Not needed on an instance.'),
			input('mode', 'code', 'create, update, delete or profile; all but create on an instance.'),
			input('profile', 'uri', 'Profiles it must conform to beside those it claims.', { max: '*' }),
			output('return', 'OperationOutcome', 'What is wrong; without an error the resource is right.'),
		],
	}),
	complete: true,
	levels: { system: true, type: true, instance: true },
	types: ['Resource'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		return { resource: outcomeOf(await issuesWith(ctx, given)) };
	},
};

const modes = ['create', 'update', 'delete', 'profile'] as const;

async function issuesWith(ctx: FhirCtx, given: OperationInput): Promise<readonly Issue[]> {
	const { type, id } = given;
	const asked = textOf(given, 'mode');
	const mode = modes.find((one) => one === asked);
	if (asked !== undefined && mode === undefined) throw badParameter('mode', `It may be ${modes.join(', ')}.`);
	if (mode !== undefined && mode !== 'create' && (type === undefined || id === undefined))
		throw mismatch('mode-needs-instance', `The mode ${mode} is for an instance: [base]/Type/id/$validate.`, 'mode');
	if (mode === 'delete') {
		const stored = await read(ctx, type as string, id as string);
		return rehearse(ctx, deletion(stored.type, stored.id), 'delete');
	}
	const profiles = profilesOf(ctx, given);
	const resource = await theResource(ctx, given);
	const found = ctx.fhir.validator.validate(resource, { profiles, ...(type === undefined ? {} : { type }) });
	if (mode === undefined || mode === 'profile' || found.some(isError)) return found;
	if (mode === 'create') {
		return [...found, ...(await rehearse(ctx, { type: resource.resourceType, id: ctx.ids.next(), op: 'C', resource }, 'create'))];
	}
	if (resource.id !== id) return [...found, otherId(resource.resourceType)];
	return [...found, ...(await rehearse(ctx, { type: resource.resourceType, id: id as string, op: 'U', resource }, 'update'))];
}

async function theResource(ctx: FhirCtx, given: OperationInput): Promise<Resource> {
	const sent = textOf(given, 'mode') === 'profile' ? undefined : resourceOf(given, 'resource');
	if (sent !== undefined) return sent;
	const { type, id, parameters } = given;
	if (type === 'Parameters' && parameters !== undefined) return parameters;
	if (type === undefined || id === undefined) throw missingParameter('resource', 'Send the resource as the body.');
	return readWhole(ctx, type, id);
}

/** The profiles that are named. Throws Problem unsupported `profile-unknown` (422): the question cannot be answered. */
function profilesOf(ctx: FhirCtx, given: OperationInput): string[] {
	const profiles = textsOf(given, 'profile');
	const unknown = profiles.find((url) => ctx.fhir.definitions.structure(url) === undefined);
	if (unknown === undefined) return profiles;
	const text = `The profile "${unknown.slice(0, 200)}" is not known here.`;
	throw new Problem('unsupported', 'profile-unknown', text, {
		status: 422,
		issues: [{ severity: 'error', type: 'not-supported', code: 'profile-unknown', text, path: 'profile' }],
	});
}

function otherId(type: string): Issue {
	return {
		severity: 'error',
		type: 'value',
		code: 'id-mismatch',
		text: 'The id of the resource is not that of the address.',
		path: `${type}.id`,
	};
}
