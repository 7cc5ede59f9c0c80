// How an operation writes its OperationDefinition, https://hl7.org/fhir/R4/operationdefinition.html.
import type { Resource } from '#fhir/resource.ts';

export type Parameter = {
	readonly name: string;
	readonly use: 'in' | 'out';
	readonly min: number;
	readonly max: string;
	readonly type?: string;
	readonly documentation?: string;
	readonly part?: readonly Omit<Parameter, 'use'>[];
};

export type Definition = {
	/** Such as `Patient-everything`: its id, and the last part of its url. */
	readonly id: string;
	/** A name for code, such as `PatientEverything`. */
	readonly name: string;
	readonly title: string;
	/** Without the `$`. */
	readonly code: string;
	/** The specification's definition that this one narrows or extends. */
	readonly base?: string;
	readonly description: string;
	readonly affectsState?: boolean;
	readonly resource?: readonly string[];
	readonly system?: boolean;
	readonly type?: boolean;
	readonly instance?: boolean;
	readonly parameter: readonly Parameter[];
};

/** Name of the specification's definition, for `base`. */
export function hl7(id: string): string {
	return `http://hl7.org/fhir/OperationDefinition/${id}`;
}

/** The day on which the definitions were last changed. */
const date = '2026-11-25';

/** The resource. Its url is completed when the base of the installation is known (definitions.ts). */
export function define({
	id,
	name,
	title,
	code,
	base,
	description,
	affectsState = false,
	resource,
	parameter,
	...levels
}: Definition): Resource {
	return {
		resourceType: 'OperationDefinition',
		id,
		url: `OperationDefinition/${id}`,
		name,
		title,
		status: 'active',
		kind: 'operation',
		date,
		publisher: 'Heron',
		description,
		affectsState,
		code,
		...(base === undefined ? {} : { base }),
		...(resource === undefined ? {} : { resource }),
		system: levels.system ?? false,
		type: levels.type ?? false,
		instance: levels.instance ?? false,
		parameter: parameter.map(({ part, ...one }) => ({
			...one,
			...(part === undefined ? {} : { part: part.map((inner) => ({ ...inner, use: one.use })) }),
		})),
	};
}

/** An input. */
export function input(name: string, type: string, documentation: string, more: { min?: number; max?: string } = {}): Parameter {
	return { name, use: 'in', min: more.min ?? 0, max: more.max ?? '1', documentation, type };
}

/** What comes back. */
export function output(name: string, type: string, documentation: string, more: { min?: number; max?: string } = {}): Parameter {
	return { name, use: 'out', min: more.min ?? 1, max: more.max ?? '1', documentation, type };
}
