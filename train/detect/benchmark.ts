import { createDenseBackbone } from '../../backbone/output-norms.js';
import { boxAreas, gatherBoxes, iouMatrix, type Boxes, type Size } from '../../core/boxes.js';
import { identityGrid } from '../../core/mask-targets.js';
import { median } from '../../core/statistics.js';
import { Random } from '../../core/random.js';
import type { RgbImage } from '../../core/image.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { detectorMacs } from '../../models/detection/macs.js';
import { DetectorPredictor, type PredictionTimes } from '../../inference/detect/predictor.js';
import { createMaskRcnn, MASK_RCNN, type MaskRcnnConfig } from '../../models/mask-rcnn.js';
import type { DetectionBatch, DetectionInput } from '../pipelines/detect.js';
import {
  benchmarkReport,
  timed,
  trainedParameters,
  type BenchmarkReport,
  type BenchmarkRequest,
  type Times,
} from '../benchmark.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { DetectionStep } from './step.js';
import { detectorInput } from '../../inference/detect/preprocess.js';

/** Times of a detector, and sizes. */
interface DetectorBenchmarkReport extends BenchmarkReport {
  /** `[H, W]` */
  readonly paddedSize: readonly [number, number];
  readonly counts: Readonly<Record<string, number>>;
  /** Medians of the phases of inference in ms. */
  readonly partsMs?: Readonly<Record<string, number>>;
  /** Fraction of the time outside network and RoIAlign: NMS, mask pasting, pre- and post-processing. */
  readonly overheadShare?: number;
}

/** Typical number of candidates of a trained model; the threshold for random weights is chosen to match it. */
const NUM_CANDIDATES = 1500;
const NUM_OBJECTS = 8;
const DETECTOR: MaskRcnnConfig = { ...MASK_RCNN, numClasses: 90 };

/** Times a Mask R-CNN with random weights; by default with 90 classes, as in torchvision's detectors. */
export function benchmarkDetector(
  engine: Engine,
  request: BenchmarkRequest,
  detector: MaskRcnnConfig = DETECTOR,
): Promise<DetectorBenchmarkReport> {
  return request.mode === 'infer'
    ? inference(engine, request, detector)
    : training(engine, request, detector);
}

/**
 * Times the detection of objects in one random image: normalization, network, suppression and pasted masks. The score
 * threshold is set so that 1,500 (box, class) candidates pass, which gives 100 detections with masks.
 */
async function inference(
  engine: Engine,
  { backbone, sizePx, frozen, repeats }: BenchmarkRequest,
  detector: MaskRcnnConfig,
): Promise<DetectorBenchmarkReport> {
  const model = createMaskRcnn(createDenseBackbone(backbone), detector);
  const store = new ParameterStore(model.specs);
  randomWeights(store);
  const image = randomImage(sizePx);
  const limits = { long: Infinity, short: sizePx };
  const preprocess = (): ReturnType<typeof detectorInput> =>
    detectorInput(image, { limits, pixels: IMAGENET_PIXELS });
  const first = preprocess();
  const options = { engine, model, store, prepare: { frozen } };
  const trial = new DetectorPredictor({ ...options, thresholds: DETECTION_THRESHOLDS });
  const { scores } = await trial.candidates(first);
  await trial.release();
  const { numClasses } = detector;
  const scoreThreshold = thresholdFor(scores, numClasses, NUM_CANDIDATES);
  const numRois = scores.length / (numClasses + 1);
  const predictor = new DetectorPredictor({
    ...options,
    thresholds: { ...DETECTION_THRESHOLDS, scoreThreshold },
  });
  const parts: (PredictionTimes & { readonly preMs: number })[] = [];
  let numDetections = 0;
  const times = await timed(repeats, async () => {
    const start = performance.now();
    const input = preprocess();
    const preMs = performance.now() - start;
    numDetections = (await predictor.predict(input)).scores.length;
    parts.push({ ...predictor.lastTimes, preMs });
  });
  await predictor.release();
  const [, height, width] = first.shape;
  const size = { width, height };
  const macs = detectorMacs(backbone, detector, { size, numRois, numMasks: numDetections });
  const partsMs = medians(parts.slice(2));
  const { preMs, proposalsMs, suppressionMs, pasteMs } = partsMs;
  const overheadShare = (preMs + proposalsMs + suppressionMs + pasteMs) / times.medianMs;
  const counts = { boxRegions: numRois, candidates: NUM_CANDIDATES, detections: numDetections };
  return {
    ...benchmarkReport(times, model.specs, { batch: 1, macs }),
    paddedSize: [height, width],
    counts,
    partsMs,
    overheadShare,
    notes: [
      ...notesOf(times, [height, width], counts),
      `ms: ${listed(partsMs, 1)}`,
      `NMS, pasting, pre- and post-processing: ${(100 * overheadShare).toFixed(1)} %`,
    ],
  };
}

/**
 * Times training steps: forward, targets, sampling, backward and AdamW, on random images with eight objects each, masks
 * included. The objects are placed at the first step's proposals.
 */
async function training(
  engine: Engine,
  { backbone, sizePx, batch: numImages, repeats }: BenchmarkRequest,
  detector: MaskRcnnConfig,
): Promise<DetectorBenchmarkReport> {
  const model = createMaskRcnn(createDenseBackbone(backbone), detector);
  const { buffers, store, update } = trainedParameters(model.specs);
  randomWeights(store);
  const step = new DetectionStep(
    { engine, model, store, gradients: buffers.gradients, communicator: SINGLE_PROCESS },
    { seed: 0, dropPathRate: 0, sampling: 'random' },
  );
  let batch = randomBatch(sizePx, numImages);
  let counts: Record<string, number> = {};
  let at = 0;
  const times = await timed(repeats, async () => {
    const { rois, proposals } = await step.run(batch, { step: at++, micro: 0 });
    update(1e-6);
    const [stage] = rois.stages;
    counts = {
      boxRegions: stage.rois.numRois,
      positives: stage.rois.positives.length,
      maskRows: stage.numMaskRows,
    };
    if (at > 1) return;
    const inputs = batch.inputs.map((input, n) =>
      onProposals(input, proposals[n].boxes, detector.numClasses),
    );
    batch = { ...batch, inputs };
  });
  await step.release();
  const [, height, width] = batch.shape;
  const macs = detectorMacs(backbone, detector, {
    size: { width, height },
    numRois: counts['boxRegions'] / numImages,
    numMasks: counts['positives'] / numImages,
  });
  const worked = {
    images: numImages,
    objects: batch.inputs.reduce((sum, { objects }) => sum + objects.ids.length, 0),
    ...counts,
  };
  return {
    ...benchmarkReport(times, model.specs, { batch: numImages, macs: 3 * macs * numImages }),
    paddedSize: [height, width],
    counts: worked,
    notes: notesOf(times, [height, width], worked),
  };
}

/** Messages about sizes and start-up times. */
function notesOf(
  { firstRunMs, secondRunMs }: Times,
  [height, width]: readonly [number, number],
  counts: Readonly<Record<string, number>>,
): readonly string[] {
  return [
    `padded to ${height}x${width}; ${listed(counts, 0)}`,
    `first run ${(firstRunMs - secondRunMs).toFixed(0)} ms longer than the second`,
  ];
}

function listed(values: Readonly<Record<string, number>>, digits: number): string {
  return Object.entries(values)
    .map(([name, value]) => `${name.replace(/Ms$/, '')} ${value.toFixed(digits)}`)
    .join(', ');
}

/** Finds the score that a given number of foreground scores exceed. @param scores `[R, K + 1]` */
function thresholdFor(scores: Float32Array, numClasses: number, count: number): number {
  const foreground = scores.filter((_, i) => i % (numClasses + 1) < numClasses).sort();
  return foreground[Math.max(0, foreground.length - 1 - count)];
}

/** Initializes the weights; those of RPN and box head are larger, so that scores and boxes vary as in a trained model. */
function randomWeights(store: ParameterStore): void {
  store.initialize(0);
  for (const path of ['rpn_head.rpn_cls.weight', 'roi_head.bbox_head.fc_cls.weight']) {
    const values = store.get(path);
    for (let i = 0; i < values.length; i++) values[i] *= 10;
  }
}

function imageSize(sizePx: number): Size {
  return { width: Math.floor((sizePx * 4) / 3), height: sizePx };
}

function randomImage(sizePx: number): RgbImage {
  const { width, height } = imageSize(sizePx);
  const random = new Random(1);
  const data = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
  return { width, height, data };
}

function randomBatch(sizePx: number, numImages: number): DetectionBatch {
  const random = new Random(2);
  const size = imageSize(sizePx);
  const [height, width] = [size.height, size.width].map((side) => 32 * Math.ceil(side / 32));
  const images = new Float32Array(numImages * height * width * 3);
  for (let i = 0; i < images.length; i++) images[i] = random.between(-2, 2);
  const inputs = Array.from({ length: numImages }, (_, n) => emptyInput(n, size));
  return { images, shape: [numImages, height, width, 3], inputs };
}

/** A placeholder rectangle: the objects are placed at proposals later. */
function emptyInput(index: number, size: Size): DetectionInput {
  const box = Float32Array.of(0, 0, size.width, size.height);
  return {
    index,
    imageId: index,
    file: `image ${index}`,
    ...size,
    objects: rectangles(box, 1),
    grid: identityGrid(size),
  };
}

/**
 * Places the objects of an image at proposals that overlap two or three others by half, alternately: together with the
 * objects this gives about 28 positives per image, as in torchvision's detector with random weights and objects.
 */
function onProposals(input: DetectionInput, proposals: Boxes, numClasses: number): DetectionInput {
  const count = proposals.length / 4;
  const ious = iouMatrix(proposals, proposals);
  const row = (r: number): Float32Array => ious.subarray(r * count, (r + 1) * count);
  const overlapping = Array.from(
    { length: count },
    (_, r) => row(r).filter((v) => v >= 0.5).length,
  );
  const areas = boxAreas(proposals);
  const chosen: number[] = [];
  for (let m = 0; m < NUM_OBJECTS; m++) {
    const free = overlapping.flatMap((n, r) =>
      areas[r] > 32 ** 2 && chosen.every((other) => row(other)[r] < 0.1) ? [{ n, r }] : [],
    );
    const wanted = 2 + (m % 2);
    const best = free.sort((a, b) => Math.abs(a.n - wanted) - Math.abs(b.n - wanted))[0];
    if (best) chosen.push(best.r);
  }
  const boxes = gatherBoxes(proposals, Int32Array.from(chosen));
  return { ...input, objects: rectangles(boxes, numClasses) };
}

/** Converts boxes to objects with masks. */
function rectangles(boxes: Boxes, numClasses: number): DetectionInput['objects'] {
  const rows = Array.from({ length: boxes.length / 4 }, (_, m) => boxes.subarray(4 * m, 4 * m + 4));
  return {
    boxes,
    classIndices: Int32Array.from(rows, (_, m) => m % numClasses),
    segmentations: rows.map(([x1, y1, x2, y2]) => ({
      kind: 'polygons' as const,
      polygons: [Float64Array.of(x1, y1, x2, y1, x2, y2, x1, y2)],
    })),
    ids: Float64Array.from(rows, (_, m) => m),
  };
}

function medians<Key extends string>(
  rows: readonly Readonly<Record<Key, number>>[],
): Readonly<Record<Key, number>> {
  const keys = Object.keys(rows[0]) as Key[];
  return Object.fromEntries(
    keys.map((key) => [key, median(rows.map((row) => row[key]))]),
  ) as Record<Key, number>;
}
