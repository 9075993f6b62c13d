import type { RgbImage } from '../core/image.js';
import type { ImageResult } from '../core/results.js';
import type { JsonRows } from '../io/files/json-stream.js';

/** An image with its prediction. */
interface PredictedImage<Result extends ImageResult = ImageResult> {
  readonly file: string;
  /** Index of the image, from 0. */
  readonly index: number;
  /** Picture to draw on; smaller than the image if that is too large for memory. */
  readonly image: RgbImage;
  readonly result: Result;
}

/** Rows of JSON files by list. */
export type RowLists = Readonly<Record<string, readonly object[]>>;

/** A line, or the rows of a table, header first. */
export type TextBlock = string | readonly (readonly string[])[];

/** Options of a presentation. */
export interface PresentOptions {
  /** Smallest score of shown objects; default: the scores of {@link shownScores}. */
  readonly score?: number | undefined;
  /** Called with a line about which objects are shown. */
  readonly onNotice?: ((line: string) => void) | undefined;
  /** File with the colors of the classes of a segmenter. */
  readonly palette?: string | undefined;
}

/** Presentation of a model's results as text and files. */
export interface Presentation<Result extends ImageResult = ImageResult> {
  /** Fields of the JSON document about all images. */
  readonly common: { readonly score?: number | undefined };
  /** Selects of a result what people see. */
  shown(result: Result): Result;
  /** Fields of the JSON document for an image, besides file and size. */
  fields(result: Result): object;
  /** Text for people. */
  text(predicted: PredictedImage<Result>): readonly TextBlock[];
  /** Lists of the JSON files written at the end, besides `predictions`. */
  readonly lists: readonly string[];
  /** Rows that an image adds to these lists. */
  rows(predicted: PredictedImage<Result>): RowLists;
  /** Paths in the output folder of all files that the methods below name. @param pictures names of the images' PNGs */
  outputs(pictures: readonly string[]): readonly string[];
  /** Pictures of an image by path in the output folder. @param name name of its PNG */
  pictures(
    predicted: PredictedImage<Result>,
    name: string,
  ): Promise<Readonly<Record<string, Uint8Array>>>;
  /** JSON files written at the end, by name. @param lists rows of all images, with `predictions`, to be read once */
  files(lists: Readonly<Record<string, JsonRows>>): Readonly<Record<string, unknown>>;
  /** Text files written at the end, by name. @param lists as for `files` */
  texts?(
    lists: Readonly<Record<string, JsonRows>>,
  ): Readonly<Record<string, AsyncIterable<string>>>;
  /** Description of the written files for people. */
  wrote(numImages: number, out: string): string;
}
