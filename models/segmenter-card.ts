import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { WeightsError } from '../core/errors.js';
import type { ImagePreprocessing } from './model-card.js';
import type { SlidingWindow } from './segmenter.js';
import type { UperNetConfig } from './upernet.js';

/** What the weights of a segmenter are for. Saved in checkpoints. */
export interface SegmenterCard {
  readonly task: 'segment';
  readonly backbone: ConvNeXtV2Config;
  readonly head: UperNetConfig;
  /** By class index. */
  readonly classNames: readonly string[];
  /** Of RGB values scaled to 0–1. */
  readonly pixels: ImagePreprocessing['pixels'];
  /** Limits of the sides of the resized image, pixels. */
  readonly limits: { readonly long: number; readonly short: number };
  /** For sliding inference. */
  readonly window: SlidingWindow;
  /** Factors on the limits for multi-scale inference. */
  readonly ratios: readonly number[];
}

/** The card in the state of a checkpoint. @throws WeightsError if it is of another task or damaged */
export function segmenterCard(
  file: string,
  state: Readonly<Record<string, unknown>>,
): SegmenterCard {
  const card = state['card'] as Partial<SegmenterCard> | undefined;
  const isWhole =
    card?.task === 'segment' &&
    (['backbone', 'head', 'classNames', 'pixels', 'limits', 'window', 'ratios'] as const).every(
      (key) => card[key],
    );
  if (isWhole) return card as SegmenterCard;
  throw new WeightsError(
    `${file}: expected the checkpoint of a segmenter, got task ${String(card?.task)}`,
    { file },
  );
}
