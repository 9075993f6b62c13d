import { relative } from 'node:path';
import { readImageNet } from '../../datasets/imagenet.js';
import { errorAsValue } from '../../datasets/problems.js';
import { inParallel } from '../../datasets/in-parallel.js';
import { inspectImage } from '../../datasets/inspect-image.js';
import type { ClassificationData } from '../../datasets/layout/types.js';
import { DataError } from '../../core/errors.js';
import { chooseImages, shareLimit } from './choose.js';
import type { BrowseOptions } from './detection.js';
import type { Card, Concern, PageClass, PageData, PageSplit } from './page-data.js';
import { classColours, thumbnailOf } from './pictures.js';

/** Gathers the page of a classification set. Only the images it shows are read. */
export async function classificationPage(
  data: ClassificationData,
  options: BrowseOptions,
): Promise<PageData> {
  const cards: Card[] = [];
  const concerns: Concern[] = [];
  const splits: PageSplit[] = [];
  let classes: readonly PageClass[] = [];
  const parts = data.splits.map((name) =>
    readImageNet(data.root, { split: name === 'val' ? 'val' : 'train' }),
  );
  const limits = shareLimit(
    parts.map(({ samples }) => samples.length),
    options.limit,
  );
  for (const [index, name] of data.splits.entries()) {
    const set = parts[index];
    if (classes.length === 0) {
      const colours = classColours(set.classes.length);
      classes = set.classes.map((entry, k) => ({ name: entry.name, colour: colours[k] }));
    }
    const chosen = chooseImages(set.samples.length, [], limits[index]);
    const offset = cards.length;
    const shown = await inParallel(chosen, async (i) => {
      const { file, classIndex } = set.samples[i];
      const facts = await errorAsValue(inspectImage(file, { decode: false }));
      const size =
        facts instanceof DataError
          ? { width: 4, height: 3 }
          : { width: facts.width, height: facts.height };
      const card: Card = {
        split: index,
        file: relative(data.root, file),
        ...size,
        objects: [],
        shares: classIndex >= 0 ? [[classIndex, 1]] : undefined,
        ...(await thumbnailOf(file, options.thumbnail)),
      };
      return card;
    });
    shown.forEach(({ failure }, at) => {
      if (failure !== undefined)
        concerns.push({ severity: 'error', message: failure, card: offset + at });
    });
    cards.push(...shown);
    const used = new Set(set.samples.map(({ classIndex }) => classIndex)).size;
    splits.push({
      name,
      images: set.samples.length,
      facts: [
        ['images', String(set.samples.length)],
        ['classes used', `${used} of ${set.classes.length}`],
      ],
    });
  }
  return {
    title: data.root,
    line: data.line,
    kind: 'classification',
    classes,
    splits,
    cards,
    concerns,
    numConcerns: concerns.length,
  };
}
