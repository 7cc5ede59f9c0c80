// Which part of the reader takes which statement: by the root of its template (see `common`), otherwise by its class.
import { templateIdsOf } from '#formats/ccda/document.ts';
import { at, child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import { conceptOf } from '#formats/ccda/values.ts';
import { carePlanCode } from '#formats/ccda/vocabulary.ts';
import { administration, isGiven } from './administrations.ts';
import { allergy } from './allergies.ts';
import { carePlan, careTeam, coverage, family, goal, note } from './care.ts';
import { concern, diagnosisSections, problem, visitDiagnosis } from './conditions.ts';
import { encounter } from './encounters.ts';
import { aloneDispense, immunization, isVaccine, medication } from './medications.ts';
import { averagePressure, observation, organizer, results, vitals } from './observations.ts';
import { act, activity, instruction, intervention, procedure, referral, supply } from './procedures.ts';
import { common, conceptAt, extra, type Item, innerOf, type Maker, moodOf, type Reading, statusOf, type Where } from './reading.ts';
import { unsaidIn } from './said.ts';

/** Discharge and admission medication (22.4.35, 22.4.36) and the like hold what they are about. */
const holder: Maker = (reading, statement, where) => innerOf(reading, statement).readOthers(where.parent, where);

/** A mention of something that stands elsewhere in the document (22.4.122) is not a fact of its own. */
const mention: Maker = () => [];

/** A medicine that was given, or one of the medication list. */
const medicine: Maker = (reading, statement, where) =>
	(isGiven(reading, statement, where) ? administration : medication)(reading, statement, where);

const byTemplate: Readonly<Record<string, Maker>> = {
	'22.4.3': concern,
	'22.4.30': concern,
	'22.4.132': concern,
	'22.4.136': concern,
	'22.4.4': problem,
	'22.4.19': problem,
	'22.4.7': allergy,
	'24.3.90': allergy,
	'22.4.33': visitDiagnosis,
	'22.4.34': visitDiagnosis,
	'22.4.51': visitDiagnosis,
	'22.4.65': visitDiagnosis,
	'22.4.80': visitDiagnosis,
	'22.4.35': holder,
	'22.4.36': holder,
	'22.4.122': mention,
	'22.4.13': activity,
	'22.4.20': instruction,
	'22.4.16': medicine,
	'22.4.42': medication,
	'22.4.18': aloneDispense,
	'22.4.52': immunization,
	'22.4.120': immunization,
	'22.4.1': results,
	'22.4.26': vitals,
	'22.4.512': averagePressure,
	'22.4.45': family,
	'22.4.49': encounter,
	'22.4.40': encounter,
	'22.4.60': coverage,
	'22.4.121': goal,
	'22.4.144': observation,
	'22.4.500': careTeam,
	'22.4.202': note,
	'22.4.50': supply,
	'22.4.43': supply,
	'22.4.131': intervention,
	'22.4.146': intervention,
	'22.4.140': referral,
	'22.4.135': organizer,
};

const byClass: Readonly<Record<string, Maker>> = {
	act: (reading, statement, where) => actMaker(statement)(reading, statement, where),
	encounter,
	observation: (reading, statement, where) =>
		(moodOf(statement) === 'GOL'
			? goal
			: moodOf(statement) === 'EVN' || conceptAt(reading, statement) === undefined
				? observation
				: procedure)(reading, statement, where),
	organizer,
	procedure,
	substanceAdministration: (reading, statement, where) => (isVaccine(statement) ? immunization : medicine)(reading, statement, where),
	supply: (reading, statement, where) =>
		(child(child(child(statement, 'product'), 'manufacturedProduct'), 'manufacturedMaterial') === undefined ? supply : aloneDispense)(
			reading,
			statement,
			where,
		),
	observationMedia: mention,
	regionOfInterest: mention,
};

const orObservation =
	(test: (statement: Element) => boolean, maker: Maker): Maker =>
	(reading, statement, where) =>
		(test(statement) ? maker : observation)(reading, statement, where);

const ofProblems = { act: concern, observation: orObservation(isCoded, problem) };

/** What stands in a section without a template that we know is of the kind that the section is for. */
const bySection: Readonly<Record<string, Readonly<Record<string, Maker>>>> = {
	'48765-2': { act: concern, observation: orObservation(isAllergy, allergy) },
	'11450-4': ofProblems,
	'11348-0': ofProblems,
	...Object.fromEntries([...diagnosisSections].map((section) => [section, ofProblems])),
	'75310-3': { act: concern },
	'11369-6': { substanceAdministration: immunization },
	'30954-2': { organizer: results },
	'8716-3': { organizer: vitals },
	'10157-6': { organizer: family },
	'48768-6': { act: coverage },
	'85847-2': { organizer: careTeam },
};

/** Acts that are told by what they say: a care plan, a note, and what a patient was told, which is meant to be done and said already. */
function actMaker(statement: Element): Maker {
	const code = child(statement, 'code')?.attributes.code;
	if (code === carePlanCode) return carePlan;
	if (code === '34109-9') return note;
	return moodOf(statement) === 'INT' && statusOf(statement) === 'completed' ? instruction : act;
}

function isAllergy(statement: Element): boolean {
	return childrenOf(statement, 'participant').some((one) => at(one, 'participantRole', 'playingEntity') !== undefined);
}

function isCoded(statement: Element): boolean {
	return /^(.*:)?C[DEVO]$/.test(child(statement, 'value')?.attributes['xsi:type'] ?? '');
}

/** Templates that say more than others beside them: in C32 an allergy is a problem too, and a vaccine a medicine. */
const particular = ['22.4.7', '22.4.52'];

function makerFor(statement: Element, { sectionCode, parent }: Where): Maker {
	const templates = templateIdsOf(statement).flatMap((root) => (root.startsWith(common) ? [root.slice(common.length)] : []));
	const known = templates.filter((one) => byTemplate[one] !== undefined);
	const one = particular.find((template) => known.includes(template)) ?? known[0];
	const ofSection =
		parent === undefined && /^(EVN|DEF)$/.test(moodOf(statement)) ? bySection[sectionCode ?? '']?.[statement.name] : undefined;
	return byTemplate[one ?? ''] ?? ofSection ?? byClass[statement.name] ?? mention;
}

/** Reads a statement; codes that its maker has no place for are kept with what it made first. */
export const readStatement: Maker = (reading, statement, where) => {
	const before = reading.items.length;
	const urns = makerFor(statement, where)(reading, statement, where);
	const made = reading.items.slice(before);
	const holder = made.find(({ fullUrl }) => fullUrl === urns[0]) ?? made[0];
	if (holder !== undefined) keepUnsaid(reading, statement, holder, made);
	return urns;
};

function keepUnsaid({ document }: Reading, statement: Element, { resource }: Item, made: readonly Item[]): void {
	const unsaid = unsaidIn(
		statement,
		made.map((item) => item.resource),
	);
	if (unsaid.length === 0) return;
	const details = unsaid.flatMap(({ element }) => extra('detail', conceptOf(element, document)));
	resource.extension = [...((resource.extension as object[] | undefined) ?? []), ...details];
}
