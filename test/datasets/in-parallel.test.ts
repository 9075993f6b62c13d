import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { inParallel } from '../../datasets/in-parallel.js';

describe('inParallel', () => {
  const items = Array.from({ length: 40 }, (_, i) => i);

  test('gives the results in the order of the items', async () => {
    const doubled = await inParallel(items, async (item) => {
      await setTimeout((item * 7) % 5);
      return 2 * item;
    });
    expect(doubled).toEqual(items.map((item) => 2 * item));
  });

  test('a failure is thrown after running items have ended, and starts no more', async () => {
    let numUnderWay = 0;
    let numBegun = 0;
    const failed = inParallel(items, async (item) => {
      numBegun++;
      numUnderWay++;
      await setTimeout(item === 3 ? 1 : 30);
      numUnderWay--;
      if (item === 3) throw new Error('stop');
    });
    await expect(failed).rejects.toThrow('stop');
    expect([numUnderWay, numBegun]).toEqual([0, 8]);
  });
});
