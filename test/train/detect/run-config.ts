import type { DetectionConfig } from '../../../train/config/detect.js';
import { DETECT } from '../../../train/recipes/detect.js';
import { TINY_CONFIG } from './tiny-detector.js';

/** Configuration of short runs on small images. */
export const CONFIG: DetectionConfig = {
  ...DETECT,
  backbone: { depths: [1, 1, 2, 1], dims: [4, 4, 8, 8], responseNorm: 'grn' },
  detector: TINY_CONFIG,
  dropPathRate: 0.2,
  training: {
    kind: 'multiScale',
    scales: {
      shortSides: [48, 64],
      longSide: 96,
      crop: { shortSides: [64], sides: [32, 64] },
    },
    flipProbability: 0.5,
  },
  evaluation: {
    limits: { long: 96, short: 64 },
    thresholds: { ...DETECT.evaluation.thresholds, scoreThreshold: 0.2, maxPerImage: 10 },
  },
  batchSize: 1,
  accumulation: 2,
  epochs: 2,
  lr: 1e-3,
  warmup: { steps: 2, ratio: 0.1 },
  layers: { kind: 'layerWise', layerDecay: 0.9, numLayers: 6 },
  emaDecay: 0.9,
  logEvery: 1,
  evaluateEvery: 100,
  checkpointEvery: 100,
};
