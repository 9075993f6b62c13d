import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { EPS } from '../../backbone/block.js';
import { convNeXtV2Features } from '../../backbone/convnextv2.js';
import { numParameters } from '../../engine/parameters/store.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { Program } from '../../engine/runtime/program.js';
import { classifier } from '../../heads/classifier.js';
import type { ClassifierModelSpecs } from '../../models/classifier.js';
import { loadClassifier } from '../../inference/classify/load.js';
import { classification } from '../../inference/classify/classification.js';
import { discoverFixtures, maxAbs, maxError, type FixtureTensor } from '../helpers/fixtures.js';
import { toNchw, toNhwc } from '../helpers/layout.js';
import { RUNTIMES, executable } from '../helpers/runtimes.js';

interface Stats {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly absmax: number;
  readonly first8: readonly number[];
  readonly last8: readonly number[];
}
interface AttoJson {
  readonly weights: string;
  readonly params: number;
  readonly stats: Readonly<Record<string, Stats>>;
  readonly top5: readonly number[];
  readonly tolerance: readonly string[];
}

/** `logits: abs 1e-4 * max|logit|` and `stats: rel 1e-4` */
function tolerance(lines: readonly string[], kind: 'logits' | 'stats'): number {
  const match = lines
    .map((line) => new RegExp(`^${kind}: (?:abs|rel) ([\\d.e-]+)`).exec(line))
    .find((m) => m);
  if (!match) throw new Error(`tolerance not understood: ${lines.join('; ')}`);
  return Number(match[1]);
}

const traced: Program = {
  name: 'atto',
  forward: (params: TensorTree<ClassifierModelSpecs>, inputs) => {
    const stages: Record<string, tf.Tensor> = {};
    const { c5 } = convNeXtV2Features(params, inputs['image'] as tf.Tensor4D, {
      observe: (name, x) => {
        if (/^(stem|stage\d)$/.test(name)) stages[name] = tf.keep(x.clone());
      },
    });
    return { ...stages, ...classifier(c5, params, { eps: EPS }) };
  },
};

const fixtures = discoverFixtures<AttoJson>('atto', { committed: false }); // 15 MB of weights

describe.each(fixtures)('$name', ({ json, tensors, folder }) => {
  const get = (name: string): FixtureTensor => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`fixture: expected ${name}`);
    return tensor;
  };

  test.each(RUNTIMES)(
    "real shapes give the original's logits and statistics: %s",
    async (runtime) => {
      const { model, store } = await loadClassifier(join(folder, json.weights));
      expect(numParameters(model.specs)).toBe(json.params);
      const [input, shape] = [get('input_x4_plus128'), get('input_x4_plus128').shape];
      const image = {
        shape: [shape[0], shape[2], shape[3], shape[1]],
        data: toNhwc(input).map((v) => (v - 128) / 4),
      };
      const program = await executable(runtime, traced, store);
      const outputs = await program.run({ image });
      for (const name of ['logits', 'features', 'pooled']) {
        const expected = get(`out.${name}`).data;
        expect(maxError(outputs[name].data, expected), name).toBeLessThanOrEqual(
          tolerance(json.tolerance, 'logits') * maxAbs(expected),
        );
      }
      expect(
        classification(outputs['logits'].data as Float32Array, [])
          .classes(5)
          .map(({ classIndex }) => classIndex),
      ).toEqual(json.top5);
      const relative = tolerance(json.tolerance, 'stats');
      for (const [name, stats] of Object.entries(json.stats)) {
        const { data, shape: nhwc } = outputs[name];
        const values = toNchw(data, nhwc);
        // Statistics near zero are sums of much larger numbers: the error is relative to the spread.
        const near = (actual: number, expected: number): void =>
          expect(Math.abs(actual - expected), name).toBeLessThanOrEqual(
            relative * Math.max(Math.abs(expected), stats.std),
          );
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        near(mean, stats.mean);
        near(Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length), stats.std);
        near(maxAbs(values), stats.absmax);
        stats.first8.forEach((value, i) => near(values[i], value));
        stats.last8.forEach((value, i) => near(values[values.length - 8 + i], value));
        const [, c, h, w] = stats.shape;
        const channel = (k: number): Float32Array => values.subarray(k * h * w, (k + 1) * h * w);
        for (let k = 0; k < c; k++) {
          const own = channel(k).reduce((a, b) => a + b, 0) / (h * w);
          near(own, get(`out.${name}.chan_mean`).data[k]);
          near(
            Math.sqrt(channel(k).reduce((a, b) => a + (b - own) ** 2, 0) / (h * w)),
            get(`out.${name}.chan_std`).data[k],
          );
        }
      }
      await program.release();
    },
  );
});
