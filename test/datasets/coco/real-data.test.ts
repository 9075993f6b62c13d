import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkCocoTables } from '../../../datasets/coco/checks.js';
import { checkImageFiles } from '../../../datasets/coco/image-files.js';
import { checkCocoResults } from '../../../datasets/coco/results.js';
import { evaluationSamples, trainingSamples } from '../../../datasets/coco/samples.js';
import { loadCoco } from '../../../datasets/coco/set.js';
import { reportTo } from '../../../datasets/coco/problem-kinds.js';
import { readAnnotations } from '../../../io/coco/annotations.js';
import { ProblemLog } from '../../../datasets/problems.js';
import { needsRealData, REAL_DATA } from '../../helpers/leave-out.js';

const DATA = REAL_DATA;
needsRealData('coco-mini');

/** Problems of a check by code: their number, or the first ids. */
async function check(annotations: string, images?: string): Promise<object> {
  const file = join(DATA, annotations);
  const log = new ProblemLog(3);
  const tables = await readAnnotations(file, reportTo(log), { masks: false });
  checkCocoTables(tables, log);
  if (images !== undefined)
    await checkImageFiles(tables, join(DATA, images), log, { decode: false });
  return Object.fromEntries(
    log
      .findings()
      .map(({ code, count, examples }) => [
        code,
        count <= 3 ? examples.map(({ id }) => id) : count,
      ]),
  );
}

// The expected facts are those that the README of the data lists; nothing else may be found.
test('exactly the known quirks of the real sets are found', async () => {
  expect(
    await check('coco-mini/annotations/instances_train2017.json', 'coco-mini/train2017'),
  ).toEqual({ crowd: 19, 'image-empty': [250, 262284], grey: [86], 'colour-profile': 67 });
  expect(await check('coco-mini/annotations/instances_val2017.json', 'coco-mini/val2017')).toEqual({
    crowd: 15,
    'image-empty': [58636],
    'colour-profile': 22,
  });
  expect(await check('coco-annotations-only/vehicles9.json')).toEqual({
    crowd: 106,
    'class-unused': 71,
  });
  expect(await check('coco-annotations-only/val2017_single_person.json')).toEqual({
    'class-unused': 79,
  });
});

test('the synthetic results of the COCO API have no problems', async () => {
  for (const split of ['train2017', 'val2017']) {
    const log = new ProblemLog();
    const groundTruth = await readAnnotations(
      join(DATA, `coco-mini/annotations/instances_${split}.json`),
      reportTo(log),
    );
    for (const type of ['bbox', 'segm']) {
      const file = join(DATA, `coco-mini/results/fake_${type}_${split}.json`);
      const { detections } = await checkCocoResults(file, groundTruth, log);
      expect(detections).toBe(split === 'train2017' ? 328 : 19);
    }
    expect(log.findings()).toEqual([]);
  }
});

test('samples hold every object of the file once', async () => {
  const set = await loadCoco({
    annotations: join(DATA, 'coco-mini/annotations/instances_train2017.json'),
    images: join(DATA, 'coco-mini/train2017'),
  });
  expect(set.classes.names).toHaveLength(80);
  expect([set.classes.categoryIds[0], set.classes.categoryIds[79]]).toEqual([1, 90]);
  const samples = trainingSamples(set);
  expect([samples.length, evaluationSamples(set).length]).toEqual([148, 150]);
  let numObjects = 0;
  let numIgnored = 0;
  for (let i = 0; i < samples.length; i++) {
    const { objects, ignored, width, height } = samples.at(i);
    numObjects += objects.ids.length;
    numIgnored += ignored.ids.length;
    expect(samples.aspectGroups[i]).toBe(width > height ? 1 : 0);
    expect(objects.segmentations.every(({ kind }) => kind === 'polygons')).toBe(true);
    expect(ignored.segmentations.every(({ kind }) => kind === 'rle')).toBe(true);
  }
  expect([numObjects, numIgnored]).toEqual([1295, 19]);
});
