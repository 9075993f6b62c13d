import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cutList } from '../../../io/coco/list-cuts.js';
import { scanCocoFile } from '../../../io/coco/scan-file.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { put } = temporaryFolder();

/** The elements of each range, scanned on its own. */
async function elementsOf(file: string, count: number): Promise<unknown[][]> {
  const ranges = await cutList(file, count);
  const parts: unknown[][] = [];
  for (const range of ranges ?? []) {
    const elements: unknown[] = [];
    await scanCocoFile(
      file,
      {
        array: () => true,
        element: (_, __, value) => elements.push(value),
        invalid: (_, __, message) => expect.fail(message),
        value: () => expect.fail('expected a list'),
      },
      { range },
    );
    parts.push(elements);
  }
  return parts;
}

test.each([
  ['compact', undefined],
  ['indented', 2],
])('ranges hold every element once, in order: %s', async (name, indent) => {
  const list = Array.from({ length: 1000 }, (_, i) => ({ id: i, text: 'x'.repeat(i % 50) }));
  const file = await put(`${name}.json`, JSON.stringify(list, null, indent));
  for (const count of [1, 2, 3, 7]) {
    const parts = await elementsOf(file, count);
    expect(parts).toHaveLength(count);
    expect(parts.flat()).toEqual(list);
    const sizes = parts.map((part) => JSON.stringify(part).length);
    expect(Math.max(...sizes)).toBeLessThan(1.1 * Math.min(...sizes));
  }
});

test('a byte order mark stays in the first range', async () => {
  const file = await put('mark.json', '\ufeff[{"a":1},{"a":2},{"a":3}]');
  expect((await elementsOf(file, 2)).flat()).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
});

test.each([
  ['one record', '[{"a":1}]'],
  ['none', '[]'],
  ['numbers', '[1,2,3,4,5,6]'],
  ['fewer records than ranges', '[{"a":1},{"b":2}]'],
])('a list of %s is not cut', async (name, text) => {
  expect(await cutList(await put(`${name}.json`, text), 4)).toBeUndefined();
});

test.each<[string, (i: number) => object]>([
  ['in a text', (i) => ({ id: i, text: '},{'.repeat(200) })],
  ['in a list', (i) => ({ id: i, list: Array(200).fill({ a: 1 }) })],
])('a range that begins or ends %s is broken', async (name, record) => {
  const file = await put(`${name}.json`, JSON.stringify([0, 1].map((i) => record(i))));
  // Between the two records is a comma, too, but the first one behind the middle is inside the second.
  const middle = Math.floor(readFileSync(file).length / 2);
  const [, second] = (await cutList(file, 2))!;
  expect(second.from).toBeGreaterThan(middle);
  await expect(elementsOf(file, 2)).rejects.toThrow('list.json'.replace('list', name));
});

test('an object is broken in parts', async () => {
  const list = Array.from({ length: 50 }, (_, i) => ({ id: i }));
  const file = await put('object.json', JSON.stringify({ annotations: list }));
  await expect(elementsOf(file, 2)).rejects.toThrow('object.json');
});
