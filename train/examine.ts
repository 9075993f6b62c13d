import { join } from 'node:path';
import type { Engine } from '../engine/runtime/engine.js';
import { modelOf } from '../inference/model-of.js';
import type { PredictTask } from '../inference/model.js';
import { load } from '../inference/open.js';
import { writeJsonAtomically } from '../io/files/atomic.js';
import { EVALUATION, type RunEvaluation } from '../report/evaluation-document.js';
import type { SectionsRequest } from './report-sections.js';
import type { Task } from './tasks/task.js';

/** Weights to evaluate, and the number of steps that the run has. */
export type ExaminedWeights = Pick<RunEvaluation, 'step' | 'which' | 'atStep'>;

/**
 * Evaluates the best weights of a run on held-out data and writes the evaluation report (`evaluation.json`) and example
 * pictures to its folder.
 *
 * @throws ConfigError, DataError, WeightsError
 */
export async function examineRun(
  { evaluate, reportSections, name }: Task,
  engine: Engine,
  request: SectionsRequest,
  weights: ExaminedWeights,
): Promise<RunEvaluation> {
  const { folder, backbone } = request;
  const model =
    evaluate &&
    modelOf<PredictTask>(engine, await load(folder, { ema: weights.which === 'ema', backbone }), {
      frozen: name === 'classify',
    });
  try {
    const findings = { ...weights, ...(await reportSections(model, request)) };
    await writeJsonAtomically(join(folder, EVALUATION), findings);
    return findings;
  } finally {
    await model?.release();
  }
}
