// The code systems that R4 and the packages define, as facts: one line a system, compressed. Read by src/fhir/terminology/own.ts.
import { gzipSync } from 'node:zlib';
import { type CodeSystem, conceptsOf, isAbstract, isInactive } from '#fhir/terminology/code-system.ts';
import type { OwnConcept, OwnSystem } from '#fhir/terminology/own.ts';

type Node = Readonly<Record<string, unknown>> & { readonly resourceType?: string };

/** Later ones take the place of earlier ones with the same url. Without concepts a system is left out. */
export function packCodeSystems(resources: readonly Node[]): Buffer {
	const systems = new Map<string, OwnSystem>();
	for (const resource of resources) {
		if (resource.resourceType !== 'CodeSystem' || typeof resource.url !== 'string' || resource.content === 'supplement') continue;
		const system = factsOf(resource.url, resource);
		if (system.concepts.length > 0) systems.set(resource.url, system);
	}
	const lines = [...systems.values()].sort((a, b) => (a.url < b.url ? -1 : 1)).map((system) => JSON.stringify(system));
	return gzipSync(lines.join('\n'), { level: 9 });
}

function factsOf(url: string, resource: Node): OwnSystem {
	const { version, name, title, content } = resource as { version?: string; name?: string; title?: string; content?: string };
	const known = conceptsOf(resource as CodeSystem);
	const concepts = [...known.values()].map(({ code, defined, ancestors }): OwnConcept => {
		const parents = [...ancestors].filter((one) => ![...ancestors].some((other) => known.get(other)?.ancestors.has(one)));
		return {
			c: code,
			d: defined.display ?? code,
			...(parents.length === 0 ? {} : { p: parents }),
			...(isAbstract(defined) ? { a: 1 as const } : {}),
			...(isInactive(defined) ? { i: 1 as const } : {}),
		};
	});
	return { url, version, name: name ?? url, title: title ?? name ?? url, complete: content === 'complete', concepts };
}
