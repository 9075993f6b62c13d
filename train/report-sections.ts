import type { Backbone } from '../engine/backbone.js';
import type { RunEvaluation } from '../report/evaluation-document.js';

/** Options of report sections about a trained model. */
export interface SectionsRequest {
  /** `--data` of the run. */
  readonly data: string;
  readonly seed: number;
  readonly valFraction: number | undefined;
  /** Run folder, for pictures. */
  readonly folder: string;
  /** Custom backbone, if any. */
  readonly backbone?: Backbone | undefined;
  /** Largest number of images. */
  readonly limit: number;
}

/** Report sections without the description of the weights. */
export type ReportSections = Omit<RunEvaluation, 'step' | 'which'>;
