import type { Failure } from '../core/failure.js';
import type { ShownScores } from '../inference/detect/shown-scores.js';
import type { PredictCallOptions, PredictTask } from '../inference/model.js';
import type { OpenOptions } from '../inference/open.js';

/** Messages between the server's thread and the thread of the models; all structured-cloneable. */

/** Form of an answer: results, a COCO document, or the picture with the results drawn on it. */
export type AnswerFormat = 'json' | 'coco' | 'png';

/** Name of a model in the paths of the server, and where its weights are. */
export interface NamedModel {
  readonly name: string;
  /** A run folder, a checkpoint or weight file, or an official name. */
  readonly path: string;
}

/** Options with which all models are opened. */
export type ServedModelOptions = Omit<
  OpenOptions,
  'engine' | 'backbone' | 'frozen' | 'max' | 'ratios' | 'score' | 'top' | 'onNotice'
> & { readonly engine?: EngineChoice | undefined };

/** Options of an engine, not an open one, which stays in its thread. */
type EngineChoice = Exclude<NonNullable<OpenOptions['engine']>, { readonly prepare: unknown }>;

/** Data with which the thread starts. */
export interface ThreadSetup {
  readonly models: readonly NamedModel[];
  readonly options: ServedModelOptions;
  /** Largest image in pixels. */
  readonly maxPixels: number;
  /** Smallest score of objects of requests that do not say it; default: the best F1 of the run's validation, or 0.3. */
  readonly score?: number | undefined;
  /** Longest time that an image waits for others of a batch (classify); undefined: images are predicted one by one. */
  readonly batchMs?: number | undefined;
}

/** A served model as `GET /v1/models` lists it. */
export interface ModelInfo {
  readonly name: string;
  readonly task: PredictTask;
  /** In order of class index, with the category ids of COCO documents. */
  readonly classes: readonly { readonly id: number; readonly name: string }[];
  /** Resizing of images: `resize` of a classifier's card, `limits` of the others. */
  readonly input: object;
  /** Smallest scores of a detector's objects, for requests that do not say it. */
  readonly scores?: ShownScores | undefined;
}

/** An encoded image of a request. */
export interface NamedImage {
  /** Name for answers and errors; never a path that is opened. */
  readonly name: string;
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** Its size, once its header was read. */
  readonly pixels?: number | undefined;
}

/** Work of one request. */
export interface Job extends Pick<PredictCallOptions, 'score' | 'perClassNms' | 'max'> {
  readonly model: string;
  readonly images: readonly NamedImage[];
  readonly format: AnswerFormat;
  /** Number of classes (classify). */
  readonly top: number;
}

/** Message to the thread. */
export type ToThread =
  | { readonly kind: 'job'; readonly id: number; readonly job: Job }
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'close' };

/** Message from the thread. */
export type FromThread =
  | { readonly kind: 'notice'; readonly line: string }
  | { readonly kind: 'ready'; readonly models: readonly ModelInfo[] }
  | { readonly kind: 'unusable'; readonly failure: Failure }
  | { readonly kind: 'answer'; readonly id: number; readonly body: Uint8Array }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure };
