// docs/standard-api.md, written from the rows and mappings: what is not in them is not in the page, and the other way round.
import type { Field, Mapping } from './mapping.ts';
import { letterOf, type StandardRow } from './row.ts';
import { measures } from './vital-signs.ts';

const intro = `# The Standard and the Portal API

OpenEMR's REST API over Heron's record: paths below \`/apis/default/api\` for the staff's applications and \`/apis/default/portal\` for those of
patients. Every record is a view of FHIR resources, written and read through either API at once. This page is generated from the tables that
serve the requests; \`HERON_WRITE_GOLDEN=1 npm test -- standard-api/documentation\` writes it anew.

- **Who.** A staff token needs \`api:oemr\`, the scope of the call (\`user/<resource>.<letters>\`, v1's \`.read\` and \`.write\` too) and the right of the
  role. A patient's token needs \`api:port\` and \`patient/<resource>.<letters>\`, and reads the own record only. Below that the grants of the person
  decide record by record.
- **Names.** A record is named by its number or its UUID, in paths, bodies and queries alike. Numbers stay.
- **Lists** take \`_limit\` (200 unless said, 0 and more than 1000 mean 1000), \`_offset\`, \`_sort\` (\`-\` for descending), \`_lastUpdated\` (as FHIR has it) and
  the filters of the tables. Links of answers carry \`_page\`: follow them, and no page costs more than the first.
- **Answers.** E: an envelope \`{validationErrors, internalErrors, data, links}\`. E200: the same, and OpenEMR 8 answers 200 whatever happens. B: bare
  values, nothing found is 404 without a body. \`HERON_OPENEMR_STATUS_COMPAT=8\` gives OpenEMR 8's statuses.
- **Changes.** PUT changes what is sent and differs from what is shown. DELETE takes out of use or marks as entered in error; nothing is lost.
- **Lists of values** (\`/list/:list_name\`: drug forms, routes, relationships, states …) come with Heron, the same for everybody: they are read and
  not changed, and a field that names one takes its options only. Categories of documents and of appointments are the practice's own (\`docs/clinic.md\`).
- **Units.** Records of vital signs are shown in, and taken to be in, US units; \`?units=metric\` makes that metric units, and \`<field>_unit\` in a body
  names the unit of one value.
- **Dates and times** are those of the server's clock (\`TZ\`), \`YYYY-MM-DD\` and \`YYYY-MM-DD HH:MM:SS\`.
- **Fields without an element in FHIR** are extensions \`https://heron-ehr.org/fhir/StructureDefinition/openemr-<resource>-<field>\`.
- Every write leaves a Provenance with its author.
`;

/** The page. */
export function documentationOf(rows: readonly StandardRow[], portal: readonly StandardRow[]): string {
	const mappings = new Map<string, Mapping>();
	for (const { mapping } of rows) if (mapping !== undefined && !mappings.has(mapping.resource)) mappings.set(mapping.resource, mapping);
	return [
		intro,
		'## Routes\n',
		routesTable(rows),
		'\n### Portal\n',
		routesTable(portal),
		...[...mappings.values()].sort((a, b) => (a.resource < b.resource ? -1 : 1)).map(mappingText),
		measuresText(),
		'',
	].join('\n');
}

/** Measurements are Observations of their own; their fields are data of vital-signs.ts. */
function measuresText(): string {
	const lines = measures.map(({ sign, measure: { field, loinc, display, of } }) => {
		const part = sign.value?.loinc === loinc ? 'value' : `component of ${sign.loinc}`;
		return `| \`${field}\` | ${loinc} | ${display} | ${part} | ${of.us.name} | ${of.metric.name} |`;
	});
	return [
		'\n## vital: measurements\n',
		'Each is an Observation of its own, grouped by a panel (85353-1); blood pressure is one with two components. The query `units=metric` or `units=us` (usual) chooses the units, and `<field>_unit` in a body names that of one value. `temp_method` is the method of the temperature (`method.text`) and `BMI_status` the interpretation of the BMI (`interpretation[0].text`), or extensions of the panel when those were not measured.\n',
		'| Field | LOINC | Display | Where | US unit | Metric unit |',
		'|---|---|---|---|---|---|',
		...lines,
	].join('\n');
}

function routesTable(rows: readonly StandardRow[]): string {
	const lines = rows.map(({ method, path, resource, does, right, level, style, summary, isPublic }) => {
		const scope = isPublic === true ? 'no token' : `\`${resource}.${letterOf(does)}\``;
		const needed = right === undefined ? '' : `${right} ${level ?? 'view'}`;
		return `| ${method} | \`${path}\` | ${scope} | ${needed} | ${style} | ${summary} |`;
	});
	return ['| Method | Path | Scope | Right | Answer | What it does |', '|---|---|---|---|---|---|', ...lines].join('\n');
}

function mappingText({ resource, type, numbers, uuids, fields, profile }: Mapping): string {
	const names = [...numbers.map((name) => `\`${name}\` (number)`), ...uuids.map((name) => `\`${name}\` (UUID)`)];
	const claims = profile === undefined ? '' : ` Claims ${profile} when it conforms.`;
	return [
		`\n## ${resource} ↔ ${type}\n`,
		`${names.join(', ')}.${claims}\n`,
		'| Field | Kind | Rules | FHIR | Filter | Sort |',
		'|---|---|---|---|---|---|',
		...fields.map((field) => fieldLine(resource, field)),
	].join('\n');
}

function fieldLine(resource: string, { name, kind, rules, place, filter, sort, isReadOnly, to, as, note }: Field): string {
	const what = to === undefined ? kind : `${as === 'uuid' ? 'UUID' : 'number'} of ${to.join(' or ')}`;
	const path = place.path.replace(`https://heron-ehr.org/fhir/StructureDefinition/openemr-${resource}-`, 'openemr:');
	const cells = [
		`\`${name}\``,
		what,
		[...rulesOf(rules), ...(isReadOnly === true ? ['read only'] : []), ...(note === undefined ? [] : [note])].join('; '),
		`\`${path.replaceAll('|', '\\|')}\``,
		filter === undefined ? '' : filter.part === true ? 'part' : 'equal',
		sort === undefined ? '' : 'yes',
	];
	return `| ${cells.join(' | ')} |`;
}

function rulesOf({ required, always, length, numeric, form, oneOf }: Field['rules']): string[] {
	return [
		...(required === true ? ['required'] : []),
		...(always === true ? ['required of changes too'] : []),
		...(length === undefined ? [] : [`${length[0]}–${length[1]} characters`]),
		...(numeric === true ? ['numeric'] : []),
		...(form === undefined ? [] : [form]),
		...(oneOf === undefined ? [] : ['list' in oneOf ? `option of list \`${oneOf.list}\`` : oneOf.map((one) => `\`${one}\``).join(', ')]),
	];
}
