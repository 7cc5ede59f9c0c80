// What XML needs to know of each type that JSON says by itself: the order of elements, which repeat, and of what type they are.
import { type Definitions, loadDefinitions } from '#fhir/definitions/definitions.ts';

/** A child element of a type; a choice element has one per type, such as `valueQuantity`. */
export type Child = {
	readonly name: string;
	/** A type, or a backbone path such as `Patient.contact`. */
	readonly type: string;
	readonly many: boolean;
	/** Position among its siblings; the forms of a choice share one. */
	readonly order: number;
	/** `attribute`: written as an attribute of the parent in XML (ids of elements, urls of extensions). */
	readonly kind: 'attribute' | 'primitive' | 'complex' | 'resource' | 'xhtml';
};

export type Shape = ReadonlyMap<string, Child>;

// The base specification never changes, so these are facts read once when XML is first asked for, and there is one per type.
let base: Definitions | undefined;
const shapes = new Map<string, Shape>();

/** The children of a type or backbone path; undefined for a type that R4 does not have. */
export function shapeOf(type: string): Shape | undefined {
	const known = shapes.get(type);
	if (known !== undefined) return known;
	base ??= loadDefinitions();
	const shape = makeShape(base, type);
	if (shape !== undefined) shapes.set(type, shape);
	return shape;
}

/** Whether a name is one of the resource types of R4. */
export function isResourceType(name: string): boolean {
	base ??= loadDefinitions();
	return base.isResourceType(name);
}

function makeShape(definitions: Definitions, type: string): Shape | undefined {
	const structure = definitions.structure(type.split('.')[0] as string);
	if (structure === undefined) return undefined;
	const shape = new Map<string, Child>();
	for (const [order, { path, slice }] of structure.elements.entries()) {
		const dot = path.lastIndexOf('.');
		if (dot < 0 || slice !== undefined || path.slice(0, dot) !== type) continue;
		const name = path.slice(dot + 1).replace('[x]', '');
		const info = definitions.elementInfo(type, name);
		for (const childType of info?.types ?? []) {
			const childName = info?.choice ? name + childType.charAt(0).toUpperCase() + childType.slice(1) : name;
			const kind = kindOf(definitions, type, name, childType);
			shape.set(childName, { name: childName, type: childType, many: info?.max === '*', order, kind });
		}
	}
	return shape;
}

function kindOf(definitions: Definitions, parent: string, name: string, type: string): Child['kind'] {
	if ((name === 'id' && !definitions.isResourceType(parent)) || (parent === 'Extension' && name === 'url')) return 'attribute';
	if (type === 'xhtml') return 'xhtml';
	if (type === 'Resource' || definitions.isResourceType(type)) return 'resource';
	return /^[a-z]/.test(type) ? 'primitive' : 'complex';
}
