import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { tileOf } from '../../tools/model-options.js';

test('--tile and --overlap are tiles of the model', () => {
  expect(tileOf({})).toBeUndefined();
  expect(tileOf({ tile: 1024 })).toEqual({ size: 1024, overlap: undefined });
  expect(tileOf({ tile: 640, overlap: 0.3 })).toEqual({ size: 640, overlap: 0.3 });
});

describe('out of range', () => {
  test.each([
    [{ overlap: 0.2 }, '--tile SIZE'],
    [{ tile: 0 }, 'size of 64'],
    [{ tile: 20000 }, 'got 20000'],
    [{ tile: 512, overlap: 1 }, 'overlap'],
  ])('%j', (flags, message) => {
    expect(() => tileOf(flags)).toThrow(ConfigError);
    expect(() => tileOf(flags)).toThrow(message);
  });
});
