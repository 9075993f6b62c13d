import { saveCheckpoint } from '../../../weights/checkpoint.js';
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
  await startDetector(encoderFile, fromEncoder, ['a', 'b', 'c']);
  const stem = 'downsample_layers.0.0.weight';
  expect(fromEncoder.get(`backbone.${stem}`)).toEqual(encoder.get(stem));
  expect(fromEncoder.get('neck.lateral_convs.0.conv.weight')).toEqual(
    initialized(maskRcnn(), 1).get('neck.lateral_convs.0.conv.weight'),
  );
  const fromWhole = initialized(maskRcnn(), 1);
  await startDetector(wholeFile, fromWhole, ['a', 'b', 'c']);
  expect(fromWhole.values).toEqual(whole.values);
});

const CLASS_LAYER = /fc_cls|fc_reg|conv_logits/;

/** Writes a detector as a checkpoint of a run with these classes. */
async function checkpointOf(
  name: string,
  store: ParameterStore,
  classNames: readonly string[],
): Promise<string> {
  const weights = store.entries.map(({ path, spec: { shape, layout } }) => ({
    path,
    shape,
    layout,
    values: store.get(path),
  }));
  const state = { card: { classNames } };
  const { file } = await saveCheckpoint(folder, name, { step: 1, groups: { weights }, state });
  return file;
}

test('of a detector of other classes all but the class layers is taken over', async () => {
  const file = join(folder, 'start-three.safetensors');
  const three = initialized(maskRcnn(), 1);
  await writeSafetensors(file, mmdetection(three));
  const seven = createMaskRcnn(createDenseBackbone(TINY), {
    ...MASK_RCNN,
    ...SMALL,
    numClasses: 7,
    stages: [{ ...stage, layers }],
  });
  const fresh = initialized(seven as unknown as Detector, 4);
  const store = initialized(seven as unknown as Detector, 4);
  const line = await startDetector(file, store, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  expect(line).toMatch(
    /all layers taken over but those of the classes, which are new \(7 classes: a, b, c, d, e, …; the file has 3\)$/,
  );
  for (const { path } of store.entries)
    expect(store.get(path), path).toEqual((CLASS_LAYER.test(path) ? fresh : three).get(path));
});

test('class layers are mapped row by row where the order of the names differs, and new where a name does', async () => {
  const source = initialized(maskRcnn(), 1);
  const file = await checkpointOf('named', source, ['cat', 'dog', 'cow']);
  const mapped = initialized(maskRcnn(), 2);
  expect(await startDetector(file, mapped, ['cow', 'cat', 'dog'])).toMatch(/mapped by name/);
  const bias = 'roi_head.bbox_head.fc_cls.bias';
  const [cat, dog, cow, background] = source.get(bias);
  expect([...mapped.get(bias)]).toEqual([cow, cat, dog, background]);
  const deltas = [...source.get('roi_head.bbox_head.fc_reg.bias')];
  expect([...mapped.get('roi_head.bbox_head.fc_reg.bias')]).toEqual([
    ...deltas.slice(8),
    ...deltas.slice(0, 8),
  ]);
  const masks = [...source.get('roi_head.mask_head.conv_logits.bias')];
  expect([...mapped.get('roi_head.mask_head.conv_logits.bias')]).toEqual([
    masks[2],
    masks[0],
    masks[1],
  ]);
  const weight = 'roi_head.bbox_head.fc_cls.weight'; // [in, out]
  const out = 4;
  source
    .get(weight)
    .forEach((value, i) =>
      expect(mapped.get(weight)[i - (i % out) + [1, 2, 0, 3][i % out]]).toBe(value),
    );
  const same = initialized(maskRcnn(), 2);
  expect(await startDetector(file, same, ['cat', 'dog', 'cow'])).toMatch(
    /: all layers taken over$/,
  );
  expect(same.values).toEqual(source.values);
  const renamed = initialized(maskRcnn(), 2);
  expect(await startDetector(file, renamed, ['cat', 'dog', 'horse'])).toMatch(
    /which are new \(3 classes: cat, dog, horse; the file has 3: cat, dog, cow\)$/,
  );
  expect(renamed.get(bias)).toEqual(initialized(maskRcnn(), 2).get(bias));
});

test('a mask head that only one of them has is left out or new', async () => {
  const boxes = createMaskRcnn(createDenseBackbone(TINY), {
    ...MASK_RCNN,
    ...SMALL,
    masks: null,
    stages: [{ ...stage, layers }],
  }) as unknown as Detector;
  const names = ['a', 'b', 'c'];
  const masked = await checkpointOf('masked', initialized(maskRcnn(), 1), names);
  const store = initialized(boxes, 2);
  expect(await startDetector(masked, store, names)).toMatch(/the mask head is left out$/);
  expect(store.get('neck.lateral_convs.0.conv.weight')).toEqual(
    initialized(maskRcnn(), 1).get('neck.lateral_convs.0.conv.weight'),
  );
  const boxed = await checkpointOf('boxed', store, names);
  const withMasks = initialized(maskRcnn(), 3);
  expect(await startDetector(boxed, withMasks, names)).toMatch(/the mask head is new$/);
  const head = 'roi_head.mask_head.conv_logits.weight';
  expect(withMasks.get(head)).toEqual(initialized(maskRcnn(), 3).get(head));
});
