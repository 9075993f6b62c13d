/** A row of a file. */
export interface CsvRow {
  /** Line of its beginning, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** Delimiters that spreadsheets write. */
const DELIMITERS = [',', ';', '\t'] as const;

/**
 * Splits text into rows and fields as RFC 4180 does: fields may be quoted, with `""` for a quote. Lines end with LF, CRLF
 * or CR; empty ones are skipped. The delimiter is the most frequent one of the first line outside quotes, or that
 * of a first line `sep=;`.
 *
 * @returns the rows, and the delimiter; `unclosed` is the line of a quote that is never closed
 */
export function parseCsv(text: string): {
  readonly rows: readonly CsvRow[];
  readonly delimiter: string;
  readonly unclosed?: number | undefined;
} {
  // Excel's first line.
  const [said, wanted] = /^\uFEFF?"?sep=(.)"?\r?\n/.exec(text) ?? [];
  const delimiter = wanted ?? delimiterOf(text);
  const rows: CsvRow[] = [];
  let fields: string[] = [];
  let [line, start, at] = said === undefined ? [1, 1, 0] : [2, 2, said.length];
  let unclosed: number | undefined;
  const endRow = (): void => {
    if (fields.length > 1 || (fields[0] ?? '').trim() !== '') rows.push({ line: start, fields });
    fields = [];
  };
  while (at < text.length) {
    if (fields.length === 0) start = line;
    let field = '';
    if (text[at] === '"') {
      const first = line;
      let end = ++at;
      for (; ; end++) {
        end = text.indexOf('"', end);
        if (end < 0) {
          unclosed ??= first;
          end = text.length;
          break;
        }
        if (text[end + 1] !== '"') break;
        end++;
      }
      field = text.slice(at, end).replaceAll('""', '"');
      line += field.split('\n').length - 1;
      at = Math.min(text.length, end + 1);
    }
    // What follows a closing quote belongs to the field, as spreadsheets read it.
    let end = at;
    while (end < text.length && text[end] !== delimiter && text[end] !== '\n' && text[end] !== '\r')
      end++;
    fields.push(field + text.slice(at, end));
    at = end + 1;
    if (end >= text.length) break;
    if (text[end] === delimiter) {
      if (at >= text.length) fields.push('');
      continue;
    }
    if (text[end] === '\r' && text[at] === '\n') at++;
    line++;
    endRow();
  }
  endRow();
  return { rows, delimiter, unclosed };
}

function delimiterOf(text: string): string {
  const [first] = text
    .slice(0, 65536)
    .replaceAll(/"[^"]*"/g, '')
    .split(/[\r\n]/, 1);
  const counts = DELIMITERS.map((delimiter) => first.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}
