// The FHIR API in OpenAPI: every row, then the types that practices use most with their search parameters, then operations by their definitions.
import type { Fhir } from '#fhir/ctx.ts';
import type { Operation } from '#fhir/operations/operation.ts';
import type { Method } from '#http/route.ts';
import { add, type Node, type Paths, pathOf, pathParameters } from './paths.ts';

const media = 'application/fhir+json';
const base = '/apis/:site/fhir';
const described = {
	type: 'resource type, such as Patient',
	id: 'logical id',
	version: 'number of a version',
	member: 'resource type, or *',
};

/** What the interactions are called; https://hl7.org/fhir/R4/http.html */
const titles: Readonly<Record<string, string>> = {
	capabilities: 'What the server can do',
	'smart-configuration': 'SMART configuration',
	read: 'Reads a resource',
	vread: 'Reads a version of a resource',
	create: 'Creates a resource',
	update: 'Updates a resource, or creates it under this id',
	'conditional-update': 'Updates the one resource that the criteria find, or creates it',
	patch: 'Changes parts of a resource',
	'conditional-patch': 'Changes parts of the one resource that the criteria find',
	delete: 'Deletes a resource; its history stays',
	'conditional-delete': 'Deletes what the criteria find',
	'search-type': 'Searches a type',
	'search-system': 'Searches all types',
	'search-compartment': 'Searches what belongs to a resource',
	'history-instance': 'History of a resource',
	'history-type': 'History of a type',
	'history-system': 'History of the whole record',
	bundle: 'A batch or transaction',
};

/** Types with paths of their own: those of OpenEMR's FHIR API and of US Core. */
export const commonTypes = [
	'AllergyIntolerance',
	'Appointment',
	'Binary',
	'CarePlan',
	'CareTeam',
	'Condition',
	'Coverage',
	'Device',
	'DiagnosticReport',
	'DocumentReference',
	'Encounter',
	'Endpoint',
	'Goal',
	'Group',
	'HealthcareService',
	'Immunization',
	'Location',
	'Media',
	'Medication',
	'MedicationDispense',
	'MedicationRequest',
	'Observation',
	'Organization',
	'Patient',
	'Person',
	'Practitioner',
	'PractitionerRole',
	'Procedure',
	'Provenance',
	'Questionnaire',
	'QuestionnaireResponse',
	'RelatedPerson',
	'ServiceRequest',
	'Specimen',
	'Subscription',
	'Task',
	'ValueSet',
] as const;

type Described = Pick<Fhir, 'rows' | 'registry'>;

export function fhirPaths({ rows: { all: rows, operations }, registry }: Described): Paths {
	const paths: Paths = {};
	for (const row of rows) {
		const path = [base, ...row.path].join('/');
		const operation = row.name.startsWith('operation-')
			? operations.find(({ name, types }) => row.path.includes(`$${name}`) && fits(row.path, types))
			: undefined;
		const about = operation === undefined ? interaction(row.name, row.method, row.path) : operationOf(operation, row.method);
		add(paths, pathOf(path), row.method, {
			...about,
			operationId: `fhir${row.method}${row.path.map((part) => part.replace(/[^A-Za-z]/g, '_')).join('_')}`,
			...(row.public === true ? { security: [] } : {}),
			parameters: [...pathParameters(path, described), ...((about.parameters as Node[] | undefined) ?? [])],
			responses: { ...((about.responses as Node | undefined) ?? {}), ...refusals(row.public === true) },
		});
	}
	for (const type of commonTypes) typePaths(paths, type, [...registry.params(type).values()]);
	return paths;
}

function fits(path: readonly string[], types: readonly string[]): boolean {
	const [first = ''] = path;
	return first.startsWith('$') || types.includes(first === ':type' ? 'Resource' : first);
}

function refusals(isPublic: boolean): Node {
	const reference = (name: string): Node => ({ $ref: `#/components/responses/Fhir${name}` });
	return {
		400: reference('Invalid'),
		...(isPublic ? {} : { 401: reference('Unauthenticated'), 403: reference('Forbidden') }),
		404: reference('NotFound'),
	};
}

const content = (schema: string, example?: unknown): Node => ({
	[media]: { schema: { $ref: `#/components/schemas/${schema}` }, ...(example === undefined ? {} : { example }) },
});
const query = (name: string, description: string): Node => ({ name, in: 'query', schema: { type: 'string' }, description });
const header = (name: string, description: string): Node => ({ name, in: 'header', schema: { type: 'string' }, description });
const format = query('_format', 'json or xml, instead of Accept');

function interaction(name: string, method: Method, path: readonly string[]): Node {
	const title = titles[name] ?? `${name.replaceAll('-', ' ')}`;
	const isBundle = path.length === 0 || /search|history/.test(name);
	const writes = method === 'PUT' || method === 'POST' || method === 'PATCH';
	const body =
		!writes || name.startsWith('search')
			? {}
			: {
					requestBody: { required: true, content: method === 'PATCH' ? patchContent : content(path.length === 0 ? 'Bundle' : 'Resource') },
				};
	return {
		tags: ['FHIR'],
		summary: title,
		...body,
		parameters: [
			format,
			...(name.startsWith('search')
				? [
						query('_count', 'entries of a page'),
						query('_sort', 'parameters, with a minus before it downwards'),
						query('_include', 'Type:parameter'),
						query('_revinclude', 'Type:parameter'),
						query('_total', 'none, estimate or accurate'),
						query('_lastUpdated', 'such as ge2026-01-01'),
					]
				: []),
			...(writes && path.length === 2 ? [header('If-Match', 'W/"<version>" that must be the current one')] : []),
			...(name === 'create' ? [header('If-None-Exist', 'criteria; nothing is created when they find something')] : []),
			...(writes && !name.startsWith('search') ? [header('X-Provenance', 'a Provenance as JSON without target: who wrote this')] : []),
		],
		responses: { [name === 'create' ? 201 : 200]: { description: title, content: content(isBundle ? 'Bundle' : 'Resource') } },
	};
}

const patchContent: Node = {
	'application/json-patch+json': {
		schema: { type: 'array', items: { type: 'object' } },
		example: [{ op: 'replace', path: '/active', value: false }],
	},
	'application/fhir+json': { schema: { $ref: '#/components/schemas/Parameters' } },
};

type Given = {
	readonly name: string;
	readonly use: string;
	readonly min: number;
	readonly max: string;
	readonly type?: string;
	readonly documentation?: string;
};

function operationOf({ name, definition, rawBody }: Operation, method: Method): Node {
	const { title, description, parameter = [] } = definition as { title?: string; description?: string; parameter?: readonly Given[] };
	const inputs = parameter.filter(({ use, type }) => use === 'in' && type !== undefined);
	const simple = inputs.filter(({ type }) => /^[a-z]/.test(type as string));
	const example = {
		resourceType: 'Parameters',
		parameter: inputs
			.slice(0, 3)
			.map((one) => ({ name: one.name, [`value${(one.type as string)[0]?.toUpperCase()}${(one.type as string).slice(1)}`]: '…' })),
	};
	return {
		tags: ['FHIR: operations'],
		summary: title ?? `$${name}`,
		...(description === undefined ? {} : { description }),
		parameters:
			method === 'POST' && rawBody !== true
				? []
				: simple.map((one) => ({ ...query(one.name, one.documentation ?? ''), schema: { type: 'string' } })),
		...(method === 'POST'
			? {
					requestBody: {
						content: rawBody === true ? { '*/*': { schema: { type: 'string', format: 'binary' } } } : content('Parameters', example),
					},
				}
			: {}),
		responses: { 200: { description: 'the answer', content: content('Resource') } },
	};
}

type Param = { readonly code: string; readonly type: string };

function typePaths(paths: Paths, type: string, params: readonly Param[]): void {
	const tags = ['FHIR: common types'];
	const security: Node[] = [{ oauth: ['api:fhir', 'user/*.cruds'] }, { token: [] }];
	const example = examples[type] ?? { resourceType: type };
	const url = pathOf(`${base}/${type}`);
	const one = `${url}/{id}`;
	const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' }, description: 'logical id' };
	const responses = (status: number, description: string, schema: string): Node => ({
		[status]: { description, content: content(schema) },
		...refusals(false),
	});
	const required = (schema: string): Node => ({ required: true, content: content(schema, example) });
	add(paths, url, 'GET', {
		tags,
		operationId: `search${type}`,
		summary: `Searches ${type}`,
		security,
		parameters: [
			...params.map(({ code, type: kind }) => query(code, kind)),
			query('_count', 'entries of a page'),
			query('_sort', 'parameters'),
			query('_include', 'Type:parameter'),
			query('_revinclude', 'Type:parameter'),
			format,
		],
		responses: responses(200, 'a page of matches', 'Bundle'),
	});
	add(paths, url, 'POST', {
		tags,
		operationId: `create${type}`,
		summary: `Creates a ${type}`,
		security,
		requestBody: required('Resource'),
		responses: responses(201, 'created', 'Resource'),
	});
	add(paths, one, 'GET', {
		tags,
		operationId: `read${type}`,
		summary: `Reads a ${type}`,
		security,
		parameters: [id, format],
		responses: responses(200, 'the resource', 'Resource'),
	});
	add(paths, one, 'PUT', {
		tags,
		operationId: `update${type}`,
		summary: `Updates a ${type}`,
		security,
		parameters: [id, header('If-Match', 'W/"<version>"')],
		requestBody: required('Resource'),
		responses: responses(200, 'updated', 'Resource'),
	});
	add(paths, one, 'PATCH', {
		tags,
		operationId: `patch${type}`,
		summary: `Changes parts of a ${type}`,
		security,
		parameters: [id],
		requestBody: { required: true, content: patchContent },
		responses: responses(200, 'changed', 'Resource'),
	});
	add(paths, one, 'DELETE', {
		tags,
		operationId: `delete${type}`,
		summary: `Deletes a ${type}`,
		security,
		parameters: [id],
		responses: responses(200, 'deleted', 'OperationOutcome'),
	});
}

const patient = { reference: 'Patient/123' };
const code = (system: string, value: string, display: string): Node => ({ coding: [{ system, code: value, display }] });

const examples: Readonly<Record<string, Node>> = {
	Patient: {
		resourceType: 'Patient',
		name: [{ family: 'Smith', given: ['John'] }],
		gender: 'male',
		birthDate: '1980-01-15',
		identifier: [{ system: 'https://example.org/numbers', value: '1' }],
	},
	Observation: {
		resourceType: 'Observation',
		status: 'final',
		category: [code('http://terminology.hl7.org/CodeSystem/observation-category', 'vital-signs', 'Vital Signs')],
		code: code('http://loinc.org', '8867-4', 'Heart rate'),
		subject: patient,
		effectiveDateTime: '2026-03-02T09:00:00Z',
		valueQuantity: { value: 72, unit: 'beats/minute', system: 'http://unitsofmeasure.org', code: '/min' },
	},
	Condition: {
		resourceType: 'Condition',
		clinicalStatus: code('http://terminology.hl7.org/CodeSystem/condition-clinical', 'active', 'Active'),
		category: [code('http://terminology.hl7.org/CodeSystem/condition-category', 'problem-list-item', 'Problem List Item')],
		code: code('http://snomed.info/sct', '44054006', 'Diabetes mellitus type 2'),
		subject: patient,
	},
	AllergyIntolerance: {
		resourceType: 'AllergyIntolerance',
		clinicalStatus: code('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', 'active', 'Active'),
		code: { text: 'Penicillin' },
		patient,
	},
	MedicationRequest: {
		resourceType: 'MedicationRequest',
		status: 'active',
		intent: 'order',
		medicationCodeableConcept: { text: 'Metformin 500 mg' },
		subject: patient,
	},
	Encounter: {
		resourceType: 'Encounter',
		status: 'finished',
		class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
		subject: patient,
	},
	Subscription: {
		resourceType: 'Subscription',
		status: 'requested',
		reason: 'new results',
		criteria: 'Observation?category=laboratory',
		channel: { type: 'rest-hook', endpoint: 'https://example.org/hook' },
	},
};
