import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Numbered, RowSpool } from '../../io/files/row-spool.js';

type Lines = Iterable<string> | AsyncIterable<string>;

/** Rows of one process in the order of the images. */
export async function* ownRows<Row>(rows: RowSpool<Row>): AsyncGenerator<Row> {
  for (const [, row] of rows.inOrder()) yield row;
}

/** Rows as lines `[number,row]`, in the order of the images, for other processes. */
export function* linesOf(rows: RowSpool<unknown>): Generator<string> {
  for (const numbered of rows.inOrder()) yield `${JSON.stringify(numbered)}\n`;
}

/** Reads the lines of a file one after the other. The file is opened by the first request: an interface drops lines that nobody awaits. */
export async function* readLines(file: string): AsyncGenerator<string> {
  yield* createInterface({ input: createReadStream(file), crlfDelay: Infinity });
}

/** Merges the lines of several processes; only one row of each is in memory. */
export async function* mergedRows<Row>(sources: readonly Lines[]): AsyncGenerator<Row> {
  const iterators = sources.map(numberedRows<Row>);
  const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
  for (;;) {
    let first = -1;
    heads.forEach((head, i) => {
      if (head.done === true) return;
      const best = heads[first] as IteratorYieldResult<Numbered<Row>> | undefined;
      if (best === undefined || head.value[0] < best.value[0]) first = i;
    });
    if (first < 0) return;
    yield (heads[first] as IteratorYieldResult<Numbered<Row>>).value[1];
    heads[first] = await iterators[first].next();
  }
}

async function* numberedRows<Row>(lines: Lines): AsyncGenerator<Numbered<Row>, undefined> {
  for await (const line of lines) if (line !== '') yield JSON.parse(line) as Numbered<Row>;
}
