import { mkdirSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { segmentResult } from '../../core/results.js';
import type { RgbImage } from '../../core/image.js';
import { loadCoco, type CocoSet } from '../../datasets/coco/set.js';
import {
  loadSegmentationFolder,
  type SegmentationSet,
} from '../../datasets/segmentation-folder.js';
import type { SegmenterModel } from '../../inference/model.js';
import { decodeImage } from '../../io/image/decode.js';
import { encodeLabelPng } from '../../io/png/write.js';
import { evaluateDetector } from '../../train/detect/evaluate.js';
import { evaluateSegmenter } from '../../train/segment/evaluate.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyCoco, TINY_SIZE } from '../helpers/tiny-coco.js';
import { detectorOf } from './detect/detector-of.js';

/*
 * Pictures of 16 bits that use a part of their range: a model sees those of an evaluated set as `predict` shows them, scaled as its
 * training data were, unless the set says another range itself.
 */
const { path } = temporaryFolder();
const OF_MODEL = [0, 4095] as const;
const OF_SET = [100, 900] as const;
const photo = (): string => path('images/p1.png');

beforeAll(async () => {
  ['images', 'labels'].forEach((folder) => mkdirSync(path(folder)));
  const { width, height } = TINY_SIZE;
  const values = Uint16Array.from({ length: width * height }, (_, i) => (7 * i) % 1000);
  await sharp(values, { raw: { width, height, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toFile(photo());
  const data = new Uint8Array(width * height);
  writeFileSync(path('labels/p1.png'), encodeLabelPng({ width, height, data }));
  writeFileSync(path('coco.json'), JSON.stringify(tinyCoco(1)));
});

const RANGES = [
  { range: undefined, expected: OF_MODEL },
  { range: OF_SET, expected: OF_SET },
];

test.each(RANGES)('a detector sees pixels of a set with range $range by $expected', async (c) => {
  const { range, expected } = c;
  const coco = await loadCoco({ annotations: path('coco.json'), images: path('images') });
  const set: CocoSet = { ...coco, range };
  const seen: RgbImage[] = [];
  const detect = (image: RgbImage) => (seen.push(image), []);
  const model = detectorOf(detect, { classNames: set.classes.names });
  await evaluateDetector({ ...model, card: { ...model.card, range: OF_MODEL } }, set);
  expect(seen).toEqual([await decodeImage(photo(), { range: expected })]);
});

test.each(RANGES)('a segmenter sees pixels of a set with range $range by $expected', async (c) => {
  const { range, expected } = c;
  const folder = loadSegmentationFolder({
    images: path('images'),
    labels: path('labels'),
    classes: ['a', 'b'],
  });
  const samples = folder.samples.map((sample) => ({ ...sample, range }));
  const set: SegmentationSet = { ...folder, samples };
  const seen: RgbImage[] = [];
  const model = {
    task: 'segment',
    classNames: ['a', 'b'],
    card: { task: 'segment', range: OF_MODEL },
    predict: (image: RgbImage) => {
      seen.push(image);
      const { width, height } = image;
      const labels = new Uint8Array(width * height);
      return Promise.resolve(segmentResult({ width, height, labels, classNames: ['a', 'b'] }));
    },
  } as unknown as SegmenterModel;
  await evaluateSegmenter(model, set);
  expect(seen).toEqual([await decodeImage(photo(), { range: expected })]);
});
