// Every rule of an installation that writes have to keep, whichever API they come through.
import { clearOfOthers } from '#clinic/appointments/rule.ts';
import type { Rule } from '#fhir/ctx.ts';

/** By the type of resource that they are about. */
export const allRules: ReadonlyMap<string, Rule> = new Map([['Appointment', clearOfOthers]]);
