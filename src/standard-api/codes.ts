// OpenEMR's notation of codes, `ICD10:E11.9;SNOMED-CT:44054006`, as codings and back.
import type { Coding } from '#fhir/resource.ts';

/** OpenEMR's names of code systems; the first of a system is the one that is written. */
const systems: readonly (readonly [prefix: string, system: string])[] = [
	['ICD10', 'http://hl7.org/fhir/sid/icd-10-cm'],
	['ICD9', 'http://hl7.org/fhir/sid/icd-9-cm'],
	['ICD10-PCS', 'http://www.cms.gov/Medicare/Coding/ICD10'],
	['SNOMED-CT', 'http://snomed.info/sct'],
	['SNOMED', 'http://snomed.info/sct'],
	['LOINC', 'http://loinc.org'],
	['RXNORM', 'http://www.nlm.nih.gov/research/umls/rxnorm'],
	['RXCUI', 'http://www.nlm.nih.gov/research/umls/rxnorm'],
	['NDC', 'http://hl7.org/fhir/sid/ndc'],
	['CVX', 'http://hl7.org/fhir/sid/cvx'],
	['MVX', 'http://hl7.org/fhir/sid/mvx'],
	['CPT4', 'http://www.ama-assn.org/go/cpt'],
	['CPT', 'http://www.ama-assn.org/go/cpt'],
	['HCPCS', 'http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets'],
	['CDT2', 'http://www.ada.org/cdt'],
	['UNII', 'http://fdasis.nlm.nih.gov'],
	['UCUM', 'http://unitsofmeasure.org'],
	['GTS', 'http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation'],
	['HL70163', 'http://terminology.hl7.org/CodeSystem/v2-0163'],
	['NCI-CONCEPT-ID', 'http://ncimeta.nci.nih.gov'],
];

const systemOf = new Map(systems);
const prefixOf = new Map([...systems].reverse().map(([prefix, system]) => [system, prefix]));

export const codeSystems = {
	icd10: 'http://hl7.org/fhir/sid/icd-10-cm',
	snomed: 'http://snomed.info/sct',
	loinc: 'http://loinc.org',
	rxnorm: 'http://www.nlm.nih.gov/research/umls/rxnorm',
	ndc: 'http://hl7.org/fhir/sid/ndc',
	cvx: 'http://hl7.org/fhir/sid/cvx',
	cpt: 'http://www.ama-assn.org/go/cpt',
} as const;

/** What a text says: codes, and the parts of it that are words. */
export type Codes = { readonly codings: readonly Coding[]; readonly words: readonly string[] };

/**
 * Reads `SYSTEM:code` parts joined by `;`. Systems that OpenEMR has no name for are written `url|code`. A part that names no known system
 * is words: what people type where a code was wanted. Codings that are `known` are found by their notation, whatever else they hold.
 */
export function readCodes(text: string, known: readonly Coding[] = []): Codes {
	const codings: Coding[] = [];
	const words: string[] = [];
	for (const part of text.split(';').map((one) => one.trim())) {
		if (part === '') continue;
		const coding = known.find((one) => writeCode(one) === part) ?? readCode(part);
		if (coding === undefined) words.push(part);
		else codings.push(coding);
	}
	return { codings, words };
}

function readCode(part: string): Coding | undefined {
	const [, prefix = '', code = ''] = /^([A-Za-z][A-Za-z0-9-]*)\s*:\s*(\S+(?: \S+)*)$/.exec(part) ?? [];
	const system = systemOf.get(prefix.toUpperCase());
	if (system !== undefined) return { system, code };
	const [, url = '', given = ''] = /^([a-z][a-z0-9+.-]*:[^\s|]+)\|(\S+)$/.exec(part) ?? [];
	return url === '' ? undefined : { system: url, code: given };
}

/** The notation of a coding; undefined for one without a code. */
export function writeCode({ system, code }: Coding): string | undefined {
	if (code === undefined) return undefined;
	const prefix = system === undefined ? undefined : prefixOf.get(system);
	if (prefix !== undefined) return `${prefix}:${code}`;
	return system === undefined ? code : `${system}|${code}`;
}

/** The notation of codings and words, e.g. `ICD10:E11.9;SNOMED-CT:44054006`; "" for none. */
export function writeCodes(codings: readonly Coding[], words: readonly string[] = []): string {
	return [...codings.flatMap((coding) => writeCode(coding) ?? []), ...words].join(';');
}

/** How records show codes: by code, with what the code stands for. */
export type ExpandedCode = {
	readonly code: string;
	readonly description: string;
	readonly code_type: string;
	readonly system: string;
};

/** Codes and words as records show them, `{ "E11.9": { code, description, code_type, system } }`; "" for none, as OpenEMR has it. */
export function expandCodes(codings: readonly Coding[], words: readonly string[] = []): Record<string, ExpandedCode> | '' {
	const entries = codings.flatMap(({ system = '', code, display = '' }): [string, ExpandedCode][] =>
		code === undefined ? [] : [[code, { code, description: display, code_type: prefixOf.get(system) ?? '', system }]],
	);
	const said = words.map((word): [string, ExpandedCode] => [word, { code: word, description: word, code_type: '', system: '' }]);
	const all = [...entries, ...said];
	return all.length === 0 ? '' : Object.fromEntries(all);
}

/** Codes as a client sends them: the notation, or what a record showed it. undefined for anything else. */
export function codesOf(sent: unknown): Codes | undefined {
	if (typeof sent === 'string') return readCodes(sent);
	if (sent === null || typeof sent !== 'object' || Array.isArray(sent)) return undefined;
	const codings: Coding[] = [];
	const words: string[] = [];
	for (const value of Object.values(sent)) {
		const { code, description, code_type: type, system: given } = (value ?? {}) as Partial<Record<keyof ExpandedCode, unknown>>;
		if (typeof code !== 'string' || code === '') return undefined;
		const system = typeof given === 'string' && given !== '' ? given : systemOf.get(String(type ?? '').toUpperCase());
		if (system === undefined) words.push(code);
		else codings.push({ system, code, ...(typeof description === 'string' && description !== '' ? { display: description } : {}) });
	}
	return { codings, words };
}
