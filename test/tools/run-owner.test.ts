import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../helpers/cli.js';
import { runInProcess } from '../helpers/in-process.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import { testOnLinux } from '../helpers/leave-out.js';

const CLI = resolve(import.meta.dirname, '../../dist/tools/cli.js');
const STEPS = 4000;
const CONFIG = `
extends: classify
backbone: {depths: [1, 1, 1, 1], dims: [8, 8, 8, 8]}
training: {inputSize: 32}
evaluation: {inputSize: 32}
batchSize: 8
epochs: ${STEPS / 3}
logEvery: 1
evaluateEvery: 1000
checkpointEvery: 1
workers: 0
`;

let root: string;
let data: string;
const at = (name: string): string => join(root, name);
const args = (out: string, ...more: string[]): string[] => [
  ...['train', at('config.yaml'), '--data', data, '--out', at(out), '--no-report'],
  ...more,
];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-owner-'));
  data = writeTinyClasses();
  writeFileSync(at('config.yaml'), CONFIG);
});
afterAll(() => [root, data].forEach((folder) => rmSync(folder, { recursive: true })));

/** Starts training and waits until the first checkpoints are there. */
async function start(out: string): Promise<ChildProcess> {
  const parent = spawn(process.execPath, [CLI, ...args(out)], { stdio: 'ignore' });
  await expect
    .poll(() => existsSync(join(at(out), 'checkpoints/step-00000006.json')), { timeout: 60_000 })
    .toBe(true);
  return parent;
}

const ownerOf = (out: string): number =>
  (JSON.parse(readFileSync(join(at(out), 'run.lock'), 'utf8')) as { pid: number }).pid;
const isRunning = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const steps = (out: string): readonly number[] =>
  readFileSync(join(at(out), 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; step: number })
    .flatMap(({ kind, step }) => (kind === 'train' ? [step] : []));

testOnLinux(
  'a folder in use is refused; a killed launcher takes the process that trains with it, and the run is resumed alone',
  async () => {
    const parent = await start('run');
    const owner = ownerOf('run');
    for (const more of [['--resume'], []]) {
      const { code, stderr } = cli(args('run', ...more));
      expect(code, stderr).toBe(2);
      if (more.length > 0) expect(stderr).toContain(`in use by process ${owner} on `);
    }
    expect(isRunning(owner)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    // At once: the process that trains notices within a moment, and the resumed run waits for it.
    const last = steps('run').at(-1)! + 30;
    const { code, stderr } = cli(args('run', '--resume', '--steps', String(last)));
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`taken over from process ${owner} on `);
    expect(isRunning(owner)).toBe(false);
    expect(steps('run')).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    expect(existsSync(join(at('run'), 'run.lock'))).toBe(false);
  },
  120_000,
);

test('a folder that is neither empty nor of a run is refused, and left as it was', async () => {
  const contents: readonly (readonly [string, string])[] = [
    ['config.json', '{"compilerOptions": {}}'],
    ['config.json', 'no JSON'],
    ['notes.txt', 'mine'],
    ['metrics.jsonl', '{}'],
    ['.env', 'x'],
    ['photo.jpg', ''],
  ];
  for (const [i, [name, text]] of contents.entries()) {
    mkdirSync(at(`other-${i}`));
    writeFileSync(join(at(`other-${i}`), name), text);
    const { code, stderr } = await runInProcess(args(`other-${i}`, '--steps', '1'));
    expect(code, name).toBe(2);
    expect(stderr).toMatch(/expected an empty, new or run folder, got one with/);
    expect(readFileSync(join(at(`other-${i}`), name), 'utf8')).toBe(text);
  }
});

test('a folder with only a log, or of a run that ended before its first checkpoint, is taken', async () => {
  mkdirSync(at('logged'));
  writeFileSync(join(at('logged'), 'slurm-1.out'), 'started');
  const first = await runInProcess(args('logged', '--steps', '1'));
  expect(first.code, first.stderr).toBe(0);
  rmSync(join(at('logged'), 'checkpoints'), { recursive: true });
  const second = await runInProcess(args('logged', '--steps', '2'));
  expect(second.code, second.stderr).toBe(0);
  expect(steps('logged')).toEqual([1, 2]);
});
