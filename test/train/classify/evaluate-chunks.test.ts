import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../../core/errors.js';
import { readImageNet, type ClassificationSet } from '../../../datasets/imagenet.js';
import { evaluationResize } from '../../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { openEngine, type Engine } from '../../../engine/runtime/engine.js';
import { createClassifier } from '../../../models/classifier.js';
import type { ClassifierCard } from '../../../inference/card.js';
import { modelOf } from '../../../inference/model-of.js';
import type { ClassifierModel } from '../../../inference/model.js';
import { evaluateClassifier } from '../../../train/classify/evaluate.js';
import type {
  EvaluatedChunks,
  EvaluateChunksOptions,
} from '../../../train/classify/evaluate-chunks.js';
import { evaluateInChunks } from '../../../train/classify/evaluate-chunks.js';
import { scoreClassifier } from '../../../train/classify/score.js';
import { scoreImagenet } from '../../../tools/score/imagenet.js';
import { writeTinyClasses } from '../../helpers/tiny-classes.js';

const BACKBONE = { depths: [1, 1, 1, 1], dims: [4, 4, 8, 8], responseNorm: 'grn' } as const;
const model = createClassifier({ backbone: BACKBONE, classes: 3, headInitScale: 30 });
const card: ClassifierCard = {
  task: 'classify',
  backbone: BACKBONE,
  classNames: ['class0', 'class1', 'class2'],
  pixels: IMAGENET_PIXELS,
  resize: evaluationResize(32),
};

let engine: Engine;
let data: string;
let set: ClassificationSet; // 24 images
let store: ParameterStore;
let opened: ClassifierModel;
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-parts-'));
  folders.push(folder);
  return folder;
};

beforeAll(async () => {
  engine = await openEngine();
  data = writeTinyClasses();
  folders.push(data);
  set = readImageNet(data, { split: 'val' });
  store = new ParameterStore(model.specs);
  store.initialize(3);
  opened = modelOf<'classify'>(engine, { model, store, card }, { frozen: true });
});
afterAll(async () => {
  await opened.release();
  folders.forEach((folder) => rmSync(folder, { recursive: true }));
});

const OPTIONS = { batchSize: 4, workers: 0 };
const evaluate = (
  folder: string,
  options: Partial<EvaluateChunksOptions> = {},
): Promise<EvaluatedChunks> =>
  evaluateInChunks(opened, set, {
    ...OPTIONS,
    folder,
    shard: { index: 0, count: 1 },
    identity: { weights: 'abc' },
    chunkImages: 5,
    ...options,
  });
const chunks = (folder: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith('.part'));

test('chunks add up to the evaluation in one go', async () => {
  const whole = await evaluateClassifier(opened, set, OPTIONS);
  const { scores, missing, scored } = await evaluate(newFolder());
  expect(scores).toEqual(whole);
  expect([missing, scored]).toEqual([0, 24]);
});

test.each([
  // Images, shards, images of a part; what every shard has.
  [24, 1, 500, [24]],
  [24, 4, 500, [6, 6, 6, 6]],
  [10, 4, 500, [2, 3, 2, 3]],
  [24, 2, 5, [12, 12]],
  [3, 5, 500, [1, 1, 1, 0, 0]],
])(
  '%i images on %i shards, at most %i a chunk, are divided evenly, with the scores of one process',
  async (limit, count, chunkImages, expected) => {
    const folder = newFolder();
    const own: number[] = [];
    let last: EvaluatedChunks | undefined;
    for (let index = 0; index < count; index++) {
      last = await evaluate(folder, { limit, chunkImages, shard: { index, count } });
      own.push(last.scored);
      expect(last.own).toBe(last.scored);
    }
    expect(own).toEqual(expected);
    expect(last?.missing).toBe(0);
    expect(last?.scores).toEqual(await evaluateClassifier(opened, set, { ...OPTIONS, limit }));
  },
);

test('images of a size at which one alone is summed up in another order are scored the same', async () => {
  // 64 · 64 positions in the stem's output: 256 or more.
  const largeCard = { ...card, resize: evaluationResize(256) };
  const large = modelOf<'classify'>(engine, { model, store, card: largeCard }, { frozen: true });
  const scores = async (batchSize: number): Promise<unknown> =>
    evaluateClassifier(large, set, { batchSize, workers: 0, limit: 4 });
  // Batches of 4, of 3 and 1, of 2 and 2.
  const whole = await scores(4);
  expect(await scores(3)).toEqual(whole);
  expect(await scores(2)).toEqual(whole);
  await large.release();
});

test('shards write into one folder; the last one sees the whole', async () => {
  const folder = newFolder();
  const whole = await evaluateClassifier(opened, set, OPTIONS);
  const first = await evaluate(folder, { shard: { index: 1, count: 2 } });
  // Parts 1, 3 and 5 of six, which have four images each.
  expect([first.scored, first.missing, first.scores['count']]).toEqual([12, 12, 12]);
  const last = await evaluate(folder, { shard: { index: 0, count: 2 } });
  expect([last.scored, last.missing]).toEqual([12, 0]);
  expect(last.scores).toEqual(whole);
  const files = chunks(folder).map((name) => join(folder, name));
  const merged = await scoreImagenet({ dt: [], parts: files });
  expect(merged.result.numSamples).toBe(24);
  expect(merged.result.top1).toBe(whole['top1']);
  expect(merged.result.calibration?.meanNLL).toBe(whole['loss']);
});

test('what shards have left is finished by any number of others', async () => {
  const folder = newFolder();
  await evaluate(folder, { shard: { index: 1, count: 4 } });
  const rest = await evaluate(folder);
  expect([rest.scored, rest.missing]).toEqual([18, 0]);
  expect(rest.scores).toEqual(await evaluateClassifier(opened, set, OPTIONS));
});

test('a run that was interrupted does what is missing and leaves the rest', async () => {
  const folder = newFolder();
  const stop = new Error('power cut');
  const interrupted = evaluate(folder, {
    onChunk: ({ chunk }) => {
      if (chunk === 1) throw stop;
    },
  });
  await expect(interrupted).rejects.toBe(stop);
  expect(chunks(folder)).toEqual(['part-00000.part', 'part-00001.part']);
  const times = chunks(folder).map((name) => statSync(join(folder, name)).mtimeMs);
  const { scored, missing } = await evaluate(folder);
  expect([scored, missing]).toEqual([15, 0]);
  expect(
    chunks(folder)
      .slice(0, 2)
      .map((name) => statSync(join(folder, name)).mtimeMs),
  ).toEqual(times);
});

test('folders with numbers as names are the classes by index, whatever the number of digits', async () => {
  const options = { batch: 4, workers: 0, split: 'val' } as const;
  const { document: expected } = await scoreClassifier(opened, data, options);
  for (const digits of [1, 3]) {
    const numbered = newFolder();
    for (const k of [0, 1, 2])
      cpSync(
        join(data, 'val', `class${k}`),
        join(numbered, 'val', String(k).padStart(digits, '0')),
        {
          recursive: true,
        },
      );
    const { document } = await scoreClassifier(opened, numbered, options);
    expect([document['top1'], document['loss']]).toEqual([expected['top1'], expected['loss']]);
  }
});

describe('errors before any work', () => {
  test.each<[string, Partial<EvaluateChunksOptions>, string]>([
    ['other weights', { identity: { weights: 'def' } }, 'weights "abc" instead of "def"'],
    ['another part of the data', { limit: 20 }, 'images 24 instead of 20'],
  ])('a folder with an evaluation of %s', async (_, options, message) => {
    const folder = newFolder();
    await evaluate(folder, { shard: { index: 4, count: 5 } });
    await expect(evaluate(folder, options)).rejects.toThrow(ConfigError);
    await expect(evaluate(folder, options)).rejects.toThrow(message);
    expect(chunks(folder)).toEqual(['part-00004.part']);
  });

  test('data with other classes', async () => {
    const other = { ...set, classes: [{ key: 'x', name: 'x' }, ...set.classes.slice(1)] };
    const run = evaluateInChunks(opened, other, {
      ...OPTIONS,
      folder: newFolder(),
      shard: { index: 0, count: 1 },
      identity: {},
    });
    await expect(run).rejects.toThrow(DataError);
  });

  test.each([
    ['2/2', '--shard: expected i/n with i from 0 to n − 1, got 2/2'],
    ['one', '--shard: expected i/n'],
    ['0/2', '--shard: expected --out DIR'],
  ])('--shard %s', async (shard, message) => {
    const run = scoreClassifier(opened, data, { batch: 4, workers: 0, shard });
    await expect(run).rejects.toThrow(ConfigError);
    await expect(run).rejects.toThrow(message);
  });
});
