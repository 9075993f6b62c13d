import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { encodeLabelPng } from '../../../io/png/write.js';
import { dataFolder } from '../../helpers/data-folder.js';
import { runInProcess } from '../../helpers/in-process.js';

const { at, write } = dataFolder();
const CLASSES = ['cat', 'dog', 'cow'];
const json = (lines: readonly object[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

interface Scored {
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly counts: { readonly classes: number };
  readonly warnings: readonly string[];
}

async function scored(...args: readonly string[]): Promise<Scored> {
  const { code, stdout, stderr } = await runInProcess(['score', ...args, '--json']);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Scored;
}

async function refused(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await runInProcess(['score', ...args]);
  expect(code).toBe(2);
  return stderr;
}

/** Two images right in the order of the results (cow, cat, dog), one wrong. */
function results(names: readonly string[] = ['cow', 'cat', 'dog']): string {
  const top = (...order: number[]): object[] =>
    order.map((classIndex) => ({ classIndex, name: names[classIndex], probability: 0.3 }));
  return write('results/predictions.json', {
    model: 'm',
    classes: names,
    predictions: [
      { file: 'x/a.jpg', top: top(1, 0, 2) },
      { file: 'b c.jpg', top: top(0, 1, 2) },
      { file: 'd.jpg', top: top(2, 1, 0) },
    ],
  });
}
const listed = (names: readonly string[] = CLASSES): string =>
  write('classes.txt', names.map((name) => `${name}\n`).join(''));

test('imagenet: labels are names of classes, in JSON or lines, also of files with blanks', async () => {
  const dt = results();
  for (const gt of [
    write('gt.txt', 'a.jpg cat\nb c.jpg cow\nd.jpg cow\n'),
    write('gt.csv', 'a.jpg,cat\nb c.jpg,cow\nd.jpg,cow\n'),
    write('gt.json', { 'a.jpg': 'cat', 'b c.jpg': 'cow', 'd.jpg': 'cow' }),
    write('list.json', [
      { file: 'a.jpg', label: 'cat' },
      { file: 'b c.jpg', class: 'cow' },
      { file: 'd.jpg', index: 0 },
    ]),
  ]) {
    const { metrics, counts, warnings } = await scored('imagenet', '--dt', dt, '--gt', gt);
    expect([metrics['top1'], counts.classes, warnings]).toEqual([2 / 3, 3, []]);
  }
});

test('imagenet: the same names in another order are mapped, and it is said', async () => {
  const gt = write('gt.txt', 'a.jpg 0\nb c.jpg 2\nd.jpg 2\n'); // cat, cow, cow
  const dt = results();
  const { metrics, warnings } = await scored(
    ...['imagenet', '--dt', dt, '--gt', gt, '--classes', listed()],
  );
  expect(metrics['top1']).toBe(2 / 3);
  expect(warnings).toEqual([`${dt}: classes in another order than in the labels, mapped by name`]);
});

test('imagenet: logits have the order of --dt-classes; classes that they lack are never right', async () => {
  const names = write('dt.txt', 'cow\ncat\n');
  const dt = write(
    'r.jsonl',
    json([
      { file: 'a', label: 'cat', logits: [0, 5] },
      { file: 'b', label: 'cow', logits: [7, 5] },
      { file: 'c', label: 'dog', logits: [7, 5] },
      { file: 'd', label: 0, logits: [1, 2] },
    ]),
  );
  const { metrics } = await scored(
    ...['imagenet', '--dt', dt, '--classes', listed(), '--dt-classes', names],
  );
  expect(metrics['top1']).toBe(3 / 4);
  expect(await refused('imagenet', '--dt', dt, '--classes', listed())).toContain(
    'expected 3 logits, one for each class of the labels, got 2; --dt-classes FILE',
  );
});

test('imagenet: names beside the classes of a result are compared where no list is', async () => {
  const at0 = (classIndex: number, name: string): object => ({ classIndex, name });
  const line = { file: 'a', label: 0, top: [at0(1, 'cat'), at0(0, 'dog'), at0(2, 'cow')] };
  const dt = write('r.jsonl', json([line]));
  const { metrics, warnings } = await scored('imagenet', '--dt', dt, '--classes', listed());
  expect(metrics['top1']).toBe(1);
  expect(warnings).toEqual([expect.stringContaining('mapped by name')]);
  const foreign = write('r.jsonl', json([{ ...line, top: [at0(1, 'horse')] }]));
  expect(await refused('imagenet', '--dt', foreign, '--classes', listed())).toContain(
    'r.jsonl:1: expected one of the 3 classes of the labels, got "horse"',
  );
});

test('imagenet: a foreign class is refused with the difference, a label without a list, too', async () => {
  const gt = write('gt.txt', 'a.jpg 0\nb c.jpg 2\nd.jpg 2\n');
  const dt = results(['cow', 'horse', 'dog']);
  expect(await refused('imagenet', '--dt', dt, '--gt', gt, '--classes', listed())).toContain(
    'expected the 3 classes of the labels, got 3: "horse" is none of them',
  );
  const named = write('named.txt', 'a.jpg cat\n');
  const plain = write('r.jsonl', json([{ file: 'a.jpg', top: [0, 1, 2] }]));
  expect(await refused('imagenet', '--dt', plain, '--gt', named, '--num-classes', '3')).toContain(
    'expected a class index, or --classes FILE with the names, got "cat"',
  );
  expect(
    await refused('imagenet', '--dt', plain, '--classes', listed(), '--num-classes', '4'),
  ).toContain('--num-classes: expected the 3 classes of');
});

test('imagenet: WordNet ids are the labels of results with names of ImageNet', async () => {
  const top = ['n01443537', 'n01440764'].map((name, i) => ({ classIndex: 1 - i, name }));
  const dt = write('r.jsonl', json([{ file: 'é.jpg', top }]));
  const names = write('wnids.txt', 'n01440764 tench\nn01443537 goldfish\n');
  const gt = write('gt.txt', 'é.jpg n01443537\n'.normalize('NFD'));
  const { metrics } = await scored('imagenet', '--dt', dt, '--gt', gt, '--classes', names);
  expect(metrics['top1']).toBe(1);
});

function labelMap(path: string, ...labels: number[]): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  write(path, encodeLabelPng({ width: labels.length, height: 1, data: Uint8Array.from(labels) }));
}

test('ade20k: predictions beside classes.json are found by name among the classes of the labels', async () => {
  labelMap('gt/é.png'.normalize('NFD'), 0, 1, 2, 255);
  labelMap('out/labels/é.png'.normalize('NFC'), 1, 2, 0, 0);
  const file = write(
    'out/classes.json',
    ['cow', 'cat', 'dog'].map((name, index) => ({ index, name, colour: '#000000' })),
  );
  const common = ['ade20k', '--gt', at('gt'), '--dt', at('out/labels'), '--no-reduce-zero-label'];
  const { metrics, warnings } = await scored(...common, '--classes', listed());
  expect([metrics['mIoU'], metrics['aAcc']]).toEqual([1, 1]);
  expect(warnings).toEqual([
    `${file}: classes in another order than in the labels, mapped by name`,
  ]);
  // Without names of the labels there is nothing to compare.
  const plain = await scored(...common, '--num-classes', '3');
  expect([plain.metrics['aAcc'], plain.warnings]).toEqual([0, []]);
  write('out/classes.json', ['cow', 'cat', 'horse']);
  expect(await refused(...common, '--classes', listed())).toContain(
    'classes.json: expected the 3 classes of the labels, got 3: "horse" is none of them',
  );
  // The 150 classes of ADE20K are assumed where no number is given.
  expect(await refused(...common)).toContain('expected the 150 classes of the labels, got 3');
  const own = write('own.txt', 'cow\ncat\ndog\n');
  const given = await scored(...common, '--classes', listed(), '--dt-classes', own);
  expect(given.metrics['aAcc']).toBe(1);
});

test('ade20k: labels from 1 on, and predictions numbered as they are', async () => {
  labelMap('gt/a.png', 0, 1, 2, 3);
  labelMap('dt/a.png', 2, 2, 3, 1); // cat is 2, dog 3, cow 1
  const dt = write('dt.txt', 'cow\ncat\ndog\n');
  const { metrics } = await scored(
    ...['ade20k', '--gt', at('gt'), '--dt', at('dt'), '--classes', listed(), '--dt-classes', dt],
  );
  expect(metrics['aAcc']).toBe(1);
});
