// One function per FHIR type, generated from its definition: structure, cardinality, primitive formats, choices, required bindings, reference
// targets and invariants. https://hl7.org/fhir/R4/json.html and https://hl7.org/fhir/R4/conformance-rules.html.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { ConstraintFacts, ElementFacts, StructureFacts, TypeFacts } from '#fhir/definitions/facts.ts';
import { suffixOf } from '#fhir/path/values.ts';
import { bindingTest } from './bindings.ts';
import type { Findings } from './findings.ts';
import { isPrimitiveType, primitiveTests } from './primitives.ts';
import { compileRule, type Rule } from './rules.ts';
import type { Runtime } from './runtime.ts';
import { named, quote, Source } from './source.ts';
import { isChoice, nameOf } from './tree.ts';

/** Checks a value of a type; `holder` is the object around an extension. */
export type TypeCheck = (value: unknown, findings: Findings, holder?: object) => void;

/** Rules that the runtime knows by heart: of every resource with narrative, of narratives, and of references. */
const byHeart = new Set(['dom-2', 'dom-3', 'dom-4', 'dom-5', 'dom-6', 'dom-r4b', 'txt-1', 'txt-2', 'ref-1', 'ext-1', 'ele-1']);

export type TypeContext = { readonly definitions: Definitions; readonly runtime: Runtime };

/** The function of a type that is not primitive. */
export function compileType(structure: StructureFacts, context: TypeContext): TypeCheck {
	const source = new Source();
	const writer = new TypeWriter(structure, context, source);
	return source.build<TypeCheck>(writer.write());
}

/** A member of an object: an element, or one of the types of a choice element. */
type Member = { readonly name: string; readonly element: ElementFacts; readonly type: TypeFacts; readonly choice?: number };

class TypeWriter {
	readonly #structure: StructureFacts;
	readonly #definitions: Definitions;
	readonly #runtime: Runtime;
	readonly #source: Source;
	readonly #r: string;
	/** Elements by the path of their parent. */
	readonly #children: ReadonlyMap<string, readonly ElementFacts[]>;

	constructor(structure: StructureFacts, { definitions, runtime }: TypeContext, source: Source) {
		this.#structure = structure;
		this.#definitions = definitions;
		this.#runtime = runtime;
		this.#source = source;
		this.#r = source.constant(runtime);
		this.#children = Map.groupBy(
			structure.elements.filter(({ path, slice }) => path.includes('.') && slice === undefined),
			({ path }) => path.slice(0, path.lastIndexOf('.')),
		);
	}

	/** Writes all functions; gives the name of the type's own. */
	write(): string {
		for (const path of this.#children.keys()) this.#source.declare(this.#objectFunction(path));
		return functionOf(this.#structure.elements[0]?.path as string);
	}

	/** The function of the type or of a backbone element. */
	#objectFunction(path: string): string {
		const isRoot = path === this.#structure.elements[0]?.path;
		const isResource = isRoot && this.#structure.kind === 'resource';
		const elements = this.#children.get(path) ?? [];
		const places = new Places(elements.map(({ path: of }) => nameOf(of)));
		const members = elements.flatMap((element, index) => this.#membersOf(element, index));
		const own = this.#structure.elements.find((element) => element.path === path && element.slice === undefined);
		const cases = members.map((member) => this.#caseOf(member, places, isResource)).join('\n');
		const choices = elements.flatMap((element, index) => (isChoice(element) ? [`h${index} = 0`] : []));
		const names = members.map(({ name }) => name);
		return `function ${functionOf(path)}(o, c, holder) {
	if (o === null || typeof o !== 'object' || Array.isArray(o) || o instanceof Number) { ${this.#r}.notObject(c, o, ${quote(path)}); return; }
	if (++c.depth > ${this.#r}.maxDepth) { c.depth--; ${this.#r}.tooDeep(c); return; }
	const shape = c.shape;
	let kids = 0${[...places.words.map((word) => `${word} = 0`), ...choices].map((text) => `, ${text}`).join('')};
	for (const key in o) {
		const v = o[key];
		if (v === undefined) continue;
		kids++;
		switch (key) {
${isResource ? "case 'resourceType': break;" : ''}
${cases}
default: ${this.#r}.unknown(c, key, ${this.#source.constant({ path, names })});
		}
	}
	${isResource ? '' : `if (kids === 0) { c.depth--; ${this.#r}.empty(c); return; }`}
	${this.#required(elements, places)}
	if (c.shape === shape) {
		${this.#special(path, places)}
		${this.#ownRules(own?.constraints ?? [], places, path)}
	}
	c.depth--;
}`;
	}

	#membersOf(element: ElementFacts, index: number): Member[] {
		const name = nameOf(element.path);
		const types = element.types ?? [];
		if (element.contentRef !== undefined) return [{ name, element, type: { code: 'BackboneElement' } }];
		if (!isChoice(element)) return [{ name, element, type: types[0] ?? { code: 'Element' } }];
		return types.map((type, at) => ({ name: name + suffixOf(type.code), element, type, choice: index * 1000 + at + 1 }));
	}

	/** The switch case (or two, with the `_sibling`) of a member. */
	#caseOf(member: Member, places: Places, isResource: boolean): string {
		const { name, element, type } = member;
		const seen = places.mark(nameOf(element.path)) + this.#choiceMark(member);
		const primitive = isPrimitiveType(type.code);
		// Ids of elements, urls of extensions and the narrative's text are XML attributes or XHTML: they have no extensions.
		const plain = (name === 'id' && !isResource) || element.path === 'Extension.url' || type.code === 'xhtml';
		const id = name === 'id' && !isResource ? 'kids--; ' : '';
		const work = primitive ? this.#primitiveWork(member) : this.#objectWork(member);
		const step = `.${nameOf(element.path)}`;
		const own = `case ${quote(named(name))}: { ${id}${seen}${work} break; }`;
		if (!primitive || plain) return own;
		const sibling = `case ${quote(`_${name}`)}: { ${seen}${this.#r}.${element.array ? 'siblings' : 'sibling'}(c, ${quote(step)}, v, o.${named(name)}); break; }`;
		return `${own}\n${sibling}`;
	}

	#choiceMark({ element, choice }: Member): string {
		if (choice === undefined) return '';
		const held = `h${Math.floor(choice / 1000)}`;
		return `if (${held} === 0) ${held} = ${choice}; else if (${held} !== ${choice}) ${this.#r}.choiceTwice(c, ${quote(nameOf(element.path))}); `;
	}

	#primitiveWork({ element, type }: Member): string {
		const step = `.${nameOf(element.path)}`;
		const test = this.#source.constant(primitiveTests[type.code]);
		const bad = (path: string, v: string): string => `${this.#r}.primitive(c, ${path}, ${quote(type.code)}, ${v})`;
		const after = (path: string, v: string, sibling: string): string => this.#afterValue(element, type, path, v, sibling);
		const member = named(element.array ? nameOf(element.path) : memberOf(element, type));
		if (element.array !== true) {
			const more = after(quote(step), 'v', `o._${member}`);
			return more === '' ? `if (!${test}(v)) ${bad(quote(step), 'v')};` : `if (!${test}(v)) ${bad(quote(step), 'v')}; else { ${more} }`;
		}
		const path = `${quote(`${step}[`)} + i + ']'`;
		return `if (${this.#r}.isList(c, ${quote(step)}, v)) { const s = o._${member}; for (let i = 0; i < v.length; i++) { const x = v[i];
if (x === null && ${this.#r}.isFilled(s, i)) continue;
if (!${test}(x)) ${bad(path, 'x')}; else { ${after(path, 'x', 's === undefined ? undefined : s[i]')} } } ${this.#count(element, 'v.length')} }`;
	}

	#objectWork({ element, type }: Member): string {
		const step = `.${nameOf(element.path)}`;
		const call = (v: string): string => {
			const more = this.#afterValue(element, type, "''", v, 'undefined');
			return `${this.#checkCall(element, type, v)} ${more === '' ? '' : `if (c.issues.length === n) { ${more} }`}`;
		};
		if (element.array !== true) return `const n = c.issues.length; ${call('v')} if (c.issues.length !== n) c.under(n, ${quote(step)});`;
		return `if (${this.#r}.isList(c, ${quote(step)}, v)) { for (let i = 0; i < v.length; i++) { const x = v[i]; const n = c.issues.length; ${call('x')}
if (c.issues.length !== n) c.under(n, ${quote(`${step}[`)} + i + ']'); } ${this.#count(element, 'v.length')} }`;
	}

	#checkCall(element: ElementFacts, type: TypeFacts, v: string): string {
		if (element.contentRef !== undefined) return `${functionOf(element.contentRef)}(${v}, c);`;
		if (this.#children.has(element.path)) return `${functionOf(element.path)}(${v}, c);`;
		if (type.code === 'Resource') return `${this.#r}.resource(c, ${v}, ${nameOf(element.path) === 'contained'});`;
		const check = this.#source.constant(this.#runtime.type(type.code));
		if (type.code !== 'Extension') return `${check}.check(${v}, c);`;
		const modifier = nameOf(element.path) === 'modifierExtension' ? ` ${this.#r}.modifier(c, ${v});` : '';
		return `${check}.check(${v}, c, o);${modifier}`;
	}

	/** What is asked of a value that is sound in itself. */
	#afterValue(element: ElementFacts, type: TypeFacts, path: string, v: string, sibling: string): string {
		return [
			this.#binding(element, type, path, v),
			this.#targets(type, v),
			...(type.profiles ?? []).map((url) => `${this.#source.constant(this.#runtime.profile(url))}.check(${v}, undefined, c);`),
			// The rules of a backbone element are asked in its own function.
			...(this.#children.has(element.path) ? [] : this.#valueRules(element, type, path, v, sibling)),
		].join(' ');
	}

	#binding({ binding }: ElementFacts, { code }: TypeFacts, path: string, v: string): string {
		if (binding === undefined) return '';
		const [strength, valueSet] =
			binding.strength === 'required' ? ['required', binding.valueSet] : [binding.strength, binding.maxValueSet ?? binding.valueSet];
		const isMaximum = strength !== 'required' && binding.maxValueSet !== undefined;
		if (strength !== 'required' && !isMaximum) return '';
		const test = bindingTest(this.#definitions, valueSet, code);
		if (test === undefined) return '';
		return `if (${this.#source.constant(test)}(${v}) === false) ${this.#r}.binding(c, ${path}, ${this.#r}.shownSet(${quote(valueSet)}), ${v}, ${isMaximum});`;
	}

	#targets({ code, targets }: TypeFacts, v: string): string {
		if (code !== 'Reference' || targets === undefined) return '';
		const types = targets.map((url) => this.#definitions.structure(url)?.type ?? url.slice(url.lastIndexOf('/') + 1));
		if (types.includes('Resource')) return '';
		return `${this.#r}.target(c, ${v}, ${this.#source.constant(types)});`;
	}

	#valueRules({ constraints }: ElementFacts, { code }: TypeFacts, path: string, v: string, sibling: string): string[] {
		return this.#rules(constraints ?? [], code).map((rule) => {
			const name = this.#source.constant(rule);
			const focus = isPrimitiveType(code) ? `${this.#r}.boxed(${v}, ${sibling}, ${quote(code)})` : v;
			return `if (!${name}.holds(${focus}, c.scope.env)) ${this.#r}.broken(c, ${path}, ${name});`;
		});
	}

	#rules(constraints: readonly ConstraintFacts[], type: string): Rule[] {
		return constraints
			.filter(({ key }) => !byHeart.has(key))
			.map((facts) => compileRule(facts, { model: this.#definitions, type }))
			.filter((rule) => typeof rule !== 'string');
	}

	/** The rules of the object itself, each only where what it speaks about is there. */
	#ownRules(constraints: readonly ConstraintFacts[], places: Places, path: string): string {
		return this.#rules(constraints, path)
			.map((rule) => {
				const name = this.#source.constant(rule);
				const has = (member: string): string => places.has(member);
				const broken = `${this.#r}.broken(c, '', ${name})`;
				if (rule.asPresence !== undefined) return `if (!${rule.asPresence(has)}) ${broken};`;
				const guards = [...rule.needsAll.map(has), ...(rule.needsAny.length > 0 ? [`(${rule.needsAny.map(has).join(' || ')})`] : [])];
				return `if (${[...guards, `!${name}.holds(o, c.scope.env)`].join(' && ')}) ${broken};`;
			})
			.join('\n\t\t');
	}

	#required(elements: readonly ElementFacts[], places: Places): string {
		return elements
			.filter(({ min }) => min > 0)
			.map(
				(element) =>
					`if (!${places.has(nameOf(element.path))}) ${this.#r}.missing(c, ${quote(nameOf(element.path))}, ${this.#source.constant(element)});`,
			)
			.join('\n\t');
	}

	#count(element: ElementFacts, length: string): string {
		const { min, max } = element;
		const tests = [...(min > 1 ? [`${length} < ${min}`] : []), ...(max > 1 ? [`${length} > ${max}`] : [])];
		return tests.length === 0
			? ''
			: `if (${tests.join(' || ')}) ${this.#r}.count(c, ${quote(nameOf(element.path))}, ${length}, ${this.#source.constant(element)});`;
	}

	/** Rules known by heart. */
	#special(path: string, places: Places): string {
		const isDomain = this.#structure.kind === 'resource' && path === this.#structure.type && places.knows('contained');
		if (isDomain)
			return `if (${places.has('contained')}) ${this.#r}.contained(c, o); if (!${places.has('text')}) ${this.#r}.noNarrative(c);`;
		if (path === 'Bundle') return `${this.#r}.bundle(c, o);`;
		if (path === 'Reference') return `${this.#r}.reference(c, o);`;
		if (path === 'Extension')
			return `if (${places.has('value')} === ${places.has('extension')}) ${this.#r}.extensionContent(c); else ${this.#r}.extension(c, o, holder);`;
		return '';
	}
}

/** Which bit of which word remembers that a member is there. */
class Places {
	readonly #at: ReadonlyMap<string, number>;
	readonly words: readonly string[];

	constructor(names: readonly string[]) {
		this.#at = new Map(names.map((name, index) => [name, index]));
		this.words = Array.from({ length: Math.ceil(names.length / 30) }, (_, word) => `s${word}`);
	}

	knows(name: string): boolean {
		return this.#at.has(name);
	}

	mark(name: string): string {
		const at = this.#at.get(name) as number;
		return `s${Math.floor(at / 30)} |= ${1 << (at % 30)}; `;
	}

	has(name: string): string {
		const at = this.#at.get(name);
		return at === undefined ? '(false)' : `((s${Math.floor(at / 30)} & ${1 << (at % 30)}) !== 0)`;
	}
}

function functionOf(path: string): string {
	return `check_${path.replace(/[^A-Za-z0-9]/g, '_')}`;
}

function memberOf(element: ElementFacts, { code }: TypeFacts): string {
	return isChoice(element) ? nameOf(element.path) + suffixOf(code) : nameOf(element.path);
}
