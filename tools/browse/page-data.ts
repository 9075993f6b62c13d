/** Content of the page of `data browse`: one JSON document inside the HTML. */
export interface PageData {
  readonly title: string;
  /** Description of the data set. */
  readonly line: string;
  readonly kind: 'detection' | 'segmentation' | 'classification';
  readonly classes: readonly PageClass[];
  readonly splits: readonly PageSplit[];
  readonly cards: readonly Card[];
  readonly concerns: readonly Concern[];
  /** Total number of concerns, listed or not. */
  readonly numConcerns: number;
}

/** A class with its color, `#rrggbb`. */
export interface PageClass {
  readonly name: string;
  readonly color: string;
}

/** A split of the set: the number of shown images, and counts to print. */
export interface PageSplit {
  readonly name: string;
  readonly images: number;
  readonly facts: readonly (readonly [label: string, value: string])[];
}

/** One image. */
export interface Card {
  readonly split: number;
  readonly file: string;
  readonly id?: number | undefined;
  readonly width: number;
  readonly height: number;
  /** A data URI; undefined if the image is not available. */
  readonly thumbnail?: string | undefined;
  /** Reason why the image cannot be shown. */
  readonly failure?: string | undefined;
  readonly objects: readonly CardObject[];
  /** Colored labels as data URI, for segmentation. */
  readonly overlay?: string | undefined;
  /** Classes of the image with their fraction of the pixels (segmentation), or its class with fraction 1. */
  readonly fractions?: readonly (readonly [classIndex: number, fraction: number])[] | undefined;
  /** Fraction of ignored pixels. */
  readonly ignored?: number;
  readonly fullest?: boolean | undefined;
}

/** One annotation. */
export interface CardObject {
  readonly id: number;
  readonly classIndex: number;
  readonly size: 'small' | 'medium' | 'large';
  readonly isCrowd: boolean;
  readonly area: number;
  /** x, y, width, height in pixels of the image. */
  readonly box: readonly number[];
  /** An SVG path in pixels of the image. */
  readonly path?: string;
  /** A transparent picture of the mask as data URI, if it is not a polygon. */
  readonly mask?: string;
  readonly concerns: readonly string[];
}

/** A concern: an annotation or image, and the reason. */
export interface Concern {
  readonly severity: 'error' | 'warning' | 'look';
  readonly message: string;
  /** Index of its card; undefined if it belongs to no image. */
  readonly card?: number | undefined;
  /** Id of the annotation. */
  readonly object?: number | undefined;
}
