// Whether a resource is what FHIR R4 and the profiles it claims say it must be, https://hl7.org/fhir/R4/validation.html.
import { type Issue, isError } from '#base/problem.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { profilePrefix, structuralCodes } from './reports.ts';
import { createRuntime } from './runtime.ts';

export type ValidateOptions = {
	/** Canonical URLs of profiles to check beside those that `meta.profile` claims. */
	readonly profiles?: readonly string[];
	/** The resource type that is expected, when it is known beforehand. */
	readonly type?: string;
};

export type Validator = {
	/** What is wrong, worst things included and bounded in number; [] when nothing is. Never throws, whatever the value. */
	readonly validate: (resource: unknown, options?: ValidateOptions) => Issue[];
};

/** A validator over the definitions. Functions per type and profile are compiled when first needed, and kept. */
export function createValidator(definitions: Definitions): Validator {
	const runtime = createRuntime(definitions);
	return {
		validate(resource, { profiles = [], type } = {}) {
			const named = (resource as { resourceType?: unknown } | null | undefined)?.resourceType;
			if (type !== undefined && named !== type) return [otherType(type, named)];
			const { issues } = runtime.top(resource, profiles);
			if (issues.length === 0) return [];
			const root = typeof named === 'string' && definitions.isResourceType(named) ? named : '';
			return issues.map((issue) => ({
				severity: issue.severity,
				type: issue.type,
				code: issue.code,
				text: issue.text,
				...(root === '' ? {} : { path: root + issue.path }),
			}));
		},
	};
}

function otherType(expected: string, named: unknown): Issue {
	const found = typeof named === 'string' ? `"${named.toWellFormed().slice(0, 64)}"` : 'missing';
	return {
		severity: 'error',
		type: 'structure',
		code: 'resource-type',
		text: `A resource of type ${expected} is expected; resourceType is ${found}.`,
	};
}

/** Whether an issue is one that even lenient handling refuses: the resource could not be stored, searched and served as it is. */
export function isStructural(issue: Issue): boolean {
	return isError(issue) && structuralCodes.has(issue.code);
}

/** Whether the resource broke a profile rather than the base specification: HTTP 422 rather than 400. */
export function isProfileIssue(issue: Issue): boolean {
	return isError(issue) && issue.code.startsWith(profilePrefix);
}
