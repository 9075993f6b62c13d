import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InputError } from '../../core/errors.js';
import { compareRuns, writeComparison } from '../../report/compare-runs.js';
import { writeReport } from '../../report/run-report.js';

/** A run folder that somebody sent: nothing of it is trusted. */

type Json = Record<string, unknown>;
let root: string;
let run: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-foreign-'));
  run = join(root, 'run');
  mkdirSync(join(run, 'samples'), { recursive: true });
  const png = PNG.sync.write(new PNG({ width: 2, height: 1 }));
  for (const file of ['secret.png', 'run/own.png']) writeFileSync(join(root, file), png);
  writeFileSync(join(root, 'secret.txt'), 'the secret');
  for (const [file, content] of Object.entries(FILES)) write(file, content);
  writeFileSync(join(run, 'metrics.jsonl'), RECORDS.map((r) => JSON.stringify(r)).join('\n'));
});
afterEach(() => rmSync(root, { recursive: true }));
const write = (file: string, content: unknown): void =>
  writeFileSync(join(run, file), JSON.stringify(content));

const EVIL = `"><script>alert(1)</script>'\u001b[2J\u202e`;
const RECORDS: readonly Json[] = [
  {
    kind: 'train',
    step: 1,
    epoch: 0.5,
    lr: 0.1,
    losses: { loss: 1, [EVIL]: 2 },
    gradientNorm: 1,
    imagesPerSecond: 1,
    dataWait: 0,
    rssBytes: 1,
  },
  { kind: 'eval', step: 1, epoch: 1, which: 'weights', metrics: { top1: 0.5, [EVIL]: 1 } },
];
const table = { title: EVIL, note: EVIL, columns: [EVIL, 'n'], rows: [[EVIL, 1]] };
const pictures = { title: EVIL, size: 'wide', items: [{ file: 'own.png', caption: EVIL }] };
const EVALUATION = {
  step: 1,
  which: 'ema',
  scope: EVIL,
  metrics: { top1: 0.5, [EVIL]: 1 },
  tables: [table],
  charts: [
    {
      title: EVIL,
      xLabel: EVIL,
      yLabel: EVIL,
      series: [
        {
          name: EVIL,
          points: [
            [0, 1],
            [1, null],
          ],
        },
      ],
    },
  ],
  bars: [{ title: EVIL, bars: [{ name: EVIL, value: 1, text: EVIL }] }],
  confusion: [
    {
      title: EVIL,
      rowTitle: EVIL,
      columnTitle: EVIL,
      rows: [EVIL, 'b'],
      columns: [EVIL, 'b'],
      counts: [
        [3, 1],
        [0, 2],
      ],
    },
  ],
  pictures: [pictures],
  data: [table, { title: EVIL, bars: [] }],
};
const FILES: Readonly<Record<string, Json>> = {
  'evaluation.json': EVALUATION,
  'config.json': {
    recipe: EVIL,
    data: EVIL,
    seed: 1,
    weights: EVIL,
    weightsSha256: EVIL,
    config: { [EVIL]: EVIL, a: { b: 1 } },
    sources: { [EVIL]: EVIL },
    environment: { [EVIL]: EVIL },
  },
  'result.json': {
    step: 1,
    ended: EVIL,
    seconds: { [EVIL]: 1 },
    cpuSeconds: 1,
    peakMemoryBytes: 1,
  },
  'samples/samples.json': pictures,
};

test('nothing of a foreign run becomes markup or a control character, and the page allows only its own styles', () => {
  const out = join(root, 'compared.html');
  writeComparison(out, compareRuns([run, run]));
  for (const file of [writeReport(run), out]) {
    const html = readFileSync(file, 'utf8');
    expect(html).not.toMatch(/<script|\u001b|\u202e| on\w+=| style=/);
    expect(html).toContain("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;'\\u001b[2J\\u202e");
    const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html)?.[1];
    const [, style] = /<style>([\s\S]*)<\/style>/.exec(html) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(policy).toBe(
      `default-src 'none'; img-src data:; style-src 'sha256-${hash}'; script-src 'none'; base-uri 'none'; form-action 'none'`,
    );
    expect(html.indexOf('Content-Security-Policy')).toBeLessThan(html.indexOf('<style>'));
  }
});

test.each([
  ['a path above', '../secret.png'],
  ['a path above in disguise', 'samples/../../secret.png'],
  ['the folder itself', '.'],
  ['a link', 'link.png'],
  ['a linked folder', 'linked/secret.png'],
  ['another file', 'config.json'],
  ['a folder', 'samples'],
])('a picture that is %s is refused, and no report is written', (_, file) => {
  symlinkSync(join(root, 'secret.png'), join(run, 'link.png'));
  symlinkSync(root, join(run, 'linked'));
  for (const name of ['evaluation.json', 'samples/samples.json']) {
    const items = [{ file, caption: '' }];
    const own = { ...pictures, items };
    write(name, name === 'evaluation.json' ? { ...EVALUATION, pictures: [own] } : own);
    expect(() => writeReport(run)).toThrow(InputError);
    write(name, FILES[name]);
  }
  expect(existsSync(join(run, 'report.html'))).toBe(false);
});

test('an absolute path and a pipe or device behind a name are refused', () => {
  for (const file of [join(root, 'secret.png'), '/dev/zero', '/etc/passwd']) {
    write('samples/samples.json', { ...pictures, items: [{ file, caption: '' }] });
    expect(() => writeReport(run), file).toThrow(InputError);
  }
  write('samples/samples.json', pictures);
  for (const name of ['metrics.jsonl', 'config.json', 'result.json', 'evaluation.json']) {
    const kept = readFileSync(join(run, name));
    for (const target of [join(root, 'secret.txt'), '/dev/zero']) {
      rmSync(join(run, name));
      symlinkSync(target, join(run, name));
      expect(() => writeReport(run), name).toThrow(/leads out of it/);
    }
    rmSync(join(run, name));
    writeFileSync(join(run, name), kept);
  }
  // A run folder that is itself a link is read.
  symlinkSync(run, join(root, 'linked-run'));
  expect(existsSync(writeReport(join(root, 'linked-run')))).toBe(true);
});

/** Replaces one value somewhere in a document. */
function mutated(value: unknown, path: readonly number[], by: unknown): unknown {
  if (typeof value !== 'object' || value === null || path.length === 0) return by;
  const keys = Object.keys(value);
  if (keys.length === 0) return by;
  const key = keys[path[0] % keys.length];
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Json;
  if (by === undefined && path.length === 1) delete copy[key];
  else copy[key] = mutated(copy[key], path.slice(1), by);
  return copy;
}

test('a damaged file is an error of one line that names it, or does not matter', () => {
  const documents = [...Object.entries(FILES), ['metrics.jsonl', RECORDS] as const];
  const change = fc.oneof(fc.jsonValue(), fc.constantFrom(undefined, null, -1, 1e300, '', [], {}));
  fc.assert(
    fc.property(
      fc.nat(documents.length - 1),
      fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
      change,
      (index, path, by) => {
        const [file, document] = documents[index];
        const text = (content: unknown): string =>
          file.endsWith('.jsonl')
            ? (content as unknown[]).map((line) => JSON.stringify(line)).join('\n')
            : String(JSON.stringify(content));
        const copy = join(root, 'copy');
        cpSync(run, copy, { recursive: true });
        const content = mutated(document, path, by);
        const isLines = file.endsWith('.jsonl') && !Array.isArray(content);
        writeFileSync(join(copy, file), isLines ? '{}' : text(content));
        try {
          writeReport(copy);
          compareRuns([copy]);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          expect((error as Error).message).not.toMatch(/\n|\u001b/);
        } finally {
          rmSync(copy, { recursive: true });
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a document that is nested too deeply is refused', () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  const config = JSON.stringify({ ...FILES['config.json'], config: 0 });
  writeFileSync(join(run, 'config.json'), config.replace('"config":0', `"config":${deep}`));
  expect(() => writeReport(run)).toThrow(/config\.json: .*expected at most 64 levels/);
});
