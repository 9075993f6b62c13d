import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runInProcess } from '../helpers/in-process.js';

/** `test/oracles/previous-version.mjs` made the runs and noted what version 0.1.0 gave for them. */
const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../fixtures/previous-version');

interface Losses {
  readonly step: number;
  readonly losses: Readonly<Record<string, number>>;
}

interface Expected {
  readonly recipe: string;
  readonly data: string;
  readonly steps: number;
  readonly resumed: { readonly losses: readonly Losses[] };
  readonly images: readonly string[];
  readonly flags: readonly string[];
  readonly shown: readonly string[];
  readonly predictions: unknown;
  readonly results?: unknown;
  readonly evaluation: unknown;
}

const { engine, tasks } = readJson(join(FOLDER, 'expected.json')) as {
  engine: string;
  tasks: Readonly<Record<'classify' | 'detect' | 'segment' | 'pretrain', Expected>>;
};
const at = (path: string): string => join(FOLDER, path);

let scratch: string;
beforeAll(() => void (scratch = mkdtempSync(join(tmpdir(), 'convnextv2-previous-'))));
afterAll(() => rmSync(scratch, { recursive: true }));

/**
 * Version 0.1.0 computed the products of feature maps in the plain layout, so its numbers differ by rounding, and those of
 * another instruction set differ more; after two steps of AdamW both differ more than in a prediction.
 */
const ROUNDING = {
  sameBlocks: { prediction: 1e-5, training: 1e-5, pixels: 0.001 },
  otherBlocks: { prediction: 1e-4, training: 1e-3, pixels: 0.01 },
} as const;

type Tolerance = (typeof ROUNDING)[keyof typeof ROUNDING];

/**
 * Runs a command, in this process.
 *
 * @returns what it printed, and the tolerances: tighter where ONNX Runtime's blocks are those of the machine that made the
 * fixtures
 */
async function run(args: readonly string[]): Promise<{ stdout: string; tolerance: Tolerance }> {
  const { code, stdout, stderr } = await runInProcess(args);
  expect(code, stderr + stdout).toBe(0);
  return { stdout, tolerance: ROUNDING[stderr.includes(engine) ? 'sameBlocks' : 'otherBlocks'] };
}

describe.each(['classify', 'detect', 'segment'] as const)('%s run of version 0.1.0', (task) => {
  const { data, images, flags, shown, predictions, results, evaluation } = tasks[task];

  test('gives the same predictions', async () => {
    const out = join(scratch, `${task}-out`);
    // Version 0.1.0 kept boxes of several classes on one object.
    const kept = task === 'detect' ? ['--per-class-nms'] : [];
    const options = [...flags, ...shown, ...kept];
    const args = ['predict', at(task), ...images.map(at), ...options, '--out', out];
    const { stdout, tolerance } = await run(args);
    const document = JSON.parse(stdout) as { predictions: unknown };
    expectSame(document.predictions, predictions, tolerance.prediction, 'predictions');
    if (results !== undefined)
      expectSame(readJson(join(out, 'results.json')), results, tolerance.prediction, 'results');
    if (task === 'segment') {
      for (const name of readdirSync(at('labels'))) {
        const [actual, expected] = [join(out, 'labels', name), at(`labels/${name}`)].map(
          (file) => PNG.sync.read(readFileSync(file)).data,
        );
        const different = expected.filter((value, i) => value !== actual[i]).length;
        expect(actual.length).toBe(expected.length);
        expect(different / expected.length).toBeLessThanOrEqual(tolerance.pixels);
      }
    }
  });

  test('scores the same', async () => {
    const args = ['eval', at(task), '--data', at(data), '--split', 'train', ...flags];
    const { stdout, tolerance } = await run(args);
    expectSame(JSON.parse(stdout), evaluation, tolerance.pixels, 'evaluation');
  });
});

test.each(['classify', 'detect', 'segment', 'pretrain'] as const)(
  'a %s run of version 0.1.0 is gone on from with the same losses',
  async (task) => {
    const { recipe, data, steps, resumed } = tasks[task];
    const folder = join(scratch, task);
    cpSync(at(task), folder, { recursive: true });
    const args = ['train', recipe, '--data', at(data), '--out', folder, '--resume', '--no-report'];
    const { tolerance } = await run([...args, '--threads', '1', '--steps', String(steps + 2)]);
    const losses = readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Losses & { kind: string })
      .filter(({ kind }) => kind === 'train')
      .map(({ step, losses }) => ({ step, losses }));
    expectSame(losses, resumed.losses, tolerance.training, 'losses');
  },
);

/** Depends on the machine or the folder, not on the model. */
const VARYING = new Set(['seconds', 'imagesPerSecond', 'model', 'data', 'file']);

/** Every expected field is there with its value; numbers within a relative tolerance, encoded masks only where it is 0. */
function expectSame(actual: unknown, expected: unknown, tolerance: number, where: string): void {
  if (typeof expected === 'number' && tolerance > 0) {
    expect(typeof actual, where).toBe('number');
    const error = Math.abs((actual as number) - expected);
    expect(error, where).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected)));
  } else if (Array.isArray(expected)) {
    expect((actual as unknown[]).length, where).toBe(expected.length);
    expected.forEach((value, i) =>
      expectSame((actual as unknown[])[i], value, tolerance, `${where}.${i}`),
    );
  } else if (typeof expected === 'object' && expected !== null) {
    for (const [key, value] of Object.entries(expected)) {
      expect(actual, where).toHaveProperty([key]);
      if (VARYING.has(key) || (key === 'counts' && tolerance > 0)) continue;
      expectSame((actual as Record<string, unknown>)[key], value, tolerance, `${where}.${key}`);
    }
  } else expect(actual, where).toBe(expected);
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
