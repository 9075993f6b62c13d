import { relative } from 'node:path';
import { DataError } from '../../core/errors.js';
import { readImageNet, type ClassificationSet } from '../../datasets/imagenet.js';
import { inParallel } from '../../datasets/in-parallel.js';
import { inspectImage } from '../../datasets/inspect-image.js';
import type { ClassificationData } from '../../datasets/layout/types.js';
import { errorAsValue } from '../../datasets/problems.js';
import { chooseImages } from './choose.js';
import type { BrowsedSplit, ShowOptions, ShownSplit } from './gather.js';
import type { Card, Concern } from './page-data.js';
import { coloredClasses, thumbnailOf } from './pictures.js';

/** The splits of a classification set, for its page. Only the images that are shown are read. */
export function classificationSplits({ root, splits }: ClassificationData): BrowsedSplit[] {
  return splits.map((name) => {
    const set = readImageNet(root, { split: name === 'val' ? 'val' : 'train' });
    return {
      name,
      numImages: set.samples.length,
      classes: coloredClasses(set.classes.map((entry) => entry.name)),
      show: (options) => show(root, set, options),
    };
  });
}

async function show(
  root: string,
  { samples, classes }: ClassificationSet,
  { split, limit, thumbnail }: ShowOptions,
): Promise<ShownSplit> {
  const cards = await inParallel(
    chooseImages(samples.length, [], limit),
    async (i): Promise<Card> => {
      const { file, classIndex } = samples[i];
      const facts = await errorAsValue(inspectImage(file, { decode: false }));
      const { width, height } = facts instanceof DataError ? { width: 4, height: 3 } : facts;
      return {
        split,
        file: relative(root, file),
        width,
        height,
        objects: [],
        fractions: classIndex >= 0 ? [[classIndex, 1]] : undefined,
        ...(await thumbnailOf(file, thumbnail)),
      };
    },
  );
  const concerns = cards.flatMap(({ failure }, card): readonly Concern[] =>
    failure === undefined ? [] : [{ severity: 'error', message: failure, card }],
  );
  const used = new Set(samples.map(({ classIndex }) => classIndex)).size;
  return {
    cards,
    concerns,
    numConcerns: concerns.length,
    facts: [
      ['images', String(samples.length)],
      ['classes used', `${used} of ${classes.length}`],
    ],
  };
}
