import { writeTextAtomically } from './atomic.js';

/** Items of an array of a JSON document that are not all in memory. */
export type JsonRows<Row = unknown> = AsyncIterable<Row>;

/** Size of the pieces that are written at a time. */
const PIECE_CHARS = 2 ** 16;

/**
 * Writes a JSON document whose arrays may be {@link JsonRows}, in pieces: the text of `JSON.stringify(document, null,
 * indent)` with the rows as arrays.
 *
 * @param document members that are not rows, or objects of them, are ordinary JSON
 * @param indent number of spaces, as in `JSON.stringify`
 */
export async function* jsonPieces(document: unknown, indent: number): AsyncGenerator<string> {
  let piece = '';
  for await (const text of texts(document, indent, '')) {
    piece += text;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}\n`;
}

/** Writes a document as {@link jsonPieces} atomically, in the form of other JSON files. */
export async function writeJsonRowsAtomically(file: string, document: unknown): Promise<void> {
  await writeTextAtomically(file, jsonPieces(document, 2));
}

/** Replaces the rows of a document by arrays in memory. */
export async function collected(document: unknown): Promise<unknown> {
  if (isRows(document)) {
    const rows: unknown[] = [];
    for await (const row of document) rows.push(row);
    return rows;
  }
  if (!holdsRows(document)) return document;
  const entries = Object.entries(document as object).map(
    async ([key, value]) => [key, await collected(value)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function* texts(value: unknown, indent: number, margin: string): AsyncGenerator<string> {
  const inner = margin + ' '.repeat(indent);
  const lineBreak = indent === 0 ? '' : '\n';
  /** Text of ordinary JSON; strings have no line breaks of their own. */
  const plain = (part: unknown): string =>
    JSON.stringify(part, null, indent).replaceAll('\n', `\n${inner}`);
  let isFirst = true;
  const separator = (): string => {
    const text = `${isFirst ? '' : ','}${lineBreak}${inner}`;
    isFirst = false;
    return text;
  };
  if (isRows(value)) {
    yield '[';
    for await (const row of value) yield separator() + plain(row);
    yield isFirst ? ']' : `${lineBreak}${margin}]`;
  } else if (holdsRows(value)) {
    yield '{';
    for (const [key, member] of Object.entries(value as object) as [string, unknown][]) {
      if (member === undefined) continue;
      yield `${separator()}${JSON.stringify(key)}:${indent === 0 ? '' : ' '}`;
      if (isRows(member) || holdsRows(member)) yield* texts(member, indent, inner);
      else yield plain(member);
    }
    yield `${lineBreak}${margin}}`;
  } else yield JSON.stringify(value, null, indent).replaceAll('\n', `\n${margin}`);
}

function isRows(value: unknown): value is JsonRows {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function holdsRows(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).some((member) => isRows(member) || holdsRows(member))
  );
}
