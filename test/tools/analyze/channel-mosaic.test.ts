import { expect, test } from 'vitest';
import { channelMosaic } from '../../../tools/analyze/channel-mosaic.js';

const WHITE = [255, 255, 255];
const pixel = (picture: ReturnType<typeof channelMosaic>, x: number, y: number): number[] =>
  Array.from(picture.data.subarray((y * picture.width + x) * 3, (y * picture.width + x) * 3 + 3));

test('three channels side by side: a dead, a saturated and a negative one', () => {
  const [height, width, channels] = [56, 56, 3];
  const data = new Float32Array(height * width * channels);
  for (let site = 0; site < height * width; site++) data.set([0, 2, -1], site * channels);
  const picture = channelMosaic({ shape: [height, width, channels], data });
  expect([picture.width, picture.height]).toEqual([3 * 56 + 2 * 2, 56]);
  const [dead, gap, bright, negative] = [10, 56, 70, 130].map((x) => pixel(picture, x, 20));
  expect(gap).toEqual(WHITE);
  expect(bright).toEqual([253, 231, 37]);
  expect(dead).toEqual([20, 8, 40]);
  expect(negative).toEqual(dead);
});

test('of many channels 64 are shown, evenly spaced, small maps enlarged', () => {
  const channels = 128;
  // One site: the channel's number is its value.
  const data = Float32Array.from({ length: channels }, (_, c) => c);
  const picture = channelMosaic({ shape: [1, 1, channels], data });
  expect([picture.width, picture.height]).toEqual([8 * 58 - 2, 8 * 58 - 2]);
  const last = channelMosaic({
    shape: [1, 1, channels],
    data: data.map((v) => (v === 126 ? v : 0)),
  });
  expect(pixel(last, 7 * 58, 7 * 58)).not.toEqual([20, 8, 40]); // channel 126 is the 64th
  expect(pixel(last, 0, 0)).toEqual([20, 8, 40]);
});

test('an activation without any value above zero is dark, not divided by zero', () => {
  const picture = channelMosaic({ shape: [2, 2, 1], data: new Float32Array(4) });
  expect(pixel(picture, 0, 0)).toEqual([20, 8, 40]);
});
