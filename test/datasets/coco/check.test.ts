import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { checkCocoTables } from '../../../datasets/coco/checks.js';
import { staysInside } from '../../../datasets/coco/image-path.js';
import { checkCocoResults } from '../../../datasets/coco/results.js';
import { reportTo } from '../../../datasets/coco/problem-kinds.js';
import { readAnnotations } from '../../../io/coco/annotations.js';
import { ProblemLog, type Finding } from '../../../datasets/problems.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coco-check-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Json = Record<string, unknown>;

const IMAGE = { id: 7, file_name: 'a.jpg', width: 100, height: 80 };
const SQUARE = [10, 10, 30, 10, 30, 30, 10, 30];
const OBJECT = {
  id: 1,
  image_id: 7,
  category_id: 3,
  bbox: [10, 10, 20, 20],
  area: 400,
  iscrowd: 0,
  segmentation: [SQUARE],
};
const GOOD = { images: [IMAGE], annotations: [OBJECT], categories: [{ id: 3, name: 'cat' }] };

async function findings(content: unknown): Promise<readonly Finding[]> {
  const file = join(folder, 'instances.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  const log = new ProblemLog(100);
  checkCocoTables(await readAnnotations(file, reportTo(log)), log);
  return log.findings();
}

const withAnnotation = (change: Json): Json => ({
  ...GOOD,
  annotations: [{ ...OBJECT, ...change }],
});

const summary = (found: readonly Finding[]): readonly (readonly [string, number])[] =>
  found.map(({ code, count }) => [code, count]);

test('a valid file has no problems', async () => {
  expect(await findings(GOOD)).toEqual([]);
});

test('an empty file lacks its three arrays', async () => {
  expect(summary(await findings({}))).toEqual([['array', 3]]);
  expect(summary(await findings({ ...GOOD, images: { id: 1 } }))).toEqual([
    ['array', 1],
    ['unknown-image', 1],
  ]);
});

test('every duplicate id is reported', async () => {
  const found = await findings({
    ...GOOD,
    annotations: [1, 2, 3, 2, 1, 2].map((id) => ({ ...OBJECT, id })),
  });
  expect(found).toHaveLength(1);
  expect(found[0].examples.map(({ message }) => message.slice(0, 21))).toEqual([
    'annotations[3] (id 2)',
    'annotations[4] (id 1)',
    'annotations[5] (id 2)',
  ]);
});

test('every duplicate and every unknown id is counted', async () => {
  const found = await findings({
    images: [IMAGE, { ...IMAGE, file_name: 'b.jpg' }, { ...IMAGE, file_name: 'c.jpg' }],
    annotations: [OBJECT, OBJECT, { ...OBJECT, id: 2, image_id: 8, category_id: 9 }],
    categories: [...GOOD.categories, { id: 3, name: 'dog' }],
  });
  expect(summary(found.filter(({ severity }) => severity === 'error'))).toEqual([
    ['duplicate-id', 4],
    ['unknown-category', 1],
    ['unknown-image', 1],
  ]);
  expect(found.flatMap(({ examples }) => examples.map(({ message }) => message))).toContain(
    'annotations[2] (id 2): expected a known image_id, got 8',
  );
});

test.each<[string, Json, string, string]>([
  ['no id', { id: undefined }, 'schema', 'id: expected a value, got none'],
  [
    'a text as id',
    { id: '1' },
    'schema',
    'annotations[0] (id 1): id: expected a whole number from -9007199254740991 to 9007199254740991, got "1"',
  ],
  [
    'an id beyond 2^53',
    { id: 2 ** 53 },
    'schema',
    'expected a whole number from -9007199254740991 to 9007199254740991, got',
  ],
  [
    'three numbers in a box',
    { bbox: [1, 2, 3] },
    'schema',
    'bbox: expected a list of 4, got 3: [1,2,3]',
  ],
  ['a text in a box', { bbox: [1, 2, 3, 'x'] }, 'schema', 'bbox/3: expected a number, got "x"'],
  [
    'a crowd flag of 2',
    { iscrowd: 2 },
    'schema',
    'iscrowd: expected one of 0, 1, true, false, got 2',
  ],
  ['a flat list of texts', { segmentation: ['1'] }, 'schema', 'segmentation/0: expected a list'],
  ['half a point', { segmentation: [[1, 2, 3, 4, 5, 6, 7]] }, 'polygon', 'got 7 numbers'],
  ['one point', { segmentation: [[1, 2]] }, 'polygon-short', 'expected at least 3 points, got 1'],
  [
    'four numbers for a polygon',
    { segmentation: [[1, 2, 3, 4]] },
    'segmentation-box',
    'expected polygons, got [1, 2, 3, 4]',
  ],
  [
    'a box beside the image',
    { bbox: [200, 10, 20, 20] },
    'box-outside',
    'got [200, 10, 20, 20] in 100x80',
  ],
  ['a flat box', { bbox: [10, 10, 20, 0.5] }, 'box-small', 'expected sides of 1 px or more'],
  ['a negative width', { bbox: [10, 10, -20, 20] }, 'box-small', '[10, 10, -20, 20]'],
  ['an area of 0', { area: 0 }, 'area-not-positive', 'expected a number above 0, got 0'],
  ['a large area', { area: 500 }, 'area-box', 'expected at most 400 px of the box, got 500'],
  ['no area', { area: undefined }, 'area-missing', 'expected "area", got none'],
  ['an ignored object', { ignore: 1 }, 'ignored', 'marked "ignore"'],
  ['an overhanging box', { bbox: [10, 10, 20, 71], segmentation: [] }, 'box-overhang', 'in 100x80'],
  [
    'corners as box',
    { bbox: [10, 10, 90, 70] },
    'box-mask',
    'expected about [10, 10, 20, 20] of its mask',
  ],
  ['an outer point', { segmentation: [[...SQUARE, -2, 12]] }, 'polygon-outside', 'inside 100x80'],
  ['no mask', { segmentation: null }, 'mask-none', 'no segmentation'],
  ['a crowd of polygons', { iscrowd: 1 }, 'crowd-polygons', 'got 1 polygons'],
  ['id 0', { id: 0 }, 'id-zero', 'expected an id other than 0'],
  [
    'a mask of the wrong size',
    { segmentation: { size: [100, 80], counts: [8000] } },
    'rle-size',
    'expected [80, 100] of its image, got [100, 80]',
  ],
  [
    'a mask that is a row too high',
    { segmentation: { size: [81, 100], counts: [8100] } },
    'rle-size',
    'got [81, 100]',
  ],
  [
    'runs that are too short',
    { segmentation: { size: [80, 100], counts: [10, 20] } },
    'rle-runs',
    'expected runs of 80 x 100 = 8000 pixels, got 30',
  ],
  [
    'a text that is no mask',
    { segmentation: { size: [80, 100], counts: '~~' } },
    'rle-runs',
    'expected characters from',
  ],
  [
    'a mask without a pixel',
    { segmentation: { size: [80, 100], counts: [8000] } },
    'mask-empty',
    'expected a mask with pixels',
  ],
  [
    'keypoints without a count',
    { keypoints: [1, 2, 2] },
    'keypoints',
    'num_keypoints: expected a value, got none',
  ],
  [
    'a wrong count of keypoints',
    { keypoints: [1, 2, 2], num_keypoints: 2 },
    'keypoints',
    'expected 1 (visibility > 0), got 2',
  ],
])('%s is found', async (_, change, code, message) => {
  const found = (await findings(withAnnotation(change))).find((finding) => finding.code === code);
  expect(found).toMatchObject({ count: 1 });
  expect(found?.examples[0].message).toContain(message);
});

test('positions are those of the file, also after invalid records', async () => {
  const found = await findings({
    ...GOOD,
    images: [{ id: 1 }, IMAGE, { ...IMAGE, id: 8, file_name: '../a.jpg' }],
    annotations: [null, OBJECT, { ...OBJECT, id: 2, image_id: 9 }],
  });
  const messages = found.flatMap(({ examples }) => examples.map(({ message }) => message));
  expect(messages).toContain('annotations[2] (id 2): expected a known image_id, got 9');
  expect(messages).toContain('images[2] (id 8): no annotation');
  expect(messages).toContain('annotations[0]: expected an object, got null');
});

test('images and categories are checked, too', async () => {
  const found = await findings({
    images: [
      { ...IMAGE, id: 1, file_name: '../a.jpg' },
      { ...IMAGE, id: 2, file_name: '/etc/a.jpg' },
      { ...IMAGE, id: 3, width: 20 },
      { ...IMAGE, id: 4 },
      { ...IMAGE, id: 5, height: 0 },
      { ...IMAGE, id: 6, file_name: '' },
    ],
    annotations: [],
    categories: [{ id: 1, name: 'cat' }, { id: 2, name: 'cat' }, { id: 3 }],
  });
  expect(Object.fromEntries(summary(found))).toEqual({
    schema: 3,
    'file-name': 2,
    'duplicate-file': 1,
    'image-small': 1,
    'duplicate-name': 1,
    'image-empty': 4,
    'class-unused': 2,
  });
});

test('there must be as many keypoints as the category has names', async () => {
  const found = await findings({
    ...withAnnotation({ keypoints: [1, 2, 2], num_keypoints: 1 }),
    categories: [{ id: 3, name: 'cat', keypoints: ['nose', 'tail'] }],
  });
  expect(found[0].examples[0].message).toContain('keypoints: expected 3 x 2 numbers, got 3');
});

test('an error at a thousand positions of a record is one message', async () => {
  const found = await findings(withAnnotation({ segmentation: [Array(1000).fill('x')] }));
  // Not that its image and its category have no annotation.
  expect(summary(found)).toEqual([['schema', 1]]);
  expect(found[0].examples[0].message).toMatch(/segmentation\/0\/3: .*; and 996 more$/);
});

test('names inside the folder are distinguished from others, equally on every system', () => {
  const inside = ['a.jpg', 'b/c.jpg', 'b/../a.jpg', './a.jpg', 'a..b.jpg', '..a.jpg', 'b\\c.jpg'];
  const outside = [
    '/images/a.jpg',
    '../a.jpg',
    'b/../../a.jpg',
    '/a.jpg',
    '.',
    '..',
    'C:\\a.jpg',
    'c:a.jpg',
    '..\\a',
  ];
  expect(inside.filter(staysInside)).toEqual(inside);
  expect([...outside, '\\\\host\\a.jpg', 'http://x/a.jpg', 'a\0.jpg'].filter(staysInside)).toEqual(
    [],
  );
});

test('no accepted file name leads out of the folder', () => {
  const parts = fc.array(
    fc.oneof(
      fc.constantFrom('..', '.', '', '/', '\\', 'a', 'C:', '~', '\0', '%2e%2e'),
      fc.string(),
    ),
  );
  const name = fc
    .tuple(parts, fc.constantFrom('/', '\\', ''))
    .map(([names, separator]) => names.join(separator));
  let numInside = 0;
  fc.assert(
    fc.property(name, (fileName) => {
      if (!staysInside(fileName)) return;
      numInside++;
      for (const { resolve, sep } of [posix, win32]) {
        const images = resolve('/data/images');
        expect(resolve(images, fileName).startsWith(images + sep)).toBe(true);
      }
    }),
    { numRuns: 2000, seed: 3 },
  );
  expect(numInside).toBeGreaterThan(100);
});

test('no value of any field crashes the check or is ignored', async () => {
  const fields = fc.constantFrom(...Object.keys(OBJECT), 'ignore', 'keypoints', 'num_keypoints');
  const strange = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.array(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 9 })),
    fc.record({
      size: fc.array(fc.integer({ min: -2, max: 2 ** 33 }), { maxLength: 3 }),
      counts: fc.oneof(fc.string(), fc.array(fc.integer({ max: 2 ** 33 }))),
    }),
  );
  const counts = { sound: 0, wrong: 0 };
  await fc.assert(
    fc.asyncProperty(fields, strange, async (field, value) => {
      const found = await findings(withAnnotation({ [field]: value }));
      // Either the record is sound and its image is annotated, or an error says what is wrong with it.
      const errors = found.filter(({ severity }) => severity === 'error');
      const empty = found.some(({ code }) => code === 'image-empty');
      expect(empty && errors.length === 0).toBe(false);
      counts[errors.length === 0 ? 'sound' : 'wrong']++;
    }),
    { numRuns: 400, seed: 4 },
  );
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(20);
});

test('a deeply nested record is an error, not a crash', async () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  const found = await findings(
    `{"images":[],"categories":[],"annotations":[${deep},{"id":1,"x":${deep}}]}`,
  );
  expect(found[0]).toMatchObject({ code: 'schema' });
  await expect(findings(`{"images":[],"annotations":[${'['.repeat(100)}`)).rejects.toThrow(
    DataError,
  );
});

test('result files are checked against their images and categories', async () => {
  const file = join(folder, 'instances.json');
  writeFileSync(file, JSON.stringify(GOOD));
  const log = new ProblemLog();
  const groundTruth = await readAnnotations(file, reportTo(log));
  const results = join(folder, 'results.json');
  const good = { image_id: 7, category_id: 3, score: 0.5, bbox: [1, 2, 3, 4] };
  const mask = { size: [80, 100], counts: [7000, 1000] };
  writeFileSync(
    results,
    JSON.stringify([
      good,
      { ...good, image_id: 8 },
      { ...good, category_id: 4 },
      { ...good, score: 1.5 },
      { ...good, bbox: [1, 2, 0, 4] },
      { ...good, segmentation: mask },
      { ...good, bbox: undefined },
      { ...good, bbox: undefined, segmentation: { ...mask, size: [100, 80] } },
      { ...good, bbox: undefined, segmentation: { ...mask, counts: 'P' } },
      { ...good, score: '0.5' },
    ]),
  );
  const counts = await checkCocoResults(results, groundTruth, log);
  expect(counts).toEqual({ detections: 8, withBox: 6, withMask: 3, withKeypoints: 0 });
  expect(Object.fromEntries(summary(log.findings()))).toEqual({
    schema: 2,
    'unknown-image': 1,
    'rle-size': 1,
    'rle-runs': 1,
    'result-category': 1,
    'result-score': 1,
    'result-box': 1,
    'result-both': 1,
  });
  const schema = log.findings().find(({ code }) => code === 'schema');
  expect(schema?.examples[0].message).toBe(
    '[6]: expected bbox or segmentation or keypoints, got none of them',
  );
  writeFileSync(results, '[]');
  const empty = new ProblemLog();
  await checkCocoResults(results, groundTruth, empty);
  expect(summary(empty.findings())).toEqual([['result-empty', 1]]);
});

test('the name of a rejected image is used only if it is text, however deep a list stands there', async () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const file = join(folder, 'deep.json');
  writeFileSync(
    file,
    `{"images":[{"id":1,"file_name":${deep},"width":9,"height":9},{"id":2,"file_name":"b.jpg","width":0,"height":9}],` +
      '"annotations":[],"categories":[]}',
  );
  const tables = await readAnnotations(file, reportTo(new ProblemLog(100)));
  expect([...(tables.rejected?.fileNames ?? [])]).toEqual(['b.jpg']);
});
