import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { rleToString } from '../../../core/rle-string.js';
import { rleFromBox, rleFromPolygons } from '../../../core/rle-polygons.js';
import { encodeRle } from '../../../core/rle.js';
import { rleOfPool } from '../../../evaluation/coco/mask-pool.js';
import type { IouType } from '../../../core/coco.js';
import type { CocoResults, ResultsOptions } from '../../../evaluation/coco/results-builder.js';
import { readDetections } from '../../../tools/score/read-coco.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { put } = temporaryFolder();

const DOMAIN = {
  imageIds: Float64Array.of(3, 8),
  imageHeights: Float64Array.of(10, 4),
  imageWidths: Float64Array.of(12, 5),
  categories: [{ id: 1, name: 'a' }],
};

async function read(
  records: unknown,
  iouType: IouType,
  options: Partial<ResultsOptions> = {},
): Promise<CocoResults> {
  const text = typeof records === 'string' ? records : JSON.stringify(records);
  return readDetections([await put('dt.json', text)], DOMAIN, {
    iouType,
    strict: true,
    unknownImages: 'refuse',
    ...options,
  });
}

const base = { image_id: 3, category_id: 1, score: 0.5 };
const counts = rleToString(rleFromBox([1, 2, 3, 4], 10, 12));
const masked = { ...base, segmentation: { size: [10, 12], counts } };

describe('boxes', () => {
  test('are read with scores and areas', async () => {
    const { detections, kind } = await read([{ ...base, bbox: [1, 2, 3.5, 4] }], 'bbox');
    expect(kind).toBe('bbox');
    expect([...(detections.boxes ?? [])]).toEqual([1, 2, 3.5, 4]);
    expect([...(detections.areas ?? [])]).toEqual([14]);
    expect([detections.imageOf[0], detections.categoryOf[0], detections.scores[0]]).toEqual([
      3, 1, 0.5,
    ]);
  });

  test('become masks of four corners when masks are compared, and keep their areas', async () => {
    const { detections } = await read([{ ...base, bbox: [1, 2, 3.5, 4] }], 'segm');
    expect(detections.masks && rleOfPool(detections.masks, 0)).toEqual(
      rleFromBox([1, 2, 3.5, 4], 10, 12),
    );
    expect([...(detections.areas ?? [])]).toEqual([14]);
  });

  test('extra members of any kind do not matter', async () => {
    const record = { extra: [{ bbox: 'x' }, '\\"]}'], ...base, bbox: [0, 0, 1, 1], id: 'seven' };
    expect((await read([record, record], 'bbox')).detections.scores.length).toBe(2);
  });
});

describe('masks', () => {
  test('stay compressed, and their areas are left to the masks', async () => {
    const { detections, kind } = await read([masked], 'segm');
    expect(kind).toBe('segmentation');
    expect(detections.areas).toBeUndefined();
    expect(detections.masks && rleOfPool(detections.masks, 0)).toEqual(
      rleFromBox([1, 2, 3, 4], 10, 12),
    );
  });

  test('are read from escaped text, lists of runs and polygons alike', async () => {
    const mask = encodeRle(
      Array.from({ length: 120 }, (_, i) => (i % 7 === 0 ? 1 : 0)),
      10,
      12,
    );
    const escaped = [...rleToString(mask)]
      .map((c) => `\\u00${c.charCodeAt(0).toString(16)}`)
      .join('');
    const polygon = [1, 1, 5, 1, 5, 6, 1, 6];
    const text = `[
      {"image_id":3,"category_id":1,"score":1,"segmentation":{"counts":"${escaped}","size":[10,12]}},
      ${JSON.stringify({ ...base, segmentation: { size: [10, 12], counts: [...mask.counts] } })},
      ${JSON.stringify({ segmentation: [polygon], ...base, image_id: 8 })},
      ${JSON.stringify(masked)}
    ]`;
    const { masks } = (await read(text, 'segm')).detections;
    expect([0, 1, 2, 3].map((i) => masks && rleOfPool(masks, i))).toEqual([
      mask,
      mask,
      rleFromPolygons([polygon], 4, 5),
      rleFromBox([1, 2, 3, 4], 10, 12),
    ]);
  });

  test('become their boxes when boxes are compared, and keep their areas', async () => {
    const { detections } = await read([masked], 'bbox');
    expect([...(detections.boxes ?? [])]).toEqual([1, 2, 3, 4]);
    expect([...(detections.areas ?? [])]).toEqual([12]);
    expect(detections.masks?.starts.length ?? 0).toBe(0);
  });

  test('that come with boxes have the areas of the boxes, unless strictness is off', async () => {
    const both = { ...masked, bbox: [0, 0, 9, 9] };
    const results = await read([both], 'segm');
    expect(results.hasBoxAndMask).toBe(true);
    expect([...(results.detections.areas ?? [])]).toEqual([81]);
    expect((await read([both], 'segm', { strict: false })).detections.areas).toBeUndefined();
  });
});

describe('keypoints', () => {
  test('give the box around them', async () => {
    const keypoints = [1, 2, 1, 5, 9, 1];
    const { detections, kind } = await read([{ ...base, keypoints }], 'keypoints');
    expect(kind).toBe('keypoints');
    expect([...(detections.keypoints ?? [])]).toEqual(keypoints);
    expect([...(detections.areas ?? [])]).toEqual([28]);
  });
});

describe('several texts', () => {
  test('are read as one list', async () => {
    const files = [[masked], [], [{ ...masked, score: 0.25 }]];
    const paths = await Promise.all(
      files.map((records, i) => put(`${i}.json`, JSON.stringify(records))),
    );
    const { detections } = await readDetections(paths, DOMAIN, {
      iouType: 'segm',
      strict: true,
      unknownImages: 'refuse',
    });
    expect([...detections.scores]).toEqual([0.5, 0.25]);
    expect(detections.masks && rleOfPool(detections.masks, 1)).toEqual(
      rleFromBox([1, 2, 3, 4], 10, 12),
    );
  });
});

describe('odd results', () => {
  test('an empty list has no kind', async () => {
    const { detections, kind } = await read([], 'bbox');
    expect([detections.scores.length, kind]).toEqual([0, undefined]);
  });

  test('detections of unknown images are refused, or left out and counted', async () => {
    const records = [masked, { ...masked, image_id: 4 }, masked];
    await expect(read(records, 'segm')).rejects.toThrow(
      'dt.json: [1]: expected an image_id of the ground truth, got 4',
    );
    const { detections, numUnknownImages } = await read(records, 'segm', {
      unknownImages: 'leaveOut',
    });
    expect([detections.scores.length, detections.masks?.starts.length, numUnknownImages]).toEqual([
      2, 2, 1,
    ]);
  });

  test.each([
    ['{}', 'bbox', 'dt.json: expected a list of detections, got an object'],
    ['[1]', 'bbox', 'dt.json: [0]: expected an object, got 1'],
    [[{}], 'bbox', 'image_id: expected a value, got none'],
    [[base], 'bbox', '[0]: expected bbox or segmentation or keypoints, got none of them'],
    [[{ ...base, bbox: [1, 2, 3] }], 'bbox', '[0]: bbox: expected a list of 4, got 3: [1,2,3]'],
    [[{ ...base, bbox: [1, 2, 3, 'x'] }], 'bbox', '[0]: bbox/3: expected a number, got "x"'],
    [
      [{ ...base, bbox: [0, 0, 1, 1] }, base],
      'bbox',
      '[1]: expected bbox or segmentation or keypoints, got none of them',
    ],
    [
      [
        { ...base, bbox: [0, 0, 1, 1] },
        { ...base, keypoints: [] },
      ],
      'bbox',
      '[1]: expected a bbox, got none',
    ],
    [
      [{ ...base, score: null, bbox: [0, 0, 1, 1] }],
      'bbox',
      '[0]: score: expected a number, got null',
    ],
    [
      '[{"image_id":3,"category_id":1,"score":1e400,"bbox":[0,0,1,1]}]',
      'bbox',
      '[0]: score: expected a number',
    ],
    [
      [{ image_id: 3, category_id: 1, bbox: [0, 0, 1, 1] }],
      'bbox',
      'score: expected a value, got none',
    ],
    [
      [{ image_id: 3, score: 1, bbox: [0, 0, 1, 1] }],
      'bbox',
      'category_id: expected a value, got none',
    ],
    [[{ ...base, image_id: 1.5, bbox: [0, 0, 1, 1] }], 'bbox', 'image_id: expected a whole number'],
    [
      [masked, { ...base, bbox: [0, 0, 1, 1] }],
      'segm',
      'dt.json: [1]: expected a segmentation, got none',
    ],
    [[{ ...base, segmentation: [] }], 'segm', '[0]: expected a segmentation, got none'],
    [[{ ...base, segmentation: null }], 'segm', '[0]: expected a segmentation, got none'],
    [[{ ...base, segmentation: 3 }], 'segm', '[0]: segmentation: expected a list, got 3'],
    [[{ ...base, segmentation: [[1, 2]] }], 'segm', '[0]: expected polygons of 6 numbers or more'],
    [
      [{ ...base, segmentation: { counts: 'x' } }],
      'segm',
      '[0]: segmentation/size: expected a value',
    ],
    [[{ ...base, segmentation: { size: [2, 2], counts: [1] } }], 'segm', '2 x 2 = 4 pixels, got 1'],
    [[{ ...base, keypoints: [1, 2] }], 'keypoints', '[0]: expected keypoints (x, y, v), got 2'],
    [[{ ...base, keypoints: [1, 2, 1] }], 'segm', '[0]: expected a segmentation, got none'],
    ['[{"image_id":NaN}]', 'bbox', 'dt.json: [0]: expected valid JSON, got'],
    ['[{"image_id":3,"category_id":1,"score":NaN,"bbox":[0,0,1,1]}]', 'bbox', 'record at byte 1'],
    ['[{"image_id":3', 'bbox', 'got the end of the file'],
  ] as const)('%j as %s are refused', async (records, iouType, message) => {
    await expect(read(records, iouType)).rejects.toThrow(DataError);
    await expect(read(records, iouType)).rejects.toThrow(message);
  });

  test('deep nesting is refused, not a crash', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    await expect(read(`[${deep}]`, 'bbox')).rejects.toThrow('[0]: expected an object, got a value');
    await expect(read(`[${'['.repeat(100_000)}`, 'bbox')).rejects.toThrow(DataError);
  });

  test('a compressed mask with characters that are no ASCII is refused', async () => {
    for (const counts of ['é', 'a\u0130', '\u0130'])
      await expect(
        read([{ ...base, segmentation: { size: [1, 1], counts } }], 'segm'),
      ).rejects.toThrow('dt.json: [0]: segmentation/counts: expected ASCII characters');
  });
});

test('a damaged file is refused, or read with all its records', async () => {
  const text = JSON.stringify([
    { ...masked, bbox: [1, 2, 3, 4] },
    {
      ...masked,
      bbox: [0, 1, 2, 3],
      score: 1e-3,
      image_id: 8,
      segmentation: { size: [4, 5], counts: [3, 4, 13] },
    },
    { ...base, bbox: [0, 0, 1, 1], segmentation: [[1, 1, 3, 1, 3, 3]] },
  ]);
  const edit = fc.record({
    at: fc.nat(text.length - 1),
    length: fc.nat(1),
    insert: fc.oneof(fc.constantFrom('', ' ', '0', '1', '9'), fc.string({ maxLength: 3 })),
  });
  let numRead = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(edit, { minLength: 1, maxLength: 2 }),
      fc.constantFrom<IouType>('bbox', 'segm'),
      async (edits, iouType) => {
        let damaged = text;
        for (const { at, length, insert } of edits)
          damaged = damaged.slice(0, at) + insert + damaged.slice(at + length);
        let results: CocoResults;
        try {
          results = await read(damaged, iouType);
        } catch (error) {
          if (!(error instanceof DataError)) throw error;
          return;
        }
        numRead++;
        expect(results.detections.scores.length).toBe((JSON.parse(damaged) as unknown[]).length);
      },
    ),
    { numRuns: 2000, seed: 5 },
  );
  expect(numRead).toBeGreaterThan(100);
});
