import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { meanChannelCosineDistance } from '../../evaluation/collapse.js';
import { discoverMetricFixtures } from '../evaluation/metric-fixtures.js';

interface CollapseJson {
  readonly cases: readonly {
    readonly name: string;
    readonly file: string;
    readonly h: number;
    readonly w: number;
    readonly c: number;
    readonly distance: number;
    readonly pairSample: [number, number, number][];
  }[];
}

/** The distance of two channels by its definition: the oracle of the sum over all pairs. */
function pairDistance(x: Float32Array, numChannels: number, i: number, j: number): number {
  let [dot, ii, jj] = [0, 0, 0];
  for (let at = 0; at < x.length; at += numChannels) {
    dot += x[at + i] * x[at + j];
    ii += x[at + i] ** 2;
    jj += x[at + j] ** 2;
  }
  return (1 - (ii > 0 && jj > 0 ? dot / Math.sqrt(ii) / Math.sqrt(jj) : 0)) / 2;
}

const fixtures = discoverMetricFixtures<CollapseJson>('collapse', () => true);

describe.each(fixtures)('$name', ({ folder, json: { cases } }) => {
  test.each(cases)('measures $name', ({ file, h, w, c, distance, pairSample }) => {
    const x = new Float32Array(new Uint8Array(readFileSync(join(folder, file))).buffer); // [h, w, c]
    expect(x.length).toBe(h * w * c);
    expect(Math.abs(meanChannelCosineDistance(x, c) - distance)).toBeLessThan(1e-9);
    for (const [i, j, expected] of pairSample)
      expect(Math.abs(pairDistance(x, c, i, j) - expected)).toBeLessThan(1e-9);
    if (c > 64) return;
    let sum = 0;
    for (let i = 0; i < c; i++) for (let j = 0; j < c; j++) sum += pairDistance(x, c, i, j);
    expect(Math.abs(meanChannelCosineDistance(x, c) - sum / c ** 2)).toBeLessThan(1e-9);
  });
});
