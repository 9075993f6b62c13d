import type { RgbImage } from '../core/image.js';
import type { ImageResult } from '../core/results.js';

/** An image that was predicted. */
export interface PredictedImage<Result extends ImageResult = ImageResult> {
  readonly file: string;
  /** Among the images, from 0. */
  readonly index: number;
  readonly image: RgbImage;
  readonly result: Result;
}

/** Rows of JSON files by list. */
export type RowLists = Readonly<Record<string, readonly object[]>>;

/** A line, or the rows of a table, the first being its header. */
export type TextBlock = string | readonly (readonly string[])[];

/** How results are shown. */
export interface PresentOptions {
  /** Least score of an object that is shown. */
  readonly score: number;
  /** File with the colors of the classes of a segmenter. */
  readonly palette?: string | undefined;
}

/** How a model's results are shown and kept. */
export interface Presentation<Result extends ImageResult = ImageResult> {
  /** What the document has about an image beside file and size. */
  fields(result: Result): object;
  /** For people. */
  text(predicted: PredictedImage<Result>): readonly TextBlock[];
  /** Lists for the files at the end, beside `predictions`. */
  readonly lists: readonly string[];
  /** What an image adds to these lists. */
  rows(predicted: PredictedImage<Result>): RowLists;
  /** Pictures of an image, by their path in the folder of results. @param name of its PNG */
  pictures(
    predicted: PredictedImage<Result>,
    name: string,
  ): Promise<Readonly<Record<string, Uint8Array>>>;
  /** The JSON files at the end, by name. @param lists of all images, with `predictions` */
  files(lists: RowLists): Readonly<Record<string, unknown>>;
  /** What was written, for people. */
  wrote(numImages: number, out: string): string;
}
