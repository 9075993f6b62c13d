import { describe, expect, test } from 'vitest';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { cocoClasses } from '../../datasets/classes/coco.js';
import { ADE20K_CLASSES } from '../../datasets/classes/ade20k.js';
import { publishedCard } from '../../inference/published.js';
import { CATALOG, type CatalogEntry } from '../../weights/catalog.js';
import { resolveModelName } from '../../weights/model-name.js';
import { publishedTensors } from '../helpers/published-tensors.js';
import { numElements } from '../../core/shape.js';

const downstream = CATALOG.filter(({ method }) => method !== undefined);

/** Parameters as the READMEs round them, in millions. */
const ROUNDED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'Mask R-CNN': { tiny: 48 },
  'Cascade Mask R-CNN': { tiny: 86, small: 108, base: 146, large: 255, xlarge: 407 },
  UPerNet: { tiny: 60, small: 82, base: 122, large: 235, xlarge: 391 },
};

describe.each(downstream.map((entry) => [entry.name, entry] as const))('%s', (_, entry) => {
  test('has the parameters of its network, which round to the published number', () => {
    const statistics = /running_(mean|var)$|num_batches_tracked$/;
    const counted = [...publishedTensors(entry)]
      .filter(([path]) => !statistics.test(path))
      .reduce((sum, [, shape]) => sum + numElements(shape), 0);
    expect(entry.numParameters).toBe(counted);
    const published = ROUNDED[entry.method ?? ''][entry.size];
    expect(Math.abs(counted / 1e6 - published)).toBeLessThan(1);
  });

  test('has a card with the classes and the test protocol of its data', () => {
    const card = publishedCard(entry);
    if (card.task === 'detect') {
      expect(card.classNames).toEqual(cocoClasses().names);
      expect(card.limits).toEqual({ long: 1333, short: 800 });
      expect(card.thresholds).toMatchObject({ scoreThreshold: 0.05, maxPerImage: 100 });
      expect(card.detector.stages).toHaveLength(entry.method === 'Mask R-CNN' ? 1 : 3);
    } else if (card.task === 'segment') {
      const side = entry.inputSizePx;
      expect(card.classNames).toEqual(ADE20K_CLASSES);
      expect(card.limits).toEqual({ long: 4 * side, short: side });
      expect(card.window).toEqual({ cropSize: side, stride: side === 640 ? 426 : 341 });
      expect(card.ratios).toEqual([0.5, 0.75, 1, 1.25, 1.5, 1.75]);
    } else throw new Error(card.task);
    expect(createDenseBackbone(card.backbone).numBlocks).toBe(entry.size === 'tiny' ? 18 : 36);
  });
});

const named = (name: string): CatalogEntry => resolveModelName(name);

test('classifiers have the preprocessing of their size, and V2 segmenters do not exist', () => {
  expect(publishedCard(named('tiny.fcmae_ft_in22k_in1k_384'))).toMatchObject({
    task: 'classify',
    resize: { inputSize: 384 },
  });
  expect(publishedCard(named('convnext_small.fb_in1k')).classNames).toHaveLength(1000);
  expect(publishedCard(named('convnext_tiny.fb_in22k')).classNames[21_840]).toBe('class 21840');
  expect(() => publishedCard(named('tiny.fcmae'))).toThrow('got a pre-trained encoder');
  expect(downstream.every(({ version }) => version === 1)).toBe(true);
});
