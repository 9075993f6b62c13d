import { join } from 'node:path';
import sharp from 'sharp';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { Random } from '../../core/random.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { ModelCard } from '../../inference/card.js';
import { createClassifier } from '../../models/classifier.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { createDetector } from '../../models/detector.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import { createUperNet } from '../../models/upernet.js';
import { saveCheckpoint } from '../../weights/checkpoint.js';
import { tinyStore } from '../train/detect/tiny-detector.js';

const BACKBONE = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' } as const;
const COMMON = { backbone: BACKBONE, classNames: ['ant', 'bee', 'cat'], pixels: IMAGENET_PIXELS };
const LIMITS = { long: 128, short: 96 };

/** Run folders of three small models by task. */
export interface SmallModels {
  readonly classify: string;
  readonly detect: string;
  readonly segment: string;
}

/** Saves small models with random weights as run folders `ants`, `boxes` and `pixels`. */
export async function saveSmallModels(folder: string): Promise<SmallModels> {
  const dense = createDenseBackbone(BACKBONE);
  const [stage] = MASK_RCNN.stages;
  const classifier = createClassifier({ backbone: BACKBONE, classes: 3, headInitScale: 30 });
  const detector = createDetector(dense, {
    ...MASK_RCNN,
    numClasses: 3,
    channels: 4,
    stages: [{ ...stage, layers: { ...stage.layers, fcChannels: 4 } }],
  });
  const head = {
    numClasses: 3,
    channels: 4,
    poolScales: [1, 2, 3, 6],
    auxiliary: { channels: 4, weight: 0.4 },
  };
  const segmenter = createUperNet(dense, head);
  const paths = {
    classify: join(folder, 'ants'),
    detect: join(folder, 'boxes'),
    segment: join(folder, 'pixels'),
  };
  await save(paths.classify, initialized(new ParameterStore(classifier.specs)), {
    ...{ task: 'classify', ...COMMON, resize: evaluationResize(64) },
  });
  const store = tinyStore(detector);
  // Scores that differ, and several classes.
  const { path } = store.entries.find(({ path: each }) => /fc_cls.*weight/.test(each))!;
  store.get(path).forEach((value, i, values) => (values[i] = 40 * value));
  await save(paths.detect, store, {
    ...{ task: 'detect', ...COMMON, detector: detector.config, limits: LIMITS },
    categoryIds: [3, 7, 9],
    thresholds: { ...DETECTION_THRESHOLDS, maxPerImage: 20 },
  });
  await save(paths.segment, initialized(new ParameterStore(segmenter.specs)), {
    ...{ task: 'segment', ...COMMON, head, limits: LIMITS, ratios: [1] },
    window: { cropSize: 64, stride: 43 },
  });
  return paths;
}

function initialized(store: ParameterStore): ParameterStore {
  store.initialize(1);
  return store;
}

async function save(folder: string, store: ParameterStore, card: ModelCard): Promise<void> {
  const weights = store.entries.map(({ path, spec: { shape, layout } }) => ({
    ...{ path, shape, layout, values: store.get(path) },
  }));
  await saveCheckpoint(join(folder, 'checkpoints'), 'step-1', {
    ...{ step: 1, groups: { weights }, state: { card } },
  });
}

/** A picture of noise, as JPEG or PNG. */
export async function noise(
  { width, height }: { readonly width: number; readonly height: number },
  format: 'jpeg' | 'png' = 'jpeg',
  seed = 1,
): Promise<Buffer> {
  const random = new Random(seed);
  // Blocks of noise: large pictures of it are made quickly.
  const [w, h] = [Math.ceil(width / 8), Math.ceil(height / 8)];
  const data = Uint8Array.from({ length: 3 * w * h }, () => random.integer(256));
  return sharp(data, { raw: { width: w, height: h, channels: 3 } })
    .resize(width, height, { kernel: 'nearest', fit: 'fill' })
    .toFormat(format)
    .toBuffer();
}
