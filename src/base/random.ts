// Seeded randomness for generated data and property tests: the same seed gives the same values on every machine.

export type Random = {
	/** From 0 up to, not including, 1. */
	readonly next: () => number;
	/** A whole number from 0 to n - 1. */
	readonly below: (n: number) => number;
	/** A whole number from low to high, both included. */
	readonly between: (low: number, high: number) => number;
	readonly pick: <T>(list: readonly T[]) => T;
	/** True with the probability given. */
	readonly chance: (probability: number) => boolean;
	/** A number around the mean, roughly normal. */
	readonly normal: (mean: number, deviation: number) => number;
	/** A UUID version 4. */
	readonly uuid: () => string;
};

/** The generator sfc32, seeded by any number of integers. */
export function createRandom(...seeds: readonly number[]): Random {
	let a = 0x9e3779b9;
	let b = 0x243f6a88;
	let c = 0xb7e15162;
	let counter = 1;
	const word = (): number => {
		const t = (((a + b) | 0) + counter) | 0;
		counter = (counter + 1) | 0;
		a = b ^ (b >>> 9);
		b = (c + (c << 3)) | 0;
		c = (c << 21) | (c >>> 11);
		c = (c + t) | 0;
		return t >>> 0;
	};
	for (const seed of seeds) {
		a ^= seed;
		b ^= Math.imul(seed, 0x85ebca6b);
		for (let i = 0; i < 12; i++) word();
	}
	const next = (): number => word() / 4_294_967_296;
	const below = (n: number): number => Math.floor(next() * n);
	const hex = (): string => word().toString(16).padStart(8, '0');
	return {
		next,
		below,
		between: (low, high) => low + below(high - low + 1),
		pick<T>(list: readonly T[]): T {
			return list[below(list.length)] as T;
		},
		chance: (probability) => next() < probability,
		normal: (mean, deviation) => mean + (next() + next() + next() + next() - 2) * Math.SQRT2 * 1.2247 * deviation,
		uuid() {
			const [p, q, r, s] = [hex(), hex(), hex(), hex()];
			return `${p}-${q.slice(0, 4)}-4${q.slice(5)}-${'89ab'[word() & 3]}${r.slice(1, 4)}-${r.slice(4)}${s}`;
		},
	};
}
