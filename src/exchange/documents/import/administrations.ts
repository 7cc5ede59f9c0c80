// Medicines that were given: MedicationAdministration. Nothing of US Core's or of https://hl7.org/fhir/us/ccda/ says how; the template
// says what tells them apart (https://www.hl7.org/ccdasearch/templates/2.16.840.1.113883.10.20.22.4.16.html).
import { at, child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import { isInterval, quantityOf } from '#formats/ccda/values.ts';
import { reasons } from './conditions.ts';
import { activityOf, materialOf } from './medications.ts';
import {
	actorsOf,
	conceptAt,
	identified,
	innerOf,
	isNegated,
	type Maker,
	moodOf,
	notesOf,
	present,
	type Reading,
	statusOf,
	subject,
	timed,
	type Where,
} from './reading.ts';

/** Medications Administered, and Anesthesia, whose medicines are those that were given for it. */
const givenThere = new Set(['29549-3', '59774-0']);
/** Medicines of home before and after a stay. */
const takenThere = new Set(['42346-7', '10183-2', '75311-1']);

/**
 * Whether a statement tells of a medicine that was given: the section says so, or the procedure that it is within, or the statement, which has
 * the moment of one single administration. A day alone may be the first on which it was taken.
 */
export function isGiven({ items }: Reading, statement: Element, { sectionCode = '', parent }: Where): boolean {
	if (moodOf(statement) !== 'EVN') return false;
	if (givenThere.has(sectionCode)) return true;
	if (parent !== undefined && items.find(({ fullUrl }) => fullUrl === parent)?.resource.resourceType === 'Procedure') return true;
	const [time, ...others] = childrenOf(statement, 'effectiveTime');
	const isMoment = time !== undefined && others.length === 0 && !isInterval(time) && /^\d{12}/.test(time.attributes.value ?? '');
	return isMoment && statusOf(statement) === 'completed' && !isNegated(statement) && !takenThere.has(sectionCode);
}

const states: Readonly<Record<string, string>> = {
	active: 'in-progress',
	completed: 'completed',
	aborted: 'stopped',
	cancelled: 'not-done',
	suspended: 'on-hold',
	held: 'on-hold',
	nullified: 'entered-in-error',
};

const unknown = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] };

/** Medication activity (22.4.16) that was carried out. */
export const administration: Maker = (reading, statement, where) => {
	const inner = innerOf(reading, statement);
	const { sig, instructions, extension } = activityOf(reading, statement, inner);
	const effective = timed(reading, statement, 'effective');
	const parent = reading.items.find(({ fullUrl }) => fullUrl === where.parent)?.resource.resourceType;
	const urn = reading.add(
		where,
		present({
			resourceType: 'MedicationAdministration',
			...identified(statement),
			extension,
			partOf: parent === 'Procedure' ? [{ reference: where.parent }] : [],
			status: isNegated(statement) ? 'not-done' : (states[statusOf(statement) ?? ''] ?? 'unknown'),
			medicationCodeableConcept: materialOf(reading, at(statement, 'consumable', 'manufacturedProduct')) ?? { text: 'Unknown' },
			subject,
			context: where.encounter === undefined ? undefined : { reference: where.encounter },
			...effective,
			_effectiveDateTime: Object.keys(effective).length === 0 ? unknown : undefined,
			performer: actorsOf(statement, 'performer').map((actor) => ({ actor })),
			reasonCode: reasons(reading, inner.take('22.4.19')),
			note: [...notesOf(reading, inner), ...instructions.map((text) => ({ text }))],
			dosage: dosage(reading, statement, sig),
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};

/** How it was given. There has to be an amount or a rate (mad-1); one that is not told is said to be unknown. */
function dosage(reading: Reading, statement: Element, sig: string | undefined): object | undefined {
	const told = [sig, everySoOften(statement)].filter((text) => text !== undefined);
	const rate = quantityOf(child(statement, 'rateQuantity'));
	const how = present({
		text: told.length === 0 ? undefined : told.join(', '),
		site: conceptAt(reading, statement, 'approachSiteCode'),
		route: conceptAt(reading, statement, 'routeCode'),
		dose: quantityOf(child(statement, 'doseQuantity')),
		rateQuantity: rate,
	});
	if (Object.keys(how).length === 0) return undefined;
	return how.dose !== undefined || rate !== undefined ? how : { ...how, dose: unknown };
}

/** FHIR has no place for how often something was given from then to then. */
function everySoOften(statement: Element): string | undefined {
	const [period] = childrenOf(statement, 'effectiveTime')
		.map((time) => child(time, 'period'))
		.filter((one) => one?.attributes.value !== undefined);
	return period === undefined ? undefined : `every ${period.attributes.value} ${period.attributes.unit ?? ''}`.trim();
}
