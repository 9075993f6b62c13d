let isMuted = false;

/** A line for people, on standard error: standard output belongs to results. */
export function log(line: string): void {
  if (!isMuted) process.stderr.write(`${line}\n`);
}

/** From now on `log` says nothing: of several processes that do the same work one speaks. */
export function muteLog(): void {
  isMuted = true;
}

/** The one JSON document of a `--json` run, on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** A table with right-aligned numbers; the first row is the header. */
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
