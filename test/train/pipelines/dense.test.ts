import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { levelSizes, pyramidAnchors, usableAnchors } from '../../../core/anchors.js';
import { DataError } from '../../../core/errors.js';
import { rpnTargets, type RpnTargets } from '../../../core/matcher-rpn.js';
import { Random } from '../../../core/random.js';
import type { DetectionSample, Objects, SegmentationSample } from '../../../datasets/sample.js';
import { maskThroughGrid } from '../../../bench/mask-through-grid.js';
import { segmentationRuns } from '../../../datasets/transforms/mask-grid.js';
import { PHOTOMETRIC } from '../../../datasets/transforms/photometric.js';
import { ADE20K_GEOMETRY } from '../../../datasets/transforms/segmentation-geometry.js';
import { MULTI_SCALE } from '../../../datasets/transforms/detection-geometry.js';
import { MASK_RCNN_RPN } from '../../../models/detection/config.js';
import type { RpnTargetRule } from '../../../train/detect/rpn-targets.js';
import { DETECTION_PIPELINE, type DetectionBatch } from '../../../train/pipelines/detect.js';
import {
  SEGMENTATION_PIPELINE,
  type SegmentationBatch,
  type SegmentationTransform,
} from '../../../train/pipelines/segment.js';
import { maxError } from '../../helpers/fixtures.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { run } from './run-pipeline.js';
import type { DetectionTransform } from '../../../train/config/detect.js';

const SIZES = [
  [60, 40],
  [40, 60],
  [50, 50],
] as const;
const { path } = temporaryFolder();
let detection: DetectionSample[] = [];
let segmentation: SegmentationSample[] = [];

const NO_OBJECTS: Objects = {
  boxes: new Float32Array(0),
  classIndices: new Int32Array(0),
  segmentations: [],
  ids: new Float64Array(0),
};

/** Noise; object i is a square of 20 px at (10, 10), its polygon the square; labels are vertical stripes 1 and 2. */
beforeAll(async () => {
  const made = await Promise.all(
    SIZES.map(async ([width, height], i) => {
      const random = new Random(i);
      const pixels = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
      const file = path(`${i}.png`);
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(file);
      const labelFile = path(`${i}-labels.png`);
      const labels = Uint8Array.from(
        { length: width * height },
        (_, p) => 1 + (((p % width) >> 2) & 1),
      );
      await sharp(labels, { raw: { width, height, channels: 1 } })
        .toColourspace('b-w')
        .png()
        .toFile(labelFile);
      return { file, labelFile, width, height };
    }),
  );
  segmentation = made.map(({ file, labelFile }) => ({ file, labelFile }));
  detection = made.map(({ file, width, height }, i) => ({
    imageId: 10 + i,
    file,
    width,
    height,
    objects: {
      boxes: Float32Array.of(10, 10, 30, 30),
      classIndices: Int32Array.of(i),
      segmentations: [
        { kind: 'polygons', polygons: [Float64Array.of(10, 10, 30, 10, 30, 30, 10, 30)] },
      ],
      ids: Float64Array.of(100 + i),
    },
    ignored: NO_OBJECTS,
  }));
});

describe('detection', () => {
  type Options = Parameters<typeof run>[3];
  const batches = (transform: DetectionTransform, options?: Options, set = detection) =>
    run<DetectionSample, DetectionBatch>(DETECTION_PIPELINE, set, { transform }, options);

  test('regions to be ignored move with the image where they are wanted, and no anchor in them is sampled', async () => {
    const crowd: Objects = { ...NO_OBJECTS, boxes: Float32Array.of(0, 0, 60, 40) };
    const region = {
      ...crowd,
      classIndices: Int32Array.of(0),
      segmentations: [{ kind: 'none' } as const],
      ids: Float64Array.of(7),
    };
    const set = [{ ...detection[0], ignored: region }];
    const limits = { long: 120, short: 80 };
    const options = { transform: { kind: 'evaluation', limits }, rpn: MASK_RCNN_RPN };
    const [plain] = await run<DetectionSample, DetectionBatch>(DETECTION_PIPELINE, set, options);
    expect(plain.inputs[0].ignored).toBeUndefined();
    expect(plain.rpnTargets![0].negatives.length).toBeGreaterThan(100);
    const [batch] = await run<DetectionSample, DetectionBatch>(DETECTION_PIPELINE, set, {
      ...options,
      ignoreRegions: 0.5,
    });
    expect(batch.inputs[0].ignored).toEqual({
      boxes: Float32Array.of(0, 0, 120, 80),
      largestCover: 0.5,
    });
    const anchors = pyramidAnchors(
      levelSizes({ width: 128, height: 96 }, MASK_RCNN_RPN.anchors.strides),
      MASK_RCNN_RPN.anchors,
    );
    const { positives, negatives } = batch.rpnTargets![0];
    for (const a of [...positives, ...negatives]) {
      const [x1, y1, x2, y2] = anchors.subarray(4 * a, 4 * a + 4);
      const inside = (Math.min(x2, 120) - Math.max(x1, 0)) * (Math.min(y2, 80) - Math.max(y1, 0));
      expect(inside / ((x2 - x1) * (y2 - y1))).toBeLessThanOrEqual(0.5);
    }
  });

  test('evaluation keeps the aspect, pads to a multiple of 32 and moves the boxes', async () => {
    const limits = { long: 120, short: 80 };
    const [batch] = await batches({ kind: 'evaluation', limits });
    expect(batch.shape).toEqual([3, 128, 128, 3]);
    const [wide, high, square] = batch.inputs;
    expect([wide.width, wide.height, high.width, high.height]).toEqual([120, 80, 80, 120]);
    expect([...wide.objects.boxes]).toEqual([20, 20, 60, 60]);
    expect([square.imageId, square.index, square.file]).toEqual([12, 2, detection[2].file]);
    // Right of the upright image and below it there is nothing but zeros.
    const value = (i: number, y: number, x: number): number =>
      batch.images[((i * 128 + y) * 128 + x) * 3];
    for (let y = 0; y < 128; y++) expect(value(1, y, 100)).toBe(0);
    expect(value(1, 119, 79)).not.toBe(0);
    expect(value(1, 120, 0)).toBe(0);
  });

  test('large-scale jitter moves image, boxes and masks together', async () => {
    const jitter = { size: 64, scale: [0.5, 2] } as const;
    const transform = { kind: 'largeScaleJitter', jitter, flipProbability: 0.5 } as const;
    for (let epoch = 0; epoch < 4; epoch++) {
      const [batch] = await batches(transform, { epoch });
      expect(Math.max(...batch.shape.slice(1, 3))).toBeLessThanOrEqual(64);
      for (const { objects, grid, width, height } of batch.inputs) {
        expect([grid.columns.length, grid.rows.length]).toEqual([width, height]);
        if (objects.ids.length === 0) continue;
        // The box is exactly where the grid shows source pixels 10 … 29.
        const within = (axis: Int32Array): number[] =>
          [...axis].flatMap((at, i) => (at >= 10 && at < 30 ? [i] : []));
        const [xs, ys] = [within(grid.columns), within(grid.rows)];
        const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
        expect([...objects.boxes]).toEqual(box);
        expect(objects.segmentations[0].kind).toBe('rle');
      }
    }
  });

  test.each<DetectionTransform>([
    {
      kind: 'multiScale',
      scales: { ...MULTI_SCALE, shortSides: [48, 64], longSide: 90 },
      flipProbability: 0.5,
    },
    { kind: 'largeScaleJitter', jitter: { size: 64, scale: [0.1, 2] }, flipProbability: 0.5 },
    {
      kind: 'largeScaleJitter',
      jitter: { size: 64, scale: [1, 2] },
      flipProbability: 0.5,
      copyPaste: 2,
    },
  ])('$kind does not depend on the number of workers', async (transform) => {
    const inline = await batches(transform, { batchSize: 2 });
    expect(await batches(transform, { batchSize: 2, numWorkers: 2 })).toEqual(inline);
    const other = await batches(transform, { batchSize: 2, epoch: 1 });
    expect(other[0].inputs).not.toEqual(inline[0].inputs);
  });

  test('copy-paste puts objects of other images, pixels and masks, into every one', async () => {
    const flat = async (name: string, level: number): Promise<string> => {
      const file = path(`${name}.png`);
      const pixels = new Uint8Array(64 * 48 * 3).fill(level);
      await sharp(pixels, { raw: { width: 64, height: 48, channels: 3 } }).toFile(file);
      return file;
    };
    const size = { width: 64, height: 48 };
    const [{ objects }] = detection;
    const black = { ...detection[0], ...size, file: await flat('black', 0), objects: NO_OBJECTS };
    const white = { ...detection[1], ...size, file: await flat('white', 255), objects };
    const jitter = { size: 64, scale: [1, 1] } as const;
    const plain = { kind: 'largeScaleJitter', jitter, flipProbability: 0.5 } as const;
    const [before] = await batches(plain, {}, [black, white]);
    expect(before.inputs.map((input) => input.objects.ids.length)).toEqual([0, 1]);
    const [{ inputs, images, shape }] = await batches({ ...plain, copyPaste: 4 }, {}, [
      black,
      white,
    ]);
    expect(inputs.map(({ imageId }) => imageId)).toEqual([10, 11]);
    const [input] = inputs; // of the black image
    expect(input.objects.ids.length).toBeGreaterThan(0);
    const covered = new Uint8Array(size.width * size.height);
    for (const segmentation of input.objects.segmentations) {
      const runs = segmentationRuns(segmentation, size);
      if (!runs) throw new Error('expected a mask');
      maskThroughGrid(runs, input.grid).forEach((bit, p) => (covered[p] |= bit));
    }
    // Normalized, white is above 0 and black below.
    const isWhite = (p: number): boolean =>
      images[(Math.floor(p / size.width) * shape[2] + (p % size.width)) * 3] > 0;
    expect([...covered].flatMap((bit, p) => (isWhite(p) === (bit === 1) ? [] : [p]))).toEqual([]);
  });

  test('workers make the targets of the RPN, whichever worker it is', async () => {
    const transform = { kind: 'evaluation', limits: { long: 120, short: 80 } } as const;
    const all = { ...MASK_RCNN_RPN, sampler: { numSamples: Infinity, positiveFraction: 1 } };
    const targetsWith = async (
      rpn: RpnTargetRule,
      options: Options = {},
    ): Promise<readonly (readonly RpnTargets[])[]> => {
      const seen = await run<DetectionSample, DetectionBatch>(
        DETECTION_PIPELINE,
        detection,
        { transform, rpn },
        { batchSize: 2, ...options },
      );
      return seen.map(({ rpnTargets: targets = [] }) => targets);
    };
    // Without sampling: what matching says about the anchors of the padded batch.
    const [[wide]] = await targetsWith(all);
    const canvas = { width: 128, height: 128 };
    const sizes = levelSizes(canvas, MASK_RCNN_RPN.anchors.strides);
    const anchors = pyramidAnchors(sizes, MASK_RCNN_RPN.anchors);
    const usable = usableAnchors(anchors, sizes, MASK_RCNN_RPN.anchors, {
      padded: { width: 128, height: 96 },
      image: { width: 120, height: 80 },
      allowedBorderPx: -1,
    });
    const boxes = Float32Array.of(20, 20, 60, 60);
    expect(wide).toEqual(rpnTargets(anchors, usable, boxes, all, 'inOrder'));
    expect(wide.positives.length).toBeGreaterThan(0);

    const few = { ...MASK_RCNN_RPN, sampler: { numSamples: 8, positiveFraction: 0.5 } };
    const inline = await targetsWith(few);
    expect(inline.flat().map(({ negatives }) => negatives.length > 3)).toEqual([true, true, true]);
    expect(await targetsWith(few, { numWorkers: 2 })).toEqual(inline);
    expect(await targetsWith(few, { epoch: 1 })).not.toEqual(inline);
    expect(inline[0][0].negatives).not.toEqual(inline[0][1].negatives);
  });

  test('an image that is far longer than high keeps a row', async () => {
    const long = { ...detection[0], width: 60, height: 40 };
    const transform = { kind: 'evaluation', limits: { long: 1, short: 1 } } as const;
    const [{ inputs, shape }] = await batches(transform, {}, [long]);
    expect([inputs[0].width, inputs[0].height, shape]).toEqual([1, 1, [1, 32, 32, 3]]);
  });

  test('an image whose objects vanish is replaced by another one', async () => {
    // The first image's mask is empty although its box is not.
    const empty = { kind: 'polygons', polygons: [Float64Array.of(5, 5, 5, 5, 5, 5)] } as const;
    const hollow = {
      ...detection[0],
      objects: { ...detection[0].objects, segmentations: [empty] },
    };
    const jitter = { size: 64, scale: [1, 1] } as const;
    const transform = { kind: 'largeScaleJitter', jitter, flipProbability: 0 } as const;
    const [batch] = await batches(transform, { numWorkers: 1 }, [hollow, detection[1]]);
    expect(batch.inputs.map(({ index }) => index)).toEqual([1, 1]);
    await expect(batches(transform, {}, [hollow])).rejects.toThrow(
      /visible object, got 100 without/,
    );
  });

  test('an image of another size than annotated is a DataError', async () => {
    const wrong = [{ ...detection[0], width: 61 }];
    const limits = { long: 120, short: 80 };
    const error = await batches({ kind: 'evaluation', limits }, {}, wrong).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(/0.png: expected 61x40 as annotated, got .* 60x40/);
  });

  test('images without objects are negatives', async () => {
    const bare = [{ ...detection[0], objects: NO_OBJECTS }];
    const jitter = { size: 64, scale: [1, 1] } as const;
    const transform = { kind: 'largeScaleJitter', jitter, flipProbability: 1 } as const;
    const [{ inputs }] = await batches(transform, {}, bare);
    expect(inputs[0].objects.ids).toHaveLength(0);
  });
});

describe('segmentation', () => {
  const mapping = { numClasses: 2, reduceZeroLabel: true };
  type Options = Parameters<typeof run>[3];
  const batches = (transform: SegmentationTransform, options?: Options) =>
    run<SegmentationSample, SegmentationBatch>(
      SEGMENTATION_PIPELINE,
      segmentation,
      { transform, mapping },
      options,
    );
  const geometry = { ...ADE20K_GEOMETRY, scale: { long: 128, short: 32 }, cropSize: 32 };

  test('training cuts image and labels alike and pads with zeros and 255', async () => {
    const [batch] = await batches({ geometry });
    expect(batch.shape).toEqual([3, 32, 32, 3]);
    batch.labels.forEach(({ data, width, height }, i) => {
      expect([width, height]).toEqual([32, 32]);
      data.forEach((label, p) => {
        const isPadding = label === 255;
        const pixel = batch.images.subarray((i * 1024 + p) * 3, (i * 1024 + p + 1) * 3);
        expect(pixel.every((v) => v === 0)).toBe(isPadding);
      });
      expect(new Set(data).size).toBeGreaterThan(1);
    });
    expect([...batch.indices]).toEqual([0, 1, 2]);
  });

  test('does not depend on the number of workers', async () => {
    const transform = { geometry, photometric: PHOTOMETRIC } as const;
    const inline = await batches(transform, { batchSize: 1 });
    expect(await batches(transform, { batchSize: 1, numWorkers: 2 })).toEqual(inline);
    const plain = await batches({ geometry }, { batchSize: 1 });
    expect(
      Math.max(...plain.map(({ images }, i) => maxError(images, inline[i].images))),
    ).toBeGreaterThan(0.1);
  });
});
