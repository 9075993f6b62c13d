import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeImageBytes } from '../../../io/image/decode.js';
import { uprightImage } from '../../../io/image/orient.js';

const [width, height] = [5, 3];
const PIXELS = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 251);
const raw = { raw: { width, height, channels: 3 } } as const;

test.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i is that of libvips', async (orientation) => {
  const png = await sharp(PIXELS, raw).png().toBuffer();
  const tagged = await sharp(png).withMetadata({ orientation }).jpeg().toBuffer();
  const expected = await sharp(tagged).autoOrient().raw().toBuffer({ resolveWithObject: true });
  const stored = await decodeImageBytes(tagged, 'x');
  const upright = await decodeImageBytes(tagged, 'x', { upright: true });
  expect([upright.width, upright.height]).toEqual([expected.info.width, expected.info.height]);
  expect([...upright.data]).toEqual([...expected.data]);
  expect([stored.width, stored.height]).toEqual([width, height]);
  for (const none of [0, 9]) expect(uprightImage(stored, none)).toBe(stored);
});

test('the stored pixels are kept where only they have the size of the annotations', async () => {
  const turned = await sharp(PIXELS, raw).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  const sizeFor = async (w: number, h: number): Promise<number[]> => {
    const image = await decodeImageBytes(turned, 'x', { upright: { width: w, height: h } });
    return [image.width, image.height];
  };
  expect(await sizeFor(3, 5)).toEqual([3, 5]);
  expect(await sizeFor(5, 3)).toEqual([5, 3]);
  expect(await sizeFor(7, 7)).toEqual([3, 5]); // fits neither
});
