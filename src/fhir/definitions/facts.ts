// The facts Heron keeps of FHIR's definitions: what a validator, an indexer and a search need to know, and nothing to read.

export type Json = string | number | boolean | null | { [name: string]: Json } | Json[];

export type TypeFacts = {
	readonly code: string;
	readonly profiles?: readonly string[];
	readonly targets?: readonly string[];
	/** Those of the targets that must be supported, where a guide says of which. */
	readonly must?: readonly string[];
};

export type ConstraintFacts = {
	readonly key: string;
	readonly severity: 'error' | 'warning';
	readonly expression: string;
	readonly human: string;
};

export type SlicingFacts = {
	readonly discriminators: readonly { readonly type: string; readonly path: string }[];
	readonly rules: 'open' | 'closed' | 'openAtEnd';
	readonly ordered?: true;
};

/** One element of a snapshot. */
export type ElementFacts = {
	/** E.g. `Patient.contact.name`; choice elements end in `[x]`. */
	readonly path: string;
	/** Element id with slices, e.g. `Patient.extension:race.url`; absent when the same as path. */
	readonly id?: string;
	readonly min: number;
	/** -1 stands for `*`. */
	readonly max: number;
	/** The maximum of the element this one constrains (base.max): decides between array and single value in JSON. */
	readonly array?: true;
	readonly types?: readonly TypeFacts[];
	/** The element whose children these are, e.g. `Bundle.link`. */
	readonly contentRef?: string;
	readonly binding?: {
		readonly strength: 'required' | 'extensible' | 'preferred' | 'example';
		readonly valueSet: string;
		readonly maxValueSet?: string;
	};
	readonly fixed?: Json;
	readonly pattern?: Json;
	readonly constraints?: readonly ConstraintFacts[];
	readonly slicing?: SlicingFacts;
	readonly slice?: string;
	readonly maxLength?: number;
	readonly minValue?: Json;
	readonly maxValue?: Json;
	readonly modifier?: true;
	readonly mustSupport?: true;
	/** US Core: asked for by the United States Core Data for Interoperability, though not marked as must-support. */
	readonly uscdi?: true;
	readonly summary?: true;
};

/** A StructureDefinition. */
export type StructureFacts = {
	readonly url: string;
	readonly version?: string;
	readonly name: string;
	readonly type: string;
	readonly kind: 'resource' | 'complex-type' | 'primitive-type' | 'logical';
	readonly abstract?: true;
	readonly base?: string;
	readonly derivation?: 'specialization' | 'constraint';
	/** Of extensions: where they may stand. */
	readonly context?: readonly { readonly type: string; readonly expression: string }[];
	/** Of extensions: FHIRPath that must hold for the element they stand in. */
	readonly contextInvariants?: readonly string[];
	readonly elements: readonly ElementFacts[];
};

export type ValueSetFacts = {
	readonly url: string;
	readonly version?: string;
	/** Every code that is in, by system. */
	readonly codes: Readonly<Record<string, readonly string[]>>;
	/** Systems of which it takes all codes or a part we cannot list; membership of their codes is unknown. */
	readonly open?: readonly string[];
};

export type SearchParameterFacts = {
	readonly url: string;
	readonly code: string;
	readonly type: 'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special';
	/** The one type these facts are about. */
	readonly base: string;
	/** Only the parts of the expression that speak about `base`. */
	readonly expression: string;
	readonly targets?: readonly string[];
	readonly components?: readonly { readonly definition: string; readonly expression: string }[];
	/** Number within the type: names the parameter in the index for ever. */
	readonly number: number;
};

export type CompartmentFacts = { readonly code: string; readonly params: Readonly<Record<string, readonly string[]>> };

/** What a guide asks of servers, by its CapabilityStatement. */
export type ServerFacts = {
	readonly url: string;
	readonly version?: string;
	readonly resources: readonly {
		readonly type: string;
		readonly profiles: readonly string[];
		readonly params: readonly string[];
		/** Parameters that are searched for together. */
		readonly combinations: readonly { readonly required: readonly string[]; readonly optional: readonly string[] }[];
		readonly includes: readonly string[];
		readonly revincludes: readonly string[];
	}[];
};

/** What a FHIR NPM package (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification) comes down to. */
export type PackageFacts = {
	readonly name: string;
	readonly version: string;
	readonly structures: readonly StructureFacts[];
	readonly valueSets: readonly ValueSetFacts[];
	readonly searchParameters: readonly Omit<SearchParameterFacts, 'number'>[];
	/** Absent in packages that were added before they were kept. */
	readonly servers?: readonly ServerFacts[];
	/** What could not be taken, and why. */
	readonly refused: readonly string[];
};
