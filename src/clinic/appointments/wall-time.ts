// Moments on the clock of the wall: the server's own time zone (TZ), as everything that people type is meant. Times that a change of the
// clocks leaves out are taken as the same length of time after the last midnight, and of times that come twice the first is meant, as
// https://www.rfc-editor.org/rfc/rfc5545#section-3.3.5 has it and ECMAScript's Date does.

/** A date and time without a zone, as milliseconds since 1970 if the wall were at Greenwich. */
export type Wall = number;

/** What the wall shows at a moment. */
export function wallOf(moment: Date): Wall {
	return Date.UTC(
		moment.getFullYear(),
		moment.getMonth(),
		moment.getDate(),
		moment.getHours(),
		moment.getMinutes(),
		moment.getSeconds(),
		moment.getMilliseconds(),
	);
}

/** The moment at which the wall shows this. */
export function momentOf(wall: Wall): Date {
	const shown = new Date(wall);
	return new Date(
		shown.getUTCFullYear(),
		shown.getUTCMonth(),
		shown.getUTCDate(),
		shown.getUTCHours(),
		shown.getUTCMinutes(),
		shown.getUTCSeconds(),
		shown.getUTCMilliseconds(),
	);
}

/** A moment as a FHIR instant with the wall's offset at that time. */
export function instantOf(moment: Date): string {
	const wall = wallOf(moment);
	const minutes = Math.round((wall - moment.getTime()) / 60_000);
	const text = new Date(wall).toISOString();
	const size = Math.abs(minutes);
	const pad = (value: number): string => String(value).padStart(2, '0');
	const offset = minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
	return `${text.endsWith('.000Z') ? text.slice(0, 19) : text.slice(0, 23)}${offset}`;
}

/** `YYYY-MM-DD HH:MM` of a wall. */
export function textOfWall(wall: Wall): string {
	return new Date(wall).toISOString().slice(0, 16).replace('T', ' ');
}
