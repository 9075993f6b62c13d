import { DataError } from '../../core/errors.js';
import type { Detector } from '../../models/detector.js';
import { assertImages } from '../../models/detection/pyramid-outputs.js';
import type { DetectionBatch, DetectionInput } from '../pipelines/detect.js';

/**
 * Checks a batch before any computation.
 *
 * @throws ShapeError if the images have the wrong shape; DataError, naming file, image and object, for an image larger
 *   than the batch, an object without area or outside its image, an unknown class, or a missing mask
 */
export function assertBatch(
  { images, shape, inputs }: DetectionBatch,
  { config }: Pick<Detector, 'config'>,
): void {
  assertImages('train', { shape, data: images });
  const [n, height, width] = shape;
  if (inputs.length !== n)
    throw new DataError(`train: expected ${n} inputs of ${n} images, got ${inputs.length}`);
  for (const input of inputs) {
    const fits =
      input.width >= 1 && input.width <= width && input.height >= 1 && input.height <= height;
    if (!fits)
      throw wrong(
        input,
        `expected an image within ${width}x${height}, got ${input.width}x${input.height}`,
      );
    assertObjects(input, config);
  }
}

function assertObjects(input: DetectionInput, config: Detector['config']): void {
  const { boxes, classIndices, segmentations } = input.objects;
  const count = classIndices.length;
  if (boxes.length !== 4 * count || segmentations.length !== count)
    throw wrong(
      input,
      `expected boxes [${count}, 4] and ${count} masks, got ${boxes.length} numbers and ${segmentations.length}`,
    );
  for (let m = 0; m < count; m++) {
    const [x1, y1, x2, y2] = boxes.subarray(4 * m, 4 * m + 4);
    const inside = x1 >= 0 && y1 >= 0 && x2 <= input.width && y2 <= input.height;
    if (!(x2 > x1 && y2 > y1) || !inside)
      throw wrong(
        input,
        `object ${nameOf(input, m)}: expected a box with area inside ${input.width}x${input.height}, got [${[x1, y1, x2, y2].join(', ')}]`,
      );
    const k = classIndices[m];
    if (!(k >= 0 && k < config.numClasses))
      throw wrong(
        input,
        `object ${nameOf(input, m)}: expected a class below ${config.numClasses}, got ${k}`,
      );
    if (config.masks && segmentations[m].kind === 'none')
      throw wrong(
        input,
        `object ${nameOf(input, m)}: expected a mask, got none; train without masks (masks: null) or drop the object`,
      );
  }
}

const nameOf = ({ objects }: DetectionInput, m: number): number => objects.ids[m] ?? m;

function wrong({ file, imageId }: DetectionInput, problem: string): DataError {
  return new DataError(`${file}#${imageId}: ${problem}`, { file, id: imageId });
}
