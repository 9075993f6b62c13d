/** The public API. */
export {
  ConfigError,
  DataError,
  InputError,
  ShapeError,
  WeightsError,
  WorkError,
} from './core/errors.js';
export {
  VARIANTS,
  VARIANT_NAMES,
  type ConvNeXtV2Config,
  type VariantName,
} from './backbone/variants.js';
export { createBackbone } from './backbone/convnextv2.js';
export { createDenseBackbone } from './backbone/output-norms.js';
export { countMacs } from './backbone/macs.js';
export {
  DEFAULT_ENGINE,
  openEngine,
  type Engine,
  type EngineOptions,
} from './engine/runtime/engine.js';
export { ParameterStore, numParameters } from './engine/parameters/store.js';
export type { Executable, HostTensor, HostTensors, Program } from './engine/runtime/program.js';
export { createClassifier, type Classifier, type ClassifierConfig } from './models/classifier.js';
export { loadClassifier, type LoadedClassifier } from './models/classifier-weights.js';
export {
  createClassifierPredictor,
  topClasses,
  type ClassScore,
  type ClassifierPredictor,
} from './models/classifier-predictor.js';
export type { ClassifierCard, ImagePreprocessing } from './models/model-card.js';
export { CATALOGUE, WEIGHTS_LICENCE, type CatalogueEntry } from './weights/catalogue.js';
export { loadWeights } from './weights/load.js';
export { openWeights } from './weights/open.js';
export { convertWeights } from './weights/convert.js';
export { decodeImage } from './datasets/decode.js';
export { readImageNet } from './datasets/imagenet.js';
export { evaluationResize, resizeForEvaluation } from './datasets/transforms/evaluation.js';
export {
  IMAGENET_PIXELS,
  normalizationTable,
  normalizeInto,
} from './datasets/transforms/normalize.js';
export type { RgbImage } from './datasets/sample.js';
