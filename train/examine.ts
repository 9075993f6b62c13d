import { join } from 'node:path';
import type { Engine } from '../engine/runtime/engine.js';
import { modelOf, type LoadedModel, type PredictTask } from '../inference/model.js';
import { load } from '../inference/open.js';
import { writeJsonAtomically } from '../io/files/atomic.js';
import { EVALUATION, type RunEvaluation } from '../report/evaluation-document.js';
import { classifierSections } from './classify/report-sections.js';
import { detectorSections } from './detect/report-sections.js';
import { autoencoderSections } from './pretrain/report-sections.js';
import type { ReportSections, SectionsRequest } from './report-sections.js';
import { segmenterSections } from './segment/report-sections.js';

/** Which weights are examined. */
export interface ExaminedWeights {
  readonly step: number;
  readonly which: 'weights' | 'ema';
}

/**
 * Examines the best weights of a run on held-out data and leaves the findings (`evaluation.json`) and example pictures in its folder,
 * for the report.
 *
 * @throws ConfigError, DataError, WeightsError
 */
export async function examineRun(
  task: PredictTask | 'pretrain',
  engine: Engine,
  request: SectionsRequest,
  { step, which }: ExaminedWeights,
): Promise<RunEvaluation> {
  const sections =
    task === 'pretrain'
      ? autoencoderSections(request)
      : await sectionsOf(
          await load(request.folder, { ema: which === 'ema', backbone: request.backbone }),
          engine,
          request,
        );
  const findings: RunEvaluation = { step, which, ...sections };
  await writeJsonAtomically(join(request.folder, EVALUATION), findings);
  return findings;
}

async function sectionsOf(
  loaded: LoadedModel,
  engine: Engine,
  request: SectionsRequest,
): Promise<ReportSections> {
  const model = modelOf<PredictTask>(engine, loaded, { frozen: loaded.card.task === 'classify' });
  try {
    switch (model.task) {
      case 'classify':
        return await classifierSections(model, request);
      case 'detect':
        return await detectorSections(model, request);
      case 'segment':
        return await segmenterSections(model, request);
      default:
        return model satisfies never;
    }
  } finally {
    await model.release();
  }
}
