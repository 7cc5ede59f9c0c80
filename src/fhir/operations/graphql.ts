// $graphql: https://hl7.org/fhir/R4/graphql.html. Queries on the system and on one resource; see graphql/ and decision 0005.
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { issuesOf, outcomeOf } from '#fhir/outcome.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { mediaType } from '#fhir/wire/negotiate.ts';
import { define, hl7, input, output } from './define.ts';
import { check } from './graphql/check.ts';
import { type GraphRequest, readDocument } from './graphql/document.ts';
import { execute } from './graphql/execute.ts';
import { Located } from './graphql/problems.ts';
import { missingParameter, readWhole, textOf } from './input.ts';
import type { Operation, OperationInput, OperationResult } from './operation.ts';

export const graphql: Operation = {
	name: 'graphql',
	definition: define({
		id: 'Resource-graphql',
		name: 'Graphql',
		title: 'GraphQL',
		code: 'graphql',
		base: hl7('Resource-graphql'),
		description:
			'Runs a GraphQL query on the system (Patient(id:), PatientList, PatientConnection …) or on one resource. By GET with the parameters query, variables and operationName, or by POST with the query as application/graphql, as JSON, or as Parameters. Mutations and _filter are not supported. The answer is application/json.',
		resource: ['Resource'],
		system: true,
		instance: true,
		parameter: [input('query', 'string', 'The query.', { min: 1 }), output('result', 'Binary', 'JSON with data, or with errors.')],
	}),
	levels: { system: true, instance: true },
	types: ['Resource'],
	methods: ['GET', 'POST'],
	rawBody: true,
	async run(ctx, given) {
		try {
			return answer(200, { data: await dataOf(ctx, given) });
		} catch (error) {
			if (!(error instanceof Problem) || error.kind === 'fault') throw error;
			return answer(error.status, { data: null, errors: errorsOf(error) }, error.headers);
		}
	},
};

async function dataOf(ctx: FhirCtx, given: OperationInput): Promise<object> {
	const asked = await readDocument(await requestOf(given));
	const { type, id } = given;
	const root = type === undefined || id === undefined ? undefined : await readWhole(ctx, type, id);
	check(ctx, asked, root?.resourceType);
	return ctx.db.tx((tx) => execute(ctx, tx, asked, root), { readOnly: true, isolation: 'repeatable read' });
}

function answer(status: number, body: object, headers: Readonly<Record<string, string>> = {}): OperationResult {
	return { status, headers, raw: JSON.stringify(body), contentType: 'application/json; charset=utf-8' };
}

function errorsOf(problem: Problem): object[] {
	const locations = problem.cause instanceof Located ? { locations: problem.cause.locations } : {};
	return issuesOf(problem).map((issue) => ({
		message: issue.text,
		...locations,
		extensions: { code: issue.code, resource: outcomeOf([issue]) },
	}));
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-Request */
async function requestOf(given: OperationInput): Promise<GraphRequest> {
	const { request } = given;
	if (request.method !== 'POST') return fromQuery(given);
	const bytes = await request.body();
	if (bytes.length === 0) return fromQuery(given);
	const contentType = request.headers['content-type'];
	if (typeof contentType === 'string' && mediaType(contentType).name === 'application/graphql')
		return { query: bytes.toString('utf8'), variables: {} };
	const body = parseJson(bytes);
	if (body === null || typeof body !== 'object') throw missingParameter('query', 'Send a JSON object with a query.');
	if ((body as Resource).resourceType === 'Parameters') return fromQuery({ ...given, parameters: body as Resource });
	const { query, operationName, variables } = body as Record<string, unknown>;
	return checked(query, operationName, variables);
}

function fromQuery(given: OperationInput): GraphRequest {
	const variables = textOf(given, 'variables');
	return checked(
		textOf(given, 'query'),
		textOf(given, 'operationName'),
		variables === undefined ? undefined : parseJson(Buffer.from(variables)),
	);
}

function checked(query: unknown, operationName: unknown, variables: unknown): GraphRequest {
	if (typeof query !== 'string') throw missingParameter('query', 'It is the text of a GraphQL query.');
	if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
		throw missingParameter('operationName', 'It must be a text.');
	if (variables !== undefined && variables !== null && (typeof variables !== 'object' || Array.isArray(variables)))
		throw missingParameter('variables', 'They must be an object.');
	return { query, operationName: operationName ?? undefined, variables: (variables ?? {}) as Record<string, unknown> };
}
