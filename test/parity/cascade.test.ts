import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scaleBoxes, unscaleBoxes, type Boxes } from '../../core/boxes.js';
import { identityGrid } from '../../core/mask-targets.js';
import { multiclassNms } from '../../core/nms-multiclass.js';
import { pasteMaskRle } from '../../core/paste-mask.js';
import { decodeRle } from '../../core/rle.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { pyramidShape, type FeatureMaps } from '../../heads/roi/feature-maps.js';
import { RoiMemory, type RoiArena } from '../../heads/roi/roi-memory.js';
import { CASCADE_MASK_RCNN, cascadeStages, createCascade } from '../../models/cascade.js';
import { DETECTION_THRESHOLDS, type DetectorConfig } from '../../models/detection/config.js';
import { RoiHeads } from '../../inference/detect/roi-heads.js';
import { RoiStep } from '../../train/detect/roi-step.js';
import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import { discoverFixtures, FIXTURES, maxAbs, maxError, readTensors } from '../helpers/fixtures.js';
import { toNhwc } from '../helpers/layout.js';
import { RUNTIMES } from '../helpers/runtimes.js';
import { expectGradient } from '../helpers/tolerance.js';
import {
  backboneOf,
  columns,
  engineOf,
  fillDetector,
  inTorchOrder,
  stated,
  tensorOf,
  weightsFile,
} from './maskrcnn-fixture.js';

interface CascadeJson {
  readonly weights: string;
  readonly config: {
    readonly head: 'convfc' | '2fc';
    readonly reg_class_agnostic: boolean;
    readonly num_classes: number;
    readonly channels: number;
    readonly fc: number;
    readonly target_stds: readonly (readonly [number, number, number, number])[];
    readonly img_shape: readonly [number, number];
    readonly ori_shape: readonly [number, number];
    readonly scale_factor: number;
    readonly score_thr: number;
    readonly nms_iou: number;
    readonly max_per_img: number;
  };
  readonly losses: Readonly<Record<string, number>>;
  readonly margins: { readonly mask_pixels_within_2e5_of_threshold: number };
  readonly tolerance: readonly string[];
}

/** tfjs's plain JavaScript takes long over gradients of convolutions, on a busy machine longer. */
const EAGER_TIMEOUT_MS = 180_000;

/** The fixtures begin with features; a detector needs a backbone all the same. */
const TINY = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4] } as const;

/** @param numRois the most that a stage samples: samplers take all positives and negatives */
function configOf({ config }: CascadeJson, numRois: number, withMasks: boolean): DetectorConfig {
  const isConvolutional = config.head === 'convfc';
  const stages = cascadeStages({
    layers: {
      numConvs: isConvolutional ? 4 : 0,
      numFcs: isConvolutional ? 1 : 2,
      fcChannels: config.fc,
    },
    classAgnostic: config.reg_class_agnostic,
    boxLoss: isConvolutional
      ? { kind: 'giou', weight: 10 }
      : { kind: 'smoothL1', beta: 1, weight: 1 },
  });
  return {
    ...CASCADE_MASK_RCNN,
    numClasses: config.num_classes,
    channels: config.channels,
    stages: stages.map((stage, i) => ({
      ...stage,
      sampler: { numSamples: numRois, positiveFraction: 1 },
      coder: { ...stage.coder, stds: config.target_stds[i] },
    })),
    masks: withMasks ? CASCADE_MASK_RCNN.masks : null,
  };
}

const fixtures = discoverFixtures<CascadeJson>('cascade');

describe.each(fixtures)('$name', (fixture) => {
  const { json, tensors, name } = fixture;
  const { config, tolerance } = json;
  const get = (key: string): ReturnType<typeof tensorOf> => tensorOf(fixture, key);
  const px = stated(tolerance, /boxes abs ([\d.e-]+) px/);
  const scoreTolerance = stated(tolerance, /scores ([\d.e-]+)/);
  const hasMasks = tensors.has('det_mask_probs');
  const numRois = Math.max(...[0, 1, 2].map((i) => get(`train.s${i}.rois`).shape[0]));
  const size = ([height, width]: readonly [number, number]): { width: number; height: number } => ({
    width,
    height,
  });
  const imageSize = size(config.img_shape);
  const originalSize = size(config.ori_shape);
  // The features are those of the inference fixture beside it.
  const suffix = name.replace(/^cascade_(convfc|2fc)/, '');
  const source = [`maskrcnn_infer${suffix}`, 'maskrcnn_infer'].find((kind) =>
    discoverFixtures('maskrcnn_infer').some((other) => other.name === kind),
  );
  const shared = readTensors(join(FIXTURES, `${source}.safetensors`));
  const levels = [0, 1, 2, 3].map((i) => shared.get(`fpn${i}`)!);
  const proposals = columns(shared.get('proposals')!, 0, 4);

  const arenaWith = (numMaps: number): { arena: RoiArena; maps: FeatureMaps } => {
    const shape = pyramidShape(levels.map(({ shape: [n, c, h, w] }) => [n, h, w, c]));
    const bufferSize = { capacity: 256, outputSize: 14, withGradients: true };
    const arena = new RoiMemory().begin(shape, numMaps, [bufferSize]);
    const maps = arena.allocateMaps();
    levels.forEach((level, i) => maps.maps[i].set(toNhwc(level)));
    return { arena, maps };
  };

  test.each(RUNTIMES)('stages, boxes, scores, classes and masks: %s', async (runtime) => {
    const model = createCascade(backboneOf(TINY), configOf(json, numRois, hasMasks));
    const store = new ParameterStore(model.specs);
    fillDetector(store, weightsFile(fixture), 'roi_head.');
    const heads = new RoiHeads(await engineOf(runtime), model, store, {});
    const { arena, maps } = arenaWith(1);
    const { boxes, scores, stages } = await heads.boxes(arena, maps, proposals, imageSize);
    stages.forEach((stage, i) => {
      expect(maxError(stage.boxes, columns(get(`stage${i}.rois`), 1, 4))).toBeLessThanOrEqual(px);
      const expected = get(`stage${i}.cls_score`).data;
      expect(maxError(stage.logits, expected), `stage ${i}`).toBeLessThanOrEqual(
        scoreTolerance * Math.max(1, maxAbs(expected)),
      );
    });
    const scale = { x: config.scale_factor, y: config.scale_factor };
    const found = multiclassNms(unscaleBoxes(boxes, scale), scores, {
      numClasses: config.num_classes,
      scoreThreshold: config.score_thr,
      suppression: { kind: 'hard', iouThreshold: config.nms_iou },
      maxPerImage: config.max_per_img,
    });
    expect(maxError(found.boxes, get('det_boxes').data)).toBeLessThanOrEqual(px);
    expect(maxError(found.scores, get('det_scores').data)).toBeLessThanOrEqual(scoreTolerance);
    expect(found.classIndices).toEqual(get('det_labels').data);
    if (hasMasks) {
      const rois = scaleBoxes(found.boxes, scale);
      const masks = await heads.masks(arena, maps, rois, found.classIndices);
      expect(maxError(masks, get('det_mask_probs').data)).toBeLessThanOrEqual(scoreTolerance);
      expectPasted(masks, found.boxes, 'det_masks_first6', DETECTION_THRESHOLDS.maskThreshold);
      expectPasted(masks, found.boxes, 'det_masks_at_0p4', 0.4);
    }
    await heads.release();
  });

  /** Pasted masks differ from the fixture in no more pixels than it allows. */
  const expectPasted = (
    masks: Float32Array,
    boxes: Boxes,
    key: string,
    threshold: number,
  ): void => {
    const { data, shape } = get(key);
    const area = originalSize.width * originalSize.height;
    const cells = masks.length / (boxes.length / 4);
    let wrong = 0;
    for (let d = 0; d < shape[0]; d++) {
      const mask = masks.subarray(d * cells, (d + 1) * cells);
      const box = boxes.subarray(4 * d, 4 * d + 4);
      decodeRle(pasteMaskRle({ mask, box }, originalSize, threshold)).forEach((value, i) => {
        if (value !== data[d * area + i]) wrong++;
      });
    }
    expect(wrong, key).toBeLessThanOrEqual(json.margins.mask_pixels_within_2e5_of_threshold + 2);
  };

  test.each(RUNTIMES)(
    'losses, gradients and running statistics: %s',
    async (runtime) => {
      const model = createCascade(backboneOf(TINY), configOf(json, numRois, false));
      const store = new ParameterStore(model.specs);
      fillDetector(store, weightsFile(fixture), 'roi_head.bbox_head.');
      const gradients = new Float32Array(store.values.length).fill(NaN);
      const engine = await engineOf(runtime);
      const step = new RoiStep({
        engine,
        model,
        store,
        gradients,
        communicator: SINGLE_PROCESS,
      });
      const { arena, maps } = arenaWith(2);
      const mapGradients = arena.allocateMaps();
      const [classIndices, boxes] = [get('train.gt_labels').data, get('train.gt_boxes').data];
      const [, , height, width] = levels[0].shape.map((side) => 4 * side);
      const canvas = { width, height };
      const objects = {
        boxes: boxes as Float32Array,
        classIndices: classIndices as Int32Array,
        segmentations: [],
        ids: new Float64Array(0),
      };
      const { losses, stages } = await step.run({
        arena,
        maps,
        mapGradients,
        proposals: [proposals],
        inputs: [{ objects, grid: identityGrid(canvas), ...imageSize }],
        canvas,
        draw: () => 'inOrder',
      });
      const lossTolerance = scoreTolerance;
      stages.forEach(({ rois, logits }, i) => {
        const key = `train.s${i}`;
        expect(maxError(rois.boxes, columns(get(`${key}.rois`), 1, 4))).toBeLessThanOrEqual(px);
        expect(rois.classIndices).toEqual(get(`${key}.labels`).data);
        const expected = get(`${key}.cls_score`).data;
        expect(maxError(logits, expected), `${key} logits`).toBeLessThanOrEqual(
          scoreTolerance * Math.max(1, maxAbs(expected)),
        );
        for (const term of ['loss_cls', 'loss_bbox']) {
          const loss = json.losses[`s${i}.${term}`];
          expect(Math.abs(losses[`s${i}.${term}`] - loss), `s${i}.${term}`).toBeLessThanOrEqual(
            lossTolerance * Math.max(1, loss),
          );
        }
      });
      const total = Object.values(losses).reduce((a, b) => a + b, 0);
      expect(Math.abs(total - json.losses['total'])).toBeLessThanOrEqual(lossTolerance * total);

      const gradTolerance = stated(tolerance, /gradients: max\|a-b\| <= ([\d.e-]+)/);
      const checked = [...tensors.keys()].filter((key) => key.startsWith('train.grad.'));
      expect(checked.length).toBeGreaterThan(0);
      for (const key of checked) {
        const actual = inTorchOrder(store, gradients, key.slice('train.grad.'.length));
        expectGradient(key, actual, get(key).data, gradTolerance);
      }
      const statistics = [...tensors.keys()].filter((key) => key.startsWith('train.after.'));
      expect(statistics.length > 0).toBe(config.head === 'convfc');
      for (const key of statistics) {
        const actual = store.get(key.slice('train.after.'.length));
        const relative = stated(tolerance, /running variance rel ([\d.e-]+)/);
        const expected = get(key).data;
        expect(maxError(actual, expected), key).toBeLessThanOrEqual(relative * maxAbs(expected));
      }
      await step.release();
    },
    EAGER_TIMEOUT_MS,
  );
});
