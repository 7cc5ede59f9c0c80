// One function per profile, generated from its snapshot: what it asks beyond the base specification, which has been checked before.
// https://hl7.org/fhir/R4/profiling.html.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { ElementFacts, StructureFacts, TypeFacts } from '#fhir/definitions/facts.ts';
import { suffixOf } from '#fhir/path/values.ts';
import { bindingTest, versioned } from './bindings.ts';
import type { Findings } from './findings.ts';
import { fixedTest, patternTest } from './match.ts';
import { isPrimitiveType } from './primitives.ts';
import { compileRule } from './rules.ts';
import type { Runtime } from './runtime.ts';
import { planSlices } from './slices.ts';
import { named, quote, Source } from './source.ts';
import { type Baseline, isChoice, nameOf, type ProfileNode, slicedBaseline, treeOf, typeBaseline } from './tree.ts';

/** Checks a value (and of a primitive its `_sibling`) of a known type. */
export type ProfileCheck = (value: unknown, sibling: unknown, findings: Findings, type?: string) => void;

export type ProfileContext = { readonly definitions: Definitions; readonly runtime: Runtime };

/** The function of a profile. */
export function compileProfile(structure: StructureFacts, context: ProfileContext): ProfileCheck {
	const source = new Source();
	const writer = new ProfileWriter(structure, context, source);
	return source.build<ProfileCheck>(writer.write());
}

class ProfileWriter {
	readonly #structure: StructureFacts;
	readonly #context: ProfileContext;
	readonly #source: Source;
	readonly #r: string;
	/** The profile as reports name it. */
	readonly #p: string;
	#functions = 0;

	constructor(structure: StructureFacts, context: ProfileContext, source: Source) {
		this.#structure = structure;
		this.#context = context;
		this.#source = source;
		this.#r = source.constant(context.runtime);
		this.#p = source.constant(structure);
	}

	/** Writes all functions; gives the name of the profile's own. */
	write(): string {
		const root = treeOf(this.#structure);
		const { type } = this.#structure;
		const name = this.#nodeFunction(root, typeBaseline(this.#context.definitions, type), [{ code: type }]);
		if (name !== undefined) return name;
		this.#source.declare('function nothing() {}');
		return 'nothing';
	}

	/** The function that checks a value of a node; undefined when there is nothing to check. */
	#nodeFunction(node: ProfileNode, baseline: Baseline | undefined, types: readonly TypeFacts[]): string | undefined {
		const checks = [...this.#valueChecks(node.facts, baseline?.facts, types), ...this.#childChecks(node, baseline, types)].filter(
			(text) => text !== '',
		);
		if (checks.length === 0) return undefined;
		const name = `n${this.#functions++}`;
		this.#source.declare(`function ${name}(v, s, c, type) {
	const h = v !== null && typeof v === 'object' && !(v instanceof Number) ? v : s;
	${checks.join('\n\t')}
}`);
		return name;
	}

	#valueChecks(facts: ElementFacts, base: ElementFacts | undefined, types: readonly TypeFacts[]): string[] {
		return [
			...this.#values(facts, base),
			...this.#lengths(facts, base),
			...types.map((type) => this.#forType(type, types, this.#binding(facts, base, type))),
			...types.map((type) => this.#forType(type, types, this.#targets(type, base))),
			...types.map((type) => this.#forType(type, types, this.#typeProfiles(type, base))),
			...this.#rules(facts, base, types),
		];
	}

	#forType({ code }: TypeFacts, types: readonly TypeFacts[], check: string): string {
		return check === '' || types.length === 1 ? check : `if (type === ${quote(code)}) { ${check} }`;
	}

	#values({ fixed, pattern }: ElementFacts, base: ElementFacts | undefined): string[] {
		const checks: string[] = [];
		if (fixed !== undefined && JSON.stringify(fixed) !== JSON.stringify(base?.fixed))
			checks.push(this.#wanted('fixed', this.#source.constant(fixedTest(fixed)), this.#source.constant({ value: fixed })));
		if (pattern !== undefined && JSON.stringify(pattern) !== JSON.stringify(base?.pattern))
			checks.push(this.#wanted('pattern', this.#source.constant(patternTest(pattern)), this.#source.constant({ value: pattern })));
		return checks;
	}

	#wanted(kind: 'fixed' | 'pattern', test: string, wanted: string): string {
		return `if (v !== undefined && v !== null && !${test}(v)) ${this.#r}.wanted(c, ${this.#p}, ${quote(kind)}, ${wanted});`;
	}

	#lengths({ maxLength, minValue, maxValue }: ElementFacts, base: ElementFacts | undefined): string[] {
		const checks: string[] = [];
		if (maxLength !== undefined && maxLength !== base?.maxLength)
			checks.push(`if (typeof v === 'string' && v.length > ${Number(maxLength)}) ${this.#r}.tooLong(c, ${this.#p}, ${Number(maxLength)});`);
		const range = [minValue, maxValue].map((limit) =>
			typeof limit === 'number' || typeof limit === 'string' ? JSON.stringify(limit) : undefined,
		);
		for (const [limit, sign] of [
			[range[0], '<'],
			[range[1], '>'],
		] as const)
			if (limit !== undefined)
				checks.push(`if (${this.#r}.isBeyond(v, ${quote(sign)}, ${limit})) ${this.#r}.beyond(c, ${this.#p}, ${quote(sign)}, ${limit});`);
		return checks;
	}

	#binding({ binding }: ElementFacts, base: ElementFacts | undefined, { code }: TypeFacts): string {
		if (binding === undefined) return '';
		const isRequired = binding.strength === 'required';
		const valueSet = isRequired ? binding.valueSet : binding.maxValueSet;
		const known = base?.binding;
		if (
			valueSet === undefined ||
			(known !== undefined && (isRequired ? known.strength === 'required' && known.valueSet === valueSet : known.maxValueSet === valueSet))
		)
			return '';
		const inVersion = versioned(valueSet, this.#structure);
		const test = bindingTest(this.#context.definitions, inVersion, code);
		if (test === undefined) return '';
		return `if (v !== undefined && v !== null && ${this.#source.constant(test)}(v) === false) ${this.#r}.profileBinding(c, ${this.#p}, ${this.#r}.shownSet(${quote(inVersion)}), v, ${!isRequired});`;
	}

	#targets({ code, targets }: TypeFacts, base: ElementFacts | undefined): string {
		if (code !== 'Reference' || targets === undefined) return '';
		const known = base?.types?.find((type) => type.code === code)?.targets;
		if (known !== undefined && targets.every((url) => known.includes(url)) && known.every((url) => targets.includes(url))) return '';
		const allowed = targets.map((url) => ({
			url,
			type: this.#context.definitions.structure(url)?.type ?? url.slice(url.lastIndexOf('/') + 1),
		}));
		if (allowed.some(({ type }) => type === 'Resource')) return '';
		const profiles = allowed.map(({ url }) => this.#context.runtime.profile(url, this.#structure.version));
		return `${this.#r}.profileTarget(c, ${this.#p}, v, ${this.#source.constant({ types: [...new Set(allowed.map(({ type }) => type))], profiles })});`;
	}

	#typeProfiles({ code, profiles }: TypeFacts, base: ElementFacts | undefined): string {
		if (profiles === undefined) return '';
		const known = base?.types?.find((type) => type.code === code)?.profiles;
		if (known !== undefined && profiles.every((url) => known.includes(url))) return '';
		// An extension with a definition of its own has been checked by it already.
		if (code === 'Extension' && profiles.every((url) => this.#context.runtime.isExtension(url))) return '';
		const checks = profiles.map((url) => this.#context.runtime.profile(url, this.#structure.version));
		return `${this.#r}.anyProfile(c, ${this.#p}, v, s, ${this.#source.constant(checks)});`;
	}

	#rules({ constraints }: ElementFacts, base: ElementFacts | undefined, types: readonly TypeFacts[]): string[] {
		const options = { model: this.#context.definitions, ...focusType(base, types) };
		const known = new Set((base?.constraints ?? []).map(({ key, expression }) => `${key} ${expression}`));
		return (constraints ?? [])
			.filter(({ key, expression }) => !known.has(`${key} ${expression}`) && !isNarrativeRule(key))
			.map((rule) => compileRule(rule, options))
			.flatMap((rule) => {
				if (typeof rule === 'string') return [];
				const name = this.#source.constant(rule);
				const has = (member: string): string => `${this.#r}.has(h, ${quote(member)})`;
				const guards = [...rule.needsAll.map(has), ...(rule.needsAny.length > 0 ? [`(${rule.needsAny.map(has).join(' || ')})`] : [])];
				return [
					`if (${[...guards, `!${name}.holds(${this.#r}.boxed(v, s, type), c.scope.env)`].join(' && ')}) ${this.#r}.profileBroken(c, ${this.#p}, ${name});`,
				];
			});
	}

	#childChecks(node: ProfileNode, baseline: Baseline | undefined, types: readonly TypeFacts[]): string[] {
		return node.children.map((child) => {
			const base = baseline?.child(nameOf(child.facts.path), types);
			// An element that the base does not have cannot be in a value that the base found sound.
			return base === undefined ? '' : this.#childCheck(child, base);
		});
	}

	/** Code that checks all values of a child element of `h`. */
	#childCheck(node: ProfileNode, base: Baseline): string {
		const { facts } = node;
		const types = facts.types ?? base.facts.types ?? [];
		const check = this.#nodeFunction(node, base, types);
		const plan = node.slices.length === 0 ? undefined : this.#plan(node, base);
		const isFewer = facts.min > base.facts.min;
		const isLess = facts.max >= 0 && (base.facts.max < 0 || facts.max < base.facts.max);
		const code = isChoice(base.facts)
			? this.#choiceCode(facts, base.facts, types, check, plan)
			: this.#plainCode(facts, base.facts, types, check, plan);
		const counts = [
			...(isFewer
				? [
						`if (count < ${facts.min}) ${this.#r}.tooFew(c, ${this.#p}, ${quote(nameOf(facts.path))}, count, ${this.#source.constant(facts)});`,
					]
				: []),
			...(isLess
				? [
						`if (count > ${facts.max}) ${this.#r}.tooMany(c, ${this.#p}, ${quote(nameOf(facts.path))}, count, ${this.#source.constant(facts)});`,
					]
				: []),
		].join(' ');
		return code.use === '' && counts === '' ? '' : `{ ${code.open} ${counts} ${code.use} }`;
	}

	#plainCode(
		facts: ElementFacts,
		base: ElementFacts,
		types: readonly TypeFacts[],
		check: string | undefined,
		plan: string | undefined,
	): Code {
		const name = named(nameOf(facts.path));
		const isPrimitive = types.length === 1 && isPrimitiveType((types[0] as TypeFacts).code);
		const sibling = isPrimitive ? `h._${name}` : 'undefined';
		const type = types.length === 1 ? quote((types[0] as TypeFacts).code) : 'undefined';
		const step = `.${name}`;
		const read = (member: string): string => `h === undefined ? undefined : ${member}`;
		if (base.array !== true) {
			return {
				open: `const a = ${read(`h.${name}`)}, b = ${read(sibling)}, count = a === undefined && b === undefined ? 0 : 1;`,
				use: [
					...(check === undefined ? [] : [`if (count > 0) { ${this.#call(check, 'a', 'b', type, quote(step))} }`]),
					...(plan === undefined ? [] : [this.#slices(plan, type, step)]),
				].join(' '),
			};
		}
		const item = (list: string): string => `${list} === undefined ? undefined : ${list}[i]`;
		const call = check === undefined ? '' : this.#call(check, item('a'), item('b'), type, `${quote(`${step}[`)} + i + ']'`);
		return {
			open: `const a = ${read(`h.${name}`)}, b = ${read(sibling)}, count = Math.max(a === undefined ? 0 : a.length, b === undefined ? 0 : b.length);`,
			use: [
				...(call === '' ? [] : [`for (let i = 0; i < count; i++) { ${call} }`]),
				...(plan === undefined ? [] : [`${this.#r}.slices(c, ${this.#p}, ${plan}, a, b, ${type}, ${quote(step)}, true);`]),
			].join(' '),
		};
	}

	#call(check: string, v: string, s: string, type: string, step: string): string {
		return `const n = c.issues.length; ${check}(${v}, ${s}, c, ${type}); if (c.issues.length !== n) c.under(n, ${step});`;
	}

	/** Slicing of an element that is no array: of one item or none. */
	#slices(plan: string, type: string, step: string): string {
		return `${this.#r}.slices(c, ${this.#p}, ${plan}, count === 0 ? undefined : [a], count === 0 ? undefined : [b], ${type}, ${quote(step)}, false);`;
	}

	#choiceCode(
		facts: ElementFacts,
		base: ElementFacts,
		types: readonly TypeFacts[],
		check: string | undefined,
		plan: string | undefined,
	): Code {
		const name = nameOf(facts.path);
		const step = `.${name}`;
		const allowed = types.map(({ code }) => code);
		const others = (base.types ?? []).map(({ code }) => code).filter((code) => !allowed.includes(code));
		const choose = [...allowed, ...others]
			.map((code) => {
				const member = named(name + suffixOf(code));
				return isPrimitiveType(code)
					? `if (h.${member} !== undefined || h._${member} !== undefined) { a = h.${member}; b = h._${member}; t = ${quote(code)}; }`
					: `if (h.${member} !== undefined) { a = h.${member}; t = ${quote(code)}; }`;
			})
			.join(' else ');
		const use = [
			...(check === undefined ? [] : [`if (count > 0) { ${this.#call(check, 'a', 'b', 't', quote(step))} }`]),
			...(plan === undefined ? [] : [this.#slices(plan, 't', step)]),
		].join(' ');
		const wrong = `if (${this.#source.constant(new Set(others))}.has(t)) ${this.#r}.typeNotAllowed(c, ${this.#p}, ${quote(step)}, t, ${this.#source.constant(allowed)});`;
		return {
			open: `let a, b, t; if (h !== undefined) { ${choose} } const count = t === undefined ? 0 : 1;`,
			use: others.length === 0 ? use : `${wrong} ${use === '' ? '' : `else { ${use} }`}`,
		};
	}

	/** How the items of a sliced element are told apart, and the functions that check them: the first arguments of `slices`. */
	#plan(sliced: ProfileNode, base: Baseline): string {
		const checks: string[] = [];
		const addCheck = (slice: ProfileNode, parent: ProfileNode): number => {
			const below = slicedBaseline(sliced, base);
			const name = this.#nodeFunction(
				slice,
				parent === sliced ? below : slicedBaseline(parent, below),
				slice.facts.types ?? sliced.facts.types ?? [],
			);
			return checks.push(name ?? 'undefined') - 1;
		};
		const plan = this.#source.constant(planSlices(sliced, this.#structure, this.#context, addCheck));
		const list = `list${this.#functions++}`;
		this.#source.declare(`const ${list} = [${checks.join(', ')}];`);
		return `${plan}, ${list}`;
	}
}

type Code = { readonly open: string; readonly use: string };

/** The one type that a rule's focus has; a backbone element's is its path. */
function focusType(base: ElementFacts | undefined, types: readonly TypeFacts[]): { type?: string } {
	const [only] = types;
	if (only === undefined || types.length > 1) return {};
	if (only.code !== 'BackboneElement' && only.code !== 'Element') return { type: only.code };
	return base === undefined ? {} : { type: base.contentRef ?? base.path };
}

function isNarrativeRule(key: string): boolean {
	return key === 'txt-1' || key === 'txt-2';
}
