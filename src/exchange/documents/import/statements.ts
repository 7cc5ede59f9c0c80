// Which part of the reader takes which statement: by the root of its template (see `common`), otherwise by its class.
import { templateIdsOf } from '#formats/ccda/document.ts';
import { child } from '#formats/ccda/tree.ts';
import { allergy } from './allergies.ts';
import { careTeam, coverage, family, goal, note } from './care.ts';
import { concern, problem, visitDiagnosis } from './conditions.ts';
import { encounter } from './encounters.ts';
import { aloneDispense, immunization, isVaccine, medication } from './medications.ts';
import { observation, organizer, results, vitals } from './observations.ts';
import { act, activity, instruction, intervention, procedure, referral, supply } from './procedures.ts';
import { common, conceptAt, innerOf, type Maker, moodOf } from './reading.ts';

/** Discharge and admission medication (22.4.35, 22.4.36) and the like hold what they are about. */
const holder: Maker = (reading, statement, where) => innerOf(reading, statement).readOthers(where.parent, where);

/** A mention of something that stands elsewhere in the document (22.4.122) is not a fact of its own. */
const mention: Maker = () => [];

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
	'22.4.16': medication,
	'22.4.42': medication,
	'22.4.18': aloneDispense,
	'22.4.52': immunization,
	'22.4.120': immunization,
	'22.4.1': results,
	'22.4.26': vitals,
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
	act,
	encounter,
	observation: (reading, statement, where) =>
		(moodOf(statement) === 'EVN' || conceptAt(reading, statement) === undefined ? observation : procedure)(reading, statement, where),
	organizer,
	procedure,
	substanceAdministration: (reading, statement, where) => (isVaccine(statement) ? immunization : medication)(reading, statement, where),
	supply: (reading, statement, where) =>
		(child(child(child(statement, 'product'), 'manufacturedProduct'), 'manufacturedMaterial') === undefined ? supply : aloneDispense)(
			reading,
			statement,
			where,
		),
	observationMedia: mention,
	regionOfInterest: mention,
};

export const readStatement: Maker = (reading, statement, where) => {
	for (const root of templateIdsOf(statement)) {
		const maker = root.startsWith(common) ? byTemplate[root.slice(common.length)] : undefined;
		if (maker !== undefined) return maker(reading, statement, where);
	}
	return (byClass[statement.name] ?? mention)(reading, statement, where);
};
