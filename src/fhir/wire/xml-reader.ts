// From FHIR's XML to its JSON form, one element after the other. Whatever XML has no place for in a resource is refused, never dropped.
import { Problem } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';
import { numberOf } from './decimal.ts';
import { notAResource } from './problems.ts';
import { type Child, isResourceType, type Shape, shapeOf } from './shapes.ts';
import { type Fail, fhirNamespace, readXml, type Tag, type XmlHandler, xhtmlNamespace } from './xml-parser.ts';

type Json = Record<string, unknown>;

/**
 * An open element. `object`: a resource or complex value under construction; `primitive`: a value with its id and extensions; `container`:
 * an element that holds one resource; `xhtml`: inside a narrative's div.
 */
type Frame = { readonly name: string; readonly child: Child | undefined } & (
	| { readonly kind: 'object'; readonly shape: Shape; readonly json: Json }
	| { readonly kind: 'primitive'; readonly shape: Shape; readonly json: Json; readonly value: unknown }
	| { readonly kind: 'container'; resource: Json | undefined }
	| { readonly kind: 'xhtml'; readonly start: number; readonly outer: boolean }
);

/**
 * The resource that a text says.
 * Throws Problem invalid: `xml-malformed` (400) with line and column for what is no well-formed XML or holds a document type, entities,
 * text between elements or nesting deeper than 200; `not-a-resource` (400) for another root; `xml-structure` (400) with the path for
 * elements and attributes that the type does not have, repeats of what does not repeat, and elements without content.
 */
export function fromXml(text: string): Resource {
	let root: Json | undefined;
	readXml(text, (fail) =>
		reader(text, fail, (resource) => {
			root = resource;
		}),
	);
	return root as Resource;
}

function reader(text: string, fail: Fail, done: (resource: Json) => void): XmlHandler {
	const stack: Frame[] = [];
	return {
		open(tag, position) {
			const parent = stack.at(-1);
			stack.push(parent === undefined ? openResource(tag, undefined, stack) : openChild(tag, parent, text, position, stack, fail));
		},
		close(_tag, position) {
			const frame = stack.pop() as Frame;
			const parent = stack.at(-1);
			if (frame.kind === 'xhtml' && !frame.outer) return;
			const value = closed(frame, text, position, stack);
			if (parent === undefined) done(value as Json);
			else if (parent.kind === 'container') parent.resource = value as Json;
			else put(parent as Frame & { json: Json }, frame, value, stack);
		},
		text(part) {
			if (stack.at(-1)?.kind !== 'xhtml' && part.trim() !== '') throw fail('there is text between elements');
		},
	};
}

function openResource(tag: Tag, child: Child | undefined, stack: readonly Frame[]): Frame {
	if (tag.uri !== fhirNamespace)
		throw notAResource(`The element ${tag.name} is not in FHIR's namespace; a resource starts with xmlns="${fhirNamespace}".`);
	if (!isResourceType(tag.local)) throw notAResource(`"${tag.local.slice(0, 80)}" is not a resource type of FHIR R4.`);
	const frame: Frame = {
		kind: 'object',
		name: tag.local,
		child,
		shape: shapeOf(tag.local) as Shape,
		json: { resourceType: tag.local },
	};
	readAttributes(tag, frame, stack);
	return frame;
}

function openChild(tag: Tag, parent: Frame, text: string, position: number, stack: readonly Frame[], fail: Fail): Frame {
	if (parent.kind === 'xhtml') {
		checkXhtml(tag, fail);
		return { kind: 'xhtml', name: tag.local, child: undefined, start: 0, outer: false };
	}
	if (parent.kind === 'container') {
		if (parent.resource !== undefined) throw structure(stack, 'holds more than one resource');
		return openResource(tag, parent.child, stack);
	}
	const child = parent.shape.get(tag.local);
	if (child === undefined || child.kind === 'attribute' || tag.uri !== (child.kind === 'xhtml' ? xhtmlNamespace : fhirNamespace))
		throw structure(stack, `has no element "${tag.name.slice(0, 80)}" in XML`);
	const common = { name: child.name, child };
	switch (child.kind) {
		case 'xhtml':
			checkXhtml(tag, fail);
			// No raw "<" can stand inside a tag, so the last one before its end is where the tag starts.
			return { kind: 'xhtml', ...common, start: text.lastIndexOf('<', position - 1), outer: true };
		case 'resource': {
			const frame: Frame = { kind: 'container', ...common, resource: undefined };
			readAttributes(tag, frame, stack);
			return frame;
		}
		case 'primitive': {
			const json: Json = {};
			const given = tag.attributes.value;
			const value = given === undefined ? undefined : primitiveValue(child.type, given.value);
			const frame: Frame = { kind: 'primitive', ...common, shape: shapeOf('Element') as Shape, json, value };
			readAttributes(tag, frame, stack);
			return frame;
		}
		default: {
			const frame: Frame = { kind: 'object', ...common, shape: shapeOf(child.type) as Shape, json: {} };
			readAttributes(tag, frame, stack);
			return frame;
		}
	}
}

/** Takes the attributes that are elements in JSON. Those of namespaces other than FHIR's (schemaLocation and the like) say nothing. */
function readAttributes(tag: Tag, frame: Frame, stack: readonly Frame[]): void {
	for (const key in tag.attributes) {
		const { name, prefix, value } = tag.attributes[key] as Tag['attributes'][string];
		if (prefix !== '' || name === 'xmlns' || (name === 'value' && frame.kind === 'primitive')) continue;
		const known = (frame.kind === 'object' || frame.kind === 'primitive') && frame.shape.get(name)?.kind === 'attribute';
		if (!known) throw structure([...stack, frame], `has no attribute "${name.slice(0, 80)}"`);
		frame.json[name] = value;
	}
}

function checkXhtml(tag: Tag, fail: Fail): void {
	const foreign = Object.values(tag.attributes).some(({ prefix }) => prefix !== '' && prefix !== 'xml' && prefix !== 'xmlns');
	if (tag.prefix !== '' || tag.uri !== xhtmlNamespace || foreign)
		throw fail('a narrative holds XHTML elements without prefixes and nothing else');
}

/** What a finished element is in JSON. */
function closed(frame: Frame, text: string, position: number, stack: readonly Frame[]): unknown {
	switch (frame.kind) {
		case 'xhtml':
			return divText(text.slice(frame.start, position));
		case 'container':
			if (frame.resource === undefined) throw structure([...stack, frame], 'holds no resource');
			return frame.resource;
		case 'primitive':
			if (frame.value === undefined && isEmpty(frame.json)) throw structure([...stack, frame], 'has neither a value nor extensions');
			return frame.value;
		default:
			if (frame.child !== undefined && isEmpty(frame.json)) throw structure([...stack, frame], 'is empty');
			return frame.json;
	}
}

function isEmpty(json: Json): boolean {
	for (const _ in json) return false;
	return true;
}

/** The div as it was written, with XML's line ends and the namespace on itself. */
function divText(source: string): string {
	const text = source.replace(/\r\n?/g, '\n');
	const tag = text.slice(0, text.indexOf('>'));
	return /\sxmlns\s*=/.test(tag) ? text : text.replace(/^<div/, `<div xmlns="${xhtmlNamespace}"`);
}

function put(parent: Frame & { readonly json: Json }, frame: Frame, value: unknown, stack: readonly Frame[]): void {
	const { name, many } = frame.child as Child;
	const extra = frame.kind === 'primitive' && !isEmpty(frame.json) ? frame.json : undefined;
	const { json } = parent;
	if (!many) {
		if (Object.hasOwn(json, name) || Object.hasOwn(json, `_${name}`)) throw structure([...stack, frame], 'may stand only once');
		if (value !== undefined) json[name] = value;
		if (extra !== undefined) json[`_${name}`] = extra;
		return;
	}
	if (frame.kind !== 'primitive') {
		append(json, name, value);
		return;
	}
	// Values and extensions are two arrays side by side, with null where one has nothing to say.
	const index = Math.max(lengthOf(json[name]), lengthOf(json[`_${name}`]));
	if (value !== undefined || Object.hasOwn(json, name)) place(json, name, index, value ?? null);
	if (extra !== undefined || Object.hasOwn(json, `_${name}`)) place(json, `_${name}`, index, extra ?? null);
}

function append(json: Json, name: string, value: unknown): void {
	const values = json[name] as unknown[] | undefined;
	if (values === undefined) json[name] = [value];
	else values.push(value);
}

function place(json: Json, name: string, index: number, value: unknown): void {
	while (lengthOf(json[name]) < index) append(json, name, null);
	append(json, name, value);
}

const numeric = new Set(['integer', 'positiveInt', 'unsignedInt', 'decimal']);

/** The JSON form of a primitive. What is no number or boolean stays text, for the validator to name. */
function primitiveValue(type: string, text: string): unknown {
	if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
	if (!numeric.has(type) || text.length > 400 || !/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return text;
	return Number.isFinite(Number(text)) ? numberOf(text) : text;
}

function structure(stack: readonly Frame[], why: string): Problem {
	const path = pathOf(stack);
	const text = `${path} ${why}.`;
	return new Problem('invalid', 'xml-structure', text, {
		path,
		issues: [{ severity: 'error', type: 'structure', code: 'xml-structure', text, path }],
	});
}

/** The place as a FHIRPath expression. */
function pathOf(stack: readonly Frame[]): string {
	let path = '';
	for (const [depth, { name, child }] of stack.entries()) {
		const parent = stack[depth - 1];
		if (parent === undefined) path = name;
		else if (parent.kind !== 'container') {
			const json = parent.kind === 'xhtml' ? {} : parent.json;
			const before = Math.max(lengthOf(json[name]), lengthOf(json[`_${name}`]));
			path += `.${name}${child?.many ? `[${before}]` : ''}`;
		}
	}
	return path;
}

function lengthOf(value: unknown): number {
	return Array.isArray(value) ? value.length : 0;
}
