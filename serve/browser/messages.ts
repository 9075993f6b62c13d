import type { ResultJson } from '../../core/results.js';
import type { ModelInfo } from '../messages.js';

/** Messages between the page and the worker that runs its model. */

/** Message to the worker. */
export type ToWorker =
  | {
      readonly kind: 'load';
      /** Absolute URLs of the model file and of the folder of onnxruntime-web. */
      readonly model: string;
      readonly wasmPaths: string;
      readonly provider: 'auto' | 'wasm' | 'webgpu';
    }
  | {
      readonly kind: 'predict';
      readonly id: number;
      readonly picture: Blob;
      /** Least score of objects. */
      readonly score: number;
    };

/** Message from the worker. */
export type FromWorker =
  | { readonly kind: 'progress'; readonly loaded: number; readonly total: number | undefined }
  | { readonly kind: 'ready'; readonly info: ModelInfo; readonly engine: string }
  | { readonly kind: 'unusable'; readonly message: string }
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly result: ResultJson;
      readonly seconds: number;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
