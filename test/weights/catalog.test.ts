import { expect, test } from 'vitest';
import {
  expectedShapes,
  inferArchitecture,
  SIZES,
  sizeOf,
  type SizeName,
} from '../../weights/architecture.js';
import { CATALOG, CATALOGUE, type CatalogueEntry } from '../../weights/catalog.js';
import { VARIANTS } from '../../backbone/variants.js';
import { numParameters } from '../../engine/parameters/store.js';
import { fcmaeConfig } from '../../backbone/fcmae.js';
import { createFcmae } from '../../models/fcmae.js';
import { resolveModelName } from '../../weights/model-name.js';
import { tensorOf } from '../../io/tensor.js';
import { smallNetwork } from './small-network.js';

/** Published parameter counts with 1000 classes (mmpretrain's integers). */
const NUM_PARAMETERS: Readonly<Record<SizeName, number>> = {
  atto: 3_708_400,
  femto: 5_233_240,
  pico: 9_066_280,
  nano: 15_623_800,
  tiny: 28_635_496,
  base: 88_717_800,
  large: 197_956_840,
  huge: 660_289_640,
};

const count = (shapes: ReadonlyMap<string, readonly number[]>) =>
  [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);

test.each(Object.entries(NUM_PARAMETERS))(
  '%s has the published number of parameters',
  (name, expected) => {
    const size = name as SizeName;
    const shapes = expectedShapes({
      ...SIZES[size],
      size,
      inChannels: 3,
      numClasses: 1000,
      hasNorm: true,
      stageNorms: [],
    });
    expect(count(shapes)).toBe(expected);
  },
);

test('the architecture is read off the tensors', () => {
  expect(inferArchitecture('f', smallNetwork())).toEqual({
    size: undefined,
    depths: [1, 2, 1, 1],
    dims: [2, 3, 4, 5],
    inChannels: 3,
    numClasses: 6,
    hasNorm: true,
    stageNorms: [],
  });
  const backbone = smallNetwork({
    numClasses: undefined,
    hasNorm: false,
    stageNorms: [1, 3],
    inChannels: 1,
  });
  expect(inferArchitecture('f', backbone)).toMatchObject({
    inChannels: 1,
    numClasses: undefined,
    hasNorm: false,
    stageNorms: [1, 3],
  });
  expect(sizeOf([3, 3, 9, 3], [96, 192, 384, 768])).toBe('tiny');
  expect(sizeOf([3, 3, 9, 3], [128, 256, 512, 1024])).toBeUndefined();
});

test('an architecture that the tensors do not define is an error', () => {
  const network = smallNetwork();
  network.delete('downsample_layers.2.1.weight');
  expect(() => inferArchitecture('f', network)).toThrow(
    'f: expected tensor downsample_layers.2.1.weight',
  );
  const deep = new Map([
    ...smallNetwork(),
    ['stages.0.99999999999.norm.bias', tensorOf(new Float32Array(1), [1])],
  ]);
  expect(() => inferArchitecture('f', deep)).toThrow('at most 1000 blocks a stage');
});

const V2 = CATALOG.filter(({ version }) => version === 2);

test('the catalog has the 26 official files of V2', () => {
  expect(V2).toHaveLength(26);
  const tags = (tag: string) => V2.filter((entry) => entry.tag === tag).map(({ size }) => size);
  const sizes = ['atto', 'femto', 'pico', 'nano', 'tiny', 'base', 'large', 'huge'];
  expect(tags('fcmae')).toEqual(sizes);
  expect(tags('fcmae_ft_in1k')).toEqual(sizes);
  expect(tags('fcmae_ft_in22k_in1k')).toEqual(['nano', 'tiny', 'base', 'large']);
  expect(tags('fcmae_ft_in22k_in1k_384')).toEqual(['nano', 'tiny', 'base', 'large', 'huge']);
  expect(tags('fcmae_ft_in22k_in1k_512')).toEqual(['huge']);
});

test('names, addresses and names in the cache are unique, and every address is https', () => {
  const unique = (values: readonly string[]) => expect(new Set(values).size).toBe(values.length);
  unique(CATALOG.map(({ url }) => url));
  unique(CATALOG.map(({ fileName }) => fileName));
  unique(CATALOG.flatMap(({ name, aliases }) => [name, ...aliases]));
  for (const { url } of CATALOG) expect(url).toMatch(/^https:\/\/[a-z.]+\/[\w./-]+\.(pt|pth|bin)$/);
});

test('V2 classifiers carry accuracy and five logits, encoders neither', () => {
  for (const { tag, accuracy, parityLogits, numClasses, license, licence, task } of V2) {
    expect([license, licence]).toEqual(['CC-BY-NC-4.0', 'CC-BY-NC-4.0']);
    const isEncoder = tag === 'fcmae';
    expect(task).toBe(isEncoder ? 'pretrain' : 'classify');
    expect([accuracy === undefined, parityLogits === undefined, numClasses]).toEqual([
      isEncoder,
      isEncoder,
      isEncoder ? undefined : 1000,
    ]);
    if (!accuracy?.measured || !parityLogits) continue;
    expect(parityLogits).toHaveLength(5);
    // The measured value confirms the reported one to within rounding.
    expect(Math.abs(accuracy.top1 - accuracy.measured.top1)).toBeLessThan(0.1);
    expect(accuracy.measured.top5).toBeGreaterThan(accuracy.measured.top1);
  }
});

test('the ConvNeXt authors’ detectors and segmenters have their published scores', () => {
  const scores = (prefix: string): unknown =>
    Object.fromEntries(
      CATALOG.filter(({ url }) =>
        url.startsWith(`https://dl.fbaipublicfiles.com/convnext/${prefix}/`),
      ).map(({ name, scores: found, license }) => {
        expect(license).toBe('MIT');
        return [name, Object.values(found)];
      }),
    );
  expect(scores('coco')).toEqual({
    'mask-rcnn.convnext_tiny_coco': [46.2, 41.7],
    'cascade-mask-rcnn.convnext_tiny_coco': [50.4, 43.7],
    'cascade-mask-rcnn.convnext_small_coco': [51.9, 45.0],
    'cascade-mask-rcnn.convnext_base_coco': [52.7, 45.6],
    'cascade-mask-rcnn.convnext_base_in22k_coco': [54.0, 46.9],
    'cascade-mask-rcnn.convnext_large_in22k_coco': [54.8, 47.6],
    'cascade-mask-rcnn.convnext_xlarge_in22k_coco': [55.2, 47.7],
  });
  expect(scores('ade20k')).toEqual({
    'upernet.convnext_tiny_ade20k': [46.0, 46.7],
    'upernet.convnext_small_ade20k': [48.7, 49.6],
    'upernet.convnext_base_ade20k': [49.1, 49.9],
    'upernet.convnext_base_in22k_ade20k_640': [52.6, 53.1],
    'upernet.convnext_large_in22k_ade20k_640': [53.2, 53.7],
    'upernet.convnext_xlarge_in22k_ade20k_640': [53.6, 54.0],
  });
});

test('V1 classifiers have the parameters that timm counts', () => {
  const counts = new Map(CATALOG.map(({ name, numParameters }) => [name, numParameters]));
  expect(counts.get('convnext_tiny.fb_in1k')).toBe(28_589_128);
  expect(counts.get('convnext_small.fb_in22k_ft_in1k')).toBe(50_223_688);
  expect(counts.get('convnext_base.fb_in1k_384')).toBe(88_591_464);
  expect(counts.get('convnext_large.fb_in1k')).toBe(197_767_336);
  expect(counts.get('convnext_xlarge.fb_in22k_ft_in1k')).toBe(350_196_968);
  expect(counts.get('convnext_xlarge.fb_in22k')).toBe(350_196_968 + 20_841 * 2049);
});

test.each(['atto', 'tiny', 'huge'] as const)('FCMAE of %s counts its decoder', (size) => {
  const specs = createFcmae(fcmaeConfig(VARIANTS[size])).specs;
  const entry = CATALOG.find(({ name }) => name === `${size}.fcmae`);
  expect(entry?.numParameters).toBe(numParameters(specs));
});

test.each([
  'tiny.fcmae_ft_in22k_in1k_384',
  'convnextv2_tiny.fcmae_ft_in22k_in1k_384',
  'timm/convnextv2_tiny.fcmae_ft_in22k_in1k_384',
  'facebook/convnextv2-tiny-22k-384',
  'convnextv2_tiny_22k_384_ema.pt',
  'convnextv2_tiny_22k_384_ema',
])('%s names an official file', (name) => {
  expect(resolveModelName(name).url).toBe(
    'https://dl.fbaipublicfiles.com/convnext/convnextv2/im22k/convnextv2_tiny_22k_384_ema.pt',
  );
});

test('a mistyped name gets the nearest ones', () => {
  expect(() => resolveModelName('tiny.fcmae_ft_in1')).toThrow(
    /expected an official name, got "tiny\.fcmae_ft_in1"; nearest: tiny\.fcmae_ft_in1k,/,
  );
  expect(() => resolveModelName('convnextv2_atto.fcmea')).toThrow('nearest: atto.fcmae,');
  expect(() => resolveModelName('nano')).toThrow(
    'nearest: nano.fcmae, nano.fcmae_ft_in1k, nano.fcmae_ft_in22k_in1k, nano.fcmae_ft_in22k_in1k_384 (all',
  );
});

test.each([
  ['cascade_mask_rcnn_convnext_tiny_1k_3x.pth', 'cascade-mask-rcnn.convnext_tiny_coco'],
  ['cascade-mask-rcnn.convnext_tiny_coco_3x', 'cascade-mask-rcnn.convnext_tiny_coco'],
  ['cascade-mask-rcnn.tiny', 'cascade-mask-rcnn.convnext_tiny_coco'],
  ['mask-rcnn.convnext_tiny', 'mask-rcnn.convnext_tiny_coco'],
  ['openmmlab/upernet-convnext-tiny', 'upernet.convnext_tiny_ade20k_hf'],
  ['upernet.small', 'upernet.convnext_small_ade20k'],
  ['upernet.base_in22k', 'upernet.convnext_base_in22k_ade20k_640'],
  ['upernet.base_640_openmmlab', 'upernet.convnext_base_in22k_ade20k_640_openmmlab'],
  ['timm/convnext_tiny.fb_in22k_ft_in1k', 'convnext_tiny.fb_in22k_ft_in1k'],
  ['convnext_xlarge_22k_1k_384_ema.pth', 'convnext_xlarge.fb_in22k_ft_in1k_384'],
])('%s names %s', (given, name) => {
  expect(resolveModelName(given).name).toBe(name);
});

test('an abbreviation that fits several files gets all of them', () => {
  expect(() => resolveModelName('cascade-mask-rcnn.base')).toThrow(
    'got "cascade-mask-rcnn.base"; it may be cascade-mask-rcnn.convnext_base_coco, cascade-mask-rcnn.convnext_base_in22k_coco (all',
  );
  expect(() => resolveModelName('cascade-mask-rcnn.huge')).toThrow('expected an official name');
  expect(() => resolveModelName('cascade-tiny')).toThrow('nearest:');
});

test('the former names still hold', () => {
  expect(CATALOGUE).toBe(CATALOG);
  const entry: CatalogueEntry = CATALOG[0];
  expect(entry.licence).toBe(entry.license);
});
