// Reference parameters: the patient's column, or index keys of "Type/id" shifted by the parameter's salt.
// https://hl7.org/fhir/R4/search.html#reference
import { type Sql, sql } from '#db/sql.ts';
import type { Clause, Modifier, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { paramSalt, refKey, salted } from '#fhir/store/keys.ts';
import { column, hasAny, type Row } from './row.ts';
import { tokenKeysOf } from './token.ts';

/** Says that the parameter's patient is in the column pat, and whether further ones are among the keys. */
export function patientColumn(param: SearchParam): { readonly also: boolean } | undefined {
	return param.storage.in === 'patient' ? param.storage : undefined;
}

/** The index keys by which resources refer to these (keys of "Type/id") through any of the parameters. */
export function referenceKeys(params: readonly SearchParam[], keys: readonly string[]): string[] {
	return params.flatMap((param) => {
		const salt = paramSalt(param.code);
		return keys.map((key) => salted(key, salt));
	});
}

/** The condition that one of the values is referred to. */
export function referenceCondition(row: Row, param: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): Sql {
	if (modifier === 'identifier') {
		return hasAny(
			row,
			values.flatMap((value) => (value.is === 'token' ? tokenKeysOf(`${param.code}:identifier`, value) : [])),
		);
	}
	const targets = targetsOf(values);
	const pat = patientColumn(param);
	if (pat === undefined) return hasAny(row, referenceKeys([param], targets.map(refKey)));
	const patients = targets.filter((target) => target.startsWith('Patient/')).map(refKey);
	const others = referenceKeys([param], targets.filter((target) => pat.also || !target.startsWith('Patient/')).map(refKey));
	const own = patients.length === 1 ? sql`${column(row, 'pat')} = ${patients[0]}` : sql`${column(row, 'pat')} = ANY(${patients}::int8[])`;
	if (others.length === 0) return own;
	return patients.length === 0 ? hasAny(row, others) : sql`(${own} OR ${hasAny(row, others)})`;
}

function targetsOf(values: readonly Value[]): string[] {
	return values.flatMap((value) => (value.is === 'reference' ? value.targets : []));
}

/** The patients a clause asks for by the column pat, and the parameters by which a row may belong to them besides. */
export function patientKeysOf(clause: Clause): { readonly keys: readonly string[]; readonly also: readonly SearchParam[] } | undefined {
	if (clause.is === 'patient') return { keys: [clause.key], also: clause.also.filter((param) => patientColumn(param)?.also !== false) };
	if (clause.is === 'refers') {
		const pat = patientColumn(clause.param);
		return pat === undefined || clause.type !== 'Patient' ? undefined : { keys: clause.keys, also: pat.also ? [clause.param] : [] };
	}
	if (clause.is !== 'param' || clause.modifier !== undefined) return undefined;
	const pat = patientColumn(clause.param);
	if (pat === undefined) return undefined;
	const targets = targetsOf(clause.values);
	if (!targets.every((target) => target.startsWith('Patient/'))) return undefined;
	return { keys: [...new Set(targets.map(refKey))], also: pat.also ? [clause.param] : [] };
}
