import { describe, expect, test } from 'vitest';
import { Arena } from '../../heads/roi/roi-align-arena.js';
import { planRoiAlign } from '../../heads/roi/roi-align-plan.js';
import { RoiAligner } from '../../heads/roi/roi-align.js';
import { discoverFixtures, maxError } from '../helpers/fixtures.js';
import { statedTolerance } from './stated-tolerance.js';

interface RoiAlignJson {
  readonly config: { readonly spatial_scale: number };
  readonly tolerance: readonly string[];
}

/** `[N, C, H, W]` to `[N, H, W, C]`. */
function toChannelsLast(data: ArrayLike<number>, [N, C, H, W]: readonly number[]): Float32Array {
  const out = new Float32Array(N * C * H * W);
  for (let n = 0, at = 0; n < N; n++)
    for (let y = 0; y < H; y++)
      for (let x = 0; x < W; x++)
        for (let c = 0; c < C; c++, at++) out[at] = data[((n * C + c) * H + y) * W + x];
  return out;
}

const fixtures = discoverFixtures<RoiAlignJson>('roi_align');

describe.each(fixtures)('$name', ({ json, tensors }) => {
  const outTolerance = statedTolerance(json, 'out');
  const gradTolerance = statedTolerance(json, 'grad');
  const [N, C, height, width] = tensors.get('feat')!.shape;
  const channelsLast = (name: string): Float32Array => {
    const { data, shape } = tensors.get(name)!;
    return toChannelsLast(data, shape);
  };
  const rows = tensors.get('rois')!.data;
  const R = rows.length / 5;
  const rois = {
    boxes: Float32Array.from({ length: 4 * R }, (_, i) => rows[5 * (i >> 2) + 1 + (i & 3)]),
    imageIndices: Int32Array.from({ length: R }, (_, r) => rows[5 * r]),
    levels: new Int32Array(R),
  };
  const cases = [...tensors.keys()].filter((name) => name.endsWith('.out'));

  test.each([
    ['WebAssembly', (): Arena => Arena.withBytes(1 << 22)],
    ['JavaScript', (): Arena => new Arena(new ArrayBuffer(1 << 22))],
  ])('forward and backward in %s', (_, createArena) => {
    expect(cases).not.toEqual([]);
    for (const name of cases) {
      const [, P, aligned, ratio] = /^P(\d+)_aligned(\d)_sr(\d+)\.out$/.exec(name)!;
      const arena = createArena();
      const plan = planRoiAlign(arena, rois, {
        outputSize: Number(P),
        samplingRatio: Number(ratio),
        aligned: aligned === '1',
        levels: [{ width, height, stride: 1 / json.config.spatial_scale }],
        numImages: N,
        numChannels: C,
      });
      const features = arena.float32(N * height * width * C);
      const out = arena.float32(R * Number(P) ** 2 * C);
      const gradient = arena.float32(features.length);
      features.set(channelsLast('feat'));
      const aligner = new RoiAligner(arena);
      aligner.forward(plan, [features], out);
      expect(maxError(out, channelsLast(name))).toBeLessThanOrEqual(outTolerance);
      out.set(channelsLast(`grad_out${P}`));
      aligner.backward(plan, out, [gradient]);
      const expected = channelsLast(name.replace(/\.out$/, '.grad_feat'));
      expect(maxError(gradient, expected)).toBeLessThanOrEqual(gradTolerance);
    }
  });
});
