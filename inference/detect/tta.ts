import type { Boxes } from '../../core/boxes.js';
import { ShapeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { joined } from '../../core/joined.js';
import type { DetectorCard } from '../card.js';
import { detectorInput, type DetectorInput } from './preprocess.js';
import type { BoxCandidates } from './roi-heads.js';

/** Scales of test-time augmentation; each is used unflipped and flipped. */
const SCALES = [0.8, 1, 1.2] as const;

/** A TTA view: a model input, possibly flipped horizontally. */
export interface DetectorView extends DetectorInput {
  readonly isFlipped: boolean;
}

/** Creates the TTA views of an image: three sizes around that of the card, each unflipped and flipped. */
export function detectorViews(
  image: RgbImage,
  { limits, pixels }: Pick<DetectorCard, 'limits' | 'pixels'>,
): readonly DetectorView[] {
  return SCALES.flatMap((factor) => {
    const scaled = {
      long: Math.round(limits.long * factor),
      short: Math.round(limits.short * factor),
    };
    const view = plainView(image, { limits: scaled, pixels });
    return [view, flipView(view)];
  });
}

/** Creates the view of an image at the size of the card, unflipped. */
export const plainView = (
  image: RgbImage,
  card: Pick<DetectorCard, 'limits' | 'pixels'>,
): DetectorView => ({ ...detectorInput(image, card), isFlipped: false });

/** Flips a view horizontally; the padding stays at the right. Flipping twice gives the same view. */
export function flipView(view: DetectorView): DetectorView {
  const { shape, data, imageSize } = view;
  const [, height, width] = shape;
  const flipped = Float32Array.from(data);
  for (let y = 0; y < Math.min(height, imageSize.height); y++) {
    const row = 3 * y * width;
    for (let x = 0; x < imageSize.width; x++)
      for (let c = 0; c < 3; c++)
        flipped[row + 3 * x + c] = data[row + 3 * (imageSize.width - 1 - x) + c];
  }
  return { ...view, data: flipped, isFlipped: !view.isFlipped };
}

/** Flips boxes within an image, clipped to it. @param boxes `[M, 4]` */
export function flipBoxes(boxes: Boxes, width: number): Boxes {
  const out = Float32Array.from(boxes);
  for (let i = 0; i < boxes.length; i += 4) {
    out[i] = Math.max(0, width - boxes[i + 2]);
    out[i + 2] = Math.max(0, width - boxes[i]);
  }
  return out;
}

/** Flips every mask. @param masks `[D, S, S]` with D masks */
export function flipMasks(masks: Float32Array, count: number): Float32Array {
  const side = Math.sqrt(masks.length / Math.max(count, 1));
  const out = new Float32Array(masks.length);
  for (let row = 0; row < masks.length; row += side)
    for (let x = 0; x < side; x++) out[row + x] = masks[row + side - 1 - x];
  return out;
}

/** Concatenates the candidates of several views for a common suppression. */
export function joinCandidates(parts: readonly BoxCandidates[]): BoxCandidates {
  if (parts.length === 1) return parts[0];
  return {
    boxes: joined(
      parts.map(({ boxes }) => boxes),
      Float32Array,
    ),
    scores: joined(
      parts.map(({ scores }) => scores),
      Float32Array,
    ),
  };
}

/** Mean of arrays of equal length. @throws ShapeError if the lengths differ */
export function meanOf(arrays: readonly Float32Array[]): Float32Array {
  const [first] = arrays;
  if (arrays.length === 1) return first;
  const mean = new Float32Array(first.length);
  for (const array of arrays) {
    if (array.length !== first.length)
      throw new ShapeError(`meanOf: expected ${first.length} values, got ${array.length}`);
    for (let i = 0; i < mean.length; i++) mean[i] += array[i] / arrays.length;
  }
  return mean;
}
