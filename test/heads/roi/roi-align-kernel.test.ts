import { expect, test } from 'vitest';
import { Arena } from '../../../heads/roi/roi-align-arena.js';
import { createKernel, scalarKernel } from '../../../heads/roi/roi-align-kernel.js';

/** One RoI with tables written by hand: row 0 has taps on y = 0 and 2, row 1 has none; column 0 has x = 1. */
function byHand(arena: Arena, numChannels: number, kernel: ReturnType<typeof createKernel>) {
  const src = arena.float32(3 * 2 * numChannels); // [3, 2, C]
  const dst = arena.float32(2 * 1 * numChannels); // [2, 1, C]
  const tables = arena.float32(16);
  const words = new Int32Array(tables.buffer, tables.byteOffset, 16);
  words[0] = 2;
  words[1] = 0;
  tables[2] = 0.5;
  words[3] = 2;
  tables[4] = 0.25;
  words[5] = 0;
  words[8] = 1;
  words[9] = 1;
  tables[10] = 2;
  src.forEach((_, i) => (src[i] = i));
  dst.fill(1000);
  const pixel = 4 * numChannels;
  const run = (accumulate: number): number[] => {
    kernel(
      dst.byteOffset,
      pixel,
      src.byteOffset,
      2 * pixel,
      pixel,
      2,
      1,
      tables.byteOffset,
      tables.byteOffset + 32,
      accumulate,
    );
    return [...dst];
  };
  return { run };
}

test.each([1, 2, 3, 4, 5, 31, 32, 33, 64, 71])('an RoI computed by hand, with %i channels', (C) => {
  const sums = Array.from({ length: C }, (_, c) => 2 * (0.5 * (C + c) + 0.25 * (5 * C + c)));
  const arenas = [Arena.withBytes(65536), new Arena(new ArrayBuffer(65536))];
  for (const arena of arenas) {
    for (const kernel of [createKernel(arena), scalarKernel(arena)]) {
      const { run } = byHand(arena, C, kernel);
      const zeros = new Array<number>(C).fill(0);
      expect(run(1)).toEqual([...sums.map((v) => v + 1000), ...zeros.map(() => 1000)]);
      expect(run(0)).toEqual([...sums, ...zeros]);
    }
  }
});
