import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import type { StructureFacts } from '#fhir/definitions/facts.ts';
import { openPack } from '#fhir/definitions/pack.ts';
import { Findings } from './findings.ts';
import { createRuntime } from './runtime.ts';
import { ResourceScope } from './scope.ts';
import { named, quote, Source } from './source.ts';
import { createValidator } from './validator.ts';

const definitions = loadDefinitions();

describe('types', () => {
	it('has a function for each of the 146, which asks for what the type requires', () => {
		const validator = createValidator(definitions);
		assert.equal(definitions.resourceTypes.length, 146);
		for (const type of definitions.resourceTypes) {
			const required = (definitions.structure(type) as StructureFacts).elements
				.filter(({ path, min }) => path.split('.').length === 2 && min > 0)
				.map(({ path }) => `cardinality-min ${path.replace('[x]', '')}`);
			const found = validator.validate({ resourceType: type }).filter(({ severity }) => severity === 'error');
			if (required.length > 0)
				assert.deepEqual(
					found.map(({ code, path }) => `${code} ${path}`),
					required,
					type,
				);
		}
	});

	it('has a function for each profile, which takes what is empty without a throw', () => {
		const pack = openPack(join(import.meta.dirname, '..', 'definitions', 'r4', 'facts'));
		const runtime = createRuntime(definitions);
		let profiles = 0;
		for (const name of pack.names().filter((of) => of.startsWith('structure '))) {
			const url = name.slice('structure '.length);
			const structure = definitions.structure(url) as StructureFacts;
			if (structure.derivation !== 'constraint') continue;
			profiles++;
			const findings = new Findings(new ResourceScope({}));
			runtime.profile(url).check({}, undefined, findings, structure.type);
			runtime.profile(url).check({}, undefined, findings.fork(), structure.type);
		}
		assert.ok(profiles > 600, `${profiles} profiles`);
	});
});

describe('generated source', () => {
	it('holds constants by name, each once', () => {
		const source = new Source();
		const list = [1, 2];
		const name = source.constant(list);
		assert.equal(source.constant(list), name);
		source.declare(`function sum() { return ${name}.length; }`);
		assert.equal(source.build<() => number>('sum')(), 2);
	});

	it('takes no code from definitions', () => {
		assert.throws(() => named('a;process.exit()'), TypeError);
		assert.throws(() => named('a b'), TypeError);
		assert.equal(named('value_x1'), 'value_x1');
		assert.equal(JSON.parse(quote('a"\\\u2028')), 'a"\\\u2028');
	});
});
