// Rules of recurrence (https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10) as the walls' times of their occurrences: what is at nine
// stays at nine when the clocks change.
import { RRuleTemporal } from 'rrule-temporal';
import { recurrenceWrong } from './problems.ts';
import { type Wall, wallOf } from './wall-time.ts';

/** Occurrences that one series may have. */
export const maxOccurrences = 400;

const parts = new Set([
	'FREQ',
	'INTERVAL',
	'COUNT',
	'UNTIL',
	'WKST',
	'BYDAY',
	'BYMONTHDAY',
	'BYYEARDAY',
	'BYWEEKNO',
	'BYMONTH',
	'BYSETPOS',
]);
const frequencies = new Set(['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY']);

/** A rule as it is kept: capitals, without `RRULE:` and blanks. Throws Problem invalid `recurrence-wrong`. */
export function readRule(text: string): string {
	const rule = text
		.trim()
		.replace(/^RRULE:/i, '')
		.toUpperCase();
	const entries = rule.split(';').map((part) => part.split('='));
	const names = entries.map(([name = '']) => name);
	const wrong = entries.find(([name = '', value = '', ...more]) => !parts.has(name) || value === '' || more.length > 0);
	if (wrong !== undefined) throw recurrenceWrong(`"${wrong.join('=').slice(0, 60)}" is no part of a rule for appointments (RFC 5545).`);
	if (new Set(names).size < names.length) throw recurrenceWrong('A part of the rule comes twice.');
	const partOf = (name: string): string | undefined => entries.find((entry) => entry[0] === name)?.[1];
	if (!frequencies.has(partOf('FREQ') ?? '')) throw recurrenceWrong('FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY.');
	const [count, until] = [partOf('COUNT'), partOf('UNTIL')];
	if ((count === undefined) === (until === undefined)) throw recurrenceWrong('The rule needs either COUNT or UNTIL to end by.');
	if (count !== undefined && !/^[1-9]\d{0,5}$/.test(count)) throw recurrenceWrong('COUNT must be a number from 1.');
	if (until !== undefined && !/^\d{8}(T\d{6}Z?)?$/.test(until))
		throw recurrenceWrong('UNTIL must be a date or a time, such as 20271231 or 20271231T235959Z.');
	return rule;
}

/**
 * When the wall shows the occurrences of what begins at `start`, which is the first of them. Throws Problem invalid `recurrence-wrong` also
 * for a start that does not follow the rule and for more than `maxOccurrences`.
 */
export function occurrencesOf(text: string, start: Wall): Wall[] {
	const rule = readRule(text);
	const until = /UNTIL=(\w+)/.exec(rule)?.[1];
	const atWall = until === undefined ? rule : rule.replace(`UNTIL=${until}`, `UNTIL=${compact(untilWall(until))}`);
	const found = expand(`DTSTART:${compact(start)}\nRRULE:${atWall}`);
	if (found[0] !== start) throw recurrenceWrong('The first appointment is on none of the days of the rule.');
	if (found.length > maxOccurrences) throw recurrenceWrong(`The rule gives more than ${maxOccurrences} appointments.`);
	return found;
}

/** The rule in a zone without clock changes, where wall times are moments. */
function expand(rules: string): Wall[] {
	try {
		const rule = new RRuleTemporal({ rruleString: rules, maxIterations: 20_000 });
		return rule.all((_, i) => i <= maxOccurrences).map(({ epochMilliseconds }) => epochMilliseconds);
	} catch (cause) {
		throw recurrenceWrong(`The rule cannot be followed: ${cause instanceof Error ? cause.message.slice(0, 200) : 'it gives nothing'}.`);
	}
}

/** The last moment of a rule on the wall: dates run to their end, times in UTC are moments, others are the wall's already. */
function untilWall(until: string): Wall {
	const day = `${until.slice(0, 4)}-${until.slice(4, 6)}-${until.slice(6, 8)}`;
	const time = until.length > 8 ? `${until.slice(9, 11)}:${until.slice(11, 13)}:${until.slice(13, 15)}` : '23:59:59';
	const moment = new Date(`${day}T${time}Z`);
	if (Number.isNaN(moment.getTime())) throw recurrenceWrong('UNTIL is no day of the calendar.');
	return until.endsWith('Z') ? wallOf(moment) : moment.getTime();
}

function compact(wall: Wall): string {
	return new Date(wall).toISOString().replace(/[-:]|\.\d+/g, '');
}
