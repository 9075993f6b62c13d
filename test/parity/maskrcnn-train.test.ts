import { describe, expect, test } from 'vitest';
import { identityGrid } from '../../core/mask-targets.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { loadDetectorWeights } from '../../inference/detect/weights.js';
import { createMaskRcnn, MASK_RCNN, type MaskRcnnConfig } from '../../models/mask-rcnn.js';
import type { DetectionBatch } from '../../train/pipelines/detect.js';
import { positiveMasks } from '../../train/detect/roi-targets.js';
import { DetectionStep } from '../../train/detect/step.js';
import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import { discoverFixtures, maxError } from '../helpers/fixtures.js';
import { RUNTIMES } from '../helpers/runtimes.js';
import { expectGradient } from '../helpers/tolerance.js';
import type { BackboneJson } from './maskrcnn-fixture.js';
import {
  backboneOf,
  columns,
  engineOf,
  imagesOf,
  inTorchOrder,
  matcherOf,
  segmentationsOf,
  stated,
  tensorOf,
  weightsFile,
} from './maskrcnn-fixture.js';

type MatcherJson = Parameters<typeof matcherOf>[0];

interface TrainJson {
  readonly weights: string;
  readonly config: {
    readonly backbone: BackboneJson;
    readonly fpn_channels: number;
    readonly fc: number;
    readonly num_classes: number;
    readonly mask_convs: number;
    readonly img_shapes: readonly (readonly [number, number])[];
    readonly rpn: MatcherJson & { readonly allowed_border: number };
    readonly rpn_proposal: {
      readonly nms_pre: number;
      readonly max_per_img: number;
      readonly nms_iou: number;
    };
    readonly rcnn: MatcherJson & {
      readonly mask_size: number;
      readonly target_stds: readonly [number, number, number, number];
    };
  };
  readonly losses: Readonly<Record<string, readonly number[]>>;
  readonly num_total_samples_rpn: number;
  readonly tolerance: readonly string[];
}

/** tfjs's plain JavaScript takes long over gradients of convolutions, on a busy machine longer. */
const EAGER_TIMEOUT_MS = 180_000;

/** @param numRois the most of an image: samplers take all positives and negatives */
function configOf({ config }: TrainJson, numRois: number): MaskRcnnConfig {
  const { rpn, rpn_proposal, rcnn } = config;
  const [stage] = MASK_RCNN.stages;
  return {
    ...MASK_RCNN,
    numClasses: config.num_classes,
    channels: config.fpn_channels,
    rpn: {
      ...MASK_RCNN.rpn,
      allowedBorderPx: rpn.allowed_border,
      matcher: matcherOf(rpn),
      sampler: { numSamples: Infinity, positiveFraction: 0.5 },
      trainProposals: {
        ...MASK_RCNN.rpn.trainProposals,
        numBeforeNms: rpn_proposal.nms_pre,
        iouThreshold: rpn_proposal.nms_iou,
        maxPerImage: rpn_proposal.max_per_img,
      },
    },
    stages: [
      {
        ...stage,
        layers: { ...stage.layers, fcChannels: config.fc },
        matcher: matcherOf(rcnn),
        sampler: { numSamples: numRois, positiveFraction: 1 },
        coder: { ...stage.coder, stds: rcnn.target_stds },
      },
    ],
    masks: { roiSize: rcnn.mask_size / 2, numConvs: config.mask_convs },
  };
}

const fixtures = discoverFixtures<TrainJson>('maskrcnn_train');

describe.each(fixtures)('$name', (fixture) => {
  const { json, tensors } = fixture;
  const get = (key: string): ReturnType<typeof tensorOf> => tensorOf(fixture, key);
  const floats = (key: string): Float32Array => get(key).data as Float32Array;
  const imageOfRoi = columns(get('rois'), 0, 1);
  const numRois = Math.max(
    ...json.config.img_shapes.map((_, n) => imageOfRoi.filter((image) => image === n).length),
  );
  const images = imagesOf(get('images_u8'));
  const canvas = { width: images.shape[2], height: images.shape[1] };
  const batch: DetectionBatch = {
    images: images.data,
    shape: images.shape,
    inputs: json.config.img_shapes.map(([height, width], n) => ({
      index: n,
      imageId: n,
      file: `image${n}`,
      width,
      height,
      objects: {
        boxes: floats(`gt_boxes${n}`),
        classIndices: get(`gt_labels${n}`).data as Int32Array,
        segmentations: segmentationsOf(get(`gt_masks${n}`)),
        ids: Float64Array.from({ length: get(`gt_labels${n}`).shape[0] }, (_, m) => m),
      },
      grid: identityGrid(canvas),
    })),
  };

  test.each(RUNTIMES)(
    "losses and all gradients are the original's: %s",
    async (runtime) => {
      const model = createMaskRcnn(backboneOf(json.config.backbone), configOf(json, numRois));
      const store = new ParameterStore(model.specs);
      await loadDetectorWeights(weightsFile(fixture), store);
      const gradients = new Float32Array(store.values.length).fill(NaN);
      const engine = await engineOf(runtime);
      const step = new DetectionStep(
        { engine, model, store, gradients, communicator: SINGLE_PROCESS },
        { seed: 1, dropPathRate: 0, sampling: 'inOrder' },
      );
      const result = await step.run(batch, { step: 0, micro: 0 });

      const { rpn, proposals, rois, losses } = result;
      const px = stated(json.tolerance, /proposals: abs ([\d.e-]+) px/);
      proposals.forEach(({ boxes }, n) =>
        expect(maxError(boxes, columns(get(`proposals${n}`), 0, 4))).toBeLessThanOrEqual(px),
      );
      const [stage] = rois.stages;
      expect(maxError(stage.rois.boxes, columns(get('rois'), 1, 4))).toBeLessThanOrEqual(px);
      expect(stage.rois.imageIndices).toEqual(Int32Array.from(columns(get('rois'), 0, 1)));
      expect(stage.rois.classIndices).toEqual(get('roi_labels').data);
      const maskSize = json.config.rcnn.mask_size;
      expect(positiveMasks(stage.rois, batch.inputs, { maskSize, canvas })).toEqual(
        get('mask_targets').data,
      );
      expect(rpn.rows.labelWeights.reduce((a, b) => a + b)).toBe(json.num_total_samples_rpn);

      const relative = stated(json.tolerance, /losses: rel ([\d.e-]+)/);
      const expectLoss = (name: string, actual: number, expected: number): void =>
        expect(Math.abs(actual - expected), name).toBeLessThanOrEqual(
          relative * Math.abs(expected),
        );
      json.losses['loss_rpn_cls'].forEach((expected, level) =>
        expectLoss(`loss_rpn_cls[${level}]`, rpn.classLosses[level], expected),
      );
      json.losses['loss_rpn_bbox'].forEach((expected, level) =>
        expectLoss(`loss_rpn_bbox[${level}]`, rpn.boxLosses[level], expected),
      );
      for (const name of ['loss_cls', 'loss_bbox', 'loss_mask'])
        expectLoss(name, losses[name], json.losses[name][0]);
      expectLoss('loss', losses['loss'], json.losses['loss_total'][0]);

      const tolerance = stated(json.tolerance, /gradients: max\|a-b\| <= ([\d.e-]+)/);
      const checked = [...tensors.keys()].filter((key) => key.startsWith('grad.'));
      expect(checked.length).toBe(store.entries.length);
      for (const key of checked) {
        const path = key.slice('grad.'.length);
        expectGradient(key, inTorchOrder(store, gradients, path), floats(key), tolerance);
      }
      await step.release();
    },
    EAGER_TIMEOUT_MS,
  );
});
