import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type DataError, LayoutError } from '../../core/errors.js';
import * as t from '../../core/schema.js';
import { compileSchema, formatProblems } from '../../io/schema.js';
import { readYaml } from '../../io/yaml/read.js';
import type { AnnotationSource } from '../annotations/source.js';
import { readClassNames } from '../class-names.js';
import type { FolderSource } from '../segmentation-folder.js';
import { detectionData } from './coco.js';
import { segmentationData } from './folders.js';
import { assertRange, labelsIn, Settings } from './settings.js';
import type { DetectionData, SegmentationData } from './types.js';

/** A split. Paths are relative to the file. */
const Split = t.record({
  annotations: t.optional(t.TEXT),
  labels: t.optional(t.TEXT),
  images: t.TEXT,
  /** Number of images from the beginning of the annotation file; default: all. */
  limit: t.optional(t.whole(1)),
  /** Text file with the images to use, one path relative to `images` a line, for label folders; default: all. */
  list: t.optional(t.TEXT),
});

const DataYaml = t.extend(Settings, {
  train: Split,
  val: t.optional(Split),
  test: t.optional(Split),
  reduceZeroLabel: t.optional(t.FLAG),
});
type DataYaml = t.Infer<typeof DataYaml>;

/**
 * Reads a `data.yaml`: `{train: {annotations, images, limit?}, val: {…}, test: {…}, classes: […]}` for detection, or with
 * `labels` (a folder of PNGs) instead of `annotations` for segmentation, and `list` for a part of the images. Labels may have
 * other numbers (`values: {road: 7}`) or colors (`colors: {road: [128, 64, 128]}`); `range: [lowest, highest]` scales images
 * of more than 8 bits.
 *
 * @throws DataError if it does not fit the schema, mixes both forms, or names a path that does not exist
 */
export function yamlLayout(file: string): DetectionData | SegmentationData {
  const content = readYaml(file);
  const wrong = (message: string): DataError => LayoutError.in(file, message);
  const problems = compileSchema(DataYaml)(content);
  if (problems.length > 0) throw wrong(formatProblems(problems));
  const yaml = content as DataYaml;
  const base = dirname(resolve(file));
  const existing = (key: string, path: string): string => {
    const full = resolve(base, path);
    if (!existsSync(full)) throw wrong(`${key}: expected a path that exists, got ${full}`);
    return full;
  };
  const listed =
    typeof yaml.classes === 'string'
      ? readClassNames(existing('classes', yaml.classes))
      : yaml.classes;
  const { range } = yaml;
  assertRange(range, wrong);
  const parts = (['train', 'val', 'test'] as const).flatMap((split) => {
    const part = yaml[split];
    return part ? [{ split, part }] : [];
  });
  const both = parts.find(
    ({ part }) => (part.labels === undefined) === (part.annotations === undefined),
  );
  if (both)
    throw wrong(
      `${both.split}: expected annotations (detection) or labels (segmentation), got ${both.part.labels === undefined ? 'neither' : 'both'}`,
    );
  const isSegmentation = parts[0].part.labels !== undefined;
  const other = parts.find(({ part }) => (part.labels !== undefined) !== isSegmentation);
  if (other)
    throw wrong(
      `${other.split}: expected ${isSegmentation ? 'labels' : 'annotations'} as in train`,
    );
  const images = ({ split, part }: (typeof parts)[number]): string =>
    existing(`${split}/images`, part.images);
  if (!isSegmentation) {
    const withList = parts.find(({ part }) => part.list !== undefined);
    const other = (['reduceZeroLabel', 'values', 'colors'] as const).find(
      (key) => yaml[key] !== undefined,
    );
    if (other !== undefined || withList)
      throw wrong(
        `${withList ? `${withList.split}/list` : String(other)}: expected label folders with it, got annotations`,
      );
    const sources: Record<string, AnnotationSource> = {};
    for (const entry of parts) {
      const { annotations = '', limit } = entry.part;
      const path = existing(`${entry.split}/annotations`, annotations);
      sources[entry.split] = {
        annotations: path,
        images: images(entry),
        classes: listed,
        limit,
        range,
      };
    }
    return detectionData('yaml', file, sources);
  }
  const limited = parts.find(({ part }) => part.limit !== undefined);
  if (limited)
    throw wrong(`${limited.split}/limit: expected annotations with it, got label folders`);
  const { classes, values, colors } = labelsIn(yaml, listed, wrong);
  const splits: Record<string, FolderSource> = {};
  for (const entry of parts)
    splits[entry.split] = {
      images: images(entry),
      labels: existing(`${entry.split}/labels`, entry.part.labels ?? ''),
      classes,
      reduceZeroLabel: yaml.reduceZeroLabel ?? false,
      list:
        entry.part.list === undefined
          ? undefined
          : existing(`${entry.split}/list`, entry.part.list),
      values,
      colors,
      range,
    };
  return segmentationData('yaml', file, splits, 'images and labels by data.yaml');
}
