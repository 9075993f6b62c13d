import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputError } from '../../../core/errors.js';
import { softmax } from '../../../core/softmax.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import { classifierInput } from '../../../inference/classify/preprocess.js';
import type { ClassifierModel } from '../../../inference/model.js';
import { decodeImage } from '../../../io/image/decode.js';
import { evaluationLoader } from '../../../train/classify/loader.js';
import { tinyModels } from '../../helpers/tiny-models.js';
import { noise } from '../../serve/small-models.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-batch-'));
const files = [0, 1, 2, 3, 4].map((i) => join(folder, `${i}.jpg`));
let model: ClassifierModel;
let inputs: readonly HostTensor[];

beforeAll(async () => {
  ({ classify: model } = await tinyModels());
  for (const [i, file] of files.entries())
    writeFileSync(file, await noise({ width: 80 + 9 * i, height: 71 - 2 * i }, 'jpeg', i));
  inputs = await Promise.all(files.map((file) => model.preprocess(file)));
});
afterAll(async () => {
  await model.release();
  rmSync(folder, { recursive: true });
});

test('an image and a batch of one have the same bits, whatever the way of the pixels', async () => {
  for (const [i, file] of files.entries()) {
    expect(inputs[i]).toEqual(classifierInput(await decodeImage(file), model.card));
    const [{ classes, logits, probabilities }] = await model.predictBatch([inputs[i]]);
    expect(await model.predict(file)).toMatchObject({ classes: classes() });
    expect(await model.predict(file, { top: 2 })).toMatchObject({ classes: classes(2) });
    expect(logits).toEqual(await model.logits(inputs[i]));
    expect(probabilities()).toEqual(softmax(logits));
  }
});

test.each([0, 2])('loaders with %i threads make the inputs of preprocess', async (workers) => {
  const { pixels, resize: evaluation } = model.card;
  const samples = files.map((file) => ({ file, classIndex: 0 }));
  const loader = evaluationLoader({ batchSize: 2, workers, pixels, evaluation }, samples);
  const seen: number[] = [];
  for await (const { value, release } of loader.epoch(0)) {
    const length = value.images.length / value.shape[0];
    value.indices.forEach((index, i) => {
      const own = value.images.slice(i * length, (i + 1) * length);
      expect(own).toEqual(inputs[index].data);
      seen.push(index);
    });
    release();
  }
  await loader.close();
  expect(seen).toEqual([0, 1, 2, 3, 4]);
});

test('a batch has the bits of its joined inputs, and its own memory', async () => {
  const [{ shape }] = inputs;
  const values = Float32Array.from(inputs.flatMap(({ data }) => [...data]));
  const logits = await model.logits({ shape: [5, ...shape.slice(1)], data: values });
  const calls = await Promise.all([model.predictBatch(inputs), model.predictBatch([inputs[4]])]);
  const [all] = calls;
  expect(all.flatMap((one) => [...one.logits])).toEqual([...logits]);
  const top = all.map(({ classes }) => classes(1)[0].classIndex);
  expect(top).toEqual(all.map(({ logits: own }) => own.indexOf(Math.max(...own))));
});

test('a signal ends a queued batch, and wrong inputs are refused', async () => {
  const running = model.predictBatch(inputs);
  const control = new AbortController();
  const queued = model.predictBatch(inputs, { signal: control.signal });
  control.abort(new Error('enough'));
  await expect(queued).rejects.toThrow('enough');
  expect(await running).toHaveLength(5);
  const small = { shape: [1, 2, 2, 3], data: new Float32Array(12) };
  const refused = (wrong: unknown, text: string): Promise<void> =>
    expect(model.predictBatch(wrong as HostTensor[])).rejects.toThrow(text);
  await refused([], 'predictBatch: expected images, got none');
  await refused(inputs[0], 'predictBatch: expected a list of preprocessed images');
  await refused([inputs[0], small], 'expected images of one size, got [1, 64, 64, 3]');
  await refused([{ ...small, data: new Uint8Array(12) }], 'got a Uint8Array of [1, 2, 2, 3]');
  await refused([{ ...small, shape: [1, 2, 3, 3] }], 'expected 18 values, got 12');
  await expect(model.predictBatch([small], { top: 1 } as never)).rejects.toThrow('top');
  await expect(model.preprocess('')).rejects.toThrow(InputError);
});

test('a released classifier refuses batches', async () => {
  const { classify, detect, segment } = await tinyModels();
  for (const each of [classify, detect, segment]) await each.release();
  await expect(classify.predictBatch(inputs)).rejects.toThrow('after release()');
});
