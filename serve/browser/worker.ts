import { toJson } from '../../core/results.js';
import { loadModel, type WebModel } from '../../inference/web/load-model.js';
import { infoOf } from '../model-info.js';
import type { FromWorker, ToWorker } from './messages.js';

/** Worker of the exported page: loads the model and predicts, so that the page stays responsive. */

const NAME = 'model';
let model: WebModel | undefined;

const post = (message: FromWorker): void => postMessage(message);

async function load({
  model: url,
  wasmPaths,
  provider,
}: Extract<ToWorker, { kind: 'load' }>): Promise<void> {
  try {
    const onProgress = (loaded: number, total: number | undefined): void =>
      post({ kind: 'progress', loaded, total });
    model = await loadModel(url, { wasmPaths, provider, onProgress });
    post({ kind: 'ready', info: infoOf(NAME, model), engine: model.engine });
  } catch (error) {
    post({ kind: 'unusable', message: (error as Error).message });
  }
}

async function predict({
  id,
  picture,
  score,
}: Extract<ToWorker, { kind: 'predict' }>): Promise<void> {
  try {
    if (!model) throw new Error('the model is not loaded');
    const start = performance.now();
    const call = model.task === 'detect' ? { score } : {};
    const result = toJson(await model.predict(picture, call));
    post({ kind: 'answer', id, result, seconds: (performance.now() - start) / 1000 });
  } catch (error) {
    post({ kind: 'failed', id, message: (error as Error).message });
  }
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  void (data.kind === 'load' ? load(data) : predict(data));
});
