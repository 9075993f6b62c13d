import { describe, expect, test } from 'vitest';
import { linearRates } from '../../core/rates.js';
import { adamW } from '../../engine/optimizer/adam-w.js';
import { startEma, updateEma } from '../../engine/optimizer/ema.js';
import { createFlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import { clipScale, gradientNorm } from '../../engine/optimizer/gradients.js';
import { learningRate, type Schedule } from '../../train/schedule.js';
import { discoverFixtures, maxAbs, maxError } from '../helpers/fixtures.js';
import { statedTolerance } from './stated-tolerance.js';

interface AdamWJson {
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly lr_per_step: readonly number[];
  readonly lr_scale: Readonly<Record<string, number>>;
  readonly weight_decay: Readonly<Record<string, number>>;
  readonly ema_decay: number;
}
interface CosineJson {
  readonly epochs: number;
  readonly warmup_epochs: number;
  readonly lr: number;
  readonly min_lr: number;
  readonly steps_per_epoch: number;
  readonly lr_at_step: readonly number[];
}
interface Json {
  readonly tolerance: readonly string[];
  readonly adamw: Readonly<Record<string, AdamWJson>>;
  readonly cosine_schedules: readonly CosineJson[];
  readonly detection_step_schedule: {
    readonly base_lr: number;
    readonly milestones: readonly number[];
    readonly gamma: number;
    readonly warmup: string;
    readonly iter_epoch_lr: readonly (readonly [number, number, number])[];
  };
  readonly segmentation_poly_schedule: {
    readonly base_lr: number;
    readonly max_iters: number;
    readonly power: number;
    readonly min_lr: number;
    readonly warmup: string;
    readonly iter_lr: readonly (readonly [number, number])[];
  };
  readonly drop_path_rates_for_0_1: Readonly<Record<string, readonly number[]>>;
}

/** "linear, 500 iterations, ratio 0.001: …" */
function warmupOf(text: string): { readonly steps: number; readonly ratio: number } {
  const [, steps, ratio] = /(\d+) iterations, ratio ([\d.e-]+\d)/.exec(text) as RegExpExecArray;
  return { steps: Number(steps), ratio: Number(ratio) };
}

const relativeError = (actual: number, expected: number): number =>
  expected === 0 ? Math.abs(actual) : Math.abs(actual / expected - 1);

const fixtures = discoverFixtures<Json>('optim');

describe.each(fixtures)('$name', ({ json, tensors }) => {
  const floats = (name: string): Float32Array => tensors.get(name)!.data as Float32Array;
  const paramTolerance = statedTolerance(json, 'params');
  const scheduleTolerance = statedTolerance(json, 'schedules');

  describe.each(Object.entries(json.adamw))('AdamW, %s', (name, config) => {
    test.each([
      ['in one memory', undefined],
      ['in plain arrays', 0],
    ])('parameters, moments and EMA equal the original (%s)', (_, maxMemoryBytes) => {
      const paths = Object.keys(config.lr_scale);
      let size = 0;
      const runs = paths.map((path) => {
        const length = floats(`${name}.init.${path}`).length;
        size += length;
        return {
          offset: size - length,
          size: length,
          lrScale: config.lr_scale[path],
          weightDecay: config.weight_decay[path],
        };
      });
      const buffers = createFlatBuffers(size, {
        moments: 2,
        ema: true,
        ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
      });
      const load = (target: Float32Array, kind: string): void =>
        paths.forEach((path, at) => target.set(floats(`${name}.${kind}.${path}`), runs[at].offset));
      const check = (actual: Float32Array, kind: string): void => {
        const expected = new Float32Array(size);
        load(expected, kind);
        const error = maxError(actual, expected);
        expect(error, kind).toBeLessThanOrEqual(paramTolerance * Math.max(1, maxAbs(expected)));
      };
      load(buffers.parameters, 'init');
      startEma(buffers);
      config.lr_per_step.forEach((lr, step) => {
        load(buffers.gradients, `grad${step}`);
        const { betas, eps } = config;
        adamW(buffers, runs, { lr, betas, eps, step: step + 1 });
        updateEma(buffers, config.ema_decay);
        check(buffers.parameters, `param${step}`);
      });
      check(buffers.moments[0], 'exp_avg');
      check(buffers.moments[1], 'exp_avg_sq');
      check(buffers.ema!, 'ema');
    });
  });

  test('clipping scales all gradients by their common norm', () => {
    const names = [...tensors.keys()].filter((name) => /^clip\.g\d+$/.test(name)).sort();
    const gradients = names.flatMap((name) => [...floats(name)]);
    const buffers = createFlatBuffers(gradients.length, { moments: 0 });
    buffers.gradients.set(gradients);
    const norm = gradientNorm(buffers);
    expect(relativeError(norm, floats('clip.norm')[0])).toBeLessThanOrEqual(paramTolerance);
    const scale = clipScale({ norm, maxNorm: 1 });
    const clipped = names.flatMap((name) => [...floats(name.replace('.g', '.out'))]);
    const error = maxError(
      gradients.map((gradient) => gradient * scale),
      clipped,
    );
    expect(error).toBeLessThanOrEqual(paramTolerance);
  });

  test.each(json.cosine_schedules)('cosine over $epochs epochs', (cosine) => {
    const schedule: Schedule = {
      kind: 'cosine',
      lr: cosine.lr,
      minLr: cosine.min_lr,
      epochs: cosine.epochs,
      warmupEpochs: cosine.warmup_epochs,
    };
    cosine.lr_at_step.forEach((expected, step) => {
      const lr = learningRate(schedule, { step, epoch: step / cosine.steps_per_epoch });
      expect(relativeError(lr, expected), `step ${step}`).toBeLessThanOrEqual(scheduleTolerance);
    });
  });

  test('the step schedule of detection', () => {
    const { base_lr: lr, milestones, gamma, warmup, iter_epoch_lr } = json.detection_step_schedule;
    const schedule: Schedule = {
      kind: 'multiStep',
      lr,
      milestones,
      gamma,
      warmup: warmupOf(warmup),
    };
    for (const [step, epoch, expected] of iter_epoch_lr) {
      const error = relativeError(learningRate(schedule, { step, epoch }), expected);
      expect(error, `iteration ${step}`).toBeLessThanOrEqual(scheduleTolerance);
    }
  });

  test('the poly schedule of segmentation', () => {
    const poly = json.segmentation_poly_schedule;
    const schedule: Schedule = {
      kind: 'poly',
      lr: poly.base_lr,
      minLr: poly.min_lr,
      power: poly.power,
      steps: poly.max_iters,
      warmup: warmupOf(poly.warmup),
    };
    for (const [step, expected] of poly.iter_lr) {
      const error = relativeError(learningRate(schedule, { step, epoch: 0 }), expected);
      expect(error, `iteration ${step}`).toBeLessThanOrEqual(scheduleTolerance);
    }
  });

  test('drop path rates', () => {
    for (const [model, expected] of Object.entries(json.drop_path_rates_for_0_1)) {
      linearRates(0.1, expected.length).forEach((rate, block) => {
        // The original computes them in float32, step and product rounded: two units in the last place.
        const error = relativeError(rate, expected[block]);
        expect(error, `${model} ${block}`).toBeLessThanOrEqual(2 ** -22);
      });
    }
  });
});
