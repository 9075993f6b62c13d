import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createClassifier } from '../../models/classifier.js';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { loadClassifier } from '../../inference/classify/load.js';
import { startDetector } from '../../inference/detect/weights.js';
import { loadSegmenter } from '../../inference/segment/load.js';
import { startSegmenter } from '../../inference/segment/weights.js';
import { loadBackbone } from '../../inference/state-dict.js';
import { summarizeModel } from '../../inference/summary.js';
import type { LazyTensor, TensorMap } from '../../io/tensor.js';
import { createDetector } from '../../models/detector.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import { createUperNet, UPERNET } from '../../models/upernet.js';
import { loadStart } from '../../train/classify/start.js';
import { encoderArchitecture } from '../../weights/verify.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { layer, saved } from './saved.js';
import { smallNetwork } from './small-network.js';

const { path } = temporaryFolder();
const BACKBONE = { depths: [1, 2, 1, 1], dims: [2, 3, 4, 5], responseNorm: 'grn' } as const;

const save = (name: string, tensors: TensorMap): Promise<string> => saved(path(name), tensors);

/** An encoder with its norm behind a prefix, and other layers beside it. */
function withLayers(
  prefix: string,
  layers: Readonly<Record<string, LazyTensor>>,
  hasNorm = true,
): TensorMap {
  const encoder = smallNetwork({ numClasses: undefined, hasNorm });
  return new Map([
    ...[...encoder].map(([name, tensor]) => [prefix + name, tensor] as const),
    ...Object.entries(layers),
  ]);
}

const MLP = {
  'head.0.weight': layer(4, 5),
  'head.0.bias': layer(4),
  'head.3.weight': layer(6, 4),
  'head.3.bias': layer(6),
};

test.each<[string, TensorMap]>([
  ['a head of two layers', withLayers('', MLP)],
  [
    'a classifier of two layers beside a backbone',
    withLayers('backbone.', {
      'classifier.1.weight': layer(4, 5),
      'classifier.1.bias': layer(4),
      'classifier.4.weight': layer(6, 4),
      'classifier.4.bias': layer(6),
    }),
  ],
])('%s cannot predict, but a training starts from all else', async (name, tensors) => {
  const file = await save(`${name}.safetensors`, tensors);
  await expect(loadClassifier(file)).rejects.toThrow(
    /expected a head of one linear layer, got 2 layers: \w+\.\d\.weight \[4, 5\], \w+\.\d\.weight \[6, 4\]; .* --weights .* takes all but the head/,
  );
  await expect(summarizeModel(file)).rejects.toThrow('expected a head of one linear layer');
  const model = createClassifier({ backbone: BACKBONE, classes: 3, headInitScale: 1 });
  const store = new ParameterStore(model.specs);
  expect(await loadStart(file, store, { classNames: ['a', 'b', 'c'] })).toMatch(/all layers taken over; the head is new$/); // prettier-ignore
  const encoder = smallNetwork({ numClasses: undefined });
  expect(store.get('norm.bias')).toEqual(encoder.get('norm.bias')?.values);
  expect(await encoderArchitecture(file)).toMatchObject({
    depths: [1, 2, 1, 1],
    dims: [2, 3, 4, 5],
  });
});

const OTHERS: readonly (readonly [name: string, message: string, tensors: TensorMap])[] = [
  [
    'a detector of one stage',
    'expected a Faster, Mask or Cascade R-CNN (roi_head.bbox_head), got another detector (backbone, neck, bbox_head)',
    withLayers(
      'backbone.',
      {
        'neck.lateral_convs.0.conv.weight': layer(4, 2, 1, 1),
        'bbox_head.retina_cls.weight': layer(2, 4, 3, 3),
      },
      false,
    ),
  ],
  [
    'a segmenter with another head',
    'expected a UPerNet, got a segmenter with another decode head',
    withLayers(
      'backbone.',
      {
        'decode_head.conv_seg.weight': layer(3, 4, 1, 1),
        'decode_head.convs.0.conv.weight': layer(4, 5, 3, 3),
      },
      false,
    ),
  ],
];

test.each(OTHERS)('of %s the backbone is taken', async (name, message, tensors) => {
  const file = await save(`${name}.safetensors`, tensors);
  await expect(summarizeModel(file)).rejects.toThrow(message);
  await expect(summarizeModel(file)).rejects.toThrow(`--weights ${file} takes its backbone`);
  expect((await encoderArchitecture(file)).depths).toEqual([1, 2, 1, 1]);
  const stem = smallNetwork().get('downsample_layers.0.0.bias')?.values;
  const [stage] = MASK_RCNN.stages;
  const stages = [{ ...stage, layers: { ...stage.layers, fcChannels: 4 } }];
  const detector = new ParameterStore(
    createDetector(createDenseBackbone(BACKBONE), {
      ...MASK_RCNN,
      channels: 4,
      numClasses: 2,
      stages,
    }).specs,
  );
  expect(await startDetector(file, detector, ['a', 'b'])).toMatch(/: backbone taken over/);
  expect(detector.get('backbone.downsample_layers.0.0.bias')).toEqual(stem);
  const segmenter = new ParameterStore(
    createUperNet(createDenseBackbone(BACKBONE), { ...UPERNET, channels: 4, numClasses: 2 }).specs,
  );
  expect(await startSegmenter(file, segmenter, ['a', 'b'])).toMatch(/: backbone taken over/);
  expect(segmenter.get('backbone.downsample_layers.0.0.bias')).toEqual(stem);
  const classifier = new ParameterStore(
    createClassifier({ backbone: BACKBONE, classes: 2, headInitScale: 1 }).specs,
  );
  expect(await loadStart(file, classifier)).toMatch(/encoder taken over; the head is new$/);
  expect(classifier.get('downsample_layers.0.0.bias')).toEqual(stem);
});

test('an encoder that is not complete is refused before anything is read', async () => {
  const tensors = new Map(withLayers('backbone.', {}, false));
  tensors.delete('backbone.stages.1.1.dwconv.bias');
  const file = await save('incomplete.safetensors', tensors);
  await expect(encoderArchitecture(file)).rejects.toThrow('missing stages.1.1.dwconv.bias');
});

test('a segmenter of one output is refused', async () => {
  const conv = 'decode_head.psp_modules.0.1.conv.weight';
  const layers = { [conv]: layer(4, 5, 1, 1), 'decode_head.conv_seg.weight': layer(1, 4, 1, 1) };
  const file = await save('binary.safetensors', withLayers('backbone.', layers, false));
  await expect(summarizeModel(file)).rejects.toThrow('out_channels=1');
});

const FOLDER = join(import.meta.dirname, '../fixtures/published');
const LABELS = ['tench', 'hen', 'ox', 'lark', 'newt', 'toad', 'crab'];

test.each([
  ...['mmdet-mask-rcnn.pth', 'mmdet-cascade.pth', 'mmseg-upernet.pth', 'hf-upernet-v2', 'hf-v1'],
  ...[
    'open-clip.pt',
    'torchvision.pth',
    'timm-features-only.pth',
    'mmpretrain-v2.pth',
    'hf-dinov3',
  ],
])('%s is a starting point of every task', async (name) => {
  const file = join(FOLDER, name);
  const { depths, dims } = await encoderArchitecture(file);
  expect([depths.length, dims.length]).toEqual([4, 4]);
  const backbone = { depths, dims, responseNorm: 'grn' } as Parameters<
    typeof createDenseBackbone
  >[0];
  const classifier = createClassifier({ backbone, classes: 2, headInitScale: 1 });
  await loadStart(file, new ParameterStore(classifier.specs), { classNames: ['a', 'b'] });
  const dense = new ParameterStore(createDenseBackbone(backbone).specs);
  const behind = new ParameterStore({ backbone: createDenseBackbone(backbone).specs });
  const { loaded } = await loadBackbone(file, behind);
  expect(loaded.length).toBe(dense.entries.filter(({ path: p }) => /^(stages|downsample)/.test(p)).length); // prettier-ignore
});

test('classes in another order are mapped by the names that a checkpoint of OpenMMLab states', async () => {
  const file = join(FOLDER, 'mmseg-meta.pth');
  const { backbone, model, store: inFile } = await loadSegmenter(file);
  const { specs } = createUperNet(createDenseBackbone(backbone), model.config);
  const store = new ParameterStore(specs);
  const line = await startSegmenter(file, store, [...LABELS].reverse());
  expect(line).toContain('class layers mapped by name');
  const name = 'decode_head.conv_seg.bias';
  expect([...store.get(name)]).toEqual([...inFile.get(name)].reverse());
  expect(await startSegmenter(file, store, [...'abcdefg'])).toContain('are new (7 classes: a, b');
});

test('a head is taken over by the names that a configuration beside the file states', async () => {
  const file = join(FOLDER, 'hf-v1/model.safetensors');
  const { model, store: inFile } = await loadClassifier(file);
  const store = new ParameterStore(createClassifier(model.config).specs);
  const line = await loadStart(file, store, { classNames: [...LABELS].reverse() });
  expect(line).toContain('class layers mapped by name');
  expect([...store.get('head.bias')]).toEqual([...inFile.get('head.bias')].reverse());
});

test('of a segmenter with heads of another width the backbone is taken, and said how to take all', async () => {
  const file = join(FOLDER, 'mmseg-meta.pth');
  const { backbone, model } = await loadSegmenter(file);
  const { auxiliary } = model.config;
  const wider = { ...model.config, channels: 6 };
  const store = new ParameterStore(createUperNet(createDenseBackbone(backbone), wider).specs);
  expect(await startSegmenter(file, store, LABELS)).toMatch(
    /backbone taken over; the heads are new, of 6 channels where the file has 4 \(--set head\.channels=4 takes them over\)$/,
  );
  const other = { ...model.config, auxiliary: { ...auxiliary, channels: 5 } };
  const same = new ParameterStore(createUperNet(createDenseBackbone(backbone), other).specs);
  expect(await startSegmenter(file, same, LABELS)).toMatch(
    /all layers taken over; the auxiliary head is new$/,
  );
});
