import { expect, test } from 'vitest';
import type { ConvNeXtV2Config } from '../../../backbone/variants.js';
import { openEngine } from '../../../engine/runtime/engine.js';
import type { UperNetConfig } from '../../../models/upernet.js';
import { upernetMacs } from '../../../models/upernet-macs.js';
import { benchmarkSegmenter } from '../../../train/segment/benchmark.js';

const BACKBONE: ConvNeXtV2Config = {
  depths: [1, 1, 1, 1],
  dims: [8, 8, 8, 8],
  responseNorm: 'grn',
};
const HEAD: UperNetConfig = {
  numClasses: 3,
  channels: 8,
  poolScales: [1, 2],
  auxiliary: { channels: 4, weight: 0.4 },
};

test('rates are those of the work that was done', async () => {
  const engine = await openEngine();
  const options = {
    backbone: BACKBONE,
    sizePx: 64,
    batch: 2,
    repeats: 1,
    frozen: false,
  };
  const infer = await benchmarkSegmenter(engine, { ...options, mode: 'infer' }, HEAD);
  const train = await benchmarkSegmenter(engine, { ...options, mode: 'train' }, HEAD);
  const macs = (auxiliary: boolean): number => upernetMacs(BACKBONE, HEAD, [64, 64], auxiliary);
  expect(infer.gflops * infer.medianMs * 1e6).toBeCloseTo(2 * 2 * macs(false), 0);
  expect(train.gflops * train.medianMs * 1e6).toBeCloseTo(3 * 2 * 2 * macs(true), 0);
  expect(train.parameters).toBe(infer.parameters);
  expect(train.timesMs).toHaveLength(1);
});
