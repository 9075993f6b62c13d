import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createBackbone } from '../../../backbone/convnextv2.js';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { CASCADE_MASK_RCNN } from '../../../models/cascade.js';
import { cocoClasses } from '../../../datasets/classes/coco.js';
import type { DetectorConfig } from '../../../models/detection/config.js';
import { createDetector } from '../../../models/detector.js';
import { inferDetector, loadDetector } from '../../../inference/detect/load.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';
import { toTorchLayout, torchShape } from '../../../weights/layout.js';
import { writeSafetensors } from '../../../io/safetensors/write.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-load-detector-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BACKBONE = { depths: [1, 2, 1, 1], dims: [4, 8, 4, 4], responseNorm: 'grn' } as const;
const narrow = (config: DetectorConfig, more: Partial<DetectorConfig> = {}): DetectorConfig => ({
  ...config,
  channels: 4,
  numClasses: 3,
  stages: config.stages.map((s) => ({ ...s, layers: { ...s.layers, fcChannels: 5 } })),
  ...more,
});

/** Writes a model as mmdetection does: PyTorch's axes, the first fully connected layer flat. */
async function written(store: ParameterStore, name: string): Promise<string> {
  const file = join(folder, `${name}.safetensors`);
  await writeSafetensors(
    file,
    store.entries.map(({ path, spec }) => {
      const shape = torchShape(spec.shape, spec.layout);
      const isRoiFc = path.includes('shared_fcs.0.weight');
      return {
        name: path,
        dtype: 'F32',
        shape: isRoiFc ? [shape[0], shape[1] * shape[2] * shape[3]] : shape,
        data: toTorchLayout(store.get(path).slice(), spec.shape, spec.layout),
      };
    }),
  );
  return file;
}

test.each<[string, DetectorConfig]>([
  ['Mask R-CNN', narrow(MASK_RCNN)],
  ['Faster R-CNN', narrow(MASK_RCNN, { masks: null })],
  ['Cascade Mask R-CNN', narrow(CASCADE_MASK_RCNN)],
  [
    'class-agnostic',
    narrow({ ...MASK_RCNN, stages: [{ ...MASK_RCNN.stages[0], classAgnostic: true }] }),
  ],
])('sizes are read off the tensors, and the weights load: %s', async (name, config) => {
  const store = new ParameterStore(createDetector(createDenseBackbone(BACKBONE), config).specs);
  store.initialize(3);
  const file = await written(store, name);
  const { backbone, detector } = await inferDetector(file);
  expect(backbone).toEqual(BACKBONE);
  expect(detector).toEqual(config);
  expect((await loadDetector(file)).store.values).toEqual(store.values);
});

test('what is no detector is refused with the tensor that is missing', async () => {
  const encoder = new ParameterStore({ backbone: createBackbone(BACKBONE).specs });
  const file = await written(encoder, 'encoder');
  await expect(inferDetector(file)).rejects.toThrow(
    'expected a detector with a tensor neck.lateral_convs.0.conv.weight, got none',
  );
});

test('COCO has 80 classes with ascending ids up to 90', () => {
  const { names, categoryIds } = cocoClasses();
  expect(names.length).toBe(80);
  expect(new Set(names).size).toBe(80);
  expect([...categoryIds]).toEqual([...categoryIds].sort((a, b) => a - b));
  expect([names[0], names[11], names[79]]).toEqual(['person', 'stop sign', 'toothbrush']);
  expect([categoryIds[11], categoryIds[79]]).toEqual([13, 90]);
});
