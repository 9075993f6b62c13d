import { describe, expect, test } from 'vitest';
import type { Engine } from '../../engine/runtime/engine.js';
import { labelsOf, type ScoreRows } from '../../inference/segment/score-rows.js';
import {
  createSegmenterPredictor,
  WHOLE_IMAGE,
  type SegmenterPredictor,
} from '../../inference/segment/predictor.js';
import { windowGrid } from '../../inference/segment/windows.js';
import { discoverFixtures, maxError, type FixtureTensor } from '../helpers/fixtures.js';
import { toNhwc } from '../helpers/layout.js';
import { RUNTIMES, executable, type RuntimeName } from '../helpers/runtimes.js';
import { statedTolerance } from './stated-tolerance.js';
import { fixtureImage, fixtureModel, type UperNetJson } from './upernet-fixture.js';

const fixtures = discoverFixtures<UperNetJson>('upernet_infer');

/** Every `step`-th row and column of a map. */
function sampled(rows: ScoreRows, step: number): Float32Array {
  const values: number[] = [];
  for (let y = 0; y < rows.height; y += step) {
    const row = rows.row(y);
    for (let x = 0; x < rows.width; x += step)
      values.push(...row.subarray(x * rows.channels, (x + 1) * rows.channels));
  }
  return Float32Array.from(values);
}

const numDifferent = (a: Uint8Array, b: ArrayLike<number>): number =>
  a.reduce((count, label, i) => count + Number(label !== b[i]), 0);

describe.each(fixtures)('$name', (fixture) => {
  const { name, json, tensors } = fixture;
  const get = (key: string): FixtureTensor => {
    const tensor = tensors.get(key);
    if (!tensor) throw new Error(`fixture ${name}: expected ${key}`);
    return tensor;
  };
  const { crop, stride, rescaled_size } = json.config;
  if (!crop || !stride || !rescaled_size) throw new Error(`fixture ${name}: expected crop, stride`);
  const window = { cropSize: crop, stride };
  const { shape, data } = fixtureImage(get('image_u8'));
  const view = { height: shape[1], width: shape[2], data };
  const size = { height: view.height, width: view.width };

  const open = async (runtime: RuntimeName): Promise<SegmenterPredictor> => {
    const { model, store } = fixtureModel(fixture);
    const program = await executable(runtime, model.inference, store);
    const engine: Engine = { description: runtime, prepare: () => program };
    return createSegmenterPredictor({ engine, model, store });
  };

  test('the windows are at the original positions', () => {
    const { tops, lefts, height, width } = windowGrid(view, window);
    const windows = tops.flatMap((y) => lefts.map((x) => [y, x, y + height, x + width]));
    expect(windows).toEqual(json.windows_y1x1y2x2);
  });

  test.each(RUNTIMES)(
    'whole image, sliding window, flipped and rescaled: %s',
    { timeout: 240_000 },
    async (runtime) => {
      const predictor = await open(runtime);
      const logits = statedTolerance(json, 'logits');
      const probs = statedTolerance(json, 'probs');
      const [height, width] = rescaled_size;

      for (const [kind, target, mode, key, step, tolerance] of [
        ['whole', size, { window: null, flip: false }, undefined, 1, 0],
        ['slide', size, { window, flip: false }, 'slide_logits_s2', 2, logits],
        ['rescaled', { height, width }, WHOLE_IMAGE, 'rescaled_logits_s2', 2, logits],
        ['tta_flip_whole', size, { window: null, flip: true }, 'tta_flip_whole_probs_s4', 4, probs],
        ['tta_flip_slide', size, { window, flip: true }, 'tta_flip_slide_probs_s4', 4, probs],
      ] as const) {
        const scores = await predictor.scores([view], target, mode);
        expect(scores.channels).toBe(json.config.num_classes);
        if (key) {
          const error = maxError(sampled(scores, step), toNhwc(get(key)));
          expect(error, key).toBeLessThanOrEqual(tolerance);
        }
        const uncertain = json.pixels_with_top2_gap_below_1e5?.[kind] ?? 0;
        const labels = labelsOf(scores);
        expect(numDifferent(labels, get(`pred_${kind}`).data), kind).toBeLessThanOrEqual(uncertain);
      }
      const labels = await predictor.segment([view], size);
      expect(numDifferent(labels, get('pred_whole').data)).toBe(0);
      await predictor.release();
    },
  );

  test('logits at stride 4', { timeout: 60_000 }, async () => {
    const { model, store } = fixtureModel(fixture);
    const program = await executable('compiled', model.inference, store);
    const outputs = await program.run({ image: { shape, data } });
    expect(maxError(outputs['logits'].data, toNhwc(get('logits_stride4')))).toBeLessThanOrEqual(
      statedTolerance(json, 'logits'),
    );
    await program.release();
  });
});
