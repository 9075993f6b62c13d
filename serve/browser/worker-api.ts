import type { ResultJson } from '../../core/results.js';
import type { ModelInfo } from '../messages.js';
import { ServerError, type Api } from '../page/api.js';
import type { FromWorker, ToWorker } from './messages.js';

/** Status of errors that no server gave. */
const NO_STATUS = 0;

interface Waiting {
  resolve(result: ResultJson): void;
  reject(error: Error): void;
}

/**
 * Connects the page to the model in its worker.
 *
 * @param say shows what is waited for, and how long a prediction took
 */
export function createWorkerApi(say: (text: string) => void): Api {
  const worker = new Worker(new URL('worker.js', location.href), { type: 'module' });
  const waiting = new Map<number, Waiting>();
  let next = 0;
  const ready = new Promise<ModelInfo>((resolve, reject) => {
    worker.addEventListener('error', (event) =>
      reject(new ServerError(NO_STATUS, `the model's worker did not start: ${event.message}`)),
    );
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      switch (data.kind) {
        case 'progress':
          return say(progressText(data.loaded, data.total));
        case 'ready':
          document.documentElement.dataset['engine'] = data.engine;
          return resolve(data.info);
        case 'unusable':
          return reject(new ServerError(NO_STATUS, data.message));
        case 'answer':
          document.documentElement.dataset['seconds'] = data.seconds.toFixed(3);
          return settled(data.id)?.resolve(data.result);
        case 'failed':
          return settled(data.id)?.reject(new ServerError(NO_STATUS, data.message));
        default:
          return data satisfies never;
      }
    });
  });
  const settled = (id: number): Waiting | undefined => {
    const found = waiting.get(id);
    waiting.delete(id);
    return found;
  };
  const post = (message: ToWorker): void => worker.postMessage(message);
  const provider = new URLSearchParams(location.search).get('provider');
  post({
    kind: 'load',
    model: new URL('model/model.safetensors', location.href).href,
    wasmPaths: new URL('runtime/', location.href).href,
    provider: provider === 'wasm' || provider === 'webgpu' ? provider : 'auto',
  });
  say('Loading the model');
  return {
    token: undefined,
    models: async () => [await ready],
    predict: async (_, picture, score) => {
      await ready;
      const id = next++;
      return new Promise<ResultJson>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        post({ kind: 'predict', id, picture, score });
      });
    },
  };
}

function progressText(loaded: number, total: number | undefined): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return total === undefined
    ? `Loading the model: ${megabytes(loaded)} MB`
    : `Loading the model: ${megabytes(loaded)} of ${megabytes(total)} MB`;
}
