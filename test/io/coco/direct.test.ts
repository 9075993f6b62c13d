import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { copyText, type IouType, type ReadResult } from '../../../core/coco.js';
import { rleFromBox } from '../../../core/rle-polygons.js';
import { rleToString } from '../../../core/rle-string.js';
import { readAnnotations, type CocoTables } from '../../../io/coco/annotations.js';
import type { CocoIssue } from '../../../io/coco/issues.js';
import { NOT_TAKEN } from '../../../io/coco/json-bytes.js';
import { RecordScan } from '../../../io/coco/record-scan.js';
import { readResults } from '../../../io/coco/results.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { put } = temporaryFolder();
afterEach(() => vi.restoreAllMocks());

/** Texts of numbers, usual and unusual ones. */
const number = fc.oneof(
  fc.integer({ min: 0, max: 700 }).map(String),
  fc.integer({ min: -9, max: 70000 }).map((n) => (n / 100).toFixed(2)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
  fc.double({ min: 0, max: 1 }).map((x) => x.toFixed(17)),
  fc.constantFrom(
    '-0',
    '0.10',
    '1e2',
    '1E-3',
    '2.5e+1',
    '655.35',
    '655.36',
    '123456789012345',
    '1234567890123456',
    '9007199254740993',
    '0.000000000000000123',
    '1e-400',
  ),
);
/** Texts that are not numbers of JSON, or not finite. */
const broken = fc.constantFrom(
  '1e999',
  '-',
  '01',
  '1.',
  '.5',
  '+1',
  '1e',
  '--1',
  'NaN',
  'tru',
  'nul',
  '"a',
  '"\u0001"',
  '[1,2',
  '[1,]',
  '{"a":}',
  '',
  '[1 2]',
  '{"a" 1}',
  '"\\x"',
  '1x',
);
const other = fc.constantFrom(
  'null',
  'true',
  'false',
  '""',
  '"7"',
  '"ä"',
  '"\\u0041"',
  '[]',
  '{}',
  '[[]]',
  '{"a":[1,{"b":null}]}',
  '[[1,2],"x"]',
);
const list = (item: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> =>
  fc.array(item, { maxLength }).map((items) => `[${items.join(',')}]`);
const polygon = fc
  .constantFrom(6, 8, 10)
  .chain((n) => fc.array(number, { minLength: n, maxLength: n }));
const polygons = list(
  polygon.map((values) => `[${values.join(', ')}]`),
  3,
);
const mask = rleToString(rleFromBox([1, 2, 3, 5], 10, 12));
const escaped = rleToString({ counts: Uint32Array.of(0, 44, 76) });
const counts = fc.oneof(
  { arbitrary: fc.constantFrom(mask, escaped).map((text) => JSON.stringify(text)), weight: 6 },
  {
    arbitrary: fc.constantFrom('"o"', '""', '"p"', '"\\u0030"', '"84"', '[120]', '[0, 60, 60]'),
    weight: 1,
  },
  { arbitrary: fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)), weight: 1 },
);
const size = fc.oneof(
  { arbitrary: fc.constantFrom('[10, 12]', '[10,12]', '[10.0,12]'), weight: 6 },
  { arbitrary: fc.constantFrom('[0,0]', '[10]', '[-1,2]', '[1e6,1]', '[1.5,2]'), weight: 1 },
);
const runs = fc
  .tuple(size, counts, fc.boolean())
  .map(([s, c, swap]) =>
    swap ? `{"counts":${c},"size":${s}}` : `{ "size" : ${s} , "counts" : ${c} }`,
  );
/** The value of a field: usually as it should be. */
const mostly = (usual: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: usual, weight: 200 },
    { arbitrary: number, weight: 2 },
    { arbitrary: other, weight: 2 },
    { arbitrary: broken, weight: 1 },
  );
const id = fc.integer({ min: 0, max: 5 }).map(String);
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  id: mostly(id),
  image_id: mostly(id),
  category_id: mostly(id),
  score: mostly(number),
  area: mostly(number),
  iscrowd: mostly(fc.constantFrom('0', '0', '0', '1', 'false', 'true', '1.0')),
  ignore: mostly(fc.constantFrom('0', '1')),
  bbox: mostly(
    fc.oneof(
      {
        arbitrary: fc.tuple(number, number, number, number).map((b) => `[${b.join(',')}]`),
        weight: 8,
      },
      { arbitrary: list(number, 5), weight: 1 },
    ),
  ),
  segmentation: mostly(
    fc.oneof(
      { arbitrary: polygons, weight: 4 },
      { arbitrary: runs, weight: 4 },
      { arbitrary: list(list(number, 8), 2), weight: 1 },
      { arbitrary: list(number, 8), weight: 1 },
    ),
  ),
  num_keypoints: mostly(id),
  keypoints: mostly(list(number, 6)),
  extra: fc.oneof(number, other, polygons),
};
const space = fc.constantFrom('', '', '', ' ', '\n\t');

/** A record of some fields in any order, sometimes with one twice. */
const record = (usual: readonly string[], rare: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.oneof(
        { arbitrary: fc.constant(usual), weight: 8 },
        { arbitrary: fc.subarray([...usual]), weight: 1 },
      ),
      fc.oneof(
        { arbitrary: fc.constant([]), weight: 4 },
        { arbitrary: fc.subarray([...usual, ...rare], { maxLength: 2 }), weight: 1 },
      ),
      fc.boolean(),
      space,
    )
    .chain(([first, second, shuffle, gap]) => {
      const keys = [...first, ...second];
      const order = shuffle
        ? fc.shuffledSubarray(keys, { minLength: keys.length })
        : fc.constant(keys);
      return order.chain((names) =>
        fc.tuple(
          ...names.map((name) =>
            VALUES[name].map((value) => `"${name}"${gap}:${gap}${value}${gap}`),
          ),
        ),
      );
    })
    .map((fields) => `{${fields.join(',')}}`);
const records = (usual: readonly string[], rare: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.array(
        fc.oneof(
          { arbitrary: record(usual, rare), weight: 20 },
          { arbitrary: fc.oneof(other, number), weight: 1 },
        ),
        { maxLength: 12 },
      ),
      space,
    )
    .map(([items, gap]) => items.join(`${gap},${gap}`));

interface Outcome {
  readonly content: unknown;
  readonly issues: readonly CocoIssue[];
  readonly error: string | undefined;
}

/** Runs a reader directly and with the direct path closed. @returns the number of records that were taken directly */
async function bothWays(
  read: (issues: CocoIssue[]) => Promise<unknown>,
): Promise<{ direct: Outcome; parsed: Outcome; numTaken: number }> {
  const outcome = async (): Promise<Outcome> => {
    const issues: CocoIssue[] = [];
    try {
      return { content: await read(issues), issues, error: undefined };
    } catch (error) {
      return { content: undefined, issues, error: String(error) };
    }
  };
  const scan = vi.spyOn(RecordScan.prototype, 'scan');
  const direct = await outcome();
  const numTaken = scan.mock.results.filter(({ value }) => value !== NOT_TAKEN).length;
  scan.mockReturnValue(NOT_TAKEN);
  const parsed = await outcome();
  scan.mockRestore();
  return { direct, parsed, numTaken };
}

/** The columns and masks of tables. */
function contentOf({ annotations, ...rest }: CocoTables): unknown {
  const { masks, ...columns } = annotations;
  return { ...rest, columns, masks: Array.from({ length: masks.length }, (_, i) => masks.get(i)) };
}

const IMAGES = '[{"id":1,"width":12,"height":10,"file_name":"a.jpg"}]';
const OBJECT = ['segmentation', 'area', 'iscrowd', 'image_id', 'bbox', 'category_id', 'id'];

test.each<IouType | undefined>([undefined, 'bbox', 'segm', 'keypoints'])(
  'annotations that are read directly equal parsed ones, with every message (compared: %s)',
  async (compared) => {
    let numTaken = 0;
    await fc.assert(
      fc.asyncProperty(
        records(OBJECT, ['ignore', 'num_keypoints', 'keypoints', 'extra', 'score']),
        async (items) => {
          const file = await put(
            'gt.json',
            `{"images":${IMAGES},"annotations":[${items}],"categories":[]}`,
          );
          const found = await bothWays(async (issues) =>
            contentOf(
              await readAnnotations(file, (issue) => void issues.push(issue), { compared }),
            ),
          );
          expect(found.direct).toEqual(found.parsed);
          numTaken += found.numTaken;
        },
      ),
      { seed: 5, numRuns: 150 },
    );
    if (compared === 'keypoints') expect(numTaken).toBe(0);
    else expect(numTaken).toBeGreaterThan(100);
  },
);

const FIELDS = [
  { fields: ['bbox'] },
  { fields: ['bbox', 'segmentation'] },
  { fields: ['bbox', 'segmentation', 'keypoints'] },
] as const;
test.each(FIELDS)(
  'results that are read directly equal parsed ones, with every message ($fields)',
  async ({ fields }) => {
    let numTaken = 0;
    const usual = ['image_id', 'category_id', fields.length > 1 ? 'segmentation' : 'bbox', 'score'];
    await fc.assert(
      fc.asyncProperty(
        records(usual, ['bbox', 'segmentation', 'keypoints', 'extra', 'id']),
        async (items) => {
          const file = await put('dt.json', `[${items}]`);
          const found = await bothWays(async (issues) => {
            const content: unknown[] = [];
            const count = await readResults(file, {
              fields: () => fields,
              report: (issue) => void issues.push(issue),
              record: (result, index) => void content.push([index, plain(result, fields)]),
            });
            return [count, content];
          });
          expect(found.direct).toEqual(found.parsed);
          numTaken += found.numTaken;
        },
      ),
      { seed: 6, numRuns: 150 },
    );
    expect(numTaken).toBeGreaterThan(100);
  },
);

/** A copy of what a reader looks at. An empty box is none. */
function plain(
  { image_id, category_id, score, bbox, segmentation, keypoints }: ReadResult,
  fields: readonly string[],
): unknown {
  const box = bbox?.length ? Array.from(bbox) : undefined;
  if (!fields.includes('segmentation')) return { image_id, category_id, score, box };
  if (!segmentation || !('counts' in segmentation))
    return {
      image_id,
      category_id,
      score,
      box,
      segmentation,
      keypoints: fields.includes('keypoints') && keypoints,
    };
  const { counts: text } = segmentation;
  const isBytes = typeof text !== 'string' && 'bytes' in text;
  const copy = new Uint8Array(isBytes ? text.end - text.start : 0);
  const counts = isBytes
    ? Buffer.from(copy.subarray(0, copyText(text, copy, 0))).toString('latin1')
    : text;
  return {
    image_id,
    category_id,
    score,
    box,
    size: [...segmentation.size],
    counts,
    keypoints: fields.includes('keypoints') && keypoints,
  };
}
