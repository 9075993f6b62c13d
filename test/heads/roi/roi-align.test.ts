import { describe, expect, test } from 'vitest';
import { ConfigError, DataError, ShapeError } from '../../../core/errors.js';
import { boxLevels } from '../../../core/boxes-levels.js';
import { Random } from '../../../core/random.js';
import { Arena } from '../../../heads/roi/roi-align-arena.js';
import {
  planRoiAlign,
  type RoiAlignConfig,
  type RoiAlignPlan,
  type Rois,
} from '../../../heads/roi/roi-align-plan.js';
import { RoiAligner } from '../../../heads/roi/roi-align.js';
import { maxAbs, maxError } from '../../helpers/fixtures.js';

/** The four cells and weights of one sample; nothing outside. */
function bilinear(y: number, x: number, H: number, W: number): [number, number, number][] {
  if (y < -1 || y > H || x < -1 || x > W) return [];
  const axis = (at: number, size: number): [number, number][] => {
    const inside = Math.max(at, 0);
    const cell = Math.floor(inside);
    if (cell >= size - 1) return [[size - 1, 1]];
    return [
      [cell, 1 - (inside - cell)],
      [cell + 1, inside - cell],
    ];
  };
  return axis(y, H).flatMap(([row, wy]) =>
    axis(x, W).map(([column, wx]): [number, number, number] => [row, column, wy * wx]),
  );
}

/** Sample by sample in float64: calls `visit(output index, map index, weight)` for channel 0 of everything. */
function visitSamples(
  { boxes, imageIndices, levels }: Rois,
  { outputSize: P, samplingRatio, aligned, levels: maps, numChannels: C }: RoiAlignConfig,
  visit: (level: number, mapAt: number, outAt: number, weight: number) => void,
): void {
  for (let r = 0; r < levels.length; r++) {
    const { width: W, height: H, stride } = maps[levels[r]];
    const corner = [...boxes.subarray(4 * r, 4 * r + 4)].map(
      (v) => v / stride - (aligned ? 0.5 : 0),
    );
    let [w, h] = [corner[2] - corner[0], corner[3] - corner[1]];
    if (!aligned) [w, h] = [Math.max(w, 1), Math.max(h, 1)];
    const ny = samplingRatio || Math.ceil(h / P);
    const nx = samplingRatio || Math.ceil(w / P);
    for (let i = 0; i < P * P; i++) {
      for (let s = 0; s < ny * nx; s++) {
        const [bin, sub] = [Math.floor(i / P), Math.floor(s / nx)];
        const y = corner[1] + (bin + (sub + 0.5) / ny) * (h / P);
        const x = corner[0] + ((i % P) + ((s % nx) + 0.5) / nx) * (w / P);
        for (const [row, column, weight] of bilinear(y, x, H, W)) {
          const cell = (imageIndices[r] * H + row) * W + column;
          visit(levels[r], cell * C, (r * P * P + i) * C, weight / (ny * nx));
        }
      }
    }
  }
}

interface Scene {
  readonly arena: Arena;
  readonly rois: Rois;
  readonly config: RoiAlignConfig;
  readonly plan: RoiAlignPlan;
  readonly features: readonly Float32Array[];
  readonly gradients: readonly Float32Array[];
  readonly out: Float32Array;
}

/** Boxes of 4 to 500 pixels on P2 to P5 of two images of 256 x 192, many of them at the border, some outside. */
function scene(
  options: Pick<RoiAlignConfig, 'outputSize' | 'samplingRatio' | 'aligned' | 'numChannels'>,
  memory: 'wasm' | 'plain' = 'wasm',
): Scene {
  const random = new Random(77);
  const R = 24;
  const boxes = new Float32Array(4 * R);
  for (let r = 0; r < R; r++) {
    const [w, h] = [random.between(4, r < 8 ? 500 : 150), random.between(4, r < 8 ? 500 : 150)];
    const [x, y] = [
      random.between(-0.6 * w, 256 - 0.4 * w),
      random.between(-0.6 * h, 192 - 0.4 * h),
    ];
    boxes.set([x, y, x + w, y + h], 4 * r);
  }
  boxes.set([300, 10, 400, 90], 0); // outside
  boxes.set([40, 50, 40, 50], 4); // without extent
  boxes.set([0, 0, 256, 192], 8); // the whole image
  const config: RoiAlignConfig = {
    ...options,
    levels: [4, 8, 16, 32].map((stride) => ({ stride, width: 256 / stride, height: 192 / stride })),
    numImages: 2,
  };
  const bytes = 1 << 23;
  const arena = memory === 'wasm' ? Arena.withBytes(bytes) : new Arena(new ArrayBuffer(bytes));
  const levels = boxLevels(boxes);
  levels[3] = 3; // a small box on P5 as well
  const rois = {
    boxes,
    imageIndices: Int32Array.from({ length: R }, () => random.integer(2)),
    levels,
  };
  const allocate = (): Float32Array[] =>
    config.levels.map(({ width, height }) =>
      arena.float32(2 * width * height * options.numChannels),
    );
  const features = allocate();
  for (const map of features) for (let i = 0; i < map.length; i++) map[i] = random.between(-1, 1);
  const gradients = allocate();
  const out = arena.float32(R * options.outputSize ** 2 * options.numChannels);
  return { arena, rois, config, plan: planRoiAlign(arena, rois, config), features, gradients, out };
}

const OPTIONS = [
  { outputSize: 7, samplingRatio: 0, aligned: true, numChannels: 36 },
  { outputSize: 7, samplingRatio: 2, aligned: true, numChannels: 4 },
  { outputSize: 14, samplingRatio: 0, aligned: true, numChannels: 3 },
  { outputSize: 14, samplingRatio: 2, aligned: false, numChannels: 6 },
  { outputSize: 3, samplingRatio: 0, aligned: false, numChannels: 33 },
  { outputSize: 1, samplingRatio: 5, aligned: true, numChannels: 1 },
];

describe.each(OPTIONS)('%o', (options) => {
  test('forward equals sampling one by one in float64', () => {
    const { arena, rois, config, plan, features, out } = scene(options);
    expect(new Set(rois.levels).size).toBe(4);
    const expected = new Float64Array(out.length);
    visitSamples(rois, config, (level, mapAt, outAt, weight) => {
      for (let c = 0; c < config.numChannels; c++)
        expected[outAt + c] += weight * features[level][mapAt + c];
    });
    out.fill(NaN);
    new RoiAligner(arena).forward(plan, features, out);
    expect(maxAbs(expected)).toBeGreaterThan(0.2);
    // float32 positions in 64 cells move a sample by up to 4e-6 cells, where neighbors differ by up to 2
    expect(maxError(out, expected)).toBeLessThan(2e-5);
  });

  test('backward equals scattering one by one in float64, and adds', () => {
    const { arena, rois, config, plan, gradients, out } = scene(options);
    const random = new Random(3);
    for (let i = 0; i < out.length; i++) out[i] = random.between(-1, 1);
    const expected = gradients.map((map) => new Float64Array(map.length).fill(0.5));
    for (const map of gradients) map.fill(0.5);
    visitSamples(rois, config, (level, mapAt, outAt, weight) => {
      for (let c = 0; c < config.numChannels; c++)
        expected[level][mapAt + c] += weight * out[outAt + c];
    });
    new RoiAligner(arena).backward(plan, out, gradients);
    gradients.forEach((map, level) => {
      expect(maxError(map, expected[level])).toBeLessThan(1e-4);
    });
    expect(maxAbs(gradients[3])).toBeGreaterThan(0.51);
  });

  test('JavaScript and WebAssembly are bit-identical, forward and backward', () => {
    const [fast, slow] = [scene(options, 'wasm'), scene(options, 'plain')];
    for (const { arena, plan, features, gradients, out } of [fast, slow]) {
      const aligner = new RoiAligner(arena);
      aligner.forward(plan, features, out);
      aligner.backward(plan, out, gradients);
    }
    const bits = (arrays: readonly Float32Array[]): Buffer[] =>
      arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength));
    const expected = bits([fast.out, ...fast.gradients]);
    bits([slow.out, ...slow.gradients]).forEach((actual, i) => {
      expect(actual.compare(expected[i])).toBe(0);
    });
    expect(maxAbs(fast.out)).toBeGreaterThan(0);
  });
});

const small = { outputSize: 2, samplingRatio: 0, aligned: true, numChannels: 4 };

test('backward is the adjoint of forward', () => {
  const { arena, plan, features, gradients, out } = scene({ ...small, outputSize: 7 });
  const aligner = new RoiAligner(arena);
  aligner.forward(plan, features, out);
  const squared = out.reduce((sum, v) => sum + v * v, 0); // <A f, A f>
  aligner.backward(plan, out, gradients); // Aᵀ A f
  const inner = gradients.reduce(
    (sum, map, level) => sum + map.reduce((s, v, i) => s + v * features[level][i], 0),
    0,
  );
  expect(inner / squared).toBeCloseTo(1, 5);
});

test('RoIs without extent and RoIs outside give zeros and no gradient', () => {
  const { arena, plan, features, gradients, out } = scene(small);
  out.fill(9);
  const aligner = new RoiAligner(arena);
  aligner.forward(plan, features, out);
  expect([...out.subarray(0, 32)]).toEqual(new Array(32).fill(0));
  out.fill(0);
  out.fill(1, 0, 32);
  aligner.backward(plan, out, gradients);
  expect(gradients.map(maxAbs)).toEqual([0, 0, 0, 0]);
});

test('the order of RoIs changes their rows, not their values', () => {
  const { arena, rois, config, plan, features, out } = scene(small);
  const aligner = new RoiAligner(arena);
  aligner.forward(plan, features, out);
  const R = rois.levels.length;
  const reversed = planRoiAlign(
    arena,
    {
      boxes: rois.boxes.map((_, i) => rois.boxes[4 * (R - 1 - (i >> 2)) + (i & 3)]),
      imageIndices: rois.imageIndices.slice().reverse(),
      levels: rois.levels.slice().reverse(),
    },
    config,
  );
  const other = arena.float32(out.length);
  aligner.forward(reversed, features, other);
  const row = out.length / R;
  for (let r = 0; r < R; r++)
    expect(other.subarray(row * (R - 1 - r), row * (R - r))).toEqual(
      out.subarray(row * r, row * (r + 1)),
    );
});

test('RoIs are processed by image, level and vertical position', () => {
  const { rois, plan } = scene(small);
  const keys = plan.rois.map(({ roi, image, level }) => [
    image,
    level,
    rois.boxes[4 * roi + 1] + rois.boxes[4 * roi + 3],
  ]);
  const sorted = keys.slice().sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  expect(keys).toEqual(sorted);
});

test('no RoIs have no effect', () => {
  const { arena, config, features, gradients } = scene(small);
  const none = { boxes: new Float32Array(0), imageIndices: new Int32Array(0) };
  const plan = planRoiAlign(arena, { ...none, levels: new Int32Array(0) }, config);
  const aligner = new RoiAligner(arena);
  aligner.forward(plan, features, arena.float32(0));
  aligner.backward(plan, arena.float32(0), gradients);
  expect(gradients.map(maxAbs)).toEqual([0, 0, 0, 0]);
});

test('invalid RoIs, options and arrays are errors', () => {
  const { arena, rois, config, plan, features, out } = scene(small);
  const aligner = new RoiAligner(arena);
  const nan = rois.boxes.slice();
  nan[5] = NaN;
  expect(() => planRoiAlign(arena, { ...rois, boxes: nan }, config)).toThrow('at RoI 1');
  const levels = rois.levels.slice().fill(4, 2);
  expect(() => planRoiAlign(arena, { ...rois, levels }, config)).toThrow(DataError);
  expect(() => planRoiAlign(arena, { ...rois, levels: levels.slice(1) }, config)).toThrow(
    ShapeError,
  );
  expect(() => planRoiAlign(arena, rois, { ...config, outputSize: 0 })).toThrow(ConfigError);
  expect(() => planRoiAlign(new Arena(new ArrayBuffer(640)), rois, config)).toThrow(
    'make the arena larger',
  );
  expect(() => aligner.forward(plan, features.slice(1), out)).toThrow(ShapeError);
  expect(() => aligner.forward(plan, features, new Float32Array(out.length))).toThrow(ConfigError);
});
