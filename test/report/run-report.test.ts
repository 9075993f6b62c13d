import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { compareRuns, comparisonTable, writeComparison } from '../../report/compare-runs.js';
import type { RunEvaluation } from '../../report/evaluation-document.js';
import { chartGrid, confusionCard, tableCard } from '../../report/page/blocks.js';
import { readMetrics } from '../../io/run-folder.js';
import { writeReport } from '../../report/run-report.js';
import { writeSamples } from '../../report/samples.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const trainLine = (step: number, loss: number): string =>
  JSON.stringify({
    kind: 'train',
    step,
    epoch: step / 10,
    lr: 0.001,
    losses: { loss, top1: 0.5 },
    gradientNorm: 2,
    imagesPerSecond: 20 + step,
    dataWait: 0.25,
    rssBytes: 3 * 2 ** 20,
  });
const evalLine = (step: number, top1: number): string =>
  JSON.stringify({ kind: 'eval', step, epoch: 1, which: 'weights', metrics: { top1, count: 5 } });

function writeRun(name: string, lines: readonly string[], lr = 0.001): string {
  const run = join(folder, name);
  mkdirSync(run);
  writeFileSync(join(run, 'metrics.jsonl'), `${lines.join('\n')}\n`);
  const config = {
    recipe: 'classify',
    data: '/data/<cats & dogs>',
    seed: 7,
    weights: null,
    weightsSha256: null,
    config: { lr, layers: { kind: 'uniform' } },
    sources: { lr: '--set lr', 'layers.kind': 'recipe classify' },
    environment: { node: 'v20', processor: 'a "fast" one' },
  };
  writeFileSync(join(run, 'config.json'), JSON.stringify(config));
  return run;
}

function writeFindings(run: string): void {
  const png = new PNG({ width: 2, height: 1 });
  mkdirSync(join(run, 'pictures'));
  writeFileSync(join(run, 'pictures', 'worst-1.png'), PNG.sync.write(png));
  const findings: RunEvaluation = {
    step: 10,
    which: 'ema',
    scope: 'all 5 val images',
    metrics: { top1: 0.8, count: 5 },
    tables: [
      { title: 'Every class', columns: ['class', 'recall', 'none'], rows: [['cat', 12.5, null]] },
    ],
    charts: [
      {
        title: 'PR',
        xLabel: 'recall',
        yLabel: 'precision',
        series: [
          {
            name: 'cat',
            points: [
              [0, 1],
              [1, 0.5],
            ],
          },
        ],
      },
    ],
    bars: [
      { title: 'Mistakes', bars: [{ name: 'cat taken for dog', value: 2, text: '2 (40 %)' }] },
    ],
    confusion: [
      {
        title: 'Confusion',
        rowTitle: 'true',
        columnTitle: 'found',
        rows: ['cat', 'dog'],
        columns: ['cat', 'dog'],
        counts: [
          [3, 1],
          [0, 0],
        ],
      },
    ],
    pictures: [
      {
        title: 'Worst',
        size: 'small',
        items: [{ file: 'pictures/worst-1.png', caption: '<b>cat</b>' }],
      },
    ],
    data: [{ title: 'Images a class', bars: [{ name: 'cat', value: 4, text: '4' }] }],
  };
  writeFileSync(join(run, 'evaluation.json'), JSON.stringify(findings));
  const result = {
    step: 10,
    ended: 'finished',
    seconds: { training: 12.34 },
    cpuSeconds: 20,
    peakMemoryBytes: 5 * 2 ** 20,
  };
  writeFileSync(join(run, 'result.json'), JSON.stringify(result));
}

test('a report shows everything that the run left, and needs neither script nor another file', () => {
  const run = writeRun('run', [trainLine(5, 2), trainLine(10, 1), evalLine(10, 0.8)]);
  writeFindings(run);
  const html = readFileSync(writeReport(run), 'utf8');
  for (const part of [
    'Run run',
    'Recipe <b>classify</b>; 10 steps, 1 epochs (finished)',
    'Scores on all 5 val images, with the moving average of the weights of step 10.',
    '<b>80.0 %</b><span>top-1 accuracy</span>',
    'Every class',
    'cat taken for dog',
    'Images a class',
    '--set lr',
    '1 values of recipe classify',
    'a &quot;fast&quot; one',
    '/data/&lt;cats &amp; dogs&gt;',
    '12.3 s',
    '5 MiB',
    'data:image/png;base64,',
    '&lt;b&gt;cat&lt;/b&gt;',
    'prefers-color-scheme: dark',
  ])
    expect(html).toContain(part);
  expect(html.match(/<svg[^>]*class="chart"/g)?.length).toBe(6); // five curves, one of the findings
  expect(html).not.toMatch(/<script|<link rel="stylesheet"|src="(?!data:)|url\((?!data:)/);
  expect([...html.matchAll(/https?:\/\/[^"\s]*/g)].map(([url]) => url)).toSatisfy(
    (urls: string[]) => urls.every((url) => url === 'http://www.w3.org/2000/svg'),
  );
});

test('a run that went on after its evaluation has the scores of the last one, and says so', () => {
  const run = writeRun('run', [trainLine(10, 1), evalLine(10, 0.8)]);
  writeFindings(run);
  const file = join(run, 'evaluation.json');
  const findings = JSON.parse(readFileSync(file, 'utf8')) as object;
  const page = (): string => readFileSync(writeReport(run), 'utf8');
  writeFileSync(file, JSON.stringify({ ...findings, atStep: 10, verdict: 'good' }));
  expect(page()).toContain('<p class="verdict">Good.');
  appendFileSync(join(run, 'metrics.jsonl'), [trainLine(20, 1), evalLine(20, 0.9)].join('\n'));
  expect(page()).toContain('<p class="verdict">Top-1 accuracy 90.0 % at step 20.');
  expect(page()).toContain(
    'Scores are those of the evaluation at step 20. Tables and pictures are older, of 10 steps: on all 5 val images',
  );
  expect(page()).toContain('<b>90.0 %</b><span>top-1 accuracy</span>');
});

test('the verdict comes first, the curves after all scores and pictures', () => {
  const run = writeRun('run', [trainLine(5, 2), trainLine(10, 1), evalLine(10, 0.8)]);
  writeFindings(run);
  const verdict = (): string =>
    /<h1>.*<\/h1>\n<p class="verdict">(.*?)<\/p>/.exec(
      readFileSync(writeReport(run), 'utf8'),
    )?.[1] ?? '';
  expect(verdict()).toBe('Top-1 accuracy 80.0 % on all 5 val images.'); // without one in evaluation.json
  const edit = (name: string, change: object): void => {
    const file = join(run, name);
    const old = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...old, ...change }));
  };
  edit('evaluation.json', { verdict: 'AP50 is <high>' });
  edit('result.json', { ended: 'stopped at step 10 of 20: its time was over' });
  expect(verdict()).toBe('AP50 is &lt;high&gt;. Stopped at step 10 of 20: its time was over.');
  edit('result.json', { ended: 'interrupted' });
  expect(verdict()).toMatch(/Interrupted at step 10: train with --resume to go on\.$/);
  edit('result.json', { ended: 'stopped by --steps' });
  edit('config.json', { config: { epochs: 2 } });
  expect(verdict()).toMatch(/Stopped at step 10 of 20, as --steps asked: train with --resume/);
  edit('result.json', { ended: 'interrupted' });
  edit('config.json', { config: { epochs: 2 } });
  expect(verdict()).toMatch(/Interrupted at step 10 of 20: train with --resume to go on\.$/);
  edit('config.json', { length: { layout: { steps: 40 } } });
  expect(verdict()).toMatch(/Interrupted at step 10 of 40: /);
  rmSync(join(run, 'result.json'));
  expect(verdict()).toMatch(/Not finished: the last record is of step 10 of 40\.$/);
  const html = readFileSync(writeReport(run), 'utf8');
  const order = [...html.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id);
  const before = ['scores', 'pictures', 'mistakes', 'data', 'curves'];
  expect(order).toEqual([...before, 'configuration', 'environment']);
  expect(html.indexOf('aria-label="PR"')).toBeGreaterThan(html.indexOf('<section id="curves"'));
});

test('charts of one point or of zeros only are not drawn', () => {
  const chart = (...points: (readonly [number, number])[]): string =>
    chartGrid([{ title: 'T', xLabel: 'x', yLabel: 'y', series: [{ name: 'a', points }] }]);
  for (const empty of [
    chart(),
    chart([1, 0.5]),
    chart([0, 0], [1, 0], [2, 0]),
    chart([0, NaN], [1, 3]),
    chart([1, 2], [1, 3]),
  ])
    expect(empty).toBe('');
  expect(chart([0, 0], [1, 0.1])).toContain('<svg');
  expect(chart([0, 2], [1, 2])).toContain('<svg');
});

test('the samples of the last evaluation are shown, also while it trains', () => {
  const run = writeRun('run', [trainLine(5, 2), evalLine(5, 0.8), trainLine(10, 2)]);
  mkdirSync(join(run, 'samples'));
  writeFileSync(join(run, 'samples', 'a.png'), PNG.sync.write(new PNG({ width: 2, height: 1 })));
  const items = [{ file: 'samples/a.png', caption: '<a>: 2 detected' }];
  writeSamples(run, { title: 'Samples', note: 'left, right', size: 'wide', items });
  const html = readFileSync(writeReport(run), 'utf8');
  for (const part of [
    'Samples of step 5',
    'left, right',
    '&lt;a&gt;: 2 detected',
    'image/png;base64',
  ])
    expect(html).toContain(part);
});

test('a run that still trains has a report of its curves', () => {
  const html = readFileSync(
    writeReport(writeRun('run', [trainLine(5, 2), trainLine(10, 1)])),
    'utf8',
  );
  expect(html).toContain('id="curves"');
  expect(html).toContain(
    '<p class="verdict">Training loss from 2 to 1; not evaluated yet. Not finished: the last record is of step 10.</p>',
  );
  expect(html).not.toContain('id="scores"');
  expect(html).not.toContain('id="pictures"');
});

test('what is no run, or has lost a picture, is rejected by name', () => {
  expect(() => writeReport(folder)).toThrow(DataError);
  expect(() => writeReport(folder)).toThrow(/expected a run folder with metrics\.jsonl, got none/);
  const run = writeRun('run', [trainLine(5, 2)]);
  writeFindings(run);
  rmSync(join(run, 'pictures'), { recursive: true });
  expect(() => writeReport(run)).toThrow(/worst-1\.png: expected a picture/);
  writeFileSync(join(run, 'evaluation.json'), '{');
  expect(() => writeReport(run)).toThrow(/evaluation\.json: expected the report of an evaluation/);
});

test('truncated lines are left out and the records of a resumed run replace those of the killed one', () => {
  const run = writeRun('run', [
    trainLine(5, 2),
    trainLine(10, 1),
    evalLine(10, 0.5),
    trainLine(15, 0.9),
    '{"kind":"train","st',
    trainLine(10, 1.5),
    evalLine(10, 0.6),
  ]);
  const records = readMetrics(run);
  expect(records.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
    'train 5',
    'train 10',
    'eval 10',
  ]);
  expect(records[1]).toMatchObject({ losses: { loss: 1.5 } });
  expect(records[2]).toMatchObject({ metrics: { top1: 0.6 } });
});

test('runs are compared by best scores, speed and the settings that differ', () => {
  const a = writeRun('a', [trainLine(5, 2), evalLine(5, 0.9), trainLine(10, 1), evalLine(10, 0.8)]);
  const b = writeRun('b', [trainLine(5, 3)], 0.002);
  const comparison = compareRuns([a, b]);
  expect(comparisonTable(comparison)).toMatchObject({
    columns: ['run', 'steps', 'epochs', 'images/s', 'last loss', 'best top1, %'],
    rows: [
      [a, 10, 1, 30, 1, 90],
      [b, 5, 0.5, 25, 3, null],
    ],
  });
  expect(comparison.differences).toEqual([{ path: 'lr', values: ['0.001', '0.002'] }]);
  writeComparison(join(folder, 'compare.html'), comparison);
  const page = readFileSync(join(folder, 'compare.html'), 'utf8');
  expect(page).toContain('Settings that differ');
  // A run is a column there.
  expect(page).toContain(
    '<tr><td>best top-1 accuracy, %</td><td class="n">90</td><td class="n"></td></tr>',
  );
  expect(() => compareRuns([join(folder, 'none')])).toThrow(DataError);
});

test('two classes of one name are told apart: one taken for the other is a mistake', () => {
  const names = Array.from({ length: 30 }, (_, k) => (k < 2 ? 'crane' : `class ${k}`));
  const counts = names.map((_, r) => names.map((_, c) => (r === 0 && c === 1 ? 7 : 0)));
  const labels = { title: 'C', rowTitle: 'true', columnTitle: 'found' };
  const listed = confusionCard({ ...labels, rows: names, columns: names, counts });
  expect(listed).toContain('<td>crane</td><td>crane</td><td class="n">7</td>');
  const [rows, columns] = [names.slice(0, 2), names.slice(0, 2)];
  const matrix = confusionCard({
    ...labels,
    rows,
    columns,
    counts: [
      [1, 2],
      [3, 4],
    ],
  });
  expect(matrix.match(/<td class="v\d+ d"/g)).toHaveLength(2);
});

test('a large confusion matrix becomes a list of mistakes, most frequent first; empty columns go', () => {
  const names = Array.from({ length: 30 }, (_, k) => `class ${k}`);
  const counts = names.map((_, r) =>
    names.map((_, c) => (r === c ? 9 : r === 3 && c === 4 ? 2 : r === 1 && c === 2 ? 5 : 0)),
  );
  const html = confusionCard({
    title: 'C',
    rowTitle: 'true',
    columnTitle: 'found',
    rows: names,
    columns: names,
    counts,
  });
  expect(html.indexOf('class 1<')).toBeGreaterThan(0);
  expect(html.indexOf('class 1<')).toBeLessThan(html.indexOf('class 3<'));
  expect(html).not.toContain('class 9<');
  expect(tableCard({ title: 'T', columns: ['a', 'b'], rows: [[1, null]] })).not.toContain('>b<');
});
