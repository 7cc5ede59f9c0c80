// Puts the parts together for everything that works on an installation: the server, its workers and the command line.
import { join } from 'node:path';
import type { PoolConfig } from 'pg';
import { type Caller, type Ctx, everything } from '#access/ctx.ts';
import { type Clock, systemClock } from '#base/clock.ts';
import { createIds } from '#base/ids.ts';
import { createLog, type Log } from '#base/log.ts';
import { type Database, openDatabase } from '#db/database.ts';
import { type Embedded, startEmbedded } from '#db/embedded.ts';
import { migrate } from '#db/migrate.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { createRegistry } from '#fhir/search/registry.ts';
import { createStore } from '#fhir/store/store.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import type { Settings } from './settings.ts';
