import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../helpers/cli.js';
import { FIXTURES } from '../helpers/fixtures.js';
import { runInProcess } from '../helpers/in-process.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

let folder: string;
let data: string;
let image: string;
const at = (name: string): string => join(folder, name);
const MODEL = join(FIXTURES, 'small', 'backbone_official.pth');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-cli-'));
  data = writeTinyClasses();
  image = join(data, 'val', 'class0', '0.png');
  writeFileSync(at('empty.pth'), '');
  writeFileSync(at('noise.safetensors'), Buffer.alloc(100, 7));
  writeFileSync(at('broken.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]));
  mkdirSync(at('nothing'));
  mkdirSync(join(at('oneclass'), 'train', 'a'), { recursive: true });
  mkdirSync(join(at('oneclass'), 'train', 'empty'), { recursive: true });
  writeFileSync(join(at('oneclass'), 'train', 'a', '0.png'), '');
});
afterAll(() => [folder, data].forEach((path) => rmSync(path, { recursive: true })));

/** Mistakes of users: arguments, and what the one line must say. */
const MISTAKES: readonly (readonly [string, () => readonly string[], RegExp])[] = [
  ['unknown verb', () => ['trian'], /unknown command 'trian'/],
  ['unknown option', () => ['predict', MODEL, image, '--nope'], /unknown option '--nope'/],
  ['missing argument', () => ['predict', MODEL], /missing required argument/],
  [
    'unknown model name',
    () => ['predict', 'tyni.fcmae_ft_in1k', image],
    /nearest: tiny\.fcmae_ft_in1k/,
  ],
  [
    'official weights that were not pulled',
    () => ['predict', 'atto.fcmae_ft_in1k', image, '--cache', at('cache')],
    /weights pull atto\.fcmae_ft_in1k/,
  ],
  [
    'weight file that does not exist',
    () => ['predict', at('none.pth'), image],
    /none\.pth: expected a weight file/,
  ],
  ['empty weight file', () => ['predict', at('empty.pth'), image], /WeightsError: .*empty\.pth/],
  [
    'damaged weight file',
    () => ['predict', at('noise.safetensors'), image],
    /WeightsError: .*noise\.safetensors/,
  ],
  [
    'run folder without checkpoints',
    () => ['predict', at('nothing'), image],
    /nothing: expected a run folder/,
  ],
  [
    'image that does not exist',
    () => ['predict', MODEL, at('none.jpg')],
    /none\.jpg: expected an image/,
  ],
  ['folder without images', () => ['predict', MODEL, at('nothing')], /expected images, got none/],
  ['damaged image', () => ['predict', MODEL, at('broken.jpg')], /DataError: .*broken\.jpg/],
  [
    'unknown provider',
    () => ['predict', MODEL, image, '--provider', 'tpu'],
    /expected cpu, webgpu, cuda, openvino/,
  ],
  ['bad number', () => ['benchmark', '--batch', 'many'], /--batch: expected a whole number/],
  ['unknown size', () => ['benchmark', '--model', 'giant'], /expected one of atto/],
  ['unknown mode', () => ['benchmark', '--mode', 'both'], /--mode: expected infer or train/],
  [
    'unknown recipe',
    () => ['train', 'clasify', '--data', data, '--out', at('r')],
    /nearest: classify/,
  ],
  [
    'missing data',
    () => ['train', 'classify', '--data', at('none'), '--out', at('r')],
    /none: expected/,
  ],
  [
    'data without images',
    () => ['train', 'classify', '--data', at('nothing'), '--out', at('r')],
    /DataError/,
  ],
  [
    'empty class folder',
    () => ['train', 'classify', '--data', at('oneclass'), '--out', at('r')],
    /empty/,
  ],
  [
    'unknown setting',
    () => ['train', 'classify', '--data', data, '--out', at('r'), '--set', 'lrr=1'],
    /--set lrr: expected one of .*lr/,
  ],
  [
    'setting of another kind',
    () => ['train', 'classify', '--data', data, '--out', at('r'), '--set', 'lr=fast'],
    /--set lr: expected a number/,
  ],
  [
    'encoder of another file',
    () => ['train', 'classify', '--data', data, '--out', at('r'), '--weights', at('empty.pth')],
    /WeightsError/,
  ],
  [
    'nothing to resume',
    () => ['train', 'classify', '--data', data, '--out', at('r'), '--resume'],
    /expected a checkpoint/,
  ],
  [
    'eval with other classes',
    () => ['eval', MODEL, '--data', data],
    /expected the 10 classes of .*, got 3/,
  ],
  [
    'eval of another task',
    () => ['eval', MODEL, '--data', data, '--task', 'cook'],
    /--task: expected/,
  ],
];

describe('mistakes end with exit code 2 and one line that says what to do', () => {
  test.each(MISTAKES)('%s', async (_, args, message) => {
    const { code, stderr, stdout } = await runInProcess(args());
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/\n\s+at /); // no stack trace
  });

  test('also of the program itself', () => {
    const { code, stderr, stdout } = cli(['predict', MODEL, at('none.jpg')]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^DataError: .*none\.jpg: expected an image.*\nsee docs\/errors\.md#image\n$/,
    );
  });

  test('no half-written run is left behind', () => {
    expect(readdirSync(folder)).not.toContain('r');
  });
});

test('with --json an error is one document on standard output', async () => {
  const { code, stdout } = await runInProcess(['predict', MODEL, at('broken.jpg'), '--json']);
  expect(code).toBe(2);
  const { error } = JSON.parse(stdout) as {
    error: { code: string; message: string; file: string };
  };
  expect(error.code).toBe('DataError');
  expect(error.file).toBe(at('broken.jpg'));
});

test('predict prints the classes, as text and as JSON', async () => {
  const text = cli(['predict', MODEL, image, '--size', '32', '--top', '3']);
  expect(text.code).toBe(0);
  expect(text.stdout.match(/%/g)?.length).toBe(3);
  const json = await runInProcess([
    'predict',
    MODEL,
    image,
    '--size',
    '32',
    '--json',
    '--out',
    at('out'),
  ]);
  const { predictions } = JSON.parse(json.stdout) as {
    predictions: { top: { probability: number }[] }[];
  };
  expect(predictions[0].top.length).toBe(5);
  expect(predictions[0].top[0].probability).toBeGreaterThanOrEqual(
    predictions[0].top[1].probability,
  );
  expect(readdirSync(at('out'))).toEqual(['predictions.json']);
});

test('train, predict and eval work in a row', async () => {
  const run = at('run');
  const small = [
    'training.inputSize=32',
    'evaluation.inputSize=32',
    'backbone.dims=[8,16,24,32]',
    'backbone.depths=[1,1,1,1]',
    'batchSize=8',
  ];
  const trained = cli([
    'train',
    'classify',
    '--data',
    data,
    '--out',
    run,
    '--steps',
    '4',
    '--json',
    ...small.flatMap((s) => ['--set', s]),
  ]);
  expect(trained.code).toBe(0);
  expect((JSON.parse(trained.stdout) as { step: number }).step).toBe(4);
  const again = await runInProcess(['train', 'classify', '--data', data, '--out', run]);
  expect(again.stderr).toMatch(/got one with checkpoints/);
  const evaluated = await runInProcess(['eval', run, '--data', data, '--json']);
  expect((JSON.parse(evaluated.stdout) as { count: number }).count).toBe(24);
  const predicted = await runInProcess(['predict', run, image]);
  expect(predicted.stdout).toMatch(/class[012]/);
}, 60_000);
