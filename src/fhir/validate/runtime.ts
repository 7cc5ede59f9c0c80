// What generated functions call: checks that are the same for all types, and the functions of other types and profiles, compiled when first used.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { StructureFacts } from '#fhir/definitions/facts.ts';
import { boxed } from '#fhir/path/values.ts';
import { shownSet } from './bindings.ts';
import { checkBundle } from './bundle.ts';
import { checkContained } from './contained.ts';
import { checkExtension, checkModifier, contextOf, type ExtensionContext, settleContexts } from './extensions.ts';
import { Findings } from './findings.ts';
import { compileProfile, type ProfileCheck } from './profiles.ts';
import { checkReference, checkTarget, type Target, targetType } from './references.ts';
import { reports } from './reports.ts';
import { isObject, ResourceScope } from './scope.ts';
import { checkSlices } from './slicing.ts';
import { compileType, type TypeCheck } from './types.ts';

/** A type's function; the first call compiles it. */
export type TypeLink = { check: TypeCheck };

/** A profile's function; the first call compiles it. */
export type ProfileLink = {
	readonly url: string;
	readonly structure: StructureFacts | undefined;
	/** Of an extension: where it may stand. */
	readonly context: ExtensionContext | undefined;
	check: ProfileCheck;
};

export type Runtime = ReturnType<typeof createRuntime>;

/** The runtime over the definitions. */
export function createRuntime(definitions: Definitions) {
	const types = new Map<string, TypeLink>();
	const profiles = new Map<string, ProfileLink>();

	const runtime = {
		...reports,
		definitions,
		boxed,
		shownSet: (valueSet: string) => shownSet(definitions, valueSet),
		slices: checkSlices,
		reference: checkReference,
		target: checkTarget,
		contained: checkContained,
		bundle: checkBundle,

		/** The link to a complex type or resource type by name. */
		type(name: string): TypeLink {
			const known = types.get(name);
			if (known !== undefined) return known;
			const link: TypeLink = {
				check(value, findings, holder) {
					const structure = definitions.structure(name);
					link.check = structure === undefined ? nothing : compileType(structure, { definitions, runtime });
					link.check(value, findings, holder);
				},
			};
			types.set(name, link);
			return link;
		},

		/** The link to a profile by canonical URL; `version` is that of the profile which names it, and is preferred. */
		profile(url: string, version?: string): ProfileLink {
			const pinned = version === undefined || url.includes('|') ? undefined : `${url}|${version}`;
			const name = pinned !== undefined && definitions.structure(pinned) !== undefined ? pinned : url;
			const known = profiles.get(name);
			if (known !== undefined) return known;
			const structure = definitions.structure(name);
			// What is not known is not kept: clients could make up URLs without end.
			if (structure === undefined) return { url: name, structure, context: undefined, check: nothing };
			const link: ProfileLink = {
				url: name,
				structure,
				context: contextOf(structure),
				check(value, sibling, findings, type) {
					link.check = structure.derivation === 'constraint' ? compileProfile(structure, { definitions, runtime }) : nothing;
					link.check(value, sibling, findings, type);
				},
			};
			profiles.set(name, link);
			return link;
		},

		/** Whether the URL is that of an extension with a definition. */
		isExtension(url: string): boolean {
			return definitions.structure(url)?.type === 'Extension';
		},

		/** Whether a value conforms to a profile; undefined when the profile is not known, or when the question is part of itself. */
		conforms(findings: Findings, profile: ProfileLink, value: unknown, sibling?: unknown): boolean | undefined {
			const { structure, url } = profile;
			if (structure === undefined) return undefined;
			const asked = findings.conforming.get(url) ?? new Map<unknown, boolean | undefined>();
			findings.conforming.set(url, asked);
			const identity = isObject(value) ? value : sibling;
			if (asked.has(identity)) return asked.get(identity);
			const isKept = isObject(identity);
			if (isKept) asked.set(identity, undefined);
			const result = isOfType(structure, value) && checkApart(findings, profile, value, sibling);
			if (isKept) asked.set(identity, result);
			return result;
		},

		/** Checks a value against profiles of which it must conform to one. */
		anyProfile(c: Findings, p: StructureFacts, value: unknown, sibling: unknown, candidates: readonly ProfileLink[]): void {
			const [only] = candidates;
			if (candidates.length === 1 && only !== undefined) only.check(value, sibling, c, only.structure?.type);
			else if (candidates.every((profile) => runtime.conforms(c, profile, value, sibling) === false))
				runtime.noProfile(
					c,
					p,
					candidates.map(({ url }) => url),
				);
		},

		/** Checks the target of a reference against the types and profiles that a profile allows. */
		profileTarget(
			c: Findings,
			p: StructureFacts,
			value: unknown,
			{ types, profiles: allowed }: { types: readonly string[]; profiles: readonly ProfileLink[] },
		): void {
			const target: Target | undefined = targetType(c, value);
			if (target === undefined) return;
			const { type, contained } = target;
			if (!types.includes(type)) runtime.profileReference(c, p, type, types);
			else if (contained !== undefined && allowed.every((profile) => runtime.conforms(c, profile, contained) === false))
				runtime.profileTargetShape(
					c,
					p,
					allowed.map(({ url }) => url),
				);
		},

		/** Whether a value lies beyond a limit of its kind. */
		isBeyond(value: unknown, sign: '<' | '>', limit: string | number): boolean {
			const held = value instanceof Number ? Number(value) : value;
			if (typeof held !== typeof limit) return false;
			return sign === '<' ? (held as number) < (limit as number) : (held as number) > (limit as number);
		},

		/** Whether an element (or one of the types of a choice element) is in an object. */
		has(holder: Record<string, unknown> | undefined, name: string): boolean {
			if (holder === undefined) return false;
			if (holder[name] !== undefined || holder[`_${name}`] !== undefined) return true;
			for (const key in holder) {
				const at = key.startsWith('_') ? 1 : 0;
				if (key.length > name.length + at && key.startsWith(name, at) && isUpper(key.charCodeAt(name.length + at))) return true;
			}
			return false;
		},

		/** Whether the value is an array with items; reports when not. */
		isList(c: Findings, path: string, value: unknown): value is unknown[] {
			if (Array.isArray(value)) {
				if (value.length > 0) return true;
				c.shape++;
				c.add('error', 'structure', 'value-empty', 'An array must not be empty; leave it out instead.', path);
				return false;
			}
			c.shape++;
			c.add('error', 'structure', 'array-expected', 'An array is expected here, as the element may repeat.', path);
			return false;
		},

		/** Whether the `_sibling` array of a primitive has something where the value is null. */
		isFilled(siblings: unknown, index: number): boolean {
			return Array.isArray(siblings) && isObject(siblings[index]);
		},

		/** The `_sibling` of a primitive: id and extensions, https://hl7.org/fhir/R4/json.html#primitive. */
		sibling(c: Findings, path: string, sibling: unknown, value: unknown): void {
			const n = c.issues.length;
			checkSibling(c, sibling, value !== undefined && value !== null);
			if (c.issues.length !== n) c.under(n, path);
		},

		/** The `_sibling` array of a primitive that repeats. */
		siblings(c: Findings, path: string, siblings: unknown, values: unknown): void {
			if (!runtime.isList(c, path, siblings)) return;
			for (let i = 0; i < siblings.length; i++) {
				const value = Array.isArray(values) ? values[i] : values;
				// A null beside a value is right; one beside another null, or beside values that are amiss, has been reported there.
				if (siblings[i] === null && (value !== undefined || (Array.isArray(values) && values.length === 0))) continue;
				const hasValue = value !== undefined && value !== null;
				const n = c.issues.length;
				checkSibling(c, siblings[i], hasValue);
				if (c.issues.length !== n) c.under(n, `${path}[${i}]`);
			}
		},

		/** Content of an extension: a value or extensions, not both. */
		extensionContent(c: Findings): void {
			runtime.ruleByHeart(c, 'ext-1', 'Must have either extensions or value[x], not both');
		},

		extension(c: Findings, extension: Record<string, unknown>, holder: object | undefined): void {
			checkExtension(runtime, c, extension, holder);
		},

		modifier(c: Findings, extension: unknown): void {
			checkModifier(runtime, c, extension);
		},

		/** A resource inside a resource: contained, an entry of a Bundle or a value of Parameters. */
		resource(c: Findings, value: unknown, isContained: boolean): void {
			const outer = c.scope;
			checkResource(c, value, (resource) =>
				isContained ? new ResourceScope(resource, outer.root, outer.bundle) : new ResourceScope(resource, resource, outer),
			);
			c.scope = outer;
		},

		/** A resource at the top, with the profiles it is asked to conform to beside those it claims. */
		top(value: unknown, asked: readonly string[]): Findings {
			const c = new Findings(new ResourceScope({}));
			checkResource(c, value, (resource) => new ResourceScope(resource), asked);
			return c;
		},
	};

	const extensionType = runtime.type('Extension');

	function checkApart(findings: Findings, profile: ProfileLink, value: unknown, sibling: unknown): boolean {
		const fork = findings.fork();
		if (isObject(value) && typeof value.resourceType === 'string') fork.scope = scopeOf(value, findings.scope);
		profile.check(value, sibling, fork, profile.structure?.type);
		return fork.errors === 0;
	}

	function checkSibling(c: Findings, sibling: unknown, hasValue: boolean): void {
		if (!isObject(sibling)) {
			runtime.notObject(c, sibling, 'Element');
			return;
		}
		let extensions = 0;
		for (const key of Object.keys(sibling)) {
			const value = sibling[key];
			if (key === 'id') {
				if (typeof value !== 'string' || value === '') runtime.primitive(c, '.id', 'string', value);
			} else if (key === 'extension') {
				if (!runtime.isList(c, '.extension', value)) continue;
				extensions = value.length;
				for (let i = 0; i < value.length; i++) {
					const n = c.issues.length;
					extensionType.check(value[i], c, sibling);
					if (c.issues.length !== n) c.under(n, `.extension[${i}]`);
				}
			} else runtime.unknown(c, key, siblingMembers);
		}
		if (extensions === 0 && !hasValue) runtime.empty(c);
	}

	function checkResource(
		c: Findings,
		value: unknown,
		scope: (resource: Record<string, unknown>) => ResourceScope,
		asked: readonly string[] = [],
	): void {
		const resourceType = isObject(value) ? value.resourceType : undefined;
		if (!isObject(value) || typeof resourceType !== 'string' || !definitions.isResourceType(resourceType)) {
			runtime.resourceType(c, isObject(value) ? (resourceType ?? value) : value);
			return;
		}
		const from = c.issues.length;
		const shape = c.shape;
		c.scope = scope(value);
		c.scope.env = envOf(c);
		c.scope.version = claimedVersion(value);
		runtime.type(resourceType).check(value, c);
		checkProfiles(c, value, resourceType, asked, c.shape === shape);
		settleContexts(definitions, c, from, resourceType);
	}

	function checkProfiles(c: Findings, resource: Record<string, unknown>, type: string, asked: readonly string[], isSound: boolean): void {
		const meta = isObject(resource.meta) ? resource.meta : undefined;
		const claimed: readonly unknown[] = Array.isArray(meta?.profile) ? meta.profile : [];
		const checked = new Set<unknown>();
		for (let i = 0; i < claimed.length; i++) {
			const url = claimed[i];
			if (typeof url !== 'string' || checked.has(url)) continue;
			checked.add(url);
			checkProfile(c, resource, type, url, `.meta.profile[${i}]`, isSound);
		}
		for (const url of asked) if (!checked.has(url)) checkProfile(c, resource, type, url, '', isSound);
	}

	function checkProfile(c: Findings, resource: Record<string, unknown>, type: string, url: string, path: string, isSound: boolean): void {
		const profile = runtime.profile(url);
		if (profile.structure === undefined) runtime.profileUnknown(c, url, path);
		else if (profile.structure.type !== type && profile.structure.abstract !== true)
			runtime.profileType(c, url, profile.structure.type, type, path);
		else if (isSound) profile.check(resource, undefined, c, type);
	}

	/** The version of the first known profile that is claimed with one: extensions are checked in the same. */
	function claimedVersion({ meta }: Record<string, unknown>): string | undefined {
		const claimed: readonly unknown[] = isObject(meta) && Array.isArray(meta.profile) ? meta.profile : [];
		const pinned = claimed.find((url) => typeof url === 'string' && url.includes('|') && runtime.profile(url).structure !== undefined);
		return typeof pinned === 'string' ? pinned.slice(pinned.indexOf('|') + 1) : undefined;
	}

	function envOf(c: Findings): ResourceScope['env'] {
		const { scope } = c;
		return {
			resource: scope.resource,
			rootResource: scope.root,
			resolve: (reference) => scope.resolve(reference),
			memberOf: definitions.valueSetHas,
			conformsTo: (item, url) => {
				const profile = runtime.profile(url);
				return runtime.conforms(c, profile, item);
			},
		};
	}

	function scopeOf(resource: Record<string, unknown>, near: ResourceScope): ResourceScope {
		if (resource === near.resource) return near;
		const isContained = [...near.contained.values()].includes(resource);
		const scope = isContained ? new ResourceScope(resource, near.root, near.bundle) : new ResourceScope(resource, resource, near.bundle);
		scope.env = { ...near.env, resource, rootResource: scope.root };
		return scope;
	}

	return runtime;
}

function nothing(): void {}

const siblingMembers = { path: 'A primitive', names: ['id', 'extension'] };

/** Whether a resource is of the type that a profile is about; other values are where the type has been checked. */
function isOfType({ kind, type }: StructureFacts, value: unknown): boolean {
	const resourceType = isObject(value) ? value.resourceType : undefined;
	return kind !== 'resource' || type === resourceType || type === 'Resource' || type === 'DomainResource';
}

function isUpper(code: number): boolean {
	return code >= 65 && code <= 90;
}
