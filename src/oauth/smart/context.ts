// What an app knows of where it was launched, https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#launch-context-arrives-with-your-access_token

export type FhirContext = { readonly reference?: string; readonly canonical?: string; readonly role?: string; readonly type?: string };

export type LaunchContext = {
	/** Ids of a Patient and an Encounter. */
	readonly patient?: string;
	readonly encounter?: string;
	/** Other resources that are open, e.g. an appointment. */
	readonly fhirContext?: readonly FhirContext[];
	/** Why the app was launched. */
	readonly intent?: string;
	/** Whether the app has to show who the patient is: false within our own chart. */
	readonly need_patient_banner?: boolean;
};

/** The members of a token answer that scopes entitle an app to. */
export function contextMembers(context: LaunchContext, styleUrl: string): Record<string, unknown> {
	if (context.patient === undefined && context.encounter === undefined && context.intent === undefined) return {};
	return { need_patient_banner: true, ...context, smart_style_url: styleUrl, tenant: 'default' };
}
