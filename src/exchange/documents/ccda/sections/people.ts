// Sections about people around the patient: care teams, payers, family history.
import { type Draft, marked, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { loinc, related, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { detailObservation, kept, keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { assignedEntity, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { CareTeam, Concept, Coverage, FamilyHistory, Party } from '#exchange/documents/shapes.ts';
import { codeWords, conceptsWords, conceptWords, hasCode, measureWords, periodWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { uuidOf } from '#formats/ccda/uuid.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { addresses, code, fixed, interval, nothing, personNames, quantity, telecoms, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

const roleCode = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
const roleClass = 'http://terminology.hl7.org/CodeSystem/v3-RoleClass';

export function careTeams(draft: Draft): Section {
	const teams = draft.record
		.list<CareTeam>('CareTeam')
		.filter(({ status: state }) => state === undefined || state === 'active' || state === 'proposed');
	const lines = teams.flatMap((team) => {
		const id = rowId('care-teams', team);
		return (team.participant ?? []).map((participant, i) => ({
			id: `${id}_${i + 1}`,
			cells: [
				whoWords(draft, participant.member, team),
				conceptsWords(participant.role),
				i === 0 ? marked(`${id}_name`, team.name ?? '') : (team.name ?? ''),
				codeWords(team.status),
				periodWords(participant.period ?? team.period),
				whoWords(draft, participant.onBehalfOf, team),
			],
			...(i === 0 ? { entry: careTeam(draft, team, id) } : {}),
		}));
	});
	return tableSection('care-teams', ['Member', 'Role', 'Team', 'Status', 'When', 'Of'], lines);
}

function careTeam(draft: Draft, team: CareTeam, id: string): Element {
	const members = (team.participant ?? []).map((participant, i) =>
		element(
			'component',
			{},
			element(
				'act',
				{ classCode: 'PCPR', moodCode: 'EVN' },
				template('care team member'),
				ownId(draft, team, String(i + 1)),
				fixed('code', loinc, '85847-2', 'Patient Care team information'),
				pointer(`${id}_${i + 1}`),
				status('active'),
				interval('effectiveTime', participant.period ?? team.period ?? {}, { open: true }),
				element(
					'performer',
					{ typeCode: 'PRF' },
					(participant.role ?? []).slice(0, 1).map((role) => code('sdtc:functionCode', role, { systems: [snomed] })),
					assignedEntity(draft, participant.member, team),
				),
			),
		),
	);
	return element(
		'organizer',
		{ classCode: 'CLUSTER', moodCode: 'EVN' },
		template('care team'),
		ownId(draft, team),
		element(
			'code',
			fixed('code', loinc, '86744-0', 'Care team').attributes,
			team.name === undefined ? undefined : element('originalText', {}, element('reference', { value: `#${id}_name` })),
		),
		status('active'),
		interval('effectiveTime', team.period ?? {}, { open: true }),
		members,
	);
}

const relations: Readonly<Record<string, readonly [string, string]>> = {
	self: ['SELF', 'self'],
	child: ['CHILD', 'child'],
	spouse: ['SPS', 'spouse'],
	parent: ['PRN', 'parent'],
	common: ['DOMPART', 'domestic partner'],
};

/** The role of the one who is covered: as it is told, or what FHIR's own code means. */
function relationOf(relationship: Concept | undefined): Element | undefined {
	if (relationship?.coding?.some(({ system }) => system === roleCode) === true)
		return code('code', relationship, { systems: [roleCode], only: true });
	const known = relations[relationship?.coding?.[0]?.code ?? ''];
	return known === undefined ? undefined : fixed('code', roleCode, ...known);
}

export function payers(draft: Draft): Section {
	const coverages = draft.record.list<Coverage>('Coverage').filter(({ status: state }) => state === 'active' || state === undefined);
	return tableSection(
		'payers',
		['Payer', 'Plan type', 'Status', 'Member number', 'Group', 'Relation', 'Policy holder', 'When'],
		coverages.map((coverage) => {
			const id = rowId('payers', coverage);
			return {
				id,
				cells: [
					marked(`${id}_name`, payerWords(draft, coverage)),
					conceptWords(coverage.type),
					codeWords(coverage.status),
					coverage.subscriberId ?? memberOf(coverage) ?? '',
					groupOf(coverage)?.value ?? '',
					conceptWords(coverage.relationship),
					whoWords(draft, coverage.policyHolder ?? coverage.subscriber, coverage),
					periodWords(coverage.period),
				],
				entry: coverageActivity(draft, coverage, id),
			};
		}),
	);
}

function payerWords(draft: Draft, coverage: Coverage): string {
	return (coverage.payor ?? [])
		.map((payor) => whoWords(draft, payor, coverage))
		.filter((words) => words !== '')
		.join(', ');
}

function groupOf({ class: classes }: Coverage): NonNullable<Coverage['class']>[number] | undefined {
	return classes?.find(({ type }) => hasCode(type, ['group']));
}

function planOf({ class: classes }: Coverage): string {
	const plan = classes?.find(({ type }) => hasCode(type, ['plan']));
	return plan?.name ?? plan?.value ?? '';
}

function memberOf({ identifier }: Coverage): string | undefined {
	return (identifier?.find(({ type }) => hasCode(type, ['MB'])) ?? identifier?.[0])?.value;
}

const insuranceType = 'https://codesystem.x12.org/005010/1336';

function coverageActivity(draft: Draft, coverage: Coverage, id: string): Element {
	const member = coverage.subscriberId ?? memberOf(coverage);
	const memberId =
		member === undefined ? nothing('id') : element('id', { root: ownId(draft, coverage).attributes.root, extension: member });
	const relation = relationOf(coverage.relationship);
	const [payor] = coverage.payor ?? [];
	const holder = coverage.policyHolder ?? coverage.subscriber;
	const isSelf = holder === undefined || holder.reference === `Patient/${draft.record.patient.id}`;
	const group = groupOf(coverage);
	const policy = element(
		'act',
		{ classCode: 'ACT', moodCode: 'EVN' },
		template('policy'),
		ownId(draft, coverage, 'policy'),
		group?.value === undefined ? undefined : element('id', { root: uuidOf(`${draft.base}/Coverage/group`), extension: group.value }),
		policyKind(coverage.type),
		status('completed'),
		element('performer', { typeCode: 'PRF' }, template('payer'), payerEntity(draft, payor, coverage)),
		guarantors(coverage),
		element(
			'participant',
			{ typeCode: 'COV' },
			template('covered party'),
			element('time', {}, time('low', coverage.period?.start), time('high', coverage.period?.end)),
			element(
				'participantRole',
				{ classCode: 'PAT' },
				memberId,
				relation ?? nothing('code'),
				element(
					'playingEntity',
					{},
					personNames(draft.record.patient.name).slice(0, 1),
					time('sdtc:birthTime', draft.record.patient.birthDate),
				),
			),
		),
		isSelf ? undefined : policyHolder(draft, holder, coverage, memberId),
		related(
			'REFR',
			element(
				'act',
				{ classCode: 'ACT', moodCode: 'DEF' },
				ownId(draft, coverage, 'plan'),
				element('code', { nullFlavor: 'NA' }),
				element(
					'text',
					{},
					planOf(coverage) ||
						[payerWords(draft, coverage), group?.name ?? group?.value ?? ''].filter((words) => words !== '').join(', ') ||
						'Plan',
				),
			),
		),
	);
	return element(
		'act',
		{ classCode: 'ACT', moodCode: 'EVN' },
		template('coverage'),
		ownId(draft, coverage),
		fixed('code', loinc, '48768-6', 'Payment sources'),
		pointer(id),
		status('completed'),
		related('COMP', policy),
		kept(coverage, 'detail'),
	);
}

/** Others who answer for the costs, as a document told them: their roles, with their names as the words. */
function guarantors(coverage: Coverage): Element[] {
	return keptConcepts(coverage, 'payer-role')
		.filter((role) => !hasCode(role, ['PAYOR']))
		.map((role) =>
			element(
				'performer',
				{ typeCode: 'PRF' },
				template('guarantor'),
				element(
					'assignedEntity',
					{},
					nothing('id', 'NI'),
					code('code', role.coding === undefined ? role : { coding: role.coding }),
					element('assignedPerson', {}, personNames(nameIn(role))),
				),
			),
		);
}

/** The name of one who answers for the costs, where the words are not those of the role itself. */
function nameIn({ text, coding }: Concept): { readonly text: string }[] | undefined {
	return text === undefined || coding?.some(({ display, code: value }) => display === text || value === text) === true
		? undefined
		: [{ text }];
}

/** X12's kind of insurance as the code, that of the source of payment as its translation; what is not known is said to be unknown. */
function policyKind(type: Concept | undefined): Element {
	const { attributes, children } = code('code', type, { systems: [insuranceType], only: true });
	const hasTranslation = children.some((one) => typeof one !== 'string' && one.name === 'translation');
	return element('code', attributes, children, hasTranslation ? undefined : nothing('translation'));
}

function payerEntity(
	draft: Draft,
	payor: { readonly reference?: string; readonly display?: string } | undefined,
	coverage: Coverage,
): Element {
	const own = assignedEntity(draft, payor, coverage);
	const payer = draft.record.find<Party>(payor, coverage);
	const words = whoWords(draft, payor, coverage);
	const kept = own.children.filter(
		(one) => typeof one !== 'string' && one.name !== 'code' && one.name !== 'assignedPerson' && one.name !== 'representedOrganization',
	);
	return element(
		'assignedEntity',
		{},
		kept,
		fixed('code', roleClass, 'PAYOR', 'invoice payor'),
		element(
			'representedOrganization',
			{},
			words === '' ? nothing('name') : element('name', {}, words),
			telecoms(payer?.telecom, 1),
			addresses([payer?.address].flat().filter((one) => one !== undefined)).slice(0, 1),
		),
	);
}

function policyHolder(
	draft: Draft,
	holder: { readonly reference?: string; readonly display?: string },
	coverage: Coverage,
	memberId: Element,
): Element {
	const found = draft.record.find<Party>(holder, coverage);
	const words = whoWords(draft, holder, coverage);
	const names = Array.isArray(found?.name) ? found.name : words === '' ? undefined : [{ text: words }];
	return element(
		'participant',
		{ typeCode: 'HLD' },
		template('policy holder'),
		element(
			'participantRole',
			{},
			memberId,
			Array.isArray(found?.address) ? addresses(found.address).slice(0, 1) : undefined,
			element('playingEntity', {}, personNames(names).slice(0, 1)),
		),
	);
}

const genders: Readonly<Record<string, readonly [string, string]>> = { male: ['M', 'Male'], female: ['F', 'Female'] };

export function familyHistory(draft: Draft): Section {
	const all = draft.record.list<FamilyHistory>('FamilyMemberHistory');
	const lines = all.flatMap((member) => {
		const id = rowId('family-history', member);
		const who = [conceptWords(member.relationship), member.name ?? ''].filter((words) => words !== '').join(', ');
		const conditions = member.condition ?? [];
		if (conditions.length === 0)
			return [{ id: `${id}_1`, cells: [who, '', '', '', deathWords(member)], entry: familyMember(draft, member, id) }];
		return conditions.map((condition, i) => ({
			id: `${id}_${i + 1}`,
			cells: [
				who,
				marked(`${id}_${i + 1}_name`, conceptWords(condition.code)),
				measureWords(condition.onsetAge) || (condition.onsetString ?? ''),
				conceptWords(condition.outcome),
				deathWords(member),
			],
			...(i === 0 ? { entry: familyMember(draft, member, id) } : {}),
		}));
	});
	return tableSection('family-history', ['Relative', 'Condition', 'Age at onset', 'Outcome', 'Death'], lines);
}

function deathWords({ deceasedBoolean, deceasedAge }: FamilyHistory): string {
	const age = measureWords(deceasedAge);
	return age !== '' ? `Died at ${age}` : deceasedBoolean === true ? 'Died' : '';
}

function familyMember(draft: Draft, member: FamilyHistory, id: string): Element {
	const sex = genders[member.sex?.coding?.[0]?.code ?? ''];
	const told: readonly FamilyCondition[] = member.condition ?? [];
	// There has to be an observation: a relative of whom no condition is told has one without a value.
	const conditions = told.length === 0 ? [{}] : told;
	return element(
		'organizer',
		{ classCode: 'CLUSTER', moodCode: 'EVN' },
		template('family history'),
		ownId(draft, member),
		status('completed'),
		element(
			'subject',
			{},
			element(
				'relatedSubject',
				{ classCode: 'PRS' },
				code('code', member.relationship, { systems: [roleCode], only: true }),
				element(
					'subject',
					{},
					sex === undefined
						? nothing('administrativeGenderCode')
						: fixed('administrativeGenderCode', 'http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender', ...sex),
					time('birthTime', member.bornDate),
					member.deceasedBoolean === true || member.deceasedAge !== undefined ? element('sdtc:deceasedInd', { value: 'true' }) : undefined,
				),
			),
		),
		keptConcepts(member, 'detail').map((detail) => element('component', {}, detailObservation(detail))),
		conditions.map((condition, i) =>
			element('component', {}, familyObservation(draft, member, condition, { part: String(i + 1), row: `${id}_${i + 1}` })),
		),
	);
}

type FamilyCondition = NonNullable<FamilyHistory['condition']>[number];

function familyObservation(
	draft: Draft,
	member: FamilyHistory,
	condition: FamilyCondition,
	{ part, row }: { readonly part: string; readonly row: string },
): Element {
	const what: Concept | undefined = condition.code;
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('family history observation'),
		ownId(draft, member, part),
		familyKind(condition),
		pointer(row),
		status('completed'),
		time('effectiveTime', member.date),
		what === undefined
			? element('value', { 'xsi:type': 'CD', nullFlavor: 'NI' })
			: code('value', what, { type: 'CD', systems: [snomed], only: true, reference: `${row}_name` }),
		condition.onsetAge === undefined ? undefined : related('SUBJ', ageObservation(condition.onsetAge), true),
		keptConcepts(condition, 'detail').map((detail) => related('COMP', detailObservation(detail))),
		condition.contributedToDeath === true ? related('CAUS', deathObservation(draft, member, part)) : undefined,
	);
}

/** What kind of condition it is, when a document told; LOINC's code has to be there too. */
function familyKind(condition: FamilyCondition): Element {
	const plain = { system: loinc, code: '75323-6', display: 'Condition' };
	const told = keptConcepts(condition, 'problem-type')[0]?.coding?.filter((one) => one.code !== plain.code) ?? [];
	const first = told.length > 0 ? told : [{ system: snomed, code: '64572001', display: 'Condition' }];
	return code('code', { coding: [...first, plain] });
}

function ageObservation(age: NonNullable<FamilyCondition['onsetAge']>): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('age observation'),
		fixed('code', snomed, '445518008', 'Age At Onset'),
		status('completed'),
		quantity('value', age, 'PQ'),
	);
}

function deathObservation(draft: Draft, member: FamilyHistory, part: string): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('family history death'),
		ownId(draft, member, `death-${part}`),
		element('code', { code: 'ASSERTION', codeSystem: '2.16.840.1.113883.5.4' }),
		status('completed'),
		fixed('value', snomed, '419099009', 'Dead', 'CD'),
		member.deceasedAge === undefined ? undefined : related('SUBJ', ageObservation(member.deceasedAge), true),
	);
}
