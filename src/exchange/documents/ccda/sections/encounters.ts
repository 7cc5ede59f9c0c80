// Encounters with their diagnoses.
import {
	type Draft,
	isWithin,
	latestFirst,
	marked,
	ownId,
	pointer,
	rowId,
	type Section,
	tableSection,
} from '#exchange/documents/ccda/draft.ts';
import { indications, loinc, problemObservation, reasonWords, related, when } from '#exchange/documents/ccda/entries.ts';
import { kept, keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { performer, serviceLocation, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Concept, Condition, Encounter, Reference } from '#exchange/documents/shapes.ts';
import { anyHasCode, codeWords, conceptWords, hasCode, periodWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, fixed } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

const cpt = 'http://www.ama-assn.org/go/cpt';

export function encounters(draft: Draft): Section {
	const visits = draft.record
		.list<Encounter>('Encounter')
		.filter((one) => one.status !== 'cancelled' && one.status !== 'planned' && isWithin(draft, one.period ?? {}));
	return tableSection(
		'encounters',
		['Visit', 'When', 'Status', 'Reason', 'Diagnoses', 'Seen by', 'Place', 'Discharged to'],
		latestFirst(visits, ({ period }) => period?.start).map((encounter) => {
			const id = rowId('encounters', encounter);
			const [place] = encounter.location ?? [];
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(kindOf(encounter))),
					periodWords(encounter.period),
					codeWords(encounter.status),
					reasonWords(draft, encounter),
					diagnosesOf(draft, encounter)
						.map((condition) => conceptWords(condition.code))
						.join(', '),
					(encounter.participant ?? [])
						.map(({ individual }) => whoWords(draft, individual, encounter))
						.filter((words) => words !== '')
						.join(', '),
					whoWords(draft, place?.location, encounter) || whoWords(draft, encounter.serviceProvider, encounter),
					conceptWords(encounter.hospitalization?.dischargeDisposition),
				],
				entry: activity(draft, encounter, id),
			};
		}),
	);
}

/** What kind of visit it was: its type, with its class as a further coding. */
export function kindOf({ type, class: kind }: Encounter): Concept | undefined {
	const [first] = type ?? [];
	const coding = [...(type ?? []).flatMap((one) => one.coding ?? []), ...(kind?.code === undefined ? [] : [kind])];
	if (first === undefined && coding.length === 0) return undefined;
	const text = first === undefined ? (kind?.display ?? kind?.code) : conceptWords(first);
	return { coding, ...(text === undefined || text === '' ? {} : { text }) };
}

/** Diagnoses that the visit names, and those that name the visit. */
export function diagnosesOf({ record }: Draft, encounter: Encounter): Condition[] {
	const named = (encounter.diagnosis ?? [])
		.map(({ condition }) => record.find<Condition>(condition, encounter))
		.filter((one) => one !== undefined);
	const naming = record
		.list<Condition>('Condition')
		.filter((one) => one.encounter?.reference === `Encounter/${encounter.id}` && anyHasCode(one.category, ['encounter-diagnosis']));
	return [...new Set([...named, ...naming])];
}

const uses = [
	['AD', '46241-6', 'Hospital admission diagnosis'],
	['DD', '11535-2', 'Hospital discharge diagnosis'],
] as const;

/** In which part of the stay a diagnosis was made, as translations of its act's code. */
function useOf({ record }: Draft, encounter: Encounter, condition: Condition): Element[] {
	const use = encounter.diagnosis?.filter((one) => record.find<Condition>(one.condition, encounter) === condition).map((one) => one.use);
	return uses
		.filter(([code]) => use?.some((one) => hasCode(one, [code])) === true)
		.map(([, code, display]) => fixed('translation', loinc, code, display));
}

/** Who took part, and as what: FHIR's own kinds of taking part say no function. */
function performerAs(draft: Draft, encounter: Encounter, who: Reference | undefined, role: Concept | undefined): Element | undefined {
	const made = performer(draft, who, encounter);
	const isFunction = role?.coding?.some(({ system }) => system !== participationType) === true;
	return made === undefined || role === undefined || !isFunction
		? made
		: element(made.name, made.attributes, code('sdtc:functionCode', role), made.children);
}

const participationType = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';

function activity(draft: Draft, encounter: Encounter, id: string): Element {
	const [place] = encounter.location ?? [];
	const disposition = encounter.hospitalization?.dischargeDisposition;
	return element(
		'encounter',
		{ classCode: 'ENC', moodCode: 'EVN' },
		template('encounter activity'),
		ownId(draft, encounter),
		code('code', kindOf(encounter), { systems: [cpt], reference: `${id}_name` }),
		pointer(id),
		when(encounter.period ?? {}, true),
		disposition === undefined ? undefined : code('sdtc:dischargeDispositionCode', disposition),
		(encounter.participant ?? []).map(({ individual, type }) => performerAs(draft, encounter, individual, type?.[0])),
		kept(encounter, 'detail'),
		serviceLocation(draft, place?.location ?? encounter.serviceProvider, encounter, keptConcepts(encounter, 'location-type')[0]),
		indications(draft, encounter).map((reason) => related('RSON', reason)),
		diagnosesOf(draft, encounter).map((condition) =>
			related(
				'COMP',
				element(
					'act',
					{ classCode: 'ACT', moodCode: 'EVN' },
					template('encounter diagnosis'),
					element('code', fixed('code', loinc, '29308-4', 'Diagnosis').attributes, useOf(draft, encounter, condition)),
					related('SUBJ', problemObservation(draft, condition, undefined, `of-${encounter.id}`)),
				),
			),
		),
	);
}
