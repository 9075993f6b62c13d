import { expect, test } from 'vitest';
import { WeightsError } from '../../core/errors.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { readCard, type ClassifierCard, type SegmenterCard } from '../../inference/card.js';
import { UPERNET } from '../../models/upernet.js';

const backbone = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' } as const;
const classifier: ClassifierCard = {
  task: 'classify',
  backbone,
  classNames: ['a', 'b'],
  pixels: IMAGENET_PIXELS,
  resize: evaluationResize(32),
};
const segmenter: SegmenterCard = {
  task: 'segment',
  backbone,
  head: { ...UPERNET, numClasses: 2 },
  classNames: ['a', 'b'],
  pixels: IMAGENET_PIXELS,
  limits: { long: 64, short: 64 },
  window: { cropSize: 64, stride: 43 },
  ratios: [1],
};

test('a card is read as it was written, also with fields of a later version', () => {
  const card = JSON.parse(JSON.stringify({ ...classifier, license: 'later' })) as object;
  expect(readCard('a', { card }, 'classify')).toEqual(card);
  expect(readCard('a', { card: segmenter })).toBe(segmenter);
});

test.each<[string, unknown, string]>([
  ['none', undefined, 'got task undefined'],
  ['of another task', segmenter, 'expected the checkpoint of a classifier, got task segment'],
  ['of an unknown task', { task: 'toString' }, 'got task toString'],
  ['of a task that is no text', { task: { toString: '' } }, 'got task {"toString":""}'],
  ['without names', { ...classifier, classNames: undefined }, 'classNames'],
  ['with a text for a size', { ...classifier, resize: { ...classifier.resize, inputSize: '32' } }, 'resize/inputSize'], // prettier-ignore
  ['that would divide by 0', { ...classifier, pixels: { mean: [0, 0, 0], std: [1, 0, 1] } }, 'pixels/std/1'], // prettier-ignore
])('a card %s is refused with its file', (_, card, message) => {
  const read = (): unknown => readCard('run/a.safetensors', { card }, 'classify');
  expect(read).toThrow(WeightsError);
  expect(read).toThrow('run/a.safetensors: expected the checkpoint of a classifier');
  expect(read).toThrow(message);
});

test('names must be as many as the head’s classes', () => {
  expect(() => readCard('a', { card: { ...segmenter, classNames: ['a'] } })).toThrow(
    'got one of 2 classes with 1 class names',
  );
});
