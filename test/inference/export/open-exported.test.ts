import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportModel } from '../../../inference/export/export-model.js';
import { exportFormat, type FormatOptions } from '../../../inference/export/format.js';
import { openExported } from '../../../inference/export/open-exported.js';
import type { ImageModel } from '../../../inference/model.js';
import { open } from '../../../inference/open.js';
import { readOnnxMetadata } from '../../../io/onnx/metadata.js';
import { runInProcess } from '../../helpers/in-process.js';
import { noise, saveSmallModels, type SmallModels } from '../../serve/small-models.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-exported-'));
let models: SmallModels;
beforeAll(async () => {
  models = await saveSmallModels(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the file of a model. */
function written({ loaded }: ImageModel, options: FormatOptions = {}): string {
  const file = join(folder, `${loaded.card.task}.onnx`);
  writeFileSync(file, exportModel({ loaded, format: exportFormat(options) }).bytes);
  return file;
}

test.each<[keyof SmallModels, FormatOptions]>([
  ['classify', {}],
  ['detect', { layout: 'nchw' }],
  ['segment', { input: 'float' }],
  ['segment', { argmax: true }],
])('a file is a model: %s %j', async (task, options) => {
  const model = await open(models[task]);
  const exported = await openExported(written(model, options), model);
  const image = await noise({ width: 90, height: 70 }, 'png', 3);
  const [ours, theirs] = [await model.predict(image), await exported.predict(image)];
  if (ours.task === 'detect' && theirs.task === 'detect') {
    expect(theirs.objects.length).toBe(ours.objects.length);
    expect(ours.objects.length).toBeGreaterThan(1);
    ours.objects.forEach(({ box, score, mask, ...object }, d) => {
      expect(theirs.objects[d]).toMatchObject(object);
      expect(theirs.objects[d].score).toBeCloseTo(score, 5);
      box.forEach((side, i) => expect(theirs.objects[d].box[i]).toBeCloseTo(side, 3));
      expect(theirs.objects[d].mask?.size).toEqual(mask?.size);
    });
  } else if (ours.task === 'classify' && theirs.task === 'classify')
    ours.classes.forEach(({ name, probability }, i) => {
      expect(theirs.classes[i].name).toBe(name);
      expect(theirs.classes[i].probability).toBeCloseTo(probability, 5);
    });
  else expect(theirs).toEqual(ours);
  await model.release();
  await exported.release();
});

test('calls of a file queue, and take the options of the model where they have none', async () => {
  const model = await open(models.detect, { score: 0.001, max: 3 });
  const exported = await openExported(written(model), model);
  const image = await noise({ width: 90, height: 70 }, 'png', 3);
  const expected = await exported.predict(image);
  expect(expected).toMatchObject({ objects: { length: 3 } });
  const calls = [{}, { score: undefined, max: undefined }, { max: 1 }, { tile: { size: 64 } }];
  const [same, unset, one, tiled] = await Promise.all(
    calls.map(async (call) => await exported.predict(image, call)),
  );
  expect([same, unset, tiled]).toEqual([expected, expected, expected]);
  expect(one).toMatchObject({ objects: { length: 1 } });
  await model.release();
  await exported.release();
  await expect(exported.predict(image)).rejects.toThrow('after release()');
});

test('a file of other weights is told from one of the model', async () => {
  const model = await open(models.classify);
  const file = written(model);
  const notices: string[] = [];
  const opened = async (): Promise<void> =>
    (await openExported(file, model, (line) => notices.push(line))).release();
  await opened();
  expect(notices).toEqual([]);
  model.loaded.store.values[0] += 1;
  await opened();
  expect(notices).toEqual([
    `warning: ${file} was exported from other weights than those of ${model.file}; export it again`,
  ]);
  await model.release();
});

test('metadata are read without the weights; other files are refused', async () => {
  const model = await open(models.classify);
  const metadata = await readOnnxMetadata(written(model, { opset: 21 }));
  expect(metadata).toMatchObject({ producer: 'convnextv2', task: 'classify', precision: 'fp32' });
  expect(JSON.parse(metadata['names'])).toEqual(['ant', 'bee', 'cat']);
  expect(JSON.parse(metadata['preprocessing'])).toMatchObject({ by: 'graph' });
  const other = join(folder, 'other.onnx');
  writeFileSync(other, 'these are no bytes of a model');
  await expect(openExported(other, model)).rejects.toThrow(`${other}: expected an ONNX file`);
  await expect(openExported(join(folder, 'none.onnx'), model)).rejects.toThrow('got none');
  await expect(openExported(written(model, { raw: true }), model)).rejects.toThrow('(raw)');
  const detector = await open(models.detect);
  await expect(openExported(written(detector), model)).rejects.toThrow('of the task detect');
  await model.release();
  await detector.release();
});

test('eval --onnx shows the scores of both', async () => {
  const data = join(folder, 'data');
  for (const [i, name] of ['ant', 'bee', 'cat'].entries()) {
    mkdirSync(join(data, 'val', name), { recursive: true });
    for (const k of [1, 2])
      writeFileSync(
        join(data, 'val', name, `${k}.png`),
        await noise({ width: 72, height: 66 }, 'png', 10 * i + k),
      );
  }
  const model = await open(models.classify);
  const file = written(model);
  await model.release();
  const args = ['eval', models.classify, '--data', data, '--onnx', file];
  const { code, stdout } = await runInProcess(args);
  expect(code).toBe(0);
  expect(stdout).toMatch(/score +model +classify\.onnx +difference\ntop1 +(\S+) +\1 +0\.0000\n/);
  const json = JSON.parse((await runInProcess([...args, '--json'])).stdout) as {
    top1: number;
    onnx: { model: string; top1: number; count: number };
  };
  expect(json.onnx).toMatchObject({ model: file, top1: json.top1, count: 6 });
});
