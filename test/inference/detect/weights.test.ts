import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createBackbone } from '../../../backbone/convnextv2.js';
import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { createCascade, CASCADE_MASK_RCNN } from '../../../models/cascade.js';
import type { Detector } from '../../../models/detector.js';
import {
  holdsDetector,
  loadDetectorWeights,
  startDetector,
} from '../../../inference/detect/weights.js';
import { loadBackbone } from '../../../inference/state-dict.js';
import { createMaskRcnn, MASK_RCNN } from '../../../models/mask-rcnn.js';
import { toTorchLayout, torchShape } from '../../../weights/layout.js';
import { writeSafetensors, type TensorToWrite } from '../../../io/safetensors/write.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-detector-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TINY = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' } as const;
const SMALL = { channels: 4, numClasses: 3 } as const;
const [stage] = MASK_RCNN.stages;
const layers = { ...stage.layers, fcChannels: 5 };
const maskRcnn = (): Detector =>
  createMaskRcnn(createDenseBackbone(TINY), {
    ...MASK_RCNN,
    ...SMALL,
    stages: [{ ...stage, layers }],
  }) as unknown as Detector;
const cascade = (): Detector =>
  createCascade(createDenseBackbone(TINY), {
    ...CASCADE_MASK_RCNN,
    ...SMALL,
    stages: CASCADE_MASK_RCNN.stages.map((s) => ({
      ...s,
      layers: { ...s.layers, fcChannels: 5 },
    })),
  }) as unknown as Detector;

const initialized = ({ specs }: Detector, seed: number): ParameterStore => {
  const store = new ParameterStore(specs);
  store.initialize(seed);
  // Constants too, so that no two parameters are alike.
  store.values.forEach((value, i) => (store.values[i] = value + Math.fround(i / 1e4)));
  return store;
};

/** A store as mmdetection writes it: PyTorch's axes, the first fully connected layer flattened. */
const mmdetection = (store: ParameterStore): TensorToWrite[] =>
  store.entries.map(({ path, spec }) => {
    const shape = torchShape(spec.shape, spec.layout);
    const isRoiFc = path.includes('shared_fcs.0.weight');
    return {
      name: path,
      dtype: 'F32',
      shape: isRoiFc ? [shape[0], shape[1] * shape[2] * shape[3]] : shape,
      data: toTorchLayout(store.get(path).slice(), spec.shape, spec.layout),
    };
  });

test.each([
  ['Mask R-CNN', maskRcnn],
  ['Cascade Mask R-CNN', cascade],
])('a state dict of mmdetection loads by name: %s', async (name, create) => {
  const source = initialized(create(), 1);
  const file = join(folder, `${name}.safetensors`);
  const counter: TensorToWrite = {
    name: 'roi_head.bbox_head.0.shared_convs.0.bn.num_batches_tracked',
    dtype: 'I32',
    shape: [],
    data: Int32Array.of(7),
  };
  await writeSafetensors(file, [...mmdetection(source), counter]);
  const store = new ParameterStore(create().specs);
  const report = await loadDetectorWeights(file, store);
  expect(store.values).toEqual(source.values);
  expect(report.loaded.length).toBe(store.entries.length);
  expect(report.dropped).toEqual([counter.name]);
});

test('the first fully connected layer reads features channel by channel', async () => {
  const source = initialized(maskRcnn(), 1);
  const file = join(folder, 'flat.safetensors');
  const tensors = mmdetection(source);
  const fc = tensors.find(({ name }) => name === 'roi_head.bbox_head.shared_fcs.0.weight')!;
  // Output 2, channel 3, row 5, column 6 of [5, 4·7·7].
  (fc.data as Float32Array).fill(0)[2 * 4 * 49 + 3 * 49 + 5 * 7 + 6] = 1;
  await writeSafetensors(file, tensors);
  const store = new ParameterStore(maskRcnn().specs);
  await loadDetectorWeights(file, store);
  const weight = store.get('roi_head.bbox_head.shared_fcs.0.weight');
  // Here it is [7, 7, 4, 5].
  expect(weight.indexOf(1)).toBe(((5 * 7 + 6) * 4 + 3) * 5 + 2);
  expect(weight.filter((value) => value !== 0).length).toBe(1);
});

test('another number of classes is refused, and nothing is written', async () => {
  const other = createMaskRcnn(createDenseBackbone(TINY), {
    ...MASK_RCNN,
    ...SMALL,
    numClasses: 7,
    stages: [{ ...stage, layers }],
  });
  const file = join(folder, 'classes.safetensors');
  await writeSafetensors(file, mmdetection(initialized(other as unknown as Detector, 1)));
  const store = new ParameterStore(maskRcnn().specs);
  await expect(loadDetectorWeights(file, store)).rejects.toThrow(
    /fc_cls\.weight: expected \[4, 5\], got \[8, 5\]/,
  );
  expect(store.values.every((value) => value === 0)).toBe(true);
});

test('missing and unexpected names are listed', async () => {
  const file = join(folder, 'names.safetensors');
  const tensors = mmdetection(initialized(maskRcnn(), 1)).filter(
    ({ name }) => name !== 'neck.fpn_convs.1.conv.bias',
  );
  const extra: TensorToWrite = { ...tensors[0], name: 'neck.unknown' };
  await writeSafetensors(file, [...tensors, extra]);
  const store = new ParameterStore(maskRcnn().specs);
  await expect(loadDetectorWeights(file, store)).rejects.toThrow(
    /missing neck\.fpn_convs\.1\.conv\.bias; unexpected neck\.unknown/,
  );
});

test('a pretrained encoder goes into the backbone and leaves the rest alone', async () => {
  const encoder = new ParameterStore(createBackbone(TINY).specs);
  encoder.initialize(5);
  const file = join(folder, 'encoder.safetensors');
  await writeSafetensors(file, mmdetection(encoder));
  const store = initialized(maskRcnn(), 1);
  const before = store.values.slice();
  const { loaded } = await loadBackbone(file, store);
  expect(loaded.length).toBe(encoder.entries.length);
  for (const entry of store.entries) {
    const name = entry.path.replace(/^backbone\./, '');
    const isEncoder = encoder.entries.some(({ path }) => path === name);
    expect(store.get(entry.path)).toEqual(
      isEncoder ? encoder.get(name) : store.view(entry, before),
    );
  }
});

test('a run starts from whatever the file holds', async () => {
  const encoder = new ParameterStore(createBackbone(TINY).specs);
  encoder.initialize(5);
  const encoderFile = join(folder, 'start-encoder.safetensors');
  await writeSafetensors(encoderFile, mmdetection(encoder));
  const whole = initialized(maskRcnn(), 3);
  const wholeFile = join(folder, 'start-whole.safetensors');
  await writeSafetensors(wholeFile, mmdetection(whole));
  expect([await holdsDetector(encoderFile), await holdsDetector(wholeFile)]).toEqual([false, true]);

  const fromEncoder = initialized(maskRcnn(), 1);
  await startDetector(encoderFile, fromEncoder);
  const stem = 'downsample_layers.0.0.weight';
  expect(fromEncoder.get(`backbone.${stem}`)).toEqual(encoder.get(stem));
  expect(fromEncoder.get('neck.lateral_convs.0.conv.weight')).toEqual(
    initialized(maskRcnn(), 1).get('neck.lateral_convs.0.conv.weight'),
  );
  const fromWhole = initialized(maskRcnn(), 1);
  await startDetector(wholeFile, fromWhole);
  expect(fromWhole.values).toEqual(whole.values);
});

test('a detector of other classes is refused by their numbers, and nothing is written', async () => {
  const file = join(folder, 'start-three.safetensors');
  await writeSafetensors(file, mmdetection(initialized(maskRcnn(), 1)));
  const seven = createMaskRcnn(createDenseBackbone(TINY), {
    ...MASK_RCNN,
    ...SMALL,
    numClasses: 7,
    stages: [{ ...stage, layers }],
  });
  const store = new ParameterStore(seven.specs);
  await expect(startDetector(file, store)).rejects.toThrow(
    "expected a detector of the data's 7 classes, got one of 3",
  );
  expect(store.values.every((value) => value === 0)).toBe(true);
});
