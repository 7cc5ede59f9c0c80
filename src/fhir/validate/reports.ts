// Every issue that validation can report, with its stable code. Codes are for ever, texts may change.
// Types are of https://hl7.org/fhir/R4/valueset-issue-type.html.
import type { ElementFacts, Json, StructureFacts } from '#fhir/definitions/facts.ts';
import { type Findings, maxDepth } from './findings.ts';
import { jsonTypeOf, primitiveForms } from './primitives.ts';
import type { Rule } from './rules.ts';
import { xhtmlProblem } from './xhtml.ts';

/** Codes of what even lenient handling refuses: without these the resource could not be stored, searched and served as FHIR. */
export const structuralCodes: ReadonlySet<string> = new Set([
	'resource-type',
	'json-type',
	'json-null',
	'array-expected',
	'array-unexpected',
	'value-empty',
	'element-unknown',
	'element-too-deep',
	'primitive-format',
	'narrative-xhtml',
	'choice-many',
	'cardinality-min',
	'cardinality-max',
]);

/** What codes of broken profiles start with. */
export const profilePrefix = 'profile-';

/** How a JSON value may be called. */
function kindOf(value: unknown): string {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'an array';
	if (value instanceof Number) return 'a number';
	return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A value as the client sent it, short enough for a message. */
function shown(value: unknown): string {
	if (typeof value !== 'string') return typeof value === 'object' ? kindOf(value) : String(value);
	const text = value.toWellFormed();
	return `"${text.length > 60 ? `${text.slice(0, 57)}…` : text}"`;
}

function json(value: unknown): string {
	const text = JSON.stringify(value);
	return text.length > 200 ? `${text.slice(0, 197)}…` : text;
}

/** A cardinality as FHIR writes it. */
function range({ min, max }: ElementFacts): string {
	return `${min}..${max < 0 ? '*' : max}`;
}

/** Codes of a coded value, for a message. */
function codesIn(value: unknown): string {
	if (typeof value !== 'object' || value === null) return shown(value);
	const { coding, system, code } = value as { coding?: unknown; system?: unknown; code?: unknown };
	const codings = (Array.isArray(coding) ? coding : [{ system, code }]) as { system?: unknown; code?: unknown }[];
	const texts = codings.slice(0, 3).flatMap((one) => (one.code === undefined ? [] : [`${one.system ?? ''}|${one.code}`]));
	return texts.length === 0 ? 'no code' : texts.map(shown).join(', ');
}

/** What is built on content of another shape (rules, profiles) would only repeat what is wrong. */
const mark = (c: Findings): void => {
	c.shape++;
};

export const reports = {
	maxDepth,

	resourceType(c: Findings, value: unknown): void {
		mark(c);
		c.add('error', 'structure', 'resource-type', `A resource is expected here, with its type in resourceType; ${shown(value)} is none.`);
	},

	notObject(c: Findings, value: unknown, type: string): void {
		mark(c);
		if (Array.isArray(value)) c.add('error', 'structure', 'array-unexpected', `One object (${type}) is expected here, not an array.`);
		else if (value === null)
			c.add('error', 'structure', 'json-null', `An object (${type}) is expected here; what is absent is left out, not null.`);
		else c.add('error', 'structure', 'json-type', `An object (${type}) is expected here, not ${kindOf(value)}.`);
	},

	tooDeep(c: Findings): void {
		mark(c);
		c.add('error', 'too-long', 'element-too-deep', `Elements may lie at most ${maxDepth} deep inside each other.`);
	},

	unknown(c: Findings, key: string, { path, names }: { path: string; names: readonly string[] }): void {
		mark(c);
		if (c.isFull) {
			c.errors++;
			return;
		}
		const name = key.toWellFormed().slice(0, 60);
		const choice = names.find((member) => key.length > 1 && member.toLowerCase() === key.toLowerCase());
		const hint =
			choice !== undefined
				? ` Did you mean "${choice}"?`
				: ` It may have: ${names.slice(0, 40).join(', ')}${names.length > 40 ? ', …' : ''}.`;
		c.add(
			'error',
			'structure',
			'element-unknown',
			`${path} has no element "${name}".${hint}`,
			/^\w+$/.test(name) ? `.${name}` : `.\`${name.replace(/[`\\]/g, '\\$&')}\``,
		);
	},

	empty(c: Findings): void {
		mark(c);
		c.add('error', 'invariant', 'value-empty', 'An element must have a value or children (ele-1); leave it out instead.');
	},

	choiceTwice(c: Findings, name: string): void {
		c.add('error', 'structure', 'choice-many', `${name}[x] may be given in one type only.`, `.${name}`);
	},

	/** Says what is wrong with a value that is not of its primitive type. Formats count as shape: rules and profiles would only repeat it. */
	primitive(c: Findings, path: string, type: string, value: unknown): void {
		mark(c);
		if (c.isFull) {
			c.errors++;
			return;
		}
		const [issueType, code, text] = primitiveIssue(type, value);
		c.add('error', issueType, code, text, path);
	},

	missing(c: Findings, name: string, facts: ElementFacts): void {
		mark(c);
		c.add('error', 'required', 'cardinality-min', `${facts.path} is required (${range(facts)}).`, `.${name}`);
	},

	count(c: Findings, name: string, count: number, facts: ElementFacts): void {
		const isFew = count < facts.min;
		const code = isFew ? 'cardinality-min' : 'cardinality-max';
		c.add(
			'error',
			isFew ? 'required' : 'structure',
			code,
			`${facts.path} is there ${count} times, but must be ${range(facts)}.`,
			`.${name}`,
		);
	},

	binding(c: Findings, path: string, valueSet: string, value: unknown, isMaximum: boolean): void {
		const code = isMaximum ? 'binding-maximum' : 'binding-required';
		c.add('error', 'code-invalid', code, `${codesIn(value)} is not in the value set ${valueSet}.`, path);
	},

	broken(c: Findings, path: string, { key, severity, human }: Rule): void {
		c.add(severity, 'invariant', 'invariant', `${key}: ${human}`, path);
	},

	noNarrative(c: Findings): void {
		c.add('warning', 'invariant', 'invariant', 'dom-6: A resource should have narrative for robust management');
	},

	ruleByHeart(c: Findings, key: string, human: string, path = ''): void {
		c.add('error', 'invariant', 'invariant', `${key}: ${human}`, path);
	},

	referenceForm(c: Findings, reference: string): void {
		c.add(
			'error',
			'value',
			'reference-format',
			`${shown(reference)} is not a reference: it must be [type]/[id], an absolute URL or #[id].`,
			'.reference',
		);
	},

	referenceTarget(c: Findings, type: string, allowed: readonly string[]): void {
		c.add('error', 'structure', 'reference-target', `This may refer to ${allowed.join(', ')}, not to ${type.slice(0, 64)}.`);
	},

	referenceType(c: Findings, type: string, actual: string): void {
		c.add('error', 'value', 'reference-type', `The reference leads to ${actual}, but its type is ${shown(type)}.`, '.type');
	},

	modifierUnknown(c: Findings, url: string): void {
		c.add(
			'information',
			'extension',
			'extension-unknown',
			`The modifier extension ${shown(url)} is not known here; it is kept, but has no effect.`,
		);
	},

	modifierPlace(c: Findings, url: string, isModifier: boolean): void {
		const place = isModifier ? 'modifierExtension' : 'extension';
		c.add('error', 'extension', 'extension-place', `The extension ${shown(url)} belongs in ${place}.`);
	},

	fullUrl(c: Findings, text: string, path: string): void {
		c.add('error', 'value', 'bundle-full-url', text, path);
	},

	profileUnknown(c: Findings, url: string, path: string): void {
		c.add('information', 'not-supported', 'unknown-profile', `The profile ${shown(url)} is not known here; it was not checked.`, path);
	},

	profileType(c: Findings, url: string, type: string, actual: string, path: string): void {
		c.add('error', 'structure', 'profile-type', `The profile ${shown(url)} is about ${type}, not about ${actual}.`, path);
	},

	tooFew(c: Findings, p: StructureFacts, name: string, count: number, facts: ElementFacts): void {
		c.add(
			'error',
			'required',
			'profile-cardinality-min',
			`${said(p)}: ${facts.path} must be ${range(facts)}; there ${are(count)}.`,
			`.${name}`,
		);
	},

	tooMany(c: Findings, p: StructureFacts, name: string, count: number, facts: ElementFacts): void {
		c.add(
			'error',
			'structure',
			'profile-cardinality-max',
			`${said(p)}: ${facts.path} must be ${range(facts)}; there ${are(count)}.`,
			`.${name}`,
		);
	},

	wanted(c: Findings, p: StructureFacts, kind: 'fixed' | 'pattern', { value }: { value: Json }): void {
		c.add('error', 'value', `profile-${kind}`, `${said(p)}: the value must ${kind === 'fixed' ? 'be' : 'match'} ${json(value)}.`);
	},

	tooLong(c: Findings, p: StructureFacts, length: number): void {
		c.add('error', 'too-long', 'profile-length', `${said(p)}: the value may have at most ${length} characters.`);
	},

	beyond(c: Findings, p: StructureFacts, sign: '<' | '>', limit: string | number): void {
		c.add('error', 'value', 'profile-range', `${said(p)}: the value must be at ${sign === '<' ? 'least' : 'most'} ${limit}.`);
	},

	profileBinding(c: Findings, p: StructureFacts, valueSet: string, value: unknown, isMaximum: boolean): void {
		const code = isMaximum ? 'profile-binding-maximum' : 'profile-binding-required';
		c.add('error', 'code-invalid', code, `${said(p)}: ${codesIn(value)} is not in the value set ${valueSet}.`);
	},

	profileBroken(c: Findings, p: StructureFacts, { key, severity, human }: Rule): void {
		c.add(severity, 'invariant', 'profile-invariant', `${said(p)}: ${key}: ${human}`);
	},

	profileReference(c: Findings, p: StructureFacts, type: string, allowed: readonly string[]): void {
		c.add(
			'error',
			'structure',
			'profile-reference-target',
			`${said(p)}: this may refer to ${allowed.join(', ')}, not to ${type.slice(0, 64)}.`,
		);
	},

	profileTargetShape(c: Findings, p: StructureFacts, urls: readonly string[]): void {
		c.add('error', 'structure', 'profile-reference-target', `${said(p)}: the resource referred to conforms to none of ${urls.join(', ')}.`);
	},

	noProfile(c: Findings, p: StructureFacts, urls: readonly string[]): void {
		c.add('error', 'structure', 'profile-none', `${said(p)}: the value conforms to none of ${urls.join(', ')}.`);
	},

	typeNotAllowed(c: Findings, p: StructureFacts, path: string, type: string, allowed: readonly string[]): void {
		c.add('error', 'structure', 'profile-type-not-allowed', `${said(p)}: the value must be ${allowed.join(' or ')}, not ${type}.`, path);
	},

	sliceCount(c: Findings, p: StructureFacts, path: string, slice: { name: string; min: number; max: number }, count: number): void {
		const isFew = count < slice.min;
		const code = isFew ? 'profile-slice-min' : 'profile-slice-max';
		const text = `${said(p)}: the slice ${slice.name} must be ${slice.min}..${slice.max < 0 ? '*' : slice.max}; there ${are(count)}.`;
		c.add('error', isFew ? 'required' : 'structure', code, text, path);
	},

	sliceNone(c: Findings, p: StructureFacts, path: string, names: readonly string[]): void {
		c.add('error', 'structure', 'profile-slice-closed', `${said(p)}: only these are allowed here: ${names.join(', ')}.`, path);
	},

	sliceOrder(c: Findings, p: StructureFacts, path: string, text: string): void {
		c.add('error', 'structure', 'profile-slice-order', `${said(p)}: ${text}`, path);
	},

	contextInvariant(c: Findings, url: string, expression: string): void {
		c.add('error', 'extension', 'profile-extension-context', `The extension ${shown(url)} may only stand where ${expression}.`);
	},
};

function primitiveIssue(type: string, value: unknown): [type: string, code: string, text: string] {
	const form = primitiveForms[type] ?? type;
	if (value === null) return ['structure', 'json-null', `The value must be ${form}; what is absent is left out, not null.`];
	if (Array.isArray(value)) return ['structure', 'array-unexpected', `One value (${form}) is expected here, not an array.`];
	const isNumber = typeof value === 'number' || value instanceof Number;
	if (jsonTypeOf(type) !== (isNumber ? 'number' : typeof value))
		return ['structure', 'json-type', `The value must be ${form}, not ${kindOf(value)}.`];
	if (value === '') return ['value', 'value-empty', `A value must not be empty; it must be ${form}.`];
	if (type === 'xhtml') {
		const reason = xhtmlProblem(value as string) ?? 'it has characters that are no Unicode text';
		return ['invariant', 'narrative-xhtml', `The narrative must be ${form} (txt-1, txt-2): ${reason}.`];
	}
	return ['value', 'primitive-format', `${shown(isNumber ? String(value) : value)} is not right for type ${type}: it must be ${form}.`];
}

function said({ name, version }: StructureFacts): string {
	return version === undefined ? name : `${name} ${version}`;
}

function are(count: number): string {
	return count === 0 ? 'is none' : count === 1 ? 'is 1' : `are ${count}`;
}
