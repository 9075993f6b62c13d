import { describe, expect, test } from 'vitest';
import { convNeXtV2Specs } from '../../backbone/convnextv2.js';
import type { ConvNeXtV2Config, VariantName } from '../../backbone/variants.js';
import { VARIANTS, VARIANT_NAMES } from '../../backbone/variants.js';
import { numParameters } from '../../engine/parameters/store.js';
import { createClassifier } from '../../models/classifier.js';

/** Depths, width, parameters with 1000 classes, parameters without final norm and head: the published table. */
const PUBLISHED: Readonly<
  Record<
    VariantName,
    readonly [depths: readonly number[], width: number, all: number, bare: number]
  >
> = {
  atto: [[2, 2, 6, 2], 40, 3_708_400, 3_386_760],
  femto: [[2, 2, 6, 2], 48, 5_233_240, 4_847_472],
  pico: [[2, 2, 6, 2], 64, 9_066_280, 8_552_256],
  nano: [[2, 2, 8, 2], 80, 15_623_800, 14_981_520],
  tiny: [[3, 3, 9, 3], 96, 28_635_496, 27_864_960],
  base: [[3, 3, 27, 3], 128, 88_717_800, 87_690_752],
  large: [[3, 3, 27, 3], 192, 197_956_840, 196_416_768],
  huge: [[3, 3, 27, 3], 352, 660_289_640, 657_467_008],
};

describe.each(VARIANT_NAMES)('%s', (name) => {
  const [depths, width, all, bare] = PUBLISHED[name];
  const { [name]: backbone } = VARIANTS;

  test('has the published depths and widths', () => {
    expect(backbone.depths).toEqual(depths);
    expect(backbone.dims).toEqual([width, 2 * width, 4 * width, 8 * width]);
    expect(backbone.responseNorm).toBe('grn');
  });

  test('has exactly the published number of parameters', () => {
    const { specs } = createClassifier({ backbone, classes: 1000, headInitScale: 1 });
    expect(numParameters(specs)).toBe(all);
    expect(numParameters(convNeXtV2Specs(backbone))).toBe(bare);
  });
});

test('the names are in the order of the table, smallest first', () => {
  expect(Object.keys(VARIANTS)).toEqual([...VARIANT_NAMES]);
  const sizes = VARIANT_NAMES.map((name) => numParameters(convNeXtV2Specs(VARIANTS[name])));
  expect([...sizes].sort((a, b) => a - b)).toEqual(sizes);
});

test('without GRN a block of width C has 8 C parameters less', () => {
  const config: ConvNeXtV2Config = { ...VARIANTS.tiny, responseNorm: 'none' };
  const { depths, dims } = config;
  const grn = dims.reduce((sum, width, s) => sum + depths[s] * 8 * width, 0);
  expect(numParameters(convNeXtV2Specs(config))).toBe(
    numParameters(convNeXtV2Specs(VARIANTS.tiny)) - grn,
  );
});
