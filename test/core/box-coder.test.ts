import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BOX_HEAD_CODER,
  decodeBoxes,
  decodeBoxesOfClass,
  encodeBoxes,
  MAX_LOG_RATIO,
  RPN_CODER,
} from '../../core/box-coder.js';
import { DataError, ShapeError } from '../../core/errors.js';
import { maxError } from '../helpers/fixtures.js';

const anchor = Float32Array.of(10, 20, 30, 60); // 20 x 40 around (20, 40)

test('encoding by hand: a quarter width right, half as wide, twice as high', () => {
  const target = Float32Array.of(20, 0, 30, 80); // 10 x 80 around (25, 40)
  expect([...encodeBoxes(anchor, target, RPN_CODER)]).toEqual(
    [0.25, 0, Math.log(0.5), Math.log(2)].map(Math.fround),
  );
  expect([...encodeBoxes(anchor, target, BOX_HEAD_CODER)]).toEqual(
    [2.5, 0, Math.log(0.5) / 0.2, Math.log(2) / 0.2].map(Math.fround),
  );
});

test('means are subtracted before the division', () => {
  const coder = { means: [0.05, 0, 0, 0], stds: [0.1, 1, 1, 1] } as const;
  const deltas = encodeBoxes(anchor, Float32Array.of(20, 0, 30, 80), coder);
  expect(deltas[0]).toBeCloseTo((0.25 - 0.05) / 0.1, 5);
  expect(maxError(decodeBoxes(anchor, deltas, coder), [20, 0, 30, 80])).toBeLessThan(1e-4);
});

test('decoding inverts encoding', () => {
  const side = fc.float({ min: 1, max: 60, noNaN: true });
  const at = fc.float({ min: 0, max: 400, noNaN: true });
  const box = fc
    .tuple(at, at, side, side)
    .map(([x, y, w, h]) => Float32Array.of(x, y, x + w, y + h));
  fc.assert(
    fc.property(
      box,
      box,
      fc.constantFrom(RPN_CODER, BOX_HEAD_CODER),
      (reference, target, coder) => {
        const back = decodeBoxes(reference, encodeBoxes(reference, target, coder), coder);
        // float32 deltas of about 400 sides: half a thousandth of a pixel
        expect(maxError(back, target)).toBeLessThan(5e-3);
      },
    ),
  );
});

test('widths and heights change by at most 1000 / 16 either way', () => {
  const decoded = decodeBoxes(anchor, Float32Array.of(0, 0, 50, -50), RPN_CODER);
  expect(decoded[2] - decoded[0]).toBeCloseTo(20 * 62.5, 2);
  expect(decoded[3] - decoded[1]).toBeCloseTo(40 / 62.5, 4);
  expect(MAX_LOG_RATIO).toBeCloseTo(4.1352, 4);
});

test('clipping clamps to the image; without it boxes may extend beyond', () => {
  const deltas = Float32Array.of(-2, 0, 0, 1);
  expect(decodeBoxes(anchor, deltas, RPN_CODER)[0]).toBe(-30);
  const clip = { width: 25, height: 50 };
  expect([...decodeBoxes(anchor, deltas, { ...RPN_CODER, clip })]).toEqual([0, 0, 0, 50]);
});

test('class-specific deltas decode from the same reference; one class can be selected', () => {
  const two = Float32Array.of(10, 20, 30, 60, 0, 0, 10, 10);
  const deltas = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i) / 4);
  const all = decodeBoxes(two, deltas, BOX_HEAD_CODER); // [2, 3 * 4]
  const picked = decodeBoxesOfClass(two, deltas, Int32Array.of(2, 0), BOX_HEAD_CODER);
  expect([...picked]).toEqual([...all.subarray(8, 12), ...all.subarray(12, 16)]);
  const single = decodeBoxes(two.subarray(0, 4), deltas.subarray(4, 8), BOX_HEAD_CODER);
  expect([...single]).toEqual([...all.subarray(4, 8)]);
});

test('no boxes give no boxes', () => {
  const none = new Float32Array(0);
  expect(encodeBoxes(none, none, RPN_CODER)).toHaveLength(0);
  expect(decodeBoxes(none, none, RPN_CODER)).toHaveLength(0);
  expect(decodeBoxesOfClass(none, none, new Int32Array(0), RPN_CODER)).toHaveLength(0);
});

test('wrong lengths, empty boxes and unknown classes are errors', () => {
  expect(() => encodeBoxes(anchor, new Float32Array(8), RPN_CODER)).toThrow(ShapeError);
  expect(() => decodeBoxes(anchor, new Float32Array(6), RPN_CODER)).toThrow(ShapeError);
  expect(() => encodeBoxes(anchor, Float32Array.of(1, 1, 1, 5), RPN_CODER)).toThrow(
    'got reference [10, 20, 30, 60] and target [1, 1, 1, 5] at row 0',
  );
  expect(() =>
    decodeBoxesOfClass(anchor, new Float32Array(8), Int32Array.of(2), RPN_CODER),
  ).toThrow(DataError);
});
