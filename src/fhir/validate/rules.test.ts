import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import type { ConstraintFacts, StructureFacts } from '#fhir/definitions/facts.ts';
import { openPack } from '#fhir/definitions/pack.ts';
import { compileRule, type Rule } from './rules.ts';

const definitions = loadDefinitions();
const pack = openPack(join(import.meta.dirname, '..', 'definitions', 'r4', 'facts'));

/** Every invariant that came with Heron, once, with a type it is asked of. */
function published(): { facts: ConstraintFacts; type: string }[] {
	const found = new Map<string, { facts: ConstraintFacts; type: string }>();
	for (const name of pack.names().filter((of) => of.startsWith('structure ')))
		for (const { path, constraints } of (pack.read<StructureFacts>(name) as StructureFacts).elements)
			for (const facts of constraints ?? []) found.set(`${facts.key} ${facts.expression}`, { facts, type: path });
	return [...found.values()];
}

function compiled(expression: string, severity: 'error' | 'warning' = 'error'): Rule {
	const rule = compileRule({ key: 'test-1', severity, expression, human: 'A test' });
	assert.ok(typeof rule !== 'string', String(rule));
	return rule;
}

const env = {};

describe('rules', () => {
	it('compiles every invariant that came with Heron', () => {
		const all = published();
		assert.ok(all.length > 250);
		for (const { facts, type } of all)
			assert.notEqual(typeof compileRule(facts, { model: definitions, type }), 'string', `${type} ${facts.key}`);
	});

	it('says why an expression cannot be compiled', () => {
		const why = compileRule({ key: 'bad-1', severity: 'error', expression: 'a.nonsense(', human: '' });
		assert.match(String(why), /^bad-1: /);
		assert.match(String(compileRule({ key: 'bad-2', severity: 'error', expression: 'a.noSuchFunction()', human: '' })), /noSuchFunction/);
	});

	it('is broken by anything but true, apart from what cannot be ordered', () => {
		assert.equal(compiled("a = 'x'").holds({ a: 'x' }, env), true);
		assert.equal(compiled("a = 'x'").holds({ a: 'y' }, env), false);
		assert.equal(compiled("a = 'x'").holds({}, env), false);
		assert.equal(compiled("a = 'x'", 'warning').holds({}, env), true);
		assert.equal(compiled('a <= b').holds({ a: '2020', b: '2020-05' }, env), true);
		assert.equal(compiled('a <= b').holds({ a: '2021', b: '2020-05' }, env), false);
	});

	it('knows without what it holds', () => {
		const guards = ({ needsAll, needsAny }: Rule): unknown => [needsAll, needsAny];
		assert.deepEqual(guards(compiled('start.hasValue().not() or end.hasValue().not() or (start <= end)')), [
			['start', 'end'],
			['start', 'end'],
		]);
		assert.deepEqual(guards(compiled("value.empty() or component.code.where(text = 'x').empty()")), [
			['value', 'component'],
			['value', 'component', 'text'],
		]);
		assert.deepEqual(guards(compiled('(a.count() + b.count()) < 2')), [[], ['a', 'b']]);
		assert.deepEqual(guards(compiled('(a.count() + b.count()) > 0')), [[], []]);
		assert.deepEqual(guards(compiled("%resource.status = 'x' implies a.exists()")), [[], []]);
		assert.deepEqual(guards(compiled("a.exists() implies %resource.status = 'x'")), [['a'], ['a']]);
	});

	it('turns questions of presence into JavaScript', () => {
		const js = (expression: string): string | undefined => compiled(expression).asPresence?.((name) => `(${name})`);
		assert.equal(js('a.empty() or b.exists()'), '(!(a) || (b))');
		assert.equal(js('(a.exists() and b.exists()).not()'), '!((a) && (b))');
		assert.equal(js('a.exists() implies b.exists()'), '(!(a) || (b))');
		assert.equal(js('a.exists() xor b.exists()'), '((a) !== (b))');
		assert.equal(js("a.where(b = 'c').exists()"), undefined);
		assert.equal(js('a.b.exists()'), undefined);
		assert.equal(js('a.exists() or b = 1'), undefined);
	});

	it('never skips a rule that would be broken, whatever is there', () => {
		let seed = 11;
		const random = (): number => {
			seed = (seed * 48_271) % 2_147_483_647;
			return seed / 2_147_483_647;
		};
		let skipped = 0;
		for (const { facts } of published()) {
			// Without a type, so that any member may be there.
			const rule = compileRule(facts) as Rule;
			const names = [...new Set(facts.expression.match(/[a-z]\w*/g))];
			for (let i = 0; i < 40; i++) {
				const focus = Object.fromEntries(names.filter(() => random() < 0.5).map((name) => [name, valueFor(name, random)]));
				const has = (name: string): boolean => focus[name] !== undefined;
				const skips = rule.needsAll.some((name) => !has(name)) || (rule.needsAny.length > 0 && !rule.needsAny.some(has));
				if (skips) {
					skipped++;
					assert.equal(rule.holds(focus, { resource: focus, rootResource: focus }), true, `${facts.key} on ${JSON.stringify(focus)}`);
				}
				if (rule.asPresence !== undefined) {
					const said = new Function(`return ${rule.asPresence((name) => `(${has(name)})`)}`)() as boolean;
					assert.equal(said, rule.holds(focus, env), `${facts.key} on ${JSON.stringify(focus)}`);
				}
			}
		}
		assert.ok(skipped > 1000);
	});
});

function valueFor(name: string, random: () => number): unknown {
	const values = [
		'x',
		'display',
		'fixed',
		'2020-01-01',
		3,
		true,
		{ code: 'x', system: 'y' },
		[{ [name]: 'x' }, { id: 'a', type: 'x', coding: [{ code: 'x' }] }],
	];
	return values[Math.floor(random() * values.length)];
}
