import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readClassificationSplit } from '../../../datasets/classification-split.js';
import { openEngine } from '../../../engine/runtime/engine.js';
import { modelOf } from '../../../inference/model-of.js';
import { classifierSections } from '../../../train/classify/report-sections.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';
import { tinyNetworks } from '../../helpers/tiny-models.js';

const data = writeTinyClasses({ perClass: 3 });
const folder = mkdtempSync(join(tmpdir(), 'convnextv2-classify-sections-'));
afterAll(() => [data, folder].forEach((path) => rmSync(path, { recursive: true })));

test('the report of a classifier counts what predict says about every image', async () => {
  const { samples, classes } = readClassificationSplit(data, { split: 'val' });
  const names = classes.map(({ name }) => name);
  const model = modelOf<'classify'>(await openEngine(), tinyNetworks(names).classify);
  const { metrics, confusion, scope } = await classifierSections(model, {
    data,
    folder,
    limit: 100,
  });
  const counts = names.map(() => names.map(() => 0));
  let loss = 0;
  for (const { file, classIndex } of samples) {
    const { classes: predicted } = await model.predict(file);
    counts[classIndex][predicted[0].classIndex]++;
    const own = predicted.find((each) => each.classIndex === classIndex)!;
    loss -= Math.log(own.probability) / samples.length;
  }
  await model.release();
  expect(scope).toContain('9');
  expect(confusion?.[0].counts).toEqual(counts);
  expect(metrics['count']).toBe(9);
  expect(metrics['loss']).toBeCloseTo(loss, 10);
  const right = names.reduce((sum, _, k) => sum + counts[k][k], 0);
  expect(metrics['top1']).toBe(right / 9);
}, 60_000);
