import { basename } from 'node:path';
import type { ImageModel } from '../inference/model.js';
import { openExported } from '../inference/export/open-exported.js';
import { evaluationReport } from '../train/evaluate.js';
import type { EvaluationOptions, EvaluationReport } from '../train/evaluation.js';
import { formatTable, log } from './output.js';

type Document = EvaluationReport['document'];

/** Scores of an exported file. */
interface ExportedScores {
  readonly document: Document;
  /** Formats its scores beside those of the model. */
  compare(document: Document): string;
}

/** Evaluates a file that was exported from a model on the same data. */
export async function evaluateExported(
  model: ImageModel,
  file: string,
  { data, ...options }: EvaluationOptions & { readonly data: string },
): Promise<ExportedScores> {
  const exported = await openExported(file, model, log);
  try {
    const { document } = await evaluationReport(exported, data, {
      ...options,
      out: undefined,
      onNotice: log,
    });
    return { document, compare: (own) => comparison(own, document, basename(file)) };
  } finally {
    await exported.release();
  }
}

/** Keys of documents that are no scores. */
const NO_SCORE = /^(count|detections|seconds|imagesPerSecond|scored|missing|labelledClasses)$/;

/** Scores of a document by name, those of boxes and masks with the kind in front; −1 says that there is none. */
function fractions(document: Document, prefix = ''): readonly (readonly [string, number])[] {
  return Object.entries(document).flatMap(([key, value]) => {
    if (NO_SCORE.test(key)) return [];
    if (typeof value === 'number') return value < 0 ? [] : [[`${prefix}${key}`, value] as const];
    const isPart = prefix === '' && typeof value === 'object' && value !== null;
    if (!isPart || Array.isArray(value) || !/^(bbox|segm)$/.test(key)) return [];
    return fractions(value as Document, `${key} `);
  });
}

/** Table of the scores of both, and of the images per second. */
function comparison(own: Document, exported: Document, file: string): string {
  const theirs = new Map(fractions(exported));
  const rows = fractions(own).flatMap(([name, value]) => {
    const other = theirs.get(name);
    if (other === undefined) return [];
    return [[name, value.toFixed(4), other.toFixed(4), (other - value).toFixed(4)]];
  });
  const speed = [own, exported].map((document) => Number(document['imagesPerSecond']).toFixed(2));
  return formatTable([['score', 'model', file, 'difference'], ...rows, ['images/s', ...speed, '']]);
}
