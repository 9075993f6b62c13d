import { createDenseBackbone } from '../../backbone/output-norms.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { openEngine } from '../../engine/runtime/engine.js';
import { modelOf } from '../../inference/model-of.js';
import type { LoadedOf, ModelOf, PredictTask } from '../../inference/model.js';
import { createClassifier } from '../../models/classifier.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { createDetector } from '../../models/detector.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import { createUperNet } from '../../models/upernet.js';
import { tinyStore } from '../train/detect/tiny-detector.js';

const BACKBONE = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' } as const;
const LIMITS = { long: 128, short: 96 };

/** Creates one network of each task with random weights, and its card. @param classNames by index */
export function tinyNetworks(classNames: readonly string[]): {
  [Task in PredictTask]: LoadedOf<Task>;
} {
  const numClasses = classNames.length;
  const common = { backbone: BACKBONE, classNames, pixels: IMAGENET_PIXELS };
  const dense = createDenseBackbone(BACKBONE);
  const [stage] = MASK_RCNN.stages;
  const classifier = createClassifier({
    backbone: BACKBONE,
    classes: numClasses,
    headInitScale: 30,
  });
  const detector = createDetector(dense, {
    ...MASK_RCNN,
    numClasses,
    channels: 4,
    stages: [{ ...stage, layers: { ...stage.layers, fcChannels: 4 } }],
  });
  const head = {
    numClasses,
    channels: 4,
    poolScales: [1, 2, 3, 6],
    auxiliary: { channels: 4, weight: 0.4 },
  };
  const segmenter = createUperNet(dense, head);
  const [ofClassifier, ofSegmenter] = [classifier, segmenter].map(({ specs }) => {
    const store = new ParameterStore(specs);
    store.initialize(1);
    return store;
  });
  return {
    classify: {
      card: { task: 'classify', ...common, resize: evaluationResize(64) },
      model: classifier,
      store: ofClassifier,
    },
    detect: {
      card: {
        task: 'detect',
        ...common,
        detector: detector.config,
        limits: LIMITS,
        categoryIds: classNames.map((_, k) => k + 1),
        thresholds: DETECTION_THRESHOLDS,
      },
      model: detector,
      store: tinyStore(detector),
    },
    segment: {
      card: {
        task: 'segment',
        ...common,
        head,
        limits: LIMITS,
        ratios: [1],
        window: { cropSize: 64, stride: 43 },
      },
      model: segmenter,
      store: ofSegmenter,
    },
  };
}

/** Opens one model of each task with random weights and the classes a, b and c. */
export async function tinyModels(): Promise<{ [Task in PredictTask]: ModelOf<Task> }> {
  const engine = await openEngine();
  const { classify, detect, segment } = tinyNetworks(['a', 'b', 'c']);
  return {
    classify: modelOf<'classify'>(engine, classify),
    detect: modelOf<'detect'>(engine, detect),
    segment: modelOf<'segment'>(engine, segment),
  };
}
