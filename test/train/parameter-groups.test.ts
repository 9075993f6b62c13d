import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ParameterLayout } from '../../engine/parameters/spec.js';
import {
  groupParameters,
  lrScales,
  parameterRuns,
  type LayerRule,
  type NamedParameter,
} from '../../train/parameter-groups.js';

const named = (path: string, layout: ParameterLayout = 'linear'): NamedParameter => ({
  path,
  spec: { layout, shape: layout === 'vector' ? [8] : [2, 4] },
});
const block = (stage: number, index: number): NamedParameter =>
  named(`stages.${stage}.${index}.pwconv1.weight`);
/** One weight per block and one per downsampling layer. */
const backbone = (depths: readonly number[]): NamedParameter[] => [
  ...depths.map((_, stage) => named(`downsample_layers.${stage}.1.weight`)),
  ...depths.flatMap((depth, stage) => Array.from({ length: depth }, (_, b) => block(stage, b))),
];
const ids = (parameters: readonly NamedParameter[], layers: LayerRule): (number | null)[] =>
  groupParameters(parameters, { layers, weightDecay: 0.05, decayGrn: false }).map(
    ({ layerId }) => layerId,
  );
const SINGLE = { kind: 'single', layerDecay: 0.5 } as const;

describe('layer ids', () => {
  test('single: a downsampling layer shares the id of the block after it', () => {
    const parameters = [...backbone([1, 2, 1, 1]), named('norm.weight', 'vector')];
    expect(ids(parameters, SINGLE)).toEqual([1, 2, 4, 5, 1, 2, 3, 4, 5, 6]);
  });

  test('group: three blocks of stage 2 an id, whatever the depth', () => {
    const group = { kind: 'group', layerDecay: 0.6 } as const;
    expect(ids(backbone([1, 1, 7, 1]), group)).toEqual([
      0, 2, 3, 12, 1, 2, 3, 3, 3, 4, 4, 4, 5, 12,
    ]);
    expect(ids([named('head.weight')], group)).toEqual([13]);
  });

  test('layerWise is the same with a number for 12', () => {
    const layers = { kind: 'layerWise', layerDecay: 0.9, numLayers: 6 } as const;
    const parameters = [
      ...backbone([1, 1, 4, 1]).map(({ path, spec }) => ({ path: `backbone.${path}`, spec })),
      named('backbone.norm3.weight', 'vector'),
      named('rpn_head.rpn_conv.weight', 'conv'),
    ];
    expect(ids(parameters, layers)).toEqual([0, 2, 3, 6, 1, 2, 3, 3, 3, 4, 6, 7, 7]);
  });

  test('stageWise: all downsampling layers share id 0', () => {
    const layers = { kind: 'stageWise', layerDecay: 0.9, numLayers: 12 } as const;
    expect(ids(backbone([1, 1, 2, 1]), layers)).toEqual([0, 0, 0, 0, 1, 2, 3, 3, 4]);
  });

  test('uniform: no ids, and every factor is 1', () => {
    const groups = groupParameters(backbone([1, 1, 1, 1]), {
      layers: { kind: 'uniform' },
      weightDecay: 0.05,
      decayGrn: true,
    });
    expect(new Set(groups.map(({ layerId }) => layerId))).toEqual(new Set([null]));
    expect(new Set(groups.map(({ lrScale }) => lrScale))).toEqual(new Set([1]));
  });

  test('parts that only look like stages are heads', () => {
    expect(ids([...backbone([1]), named('decode_head.stages.0.0.weight')], SINGLE)).toEqual([
      1, 1, 2,
    ]);
  });

  test('never fall with depth, for any depths', () => {
    const depth = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(fc.tuple(depth, depth, depth, depth), (depths) => {
        const blocks = backbone(depths).slice(4);
        const found = ids(blocks, SINGLE) as number[];
        expect(found).toEqual(blocks.map((_, index) => index + 1));
        expect(lrScales(SINGLE, depths)).toHaveLength(found.length + 2);
      }),
      { numRuns: 20 },
    );
  });
});

describe('weight decay', () => {
  const decays = (parameter: NamedParameter, decayGrn = true): boolean =>
    groupParameters([parameter], { layers: { kind: 'uniform' }, weightDecay: 0.1, decayGrn })[0]
      .weightDecay === 0.1;

  test('spares biases and what has one axis in the originals', () => {
    expect(decays(named('norm.weight', 'vector'))).toBe(false);
    expect(decays(named('head.bias', 'vector'))).toBe(false);
    // [1, C] in the sparse checkpoints, but a bias by name.
    expect(decays({ path: 'a.bias', spec: { layout: 'vector', shape: [1, 8] } })).toBe(false);
    for (const layout of ['linear', 'conv', 'depthwise', 'convTranspose'] as const) {
      expect(decays(named('a.weight', layout))).toBe(true);
    }
  });

  test('counts the four axes that GRN and the mask token have there', () => {
    expect(decays(named('stages.0.0.grn.gamma', 'vector'))).toBe(true);
    expect(decays(named('stages.0.0.grn.beta', 'vector'))).toBe(true);
    expect(decays(named('mask_token', 'vector'))).toBe(true);
  });

  test('spares GRN on request', () => {
    expect(decays(named('stages.0.0.grn.gamma', 'vector'), false)).toBe(false);
    expect(decays(named('stages.0.0.grn.beta', 'vector'), false)).toBe(false);
    expect(decays(named('mask_token', 'vector'), false)).toBe(true);
  });
});

describe('what does not fit is rejected', () => {
  const config = { layers: SINGLE, weightDecay: 0.05, decayGrn: false };

  test('a numLayers too small for the blocks', () => {
    const layers = { kind: 'layerWise', layerDecay: 0.9, numLayers: 2 } as const;
    expect(() => ids(backbone([1, 1, 4, 1]), layers)).toThrow(
      'stages.2.3.pwconv1.weight: expected a layer id below 4, got 4 (raise numLayers)',
    );
  });

  test('rates outside their range', () => {
    expect(() => groupParameters([], { ...config, weightDecay: -1 })).toThrow(
      'groupParameters: expected weightDecay from 0, got -1',
    );
    for (const layerDecay of [0, 1.1, NaN]) {
      expect(() => groupParameters([], { ...config, layers: { ...SINGLE, layerDecay } })).toThrow(
        `lrScales: expected layerDecay above 0, up to 1, got ${layerDecay}`,
      );
    }
    expect(() => lrScales({ kind: 'stageWise', layerDecay: 1, numLayers: 1.5 }, [])).toThrow(
      'lrScales: expected a whole numLayers from 0, got 1.5',
    );
  });

  test('a parameter without a group', () => {
    expect(() => parameterRuns([], [{ path: 'a', offset: 0, size: 1 }])).toThrow(
      'parameterRuns: expected a group for a, got none',
    );
  });
});

test('parameterRuns joins neighbors that are updated alike', () => {
  const groups = groupParameters(
    [...backbone([2]), named('stages.0.1.norm.weight', 'vector'), named('head.weight')],
    { layers: SINGLE, weightDecay: 0.1, decayGrn: false },
  );
  const places = groups.map(({ path }, index) => ({ path, offset: 10 * index, size: 10 }));
  expect(parameterRuns(groups, places)).toEqual([
    { offset: 0, size: 20, lrScale: 0.25, weightDecay: 0.1 }, // the stem and block 0
    { offset: 20, size: 10, lrScale: 0.5, weightDecay: 0.1 },
    { offset: 30, size: 10, lrScale: 0.5, weightDecay: 0 },
    { offset: 40, size: 10, lrScale: 1, weightDecay: 0.1 },
  ]);
});
