import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import type { Rle } from '../../../core/rle.js';
import { loadCoco, type CocoSet } from '../../../datasets/coco/set.js';
import { groundTruthDomain, groundTruthObjects } from '../../../datasets/coco/ground-truth.js';
import { SHAPES_DEFAULTS, writeShapes } from '../../../datasets/shapes/write.js';
import { CocoEvaluator } from '../../../evaluation/coco/evaluator.js';
import { CocoGroundTruthBuilder } from '../../../evaluation/coco/objects.js';
import { cocoParameters } from '../../../evaluation/coco/parameters.js';
import { CocoResultsBuilder } from '../../../evaluation/coco/results-builder.js';
import { compressMask, type DetectResult } from '../../../core/results.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';
import { detectorOf } from './detector-of.js';
import { detectionMetrics, evaluateDetector } from '../../../train/detect/evaluate.js';
import { toCoco, type CocoResultRow } from '../../../inference/to-coco.js';

let root: string;
let set: CocoSet;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-detect-eval-'));
  await writeShapes(root, { ...SHAPES_DEFAULTS, train: 1, val: 4, width: 96, height: 80 });
  set = await loadCoco({
    annotations: join(root, 'annotations/instances_val.json'),
    images: join(root, 'val'),
  });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Detect = Parameters<typeof detectorOf>[0];
const NOTHING: Detect = () => [];

/** Finds the annotations of the images in their order, boxes moved by some pixels. */
function oracle(shiftPx = 0): Detect {
  const objects = [...groundTruthObjects(set, { masks: true })];
  let next = 0;
  return () => {
    const imageId = set.images.ids[next++];
    const detected = objects.filter((object) => object.imageId === imageId && !object.isCrowd);
    return detected.map(({ box: [x, y, w, h], categoryId, mask }, i) => ({
      classIndex: set.classes.categoryIds.indexOf(categoryId),
      categoryId,
      name: '',
      score: 0.9 - i / 100,
      box: [x + shiftPx, y + shiftPx, w, h],
      mask: compressMask(mask as Rle),
    }));
  };
}

const evaluate = (
  detect: Detect,
  {
    classNames = set.classes.names,
    masks = true,
    ...options
  }: Parameters<typeof evaluateDetector>[2] & {
    classNames?: readonly string[];
    masks?: boolean;
  } = {},
  data = set,
): ReturnType<typeof evaluateDetector> =>
  evaluateDetector(
    detectorOf(detect, { classNames, masks: masks ? MASK_RCNN.masks : null }),
    data,
    options,
  );

test('the ground truth scores 1, nothing scores 0, shifted boxes lose at strict thresholds but keep their masks', async () => {
  const perfect = detectionMetrics(await evaluate(oracle()));
  expect(perfect['bbox_AP']).toBeCloseTo(1, 6);
  expect(perfect['segm_AP']).toBeCloseTo(1, 6);
  expect(perfect['count']).toBe(4);
  const { numDetections, ...none } = await evaluate(NOTHING);
  expect([numDetections, none.numImages]).toEqual([0, 4]);
  expect(detectionMetrics({ numDetections, ...none })).toMatchObject({ bbox_AP: 0, segm_AP: 0 });
  const shifted = detectionMetrics(await evaluate(oracle(3)));
  expect(shifted['bbox_AP']).toBeLessThan(0.8);
  expect(shifted['bbox_AP']).toBeGreaterThan(0.05);
  expect(shifted['segm_AP']).toBeCloseTo(1, 6);
});

test('metrics without objects to measure are left out', async () => {
  const metrics = detectionMetrics(await evaluate(oracle()));
  const isMeasured = [...groundTruthObjects(set, { masks: false })].some(
    ({ area, isCrowd }) => area > 96 ** 2 && !isCrowd,
  );
  expect('bbox_APl' in metrics).toBe(isMeasured);
  expect(Object.values(metrics).every((value) => value >= 0)).toBe(true);
});

test('without masks boxes are scored alone', async () => {
  const { segm, bbox } = await evaluate(oracle(), { masks: false });
  expect(segm).toBeUndefined();
  expect(bbox.stats[0]).toBeCloseTo(1, 6);
});

test('a limit takes the first images, and every image is reported once', async () => {
  const seen: number[] = [];
  const progress: (readonly [number, number])[] = [];
  const { numImages } = await evaluate(oracle(), {
    limit: 2,
    onResult: ({ imageId }) => void seen.push(imageId),
    onImage: (done, total) => progress.push([done, total]),
  });
  expect(numImages).toBe(2);
  expect(seen).toEqual([...set.images.ids.slice(0, 2)]);
  expect(progress).toEqual([
    [1, 2],
    [2, 2],
  ]);
});

test('classes that are not the model’s are a DataError that names both', async () => {
  const wrong = evaluate(oracle(), { classNames: ['a', 'b'] });
  await expect(wrong).rejects.toThrow(DataError);
  await expect(wrong).rejects.toThrow(
    /instances_val\.json: expected the 2 classes of the model, got 6: "\w+", .* is none of them, "a", "b" is missing/,
  );
  const [first, ...rest] = set.classes.names;
  await expect(evaluate(oracle(), { classNames: ['other', ...rest] })).rejects.toThrow(
    `got 6: "${first}" is none of them, "other" is missing`,
  );
});

test('classes in another order are those of the model, by name', async () => {
  const { names, categoryIds } = set.classes;
  const order = [...names.keys()].reverse();
  const data = {
    ...set,
    classes: { names: order.map((k) => names[k]), categoryIds: order.map((k) => categoryIds[k]) },
    classIndices: set.classIndices.map((k) => (k < 0 ? k : order.indexOf(k))),
  };
  const [{ bbox: expected }, { bbox }] = [
    await evaluate(oracle()),
    await evaluate(oracle(), {}, data),
  ];
  expect(bbox.stats).toEqual(expected.stats);
});

test.each(['bbox', 'segm'] as const)(
  'rows of a result file score as the evaluation did: %s',
  async (iouType) => {
    const rows: CocoResultRow[] = [];
    const scores = await evaluate(oracle(2), {
      onResult: ({ imageId }, detected) => void rows.push(...toCoco(detected, { imageId })),
    });
    const builder = new CocoGroundTruthBuilder(groundTruthDomain(set));
    for (const object of groundTruthObjects(set, { masks: true })) builder.add(object);
    const groundTruth = builder.build();
    const results = new CocoResultsBuilder(groundTruth, {
      iouType,
      strict: false,
      unknownImages: 'refuse',
    });
    for (const row of JSON.parse(JSON.stringify(rows)) as typeof rows) results.add(row);
    const { detections } = results.build();
    const evaluator = new CocoEvaluator(groundTruth, cocoParameters(iouType));
    evaluator.update(detections);
    expect(evaluator.finish().stats).toEqual(scores[iouType]?.stats);
    expect(rows.length).toBe(scores.numDetections);
  },
);

test('a row has x, y, width, height, and a mask only where there is one', () => {
  const object = {
    classIndex: 1,
    categoryId: 8,
    name: 'b',
    score: 0.5,
    box: [1, 2, 10, 20],
  } as const;
  const result: DetectResult = { task: 'detect', width: 2, height: 2, objects: [object] };
  expect(toCoco(result, { imageId: 7, categoryIds: [4, 9] })).toEqual([
    { image_id: 7, category_id: 9, bbox: [1, 2, 10, 20], score: 0.5 },
  ]);
  const mask = compressMask({ height: 2, width: 2, counts: Uint32Array.of(1, 3) });
  const [row] = toCoco({ ...result, objects: [{ ...object, mask }] });
  expect(row).toMatchObject({
    image_id: 0,
    category_id: 8,
    segmentation: { size: [2, 2], counts: '13' },
  });
});
