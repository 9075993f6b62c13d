import { expect, test } from 'vitest';
import {
  expectedShapes,
  inferArchitecture,
  SIZES,
  sizeOf,
  type SizeName,
} from '../../weights/architecture.js';
import { CATALOGUE } from '../../weights/catalogue.js';
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

test('the catalogue has the 26 official files', () => {
  expect(CATALOGUE).toHaveLength(26);
  expect(new Set(CATALOGUE.map(({ name }) => name)).size).toBe(26);
  expect(new Set(CATALOGUE.map(({ url }) => url)).size).toBe(26);
  const tags = (tag: string) =>
    CATALOGUE.filter((entry) => entry.tag === tag).map(({ size }) => size);
  expect(tags('fcmae')).toEqual(Object.keys(SIZES));
  expect(tags('fcmae_ft_in1k')).toEqual(Object.keys(SIZES));
  expect(tags('fcmae_ft_in22k_in1k')).toEqual(['nano', 'tiny', 'base', 'large']);
  expect(tags('fcmae_ft_in22k_in1k_384')).toEqual(['nano', 'tiny', 'base', 'large', 'huge']);
  expect(tags('fcmae_ft_in22k_in1k_512')).toEqual(['huge']);
});

test('classifiers carry accuracy and five logits, encoders neither', () => {
  for (const { tag, accuracy, parityLogits, numClasses, licence } of CATALOGUE) {
    expect(licence).toBe('CC-BY-NC-4.0');
    const isEncoder = tag === 'fcmae';
    expect([accuracy === undefined, parityLogits === undefined, numClasses]).toEqual([
      isEncoder,
      isEncoder,
      isEncoder ? undefined : 1000,
    ]);
    if (!accuracy || !parityLogits) continue;
    expect(parityLogits).toHaveLength(5);
    // The measured value confirms the reported one to within rounding.
    expect(Math.abs(accuracy.top1 - accuracy.measured.top1)).toBeLessThan(0.1);
    expect(accuracy.measured.top5).toBeGreaterThan(accuracy.measured.top1);
  }
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
