import { beforeAll, expect, test } from 'vitest';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { OptionError } from '../../core/errors.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import { modelOf } from '../../inference/model-of.js';
import type { ImageModel } from '../../inference/model.js';
import { createClassifier } from '../../models/classifier.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { createUperNet } from '../../models/upernet.js';
import { compareModels } from '../../train/compare-models.js';
import { evaluate } from '../../train/evaluate.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeComparedSets } from './compared-sets.js';
import { TINY_CONFIG, tinyDetector, tinyStore } from './detect/tiny-detector.js';

const BACKBONE = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' } as const;
const CLASSES = ['bolt', 'nut'];
const COMMON = { backbone: BACKBONE, classNames: CLASSES, pixels: IMAGENET_PIXELS };
const LIMITS = { long: 96, short: 64 };
const OPTIONS = { samples: 200, drawSeed: 1 };
const { path } = temporaryFolder();
let engine: Engine;

beforeAll(async () => {
  engine = await openEngine();
  await writeComparedSets(path);
});
function detector(scale: number): ImageModel {
  const network = tinyDetector({ ...TINY_CONFIG, numClasses: 2 });
  const store = tinyStore(network);
  for (const { path: name } of store.entries)
    store.get(name).forEach((v, i, all) => (all[i] = v * scale));
  return modelOf<'detect'>(engine, {
    card: {
      task: 'detect',
      ...COMMON,
      detector: network.config,
      limits: LIMITS,
      categoryIds: [1, 2],
      thresholds: DETECTION_THRESHOLDS,
    },
    model: network,
    store,
  });
}

function initialized(
  specs: ConstructorParameters<typeof ParameterStore>[0],
  seed: number,
): ParameterStore {
  const store = new ParameterStore(specs);
  store.initialize(seed);
  return store;
}

function classifier(seed: number): ImageModel {
  const model = createClassifier({ backbone: BACKBONE, classes: 2, headInitScale: 30 });
  return modelOf<'classify'>(engine, {
    card: { task: 'classify', ...COMMON, resize: evaluationResize(64) },
    model,
    store: initialized(model.specs, seed),
  });
}

function segmenter(seed: number): ImageModel {
  const head = {
    numClasses: 2,
    channels: 4,
    poolScales: [1, 2, 3, 6],
    auxiliary: { channels: 4, weight: 0.4 },
  };
  const model = createUperNet(createDenseBackbone(BACKBONE), head);
  return modelOf<'segment'>(engine, {
    card: {
      task: 'segment',
      ...COMMON,
      head,
      limits: LIMITS,
      ratios: [1],
      window: { cropSize: 64, stride: 43 },
    },
    model,
    store: initialized(model.specs, seed),
  });
}

test.each([
  ['classes', 'top1', classifier, 4],
  ['coco', 'bbox_AP', detector, 2],
  ['pixels', 'mIoU', segmenter, 4],
] as const)(
  '%s: scores are those of eval, with intervals',
  async (data, main, create, count) => {
    const compared = await compareModels(
      [1, 1, 2].map((seed) => () => Promise.resolve(create(seed))),
      path(data),
      OPTIONS,
    );
    expect(compared).toMatchObject({ numImages: count, main, samples: 200, seed: 1 });
    const [first, same, other] = compared.models;
    expect(same.metrics).toEqual(first.metrics);
    expect(same.differences?.[main]).toEqual({
      value: 0,
      low: 0,
      high: 0,
      higher: 0.5,
      isSure: false,
    });
    const scored = (await evaluate(create(2), path(data))) as unknown as Record<string, never>;
    const expected = main === 'bbox_AP' ? scored['bbox']['AP'] : scored[main];
    expect(other.metrics[main].value).toBeCloseTo(expected, 12);
    const { value, low, high } = other.differences![main];
    expect(value).toBeCloseTo(other.metrics[main].value - first.metrics[main].value, 12);
    expect(low).toBeLessThanOrEqual(high);
  },
  60_000,
);

test('models of different tasks are refused', async () => {
  const models = [classifier(1), detector(1)].map((model) => () => Promise.resolve(model));
  const compared = compareModels(models, path('classes'), OPTIONS);
  await expect(compared).rejects.toThrow(OptionError);
  await expect(compared).rejects.toThrow('expected models of one task');
});
