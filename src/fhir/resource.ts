// The words of the record that every file in this room shares.

/** A FHIR resource in its JSON form, https://hl7.org/fhir/R4/json.html. */
export type Resource = {
	resourceType: string;
	id?: string;
	meta?: Meta;
	[element: string]: unknown;
};

export type Meta = {
	versionId?: string;
	lastUpdated?: string;
	source?: string;
	profile?: string[];
	security?: Coding[];
	tag?: Coding[];
	[element: string]: unknown;
};

export type Coding = { system?: string; version?: string; code?: string; display?: string; userSelected?: boolean };

/** A stored version as it is served: the body is never parsed on the way out. */
export type Stored = {
	readonly type: string;
	readonly id: string;
	readonly rid: number;
	readonly version: number;
	/** Milliseconds since the epoch. */
	readonly updated: number;
	/** How this version came to be: C created by the server's id, U updated or created by the client's id, D deleted. */
	readonly op: 'C' | 'U' | 'D';
	/** The exact JSON text to send, id and meta included; empty for D. */
	readonly body: string;
};
