import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../core/random.js';
import { latestValid } from '../../weights/checkpoint-folder.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import type { KillPoint } from './kill-hook.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const CLI = resolve(HERE, '../../dist/tools/cli.js');
/** Another seed kills at other moments. */
const SEED = Number(process.env['CRASH_SEED'] ?? 1);
const STEPS = 60;
const LAST = `step-${String(STEPS).padStart(8, '0')}.safetensors`;

/** Every third step ends with an evaluation and a checkpoint; average and micro-batches are among what is saved. */
const CONFIG = `
extends: classify
backbone: {depths: [1, 1, 1, 1], dims: [8, 16, 24, 32]}
training: {inputSize: 32}
evaluation: {inputSize: 32}
dropPathRate: 0.2
batchSize: 4
accumulation: 2
epochs: ${STEPS / 3}
emaDecay: 0.9
logEvery: 1
evaluateEvery: 1
checkpointEvery: 1
workers: 1
`;

let root: string;
let hook: string;
const at = (name: string): string => join(root, name);

/** Trains until the end or until it is killed. */
function train(
  run: string,
  options: { readonly resume?: boolean; readonly killAt?: KillPoint } = {},
): {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly stderr: string;
} {
  const args = ['train', at('config.yaml'), '--data', at('data'), '--out', at(run), '--seed', '5'];
  const { signal, status, stderr } = spawnSync(
    process.execPath,
    ['--import', hook, CLI, ...args, '--no-report', ...(options.resume ? ['--resume'] : [])],
    {
      encoding: 'utf8',
      // Without the relaunch the process that is killed is the one that trains.
      env: { ...process.env, CONVNEXTV2_RELAUNCHED: '1', CRASH_AT: options.killAt ?? '' },
    },
  );
  return { signal, code: status, stderr };
}

const finalWeights = (run: string): Buffer => readFileSync(join(at(run), 'checkpoints', LAST));

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-crash-'));
  const data = writeTinyClasses();
  spawnSync('mv', [data, at('data')]);
  writeFileSync(at('config.yaml'), CONFIG);
  hook = at('kill-hook.mjs');
  const source = readFileSync(join(HERE, 'kill-hook.ts'), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync(hook, outputText);
  expect(train('whole').code).toBe(0);
});
afterAll(() => rmSync(root, { recursive: true }));

const random = new Random(SEED);
const points = (what: string, count: number, from: number, to: number): KillPoint[] =>
  Array.from(
    { length: count },
    () => `${what}:${from + random.integer(to - from + 1)}` as KillPoint,
  );

/** 50 kills. A checkpoint of this model is some 300 writes, its pair of files two syncs of files and two renames. */
const SERIES: readonly (readonly [string, readonly KillPoint[]])[] = [
  ['in the middle of writing a checkpoint', points('write', 12, 1, 1500)],
  ['before a file is synced', points('sync', 5, 1, 12)],
  ['before a file gets its name', points('rename', 5, 1, 9)],
  ['after a file got its name', points('renamed', 5, 1, 9)],
  ['before an old file is deleted', points('remove', 3, 1, 4)],
  ['in the middle of an update', points('optimizer', 10, 1, 120)],
  ['at any moment', points('time', 10, 0, 1500)],
];

test('the series are 50 kills', () => {
  expect(SERIES.flatMap(([, kills]) => kills).length).toBe(50);
});

test.each(SERIES)(
  'killed %s, training loses no checkpoint and ends bit-equal',
  async (name, kills) => {
    const run = name.replaceAll(' ', '-');
    const checkpoints = join(at(run), 'checkpoints');
    let safeStep = 0;
    let killed = 0;
    for (const killAt of kills) {
      const { signal, code, stderr } = train(run, { resume: safeStep > 0, killAt });
      // A kill that comes after the end of the run has missed it: the next series of bits starts over.
      if (signal === null) {
        expect(code, stderr).toBe(0);
        expect(finalWeights(run).equals(finalWeights('whole')), killAt).toBe(true);
        rmSync(at(run), { recursive: true });
        safeStep = 0;
        continue;
      }
      expect(signal).toBe('SIGKILL');
      killed++;
      const { checkpoint } = await latestValid(checkpoints);
      const step = checkpoint?.step ?? 0;
      expect(step, `${killAt}: newest sound checkpoint`).toBeGreaterThanOrEqual(safeStep);
      if (step === 0) rmSync(at(run), { recursive: true, force: true });
      safeStep = step;
    }
    expect(killed).toBeGreaterThan(kills.length / 2);
    const { code, stderr } = train(run, { resume: safeStep > 0 });
    expect(code, stderr).toBe(0);
    expect(finalWeights(run).equals(finalWeights('whole'))).toBe(true);
    expect(readdirSync(checkpoints).filter((file) => file.endsWith('.tmp'))).toEqual([]);
    const records = (folder: string): string[] =>
      readFileSync(join(at(folder), 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => {
          const { kind, step, losses, metrics } = JSON.parse(line) as Record<string, unknown>;
          return JSON.stringify({ kind, step, losses, metrics });
        });
    expect(records(run)).toEqual(records('whole'));
  },
);

test('a checkpoint that is damaged later is passed over with a message', () => {
  const run = 'damaged';
  expect(train(run).code).toBe(0);
  truncateSync(join(at(run), 'checkpoints', LAST), 1000);
  rmSync(join(at(run), 'checkpoints', 'best.json'));
  const { code, stderr } = train(run, { resume: true });
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(
    /warning: .*expected \d+ bytes, got 1000 \(torn\); the one before is used/,
  );
  expect(stderr).toMatch(/resuming at step 57/);
  expect(finalWeights(run).equals(finalWeights('whole'))).toBe(true);
});

test('a disk that is full ends the run with the name of the file; what was saved stands and is gone on from', async () => {
  const run = 'full';
  const { code, stderr } = train(run, { killAt: 'full:1000' });
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(
    /WorkError: .*checkpoints.*: expected to write it, got ENOSPC: no space left on device, write; what was there before is unchanged/,
  );
  const checkpoints = join(at(run), 'checkpoints');
  expect((await latestValid(checkpoints)).checkpoint?.step).toBeGreaterThanOrEqual(3);
  expect(readdirSync(checkpoints).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  expect(train(run, { resume: true }).code).toBe(0);
  expect(finalWeights(run).equals(finalWeights('whole'))).toBe(true);
});
