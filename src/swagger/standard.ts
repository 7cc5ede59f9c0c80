// The Standard and Portal APIs in OpenAPI: parameters, bodies and answers from the mappings of the records.
import { optionsOf } from '#standard-api/dictionaries.ts';
import type { Field, Mapping } from '#standard-api/mapping.ts';
import { type StandardRow, scopeOf } from '#standard-api/row.ts';
import { add, type Node, type Paths, pathOf, pathParameters } from './paths.ts';

const record = 'number or UUID of the record';

export function standardPaths(rows: readonly StandardRow[]): Paths {
	return pathsOf(rows, '/apis/:site/api', 'Standard API');
}

export function portalPaths(rows: readonly StandardRow[]): Paths {
	return pathsOf(rows, '/apis/:site/portal', 'Portal API');
}

function pathsOf(rows: readonly StandardRow[], base: string, tag: string): Paths {
	const paths: Paths = {};
	for (const row of rows) {
		const path = base + row.path;
		add(paths, pathOf(path), row.method, {
			tags: [tag],
			operationId: operationId(tag, row),
			summary: row.summary,
			...(row.right === undefined ? {} : { description: `Right of the role: \`${row.right}\` (${row.level ?? 'view'}).` }),
			...(row.isPublic === true ? { security: [] } : { security: [{ oauth: scopes(row, tag) }, { token: [] }] }),
			parameters: [
				...pathParameters(path, Object.fromEntries([...path.matchAll(/:(\w+)/g)].map(([, name = '']) => [name, record]))),
				...queryOf(row),
			],
			...bodyOf(row),
			responses: answersOf(row),
		});
	}
	return paths;
}

function operationId(tag: string, { method, path }: StandardRow): string {
	const name = path.replace(/[:/_.$-]+(\w)/g, (_, letter: string) => letter.toUpperCase());
	return `${tag === 'Portal API' ? 'portal' : 'standard'}${method[0]}${method.slice(1).toLowerCase()}${name}`;
}

function scopes(row: StandardRow, tag: string): string[] {
	return tag === 'Portal API' ? ['api:port', scopeOf(row, 'patient')] : ['api:oemr', scopeOf(row)];
}

function queryOf({ does, mapping, query: own = {} }: StandardRow): Node[] {
	const query = (name: string, description: string, type = 'string'): Node => ({ name, in: 'query', schema: { type }, description });
	const particular = Object.entries(own).map(([name, description]) => query(name, description));
	if (does !== 'search' || mapping === undefined) return particular;
	const sortable = mapping.fields.filter(({ sort }) => sort !== undefined).map(({ name }) => name);
	return [
		...particular,
		query('_limit', 'records of a page: 200 unless said, at most 1000', 'integer'),
		query('_offset', 'leaves out as many from the start', 'integer'),
		...(sortable.length === 0 ? [] : [query('_sort', `comma list of ${sortable.join(', ')}; with a minus before it, downwards`)]),
		query('_lastUpdated', 'changed then, such as ge2026-01-01'),
		...mapping.fields.filter(({ filter }) => filter !== undefined).map(({ name }) => query(name, 'equals')),
	];
}

const writes = new Set(['create', 'update']);

function bodyOf({ does, mapping, isRaw, method }: StandardRow): Node {
	if (isRaw === true && method === 'POST')
		return {
			requestBody: {
				required: true,
				content: {
					'multipart/form-data': {
						schema: {
							type: 'object',
							properties: {
								document: { type: 'string', format: 'binary' },
								path: { type: 'string' },
								date: { type: 'string' },
								eid: { type: 'string' },
							},
							required: ['document'],
						},
					},
				},
			},
		};
	if (method === 'GET' || method === 'DELETE') return {};
	if (mapping === undefined || !writes.has(does))
		return { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } };
	return {
		requestBody: {
			required: true,
			content: {
				'application/json': {
					schema: { $ref: `#/components/schemas/${schemaName(mapping, does === 'create' ? 'New' : 'Changed')}` },
					example: exampleOf(mapping, does === 'create'),
				},
			},
		},
	};
}

function answersOf(row: StandardRow): Node {
	const { does, style, mapping, success = does === 'create' ? 201 : 200, isPublic, isRaw, method } = row;
	const one: Node = mapping === undefined ? {} : { $ref: `#/components/schemas/${schemaName(mapping)}` };
	const data: Node = does === 'search' ? { type: 'array', items: one } : does === 'read' ? one : {};
	const enveloped: Node = { allOf: [{ $ref: '#/components/schemas/Envelope' }, { type: 'object', properties: { data } }] };
	const content =
		isRaw === true && method === 'GET'
			? { '*/*': { schema: { type: 'string', format: 'binary' } } }
			: { 'application/json': { schema: style === 'B' || style === 'bare' ? data : enveloped } };
	return {
		[success]: { description: does === 'search' ? 'a page of records' : 'done', content },
		...(isPublic === true
			? {}
			: {
					400: { $ref: '#/components/responses/StandardInvalid' },
					401: { $ref: '#/components/responses/StandardUnauthenticated' },
					403: { $ref: '#/components/responses/StandardForbidden' },
					404: { $ref: '#/components/responses/StandardNotFound' },
				}),
	};
}

function schemaName({ resource, type }: Mapping, kind = ''): string {
	return `${kind}${resource.replace(/(^|_|\W)(\w)/g, (_, __, letter: string) => letter.toUpperCase())}${type === '' ? '' : 'Record'}`;
}

/** The records as schemas: as they are shown, as they are sent new, and as they are changed. */
export function standardSchemas(rows: readonly StandardRow[]): Record<string, Node> {
	const schemas: Record<string, Node> = {};
	for (const { mapping } of rows) {
		if (mapping === undefined || schemas[schemaName(mapping)] !== undefined) continue;
		const properties = (writable: boolean): Node =>
			Object.fromEntries(
				mapping.fields.filter(({ isReadOnly }) => !(writable && isReadOnly === true)).map((field) => [field.name, schemaOf(field)]),
			);
		const ids = Object.fromEntries([
			...mapping.numbers.map((name) => [name, { type: ['integer', 'string'], description: 'number of the record' }]),
			...mapping.uuids.map((name) => [name, { type: 'string', description: 'UUID of the record' }]),
		]);
		const required = mapping.fields
			.filter(({ rules, isReadOnly }) => rules.required === true && isReadOnly !== true)
			.map(({ name }) => name);
		const description = `Kept as FHIR ${mapping.type}.`;
		schemas[schemaName(mapping)] = { type: 'object', description, properties: { ...ids, ...properties(false) } };
		schemas[schemaName(mapping, 'New')] = {
			type: 'object',
			description,
			properties: properties(true),
			...(required.length === 0 ? {} : { required }),
		};
		schemas[schemaName(mapping, 'Changed')] = {
			type: 'object',
			description: `${description} What is not sent stays as it is.`,
			properties: properties(true),
		};
	}
	return schemas;
}

const types: Readonly<Record<string, Node>> = {
	integer: { type: ['integer', 'string', 'null'] },
	decimal: { type: ['number', 'string', 'null'] },
	flag: { type: ['integer', 'string', 'null'], description: '0 or 1' },
	date: { type: ['string', 'null'], format: 'date' },
	datetime: { type: ['string', 'null'], description: 'YYYY-MM-DD HH:MM:SS on the clock of the server' },
	list: { type: ['array', 'null'], items: {} },
	reference: { type: ['string', 'integer', 'null'] },
};

function schemaOf({ kind, rules, to, note }: Field): Node {
	const { length, form, oneOf } = rules;
	const options = oneOf === undefined ? undefined : [...(optionsOf(oneOf) ?? [])];
	const description = [
		types[kind]?.description,
		to === undefined ? undefined : `number or UUID of ${to.join(', ')}`,
		note,
		oneOf !== undefined && !Array.isArray(oneOf) ? `an option of the list ${(oneOf as { list: string }).list}` : undefined,
	]
		.filter((part) => part !== undefined)
		.join('; ');
	return {
		...(types[kind] ?? { type: ['string', 'null'] }),
		...(length === undefined ? {} : { minLength: length[0], ...(Number.isFinite(length[1]) ? { maxLength: length[1] } : {}) }),
		...(form === 'email' ? { format: 'email' } : form === 'url' ? { format: 'uri' } : {}),
		...(Array.isArray(oneOf) && options !== undefined ? { enum: [...options, null] } : {}),
		...(description === '' ? {} : { description }),
	};
}

/** A body that the rules of the fields let through: what is required, and some more. */
function exampleOf({ fields }: Mapping, isNew: boolean): Node {
	const writable = fields.filter(({ isReadOnly, kind, to }) => isReadOnly !== true && kind !== 'list' && to === undefined);
	const chosen = isNew ? writable.filter(({ rules }, index) => rules.required === true || index < 8) : writable.slice(0, 3);
	return Object.fromEntries(chosen.map((field) => [field.name, exampleValue(field)]));
}

const named: Readonly<Record<string, string>> = {
	fname: 'John',
	lname: 'Smith',
	title: 'Mr',
	street: '123 Main St',
	city: 'Boston',
	state: 'MA',
	postal_code: '12345',
	email: 'john.smith@example.com',
	DOB: '1980-01-15',
	npi: '1234567893',
};

function exampleValue({ name, kind, rules }: Field): unknown {
	const options = rules.oneOf === undefined ? undefined : optionsOf(rules.oneOf);
	const [first] = options ?? [];
	if (first !== undefined) return first;
	const known = named[name];
	if (known !== undefined) return known;
	if (rules.form !== undefined)
		return { email: 'someone@example.com', url: 'https://example.com', time: '09:00', instant: '2026-03-02 09:00:00' }[rules.form];
	if (kind === 'date') return '2026-03-02';
	if (kind === 'datetime') return '2026-03-02 09:00:00';
	if (kind === 'integer' || kind === 'decimal' || rules.numeric === true) return '1';
	if (kind === 'flag') return '0';
	const [least = 0] = rules.length ?? [];
	return `some ${name.replaceAll('_', ' ')}`.padEnd(least, '.').slice(0, rules.length?.[1] ?? 60);
}
