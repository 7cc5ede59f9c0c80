// How the import of documents is refused. The codes are for ever.
import { Problem } from '#base/problem.ts';

/** A DocumentReference that did not come in as a C-CDA document. */
export function documentUnknown(): Problem {
	return new Problem('not-found', 'document-not-incoming', 'This is no document that came in with $import-ccda.');
}

export function patientSettled(): Problem {
	return new Problem('conflict', 'document-patient-settled', 'The document is filed under a patient already.');
}

export function patientDiffers(): Problem {
	return new Problem(
		'conflict',
		'document-patient-differs',
		"Family name or date of birth in the document differ from the patient's. To file it all the same, send confirm=true.",
	);
}

export function noPatient(): Problem {
	return new Problem('invalid', 'document-without-patient', 'The document names no patient; say under whom it is to be filed.');
}

export function unmatched(): Problem {
	return new Problem('conflict', 'document-unmatched', 'The document has no patient yet; use $match first.');
}

/** A key that is not in the document, was decided before, or has nothing of ours to replace. */
export function decisionUnknown(key: string, decided: string | undefined): Problem {
	const text =
		decided === undefined
			? `The document has no item ${key.slice(0, 40)} that this could be done with.`
			: `The item ${key} was decided before: ${decided}.`;
	return new Problem('invalid', 'document-item-unknown', text);
}
