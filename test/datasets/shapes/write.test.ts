import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkCocoTables } from '../../../datasets/coco/checks.js';
import { reportTo } from '../../../datasets/coco/problem-kinds.js';
import { readAnnotations } from '../../../io/coco/annotations.js';
import { decodeImage } from '../../../io/image/decode.js';
import { checkSegmentationSet } from '../../../datasets/segmentation-check.js';
import { decodePngIndices } from '../../../io/png/indices.js';
import { ProblemLog } from '../../../datasets/problems.js';
import { loadDetectionSplit, loadSegmentationSplit } from '../../../datasets/layout/load.js';
import type { DetectionData, SegmentationData } from '../../../datasets/layout/types.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { FORMS } from '../../../datasets/shapes/forms.js';
import { renderScene, sceneLabels } from '../../../datasets/shapes/render.js';
import { shapesScene, SHAPES_DEFAULTS, writeShapes } from '../../../datasets/shapes/write.js';
import { dataFolder } from '../../helpers/data-folder.js';

const root = dataFolder();

const SMALL = { ...SHAPES_DEFAULTS, train: 4, val: 2, width: 160, height: 120 };

test('what is written is a valid COCO set with the rendered pixels', async () => {
  const folder = root.at('set');
  const progress: number[] = [];
  await writeShapes(folder, SMALL, (done, total) => progress.push(done / total));
  expect(progress).toHaveLength(6);
  expect(progress.at(-1)).toBe(1);
  expect(readdirSync(root.root)).toEqual(['set']);
  expect(readdirSync(folder).sort()).toEqual(['annotations', 'train', 'val']);
  const data = (await detectLayout(folder)) as DetectionData;
  for (const split of ['train', 'val'] as const) {
    const set = await loadDetectionSplit(data, split);
    expect(set.images.ids).toHaveLength(SMALL[split]);
    expect(set.classes.names).toEqual(FORMS.map(({ name }) => name));
    const log = new ProblemLog();
    checkCocoTables(await readAnnotations(set.file, reportTo(log)), log);
    expect(log.count('error') + log.count('warning')).toBe(0);
    for (let i = 0; i < SMALL[split]; i++) {
      const { data: pixels } = await decodeImage(`${folder}/${split}/${set.images.fileNames[i]}`);
      expect(Buffer.compare(pixels, renderScene(shapesScene(SMALL, split, i)).data)).toBe(0);
    }
  }
});

test('with labels it is also a segmentation set', async () => {
  const folder = root.at('set');
  await writeShapes(folder, { ...SMALL, format: 'jpeg', labels: true });
  const data = (await detectLayout(`${folder}/segment.yaml`)) as SegmentationData;
  const set = await loadSegmentationSplit(data, 'val');
  expect(set.classes).toEqual(['ground', ...FORMS.map(({ name }) => name)]);
  const log = new ProblemLog();
  await checkSegmentationSet(set, log, { decode: true });
  expect(log.count('error') + log.count('warning')).toBe(0);
  const label = decodePngIndices(readFileSync(set.samples[1].labelFile), 'f').data;
  expect(label).toEqual(sceneLabels(shapesScene(SMALL, 'val', 1)).data);
  expect((await detectLayout(folder)).kind).toBe('detection');
});

test('a non-empty folder is not touched, and a failure leaves no files', async () => {
  writeFileSync(root.at('mine.txt'), 'mine');
  await expect(writeShapes(root.root, SMALL)).rejects.toThrow('expected a folder that is empty');
  expect(readdirSync(root.root)).toEqual(['mine.txt']);
  const folder = root.at('set');
  await expect(
    writeShapes(folder, SMALL, () => {
      throw new Error('stop');
    }),
  ).rejects.toThrow('stop');
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(root.root)).toEqual(['mine.txt']);
});

test.each([
  [{ train: -1 }, '--train: expected a whole number from 0 to 999999, got -1'],
  [{ width: 10 }, '--width'],
  [{ maxObjects: 2 }, '--max-objects: expected a whole number from 3 to 200'],
  [{ seed: 0.5 }, '--seed'],
])('%j is rejected', async (change, message) => {
  await expect(writeShapes(root.at('set'), { ...SMALL, ...change })).rejects.toThrow(message);
});
