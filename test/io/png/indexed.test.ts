import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import { ShapeError } from '../../../core/errors.js';
import { decodePngIndices } from '../../../io/png/indices.js';
import { encodeIndexedPng, encodeLargeIndexedPng } from '../../../io/png/indexed.js';

const MAP = { width: 3, height: 2, data: Uint8Array.of(0, 1, 255, 1, 1, 0) };
const PALETTE = Uint8Array.of(10, 20, 30, 200, 100, 50);

test('readers of labels get the numbers back', () => {
  const { width, height, data } = decodePngIndices(encodeIndexedPng(MAP, PALETTE), 'labels.png');
  expect([width, height, ...data]).toEqual([3, 2, ...MAP.data]);
});

test('viewers get the colors, and white where there is none', () => {
  const { data } = PNG.sync.read(Buffer.from(encodeIndexedPng(MAP, PALETTE)));
  const pixel = (i: number): number[] => [...data.subarray(4 * i, 4 * i + 4)];
  expect(pixel(0)).toEqual([10, 20, 30, 255]);
  expect(pixel(1)).toEqual([200, 100, 50, 255]);
  expect(pixel(2)).toEqual([255, 255, 255, 255]);
});

test.each([0, 4, 771])('a palette of %i bytes is rejected', (length) => {
  expect(() => encodeIndexedPng(MAP, new Uint8Array(length))).toThrow(ShapeError);
});

test('a large map, compressed row by row, is the same to readers and viewers', async () => {
  const data = Uint8Array.from({ length: 300 * 200 }, (_, i) => (i * i) % 7);
  const map = { width: 300, height: 200, data };
  const bytes = await encodeLargeIndexedPng(map, PALETTE, 1000);
  expect(decodePngIndices(bytes, 'labels.png')).toMatchObject({ width: 300, height: 200, data });
  const viewed = PNG.sync.read(Buffer.from(bytes)).data;
  expect(viewed.equals(PNG.sync.read(Buffer.from(encodeIndexedPng(map, PALETTE))).data)).toBe(true);
  await expect(encodeLargeIndexedPng(map, new Uint8Array(4), 1000)).rejects.toThrow(ShapeError);
});
