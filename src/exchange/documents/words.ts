// FHIR values as people read them, for narratives.
import type { Coding, Concept, Entity, Measure, Name, Note, ObservationPart, Period, Reference, Timed } from './shapes.ts';

/** Words of a concept: its text, else a display, else a code. Empty when it says nothing. */
export function conceptWords(concept: Concept | undefined): string {
	return concept?.text ?? concept?.coding?.find(({ display }) => display !== undefined)?.display ?? concept?.coding?.[0]?.code ?? '';
}

export function conceptsWords(concepts: readonly Concept[] | undefined): string {
	return (concepts ?? [])
		.map(conceptWords)
		.filter((words) => words !== '')
		.join(', ');
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A FHIR date or dateTime, as precise as it is: `Jan 15, 2024 09:00`. The hour is that of the zone it was written in; no line ends within a date. */
export function dateWords(text: string | undefined): string {
	const [, year, month, day, clock] = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d))?)?)?/.exec(text ?? '') ?? [];
	if (year === undefined) return '';
	if (month === undefined) return year;
	const name = months[Number(month) - 1] ?? month;
	if (day === undefined) return `${name}\u00a0${year}`;
	return `${name}\u00a0${Number(day)},\u00a0${year}${clock === undefined ? '' : ` ${clock}`}`;
}

/** An interval; the same moment twice is said once, and the day of its ends when it is one day. */
export function periodWords(period: Period | undefined): string {
	const [start, end] = [dateWords(period?.start), dateWords(period?.end)];
	if (start === '') return end === '' ? '' : `until ${end}`;
	if (end === '') return `from ${start}`;
	if (start === end) return start;
	const day = period?.start?.slice(0, 10);
	return day?.length === 10 && day === period?.end?.slice(0, 10)
		? `${start} – ${end.slice(end.lastIndexOf(' ') + 1)}`
		: `${start} – ${end}`;
}

/** When something was, whichever way it is given. */
export function whenWords(timed: Timed): string {
	const period = periodOf(timed);
	return period.start === period.end ? dateWords(period.start) : periodWords(period);
}

/** When something was, as an interval; a moment is one with equal ends. */
export function periodOf(timed: Timed): Period {
	const moment = timed.effectiveDateTime ?? timed.effectiveInstant ?? timed.performedDateTime ?? timed.occurrenceDateTime;
	if (moment !== undefined) return { start: moment, end: moment };
	const period = timed.effectivePeriod ?? timed.performedPeriod ?? timed.occurrencePeriod;
	if (period !== undefined) return period;
	const start = timed.onsetDateTime ?? timed.onsetPeriod?.start;
	const end = timed.abatementDateTime ?? timed.abatementPeriod?.end ?? timed.abatementPeriod?.start;
	return { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
}

export function measureWords(measure: Measure | undefined): string {
	if (measure?.value === undefined) return '';
	const { comparator = '', value, unit, code } = measure;
	const words = unit ?? code ?? '';
	return `${comparator}${String(value)}${words === '' || words === '1' ? '' : ` ${words}`}`;
}

export function rangeWords(low: Measure | undefined, high: Measure | undefined): string {
	if (low === undefined) return high === undefined ? '' : `≤ ${measureWords(high)}`;
	return high === undefined ? `≥ ${measureWords(low)}` : `${String(low.value ?? '')} – ${measureWords(high)}`;
}

/** The value of an observation or a component of one; empty when there is none. */
export function valueWords(part: ObservationPart): string {
	if (part.valueQuantity !== undefined) return measureWords(part.valueQuantity);
	if (part.valueCodeableConcept !== undefined) return conceptWords(part.valueCodeableConcept);
	if (part.valueString !== undefined) return part.valueString;
	if (part.valueBoolean !== undefined) return part.valueBoolean ? 'Yes' : 'No';
	if (part.valueInteger !== undefined) return String(part.valueInteger);
	if (part.valueDateTime !== undefined) return dateWords(part.valueDateTime);
	if (part.valueTime !== undefined) return part.valueTime;
	if (part.valuePeriod !== undefined) return periodWords(part.valuePeriod);
	if (part.valueRange !== undefined) return rangeWords(part.valueRange.low, part.valueRange.high);
	if (part.valueRatio !== undefined) return `${measureWords(part.valueRatio.numerator)} : ${measureWords(part.valueRatio.denominator)}`;
	return part.dataAbsentReason === undefined ? '' : conceptWords(part.dataAbsentReason);
}

/** The name a person goes by. */
export function nameWords(names: readonly Name[] | undefined): string {
	const name = names?.find(({ use }) => use === 'official') ?? names?.find(({ use }) => use === 'usual') ?? names?.[0];
	if (name === undefined) return '';
	const parts = [...(name.prefix ?? []), ...(name.given ?? []), name.family, ...(name.suffix ?? [])];
	return name.text ?? parts.filter((part) => part !== undefined).join(' ');
}

/** Name of whoever or whatever a resource stands for. */
export function entityWords(entity: Entity | undefined, reference?: Reference): string {
	const { name } = (entity ?? {}) as { name?: unknown };
	if (typeof name === 'string') return name;
	if (Array.isArray(name)) return nameWords(name as Name[]);
	return reference?.display ?? '';
}

export function notesWords(notes: readonly Note[] | undefined): string {
	return (notes ?? [])
		.map(({ text }) => text ?? '')
		.filter((text) => text !== '')
		.join('\n');
}

/** Whether a concept has one of these codes, in whatever system when none is given. */
export function hasCode(concept: Concept | undefined, codes: readonly string[], system?: string): boolean {
	return (
		concept?.coding?.some(
			(coding: Coding) => coding.code !== undefined && codes.includes(coding.code) && (system === undefined || coding.system === system),
		) === true
	);
}

export function anyHasCode(concepts: readonly Concept[] | undefined, codes: readonly string[], system?: string): boolean {
	return concepts?.some((concept) => hasCode(concept, codes, system)) === true;
}

/** A sentence's first letter large, hyphens as spaces: `in-progress` → `In progress`. */
export function codeWords(code: string | undefined): string {
	if (code === undefined || code === '') return '';
	const words = code.replace(/[-_]/g, ' ');
	return words[0]?.toUpperCase() + words.slice(1);
}
