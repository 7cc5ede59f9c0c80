// A GraphQL request as a checked document: what can be checked without a schema is checked by the graphql library, which is loaded when
// the first query comes.
import type { DocumentNode, FragmentDefinitionNode, GraphQLError, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { invalid, syntaxProblem, tooCostly, unsupported } from './problems.ts';
import { coerceVariables, type Variables } from './values.ts';

export type Asked = {
	readonly operation: OperationDefinitionNode;
	readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
	readonly variables: Variables;
};

export type GraphRequest = {
	readonly query: string;
	readonly operationName?: string | undefined;
	readonly variables: Readonly<Record<string, unknown>>;
};

/** Of a document. */
const limits = { length: 100_000, tokens: 5000, depth: 40 } as const;

type Library = typeof import('graphql');
type Checker = { readonly library: Library; readonly schema: GraphQLSchema };

let loading: Promise<Checker> | undefined;

/** Throws Problem invalid: `graphql-syntax`, `graphql-invalid`, `graphql-unsupported` for anything but a query, `graphql-too-costly` for a text too long. */
export async function readDocument({ query, operationName, variables }: GraphRequest): Promise<Asked> {
	if (query.length > limits.length) throw tooCostly(`The query is longer than ${limits.length} characters.`);
	loading ??= loadChecker();
	const { library, schema } = await loading;
	const document = parse(library, query);
	const [error] = library.validate(schema, document, rules(library), { maxErrors: 1 });
	if (error !== undefined) throw invalid(error.locations ?? [], error.message);
	const operation = chosen(document, operationName);
	const fragments = new Map(
		document.definitions.flatMap((one) => (one.kind === library.Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
	);
	return { operation, fragments, variables: coerceVariables(operation, variables) };
}

function parse({ parse: read }: Library, text: string): DocumentNode {
	requireShallow(text);
	try {
		return read(text, { maxLexicalTokens: limits.tokens });
	} catch (error) {
		if ((error as Error).name !== 'GraphQLError') throw error;
		const { message, locations = [] } = error as GraphQLError;
		throw syntaxProblem(message, locations);
	}
}

/** What opens and closes, outside of strings and comments. */
const brackets = /#[^\r\n]*|"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\r\n]|\\.)*"|[{[(]|[}\])]/g;

/** The parser calls itself at each level, so that depth has to be limited before it starts. */
function requireShallow(text: string): void {
	let depth = 0;
	for (const [found] of text.matchAll(brackets)) {
		if ('{[('.includes(found)) depth++;
		else if ('}])'.includes(found)) depth--;
		if (depth > limits.depth) throw tooCostly(`The query is nested deeper than ${limits.depth} levels.`);
	}
}

function chosen({ definitions }: DocumentNode, name: string | undefined): OperationDefinitionNode {
	const operations = definitions.filter((one) => one.kind === 'OperationDefinition');
	const found =
		name === undefined ? (operations.length === 1 ? operations[0] : undefined) : operations.find((one) => one.name?.value === name);
	if (found === undefined)
		throw invalid(
			[],
			name === undefined ? 'The request must name one of its operations.' : `There is no operation "${name.slice(0, 80)}".`,
		);
	if (found.operation !== 'query') throw unsupported(found, 'Only queries are supported; change resources by the REST interactions.');
	return found;
}

/** The rules of the library that need no types. */
function rules(library: Library) {
	return [
		library.ExecutableDefinitionsRule,
		library.UniqueOperationNamesRule,
		library.LoneAnonymousOperationRule,
		library.KnownFragmentNamesRule,
		library.UniqueFragmentNamesRule,
		library.NoUnusedFragmentsRule,
		library.NoFragmentCyclesRule,
		library.UniqueVariableNamesRule,
		library.NoUndefinedVariablesRule,
		library.NoUnusedVariablesRule,
		library.UniqueArgumentNamesRule,
		library.KnownDirectivesRule,
		library.UniqueDirectivesPerLocationRule,
		library.KnownArgumentNamesRule,
		library.ProvidedRequiredArgumentsRule,
	];
}

/** A schema that knows the directives and nothing else. */
async function loadChecker(): Promise<Checker> {
	const library = await import('graphql');
	const { GraphQLDirective, GraphQLObjectType, GraphQLSchema: Schema, GraphQLString, DirectiveLocation } = library;
	const locations = [DirectiveLocation.FIELD];
	const schema = new Schema({
		query: new GraphQLObjectType({ name: 'QueryType', fields: { resourceType: { type: GraphQLString } } }),
		directives: [
			library.GraphQLIncludeDirective,
			library.GraphQLSkipDirective,
			...['flatten', 'first', 'singleton'].map((name) => new GraphQLDirective({ name, locations })),
			new GraphQLDirective({ name: 'slice', locations, args: { path: { type: GraphQLString }, fhirpath: { type: GraphQLString } } }),
		],
		assumeValid: true,
	});
	return { library, schema };
}
