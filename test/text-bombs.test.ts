import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DataError } from '../core/errors.js';
import { nearestWord } from '../core/nearest-word.js';
import { yoloImages } from '../datasets/annotations/yolo.js';
import { yoloYamlLayout } from '../datasets/layout/yolo.js';
import { readCsvBoxes } from '../io/csv/boxes.js';
import { parseCsvRows, type CsvRow } from '../io/csv/parse.js';
import { readVocFile } from '../io/voc/read.js';
import { parseYaml } from '../io/yaml/parse.js';
import { confusionCard } from '../report/page/blocks.js';
import { readMetrics } from '../io/run-folder.js';
import { temporaryFolder } from './helpers/temporary-folder.js';
import { within } from './helpers/within.js';

const { folder, put } = temporaryFolder();

test('XML with a long name around many elements', () => {
  const name = 'n'.repeat(500_000);
  const voc = `<annotation><${name}>${Array.from({ length: 50_000 }, (_, i) => `<a${i}/>`).join('')}</${name}></annotation>`;
  expect(() => readVocFile(Buffer.from(voc), 'a.xml')).toThrow(
    'a.xml: line 1: expected names of elements of at most 200 characters, got 500000',
  );
});

test('YAML that is long, with many anchors, and with many errors in a line', async () => {
  const pairs = Array.from({ length: 3000 }, (_, i) => `&a${i} 1, *a${i}`).join(', ');
  expect(() => parseYaml(`a: [${pairs}]`)).toThrow('more than 5000 anchors and aliases');
  const errors = `a: [${'@,'.repeat(20_000)}]`;
  await within(4, () => expect(() => parseYaml(errors)).toThrow('Plain value cannot start'));
  expect(() => parseYaml('a'.repeat(2 ** 21 + 1))).toThrow('2097153 characters (at most 2097152)');
});

test('tables with endless rows', () => {
  expect(() => readCsvBoxes(Buffer.from(','.repeat(1_000_000)), 'a.csv')).toThrow(
    'a.csv: line 1: expected at most 1000 fields in a row, got more',
  );
  const rows: CsvRow[] = [];
  const { problem } = parseCsvRows('a\nb\nc\nd\n', (row) => rows.push(row), 3);
  expect(rows.length).toBe(3);
  expect(problem).toEqual({ line: 4, message: 'expected at most 3 rows, got more' });
});

test('paths with more parts than a system allows', async () => {
  const path = 'a/'.repeat(300_000);
  const yaml = await put('data.yaml', `train: /${path}\nnames: [x]\n`);
  await expect(yoloYamlLayout(yaml)).rejects.toThrow(DataError);
  const list = await put('list.txt', `${path}b.jpg\n`);
  expect(await yoloImages({ format: 'yolo', annotations: folder, list })).toEqual([]);
});

test('records of a run that are empty lines, or have endless names', async () => {
  await put('metrics.jsonl', '\n'.repeat(3_000_000));
  await within(3, () => expect(readMetrics(folder)).toEqual([]));
  writeFileSync(`${folder}/metrics.jsonl`, 'x\n'.repeat(20_000));
  expect(() => readMetrics(folder)).toThrow('got more than 10000 lines that are no JSON');
  const metrics = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`top${i}`, 1]));
  const record = { kind: 'eval', step: 1, epoch: 1, which: 'weights', metrics };
  writeFileSync(`${folder}/metrics.jsonl`, JSON.stringify(record));
  expect(() => readMetrics(folder)).toThrow('expected at most 1000 names of losses and scores');
});

test('the most frequent mistakes of many classes, the first ones of equal counts', () => {
  const names = Array.from({ length: 800 }, (_, i) => `c${i}`);
  const counts = names.map((_, r) => names.map((_, c) => (r === 7 && c === 9 ? 5 : 1)));
  const card = confusionCard({
    title: 't',
    rowTitle: 'r',
    columnTitle: 'c',
    rows: names,
    columns: names,
    counts,
  });
  expect(card.match(/<tr>/g)?.length).toBe(41);
  expect(card).toMatch(
    /<td>c7<\/td><td>c9<\/td><td class="n">5<\/td><\/tr><tr><td>c0<\/td><td>c1</,
  );
});

test('long words and messages', () => {
  const word = 'x'.repeat(3_000_000);
  expect(nearestWord(word, ['crop', 'warp'])).toBe('crop');
  const { message } = new DataError(`a.json: expected X, got ${word}; do this`);
  expect(message.length).toBeLessThan(11_000);
  expect(message).toMatch(/^a\.json: expected X, got x+ … x+; do this$/);
});
