// Runs a query. A pass over what is at hand builds the answer and notes what has to come from the record; that is fetched in few
// statements, and the next pass goes on from there, until nothing is left to fetch.
import type { FieldNode, SelectionNode, SelectionSetNode } from 'graphql';
import type { Tx } from '#db/database.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Flags, fitting, flagsOf, narrowed, sliceName, textOf } from './directives.ts';
import type { Asked } from './document.ts';
import { connectionOf, fieldOf, isLeaf, isTypeName, nameOf, searchedIn } from './fields.ts';
import { introspect } from './introspection.ts';
import { type ListWish, Loads, readCursor } from './loads.ts';
import { finish, newPlace, open, type Place, put, type Shown } from './output.ts';
import { invalid, tooCostly, unresolved } from './problems.ts';
import { type SearchArguments, searchArguments } from './search-arguments.ts';
import { argumentsOf, isIncluded } from './values.ts';

/** A value of a type with fields, and the resource that it is in. */
type Item = { readonly type: string; readonly value: unknown; readonly root: Resource | undefined; readonly hops: number };

/** Fetches; what it gives puts the outcome where it belongs. */
type Wish =
	| { readonly is: 'read'; readonly name: string; readonly done: (resource: Resource | undefined) => void }
	| { readonly is: 'list'; readonly list: ListWish; readonly done: (resources: readonly Resource[]) => void }
	| { readonly is: 'other'; readonly fetch: (loads: Loads) => Promise<() => void> };

/** Selections looked at and values made by one query. */
const maxSteps = 300_000;
/** References and reverse references one after the other. */
const maxHops = 10;

/** The `data` of the answer. With `root` the query is about that resource, else it starts from the system. Throws Problem when any of it fails. */
export async function execute(ctx: FhirCtx, tx: Tx, asked: Asked, root?: Resource): Promise<object> {
	return new Execution(ctx, tx, asked).run(root);
}

class Execution {
	readonly #ctx: FhirCtx;
	readonly #asked: Asked;
	readonly #loads: Loads;
	#wishes: Wish[] = [];
	#steps = 0;

	constructor(ctx: FhirCtx, tx: Tx, asked: Asked) {
		this.#ctx = ctx;
		this.#asked = asked;
		this.#loads = new Loads(ctx, tx);
	}

	async run(root: Resource | undefined): Promise<object> {
		const place = newPlace();
		const { selectionSet } = this.#asked.operation;
		if (root === undefined) this.#system(selectionSet, place);
		else this.#select({ type: root.resourceType, value: root, root, hops: 0 }, [selectionSet], place);
		while (this.#wishes.length > 0) await this.#fetch();
		return finish(place.out);
	}

	async #fetch(): Promise<void> {
		const wishes = this.#wishes;
		this.#wishes = [];
		await this.#loads.read(wishes.flatMap((wish) => (wish.is === 'read' ? [wish.name] : [])));
		const lists = wishes.flatMap((wish) => (wish.is === 'list' ? [wish.list] : []));
		const found = (await this.#loads.lists(lists)).values();
		for (const wish of wishes) {
			if (wish.is === 'read') wish.done(this.#loads.known(wish.name));
			else if (wish.is === 'list') wish.done(found.next().value as Resource[]);
			else (await wish.fetch(this.#loads))();
		}
	}

	#spend(): void {
		if (++this.#steps > maxSteps) throw tooCostly('The query makes too large an answer.');
	}

	/** Fields of the system: reads, lists and connections of each type. */
	#system(selectionSet: SelectionSetNode, place: Place): void {
		for (const [key, fields] of this.#collect('QueryType', [selectionSet])) {
			const [node] = fields as [FieldNode];
			const name = node.name.value;
			if (this.#general(node, key, name, 'QueryType', fields, place)) continue;
			const { type, kind } = searchedIn(this.#ctx.fhir.definitions, name) ?? { type: name, kind: '' as const };
			if (!this.#ctx.fhir.definitions.isResourceType(type)) throw invalid(node, `There is no field "${name}" on the system.`);
			if (kind === '') this.#read(node, key, type, fields, place);
			else this.#search(node, key, { type, kind }, fields, place, undefined);
		}
	}

	/** Fields that every type has, or every root. */
	#general(node: FieldNode, key: string, name: string, type: string, fields: readonly FieldNode[], place: Place): boolean {
		if (name === '__typename') {
			put(place, { at: node, key, type: 'string', list: false, single: false }, nameOf(type));
			return true;
		}
		if (name !== '__schema' && name !== '__type') return false;
		const value = introspect(this.#ctx.fhir, name, argumentsOf(node, this.#asked.variables), (on, selections) =>
			this.#collect(on, selections, false),
		);
		this.#wishes.push({
			is: 'other',
			fetch: async () => {
				const shown = await value(setsOf(fields), node);
				return () => put(place, { at: node, key, type: name, list: false, single: false }, shown);
			},
		});
		open(place, { at: node, key, type: name, list: false, single: false });
		return true;
	}

	#read(node: FieldNode, key: string, type: string, fields: readonly FieldNode[], place: Place): void {
		const given = argumentsOf(node, this.#asked.variables);
		const id = given.get('id');
		if (typeof id !== 'string' || given.size > 1) throw invalid(node, `${type} takes one argument, id.`);
		const show = this.#shower(node, key, { type, list: false }, fields, place);
		this.#wishes.push({
			is: 'read',
			name: `${type}/${id}`,
			done: (resource) => {
				if (resource === undefined) throw unresolved(node, `${type}/${id}`);
				show([this.#whole(resource, 0)]);
			},
		});
	}

	#whole(resource: Resource, hops: number): Item {
		return { type: resource.resourceType, value: resource, root: resource, hops };
	}

	#search(
		node: FieldNode,
		key: string,
		{ type, kind }: { type: string; kind: 'List' | 'Connection' },
		fields: readonly FieldNode[],
		place: Place,
		around: Item | undefined,
	): void {
		const asked = searchArguments(this.#ctx, node, type, this.#asked.variables);
		const hops = this.#hop(around);
		const to = this.#referred(node, type, asked, around);
		const shown = kind === 'List' ? { type, list: true } : { type: connectionOf(type), list: false };
		const show = this.#shower(node, key, shown, fields, place);
		const fit = (found: readonly Resource[]): readonly Resource[] =>
			asked.fhirpath === undefined ? found : fitting(node, asked.fhirpath, found);
		if (kind === 'List') {
			if (asked.cursor !== undefined) throw invalid(node, 'A cursor is for a Connection.');
			const list: ListWish = { type, pairs: asked.pairs, count: asked.count, to, of: node };
			this.#wishes.push({ is: 'list', list, done: (found) => show(fit(found).map((resource) => this.#whole(resource, hops))) });
			return;
		}
		const counted = this.#collect(connectionOf(type), setsOf(fields))
			.values()
			.some(([one]) => one?.name.value === 'count');
		this.#wishes.push({
			is: 'other',
			fetch: async (loads) => {
				const page = await loads.connection(type, pairsOf(type, asked, to), counted);
				const edges = fit(page.resources).map((resource) => ({ mode: 'match', resource }));
				const { first, previous, next, size: pagesize, total: count } = page;
				return () => show([{ type: connectionOf(type), value: { count, pagesize, first, previous, next, edges }, root: undefined, hops }]);
			},
		});
	}

	#hop(around: Item | undefined): number {
		const hops = around === undefined ? 0 : around.hops + 1;
		if (hops > maxHops) throw tooCostly(`The query follows more than ${maxHops} references one after the other.`);
		return hops;
	}

	/** The resource around, as the one that is referred to. */
	#referred(node: FieldNode, type: string, { reference, cursor, pairs }: SearchArguments, around: Item | undefined): ListWish['to'] {
		if (around === undefined) {
			if (reference !== undefined) throw invalid(node, '_reference is for searches within a resource.');
			if (cursor !== undefined && pairs.length > 0) throw invalid(node, 'With a cursor there can be no other search parameters.');
			return undefined;
		}
		if (reference === undefined)
			throw invalid(node, `A search within a resource needs _reference, a parameter of ${type} that refers to the resource.`);
		if (around.value !== around.root) throw invalid(node, 'Nothing refers to a contained resource but what contains it.');
		if (cursor !== undefined) throw invalid(node, 'A cursor can be used at the root of a query only.');
		if (reference.targets.length > 0 && !reference.targets.includes(around.type))
			throw invalid(node, `${type}.${reference.code} does not refer to ${around.type}.`);
		return { param: reference, name: `${around.type}/${(around.value as Resource).id ?? ''}` };
	}

	/** Everything selected of an item. */
	#select(item: Item, sets: readonly SelectionSetNode[], place: Place): void {
		for (const [key, fields] of this.#collect(item.type, sets)) {
			if (item.hops === 0 && item.value === item.root && isIntrospection(fields)) {
				this.#general(fields[0] as FieldNode, key, (fields[0] as FieldNode).name.value, item.type, fields, place);
				continue;
			}
			for (const same of this.#alike(item.type, fields, place)) this.#field(item, key, same, place);
		}
	}

	/** Fields under one key: the same field several times is one; different ones have to be told apart by something else than their key. */
	#alike(type: string, fields: readonly FieldNode[], { collects }: Place): readonly (readonly FieldNode[])[] {
		if (fields.length === 1) return [fields];
		const groups = [...Map.groupBy(fields, headOf).values()];
		const free = collects || fields.every((one) => flagsOf(one, this.#asked.variables).flatten);
		const byType = type === 'Reference' && fields.every(({ name }) => name.value === 'resource');
		if (groups.length > 1 && !free && !byType)
			throw invalid(fields[1], 'Different fields come under the same name; give one of them an alias.');
		return groups;
	}

	#field(item: Item, key: string, fields: readonly FieldNode[], place: Place): void {
		const [node] = fields as [FieldNode];
		const name = node.name.value;
		if (name === '__typename') {
			this.#general(node, key, name, item.type, fields, place);
			return;
		}
		const { definitions } = this.#ctx.fhir;
		const searched = definitions.isResourceType(item.type) ? searchedIn(definitions, name) : undefined;
		if (searched !== undefined) this.#search(node, key, searched, fields, place, item);
		else if (item.type === 'Reference' && name === 'resource') this.#resolve(node, key, item, fields, place);
		else this.#element(item, node, key, fields, place);
	}

	/** A field that is an element, https://hl7.org/fhir/R4/graphql.html#fields */
	#element(item: Item, node: FieldNode, key: string, fields: readonly FieldNode[], place: Place): void {
		const { definitions } = this.#ctx.fhir;
		const name = node.name.value;
		const field = fieldOf(definitions, item.type, name);
		if (field === undefined) throw invalid(node, `${nameOf(item.type)} has no field "${name}".`);
		const held = (item.value as Record<string, unknown> | null)?.[name];
		const values = held === undefined || held === null ? [] : Array.isArray(held) ? held : [held];
		const show = this.#shower(node, key, field, fields, place);
		if (isLeaf(field.type)) {
			if ((node.arguments ?? []).length > 0) throw invalid(node, `"${name}" is a simple element and takes no arguments.`);
			show(values.map((value) => ({ type: field.type, value, root: item.root, hops: item.hops })));
			return;
		}
		const kept = narrowed(definitions, node, field.type, values, this.#asked.variables);
		show(kept.map((value) => this.#inner(item, field.type, name === 'contained', value)));
	}

	/** A value within an item; a resource within one (contained, or in a Bundle) is of its own type. */
	#inner({ root, hops }: Item, type: string, contained: boolean, value: unknown): Item {
		if (type !== 'Resource' && !this.#ctx.fhir.definitions.isResourceType(type)) return { type, value, root, hops };
		const own = (value as Resource | null)?.resourceType;
		return { type: typeof own === 'string' ? own : type, value, root: contained ? root : (value as Resource), hops };
	}

	/** The field `resource` of a Reference: https://hl7.org/fhir/R4/graphql.html#references */
	#resolve(node: FieldNode, key: string, item: Item, fields: readonly FieldNode[], place: Place): void {
		const given = argumentsOf(node, this.#asked.variables);
		for (const name of given.keys())
			if (name !== 'optional' && name !== 'type') throw invalid(node, `"resource" has no argument "${name}".`);
		const optional = given.get('optional') === true;
		const only = given.has('type') ? textOf(node, 'type', given.get('type') as string) : undefined;
		const { reference } = item.value as { reference?: unknown };
		const show = this.#shower(node, key, { type: 'Resource', list: false }, fields, place);
		if (typeof reference !== 'string') return;
		const hops = this.#hop(item);
		const done = (resource: Resource | undefined): void => {
			if (resource === undefined && !optional) throw unresolved(node, reference);
			if (resource !== undefined && (only === undefined || only === resource.resourceType))
				show([{ ...this.#whole(resource, hops), root: rootOf(reference, item, resource) }]);
		};
		const target = this.#local(reference);
		if (target === undefined) {
			done(reference.startsWith('#') ? containedIn(item.root, reference.slice(1)) : undefined);
			return;
		}
		if (only !== undefined && only !== target.type) return;
		const { type, id, version } = target;
		if (version === undefined) this.#wishes.push({ is: 'read', name: `${type}/${id}`, done });
		else
			this.#wishes.push({
				is: 'other',
				fetch: async (loads) => {
					const resource = await loads.version(type, id, version);
					return () => done(resource);
				},
			});
	}

	#local(reference: string): { type: string; id: string; version: number | undefined } | undefined {
		const { base, definitions } = this.#ctx.fhir;
		const path = reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
		const [, type, id, version] = /^([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/(\d{1,9}))?$/.exec(path) ?? [];
		if (type === undefined || id === undefined || !definitions.isResourceType(type)) return undefined;
		return { type, id, version: version === undefined ? undefined : Number(version) };
	}

	/** Opens the field, and gives the function that puts items into it as the directives say. */
	#shower(
		node: FieldNode,
		key: string,
		{ type, list }: { type: string; list: boolean },
		fields: readonly FieldNode[],
		place: Place,
	): (items: readonly Item[]) => void {
		const flags = flagsOf(node, this.#asked.variables);
		const sets = setsOf(fields);
		if (isLeaf(type) && (sets.length > 0 || flags.flatten)) throw invalid(node, `"${node.name.value}" is simple and has no fields.`);
		if (!isLeaf(type) && sets.length === 0) throw invalid(node, `"${node.name.value}" has fields: say which of them you want.`);
		const shown: Shown = { at: node, key, type, list: list || flags.slice !== undefined, single: flags.single };
		if (!flags.flatten && !place.collects && flags.slice === undefined) open(place, shown);
		return (items) => this.#show(items, shown, flags, sets, place, list);
	}

	#show(items: readonly Item[], shown: Shown, flags: Flags, sets: readonly SelectionSetNode[], place: Place, list: boolean): void {
		for (const [index, item] of (flags.first ? items.slice(0, 1) : items).entries()) {
			this.#spend();
			const slice = flags.slice === undefined ? '' : sliceName(shown.at as FieldNode, flags.slice, item.value, index);
			const here: Place = slice === '' ? place : { ...place, suffix: place.suffix + slice };
			if (flags.flatten) this.#select(item, sets, { ...here, collects: place.collects || list });
			else if (isLeaf(shown.type) || item.value === null) put(here, shown, item.value);
			else {
				const inner = newPlace();
				put(here, shown, inner.out);
				this.#select(item, sets, inner);
			}
		}
	}

	/** The fields selected of a type by their key, fragments taken in. Introspection counts by itself. */
	#collect(type: string, sets: readonly SelectionSetNode[], counted = true): Map<string, FieldNode[]> {
		const fields = new Map<string, FieldNode[]>();
		const seen = new Set<string>();
		const walk = (selections: readonly SelectionNode[]): void => {
			for (const one of selections) {
				if (counted) this.#spend();
				if (!isIncluded(one, this.#asked.variables)) continue;
				if (one.kind === 'Field') {
					const key = one.alias?.value ?? one.name.value;
					const same = fields.get(key);
					if (same === undefined) fields.set(key, [one]);
					else same.push(one);
				} else if (one.kind === 'InlineFragment') {
					if (this.#applies(one.typeCondition?.name.value, type, one)) walk(one.selectionSet.selections);
				} else if (!seen.has(one.name.value)) {
					seen.add(one.name.value);
					const fragment = this.#asked.fragments.get(one.name.value);
					if (fragment !== undefined && this.#applies(fragment.typeCondition.name.value, type, one)) walk(fragment.selectionSet.selections);
				}
			}
		};
		for (const { selections } of sets) walk(selections);
		return fields;
	}

	#applies(condition: string | undefined, type: string, at: SelectionNode): boolean {
		if (condition === undefined || condition === nameOf(type)) return true;
		const { definitions } = this.#ctx.fhir;
		if (condition === 'Resource' || condition === 'DomainResource') return definitions.isResourceType(type);
		if (!isTypeName(definitions, condition)) throw invalid(at, `There is no type "${condition}".`);
		return false;
	}
}

function setsOf(fields: readonly FieldNode[]): SelectionSetNode[] {
	return fields.flatMap(({ selectionSet }) => (selectionSet === undefined ? [] : [selectionSet]));
}

function isIntrospection(fields: readonly FieldNode[]): boolean {
	const name = fields[0]?.name.value;
	return name === '__schema' || name === '__type';
}

/** A field without its selection, as it is written. */
function headOf({ name, loc, selectionSet }: FieldNode): string {
	if (loc === undefined) return name.value;
	const end = selectionSet?.loc?.start ?? loc.end;
	return loc.source.body
		.slice(name.loc?.start ?? loc.start, end)
		.replace(/[\s,]+/g, ' ')
		.trim();
}

function containedIn(root: Resource | undefined, id: string): Resource | undefined {
	const contained = Array.isArray(root?.contained) ? (root.contained as Resource[]) : [];
	return id === '' ? root : contained.find((one) => one?.id === id);
}

/** References within a contained resource are looked up in what contains it. */
function rootOf(reference: string, { root }: Item, resource: Resource): Resource | undefined {
	return reference.startsWith('#') ? root : resource;
}

function pairsOf(type: string, { pairs, count, cursor }: SearchArguments, to: ListWish['to']) {
	if (cursor !== undefined) return readCursor(type, cursor);
	return [
		...pairs,
		...(to === undefined ? [] : [[to.param.code, to.name] as const]),
		...(count === undefined ? [] : [['_count', String(count)] as const]),
	];
}
