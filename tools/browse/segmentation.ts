import { relative } from 'node:path';
import { ade20kPalette } from '../../datasets/classes/ade20k.js';
import { checkSegmentationSet, type LabelStatistics } from '../../datasets/segmentation-check.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import { loadSegmentation } from '../../datasets/segmentation-source.js';
import { inParallel } from '../../datasets/in-parallel.js';
import { labelsOf } from '../../datasets/png-label-map.js';
import { IGNORED_LABEL } from '../../core/image.js';
import { errorAsValue, ProblemLog } from '../../datasets/problems.js';
import type { SegmentationData } from '../../datasets/layout/types.js';
import { DataError } from '../../core/errors.js';
import { chooseImages } from './choose.js';
import type { BrowsedSplit, ShowOptions, ShownSplit } from './gather.js';
import type { Card, PageSplit } from './page-data.js';
import { coloredClasses, labelPicture, thumbnailOf } from './pictures.js';

/** The splits of a segmentation set, for its page. */
export async function segmentationSplits({
  splits,
  layout,
}: SegmentationData): Promise<BrowsedSplit[]> {
  const parts: BrowsedSplit[] = [];
  for (const [name, source] of Object.entries(splits)) {
    const set = await loadSegmentation(source);
    parts.push({
      name,
      numImages: set.samples.length,
      classes: coloredClasses(set.classes, layout === 'ade20k' ? ade20kPalette() : undefined),
      show: (options) => show(set, options),
    });
  }
  return parts;
}

async function show(set: SegmentationSet, options: ShowOptions): Promise<ShownSplit> {
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
  const chosen = chooseImages(set.samples.length, urgent, options.limit);
  const cards = await inParallel(chosen, (i) => cardOf(set, i, statistics, options));
  const position = new Map(chosen.map((i, card) => [i, card]));
  const concerns = problems.map(({ severity, file, message, meaning }) => {
    const text = message.startsWith(file) ? message : `${file}: ${message}`;
    const card = position.get(indexOf.get(file) ?? -1);
    return { severity, message: `${text} (${meaning})`, card };
  });
  const numConcerns = log.count('error') + log.count('warning');
  return { cards, concerns, numConcerns, facts: factsOf(statistics) };
}

async function cardOf(
  set: SegmentationSet,
  i: number,
  { sizes }: LabelStatistics,
  { split, classes, thumbnail }: ShowOptions,
): Promise<Card> {
  const { file } = set.samples[i];
  const [width, height] = sizes.subarray(2 * i, 2 * i + 2);
  const card = {
    split,
    file: relative(set.source, file),
    width: width || 4,
    height: height || 3,
    objects: [],
    ...(await thumbnailOf(file, thumbnail, { upright: true, range: set.range })),
  };
  const label = await errorAsValue(labelsOf(set.samples[i], set.mapping));
  if (label instanceof DataError) return card; // among the concerns
  const counts = new Float64Array(256);
  for (const value of label.data) counts[value]++;
  const fractions = classes
    .map((_, k) => [k, counts[k] / label.data.length] as const)
    .filter(([, fraction]) => fraction > 0)
    .sort((a, b) => b[1] - a[1]);
  return {
    ...card,
    overlay: labelPicture(
      label,
      classes.map(({ color }) => color),
      thumbnail,
    ),
    fractions,
    ignored: counts[IGNORED_LABEL] / label.data.length,
  };
}

function factsOf({ images, pixels, ignoredPixels }: LabelStatistics): PageSplit['facts'] {
  const labeled = pixels.reduce((sum, count) => sum + count, 0);
  const used = pixels.filter((count) => count > 0).length;
  const ignored = (100 * ignoredPixels) / Math.max(1, labeled + ignoredPixels);
  return [
    ['images', String(images)],
    ['classes used', `${used} of ${pixels.length}`],
    ['ignored pixels', `${ignored.toFixed(1)} %`],
  ];
}
