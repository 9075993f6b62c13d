import * as rule from '../../core/options.js';
import type { AnnotationFormat, AnnotationSource } from '../annotations/source.js';
import type { SegmentationSource } from '../segmentation-source.js';
import type { SplitRule } from '../split.js';

/** Splits of a set. */
export type SplitName = 'train' | 'val' | 'test';

/** A detected data set: its layout, its splits, and a line to print. */
export type DataLayout = DetectionData | SegmentationData | ClassificationData;

interface FoundLayout {
  /** Path as given by the user. */
  readonly root: string;
  /** Description of the layout for people. */
  readonly line: string;
}

/** Boxes and masks in any layout. Without `val` there is a `splitRule`, or no validation. */
export interface DetectionData extends FoundLayout {
  readonly kind: 'detection';
  readonly layout: 'coco' | 'roboflow' | 'file' | 'yaml' | Exclude<AnnotationFormat, 'coco'>;
  /** Files by split; an undivided file is `train`. For several files without a layout, splits are named after the files. */
  readonly splits: Readonly<Record<string, AnnotationSource>>;
  readonly splitRule?: SplitRule;
}

/** Finds the detection sets of a format in a folder, whose classes are those given, else all. */
export type DetectionLayouts = (
  root: string,
  classes?: readonly string[],
) => Promise<readonly DetectionData[]>;

/** Images and label PNGs, or polygons and masks that are drawn as labels. */
export interface SegmentationData extends FoundLayout {
  readonly kind: 'segmentation';
  readonly layout: 'ade20k' | 'cityscapes' | 'folder' | 'voc-labels' | DetectionData['layout'];
  readonly splits: Readonly<Record<string, SegmentationSource>>;
  readonly splitRule?: SplitRule;
}

/** Class folders, or images with a label file; `readImageNet` reads them. */
export interface ClassificationData extends FoundLayout {
  readonly kind: 'classification';
  readonly layout: 'imagenet';
  readonly splits: readonly ('train' | 'val' | 'all')[];
}

/** Options of the user besides `--data`: how the data are to be read and divided. */
export interface DataOptions {
  /** Fraction of the images that is held out, for undivided data. */
  readonly valFraction?: number | undefined;
  /** Seed of that division; default 0. */
  readonly seed?: number | undefined;
  /** Name of the layout to read where several are possible. */
  readonly layout?: string | undefined;
  /** Attribute of the regions that holds the class, in formats that have several (VIA). */
  readonly classAttribute?: string | undefined;
  /** Names of the classes: those to load where the annotations have names, else all in order of their numbers. */
  readonly classes?: readonly string[] | undefined;
}

/** Options of {@link detectLayout}: those of the user, and the command's. */
export interface LayoutOptions extends DataOptions {
  /**
   * Kind of set that the command can use: other readings are left out, and a set without splits is divided by default,
   * unless it is in one of COCO's or ADE20K's layouts.
   */
  readonly kind?: DataLayout['kind'] | undefined;
  /** Whether to accept several annotation files without a layout, as inspecting commands do; otherwise an error. */
  readonly several?: boolean | undefined;
}

/** Rules of {@link LayoutOptions}; the fraction is checked where it is used. */
const RULES: rule.OptionRules<LayoutOptions> = {
  valFraction: rule.ANYTHING,
  seed: rule.wholeFrom(0),
  layout: rule.A_TEXT,
  classAttribute: rule.A_TEXT,
  classes: rule.TEXTS,
  kind: rule.oneWord('detection', 'segmentation', 'classification'),
  several: rule.TRUE_OR_FALSE,
};

/** Checks options of `detectLayout`. @throws OptionError */
export function assertLayoutOptions(options: LayoutOptions): void {
  rule.assertOptions('detectLayout', options, RULES);
}
