// Quantity parameters: without a unit the number alone; with a UCUM unit in canonical units, so that 5 mg finds 0.005 g;
// with another code the number with that very unit. https://hl7.org/fhir/R4/search.html#quantity
import { type Sql, sql } from '#db/sql.ts';
export type X = Sql;
