import type { RunEvaluation } from '../../report/evaluation-document.js';

/** What a trained model is examined on. */
export interface FindingsRequest {
  /** `--data` of the run. */
  readonly data: string;
  readonly seed: number;
  readonly valFraction: number | undefined;
  /** Run folder: pictures go there. */
  readonly folder: string;
  /** Images at most. */
  readonly limit: number;
  /** Use the moving average of the weights. */
  readonly ema: boolean;
}

/** What was found, apart from which weights were examined. */
export type Findings = Omit<RunEvaluation, 'step' | 'which'>;
