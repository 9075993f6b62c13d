import { expect, test } from 'vitest';
import { VARIANTS } from '../../backbone/variants.js';
import { UPERNET } from '../../models/upernet.js';
import { upernetMacs } from '../../models/upernet-macs.js';

test('by hand, a head of one channel over a backbone of ones', () => {
  const backbone = { depths: [0, 0, 0, 0], dims: [1, 1, 1, 1], responseNorm: 'grn' } as const;
  const head = {
    numClasses: 2,
    channels: 1,
    poolScales: [1, 2],
    auxiliary: { channels: 3, weight: 0.4 },
  };
  // Cells 64, 16, 4, 1; downsampling 48 for each of 64, then 4 for each of 16, 4 and 1.
  const backboneMacs = 64 * 48 + (16 + 4 + 1) * 4;
  const pooling = 5;
  const bottleneck = 9 * 3;
  const pyramid = (64 + 16 + 4) * 10;
  const fusion = 64 * (36 + 2);
  const expected = backboneMacs + pooling + bottleneck + pyramid + fusion;
  expect(upernetMacs(backbone as never, head, [32, 32])).toBe(expected);
  expect(upernetMacs(backbone as never, head, [32, 32], true)).toBe(expected + 4 * (27 + 6));
});

test('Tiny at 512 px costs about what ConvNeXt reports for V1 at 2048 × 512: 939 G', () => {
  const macs = upernetMacs(VARIANTS.tiny, UPERNET, [512, 2048]);
  expect(macs / 1e9).toBeGreaterThan(900);
  expect(macs / 1e9).toBeLessThan(945);
});
