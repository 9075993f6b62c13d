import { expect, test } from 'vitest';
import { segmentationSet } from '../../../datasets/in-memory.js';
import type { SegmentationSet } from '../../../datasets/segmentation-folder.js';
import { compileSchema } from '../../../io/schema.js';
import { mergeSettings } from '../../../train/config/layers.js';
import { SCHEMAS } from '../../../train/config/schemas.js';
import { SEGMENT } from '../../../train/recipes/segment.js';
import { fitSegmenter } from '../../../train/segment/fit-settings.js';

/** Set of empty images of these sizes. */
function images(...sizes: readonly (readonly [number, number])[]): SegmentationSet {
  const examples = sizes.map(([width, height]) => ({
    image: { width, height, data: new Uint8Array(3 * width * height) },
    labels: { width, height, data: new Uint8Array(width * height) },
  }));
  return segmentationSet(examples, ['ground', 'road']);
}

test('the input is no larger than the images: crop, limits and window follow', async () => {
  const settings = await fitSegmenter(images([128, 128], [120, 500]), SEGMENT, () => false);
  expect(settings).toEqual({
    geometry: { scale: { long: 512, short: 128 }, cropSize: 128 },
    evaluation: { limits: { long: 512, short: 128 }, window: { cropSize: 128, stride: 85 } },
  });
  const { config } = mergeSettings({ config: { ...SEGMENT }, sources: {} }, settings, 'data');
  expect(compileSchema(SCHEMAS.segment)(config)).toEqual([]);
});

test('images of the size of the recipe and larger ones change nothing, nor do settings of the user', async () => {
  expect(await fitSegmenter(images([320, 240], [640, 480]), SEGMENT, () => false)).toEqual({});
  const small = images([64, 64]);
  for (const path of ['geometry.cropSize', 'evaluation.limits', 'geometry.scale'])
    expect(await fitSegmenter(small, SEGMENT, (asked) => asked === path)).toEqual({});
});
