import { expect, test } from 'vitest';
import { WeightsError } from '../../core/errors.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import type { ClassifierCard, DetectorCard, SegmenterCard } from '../../inference/card.js';
import { readCard } from '../../inference/read-card.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
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
const [stage] = MASK_RCNN.stages;
const detector: DetectorCard = {
  task: 'detect',
  backbone,
  detector: { ...MASK_RCNN, numClasses: 2 },
  classNames: ['a', 'b'],
  categoryIds: [1, 2],
  pixels: IMAGENET_PIXELS,
  limits: { long: 1333, short: 800 },
  thresholds: DETECTION_THRESHOLDS,
};

test('a card is read as it was written, also with fields of a later version', () => {
  const card = JSON.parse(JSON.stringify({ ...classifier, license: 'later' })) as object;
  expect(readCard('a', { card }, 'classify')).toEqual(card);
  expect(readCard('a', { card: segmenter })).toBe(segmenter);
  expect(readCard('a', { card: detector })).toBe(detector);
});

test.each<[string, unknown, string]>([
  ['none', undefined, 'got task undefined'],
  ['of another task', segmenter, 'expected the checkpoint of a classifier, got task segment'],
  ['of an unknown task', { task: 'toString' }, 'got task toString'],
  ['of a task that is no text', { task: { toString: '' } }, 'got task {"toString":""}'],
  ['without names', { ...classifier, classNames: undefined }, 'classNames'],
  ['with a text for a size', { ...classifier, resize: { ...classifier.resize, inputSize: '32' } }, 'resize/inputSize'], // prettier-ignore
  ['for inputs of 16384 x 16384', { ...classifier, resize: { ...classifier.resize, inputSize: 16384 } }, 'one for inputs of 2.68e+8 pixels (at most 67108864)'], // prettier-ignore
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

test.each<[string, object, string]>([
  ['limits', { ...segmenter, limits: { long: 65536, short: 65536 } }, '4.29e+9 pixels'],
  ['ratios', { ...segmenter, ratios: [0.5, 1e6] }, '4.10e+15 pixels'],
  ['a window', { ...segmenter, window: { cropSize: 16384, stride: 1 } }, '2.68e+8 pixels'],
  [
    'layers',
    {
      ...detector,
      detector: { ...MASK_RCNN, numClasses: 2, masks: { roiSize: 14, numConvs: 1e8 } },
    },
    'detector/masks/numConvs: expected a whole number from 0 to 1024, got 100000000',
  ],
  [
    'layers of a box head',
    {
      ...detector,
      detector: {
        ...MASK_RCNN,
        numClasses: 2,
        stages: [{ ...stage, layers: { ...stage.layers, numFcs: 1e8 } }],
      },
    },
    'detector/stages/0/layers/numFcs: expected a whole number from 1 to 1024, got 100000000',
  ],
])(
  'a card that asks for too many or too large %s is refused before memory is taken',
  (_, card, message) => {
    expect(() => readCard('a', { card })).toThrow(WeightsError);
    expect(() => readCard('a', { card })).toThrow(message);
  },
);

test('the checkpoint of a classifier has no card of an autoencoder', () => {
  expect(() => readCard('a.safetensors', { card: { task: 'classify' } }, 'pretrain')).toThrow(
    'a.safetensors: expected the checkpoint of a masked autoencoder, got task classify',
  );
});
