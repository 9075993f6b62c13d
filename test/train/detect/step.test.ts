import { expect, test } from 'vitest';
import type { StepContext } from '../../../train/detect/parts.js';
import type { DetectionStepResult, StepOptions } from '../../../train/detect/step.js';
import { DetectionStep } from '../../../train/detect/step.js';
import { SINGLE_PROCESS } from '../../../train/distributed/communicator.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';
import { batchOf, TINY_CONFIG, tinyDetector, tinyStore, inputOf } from './tiny-detector.js';

const INPUTS = [
  inputOf([
    [5, 6, 40, 44],
    [50, 8, 90, 60],
  ]),
  inputOf([[10, 10, 30, 40]], { width: 80, height: 50 }),
];
const OPTIONS: StepOptions = { seed: 1, dropPathRate: 0, sampling: 'random' };

interface Bench {
  readonly step: DetectionStep;
  readonly store: ReturnType<typeof tinyStore>;
  readonly gradients: Float32Array;
  run(step: number, inputs?: typeof INPUTS): Promise<DetectionStepResult>;
}

/** Few samples, so that which ones are drawn matters. */
const FEW = { numSamples: 32, positiveFraction: 0.5 };

async function bench(
  options: Partial<StepOptions> = {},
  context: Partial<StepContext> = {},
  sampler = FEW,
): Promise<Bench> {
  const model = tinyDetector({ ...TINY_CONFIG, rpn: { ...TINY_CONFIG.rpn, sampler } });
  const store = tinyStore(model);
  const gradients = new Float32Array(store.values.length).fill(NaN);
  const engine = await engineOf('compiled');
  const step = new DetectionStep(
    { engine, model, store, gradients, communicator: SINGLE_PROCESS, ...context },
    { ...OPTIONS, ...options },
  );
  return {
    step,
    store,
    gradients,
    run: (at, inputs = INPUTS) => step.run(batchOf(inputs), { step: at, micro: 0 }),
  };
}

test('every loss term is named and finite, and every trained parameter has a gradient', async () => {
  const { step, run, store, gradients } = await bench({}, {}, TINY_CONFIG.rpn.sampler);
  const { losses } = await run(0);
  const terms = ['loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox', 'loss_mask'];
  expect(Object.keys(losses)).toEqual(['loss', ...terms]);
  expect(losses['loss']).toBeCloseTo(
    terms.reduce((sum, term) => sum + losses[term], 0),
    5,
  );
  for (const entry of store.entries) {
    const gradient = store.view(entry, gradients);
    expect(gradient.every(Number.isFinite), entry.path).toBe(true);
    expect(
      gradient.some((g) => g !== 0),
      entry.path,
    ).toBe(true);
  }
  await step.release();
});

test('seed and step decide everything: the same bits again, others at another step or seed', async () => {
  const first = await bench();
  const a = await first.run(3);
  const gradients = first.gradients.slice();
  const other = await first.run(4);
  const again = await bench();
  const b = await again.run(3);
  expect(b.losses).toEqual(a.losses);
  expect(again.gradients).toEqual(gradients);
  expect(other.losses['loss']).not.toBe(a.losses['loss']);
  const seeded = await bench({ seed: 2 });
  expect((await seeded.run(3)).losses['loss']).not.toBe(a.losses['loss']);
  for (const { step } of [first, again, seeded]) await step.release();
});

test('drop path is drawn anew each step, not frozen into the graph', async () => {
  const dropping = await bench({ dropPathRate: 0.9, sampling: 'inOrder' });
  const losses = [];
  for (let at = 0; at < 6; at++) losses.push((await dropping.run(at)).losses['loss']);
  expect(new Set(losses).size).toBeGreaterThan(1);
  expect((await dropping.run(0)).losses['loss']).toBe(losses[0]);
  const whole = await bench({ sampling: 'inOrder' });
  expect((await whole.run(0)).losses).toEqual((await whole.run(1)).losses);
  await dropping.step.release();
  await whole.step.release();
});

test('images without objects train the RPN and the class scores', async () => {
  const { step, run, store, gradients } = await bench();
  const { losses } = await run(0, [inputOf([]), inputOf([], { width: 80, height: 50 })]);
  expect(losses['loss_rpn_bbox']).toBe(0);
  expect(losses['loss_bbox']).toBe(0);
  expect(losses['loss_mask']).toBe(0);
  expect(losses['loss_rpn_cls']).toBeGreaterThan(0);
  expect(losses['loss_cls']).toBeGreaterThan(0);
  expect(gradients.every(Number.isFinite)).toBe(true);
  const masks = store.entries.filter(({ path }) => path.startsWith('roi_head.mask_head.'));
  for (const entry of masks)
    expect(
      store.view(entry, gradients).every((g) => g === 0),
      entry.path,
    ).toBe(true);
  await step.release();
});

test('what is not trained gets no gradient, and nothing else changes', async () => {
  const all = await bench();
  await all.run(0);
  const frozen = await bench({}, { isTrained: (path) => !path.startsWith('backbone.') });
  await frozen.run(0);
  for (const entry of all.store.entries) {
    const gradient = frozen.store.view(entry, frozen.gradients);
    if (entry.path.startsWith('backbone.'))
      expect(gradient.every(Number.isNaN), entry.path).toBe(true);
    else expect(gradient, entry.path).toEqual(all.store.view(entry, all.gradients));
  }
  await all.step.release();
  await frozen.step.release();
});

test('the smallest image there can be', async () => {
  const { step, gradients } = await bench();
  const input = inputOf([[0, 0, 1, 1]], { width: 1, height: 1 });
  const images = new Float32Array(32 * 32 * 3).fill(0.3);
  const batch = { images, shape: [1, 32, 32, 3] as const, inputs: [input] };
  const { losses } = await step.run(batch, { step: 0, micro: 0 });
  expect(Number.isFinite(losses['loss'])).toBe(true);
  expect(gradients.every(Number.isFinite)).toBe(true);
  await step.release();
});

test('numbers that are not finite stop the step with a message', async () => {
  const { step, run, store } = await bench();
  store.get('rpn_head.rpn_cls.bias').fill(NaN);
  await expect(run(0)).rejects.toThrow('selectProposals: expected finite scores');
  await step.release();
});
