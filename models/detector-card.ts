import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { WeightsError } from '../core/errors.js';
import type { DetectionThresholds, DetectorConfig } from './detection/config.js';
import type { ImagePreprocessing } from './model-card.js';

/** What the weights of a detector are for. Saved in checkpoints. */
export interface DetectorCard {
  readonly task: 'detect';
  readonly backbone: ConvNeXtV2Config;
  readonly detector: DetectorConfig;
  /** By class index. */
  readonly classNames: readonly string[];
  /** By class index: the category ids of the training data. */
  readonly categoryIds: readonly number[];
  /** Of RGB values scaled to 0–1. */
  readonly pixels: ImagePreprocessing['pixels'];
  /** Limits of the sides of the resized image, pixels. */
  readonly limits: { readonly long: number; readonly short: number };
  readonly thresholds: DetectionThresholds;
}

/** The card in the state of a checkpoint. @throws WeightsError if it is of another task or damaged */
export function detectorCard(file: string, state: Readonly<Record<string, unknown>>): DetectorCard {
  const card = state['card'] as Partial<DetectorCard> | undefined;
  const isWhole =
    card?.task === 'detect' &&
    [
      card.backbone,
      card.detector,
      card.classNames,
      card.categoryIds,
      card.pixels,
      card.limits,
      card.thresholds,
    ].every(Boolean) &&
    card.classNames?.length === card.detector?.numClasses;
  if (isWhole) return card as DetectorCard;
  throw new WeightsError(
    `${file}: expected the checkpoint of a detector, got task ${String(card?.task)}`,
    { file },
  );
}
