/** A row of a file. */
export interface CsvRow {
  /** Line of its beginning, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** Delimiters that spreadsheets write. */
const DELIMITERS = [',', ';', '\t'] as const;

/** Largest number of fields of a row, and of rows of a file: above any table of boxes, below the memory. */
const MAX_FIELDS = 1000;
const MAX_ROWS = 2 ** 22;

/** End of a text. */
export interface CsvEnd {
  readonly delimiter: string;
  /** Reason why not all of it was read, and its line. */
  readonly problem?: { readonly line: number; readonly message: string } | undefined;
}

/**
 * Splits text into rows and fields as RFC 4180 does: fields may be quoted, with `""` for a quote. Lines end with LF, CRLF
 * or CR; empty ones are skipped. The delimiter is the most frequent one of the first line outside quotes, or that
 * of a first line `sep=;`.
 *
 * @param use gets every row
 * @param maxRows number of rows after which reading ends with a problem
 */
export function parseCsvRows(
  text: string,
  use: (row: CsvRow, delimiter: string) => void,
  maxRows = MAX_ROWS,
): CsvEnd {
  // Excel's first line.
  const [said, wanted] = /^\uFEFF?"?sep=(.)"?\r?\n/.exec(text) ?? [];
  const delimiter = wanted ?? delimiterOf(text);
  let fields: string[] = [];
  let numRows = 0;
  let [line, start, at] = said === undefined ? [1, 1, 0] : [2, 2, said.length];
  let problem: CsvEnd['problem'];
  const endRow = (): void => {
    if (fields.length > 1 || (fields[0] ?? '').trim() !== '') {
      numRows++;
      use({ line: start, fields }, delimiter);
    }
    fields = [];
  };
  while (at < text.length) {
    if (fields.length === 0) start = line;
    if (fields.length >= MAX_FIELDS || numRows >= maxRows) {
      const most = numRows >= maxRows ? `${maxRows} rows` : `${MAX_FIELDS} fields in a row`;
      return { delimiter, problem: { line, message: `expected at most ${most}, got more` } };
    }
    let field = '';
    if (text[at] === '"') {
      const first = line;
      let end = ++at;
      for (; ; end++) {
        end = text.indexOf('"', end);
        if (end < 0) {
          problem ??= { line: first, message: 'expected the end of a quoted field, got none' };
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
    // Text after a closing quote belongs to the field, as spreadsheets read it.
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
  return { delimiter, problem };
}

/** Reads all rows of a small table as {@link parseCsvRows}. */
export function parseCsv(text: string): CsvEnd & { readonly rows: readonly CsvRow[] } {
  const rows: CsvRow[] = [];
  const end = parseCsvRows(text, (row) => rows.push(row));
  return { ...end, rows };
}

function delimiterOf(text: string): string {
  const [first] = text
    .slice(0, 65536)
    .replaceAll(/"[^"]*"/g, '')
    .split(/[\r\n]/, 1);
  const counts = DELIMITERS.map((delimiter) => first.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}
