import { DataError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import type { DetectResult } from '../../core/results.js';
import type { DetectionSample } from '../../datasets/sample.js';
import type { DetectorModel, PredictCallOptions } from '../../inference/model.js';
import { WHOLE_PIXELS } from '../../io/image/parts.js';
import { decodeSample } from '../pipelines/detect.js';

/**
 * Detects objects in the image of a sample. One that is too large for memory is read in parts if the model has tiles.
 *
 * @returns the result, and the pixels unless they are read in parts
 * @throws DataError if the image has another size than its annotations
 */
export async function predictSample(
  model: DetectorModel,
  sample: DetectionSample,
  options: PredictCallOptions,
): Promise<{ readonly result: DetectResult; readonly image: RgbImage | undefined }> {
  const { file, width, height, imageId } = sample;
  if (!model.options.tile || sample.image || width * height <= WHOLE_PIXELS) {
    const image = await decodeSample(sample);
    return { result: await model.predict(image, options), image };
  }
  assertSameScale(model, sample);
  const result = await model.predict(file, options);
  if (result.width !== width || result.height !== height)
    throw new DataError(
      `${file}: expected ${width}x${height} as annotated, got an image of ${result.width}x${result.height}`,
      { file, id: imageId },
    );
  return { result, image: undefined };
}

/** An image that is read in parts has the scale of the model. */
function assertSameScale({ card }: DetectorModel, { file, range, imageId }: DetectionSample): void {
  if (range === undefined || range.join() === card.range?.join()) return;
  const own = card.range ? `[${card.range.join(', ')}]` : 'none';
  throw new DataError(
    `${file}: expected range ${own} of the model for an image that is read in parts, got [${range.join(', ')}] of the data; take range out of its data.yaml`,
    { file, id: imageId },
  );
}
