import type { Engine } from '../../engine/runtime/engine.js';
import { EVALUATION, type RunEvaluation } from '../../report/evaluation-document.js';
import { writeJsonAtomically } from '../../io/files/atomic.js';
import { join } from 'node:path';
import type { LocatedModel } from '../model/locate.js';
import type { Findings, FindingsRequest } from './request.js';

/** Which weights are examined. */
export interface ExaminedWeights {
  readonly step: number;
  readonly which: 'weights' | 'ema';
}

/**
 * Examines a trained model on held-out data and leaves the findings (`evaluation.json`) and example pictures in the run folder,
 * for the report.
 *
 * @throws ConfigError, DataError, WeightsError
 */
export async function examineRun(
  engine: Engine,
  located: LocatedModel,
  request: FindingsRequest,
  { step, which }: ExaminedWeights,
): Promise<RunEvaluation> {
  const findings: RunEvaluation = { step, which, ...(await examine(engine, located, request)) };
  await writeJsonAtomically(join(request.folder, EVALUATION), findings);
  return findings;
}

async function examine(
  engine: Engine,
  located: LocatedModel,
  request: FindingsRequest,
): Promise<Findings> {
  switch (located.task) {
    case 'classify':
      return (await import('./classify.js')).examineClassifier(engine, located, request);
    case 'detect':
      return (await import('./detect.js')).examineDetector(engine, located, request);
    case 'segment':
      return (await import('./segment.js')).examineSegmenter(engine, located, request);
    case 'pretrain':
      return (await import('./pretrain.js')).examineAutoencoder(request);
  }
}
