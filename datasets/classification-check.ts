import { basename } from 'node:path';
import { DataError, quote } from '../core/errors.js';
import { grouped } from '../core/grouped.js';
import { reportAlike } from './alike-classes.js';
import { skippedFile } from '../io/files/images.js';
import type { ClassificationSet } from './imagenet.js';
import { inParallel } from './in-parallel.js';
import { imageNotes, inspectImage } from './inspect-image.js';
import type { PartPurpose, PartUse } from './part-use.js';
import { errorAsValue, problemKinds, type ProblemLog } from './problems.js';

/** Kinds of problems of a classification set; see `COCO_PROBLEMS` for the severities. */
export const CLASSIFICATION_PROBLEMS = {
  ...problemKinds('error', {
    imageUnreadable: 'images that cannot be read',
    untrainable: 'training parts with nothing to learn',
    partMissing: 'sets without a part to train on',
  }),
  ...problemKinds('warning', {
    classHeldOut: 'classes that occur in validation only: they are scored, but not learned',
  }),
  ...problemKinds('note', {
    fileIgnored: 'files that are no images',
    classUnused: 'classes without an image',
    sameName: 'class names that several classes have: told apart by their keys',
    unlabelled: 'images without a label',
  }),
};

/** Options of {@link inspectClassificationSet}. */
interface InspectOptions {
  readonly purpose: PartPurpose;
  /** Depth of the inspection of the image files. */
  readonly images: 'none' | 'headers' | 'pixels';
}

/**
 * Decides what of a set is used, and reports images that cannot be read and sets that a model cannot learn from.
 *
 * @returns the use, and the indices of the classes that occur
 */
export async function inspectClassificationSet(
  { samples, classes, folder = '', ignoredFiles }: ClassificationSet,
  { purpose, images }: InspectOptions,
  log: ProblemLog,
): Promise<{ readonly use: PartUse; readonly present: ReadonlySet<number> }> {
  const { unlabelled, classUnused, sameName, fileIgnored, untrainable } = CLASSIFICATION_PROBLEMS;
  const files = samples.filter(({ image }) => image === undefined).map(({ file }) => file);
  if (images !== 'none') await inspectFiles(files, images === 'pixels', log);
  const present = new Set(samples.map(({ classIndex }) => classIndex).filter((k) => k >= 0));
  for (const { file, classIndex } of samples)
    if (classIndex < 0) log.add(unlabelled, { file, message: 'no label' });
  classes.forEach(({ name }, k) => {
    if (!present.has(k)) log.add(classUnused, { file: folder, message: quote(name), id: k });
  });
  for (const [name, same] of grouped(classes, (entry) => entry.name)) {
    const keys = same.map(({ key }) => key).join(', ');
    if (same.length > 1) log.add(sameName, { file: folder, message: `${quote(name)}: ${keys}` });
  }
  // Of classes with keys of their own (WordNet ids), two may have almost the same name.
  const hasKeys = classes.some(({ key, name }) => key !== name);
  if (purpose === 'training' && !hasKeys) {
    const counts = new Float64Array(classes.length);
    for (const { classIndex } of samples) counts[classIndex]++;
    reportAlike(
      classes.map(({ name }) => name),
      counts,
      folder,
      log,
    );
  }
  for (const file of ignoredFiles) log.add(fileIgnored, { file, message: skippedFile(file) });
  if (purpose === 'training' && present.size < 2)
    log.add(untrainable, {
      file: folder,
      message: `expected images of at least two classes, got ${samples.length} images of ${present.size}`,
    });
  return { use: { used: { images: samples.length, classes: present.size }, leftOut: [] }, present };
}

async function inspectFiles(
  files: readonly string[],
  decode: boolean,
  log: ProblemLog,
): Promise<void> {
  const found = await inParallel(files, (file) => errorAsValue(inspectImage(file, { decode })));
  found.forEach((facts, i) => {
    const file = files[i];
    if (facts instanceof DataError)
      log.add(CLASSIFICATION_PROBLEMS.imageUnreadable, { file, message: facts.message });
    else
      for (const kind of imageNotes(facts, { upright: false }))
        log.add(kind, { file, message: quote(basename(file)) });
  });
}
