// Every operation of the server. What is in this table has routes, is in the CapabilityStatement and under /OperationDefinition.
import { asyncStatus } from './async-status.ts';
import { convert } from './convert.ts';
import type { Operation } from './operation.ts';
import { versions } from './versions.ts';

export const operations: readonly Operation[] = [asyncStatus, convert, versions];
