import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { failedWrite } from './atomic.js';

/** A row and the number of the image that it is about. */
export type Numbered<Row> = readonly [number: number, row: Row];

/**
 * Rows of many images on disk: one JSON document a line, appended as they come, so that memory does not grow and a killed
 * process leaves what it had done. They are read in the order of the numbers.
 */
export class RowSpool<Row> {
  /** By call of `add`: number, and the end of its lines in bytes. */
  private readonly numbers: number[] = [];
  private readonly ends: number[] = [];

  private constructor(
    private readonly file: string,
    private readonly descriptor: number,
    /** Path that {@link remove} removes. */
    private readonly removed = file,
  ) {}

  /** Creates the file in place of an older one; missing folders are created, too. @throws WorkError if the system refuses */
  static create<Row>(file: string): RowSpool<Row> {
    try {
      mkdirSync(dirname(file), { recursive: true });
      // Not emptied but replaced: another process may write into it, or it may be a link to a file elsewhere.
      rmSync(file, { force: true });
      return new RowSpool<Row>(file, openSync(file, 'wx+'));
    } catch (error) {
      throw failedWrite(error, file);
    }
  }

  /** Creates a file in the folder for temporary files. @throws WorkError if the system refuses */
  static temporary<Row>(): RowSpool<Row> {
    const folder = mkdtempSync(join(tmpdir(), 'convnextv2-rows-'));
    const file = join(folder, 'rows.jsonl');
    return new RowSpool<Row>(file, openSync(file, 'wx+'), folder);
  }

  /** Appends the rows of an image. @throws WorkError if the system refuses: disk full */
  add(number: number, rows: readonly Row[]): void {
    if (rows.length === 0) return;
    const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const start = this.ends.at(-1) ?? 0;
    try {
      for (let at = 0; at < bytes.length;)
        at += writeSync(this.descriptor, bytes, at, bytes.length - at, start + at);
    } catch (error) {
      throw failedWrite(error, this.file);
    }
    this.numbers.push(number);
    this.ends.push(start + bytes.length);
  }

  /** Reads the rows with their numbers, by ascending number; rows of one number in the order in which they came. */
  *inOrder(): Generator<Numbered<Row>> {
    const { numbers, ends } = this;
    const order = [...numbers.keys()].sort((a, b) => numbers[a] - numbers[b]);
    for (const i of order) {
      const start = i === 0 ? 0 : ends[i - 1];
      const bytes = Buffer.allocUnsafe(ends[i] - start);
      for (let at = 0; at < bytes.length;) {
        const count = readSync(this.descriptor, bytes, at, bytes.length - at, start + at);
        if (count === 0) throw failedWrite(new Error('the end of the file'), this.file);
        at += count;
      }
      for (const line of bytes.toString().trimEnd().split('\n'))
        yield [numbers[i], JSON.parse(line) as Row];
    }
  }

  /** Closes the file, which stays. */
  close(): void {
    closeSync(this.descriptor);
  }

  /** Closes and removes the file. */
  remove(): void {
    this.close();
    rmSync(this.removed, { recursive: true, force: true });
  }
}
