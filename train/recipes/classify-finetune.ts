import { VARIANTS } from '../../backbone/variants.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import type { ClassificationConfig } from '../classify/config.js';
import { CLASSIFY } from './classify.js';

/**
 * Fine-tuning on a user's own class folders from any ConvNeXt V2 weights (the head is new).
 *
 *     convnextv2 train classify-finetune --data DIR --weights tiny.fcmae_ft_in1k --out RUN
 *
 * Numbers: layer decay 0.9, head scale 0.001, drop path 0.1, smoothing 0.1 and weight decay 0.05 as in the ImageNet fine-tuning
 * of the paper (tables 9–11); batch, rate and length are ours, for a few hundred to a few thousand images. No result is claimed:
 * the official files could not be downloaded where this was written.
 */
export const CLASSIFY_FINETUNE: ClassificationConfig = {
  ...CLASSIFY,
  backbone: VARIANTS.tiny,
  headInitScale: 0.001,
  dropPathRate: 0.1,
  training: {
    kind: 'training',
    inputSize: 224,
    crop: { scale: [0.35, 1], ratio: [3 / 4, 4 / 3] },
    filter: 'bicubic',
    flipProbability: 0.5,
  },
  evaluation: evaluationResize(224),
  batchSize: 16,
  epochs: 15,
  lr: 2e-4,
  warmupEpochs: 1,
  layers: { kind: 'single', layerDecay: 0.9 },
  emaDecay: 0.999,
};
