// The lean way to store a Provenance of the server's own: all that one author does of a kind differs in what it was done to, to whom and when
// alone. The rest of the text and of the index row is made once, by the same functions as for every resource, and filled in.
import { isError } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { addedFrom, type SearchRegistry } from '#fhir/search/registry.ts';
import { instantOf, tailOf } from '#fhir/store/body.ts';
import { patientLink } from '#fhir/store/collector.ts';
import { paramSalt, refKey, salted } from '#fhir/store/keys.ts';
import type { IndexRow, Key } from '#fhir/store/layout.ts';
import { type Activity, type Author, type Deed, draft, patientUrl, profile, signature } from './draft.ts';

export type Template = {
	/** The text after the head of a body, as `tailOf` writes it, and the index row, as `extract` makes it. */
	fill(deed: Deed): { readonly tail: string; readonly index: IndexRow };
	/** The whole resource. */
	resource(deed: Deed): Resource;
};

const sample: Deed = { targets: ['Basic/a/_history/1'], recorded: 0 };
const targetSalt = paramSalt('target');

/** Makes the template of what an author does of a kind. */
export function createTemplate({ fhir }: Pick<FhirCtx, 'fhir'>, author: Author, activity: Activity): Template {
	const claimed = !fhir.validator.validate(draft(author, activity, sample, true)).some(isError);
	const { extract } = fhir.store;
	const resource = (deed: Deed): Resource => draft(author, activity, deed, claimed);
	const inFull: Template['fill'] = (deed) => ({ tail: tailOf(resource(deed)), index: extract(resource(deed)) });
	// What parameters of the installation's own find is not known here.
	if (!isPlain(fhir.registry)) return { resource, fill: inFull };
	const fillTail = tails(author, activity, claimed);
	const fillIndex = rows(extract(draft(author, activity, { ...sample, targets: [] }, claimed)), fhir.registry);
	// The author's organization is found by another key once it is a target.
	const isOwn = (target: string): boolean => author.organization !== undefined && target.startsWith(`${author.organization}/`);
	const fill: Template['fill'] = (deed) => (deed.targets.some(isOwn) ? inFull(deed) : { tail: fillTail(deed), index: fillIndex(deed) });
	return { resource, fill };
}

function isPlain(registry: SearchRegistry): boolean {
	return registry
		.params('Provenance')
		.values()
		.every(({ number }) => number < addedFrom);
}

function tails(author: Author, activity: Activity, claimed: boolean): (deed: Deed) => string {
	const before = claimed ? `,"profile":["${profile}"]},` : '},';
	const after = `,${JSON.stringify(signature(author, activity)).slice(1)}`;
	return ({ targets, patient, recorded }) => {
		const about = patient === undefined ? '' : `"extension":[{"url":"${patientUrl}","valueReference":{"reference":"Patient/${patient}"}}],`;
		const target = targets.map((reference) => `{"reference":"${reference}"}`).join(',');
		return `${before}${about}"target":[${target}],"recorded":"${instantOf(recorded)}"${after}`;
	};
}

function rows(base: IndexRow, registry: SearchRegistry): (deed: Deed) => IndexRow {
	const bit = (code: string): bigint => 1n << BigInt(registry.param('Provenance', code)?.number ?? 0);
	const aimed = BigInt(base.has) | bit('target');
	const has = String(aimed);
	const hasPatient = String(aimed | bit('patient'));
	return ({ targets, rk, patient, recorded }) => {
		const keys: Key[] = [];
		const references: string[] = [];
		const links: string[] = [];
		let pat: Key | null = null;
		for (const target of targets) {
			const name = target.slice(0, target.indexOf('/_history/'));
			const type = name.slice(0, name.indexOf('/'));
			const key = rk ?? refKey(name);
			keys.push(salted(key, targetSalt));
			references.push(name);
			links.push(`${type} target`);
			if (type !== 'Patient') continue;
			pat = key;
			links.push(`Patient ${patientLink}`);
		}
		if (patient !== undefined) {
			pat = refKey(`Patient/${patient}`);
			references.push(`Patient/${patient}`);
			links.push(`Patient ${patientLink}`);
		}
		return {
			...base,
			pat,
			d: recorded,
			dh: recorded,
			has: pat === null ? has : hasPatient,
			keys: joined(base.keys, keys),
			references: joined(base.references, references),
			links: joined(base.links, links),
		};
	};
}

const few = 4;

/** Both lists as one without repeats. */
function joined(list: readonly string[], more: readonly string[]): readonly string[] {
	if (more.length > few) return [...new Set([...list, ...more])];
	const all = [...list];
	for (const one of more) if (!all.includes(one)) all.push(one);
	return all;
}
