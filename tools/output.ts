import { once } from 'node:events';
import { oneLine, withoutControls } from '../core/controls.js';
import type { TextBlock } from '../train/presentation.js';

let isMuted = false;

/**
 * Keeps a reader that ends before the output does (`| head`) and a closed terminal from being errors. Results that cannot be
 * written otherwise (a full disk under `> file`) make the exit code 1; messages are worth less than the work.
 */
export function endQuietlyWithReaders(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isReaderGone(error)) return;
    if (process.exitCode === undefined)
      printError(
        `WriteError: standard output: expected to write the results, got ${error.message}`,
      );
    process.exitCode ??= 1;
  });
}

/** Whether a write failed because nobody reads any more: the end of a pipe, or a terminal that is closed. */
export function isReaderGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || (code === 'EIO' && process.stdout.isTTY);
}

/** Prints a message for people to standard error; standard output is for results. */
export function log(line: string): void {
  if (!isMuted) process.stderr.write(`${withoutControls(line)}\n`);
}

/** Prints results for people to standard output. */
export function print(text: string): void {
  process.stdout.write(`${withoutControls(text)}\n`);
}

/** Prints lines and tables about data; a line stays one, also with a line break in the name of a file. */
export function printBlocks(blocks: readonly TextBlock[]): void {
  for (const block of blocks)
    print(typeof block === 'string' ? oneLine(block) : formatTable(block));
}

/** Prints an error to standard error, also where {@link log} is muted. */
export function printError(text: string): void {
  process.stderr.write(`${withoutControls(text)}\n`);
}

/** Silences `log`, because only one of several processes prints. */
export function muteLog(): void {
  isMuted = true;
}

/** Flag of every verb that can print one JSON document. */
export interface JsonFlag {
  readonly json?: boolean;
}

/** Prints the JSON document of a `--json` run to standard output. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/** {@link printJson} for a document with rows that are not all in memory. */
export async function printJsonRows(document: object): Promise<void> {
  const { jsonPieces } = await import('../io/files/json-stream.js');
  try {
    for await (const piece of jsonPieces(document, 0))
      if (!process.stdout.write(withoutControls(piece))) await once(process.stdout, 'drain');
  } catch (error) {
    if (!isReaderGone(error as NodeJS.ErrnoException)) throw error;
  }
}

/** Formats a table with right-aligned numbers; the first row is the header. */
export function formatTable(cells: readonly (readonly (string | number)[])[]): string {
  const rows = cells.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? cell : oneLine(cell))),
  );
  const widths = rows[0].map((_, column) =>
    rows.reduce((most, row) => Math.max(most, String(row[column]).length), 0),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          typeof cell === 'number'
            ? String(cell).padStart(widths[column])
            : cell.padEnd(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
