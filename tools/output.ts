import { once } from 'node:events';
import { oneLine, withoutControls } from '../core/controls.js';

let isMuted = false;

/** Keeps a reader that ends before the output does (`| head`) from being an error. */
export function endQuietlyWithReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}

/** Prints a message for people to standard error; standard output is for results. */
export function log(line: string): void {
  if (!isMuted) process.stderr.write(`${withoutControls(line)}\n`);
}

/** Prints results for people to standard output. */
export function print(text: string): void {
  process.stdout.write(`${withoutControls(text)}\n`);
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
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
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
