// How bookings are refused. The codes are for ever.
import { type Issue, Problem } from '#base/problem.ts';

function refusal(kind: 'invalid' | 'conflict', code: string, type: string, text: string, path: string): Problem {
	const issue: Issue = { severity: 'error', type, code, text, path };
	return new Problem(kind, code, text, { issues: [issue], path });
}

/** The category is not one of this installation's, or no longer offered. */
export function categoryUnknown(named: string): Problem {
	return refusal(
		'invalid',
		'category-unknown',
		'code-invalid',
		`"${named.slice(0, 80)}" is no category of appointments here.`,
		'appointmentType',
	);
}

/** A visit of nobody. */
export function patientMissing(category: string): Problem {
	return refusal('invalid', 'patient-missing', 'required', `An appointment of the category "${category}" needs a patient.`, 'participant');
}

/** No time to begin at, or an end that is not after it. */
export function timesWrong(text: string): Problem {
	return refusal('invalid', 'times-wrong', 'value', text, 'start');
}

/** Longer than the clinic's rules can see. */
export function tooLong(): Problem {
	return timesWrong('An appointment is 25 hours long at most; book several for more.');
}

/** Somebody or something needed is taken at that time. */
export function overlaps(text: string): Problem {
	return refusal('conflict', 'appointment-overlap', 'conflict', text, 'start');
}

/** The rule of recurrence cannot be understood or followed. */
export function recurrenceWrong(text: string): Problem {
	return refusal('invalid', 'recurrence-wrong', 'value', text, 'recurrence');
}

/** The appointment was deleted. */
export function appointmentStruck(id: string): Problem {
	const text = `Appointment/${id} was entered in error.`;
	return new Problem('gone', 'appointment-struck', text, {
		issues: [{ severity: 'error', type: 'deleted', code: 'appointment-struck', text }],
	});
}
