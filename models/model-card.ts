import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { WeightsError } from '../core/errors.js';

/** How images become inputs; travels with the weights, so that nobody has to know it. */
export interface ImagePreprocessing {
  /** Of RGB values scaled to 0–1. */
  readonly pixels: {
    readonly mean: readonly [number, number, number];
    readonly std: readonly [number, number, number];
  };
  readonly resize: {
    /** Side of the square input, pixels. */
    readonly inputSize: number;
    /** Part of the resized short side that the centre crop keeps. */
    readonly cropFraction: number;
    readonly mode: 'crop' | 'warp';
    readonly filter: 'bicubic' | 'bilinear';
  };
}

/** What the weights of a classifier are for. Saved in checkpoints. */
export interface ClassifierCard extends ImagePreprocessing {
  readonly task: 'classify';
  readonly backbone: ConvNeXtV2Config;
  /** By class index. */
  readonly classNames: readonly string[];
}

/** The card in the state of a checkpoint. @throws WeightsError if it is of another task or damaged */
export function classifierCard(
  file: string,
  state: Readonly<Record<string, unknown>>,
): ClassifierCard {
  const card = state['card'] as Partial<ClassifierCard> | undefined;
  if (
    card?.task !== 'classify' ||
    !card.backbone ||
    !card.classNames ||
    !card.pixels ||
    !card.resize
  ) {
    throw new WeightsError(
      `${file}: expected the checkpoint of a classifier, got task ${String(card?.task)}`,
      { file },
    );
  }
  return card as ClassifierCard;
}
