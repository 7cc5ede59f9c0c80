// Where tests look for seeded randomness.
export { createRandom, type Random } from '#base/random.ts';
