import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bestAndWorst } from '../../report/examples.js';
import { precisionRecall } from '../../evaluation/classification/precision-recall.js';
import { cli } from '../helpers/cli.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

const CONFIG = `
extends: classify
backbone: {depths: [1, 1, 1, 1], dims: [8, 16, 24, 32]}
training: {inputSize: 32}
evaluation: {inputSize: 32}
batchSize: 8
epochs: 4
logEvery: 1
evaluateEvery: 1
checkpointEvery: 1
workers: 1
`;

let folder: string;
let data: string;
const at = (...names: readonly string[]): string => join(folder, ...names);
const weights = (run: string, step = 12): Buffer =>
  readFileSync(at(run, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-train-'));
  data = writeTinyClasses();
  writeFileSync(at('my.yaml'), CONFIG);
  const args = ['train', at('my.yaml'), '--data', data, '--out', at('run'), '--seed', '3'];
  const { code, stderr } = cli(args);
  expect(code, stderr).toBe(0);
}, 120_000);
afterAll(() => [folder, data].forEach((path) => rmSync(path, { recursive: true })));

test('a run leaves its configuration with sources, events, scores and a report', () => {
  const stored = JSON.parse(readFileSync(at('run', 'config.json'), 'utf8')) as {
    recipe: string;
    seed: number;
    sources: Record<string, string>;
  };
  expect(stored).toMatchObject({ recipe: 'classify', seed: 3 });
  expect(stored.sources['batchSize']).toBe(at('my.yaml'));
  expect(stored.sources['lr']).toBe('recipe classify');
  const files = readdirSync(at('run'));
  expect(files.some((file) => file.startsWith('events.out.tfevents.'))).toBe(true);
  expect(files).toEqual(expect.arrayContaining(['evaluation.json', 'result.json', 'report.html']));
  const html = readFileSync(at('run', 'report.html'), 'utf8');
  for (const part of [
    'Confusion matrix',
    'Precision and recall',
    'data:image/jpeg;base64,',
    'class2',
  ])
    expect(html).toContain(part);
});

test('every evaluation leaves its sample pictures in the events; the last ones are in the folder and the report', () => {
  const files = readdirSync(at('run', 'samples')).sort();
  expect(files).toEqual([...[1, 2, 3, 4].map((i) => `image-${i}.jpg`), 'samples.json']);
  const [events] = readdirSync(at('run')).filter((file) => file.startsWith('events.'));
  const text = readFileSync(at('run', events), 'latin1');
  expect(text.split('samples/image-1').length - 1).toBe(4); // four epochs
  const last = readFileSync(at('run', 'samples', 'image-1.jpg'));
  expect(text).toContain(last.toString('latin1'));
  const html = readFileSync(at('run', 'report.html'), 'utf8');
  expect(html).toContain('Samples of step 12');
  expect(html).toContain(last.toString('base64'));
});

test('a run is repeated from its folder with the same bits', () => {
  const args = ['train', at('run'), '--out', at('again'), '--no-report'];
  const { code, stderr } = cli(args);
  expect(code, stderr).toBe(0);
  expect(weights('again').equals(weights('run'))).toBe(true);
  expect(existsSync(at('again', 'evaluation.json'))).toBe(false);
}, 120_000);

test('a run is gone on from without the flags of its start, with the same bits', () => {
  const start = ['train', at('my.yaml'), '--data', data, '--out', at('part'), '--seed', '3'];
  cli([...start, '--steps', '6', '--no-report']);
  const rest = ['train', 'classify', '--out', at('part'), '--resume', '--no-report'];
  const { code, stderr } = cli(rest);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('resuming at step 6');
  expect(weights('part').equals(weights('run'))).toBe(true);
  expect(cli([...rest, '--seed', '4']).stderr).toMatch(/--seed: expected 3, the seed/);
  const other = ['train', 'fcmae-atto', '--out', at('part'), '--resume'];
  expect(cli(other).stderr).toMatch(/expected recipe classify, .* got fcmae-atto/);
}, 120_000);

test('changes for the rest of a run are told', () => {
  const args = ['train', 'classify', '--out', at('again'), '--resume', '--set', 'epochs=5'];
  const { code, stderr } = cli([...args, '--no-report']);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('changed for the rest of the run: epochs from 4 to 5');
}, 120_000);

test('precision and recall after each score, equal scores together', () => {
  expect(precisionRecall([0.9, 0.5, 0.5, 0.1], [true, false, true, true])).toEqual([
    [1 / 3, 1],
    [2 / 3, 2 / 3],
    [1, 3 / 4],
  ]);
  expect(precisionRecall([], [])).toEqual([]);
  expect(precisionRecall([1], [false])).toEqual([]);
});

test('the best and the worst images are never the same', () => {
  const items = (...scores: readonly number[]): { item: number; score: number }[] =>
    scores.map((score) => ({ item: score, score }));
  expect(bestAndWorst(items())).toEqual({ best: [], worst: [] });
  expect(bestAndWorst(items(1))).toEqual({ best: [1], worst: [] });
  expect(bestAndWorst(items(1, 3, 2))).toEqual({ best: [3], worst: [1] });
  const many = bestAndWorst(items(...Array.from({ length: 40 }, (_, i) => i)));
  expect(many.best).toEqual([39, 38, 37, 36, 35, 34]);
  expect(many.worst).toEqual([0, 1, 2, 3, 4, 5]);
});
