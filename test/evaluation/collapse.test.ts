import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../core/errors.js';
import { meanChannelCosineDistance } from '../../evaluation/collapse.js';

describe('meanChannelCosineDistance', () => {
  test('is 0 for copies, 1/2 for opposites, 1/4 for two that are orthogonal', () => {
    expect(meanChannelCosineDistance(Float32Array.of(1, 2, 3, 6), 2)).toBeCloseTo(0, 12);
    expect(meanChannelCosineDistance(Float32Array.of(1, -1, 3, -3), 2)).toBeCloseTo(0.5, 12);
    expect(meanChannelCosineDistance(Float32Array.of(1, 0, 0, 5), 2)).toBeCloseTo(0.25, 12);
  });

  test('a channel of zeros is at 1/2 from every channel', () => {
    expect(meanChannelCosineDistance(Float32Array.of(1, 0), 2)).toBeCloseTo((0 + 3 * 0.5) / 4, 12);
    expect(meanChannelCosineDistance(Float32Array.of(0, 0), 2)).toBe(0.5);
  });

  test('does not depend on the scale of a channel or on the order of positions', () => {
    const activations = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), {
      minLength: 12,
      maxLength: 12,
    });
    fc.assert(
      fc.property(activations, fc.constantFrom(1e-12, 0.5, 3e7), (values, scale) => {
        const x = Float64Array.from(values); // [4, 3]
        const distance = meanChannelCosineDistance(x, 3);
        expect(distance).toBeGreaterThanOrEqual(-1e-12);
        expect(distance).toBeLessThanOrEqual(0.5 + 1e-12);
        const scaled = x.map((v, i) => (i % 3 === 1 ? v * scale : v));
        expect(meanChannelCosineDistance(scaled, 3)).toBeCloseTo(distance, 9);
        const turned = Float64Array.from([...x.slice(3), ...x.slice(0, 3)]);
        expect(meanChannelCosineDistance(turned, 3)).toBeCloseTo(distance, 9);
      }),
    );
  });

  test('rejects a length that is no multiple of the channels', () => {
    expect(() => meanChannelCosineDistance(new Float32Array(5), 2)).toThrow(ShapeError);
    expect(() => meanChannelCosineDistance(new Float32Array(5), 0)).toThrow(ShapeError);
  });
});
