import { expect } from 'vitest';
import { DataError } from '../../core/errors.js';
import { readTables } from '../../datasets/annotations/read.js';
import type { AnnotationSource } from '../../datasets/annotations/source.js';
import { checkCocoTables } from '../../datasets/coco/checks.js';
import { createCocoSet } from '../../datasets/coco/set.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { ProblemLog } from '../../datasets/problems.js';
import type { Report } from '../../io/coco/issues.js';

/** Reads a source, checks it and creates its set. @throws DataError if there are errors */
export async function load(source: AnnotationSource, root: string): Promise<void> {
  const log = new ProblemLog();
  const report: Report = ({ code, file, message }) => {
    expect(file).toContain(root);
    expect(message).not.toMatch(/\[object [A-Z]/);
    if (code === 'schema' || code === 'json' || code === 'array')
      log.add({ code, severity: 'error', meaning: '' }, { file, message });
  };
  const tables = await readTables(source, report);
  const indices = checkCocoTables(tables, log);
  if (tables.categories.length > 0) createCocoSet(tables, indices, source);
  const { boxes, masks, ids } = tables.annotations;
  if (boxes.some(Number.isNaN)) throw new Error('a box that is no number');
  ids.forEach((_, row) => masks.describe(row));
  log.throwErrors();
}

/** Recognizes a set and reads its parts. */
export async function loadDetected(path: string, root: string): Promise<void> {
  const data = await detectLayout(path, { kind: 'detection', several: true });
  if (data.kind !== 'detection') throw new DataError('expected boxes, got others');
  for (const part of Object.values(data.splits)) await load(part, root);
}
