import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { rleToString } from '../../../core/rle-string.js';
import { rleFromBox, rleFromPolygons } from '../../../core/rle-polygons.js';
import { encodeRle } from '../../../core/rle.js';
import { rleOfPool } from '../../../evaluation/coco/mask-pool.js';
import type { IouType } from '../../../evaluation/coco/objects.js';
import {
  readCocoResults,
  type CocoResults,
  type ReadResultsOptions,
} from '../../../evaluation/coco/read-detections.js';

const DOMAIN = {
  imageIds: Float64Array.of(3, 8),
  imageHeights: Float64Array.of(10, 4),
  imageWidths: Float64Array.of(12, 5),
  categories: [{ id: 1, name: 'a' }],
};

function read(
  records: unknown,
  iouType: IouType,
  options: Partial<ReadResultsOptions> = {},
): CocoResults {
  const text = typeof records === 'string' ? records : JSON.stringify(records);
  return readCocoResults([{ bytes: new TextEncoder().encode(text), file: 'dt.json' }], DOMAIN, {
    iouType,
    strict: true,
    unknownImages: 'refuse',
    emptyResults: 'refuse',
    ...options,
  });
}

const base = { image_id: 3, category_id: 1, score: 0.5 };
const counts = rleToString(rleFromBox([1, 2, 3, 4], 10, 12));
const masked = { ...base, segmentation: { size: [10, 12], counts } };

describe('boxes', () => {
  test('are read with scores and areas', () => {
    const { detections, kind } = read([{ ...base, bbox: [1, 2, 3.5, 4] }], 'bbox');
    expect(kind).toBe('bbox');
    expect([...(detections.boxes ?? [])]).toEqual([1, 2, 3.5, 4]);
    expect([...(detections.areas ?? [])]).toEqual([14]);
    expect([detections.imageOf[0], detections.categoryOf[0], detections.scores[0]]).toEqual([
      3, 1, 0.5,
    ]);
  });

  test('become masks of four corners when masks are compared, and keep their areas', () => {
    const { detections } = read([{ ...base, bbox: [1, 2, 3.5, 4] }], 'segm');
    expect(detections.masks && rleOfPool(detections.masks, 0)).toEqual(
      rleFromBox([1, 2, 3.5, 4], 10, 12),
    );
    expect([...(detections.areas ?? [])]).toEqual([14]);
  });

  test('extra members of any kind do not matter', () => {
    const record = { extra: [{ bbox: 'x' }, '\\"]}'], ...base, bbox: [0, 0, 1, 1], id: 'seven' };
    expect(read([record, record], 'bbox').detections.scores.length).toBe(2);
  });
});

describe('masks', () => {
  test('stay compressed, and their areas are left to the masks', () => {
    const { detections, kind } = read([masked], 'segm');
    expect(kind).toBe('segm');
    expect(detections.areas).toBeUndefined();
    expect(detections.masks && rleOfPool(detections.masks, 0)).toEqual(
      rleFromBox([1, 2, 3, 4], 10, 12),
    );
  });

  test('are read from escaped text, lists of runs and polygons alike', () => {
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
    const { masks } = read(text, 'segm').detections;
    expect([0, 1, 2, 3].map((i) => masks && rleOfPool(masks, i))).toEqual([
      mask,
      mask,
      rleFromPolygons([polygon], 4, 5),
      rleFromBox([1, 2, 3, 4], 10, 12),
    ]);
  });

  test('become their boxes when boxes are compared, and keep their areas', () => {
    const { detections } = read([masked], 'bbox');
    expect([...(detections.boxes ?? [])]).toEqual([1, 2, 3, 4]);
    expect([...(detections.areas ?? [])]).toEqual([12]);
    expect(detections.masks?.starts.length ?? 0).toBe(0);
  });

  test('that come with boxes have the areas of the boxes, unless strictness is off', () => {
    const both = { ...masked, bbox: [0, 0, 9, 9] };
    const results = read([both], 'segm');
    expect(results.hasBoxAndMask).toBe(true);
    expect([...(results.detections.areas ?? [])]).toEqual([81]);
    expect(read([both], 'segm', { strict: false }).detections.areas).toBeUndefined();
  });
});

describe('keypoints', () => {
  test('give the box around them', () => {
    const keypoints = [1, 2, 1, 5, 9, 1];
    const { detections, kind } = read([{ ...base, keypoints }], 'keypoints');
    expect(kind).toBe('keypoints');
    expect([...(detections.keypoints ?? [])]).toEqual(keypoints);
    expect([...(detections.areas ?? [])]).toEqual([28]);
  });
});

describe('several texts', () => {
  const text = (records: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(records));

  test('are read as one list', () => {
    const files = [[masked], [], [{ ...masked, score: 0.25 }]];
    const texts = files.map((records, i) => ({ bytes: text(records), file: `${i}.json` }));
    const { detections } = readCocoResults(texts, DOMAIN, {
      iouType: 'segm',
      strict: true,
      unknownImages: 'refuse',
      emptyResults: 'refuse',
    });
    expect([...detections.scores]).toEqual([0.5, 0.25]);
    expect(detections.masks && rleOfPool(detections.masks, 1)).toEqual(
      rleFromBox([1, 2, 3, 4], 10, 12),
    );
  });
});

describe('odd results', () => {
  test('an empty list is refused, or accepted when asked for', () => {
    expect(() => read([], 'bbox')).toThrow('dt.json: expected detections, got none');
    const { detections, kind } = read([], 'bbox', { emptyResults: 'accept' });
    expect([detections.scores.length, kind]).toEqual([0, undefined]);
  });

  test('detections of unknown images are refused, or left out and counted', () => {
    const records = [masked, { ...masked, image_id: 4 }, masked];
    expect(() => read(records, 'segm')).toThrow(
      'dt.json: detection 1: expected an image_id of the ground truth, got 4',
    );
    const { detections, numUnknownImages } = read(records, 'segm', { unknownImages: 'leaveOut' });
    expect([detections.scores.length, detections.masks?.starts.length, numUnknownImages]).toEqual([
      2, 2, 1,
    ]);
  });

  test.each([
    ['{}', 'bbox', 'dt.json: expected a list of detections, got "{}"'],
    ['[1]', 'bbox', 'dt.json: expected an object, got "1]"'],
    [
      '[{}]',
      'bbox',
      'expected bbox, segmentation or keypoints in the first detection, got nothing',
    ],
    [[{ ...base, bbox: [1, 2, 3] }], 'bbox', 'dt.json: detection 0: expected 4 numbers'],
    [[{ ...base, bbox: [1, 2, 3, 'x'] }], 'bbox', 'detection 0: expected a number'],
    [[{ ...base, bbox: [0, 0, 1, 1] }, base], 'bbox', 'detection 1: expected a bbox, got none'],
    [[{ ...base, score: null, bbox: [0, 0, 1, 1] }], 'bbox', 'detection 0: expected a number'],
    [[{ image_id: 3, category_id: 1, bbox: [0, 0, 1, 1] }], 'bbox', 'a finite score, got none'],
    [[{ image_id: 3, score: 1, bbox: [0, 0, 1, 1] }], 'bbox', 'category_id, got none'],
    [[{ ...base, image_id: 1.5, bbox: [0, 0, 1, 1] }], 'bbox', 'image_id, got 1.5'],
    [[masked, base], 'segm', 'detection 1: expected a segmentation, got none'],
    [[{ ...base, segmentation: [] }], 'segm', 'detection 0: expected a segmentation, got none'],
    [[{ ...base, segmentation: null }], 'segm', 'detection 0: expected polygons or run lengths'],
    [[{ ...base, segmentation: [[1, 2]] }], 'segm', 'polygons of 6 numbers or more, got 2'],
    [[{ ...base, segmentation: { counts: 'x' } }], 'segm', 'run lengths with size and counts'],
    [[{ ...base, segmentation: { size: [2, 2], counts: [1] } }], 'segm', '2 x 2 = 4 pixels, got 1'],
    [[{ ...base, keypoints: [1, 2] }], 'keypoints', 'keypoints (x, y, v), got 2'],
    [[{ ...base, keypoints: [1, 2, 1] }], 'segm', 'detection 0: expected a segmentation, got none'],
    ['[{"image_id":NaN}]', 'bbox', 'expected a JSON value'],
    ['[{"image_id":3,"category_id":1,"score":NaN,"bbox":[0,0,1,1]}]', 'bbox', 'a JSON value'],
  ] as const)('%j as %s are refused', (records, iouType, message) => {
    expect(() => read(records, iouType)).toThrow(DataError);
    expect(() => read(records, iouType)).toThrow(message);
  });
});

test('a damaged file is refused, or read with all its records', () => {
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
  fc.assert(
    fc.property(
      fc.array(edit, { minLength: 1, maxLength: 2 }),
      fc.constantFrom<IouType>('bbox', 'segm'),
      (edits, iouType) => {
        let damaged = text;
        for (const { at, length, insert } of edits)
          damaged = damaged.slice(0, at) + insert + damaged.slice(at + length);
        let results: CocoResults;
        try {
          results = read(damaged, iouType, { emptyResults: 'accept' });
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
