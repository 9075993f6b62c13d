import { expect } from 'vitest';
import type { HostTensors } from '../../engine/runtime/program.js';
import { maxAbs, maxError } from '../helpers/fixtures.js';

/** Expects the results of a step on two backends to differ by no more than the order of sums can make them. */
export function expectSameResults(actual: HostTensors, expected: HostTensors): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name].shape, name).toEqual(shape);
    const scale = Math.max(1e-3, maxAbs(data));
    expect(maxError(actual[name].data, data) / scale, name).toBeLessThan(1e-5);
  }
}
