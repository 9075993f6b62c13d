import type { Backbone } from '../engine/backbone.js';
import type { RunEvaluation } from '../report/evaluation-document.js';

/** What the report's sections about a trained model are made from. */
export interface SectionsRequest {
  /** `--data` of the run. */
  readonly data: string;
  readonly seed: number;
  readonly valFraction: number | undefined;
  /** Run folder: pictures go there. */
  readonly folder: string;
  /** The network's backbone, where it is one of the caller's own. */
  readonly backbone?: Backbone | undefined;
  /** Images at most. */
  readonly limit: number;
}

/** The sections, apart from which weights they are about. */
export type ReportSections = Omit<RunEvaluation, 'step' | 'which'>;
