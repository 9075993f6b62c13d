import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { headlineOf } from '../../train/evaluation.js';
import { cli } from '../helpers/cli.js';
import { runInProcess } from '../helpers/in-process.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

let folder: string;
let data: string;
const at = (...names: readonly string[]): string => join(folder, ...names);
const SMALL = ['depths=[1,1,1,1]', 'dims=[8,16,24,32]'].flatMap((s) => ['--set', `backbone.${s}`]);

interface Stored {
  readonly sources: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>>;
}
let started: { readonly stored: Stored; readonly stderr: string };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-train-options-'));
  data = writeTinyClasses({ perClass: 4 });
  const { code, stderr } = cli([
    ...['train', 'classify', '--data', data, '--out', at('run'), ...SMALL, '--no-report'],
    ...['--batch', '4', '--lr', '0.002', '--size', '32', '--epochs', '3', '--steps', '1'],
    ...['--device', 'cpu'],
  ]);
  expect(code, stderr).toBe(0);
  const stored = JSON.parse(readFileSync(at('run', 'config.json'), 'utf8')) as Stored;
  started = { stored, stderr };
}, 120_000);
afterAll(() => [folder, data].forEach((path) => rmSync(path, { recursive: true })));

test('options are settings of the run, with the option as their source', () => {
  const { sources, config } = started.stored;
  expect(config).toMatchObject({
    batchSize: 4,
    accumulation: 3,
    lr: 0.002,
    training: { inputSize: 32 },
    evaluation: { inputSize: 32 },
  });
  expect(sources).toMatchObject({
    batchSize: '--batch',
    lr: '--lr',
    'training.inputSize': '--size',
  });
});

test('the meaning of each option is said before the run starts', () => {
  for (const meaning of [
    '--batch 4: batchSize=4, accumulation=8',
    '--batch: accumulation=3, for which there are images enough',
    '--lr 0.002: lr=0.002',
    '--size 32: training.inputSize=32, evaluation.inputSize=32',
    '--epochs 3: the schedule is laid out for it',
    '--steps 1: stops there, the schedule stays as it is',
  ])
    expect(started.stderr).toContain(meaning);
});

test('a run is resumed by its name alone, before or after --resume', () => {
  const first = cli(['train', at('run'), '--resume', '--steps', '2', '--no-report']);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr).toContain('resuming at step 1');
  const second = cli(['train', '--resume', at('run'), '--steps', '3', '--no-report']);
  expect(second.code, second.stderr).toBe(0);
  expect(second.stderr).toContain('resuming at step 2');
}, 120_000);

test('eval begins with the one number', async () => {
  const { code, stdout, stderr } = await runInProcess(['eval', at('run'), '--data', data]);
  expect(code, stderr).toBe(0);
  const [first, header] = stdout.split('\n');
  expect(first).toMatch(/^top-1 \d+\.\d % \(12 images\)$/);
  expect(header).toMatch(/^images +top-1 %/);
}, 60_000);

test('the one number of other tasks', () => {
  expect(headlineOf('AP', 0.3712, { what: 'boxes', images: 40 })).toBe(
    'AP 37.1 % (boxes, 40 images)',
  );
  expect(headlineOf('mIoU', NaN, { images: 1 })).toBe('mIoU - % (1 image)');
  expect(headlineOf('AP', 0, { images: 0 })).toBeUndefined();
});

test.each([
  ['no recipe', () => [], /train: expected a recipe .* or a run, got none/],
  ['no folder', () => ['classify', '--data', data], /--out: expected a run folder, got none/],
  ['no run', () => ['classify', '--resume'], /--resume: expected a run folder, got classify/],
  ['two runs', () => ['classify', '--out', 'a', '--resume', 'b'], /of --out a, got b/],
  ['batch of 0', () => ['classify', '--batch', '0'], /--batch: expected a whole number from 1/],
  ['no size', () => ['classify', '--size', '1.5'], /--size: expected a whole number from 1/],
  ['no rate', () => ['classify', '--lr', '-1'], /--lr: expected a number above 0/],
  [
    'two devices',
    () => ['classify', '--device', 'cuda', '--provider', 'cpu'],
    /--device: expected one name, got cuda and cpu/,
  ],
  [
    'a device that there is not',
    () => ['classify', '--data', data, '--out', at('new'), '--device', 'tpu'],
    /expected cpu, webgpu, cuda, openvino, got tpu/,
  ],
  ...['batchSize', 'lr', 'training.inputSize', 'epochs'].map((key) => {
    const option = { batchSize: 'batch', lr: 'lr', epochs: 'epochs' }[key] ?? 'size';
    const args = ['classify', `--${option}`, '32', '--set', `${key}=16`, '--out'];
    const message = new RegExp(`--${option}: expected either --${option} or --set ${key}`);
    return [`${option} twice`, () => [...args, at('new'), '--data', data], message] as const;
  }),
  [
    'steps twice',
    () => [
      ...['segment-finetune', '--data', data, '--out', at('new')],
      ...['--steps', '1', '--set', 'steps=9'],
    ],
    /--steps: expected either --steps or --set steps/,
  ],
] as const)('%s is an error', async (_, args, message) => {
  const { code, stderr, stdout } = await runInProcess(['train', ...args()]);
  expect(stderr).toMatch(message);
  expect([code, stdout]).toEqual([2, '']);
});
