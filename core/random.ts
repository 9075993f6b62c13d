import { assertNumber } from './arguments.js';

/**
 * Seeded random numbers (xoshiro128**, state filled by splitmix32). The state can be saved, restored and forked, so a
 * resumed run draws the same numbers as an uninterrupted one.
 *
 * @see https://prng.di.unimi.it/
 */
export class Random {
  private s0 = 0;
  private s1 = 0;
  private s2 = 0;
  private s3 = 0;

  /** @param seed any 32-bit integer; further integers select an independent stream (epoch, sample, …) */
  constructor(seed: number, ...stream: readonly number[]) {
    assertNumber('Random', 'a seed as a whole number', seed);
    let a = seed >>> 0;
    const splitmix = (): number => {
      a = (a + 0x9e3779b9) >>> 0;
      let t = a ^ (a >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      return (t ^ (t >>> 15)) >>> 0;
    };
    for (const value of stream) {
      assertNumber('Random', 'a stream as whole numbers', value);
      a = (splitmix() ^ Math.imul(value | 0, 0x85ebca6b)) >>> 0;
    }
    this.state = [splitmix(), splitmix(), splitmix(), splitmix()];
  }

  /** State: four 32-bit words that determine all further numbers. */
  get state(): readonly [number, number, number, number] {
    return [this.s0, this.s1, this.s2, this.s3];
  }

  set state([s0, s1, s2, s3]: readonly [number, number, number, number]) {
    this.s0 = s0 >>> 0;
    this.s1 = s1 >>> 0;
    this.s2 = s2 >>> 0;
    this.s3 = s3 >>> 0;
  }

  /** Uniform 32-bit integer, 0 to 2³² − 1. */
  uint32(): number {
    const product = Math.imul(this.s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.s1 << 9;
    this.s2 ^= this.s0;
    this.s3 ^= this.s1;
    this.s1 ^= this.s2;
    this.s0 ^= this.s3;
    this.s2 ^= shifted;
    this.s3 = (this.s3 << 11) | (this.s3 >>> 21);
    return result;
  }

  /** Uniform in `[0, 1)` with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform in `[low, high)`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Uniform integer in `0 … bound − 1`. */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** Standard normal. Box–Muller, using one value of the pair, so that the state is complete. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles `items` in place (Fisher–Yates) and returns it. */
  shuffle<T extends { readonly length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swap = items[i];
      items[i] = items[j];
      items[j] = swap;
    }
    return items;
  }
}
