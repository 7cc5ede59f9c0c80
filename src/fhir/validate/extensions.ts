// Extensions with a definition: checked by it, and where it allows them to stand. https://hl7.org/fhir/R4/defining-extensions.html#context.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { StructureFacts } from '#fhir/definitions/facts.ts';
import { compilePath } from '#fhir/path/compile.ts';
import type { Findings, Found } from './findings.ts';
import { reports } from './reports.ts';
import { compileRule, type Rule } from './rules.ts';
import type { Runtime } from './runtime.ts';
import { isObject } from './scope.ts';

/** Where an extension may stand. */
export type ExtensionContext = {
	readonly url: string;
	/** Any element. */
	readonly anywhere: boolean;
	/** Elements and types, without `[x]`. */
	readonly elements: readonly string[];
	/** URLs of extensions. */
	readonly extensions: readonly string[];
	/** FHIRPath expressions that give the elements. */
	readonly paths: readonly string[];
	/** Rules for the element it stands in. */
	readonly rules: readonly Rule[];
};

/** The context of an extension's definition; undefined when the structure is none. */
export function contextOf(structure: StructureFacts | undefined): ExtensionContext | undefined {
	if (structure === undefined || structure.type !== 'Extension') return undefined;
	const { url, context = [], contextInvariants = [] } = structure;
	const of = (kind: string): string[] => context.filter(({ type }) => type === kind).map(({ expression }) => expression);
	const elements = of('element');
	return {
		url,
		anywhere: context.length === 0 || elements.includes('Element') || elements.includes('Resource'),
		elements: elements.map((expression) => expression.replaceAll('[x]', '')),
		extensions: of('extension'),
		paths: of('fhirpath'),
		rules: contextInvariants
			.map((expression) => compileRule({ key: url, severity: 'error', expression, human: expression }))
			.filter((rule) => typeof rule !== 'string'),
	};
}

/** Checks an extension that is sound in itself by the definition its url names, if that is known. `holder` is the object around it. */
export function checkExtension(runtime: Runtime, c: Findings, extension: Record<string, unknown>, holder: object | undefined): void {
	const { url } = extension;
	// URLs without a scheme name parts of a complex extension; the extension around them has checked those.
	if (typeof url !== 'string' || !url.includes(':')) return;
	const profile = runtime.profile(url, c.scope.version);
	const { context } = profile;
	if (context === undefined) return;
	profile.check(extension, undefined, c, 'Extension');
	for (const rule of context.rules) {
		const env = { ...c.scope.env, extension };
		if (holder !== undefined && !rule.holds(holder, env)) reports.contextInvariant(c, url, rule.human);
	}
	if (context.anywhere || (isObject(holder) && context.extensions.includes(holder.url as string))) return;
	if (!context.paths.some((path) => holder === undefined || isAmong(c, path, holder))) c.ask(context);
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

/** Answers the questions about extensions' contexts, now that the paths up to the resource are known. */
export function settleContexts(definitions: Definitions, c: Findings, from: number, resourceType: string): void {
	let kept = from;
	for (let i = from; i < c.issues.length; i++) {
		const issue = c.issues[i] as Found;
		if (issue.context === undefined) c.issues[kept++] = issue;
		else if (!standsIn(definitions, issue.context.elements, resourceType, issue.path)) {
			c.errors++;
			c.issues[kept++] = misplaced(issue.context, issue.path);
		}
	}
	c.issues.length = kept;
}

function misplaced({ url, elements, extensions, paths }: ExtensionContext, path: string): Found {
	const places = [...elements, ...extensions, ...paths];
	const text = `The extension ${url} may not stand here, only in ${places.slice(0, 10).join(', ')}${places.length > 10 ? ', …' : ''}.`;
	return { severity: 'error', type: 'extension', code: 'profile-extension-context', text, path };
}

/** Whether the element that has the extension at `path` is one of the elements or of one of the types. */
function standsIn(definitions: Definitions, contexts: readonly string[], resourceType: string, path: string): boolean {
	const isOfResource = path.indexOf('.', 1) < 0;
	if (isOfResource) return contexts.includes(resourceType) || contexts.includes('DomainResource');
	const steps = path
		.replace(/\[\d+\]/g, '')
		.split('.')
		.slice(1, -1);
	let names: string[] = [resourceType];
	for (const step of steps) names = [...new Set(names.flatMap((name) => namesBelow(definitions, name, step)))];
	return names.some((name) => contexts.includes(name));
}

/** The names an element goes by: its path, the path inside its parent's type, and its own type. */
function namesBelow(definitions: Definitions, parent: string, step: string): string[] {
	const info = definitions.elementInfo(parent, step);
	return [`${parent}.${step}`, ...(info?.types ?? [])];
}
