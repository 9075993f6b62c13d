/** The public API. */
export {
  loadModel,
  type ClassifiedImage,
  type DetectedObjects,
  type ImageModel,
  type ImageResult,
  type LoadModelOptions,
  type SegmentedImage,
} from './tools/model/predictor.js';
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
export { MASK_RCNN, createMaskRcnn, type MaskRcnnConfig } from './models/mask-rcnn.js';
export { CASCADE_MASK_RCNN, createCascade } from './models/cascade.js';
export { createDetector, type Detector } from './models/detector.js';
export { DetectorPredictor, type Prediction } from './models/detector-predictor.js';
export type { DetectorConfig } from './models/detection/config.js';
export { loadDetector, type LoadedDetector } from './models/load-detector.js';
export { UPERNET, createUperNet, type UperNet, type UperNetConfig } from './models/upernet.js';
export {
  createSegmenterPredictor,
  type Segmentation,
  type SegmenterPredictor,
} from './models/segmenter.js';
export { loadSegmenter, type LoadedSegmenter } from './models/segmenter-weights.js';
export { createFcmae } from './models/fcmae.js';
export { RECIPES, type RecipeConfig } from './train/recipes/index.js';
export { trainClassifier } from './train/classification/run.js';
export { trainDetector } from './train/detection/run.js';
export { trainSegmenter } from './train/segmentation/run.js';
export { trainFcmae } from './train/fcmae/run.js';
export { recogniseData } from './datasets/recognise.js';
export { loadDetectionSplit, loadSegmentationSplit } from './datasets/recognise-load.js';
export { decodeRle, encodeRle, type Rle } from './core/rle.js';
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
export { CocoEvaluator, type CocoResult } from './evaluation/coco/evaluator.js';
export { SemanticEvaluator, type SemanticResult } from './evaluation/semantic/evaluator.js';
