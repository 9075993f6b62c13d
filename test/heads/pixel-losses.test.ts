import { readFileSync } from 'node:fs';
import type * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../core/errors.js';
import { softTargetCrossEntropy, type SoftTargetOptions } from '../../engine/ops/losses.js';
import { pixelLoss, type PixelLoss } from '../../heads/pixel-losses.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import {
  floats,
  forward,
  forwardAndGradients,
  integers,
  opCase,
  values,
  type OpCase,
  type OpResult,
} from '../engine/op-case.js';

interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Case<Options> {
  readonly options: Options;
  readonly loss: number;
  readonly gradient: readonly number[];
}
/** By PyTorch and mmsegmentation: test/oracles/pixel-losses.py. */
const { logits, labels, cases, scores, targets, softCases } = JSON.parse(
  readFileSync(new URL('../fixtures/pixel-losses.json', import.meta.url), 'utf8'),
) as {
  readonly logits: Stored;
  readonly labels: Stored;
  readonly cases: Readonly<Record<string, Case<PixelLoss>>>;
  readonly scores: Stored;
  readonly targets: Stored;
  readonly softCases: Readonly<Record<string, Case<SoftTargetOptions>>>;
};

type Pixels = { logits: tf.Tensor4D; labels: tf.Tensor3D };
const WAYS = ['eager cpu', 'compiled', 'compiled portable'] as const;

/** The loss and its gradient; those of a test's case are of `loss · cotangent` with one random number. */
function expectTorch({ output, gradients }: OpResult, expected: Case<object>, of: string): void {
  expect(output.data[0]).toBeCloseTo(expected.loss, 5);
  const own = gradients[of].data;
  const largest = expected.gradient.reduce(
    (m, g, i, all) => (Math.abs(g) > Math.abs(all[m]) ? i : m),
    0,
  );
  const cotangent = own[largest] / expected.gradient[largest];
  expect(Math.abs(cotangent)).toBeGreaterThan(1e-3);
  expected.gradient.forEach((g, i) => expect(own[i] / cotangent).toBeCloseTo(g, 6));
}

const pixels = (options: PixelLoss): OpCase =>
  opCase<Pixels>({
    name: 'pixelLoss',
    inputs: {
      logits: floats(logits.shape, logits.data),
      labels: integers(labels.shape, labels.data),
    },
    op: (i) => pixelLoss(i.logits, i.labels, options),
  });

describe.each(Object.entries(cases))('pixelLoss, %s', (_, expected) => {
  test.each(WAYS)('has the loss and gradient of PyTorch: %s', async (way) => {
    expectTorch(await forwardAndGradients(way, pixels(expected.options)), expected, 'logits');
  });
});

type Soft = { logits: tf.Tensor2D; targets: tf.Tensor2D };
test.each(Object.entries(softCases))(
  'softTargetCrossEntropy, %s: loss and gradient of PyTorch',
  async (_, expected) => {
    const soft = opCase<Soft>({
      name: 'softTargetCrossEntropy',
      inputs: {
        logits: floats(scores.shape, scores.data),
        targets: floats(targets.shape, targets.data),
      },
      differentiable: ['logits'],
      op: (i) => softTargetCrossEntropy(i.logits, i.targets, expected.options),
    });
    for (const way of WAYS) expectTorch(await forwardAndGradients(way, soft), expected, 'logits');
  },
);

const one = (z: HostTensor, label: number, options: PixelLoss): OpCase =>
  opCase<Pixels>({
    name: 'one pixel',
    inputs: { logits: z, labels: integers([1, 1, 1], [label]) },
    op: (i) => pixelLoss(i.logits, i.labels, options),
  });

test('losses stay finite where nothing is labeled and where the prediction is certain', async () => {
  const all: PixelLoss = {
    focalGamma: 0.5,
    diceWeight: 1,
    hardPixels: { threshold: 0.7, minKept: 3 },
    classWeights: [1, 2],
  };
  const certain = floats([1, 1, 1, 2], [200, -200]);
  for (const label of [255, 0, 1]) {
    const { output, gradients } = await forwardAndGradients('compiled', one(certain, label, all));
    expect([...output.data, ...gradients['logits'].data].every(Number.isFinite)).toBe(true);
    if (label === 255) for (const g of gradients['logits'].data) expect(g).toBeCloseTo(0, 6);
  }
  const nothing = await forward('compiled', one(certain, 255, all));
  expect(nothing.data[0]).toBeCloseTo(0, 6);
});

test('a wrong number of class weights is an error', async () => {
  const three = one(values(1, [1, 1, 1, 2]), 0, { classWeights: [1, 2, 3] });
  await expect(forward('eager cpu', three)).rejects.toThrow(ShapeError);
});
