import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { collected, jsonPieces, type JsonRows } from '../../../io/files/json-stream.js';
import { RowSpool } from '../../../io/files/row-spool.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-rows-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function* rowsOf(rows: readonly unknown[]): JsonRows & AsyncGenerator<unknown> {
  for (const row of rows) yield await Promise.resolve(row);
}
async function textOf(document: unknown, indent: number): Promise<string> {
  let text = '';
  for await (const piece of jsonPieces(document, indent)) text += piece;
  return text;
}

const rows = fc.array(fc.oneof(fc.jsonValue(), fc.record({ id: fc.nat(), 'a\nb': fc.string() })));

test('a document with rows is written as JSON.stringify writes it with arrays', async () => {
  await fc.assert(
    fc.asyncProperty(rows, rows, fc.jsonValue(), fc.constantFrom(0, 2), async (a, b, c, indent) => {
      const make = (list: (rows: readonly unknown[]) => unknown): unknown => ({
        model: undefined,
        a: list(a),
        'in\n': { b: list(b), c },
        c,
      });
      const text = `${JSON.stringify(
        make((all) => all),
        null,
        indent,
      )}\n`;
      expect(await textOf(make(rowsOf), indent)).toBe(text);
      expect(await textOf(rowsOf(a), indent)).toBe(`${JSON.stringify(a, null, indent)}\n`);
      expect(JSON.stringify(await collected(make(rowsOf)))).toBe(
        JSON.stringify(make((all) => all)),
      );
    }),
  );
});

test('many rows come in few pieces', async () => {
  const many = Array.from({ length: 20_000 }, (_, id) => ({ id }));
  let pieces = 0;
  for await (const piece of jsonPieces(rowsOf(many), 0)) pieces += piece.length > 0 ? 1 : 0;
  expect(pieces).toBeLessThan(10);
});

test('a spool reads rows by number, those of one number in the order in which they came', () => {
  const file = join(folder, 'deep', 'rows.jsonl');
  const spool = RowSpool.create<string>(file);
  const added: [number, string][] = [];
  for (const number of [5, 2, 9, 2, 0, 5]) {
    const own = Array.from({ length: number }, (_, i) => `${number}\n${i} ü`);
    spool.add(number, own);
    added.push(...own.map((row) => [number, row] as [number, string]));
  }
  expect(readFileSync(file, 'utf8').trim().split('\n').length).toBe(added.length);
  const sorted = [...added].sort(([a], [b]) => a - b);
  expect([...spool.inOrder()]).toEqual(sorted);
  spool.add(1, ['late']);
  expect([...spool.inOrder()][0]).toEqual([1, 'late']);
  spool.remove();
  expect(existsSync(file)).toBe(false);
  const temporary = RowSpool.temporary<number>();
  temporary.add(0, [1, 2]);
  expect([...temporary.inOrder()].map(([, row]) => row)).toEqual([1, 2]);
  temporary.remove();
});
