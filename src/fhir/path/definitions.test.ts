import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { openPack } from '#fhir/definitions/pack.ts';
import { compilePath, compileTest, type PathOptions } from './compile.ts';

const model = loadDefinitions();

/** Why an expression does not compile, with and without what is known of its focus. */
function refusals(expression: string, options: PathOptions): string[] {
	const wrong: string[] = [];
	for (const one of [{}, { model }, { model, ...options }]) {
		try {
			compilePath(expression, one);
			compileTest(expression, one);
		} catch (error) {
			assert.ok(error instanceof Problem);
			wrong.push(`${expression}: ${error.text}`);
		}
	}
	return wrong;
}

test('every constraint of the definitions compiles', (t) => {
	const distinct = new Set<string>();
	const refused: string[] = [];
	let count = 0;
	for (const name of openPack(join(import.meta.dirname, '..', 'definitions', 'r4', 'facts')).names()) {
		const structure = name.startsWith('structure ') ? model.structure(name.slice('structure '.length)) : undefined;
		for (const { path, constraints = [] } of structure?.elements ?? []) {
			for (const { expression } of constraints) {
				count++;
				if (distinct.has(`${path} ${expression}`)) continue;
				distinct.add(`${path} ${expression}`);
				refused.push(...refusals(expression, { type: path }));
			}
		}
	}
	t.diagnostic(`${count} constraints, ${distinct.size} by place and text`);
	assert.deepEqual(refused, []);
	assert.ok(count > 2500, `only ${count}`);
});

test('every search expression of the definitions compiles', (t) => {
	const refused: string[] = [];
	let count = 0;
	for (const { base, expression, components = [] } of model.searchParameters) {
		for (const text of [expression, ...components.map((component) => component.expression)]) {
			if (text === '') continue;
			count++;
			refused.push(...refusals(text, { type: base }));
		}
	}
	t.diagnostic(`${count} expressions`);
	assert.deepEqual(refused, []);
	assert.ok(count > 1700, `only ${count}`);
});
