import { expect, test } from 'vitest';
import { Column } from '../../core/column.js';

test('a column keeps what is pushed, beyond its first capacity', () => {
  const column = new Column();
  expect([column.length, [...column.view()], column.to(Int32Array).length]).toEqual([0, [], 0]);
  const values = Array.from({ length: 1000 }, (_, i) => i / 4);
  for (const value of values) column.push(value);
  expect(column.length).toBe(1000);
  expect(column.at(999)).toBe(999 / 4);
  expect([...column.view()]).toEqual(values);
  expect(column.to(Uint8Array).subarray(0, 5)).toEqual(Uint8Array.of(0, 0, 0, 0, 1));
});
