// Every operation of the server. What is in this table has routes, is in the CapabilityStatement and under /OperationDefinition.
import { asyncStatus } from './async-status.ts';
import { convert } from './convert.ts';
import { encounterEverything } from './everything/encounter-everything.ts';
import { patientEverything } from './everything/patient-everything.ts';
import { graphql } from './graphql.ts';
import { lastn } from './lastn.ts';
import { meta } from './meta.ts';
import { metaAdd } from './meta-add.ts';
import { metaDelete } from './meta-delete.ts';
import type { Operation } from './operation.ts';
import { expandValueSet } from './terminology/expand.ts';
import { lookup } from './terminology/lookup.ts';
import { subsumes } from './terminology/subsumes.ts';
import { translate } from './terminology/translate.ts';
import { validateCode } from './terminology/validate-code.ts';
import { validateSystemCode } from './terminology/validate-code-system.ts';
import { validate } from './validate.ts';
import { versions } from './versions.ts';

export const operations: readonly Operation[] = [
	asyncStatus,
	convert,
	encounterEverything,
	expandValueSet,
	graphql,
	lastn,
	lookup,
	meta,
	metaAdd,
	metaDelete,
	patientEverything,
	subsumes,
	translate,
	validate,
	validateCode,
	validateSystemCode,
	versions,
];
