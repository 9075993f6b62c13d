import { expect, test } from 'vitest';
import { freeNow } from '../../../engine/runtime/free-now.js';

const MEBIBYTE = 2 ** 20;

test('the memory of arrays is freed immediately, without garbage collection', () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 50; i++) {
    const arrays = [new Float32Array(4 * MEBIBYTE), new Int32Array(MEBIBYTE)];
    freeNow(arrays);
    expect(arrays.map(({ byteLength }) => byteLength)).toEqual([0, 0]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MEBIBYTE);
  }
});

test('views of one buffer are emptied together, and others stay', () => {
  const buffer = new ArrayBuffer(16);
  const views = [new Uint8Array(buffer, 0, 4), new Float32Array(buffer, 8, 1)];
  const other = Float32Array.of(1, 2);
  freeNow(views);
  freeNow([]);
  expect([buffer.byteLength, views[0].length, views[1].length]).toEqual([0, 0, 0]);
  expect([...other]).toEqual([1, 2]);
});
