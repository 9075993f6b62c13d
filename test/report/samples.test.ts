import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { blankPicture } from '../../report/overlay/picture.js';
import { readSamples, sampleIndices, writeSamples } from '../../report/samples.js';
import { savePicture } from '../../report/save-picture.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-samples-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('sampleIndices', () => {
  test('spreads four places evenly, fewer where there are fewer', () => {
    expect(sampleIndices(0)).toEqual([]);
    expect(sampleIndices(1)).toEqual([0]);
    expect(sampleIndices(3)).toEqual([0, 1, 2]);
    expect(sampleIndices(100)).toEqual([12, 37, 62, 87]);
  });

  test('yields different places of the list, in order', () => {
    fc.assert(
      fc.property(fc.nat(10_000), (length) => {
        const indices = sampleIndices(length);
        expect(indices).toHaveLength(Math.min(4, length));
        expect([...new Set(indices)].sort((a, b) => a - b)).toEqual(indices);
        for (const index of indices) expect(index).toBeLessThan(length);
      }),
    );
  });
});

test('the list is read as it was written; one that is damaged is named', () => {
  const pictures = {
    title: 'Samples',
    size: 'wide',
    items: [{ file: 'a.jpg', caption: 'a' }],
  } as const;
  expect(readSamples(folder)).toBeUndefined();
  writeSamples(folder, { ...pictures, items: [] });
  writeSamples(folder, pictures);
  expect(readSamples(folder)).toEqual(pictures);
  expect(readdirSync(join(folder, 'samples'))).toEqual(['samples.json']);
  writeFileSync(join(folder, 'samples', 'samples.json'), '{"title":');
  expect(() => readSamples(folder)).toThrow(DataError);
  expect(() => readSamples(folder)).toThrow(/samples\.json: expected a list of sample pictures/);
});

test('a saved picture has at most 900 pixels on a side and replaces the one before', async () => {
  const file = 'samples/image-1.jpg';
  await savePicture(folder, file, blankPicture(30, 20, [9, 9, 9]));
  expect(await sharp(join(folder, file)).metadata()).toMatchObject({ width: 30, height: 20 });
  expect(await savePicture(folder, file, blankPicture(2000, 500, [9, 9, 9]))).toBe(file);
  expect(await sharp(join(folder, file)).metadata()).toMatchObject({ width: 900, height: 225 });
  expect(readdirSync(join(folder, 'samples'))).toEqual(['image-1.jpg']);
});
