// References: their form, where they lead inside the resource, and the types they may lead to. https://hl7.org/fhir/R4/references.html.
import type { Findings } from './findings.ts';
import { reports } from './reports.ts';
import { isObject, isReferenceForm, typeInReference } from './scope.ts';

/** The type a reference leads to, and the resource itself when it is contained. */
export type Target = { readonly type: string; readonly contained: Record<string, unknown> | undefined };

/** The form of a literal reference, and that a reference to a contained resource leads to one (ref-1). */
export function checkReference(c: Findings, value: Record<string, unknown>): void {
	const { reference, type } = value;
	if (typeof reference !== 'string') return;
	if (reference.charCodeAt(0) === 35) {
		if (reference !== '#' && !c.scope.contained.has(reference.slice(1)))
			reports.ruleByHeart(c, 'ref-1', 'SHALL have a contained resource if a local reference is provided', '.reference');
		return;
	}
	if (!isReferenceForm(reference)) {
		reports.referenceForm(c, reference);
		return;
	}
	const actual = typeof type === 'string' ? typeInReference(reference) : undefined;
	if (typeof type === 'string' && actual !== undefined && actual !== bareType(type)) reports.referenceType(c, type, actual);
}

/** `Patient` of `http://hl7.org/fhir/StructureDefinition/Patient`. */
function bareType(type: string): string {
	return type.slice(type.lastIndexOf('/') + 1);
}

/** Where a reference leads as far as its text, its type or the content around it tell; undefined when they do not. */
export function targetType(c: Findings, value: unknown): Target | undefined {
	if (!isObject(value)) return undefined;
	const { reference, type } = value;
	if (typeof reference === 'string') {
		if (reference.charCodeAt(0) === 35) {
			const contained = c.scope.resolve(reference);
			const named = contained?.resourceType;
			return typeof named === 'string' ? { type: named, contained } : undefined;
		}
		const written = typeInReference(reference);
		if (written !== undefined) return { type: written, contained: undefined };
		const bundled = c.scope.resolve(reference)?.resourceType;
		if (typeof bundled === 'string') return { type: bundled, contained: undefined };
	}
	return typeof type === 'string' && type !== '' ? { type: bareType(type), contained: undefined } : undefined;
}

/** Checks that a reference leads to one of the types. */
export function checkTarget(c: Findings, value: Record<string, unknown>, types: readonly string[]): void {
	const { reference } = value;
	if (typeof reference === 'string') {
		for (const type of types) if (reference.startsWith(type) && reference.charCodeAt(type.length) === 47) return;
	}
	const target = targetType(c, value);
	if (target !== undefined && !types.includes(target.type)) reports.referenceTarget(c, target.type, types);
}
