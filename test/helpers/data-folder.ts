import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { readTables } from '../../datasets/annotations/read.js';
import type { AnnotationSource } from '../../datasets/annotations/source.js';
import type { CocoTables } from '../../io/coco/annotations.js';
import type { CocoIssue } from '../../io/coco/issues.js';
import { encodeRgbPng } from '../../io/png/write.js';

/** A folder for every test, and ways to fill it. */
export interface DataFolder {
  readonly root: string;
  /** Absolute path. */
  readonly at: (path: string) => string;
  /** Writes a file; records as JSON. @returns its absolute path */
  readonly write: (path: string, content?: string | Uint8Array | object) => string;
  /** Writes a PNG of a size. */
  readonly image: (path: string, width?: number, height?: number) => string;
}

/** Makes a new folder before every test of the file and removes it afterwards. */
export function dataFolder(): DataFolder {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'data-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const at = (path: string): string => join(root, path);
  const write: DataFolder['write'] = (path, content = '') => {
    const isText = typeof content === 'string' || content instanceof Uint8Array;
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), isText ? content : JSON.stringify(content));
    return at(path);
  };
  const image: DataFolder['image'] = (path, width = 64, height = 48) =>
    write(path, encodeRgbPng({ width, height, data: new Uint8Array(3 * width * height) }));
  return {
    get root() {
      return root;
    },
    at,
    write,
    image,
  };
}

/** Reads tables and collects the issues. */
export async function tablesOf(source: AnnotationSource): Promise<{
  readonly tables: CocoTables;
  readonly issues: readonly CocoIssue[];
  /** `code file: message`, with the path relative to the source's folder. */
  readonly lines: readonly string[];
}> {
  const issues: CocoIssue[] = [];
  const tables = await readTables(source, (issue) => issues.push(issue));
  const lines = issues.map(
    ({ code, file, message }) =>
      `${code} ${file.replace(`${source.annotations}/`, '')}: ${message}`,
  );
  return { tables, issues, lines };
}

/** x, y, width, height of the annotations of an image. */
export function boxesOf({ images, annotations }: CocoTables, fileName: string): number[][] {
  const id = images.ids[images.fileNames.indexOf(fileName)];
  return Array.from(annotations.imageIds.keys()).flatMap((row) =>
    annotations.imageIds[row] === id
      ? [Array.from(annotations.boxes.subarray(4 * row, 4 * row + 4))]
      : [],
  );
}
