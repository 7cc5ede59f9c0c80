// Extensions with a definition: checked by it, and where it allows them to stand. https://hl7.org/fhir/R4/defining-extensions.html#context.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { StructureFacts } from '#fhir/definitions/facts.ts';
import { compilePath } from '#fhir/path/compile.ts';
import type { Findings, Found } from './findings.ts';
import { reports } from './reports.ts';
import { compileRule } from './rules.ts';
import type { Runtime } from './runtime.ts';
import { isObject } from './scope.ts';

/** Checks an extension that is sound in itself by the definition its url names, if that is known. `holder` is the object around it. */
export function checkExtension(runtime: Runtime, c: Findings, extension: Record<string, unknown>, holder: object | undefined): void {
	const { url } = extension;
	// URLs without a scheme name parts of a complex extension; the extension around them has checked those.
	if (typeof url !== 'string' || !url.includes(':')) return;
	const profile = runtime.profile(url, c.scope.version);
	const { structure } = profile;
	if (structure === undefined || structure.type !== 'Extension') return;
	profile.check(extension, undefined, c, 'Extension');
	checkContext(c, structure, url, holder);
}

function checkContext(c: Findings, { context, contextInvariants }: StructureFacts, url: string, holder: object | undefined): void {
	for (const expression of contextInvariants ?? []) {
		const rule = compileRule({ key: url, severity: 'error', expression, human: expression });
		if (typeof rule !== 'string' && holder !== undefined && !rule.holds(holder, c.scope.env)) reports.contextInvariant(c, url, expression);
	}
	if (context === undefined || context.length === 0) return;
	const elements: string[] = [];
	for (const { type, expression } of context) {
		if (type === 'element') {
			if (expression === 'Element' || expression === 'Resource') return;
			elements.push(expression.replaceAll('[x]', ''));
		} else if (type === 'extension') {
			if (isObject(holder) && holder.url === expression) return;
		} else if (holder === undefined || isAmong(c, expression, holder)) return;
	}
	const places = context.map(({ expression }) => expression);
	c.addUnless(
		elements,
		`The extension ${url} may not stand here, only in ${places.slice(0, 10).join(', ')}${places.length > 10 ? ', …' : ''}.`,
	);
}

/** Whether the object is one of those that a FHIRPath expression gives for the resource. */
function isAmong(c: Findings, expression: string, holder: object): boolean {
	try {
		return compilePath(expression)(c.scope.resource, c.scope.env).includes(holder);
	} catch {
		return true;
	}
}

/** Whether an extension is where its definition wants it: one that changes meaning in modifierExtension, others in extension. */
export function checkModifier(runtime: Runtime, c: Findings, extension: unknown): void {
	const url = isObject(extension) ? extension.url : undefined;
	if (typeof url !== 'string') return;
	const structure = runtime.profile(url).structure;
	if (structure === undefined) reports.modifierUnknown(c, url);
	else if (structure.type === 'Extension' && structure.elements[0]?.modifier !== true) reports.modifierPlace(c, url, false);
}

/** Drops the issues about an extension's context that turned out to be right, now that the paths up to the resource are known. */
export function settleContexts(definitions: Definitions, c: Findings, from: number, resourceType: string): void {
	let kept = from;
	for (let i = from; i < c.issues.length; i++) {
		const issue = c.issues[i] as Found;
		if (issue.contexts !== undefined) {
			if (standsIn(definitions, issue.contexts, resourceType, issue.path)) continue;
			c.errors++;
			c.issues[kept++] = { severity: issue.severity, type: issue.type, code: issue.code, text: issue.text, path: issue.path };
		} else c.issues[kept++] = issue;
	}
	c.issues.length = kept;
}

/** Whether the element that has the extension at `path` is one of the elements or of one of the types. */
function standsIn(definitions: Definitions, contexts: readonly string[], resourceType: string, path: string): boolean {
	const steps = path
		.replace(/\[\d+\]/g, '')
		.split('.')
		.slice(1, -1);
	let names: string[] = [resourceType, 'DomainResource'];
	for (const step of steps) names = [...new Set(names.flatMap((name) => namesBelow(definitions, name, step)))];
	return names.some((name) => contexts.includes(name));
}

/** The names an element goes by: its path, the path inside its parent's type, and its own type. */
function namesBelow(definitions: Definitions, parent: string, step: string): string[] {
	const info = definitions.elementInfo(parent, step);
	return [`${parent}.${step}`, ...(info?.types ?? [])];
}
