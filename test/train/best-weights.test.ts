import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { open } from '../../inference/open.js';
import type { ImageModel } from '../../inference/model.js';
import { evaluate } from '../../train/evaluate.js';
import { train } from '../../train/train.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

/** Mark of the best checkpoint. */
interface Mark {
  readonly name: string;
  readonly metric: string;
  readonly value: number;
  readonly which?: string;
}

let data: string;
const runs = mkdtempSync(join(tmpdir(), 'convnextv2-best-'));
beforeAll(() => {
  data = writeTinyClasses();
});
afterAll(() => [data, runs].forEach((folder) => rmSync(folder, { recursive: true })));

const read = <T>(...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T;

/** Trains for two evaluations; the average with a decay near 1 hardly leaves the initial weights. */
async function run(
  name: string,
  emaDecay: number | null,
  from: Pick<Parameters<typeof train>[1], 'weights' | 'listener'> = {},
): Promise<string> {
  const folder = join(runs, name);
  await train('classify', {
    data,
    folder,
    seed: 3,
    ...from,
    config: {
      backbone: { depths: [1, 1, 1, 1], dims: [8, 16, 24, 32] },
      training: { inputSize: 32 },
      evaluation: evaluationResize(32),
      batchSize: 4,
      accumulation: 1,
      epochs: 4,
      warmupEpochs: 1,
      evaluateEvery: 2,
      emaDecay,
      workers: 0,
      logEvery: 1,
    },
  });
  return folder;
}

/** Score of a model that is opened with these options. */
async function score(
  model: string,
  metric: string,
  options: { readonly ema?: boolean } = {},
): Promise<{ readonly value: number; readonly opened: ImageModel; readonly notices: string[] }> {
  const notices: string[] = [];
  const opened = await open(model, { ...options, onNotice: (line) => notices.push(line) });
  const document = (await evaluate(opened, data)) as Record<string, number>;
  await opened.release();
  return { value: document[metric], opened, notices };
}

test('the better weights of the best checkpoint are marked, used, and those of the report', async () => {
  const folder = await run('raw', 0.9999);
  const checkpoints = join(folder, 'checkpoints');
  const mark = read<Mark>(checkpoints, 'best.json');
  expect(mark.which).toBe('raw');
  expect(read<Mark>(folder, 'evaluation.json').which).toBe('weights');
  const file = join(checkpoints, `${mark.name}.safetensors`);
  for (const model of [folder, checkpoints, file]) {
    const { value, opened } = await score(model, mark.metric);
    expect(value).toBeCloseTo(mark.value, 5);
    expect(opened.options.ema).toBe(false);
  }
  const average = await score(folder, mark.metric, { ema: true });
  expect(average.opened.options.ema).toBe(true);
  expect(average.value).toBeLessThan(mark.value);

  // The other way round, as if the average had been better; the weights must be asked for.
  writeFileSync(join(checkpoints, 'best.json'), JSON.stringify({ ...mark, which: 'ema' }));
  for (const model of [folder, checkpoints, file]) {
    const { value, opened, notices } = await score(model, mark.metric);
    expect(value).toBe(average.value);
    expect(opened.options.ema).toBe(true);
    expect(notices.join()).toContain(
      'its moving average (EMA) scored better and is used; `ema: false`',
    );
  }
  expect((await score(folder, mark.metric, { ema: false })).value).toBeCloseTo(mark.value, 5);

  // Training that starts from the run takes the marked ones as well, and says which.
  const started = async (which: string): Promise<{ loss: number; notes: readonly string[] }> => {
    writeFileSync(join(checkpoints, 'best.json'), JSON.stringify({ ...mark, which }));
    const notes: string[] = [];
    const next = await run(`from-${which}`, null, {
      weights: folder,
      listener: { note: (line) => notes.push(line) } as NonNullable<
        Parameters<typeof train>[1]['listener']
      >,
    });
    const [first] = readFileSync(join(next, 'metrics.jsonl'), 'utf8').split('\n');
    return { loss: (JSON.parse(first) as { losses: { loss: number } }).losses.loss, notes };
  };
  const [raw, ema] = [await started('raw'), await started('ema')];
  expect(raw.notes.join()).toContain('of its weights themselves, which scored better');
  expect(ema.notes.join()).toContain('of its moving average (EMA), which scored better');
  expect(raw.loss).toBeLessThan(ema.loss); // the average has hardly left the initial weights

  // A run of an older version does not say it: its weights are used as before.
  const { which: _, ...old } = mark;
  writeFileSync(join(checkpoints, 'best.json'), JSON.stringify(old));
  expect((await score(folder, mark.metric)).value).toBeCloseTo(mark.value, 5);
  writeFileSync(join(checkpoints, 'best.json'), JSON.stringify({ ...mark, which: 'both' }));
  await expect(open(folder)).rejects.toThrow('best.json: expected name, metric and value');
}, 120_000);

test('without an average the weights are marked', async () => {
  const folder = await run('none', null);
  expect(read<Mark>(folder, 'checkpoints', 'best.json').which).toBe('raw');
}, 120_000);
