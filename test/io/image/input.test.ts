import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DataError, InputError } from '../../../core/errors.js';
import { decodeImage } from '../../../io/image/decode.js';
import { imageReader } from '../../../io/image/input.js';

const FILE = join(
  resolve(dirname(fileURLToPath(import.meta.url)), '../../fixtures/small'),
  'preprocess_q90_420.jpg',
);

test('a path, a URL and the bytes of a file give the same pixels', async () => {
  const expected = await decodeImage(FILE);
  const bytes = readFileSync(FILE);
  const url = pathToFileURL(FILE);
  for (const image of [FILE, url, url.href, bytes, new Uint8Array(bytes)])
    expect(await imageReader(image)()).toEqual(expected);
});

test('pixels of three channels are taken as they are, alpha is dropped', () => {
  const data = Uint8Array.from({ length: 6 }, (_, i) => i);
  for (const channels of [3, undefined] as const) {
    const image = imageReader({ width: 2, height: 1, data, channels })();
    expect(image).toEqual({ width: 2, height: 1, data });
    expect((image as { data: Uint8Array }).data).toBe(data);
  }
  const rgba = Uint8ClampedArray.of(1, 2, 3, 0, 4, 5, 6, 255);
  for (const channels of [4, undefined] as const)
    expect(imageReader({ width: 2, height: 1, data: rgba, channels })()).toEqual({
      width: 2,
      height: 1,
      data: Uint8Array.of(1, 2, 3, 4, 5, 6),
    });
  const clamped = Uint8ClampedArray.from(data).subarray(3);
  expect(imageReader({ width: 1, height: 1, data: clamped })()).toEqual({
    width: 1,
    height: 1,
    data: Uint8Array.of(3, 4, 5),
  });
});

const pixels = (
  width: unknown,
  height: unknown,
  data: unknown = new Uint8Array(12),
  channels: unknown = 3,
): unknown => ({ width, height, data, channels });

describe('what is no image is an InputError that says what is allowed', () => {
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 7, '7'],
    ['true', true, 'true'],
    ['an empty path', '', 'an empty path'],
    ['a web address', 'https://example.org/a.jpg', 'https://example.org/a.jpg'],
    ['a web URL', new URL('https://example.org/a.jpg'), 'https://example.org/a.jpg'],
    ['a data URL', 'data:image/png;base64,AAAA', 'data:image/png'],
    ['no bytes', new Uint8Array(0), 'no bytes'],
    ['an ArrayBuffer', new ArrayBuffer(12), 'an ArrayBuffer'],
    ['a list', [1, 2, 3], 'an Array'],
    ['an object', { width: 2 }, '{ width }'],
    ['floats', pixels(2, 2, new Float32Array(12)), 'data that is a Float32Array'],
    ['a plain list', pixels(2, 2, new Array(12).fill(0)), 'data that is an Array'],
    ['too few values', pixels(2, 2, new Uint8Array(11)), '11 values for 2x2 pixels of 3 channels'],
    ['too many values', pixels(1, 2), '12 values for 1x2 pixels of 3 channels'],
    ['too few for alpha', pixels(2, 2, new Uint8Array(12), 4), '12 values for 2x2 pixels of 4'],
    ['one channel', pixels(2, 2, new Uint8Array(4), 1), 'channels 1'],
    ['no width', pixels(0, 2), 'width 0'],
    ['a negative height', pixels(2, -2), 'height -2'],
    ['half a pixel', pixels(1.5, 2), 'width 1.5'],
    ['no number', pixels(NaN, 2), 'width NaN'],
    ['a text as width', pixels('2', 2), 'width "2"'],
  ])('%s', (_, image, got) => {
    const read = (): unknown => imageReader(image as never);
    expect(read).toThrow(InputError);
    expect(read).toThrow('a path or file: URL of an image, its bytes');
    expect(read).toThrow(got);
  });
});

test('a file that is not there, and bytes of something else, are a DataError', async () => {
  await expect(async () => imageReader('/nowhere/none.jpg')()).rejects.toThrow(DataError);
  await expect(async () => imageReader(new TextEncoder().encode('hello'))()).rejects.toThrow(
    DataError,
  );
});
