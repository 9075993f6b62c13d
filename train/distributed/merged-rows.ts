import { DataError, quote } from '../../core/errors.js';
import { tryJson } from '../../io/files/json.js';
import { openFile } from '../../io/files/read.js';
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

/**
 * Reads the lines of a file one after the other. The file is opened by the first request: an interface drops lines that nobody
 * awaits.
 *
 * @throws Error for a folder, pipe or device
 */
export async function* readLines(file: string): AsyncGenerator<string> {
  yield* (await openFile(file)).readLines();
}

/** Merges the lines of several processes; only one row of each is in memory. @throws DataError for other lines */
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
  for await (const line of lines) if (line !== '') yield numbered<Row>(line);
}

/** The file of another process may be damaged. */
function numbered<Row>(line: string): Numbered<Row> {
  const value = tryJson(line);
  if (Array.isArray(value) && value.length === 2 && Number.isSafeInteger(value[0]))
    return value as unknown as Numbered<Row>;
  throw new DataError(
    `rows of another process: expected lines [number, row], got ${quote(line)}; let that process run again`,
  );
}
