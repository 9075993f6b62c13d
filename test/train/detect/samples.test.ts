import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { evaluationSamples } from '../../../datasets/coco/samples.js';
import { loadCoco, type CocoSet } from '../../../datasets/coco/set.js';
import { decodeImage } from '../../../io/image/decode.js';
import { SHAPES_DEFAULTS, writeShapes } from '../../../datasets/shapes/write.js';
import type { DetectResult } from '../../../core/results.js';
import { drawnObjects } from '../../../report/draw.js';
import { readSamples } from '../../../report/samples.js';
import { drawnGroundTruth } from '../../../train/detect/drawing.js';
import { SampleDetections } from '../../../train/detect/samples.js';

const NUM_IMAGES = 9;
let root: string;
let set: CocoSet;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-detect-samples-'));
  await writeShapes(join(root, 'data'), {
    ...SHAPES_DEFAULTS,
    train: 1,
    val: NUM_IMAGES,
    width: 96,
    height: 80,
    minObjects: 1,
  });
  set = await loadCoco({
    annotations: join(root, 'data/annotations/instances_val.json'),
    images: join(root, 'data/val'),
  });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const detected = (...scores: readonly number[]): DetectResult => ({
  task: 'detect',
  width: 96,
  height: 80,
  objects: scores.map((score, i) => ({
    classIndex: i % 3,
    categoryId: i,
    name: set.classes.names[i % 3],
    score,
    box: [10 + i, 10, 50, 40],
  })),
});

/** An evaluation of all images, each with the same detections. */
async function evaluate(folder: string, result: DetectResult): Promise<void> {
  const samples = new SampleDetections(set, folder);
  const images = evaluationSamples(set);
  for (let i = 0; i < images.length; i++) {
    const sample = images.at(i);
    await samples.add(sample, result, await decodeImage(sample.file));
  }
  samples.finish();
}

test('four images are drawn whatever their number: the same ones every time, the pictures anew', async () => {
  const folder = join(root, 'run');
  await evaluate(folder, detected(0.9, 0.2));
  const before = readSamples(folder)!;
  const names = ['image-1.jpg', 'image-2.jpg', 'image-3.jpg', 'image-4.jpg'];
  expect(readdirSync(join(folder, 'samples')).sort()).toEqual([...names, 'samples.json']);
  const first = names.map((name) => readFileSync(join(folder, 'samples', name)));

  await evaluate(folder, detected());
  const after = readSamples(folder)!;
  expect(readdirSync(join(folder, 'samples')).sort()).toEqual([...names, 'samples.json']);
  names.forEach((name, i) =>
    expect(readFileSync(join(folder, 'samples', name)).equals(first[i])).toBe(false),
  );

  const images = [1, 3, 5, 7]; // of nine, spread evenly
  const expected = (detected: number): string[] =>
    images.map((i) => {
      const { objects, ignored } = evaluationSamples(set).at(i);
      const annotated = objects.ids.length + ignored.ids.length;
      return `${set.images.fileNames[i]}: ${annotated} annotated (left), ${detected} detected (right)`;
    });
  expect(before.items.map(({ caption }) => caption)).toEqual(expected(1)); // 0.2 is not drawn
  expect(after.items.map(({ caption }) => caption)).toEqual(expected(0));
});

test('images without annotations are not taken while there are others', async () => {
  const bare = evaluationSamples(set).at(4).imageId;
  const starts = Uint32Array.from(set.starts);
  // All annotations belong to one image.
  starts.fill(0, 0, 5);
  starts.fill(set.order.length, 5);
  const folder = join(root, 'one');
  const samples = new SampleDetections({ ...set, starts }, folder);
  const images = evaluationSamples(set);
  for (let i = 0; i < images.length; i++)
    await samples.add(images.at(i), detected(), await decodeImage(images.at(i).file));
  samples.finish();
  const { items } = readSamples(folder)!;
  expect(items).toHaveLength(1);
  expect(items[0].caption).toContain(set.images.fileNames[[...set.images.ids].indexOf(bare)]);
});

test('a set without images has no samples', () => {
  const folder = join(root, 'none');
  const images = { ...set.images, ids: new Float64Array(0) };
  new SampleDetections({ ...set, images }, folder).finish();
  expect(readSamples(folder)?.items).toEqual([]);
});

test('annotations are drawn with their class and mask, crowds among them; detections with their score', () => {
  const sample = evaluationSamples(set).at(0);
  const groundTruth = drawnGroundTruth({ ...sample, ignored: sample.objects }, set.classes.names);
  expect(groundTruth).toHaveLength(2 * sample.objects.ids.length);
  expect(groundTruth[0]).toMatchObject({
    label: set.classes.names[sample.objects.classIndices[0]],
  });
  expect(Array.from(groundTruth[0].box)).toEqual(Array.from(sample.objects.boxes.subarray(0, 4)));
  expect(groundTruth[0].mask).toMatchObject({ width: 96, height: 80 });
  expect(groundTruth[0].score).toBeUndefined();
  const shown = drawnObjects(detected(0.5, 0.29, 0.3), 0.3);
  expect(shown.map(({ score }) => score)).toEqual([0.5, 0.3]);
  expect(shown.map(({ label }) => label)).toEqual([set.classes.names[0], set.classes.names[2]]);
});
