let isMuted = false;

/** Prints a message for people to standard error; standard output is for results. */
export function log(line: string): void {
  if (!isMuted) process.stderr.write(`${line}\n`);
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
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Formats a table with right-aligned numbers; the first row is the header. */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((row) => String(row[column]).length)),
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
