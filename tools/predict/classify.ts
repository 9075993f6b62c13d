import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine } from '../../engine/runtime/engine.js';
import { createClassifierPredictor } from '../../models/classifier-predictor.js';
import { classifyFiles } from '../../train/predict-images.js';
import { writeJsonAtomically } from '../../io/files/atomic.js';
import { openClassifier } from '../model/classifier.js';
import type { LocatedModel } from '../model/locate.js';
import { log } from '../output.js';
import type { Numbered } from '../share.js';
import { shareOf } from '../share.js';
import type { PredictRequest } from './request.js';

/** The most probable classes of each image. @throws DataError, WeightsError */
export async function predictClassify(
  located: LocatedModel,
  request: PredictRequest,
): Promise<object> {
  const { json, out } = request;
  const { owns, gather, finish } = shareOf(request);
  const own = Array.from(request.files.keys()).filter(owns);
  const files = own.map((i) => request.files[i]);
  const opened = await openClassifier(located, request);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const { card, file } = opened;
  const predictor = createClassifierPredictor(engine, opened, {
    inputSize: card.resize.inputSize,
    frozen: request.files.length > 8,
  });
  const predictions: Numbered<object>[] = [];
  for await (const found of classifyFiles(files, predictor, card, request.top)) {
    const top = found.top.map(({ classIndex, probability }) => ({
      classIndex,
      name: card.classNames[classIndex],
      probability,
    }));
    const { file: name, width, height } = found;
    predictions.push([own[predictions.length], { file: name, width, height, top }]);
    if (json) continue;
    console.log(found.file);
    for (const { name, probability } of top)
      console.log(`  ${(100 * probability).toFixed(1).padStart(5)} %  ${name}`);
  }
  await predictor.release();
  if (out) mkdirSync(out, { recursive: true });
  const document = { model: file, predictions: await gather('predictions', predictions) };
  if (out && (await finish())) {
    await writeJsonAtomically(join(out, 'predictions.json'), document);
    log(`wrote ${join(out, 'predictions.json')}`);
  }
  return document;
}
