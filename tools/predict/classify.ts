import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine } from '../../engine/runtime/engine.js';
import { createClassifierPredictor } from '../../models/classifier-predictor.js';
import { classifyFiles } from '../../train/predict-images.js';
import { writeJsonAtomically } from '../../weights/files/atomic.js';
import { openClassifier } from '../model/classifier.js';
import type { LocatedModel } from '../model/locate.js';
import { log } from '../output.js';
import type { PredictRequest } from './request.js';

/** The most probable classes of each image. @throws DataError, WeightsError */
export async function predictClassify(
  located: LocatedModel,
  request: PredictRequest,
): Promise<object> {
  const { files, json, out } = request;
  const opened = await openClassifier(located, request);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const { card, file } = opened;
  const predictor = createClassifierPredictor(engine, opened, {
    inputSize: card.resize.inputSize,
    frozen: files.length > 8,
  });
  const predictions: object[] = [];
  for await (const found of classifyFiles(files, predictor, card, request.top)) {
    const top = found.top.map(({ classIndex, probability }) => ({
      classIndex,
      name: card.classNames[classIndex],
      probability,
    }));
    predictions.push({ file: found.file, width: found.width, height: found.height, top });
    if (json) continue;
    console.log(found.file);
    for (const { name, probability } of top)
      console.log(`  ${(100 * probability).toFixed(1).padStart(5)} %  ${name}`);
  }
  await predictor.release();
  const document = { model: file, predictions };
  if (out) {
    mkdirSync(out, { recursive: true });
    await writeJsonAtomically(join(out, 'predictions.json'), document);
    log(`wrote ${join(out, 'predictions.json')}`);
  }
  return document;
}
