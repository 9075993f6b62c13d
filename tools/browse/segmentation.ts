import { relative } from 'node:path';
import { ade20kPalette } from '../../datasets/classes/ade20k.js';
import { checkSegmentationSet, type LabelStatistics } from '../../datasets/segmentation-check.js';
import {
  loadSegmentationFolder,
  type SegmentationSet,
} from '../../datasets/segmentation-folder.js';
import { inParallel } from '../../datasets/in-parallel.js';
import { IGNORED_LABEL, readLabelMap } from '../../datasets/png-label-map.js';
import { errorAsValue, ProblemLog } from '../../datasets/problems.js';
import type { SegmentationData } from '../../datasets/layout/types.js';
import { DataError } from '../../core/errors.js';
import { chooseImages, shareLimit } from './choose.js';
import type { BrowseOptions } from './detection.js';
import type { Card, Concern, PageClass, PageData, PageSplit } from './page-data.js';
import { classColours, labelPicture, thumbnailOf } from './pictures.js';

/** Gathers the page of a segmentation set. */
export async function segmentationPage(
  data: SegmentationData,
  options: BrowseOptions,
): Promise<PageData> {
  const parts = Object.entries(data.splits).map(
    ([name, source]) => [name, loadSegmentationFolder(source)] as const,
  );
  const limits = shareLimit(
    parts.map(([, { samples }]) => samples.length),
    options.limit,
  );
  const cards: Card[] = [];
  const concerns: Concern[] = [];
  const splits: PageSplit[] = [];
  let classes: readonly PageClass[] = [];
  let numConcerns = 0;
  for (const [index, [name, set]] of parts.entries()) {
    if (classes.length === 0) classes = colouredClasses(set.classes, data.layout === 'ade20k');
    const log = new ProblemLog(200);
    const statistics = await checkSegmentationSet(set, log, { decode: false });
    const problems = log
      .findings()
      .flatMap(({ severity, meaning, examples }) =>
        severity === 'note'
          ? []
          : examples.map(({ file, message }) => ({ severity, file, message, meaning })),
      );
    const indexOf = new Map(
      set.samples.flatMap(({ file, labelFile }, i) => [
        [file, i],
        [labelFile, i],
      ]),
    );
    const urgent = problems.flatMap(({ file }) => indexOf.get(file) ?? []);
    const chosen = chooseImages(set.samples.length, urgent, limits[index]);
    const offset = cards.length;
    cards.push(
      ...(await inParallel(chosen, (i) =>
        cardOf(set, i, statistics, classes, { split: index, maxSide: options.thumbnail }),
      )),
    );
    const position = new Map(chosen.map((i, card) => [i, offset + card]));
    for (const { severity, file, message, meaning } of problems) {
      const card = position.get(indexOf.get(file) ?? -1);
      const text = message.startsWith(file) ? message : `${file}: ${message}`;
      concerns.push({ severity, message: `${text} (${meaning})`, card });
    }
    numConcerns += log.count('error') + log.count('warning');
    splits.push({ name, images: set.samples.length, facts: factsOf(statistics) });
  }
  return {
    title: data.root,
    line: data.line,
    kind: 'segmentation',
    classes,
    splits,
    cards,
    concerns,
    numConcerns,
  };
}

async function cardOf(
  set: SegmentationSet,
  i: number,
  { sizes }: LabelStatistics,
  classes: readonly PageClass[],
  { split, maxSide }: { readonly split: number; readonly maxSide: number },
): Promise<Card> {
  const { file, labelFile } = set.samples[i];
  const [width, height] = sizes.subarray(2 * i, 2 * i + 2);
  const card = {
    split,
    file: relative(set.source, file),
    width: width || 4,
    height: height || 3,
    objects: [],
    ...(await thumbnailOf(file, maxSide)),
  };
  const label = await errorAsValue(readLabelMap(labelFile, set.mapping));
  if (label instanceof DataError) return card; // among the concerns
  const counts = new Float64Array(256);
  for (const value of label.data) counts[value]++;
  const shares = classes
    .map((_, k) => [k, counts[k] / label.data.length] as const)
    .filter(([, share]) => share > 0)
    .sort((a, b) => b[1] - a[1]);
  return {
    ...card,
    overlay: labelPicture(
      label,
      classes.map(({ colour }) => colour),
      maxSide,
    ),
    shares,
    ignored: counts[IGNORED_LABEL] / label.data.length,
  };
}

function colouredClasses(names: readonly string[], isAde20k: boolean): readonly PageClass[] {
  if (!isAde20k) {
    const colours = classColours(names.length);
    return names.map((name, k) => ({ name, colour: colours[k] }));
  }
  const palette = ade20kPalette();
  return names.map((name, k) => ({
    name,
    colour: `#${Buffer.from(palette.subarray(3 * k, 3 * k + 3)).toString('hex')}`,
  }));
}

function factsOf({ images, pixels, ignoredPixels }: LabelStatistics): PageSplit['facts'] {
  const labelled = pixels.reduce((sum, count) => sum + count, 0);
  const used = pixels.filter((count) => count > 0).length;
  const ignored = (100 * ignoredPixels) / Math.max(1, labelled + ignoredPixels);
  return [
    ['images', String(images)],
    ['classes used', `${used} of ${pixels.length}`],
    ['ignored pixels', `${ignored.toFixed(1)} %`],
  ];
}
