import { evaluationReport, type EvaluationData } from '../../train/evaluate.js';
import type { EvaluationOptions, EvaluationReport } from '../../train/evaluation.js';
import { predictFiles, type PredictFilesOptions } from '../../train/predict-files.js';
import { collected } from '../../io/files/json-stream.js';
import { openModel, type OpenModelOptions } from '../../tools/open-model.js';
import { DEFAULT_ENGINE } from '../../engine/runtime/engine.js';
import { log } from '../../tools/output.js';

type Flags = Omit<OpenModelOptions, 'engine'>;

/** Opens a model and scores it, as `eval` does. */
export async function openAndEvaluate(
  name: string,
  data: EvaluationData,
  options: Flags & EvaluationOptions = {},
): Promise<EvaluationReport> {
  const model = await openModel(name, { ...options, engine: DEFAULT_ENGINE }, Infinity);
  try {
    return await evaluationReport(model, data, { onNotice: log, ...options });
  } finally {
    await model.release();
  }
}

/** Opens a model and predicts files, as `predict` does; returns the document of `--json`. */
export async function openAndPredict(
  name: string,
  files: readonly string[],
  options: Flags & Partial<PredictFilesOptions> = {},
): Promise<object> {
  const model = await openModel(name, { ...options, engine: DEFAULT_ENGINE }, files.length);
  let document: unknown;
  const onDocument = async (given: object): Promise<void> => {
    document = await collected(given);
  };
  try {
    await predictFiles(model, files, { score: 0.3, onNotice: log, onDocument, ...options });
    return document as object;
  } finally {
    await model.release();
  }
}
