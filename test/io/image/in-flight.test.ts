import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withPixels } from '../../../io/image/in-flight.js';

test('large images wait for each other, small ones do not, and a failure makes room', async () => {
  let [now, most, done] = [0, 0, 0];
  const work = (pixels: number, fails = false): Promise<void> =>
    withPixels(pixels, async () => {
      most = Math.max(most, (now += pixels));
      await setTimeout(2);
      now -= pixels;
      if (fails) throw new Error('damaged');
      done++;
    });
  const bomb = 178_956_970;
  const all = await Promise.allSettled([
    ...Array.from({ length: 5 }, () => work(bomb, true)),
    ...Array.from({ length: 20 }, (_, i) => work(bomb, i % 3 === 0)),
  ]);
  expect(all.length).toBe(25);
  expect([most, now]).toEqual([bomb, 0]);
  most = 0;
  await Promise.all(Array.from({ length: 64 }, () => work(2 ** 23)));
  expect(most).toBe(2 ** 27);
  expect(done).toBe(13 + 64);
});
