import type { CocoSource } from './coco/set.js';
import type { FolderSource } from './folder.js';

/** The parts of a set. */
export type SplitName = 'train' | 'val' | 'test';

/** How a set without a validation part is to be divided. */
export interface SplitRule {
  readonly valFraction: number;
  readonly seed: number;
}

/** A data set as recognised: what it is, where its parts are, and a line to print. */
export type RecognisedData = DetectionData | SegmentationData | ClassificationData;

interface Recognised {
  /** The path that was given. */
  readonly root: string;
  /** What was recognised, for people. */
  readonly line: string;
}

/** COCO annotations in any layout. Without `val` there is a `splitRule`, or nothing to validate on. */
export interface DetectionData extends Recognised {
  readonly kind: 'detection';
  readonly layout: 'coco' | 'roboflow' | 'file' | 'yaml';
  /** By split; a file that is not divided is `train`. Under `several` names are those of the files. */
  readonly splits: Readonly<Record<string, CocoSource>>;
  readonly splitRule?: SplitRule;
}

/** Images and label PNGs. */
export interface SegmentationData extends Recognised {
  readonly kind: 'segmentation';
  readonly layout: 'ade20k' | 'folder' | 'yaml';
  readonly splits: Readonly<Record<string, FolderSource>>;
  readonly splitRule?: SplitRule;
}

/** Class folders, or images with a label file; `readImageNet` reads them. */
export interface ClassificationData extends Recognised {
  readonly kind: 'classification';
  readonly layout: 'imagenet';
  readonly splits: readonly ('train' | 'val' | 'all')[];
}

/** What `--val-fraction`, `--seed` and the verb say beside `--data`. */
export interface RecogniseOptions {
  readonly valFraction?: number | undefined;
  readonly seed?: number | undefined;
  /** Several annotation files without a layout: take all of them, as inspecting verbs can, instead of refusing. */
  readonly several?: boolean;
}
