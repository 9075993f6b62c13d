/** The public API. */
export { open as loadModel, type OpenOptions as LoadModelOptions } from './inference/open.js';
export { modelOf } from './inference/model-of.js';
export {
  type CallOptions,
  type Classification,
  type ClassifierModel,
  type DetectorModel,
  type ImageModel,
  type LoadedModel,
  type PredictCallOptions,
  type PredictOptions,
  type SegmenterModel,
} from './inference/model.js';
export type {
  AutoencoderCard,
  ClassifierCard,
  DetectorCard,
  ModelCard,
  SegmenterCard,
  TaskName,
} from './inference/card.js';
export type { TileOptions } from './inference/tiles/grid.js';
export type { ImageInput } from './io/image/input.js';
export type { PixelImage } from './io/image/pixels.js';
export {
  compressMask,
  expandMask,
  toJson,
  type ClassifyResult,
  type ClassScore,
  type CompressedMask,
  type DetectedObject,
  type DetectResult,
  type ImageResult,
  type ResultJson,
  type SegmentJson,
  type SegmentResult,
  type SegmentResultJson,
} from './core/results.js';
export { evaluate, type EvaluationData } from './train/evaluate.js';
export type {
  AveragePrecisions,
  CategoryScores,
  ClassificationScores,
  DetectionScores,
  EvaluationOptions,
  EvaluationScores,
  SegmentationScores,
} from './train/evaluation.js';
export {
  exportOnnx,
  type ExportDocument,
  type ExportOptions,
} from './inference/export/export-onnx.js';
export { draw, type DrawOptions } from './report/draw.js';
export { toCoco, type CocoResultRow, type ToCocoOptions } from './inference/to-coco.js';
export { toYolo, type ToYoloOptions } from './inference/to-yolo.js';
export { toLabelMe } from './inference/to-labelme.js';
export type { LabelMeFile } from './io/labelme/write.js';
export { encodeRgbPng } from './io/png/write.js';
export {
  ConfigError,
  DataError,
  InputError,
  ShapeError,
  WeightsError,
  WorkError,
  type ErrorCode,
  AnnotationsError,
  CheckpointError,
  ConfigFileError,
  ConnectionError,
  DistributedError,
  DownloadError,
  EngineError,
  ExportError,
  FileError,
  ImageError,
  InUseError,
  LayoutError,
  ModelNotFoundError,
  NotFiniteError,
  OptionError,
  OutputError,
  ResultsError,
  WeightsFileError,
  WeightsMismatchError,
  WriteError,
} from './core/errors.js';
export {
  V1_VARIANTS,
  VARIANTS,
  VARIANT_NAMES,
  type ConvNeXtV2Config,
  type VariantName,
} from './backbone/variants.js';
export { createBackbone } from './backbone/convnextv2.js';
export type { Backbone, FeatureLevels } from './engine/backbone.js';
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
export { loadClassifier, type LoadedClassifier } from './inference/classify/load.js';
export { MASK_RCNN, createMaskRcnn, type MaskRcnnConfig } from './models/mask-rcnn.js';
export { CASCADE_MASK_RCNN, createCascade } from './models/cascade.js';
export { createDetector, type Detector } from './models/detector.js';
export type { DetectorConfig } from './models/detection/config.js';
export { loadDetector, type LoadedDetector } from './inference/detect/load.js';
export { UPERNET, createUperNet, type UperNet, type UperNetConfig } from './models/upernet.js';
export { loadSegmenter, type LoadedSegmenter } from './inference/segment/load.js';
export { createFcmae } from './models/fcmae.js';
export type { RecipeConfig } from './train/config/schemas.js';
export { RECIPES } from './train/recipes/index.js';
export { train, type TrainOutcome } from './train/train.js';
export type { Examples, TrainOptions } from './train/options.js';
export type { LogRecord, RunListener } from './train/log-record.js';
export {
  CATALOG,
  CATALOGUE,
  WEIGHTS_LICENSE,
  type CatalogEntry,
  type CatalogueEntry,
} from './weights/catalog.js';
export { loadWeights } from './weights/load.js';
export { openWeights } from './weights/open.js';
export { convertModel as convertWeights } from './inference/convert.js';
export { decodeImage } from './io/image/decode.js';
export type {
  ClassificationExample,
  DetectionExample,
  ImageExample,
  SegmentationExample,
} from './datasets/in-memory.js';
export { readImageNet } from './datasets/imagenet.js';
export { evaluationResize, resizeForEvaluation } from './datasets/transforms/evaluation.js';
export {
  IMAGENET_PIXELS,
  normalizationTable,
  normalizeInto,
} from './datasets/transforms/normalize.js';
export type { RgbImage } from './core/image.js';
export {
  decodeRle,
  encodeRle,
  mergeRles,
  rleArea,
  rleBox,
  rleFromCounts,
  type Rle,
} from './core/rle.js';
export type {
  CocoDomain,
  GroundTruthObject,
  ResultRecord,
  Segmentation as ObjectSegmentation,
} from './core/coco.js';
export { readAnnotations, type CocoTables } from './io/coco/annotations.js';
export { refuseLoss, type CocoIssue } from './io/coco/issues.js';
export { readResults } from './io/coco/results.js';
export { boxIou, rleIou } from './core/rle-iou.js';
export { rleFromBox, rleFromPolygons } from './core/rle-polygons.js';
export { rleFromString, rleToString } from './core/rle-string.js';
export { Random } from './core/random.js';
export { createClassMap, type ClassMap } from './datasets/coco/class-map.js';
export {
  evaluationSamples,
  trainingSamples,
  type DetectionSamples,
} from './datasets/coco/samples.js';
export { loadCoco, splitCoco, type CocoSet } from './datasets/coco/set.js';
export type { AnnotationFormat, AnnotationSource } from './datasets/annotations/source.js';
export {
  groundTruthDomain,
  groundTruthObjects,
  tableDomain,
  tableObjects,
} from './datasets/coco/ground-truth.js';
export {
  loadSegmentationFolder,
  type FolderSource,
  type SegmentationSet,
} from './datasets/segmentation-folder.js';
export {
  Loader,
  type LoadedBatch,
  type LoaderOptions,
  type SampleSource,
} from './datasets/loader/loader.js';
export { decodePngIndices, type PngIndices } from './io/png/indices.js';
export { readLabelMap, type LabelMapping } from './datasets/png-label-map.js';
export { checkData, type DataReport } from './datasets/check.js';
export { loadDetectionSplit, loadSegmentationSplit } from './datasets/layout/load.js';
export { detectLayout } from './datasets/layout/detect.js';
export type { DataLayout } from './datasets/layout/types.js';
export type { DetectionSample, Objects } from './datasets/sample.js';
export type { LabelMap } from './core/image.js';
export { SHAPES_DEFAULTS, writeShapes, type ShapesOptions } from './datasets/shapes/write.js';
export {
  ClassificationEvaluator,
  type ClassificationResult,
} from './evaluation/classification/evaluator.js';
export { detectionConfusion } from './evaluation/coco/detection-confusion.js';
export { errorBreakdown } from './evaluation/coco/error-breakdown.js';
export { CocoEvaluator, type CocoResult } from './evaluation/coco/evaluator.js';
export {
  CocoDetectionsBuilder,
  CocoGroundTruthBuilder,
  type CocoDetections,
  type CocoGroundTruth,
} from './evaluation/coco/objects.js';
export { fixedApParameters, lvisParameters } from './evaluation/coco/federated.js';
export { cocoParameters, type CocoParameters } from './evaluation/coco/parameters.js';
export { addCocoPartialResult, cocoPartialResult } from './evaluation/coco/partial-result.js';
export { CocoResultsBuilder } from './evaluation/coco/results-builder.js';
export { DETECTION_STATS, KEYPOINT_STATS, LVIS_STATS } from './evaluation/coco/summary.js';
export { meanCurve, thresholdCurves } from './evaluation/coco/threshold-curves.js';
export { cocoWarnings } from './evaluation/coco/warnings.js';
export { meanChannelCosineDistance } from './evaluation/collapse.js';
export { decodePartialResult, encodePartialResult } from './io/partial-result.js';
export { BoundaryIouEvaluator, boundaryIou } from './evaluation/semantic/boundary-iou.js';
export { SemanticEvaluator, type SemanticResult } from './evaluation/semantic/evaluator.js';
