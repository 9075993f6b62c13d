import { expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { Arena } from '../../../heads/roi/roi-align-arena.js';

test('arrays are contiguous in one memory, aligned to 64 bytes', () => {
  const arena = Arena.withBytes(1000);
  const [a, b] = [arena.float32(3), arena.float32(5)];
  expect(a.buffer).toBe(b.buffer);
  expect([a.byteOffset % 64, b.byteOffset % 64]).toEqual([0, 0]);
  a.fill(1);
  expect([...b]).toEqual([0, 0, 0, 0, 0]);
  expect(arena.addressOf('test', b)).toBe(b.byteOffset);
});

test('release frees allocations after the mark', () => {
  const arena = new Arena(new ArrayBuffer(1024));
  arena.float32(16);
  const mark = arena.mark();
  const first = arena.float32(100);
  arena.release(mark);
  expect(arena.float32(100).byteOffset).toBe(first.byteOffset);
  expect(() => arena.release(1e6)).toThrow(RangeError);
});

test('a full arena, foreign arrays and shared memory are errors', () => {
  const arena = new Arena(new ArrayBuffer(128));
  arena.float32(16);
  expect(() => arena.float32(17)).toThrow('expected 128 free bytes, got 64 of 128');
  expect(() => arena.addressOf('test', new Float32Array(1))).toThrow(
    "test: expected an array in the kernel's arena",
  );
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  expect(() => new Arena(shared)).toThrow(ConfigError);
});

test('a larger arena in the same memory keeps the content and detaches the views of the smaller one', () => {
  const small = Arena.withBytes(1000);
  const view = small.float32(3).fill(5);
  const memory = small.memory as WebAssembly.Memory;
  const large = Arena.withBytes(1e6, memory);
  expect(large.memory).toBe(memory);
  expect(large.freeBytes).toBeGreaterThanOrEqual(1e6);
  expect([...large.float32(3)]).toEqual([5, 5, 5]);
  expect(view.length).toBe(0);
  // Less than there is needs no growth.
  expect(Arena.withBytes(10, memory).buffer).toBe(large.buffer);
});
