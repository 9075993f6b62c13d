import type { DataLayout } from '../../datasets/layout/types.js';
import { shareLimit } from './choose.js';
import type { Card, Concern, PageClass, PageData, PageSplit } from './page-data.js';

/** Limits of a page. */
export interface BrowseOptions {
  /** Number of images in all. */
  readonly limit: number;
  /** Longer side of the thumbnails, pixels. */
  readonly thumbnail: number;
}

/** Shown part of a split, and names and colors of its classes. */
export interface ShowOptions extends BrowseOptions {
  /** Index of the split. */
  readonly split: number;
  readonly classes: readonly PageClass[];
}

/** Cards and remarks of one split. */
export interface ShownSplit {
  readonly cards: readonly Card[];
  /** `card` counts from the first card of the split. */
  readonly concerns: readonly Concern[];
  /** Number of concerns, those that are not listed included. */
  readonly numConcerns: number;
  readonly facts: PageSplit['facts'];
}

/** A split of a data set of any kind. */
export interface BrowsedSplit {
  readonly name: string;
  readonly numImages: number;
  readonly classes: readonly PageClass[];
  readonly show: (options: ShowOptions) => Promise<ShownSplit>;
}

/** Gathers the page of a data set from its splits, which divide the images of the page among them. */
export async function gatherPage(
  { root, line, kind }: DataLayout,
  parts: readonly BrowsedSplit[],
  { limit, thumbnail }: BrowseOptions,
): Promise<PageData> {
  const classes = parts.find((part) => part.classes.length > 0)?.classes ?? [];
  const limits = shareLimit(
    parts.map(({ numImages }) => numImages),
    limit,
  );
  const cards: Card[] = [];
  const concerns: Concern[] = [];
  const splits: PageSplit[] = [];
  let numConcerns = 0;
  for (const [split, { name, numImages, show }] of parts.entries()) {
    const shown = await show({ split, classes, limit: limits[split], thumbnail });
    const offset = cards.length;
    for (const card of shown.cards) cards.push(card);
    for (const concern of shown.concerns)
      concerns.push({
        ...concern,
        card: concern.card === undefined ? undefined : concern.card + offset,
      });
    numConcerns += shown.numConcerns;
    splits.push({ name, images: numImages, facts: shown.facts });
  }
  return { title: root, line, kind, classes, splits, cards, concerns, numConcerns };
}
