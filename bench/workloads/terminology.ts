// Typing in a code system of half a million concepts, as a picker does: letter by letter, at one connection.
import { createRandom, type Random } from '#base/random.ts';
import { type LoadedConcept, loadSystem, removeSystem } from '#fhir/terminology/load.ts';
import { type Finding, finding } from '../finding.ts';
import type { Sample } from '../measure.ts';
import { base, type Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

export const terminology: Workload = { name: 'terminology', run: runTerminology };

const url = 'http://example.org/bench-codes';
const concepts = 500_000;
const parts = {
	what: [
		'Fracture',
		'Neoplasm',
		'Infection',
		'Inflammation',
		'Injury',
		'Stenosis',
		'Deficiency',
		'Disorder',
		'Ulcer',
		'Hemorrhage',
		'Obstruction',
		'Pain',
		'Allergy',
		'Diabetes',
		'Hypertension',
		'Carcinoma',
		'Sprain',
		'Burn',
		'Cyst',
		'Rupture',
	],
	where: [
		'femur',
		'lung',
		'liver',
		'kidney',
		'heart',
		'skin',
		'eye',
		'ear',
		'stomach',
		'colon',
		'spine',
		'shoulder',
		'knee',
		'wrist',
		'ankle',
		'brain',
		'artery',
		'vein',
		'nerve',
		'thyroid',
		'pancreas',
		'bladder',
		'uterus',
		'prostate',
		'breast',
	],
	how: [
		'acute',
		'chronic',
		'recurrent',
		'congenital',
		'traumatic',
		'idiopathic',
		'secondary',
		'primary',
		'benign',
		'malignant',
		'open',
		'closed',
		'displaced',
		'severe',
		'mild',
		'moderate',
		'bilateral',
		'left',
		'right',
		'unspecified',
	],
	due: [
		'bacteria',
		'virus',
		'trauma',
		'drug',
		'pregnancy',
		'surgery',
		'radiation',
		'aging',
		'exercise',
		'diet',
		'toxin',
		'genetic mutation',
		'immune response',
		'unknown cause',
	],
};

function* codes(): Generator<LoadedConcept> {
	const random = createRandom(71);
	for (let n = 0; n < concepts; n++) {
		const [what, where, how, due] = [parts.what, parts.where, parts.how, parts.due].map((list) => random.pick(list)) as [
			string,
			string,
			string,
			string,
		];
		const display = `${what} of ${random.chance(0.5) ? 'left' : 'right'} ${where}, ${how}, due to ${due}, type ${n % 997}`;
		yield {
			code: String(10_000_000 + n),
			display,
			designations: [{ value: `${how} ${where} ${what.toLowerCase()}` }],
			...(n === 0 ? {} : { parents: [String(10_000_000 + Math.floor(n / 12))] }),
		};
	}
}

/** What somebody types on the way to a few words, and now and then a code. */
function typedTexts(random: Random): string[] {
	const words = [random.pick(parts.what), random.pick(parts.where), random.pick(parts.how)].map((word) => word.toLowerCase());
	const whole = random.chance(0.1) ? String(10_000_000 + random.below(concepts)) : words.slice(0, random.between(1, 3)).join(' ');
	return [2, 3, 4, 6, 8, 12, 20].filter((length) => length <= whole.length + 3).map((length) => whole.slice(0, length));
}

async function runTerminology({ home, options }: Stage): Promise<Finding[]> {
	const began = performance.now();
	await loadSystem(home.db, { url, version: '1', name: 'BENCH', title: 'Bench', origin: 'bench', complete: true }, codes());
	const loaded = concepts / ((performance.now() - began) / 1000);
	try {
		const random = createRandom(72);
		const times: number[] = [];
		const rounds: Sample[] = [];
		for (let round = 0; round < options.rounds + 1; round++) {
			const some: number[] = [];
			for (let person = 0; person < 40; person++)
				for (const text of typedTexts(random)) {
					const asked = `${base}/ValueSet/$expand?url=${encodeURIComponent(`${url}?fhir_vs`)}&filter=${encodeURIComponent(text)}&count=20`;
					const start = performance.now();
					const response = await fetch(`http://127.0.0.1:${home.heron.port}${asked}`, { headers: { authorization: home.authorization } });
					await response.arrayBuffer();
					if (response.status !== 200) throw new Error(`typing "${text}" answered ${response.status}`);
					some.push(performance.now() - start);
				}
			// The first round fills caches.
			if (round === 0) continue;
			times.push(...some);
			rounds.push({ value: percentile(some, 0.95), p50: percentile(some, 0.5), p99: percentile(some, 0.99) });
		}
		const about = { workload: 'terminology', unit: 'ms' };
		return [
			finding(
				{ workload: 'terminology', what: `Loading ${concepts.toLocaleString('en-US')} concepts with hierarchy`, unit: 'concepts/s' },
				[{ value: loaded }],
			),
			finding(
				{ ...about, what: `95 of 100 answers while typing in ${concepts.toLocaleString('en-US')} concepts`, goal: { atMost: 30 } },
				rounds,
			),
			finding({ ...about, what: 'the slowest answer of all' }, [{ value: Math.max(...times) }]),
		];
	} finally {
		await removeSystem(home.db, url);
	}
}

function percentile(values: readonly number[], share: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}
