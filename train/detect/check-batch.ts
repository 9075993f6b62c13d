import { DataError } from '../../core/errors.js';
import type { Detector } from '../../models/detector.js';
import { assertImages } from '../../models/detection/pyramid-outputs.js';
import type { DetectionBatch, DetectionView } from '../pipelines/detect.js';

/**
 * Checks a batch before any computation.
 *
 * @throws ShapeError if the images have the wrong shape; DataError, naming file, image and object, for an image larger
 *   than the batch, an object without area or outside its image, an unknown class, or a missing mask
 */
export function assertBatch(
  { images, shape, views }: DetectionBatch,
  { config }: Pick<Detector, 'config'>,
): void {
  assertImages('train', { shape, data: images });
  const [n, height, width] = shape;
  if (views.length !== n)
    throw new DataError(`train: expected ${n} views of ${n} images, got ${views.length}`);
  for (const view of views) {
    const fits =
      view.width >= 1 && view.width <= width && view.height >= 1 && view.height <= height;
    if (!fits)
      throw wrong(
        view,
        `expected an image within ${width}x${height}, got ${view.width}x${view.height}`,
      );
    assertObjects(view, config);
  }
}

function assertObjects(view: DetectionView, config: Detector['config']): void {
  const { boxes, classIndices, segmentations } = view.objects;
  const count = classIndices.length;
  if (boxes.length !== 4 * count || segmentations.length !== count)
    throw wrong(
      view,
      `expected boxes [${count}, 4] and ${count} masks, got ${boxes.length} numbers and ${segmentations.length}`,
    );
  for (let m = 0; m < count; m++) {
    const [x1, y1, x2, y2] = boxes.subarray(4 * m, 4 * m + 4);
    const inside = x1 >= 0 && y1 >= 0 && x2 <= view.width && y2 <= view.height;
    if (!(x2 > x1 && y2 > y1) || !inside)
      throw wrong(
        view,
        `object ${nameOf(view, m)}: expected a box with area inside ${view.width}x${view.height}, got [${[x1, y1, x2, y2].join(', ')}]`,
      );
    const k = classIndices[m];
    if (!(k >= 0 && k < config.numClasses))
      throw wrong(
        view,
        `object ${nameOf(view, m)}: expected a class below ${config.numClasses}, got ${k}`,
      );
    if (config.masks && segmentations[m].kind === 'none')
      throw wrong(
        view,
        `object ${nameOf(view, m)}: expected a mask, got none; train without masks (masks: null) or drop the object`,
      );
  }
}

const nameOf = ({ objects }: DetectionView, m: number): number => objects.ids[m] ?? m;

function wrong({ file, imageId }: DetectionView, problem: string): DataError {
  return new DataError(`${file}#${imageId}: ${problem}`, { file, id: imageId });
}
