import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeRle } from '../../core/rle.js';
import { rleFromString } from '../../core/rle-string.js';
import { expandMask } from '../../core/results.js';
import { open } from '../../inference/open.js';
import { summarizeModel } from '../../inference/summary.js';
import { paletteOf } from '../../train/segment/palette.js';

/** @see test/oracles/mmdet-detections.py */
const FOLDER = join(import.meta.dirname, '../fixtures/published');
const LABELS = ['tench', 'hen', 'ox', 'lark', 'newt', 'toad', 'crab'];

/** An object of mmdetection. */
interface Expected {
  /** Corners, pixels. */
  readonly box: readonly number[];
  readonly score: number;
  readonly label: number;
  /** Run lengths. */
  readonly mask: string;
}
const DETECTIONS = JSON.parse(
  readFileSync(join(FOLDER, 'mmdet-detections.json'), 'utf8'),
) as Readonly<Record<string, readonly Expected[]>>;

test.each(Object.keys(DETECTIONS))('%s detects what mmdetection does', async (name) => {
  const wanted = DETECTIONS[name];
  expect(wanted.length).toBeGreaterThan(10);
  const model = await open(join(FOLDER, name), { size: 64, classes: LABELS, task: 'detect' });
  const { objects } = await model.predict(join(FOLDER, 'square.png'), {
    score: 0,
    perClassNms: true,
  });
  expect(objects.map(({ classIndex }) => classIndex)).toEqual(wanted.map(({ label }) => label));
  objects.forEach(({ box: [x, y, w, h], score, mask }, i) => {
    expect(Math.abs(score - wanted[i].score)).toBeLessThan(1e-5);
    [x, y, x + w, y + h].forEach((value, k) =>
      expect(Math.abs(value - wanted[i].box[k])).toBeLessThan(2e-3),
    );
    const [ours, theirs] = [expandMask(mask!), rleFromString(wanted[i].mask, 64, 64)].map(
      decodeRle,
    );
    // Pixels whose probability is one half to rounding.
    expect(ours.filter((pixel, at) => pixel !== theirs[at]).length).toBeLessThanOrEqual(1);
  });
  await model.release();
});

test('classes are those of the data set that mmengine keeps in a checkpoint of mmsegmentation', async () => {
  const file = join(FOLDER, 'mmseg-meta.pth');
  expect((await summarizeModel(file)).title).toMatch(/^UPerNet on ConvNeXt V1 .*, 7 classes$/);
  const model = await open(file, { size: 64 });
  expect(model.classNames).toEqual(LABELS);
  const colors = Array.from({ length: 7 }, (_, k) => [10 * k, 20, 255 - 30 * k]);
  expect(model.task === 'segment' && [...paletteOf(model.card)]).toEqual(colors.flat());
  const result = await model.predict(join(FOLDER, 'square.png'));
  expect(result.task === 'segment' && result.classNames).toEqual(LABELS);
  await model.release();
});
