import { thousands } from '../core/thousands.js';
import type { SoftTargetOptions } from '../engine/ops/losses.js';
import type { Settings } from './config/layers.js';

/** Facts of a training set that a run names before it starts, and when it does not learn. */
export interface DataFacts {
  /** `160 images, 172 objects of 1 class` */
  readonly counts: string;
  /** `anchors fit 97 % of the objects`; absent without objects. */
  readonly fit?: string | undefined;
  /** Names of the classes by index. */
  readonly classNames?: readonly string[] | undefined;
  /** Reasons why a model may learn nothing from the set, the likeliest first. */
  readonly concerns: readonly string[];
  /** Loss of the best constant answer; absent if it is counted during training, or unknown. */
  readonly constantLoss?: number | undefined;
  /** Score from which a model has learned something; absent: judged by the loss alone. */
  readonly learnedFrom?: number | undefined;
}

/** Frequencies of the targets of a step, by which its loss is judged. */
export interface TargetCounts {
  /** Loss term, a mean over the targets. */
  readonly loss: string;
  /** Name of the targets for people. */
  readonly of: string;
  /** Number of targets of every class. */
  readonly counts: ArrayLike<number>;
  /** Class that is background; absent: there is none. */
  readonly background?: number | undefined;
  /** Fraction of the mean that the targets make up, the rest being ignored; default 1. */
  readonly fraction?: number | undefined;
  /**
   * Class weights and focal factor of its cross-entropy; `other`: changes by which a constant answer cannot be judged, so that its
   * first values are all that it is compared with.
   */
  readonly changes?: SoftTargetOptions | 'other' | undefined;
  /** Value of further terms of it for a constant answer; default 0. */
  readonly added?: number | undefined;
}

/** Formats a count: `1 class`, `2,400 steps`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${thousands(count)} ${count === 1 ? noun : plural}`;
}

/** Score of the trained images from which a set counts as learned. */
export interface LearnedScore {
  readonly metric: string;
  readonly atLeast: number;
}

/** Settings that a training set suggests, to be merged into a configuration. */
export type FittedSettings = Settings;

/** Lists of names and columns of numbers of a set, by which a change is noticed. */
export type SetContent = readonly (readonly string[] | ArrayBufferView)[];
