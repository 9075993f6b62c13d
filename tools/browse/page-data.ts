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
  /** How many of `concerns` there would be if all were listed. */
  readonly numConcerns: number;
}

/** A class with its color, `#rrggbb`. */
export interface PageClass {
  readonly name: string;
  readonly color: string;
}

/** A part of the set: how much of it the page shows, and numbers to print. */
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
  /** A data URI; nothing where the image is not at hand. */
  readonly thumbnail?: string | undefined;
  /** Why the image cannot be shown. */
  readonly failure?: string | undefined;
  readonly objects: readonly CardObject[];
  /** Colored labels as data URI, for segmentation. */
  readonly overlay?: string | undefined;
  /** Classes of the image with their share of the pixels (segmentation), or its class with share 1. */
  readonly shares?: readonly (readonly [classIndex: number, share: number])[] | undefined;
  /** Share of ignored pixels. */
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
  /** A transparent picture of the mask as data URI, where it is no polygon. */
  readonly mask?: string;
  readonly concerns: readonly string[];
}

/** Something to look at: an annotation or image, and why. */
export interface Concern {
  readonly severity: 'error' | 'warning' | 'look';
  readonly message: string;
  /** Index of the card that shows it; nothing where no image belongs to it. */
  readonly card?: number | undefined;
  /** Id of the annotation. */
  readonly object?: number | undefined;
}
