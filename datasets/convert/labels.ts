import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { DataError } from '../../core/errors.js';
import { writeNewFolder } from '../../io/files/new-folder.js';
import { isEmbedded } from '../../io/image/bytes.js';
import { encodeLabelPng } from '../../io/png/write.js';
import { dataYaml } from '../../io/yolo/write-data-yaml.js';
import { inParallel } from '../in-parallel.js';
import { loadSegmentationSplit } from '../layout/load.js';
import type { SegmentationData, SplitName } from '../layout/types.js';
import { labelsOf } from '../png-label-map.js';
import type { SegmentationSet } from '../segmentation-folder.js';
import type { ConvertOptions } from './convert.js';
import { freeStem } from './names.js';
import { placeImage } from './place-image.js';

/** Counts of a converted set of labels. */
export interface ConvertedLabels {
  /** Images by split. */
  readonly images: Readonly<Record<string, number>>;
  readonly classes: readonly string[];
}

/**
 * Converts a segmentation set of any layout to `images/`, `labels/` and a `data.yaml`: grayscale PNGs whose values are the
 * numbers of the classes, 255 where pixels are ignored. The folder is written completely or not at all.
 *
 * @throws DataError if the set has errors, or its parts have different classes
 */
export async function convertLabels(
  data: SegmentationData,
  folder: string,
  images: ConvertOptions['images'],
): Promise<ConvertedLabels> {
  const isDivided = data.splitRule !== undefined;
  const names = (['train', 'val', 'test'] as const).filter(
    (name) => name in data.splits || (isDivided && name === 'val'),
  );
  const sets: (readonly [SplitName, SegmentationSet])[] = [];
  for (const name of names) sets.push([name, await loadSegmentationSplit(data, name)]);
  const [[, { classes, range }]] = sets;
  const other = sets.find(([, set]) => set.classes.join('\n') !== classes.join('\n'));
  if (other)
    throw DataError.in(
      other[1].source,
      `expected the classes ${classes.join(', ')} in every part, got ${other[1].classes.join(', ')}`,
    );
  await writeNewFolder(folder, async (partial) => {
    for (const [split, set] of sets) await writePart(set, split, partial, images);
    const parts = sets.map(([name]) => [
      name,
      { images: `images/${name}`, labels: `labels/${name}` },
    ]);
    const yaml = dataYaml(Object.fromEntries(parts), { classes, range });
    await writeFile(join(partial, 'data.yaml'), yaml);
  });
  const counts = sets.map(([split, { samples }]) => [split, samples.length] as const);
  return { images: Object.fromEntries(counts), classes };
}

async function writePart(
  { samples, mapping }: SegmentationSet,
  split: string,
  folder: string,
  images: ConvertOptions['images'],
): Promise<void> {
  const taken = new Set<string>();
  const stems = samples.map(({ file }) => freeStem(basename(file, extname(file)), taken));
  await inParallel(samples, async (sample, i) => {
    const { file } = sample;
    const extension = isEmbedded(file) ? '.png' : extname(file);
    await placeImage(resolve(file), join(folder, 'images', split, stems[i] + extension), images);
    const path = join(folder, 'labels', split, `${stems[i]}.png`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, encodeLabelPng(await labelsOf(sample, mapping)));
  });
}
