/** The public API in a browser: `import { loadModel } from 'convnextv2/browser'`. */
export { loadModel, type WebLoadOptions, type WebModel } from './load-model.js';
export type { WebImage } from './picture.js';
export type { PixelImage } from '../../io/image/pixels.js';
export type { PredictCallOptions } from '../model.js';
export type {
  ClassifyResult,
  DetectResult,
  DetectedObject,
  ImageResult,
  SegmentResult,
} from '../../core/results.js';
export { expandMask } from '../../core/results.js';
export { toCoco } from '../to-coco.js';
export {
  ConfigError,
  DataError,
  InputError,
  ShapeError,
  WeightsError,
  WorkError,
} from '../../core/errors.js';
