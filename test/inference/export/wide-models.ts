import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { evaluationResize } from '../../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import type { LoadedModel } from '../../../inference/model.js';
import { createClassifier } from '../../../models/classifier.js';
import { DETECTION_THRESHOLDS } from '../../../models/detection/config.js';
import { createDetector } from '../../../models/detector.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';
import { createUperNet } from '../../../models/upernet.js';

/** Wide enough that most products run on bytes with `int8`. */
const BACKBONE = { depths: [1, 1, 1, 1], dims: [32, 32, 32, 32], responseNorm: 'grn' } as const;
const COMMON = { backbone: BACKBONE, classNames: ['ant', 'bee', 'cat'], pixels: IMAGENET_PIXELS };
const LIMITS = { long: 96, short: 64 };

/** Models with random weights by task. */
export const WIDE_MODELS: Readonly<Record<LoadedModel['card']['task'], () => LoadedModel>> = {
  classify: () => {
    const model = createClassifier({ backbone: BACKBONE, classes: 3, headInitScale: 30 });
    const card = { task: 'classify', ...COMMON, resize: evaluationResize(32) };
    return { card, model, store: initialized(model) } as unknown as LoadedModel;
  },
  segment: () => {
    const head = {
      numClasses: 3,
      channels: 32,
      poolScales: [1, 2, 3, 6],
      auxiliary: { channels: 4, weight: 0.4 },
    };
    const model = createUperNet(createDenseBackbone(BACKBONE), head);
    const card = {
      task: 'segment',
      ...COMMON,
      head,
      limits: LIMITS,
      ratios: [1],
      window: { cropSize: 64, stride: 43 },
    };
    return { card, model, store: initialized(model) } as unknown as LoadedModel;
  },
  detect: () => {
    const model = createDetector(createDenseBackbone(BACKBONE), {
      ...MASK_RCNN,
      numClasses: 3,
      channels: 32,
      masks: { roiSize: 14, numConvs: 1 },
      stages: MASK_RCNN.stages.map((stage) => ({
        ...stage,
        layers: { ...stage.layers, fcChannels: 32 },
      })),
    });
    const card = {
      task: 'detect',
      ...COMMON,
      detector: model.config,
      limits: LIMITS,
      categoryIds: [1, 2, 3],
      thresholds: { ...DETECTION_THRESHOLDS, maxPerImage: 20 },
    };
    const store = initialized(model);
    // Scores that differ.
    const { path } = store.entries.find(({ path: each }) => /fc_cls.*weight/.test(each))!;
    store.get(path).forEach((value, i, values) => (values[i] = 40 * value));
    return { card, model, store } as unknown as LoadedModel;
  },
};

function initialized({ specs }: Pick<LoadedModel['model'], 'specs'>): ParameterStore {
  const store = new ParameterStore(specs);
  store.initialize(1);
  return store;
}
