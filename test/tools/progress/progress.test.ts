import { describe, expect, test } from 'vitest';
import { formatDuration } from '../../../core/duration.js';
import { formatBytes, formatValue } from '../../../tools/progress/status.js';
import type { TrainRecord } from '../../../tools/progress/status.js';
import { ProgressView } from '../../../tools/progress/view.js';
import type { LogRecord } from '../../../train/log-record.js';

const train = (step: number): TrainRecord => ({
  kind: 'train',
  step,
  epoch: step / 10,
  lr: 1e-3,
  losses: { loss: 0.625, boxLoss: 0.25 },
  gradientNorm: 1,
  imagesPerSecond: 12.5,
  dataWait: 0.034,
  rssBytes: 812 * 2 ** 20,
});
const evaluation = (
  step: number,
  top1: number,
  which: 'weights' | 'ema' = 'weights',
): LogRecord => ({
  kind: 'eval',
  step,
  epoch: step / 10,
  which,
  metrics: { top1 },
});

/** Content of a terminal of any height after all output. */
function screen(written: string): string[] {
  let lines: string[] = [''];
  for (const part of written.split(/(\x1b\[\d+A\x1b\[0J|\n)/)) {
    const up = /^\x1b\[(\d+)A/.exec(part);
    if (up) lines = [...lines.slice(0, lines.length - 1 - Number(up[1])), ''];
    else if (part === '\n') lines.push('');
    else lines[lines.length - 1] += part;
  }
  return lines;
}

function watch(
  isTTY: boolean,
  columns = 80,
): {
  view: { record: (record: LogRecord) => void; note: (line: string) => void };
  text: () => string;
  tick: (ms: number) => void;
} {
  let [text, ms] = ['', 0];
  const stream = { isTTY, columns, write: (part: string) => void (text += part) };
  const view = new ProgressView(stream, { now: () => ms });
  const shown = {
    record: (record: LogRecord) => view.record(record, 100),
    note: (line: string) => view.note(line),
  };
  return { view: shown, text: () => text, tick: (more) => void (ms += more) };
}

describe('the view', () => {
  test('without a terminal writes a plain line a record, with the time left from the second on', () => {
    const { view, text, tick } = watch(false);
    view.record(train(10));
    tick(20_000);
    view.record(train(20));
    view.record(evaluation(20, 0.5));
    expect(text()).toBe(
      'train  step 10/100  epoch 1.00  loss 0.6250  boxLoss 0.2500  lr 1.00e-3  12.5 images/s  wait 3 %  812 MiB\n' +
        'train  step 20/100  epoch 2.00  loss 0.6250  boxLoss 0.2500  lr 1.00e-3  12.5 images/s  wait 3 %  812 MiB  2 min 40 s left\n' +
        'eval   step 20  weights: top1 0.5000\n',
    );
  });

  test('without a number of steps, until a run for a time is laid out, names none and no time left', () => {
    let text = '';
    const view = new ProgressView(
      { write: (part: string) => void (text += part) },
      { now: () => 0 },
    );
    view.record(train(10), Infinity);
    view.record(train(11), Infinity);
    expect(text).toMatch(
      /^train {2}step 10 {2}epoch[^\n]*MiB\ntrain {2}step 11 {2}epoch[^\n]*MiB\n$/,
    );
  });

  test('on a terminal draws over its lines and keeps evaluations and notes above them', () => {
    const { view, text, tick } = watch(true);
    view.record(train(10));
    tick(5000);
    view.record(evaluation(10, 0.5));
    view.record(train(20));
    view.note('a note');
    view.record(train(30));
    const lines = screen(text());
    expect(lines.length).toBe(6);
    expect(lines[0]).toBe('eval   step 10  weights: top1 0.5000');
    expect(lines[1]).toBe('a note');
    expect(lines[2]).toMatch(/^━+─+ {2}step 30 of 100 · epoch 3.00 · .* left$/);
    expect(lines[3]).toBe('loss 0.6250  boxLoss 0.2500  lr 1.00e-3');
    expect(lines[4]).toBe('12.5 images/s · waiting for data 3 % · memory 812 MiB · 5 s so far');
  });

  test('no line is wider than the terminal', () => {
    const { view, text } = watch(true, 30);
    view.record(train(10));
    for (const line of screen(text())) expect(line.length).toBeLessThan(30);
  });
});

test.each([
  [0, '0 s'],
  [89.4, '89 s'],
  [91, '1 min 30 s'],
  [116, '2 min'],
  [595, '10 min'],
  [754, '13 min'],
  [5400, '1 h 30 min'],
  [NaN, '?'],
])('%s seconds read %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test('values and bytes are short', () => {
  expect([0.5, 3, 1.23456e-5, 123456.7, NaN].map(formatValue)).toEqual([
    '0.5000',
    '3',
    '1.23e-5',
    '1.23e+5',
    'NaN',
  ]);
  expect([2 ** 20, 1.5 * 2 ** 30].map(formatBytes)).toEqual(['1 MiB', '1.5 GiB']);
});
