import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import {
  checkpointValues,
  cli,
  installedMpis,
  startCli,
  type Ended,
  type Running,
} from './ranks.js';

const MPIS = installedMpis();
const root = mkdtempSync(join(tmpdir(), 'convnextv2-mpi-'));
const data = writeTinyClasses({ classes: 3, perClass: 16 });
const damaged = writeTinyClasses({ classes: 3, perClass: 16 });
afterAll(() => [root, data, damaged].forEach((folder) => rmSync(folder, { recursive: true })));

/** 24 steps per epoch on two ranks, a checkpoint after each. */
const args = (run: string, more: readonly string[] = [], source = data): string[] => [
  ...['train', 'classify', '--data', source, '--out', run, '--threads', '1', ...more],
  ...[
    ...['backbone.depths=[1,1,1,1]', 'backbone.dims=[8,16,24,32]', 'training.inputSize=32'],
    ...['evaluation.inputSize=32', 'logEvery=1', 'workers=1', 'batchSize=1', 'epochs=200'],
    ...['checkpointEvery=1', 'evaluateEvery=1000', 'dropPathRate=0.2', 'emaDecay=0.9'],
  ].flatMap((setting) => ['--set', setting]),
];

const NEW = ['--seed', '3'];

async function processOf(running: Running, rank: number): Promise<number> {
  const [, process] = await running.printed(new RegExp(`${rank} [^;]*process (\\d+) of`));
  return Number(process);
}

function isAlive(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

/** Seconds from an event to the end of a job. */
async function endAfter(running: Running, event: () => void): Promise<Ended> {
  const start = performance.now();
  event();
  return { ...(await running.ended), seconds: (performance.now() - start) / 1000 };
}

describe.each(MPIS)('with $name', (mpi) => {
  const folder = (name: string): string => join(root, `${mpi.name} ${name}`);

  test('a killed rank ends the job and is named; the resumed run ends bit-equal', async () => {
    const [whole, killed] = [folder('whole'), folder('killed')];
    await cli(mpi, 2, args(whole, [...NEW, '--steps', '60']));
    const running = startCli(mpi, 2, args(killed, NEW));
    const victim = await processOf(running, 1);
    await running.printed(/step 30\//);
    const { code, output, seconds } = await endAfter(running, () =>
      process.kill(victim, 'SIGKILL'),
    );
    expect(code).not.toBe(0);
    expect(seconds).toBeLessThan(10);
    expect(output).toMatch(new RegExp(`rank 1 \\(process ${victim}\\): ended by SIGKILL`));
    await cli(mpi, 2, [
      'train',
      'classify',
      '--out',
      killed,
      '--resume',
      '--steps',
      '60',
      '--threads',
      '1',
    ]);
    const [a, b] = [await checkpointValues(whole, 60), await checkpointValues(killed, 60)];
    expect([...b.keys()]).toEqual([...a.keys()]);
    for (const [path, values] of a) expect(b.get(path), path).toEqual(values);
  });

  test('a rank that fails ends the job with its message', async () => {
    // Every image of a class is torn, so both ranks come to one; whichever is first speaks.
    const torn = join(damaged, 'train', 'class1');
    readdirSync(torn).forEach((file) => truncateSync(join(torn, file), 60));
    const { code, output, seconds } = await startCli(mpi, 2, args(folder('failed'), NEW, damaged))
      .ended;
    expect(code).not.toBe(0);
    expect(output).toMatch(/DataError: rank \d \(.*process \d+.*\): .*class1/);
    expect(seconds).toBeLessThan(60);
  });

  test('a stopped rank is named after a timeout', async () => {
    const running = startCli(mpi, 2, args(folder('stopped'), NEW), { CONVNEXTV2_MPI_TIMEOUT: '3' });
    const victim = await processOf(running, 1);
    await running.printed(/step 3\//);
    const { code, output, seconds } = await endAfter(running, () =>
      process.kill(victim, 'SIGSTOP'),
    );
    expect(code).not.toBe(0);
    expect(output).toMatch(
      new RegExp(`rank 0 .*expected rank 1 \\(.*process ${victim} .* within 3 s`),
    );
    expect(seconds).toBeLessThan(20);
    await expect.poll(() => isAlive(victim), { timeout: 10_000 }).toBe(false); // it is gone too
  });

  test('Ctrl-C saves one checkpoint, from which one rank goes on at the next epoch and says so', async () => {
    const run = folder('interrupted');
    const running = startCli(mpi, 2, args(run, NEW));
    await running.printed(/step 5\//);
    await endAfter(running, () => running.process.kill('SIGINT'));
    const saved = readdirSync(join(run, 'checkpoints')).filter((f) => f.endsWith('.safetensors'));
    expect(saved.length).toBe(1);
    const step = Number(/(\d+)\.safetensors/.exec(saved[0])?.[1]);
    expect(step).toBeLessThan(24);
    const { output } = await cli(undefined, 1, [
      ...['train', 'classify', '--out', run, '--resume', '--threads', '1'],
      ...['--steps', String(step + 3)],
    ]);
    expect(output).toContain(
      `resumed at step ${step} with 1 ranks and 48 steps per epoch instead of 2 and 24: goes on at the start of epoch 1`,
    );
    expect(
      existsSync(join(run, 'checkpoints', `step-${String(step + 3).padStart(8, '0')}.json`)),
    ).toBe(true);
  });
});
