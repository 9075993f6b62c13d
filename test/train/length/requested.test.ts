import { describe, expect, test } from 'vitest';
import { OptionError } from '../../../core/errors.js';
import type { RunLayout } from '../../../train/length/layout.js';
import {
  chooseLength,
  requestedLength,
  type StoredLength,
} from '../../../train/length/requested.js';

const NONE = { warmup: false, evaluateEvery: false, checkpointEvery: false };
const resolved = (recipe: string, changed: Readonly<Record<string, string>> = {}) => ({
  recipe,
  sources: { epochs: `recipe ${recipe}`, 'warmup.steps': `recipe ${recipe}`, ...changed },
});
const LAYOUT: RunLayout = {
  by: 'minutes',
  steps: 90,
  warmupSteps: 9,
  evaluateEverySteps: 45,
  decidedAt: 11,
  checkpointEverySteps: 23,
  evaluationImages: null,
  secondsPerStep: 0.5,
};
const STORED: StoredLength = { minutes: 2, epochs: null, kept: NONE, layout: LAYOUT };

describe('the length of a new run', () => {
  test('is that of the options, for every recipe', () => {
    for (const recipe of ['detect', 'coco-mask-rcnn-tiny']) {
      expect(chooseLength({ minutes: 9 }, resolved(recipe), {})).toEqual({
        minutes: 9,
        epochs: null,
        kept: NONE,
        layout: null,
      });
      expect(chooseLength({ epochs: 3 }, resolved(recipe), {})).toMatchObject({ epochs: 3 });
    }
  });

  test('is that of a rule for recipes for own data, unless its length is set', () => {
    const rule = chooseLength({}, resolved('detect'), {});
    expect(rule).toEqual({ minutes: null, epochs: null, kept: NONE, layout: null });
    expect(requestedLength(rule, { recipe: 'detect', startMs: 0, reportImages: 0 })).toMatchObject({
      by: { kind: 'rule', rule: { minSteps: 1200 } },
    });
    expect(chooseLength({}, resolved('detect', { epochs: '--set epochs' }), {})).toBeNull();
    expect(chooseLength({}, resolved('segment-finetune', { steps: 'my.yaml' }), {})).toBeNull();
  });

  test.each([
    'coco-mask-rcnn-tiny',
    'ade20k-upernet-tiny',
    'imagenet-1k-atto',
    'fcmae-atto',
    'own',
  ])('is that of the recipe %s', (recipe) =>
    expect(chooseLength({}, resolved(recipe), {})).toBeNull(),
  );

  test('keeps the intervals that are set', () => {
    const sources = { 'warmup.steps': '--set warmup.steps', evaluateEvery: 'config' };
    expect(chooseLength({ minutes: 2 }, resolved('detect', sources), {})?.kept).toEqual({
      warmup: true,
      evaluateEvery: true,
      checkpointEvery: false,
    });
  });

  test('is one of both', () => {
    expect(() => chooseLength({ minutes: 2, epochs: 3 }, resolved('detect'), {})).toThrow(
      new OptionError('--epochs: expected either --minutes or --epochs, got both'),
    );
  });

  test('is two minutes with --overfit, unless it is given', () => {
    expect(chooseLength({ overfit: 8 }, resolved('coco-cascade-tiny'), {})?.minutes).toBe(2);
    expect(chooseLength({ overfit: 8, minutes: 5 }, resolved('detect'), {})?.minutes).toBe(5);
    expect(chooseLength({ overfit: 8, epochs: 5 }, resolved('detect'), {})?.minutes).toBeNull();
  });
});

describe('the length of another run', () => {
  test('is kept when it is resumed, with its layout, and may be named again', () => {
    const runs = { resumed: { length: STORED }, repeated: undefined };
    expect(chooseLength({}, resolved('detect'), runs)).toBe(STORED);
    expect(chooseLength({ minutes: 2 }, resolved('detect'), runs)).toBe(STORED);
    expect(() => chooseLength({ minutes: 3 }, resolved('detect'), runs)).toThrow(
      '--minutes: expected 2, with which the run was started that is resumed, got 3',
    );
    expect(() => chooseLength({ epochs: 3 }, resolved('detect'), runs)).toThrow(
      '--epochs: expected none',
    );
  });

  test('of earlier versions is that of their configuration', () => {
    expect(chooseLength({}, resolved('detect'), { resumed: {} })).toBeNull();
    expect(chooseLength({}, resolved('detect'), { repeated: {} })).toBeNull();
  });

  test('is repeated with its layout and the steps before it, unless another is asked for', () => {
    const stored = { ...STORED, stepsBefore: 77 };
    const runs = { repeated: { length: stored } };
    const options = { recipe: 'detect', startMs: 0, reportImages: 0 };
    const repeated = chooseLength({}, resolved('detect'), runs);
    expect(repeated).toBe(stored);
    expect(requestedLength(repeated, options)).toMatchObject({ layout: LAYOUT, stepsBefore: 77 });
    expect(requestedLength(STORED, options)?.stepsBefore).toBe(Infinity);
    const other = chooseLength({ minutes: 3 }, resolved('detect'), runs);
    expect(other).toMatchObject({ minutes: 3, layout: null });
    expect(requestedLength(other, options)?.stepsBefore).toBeUndefined();
  });
});
