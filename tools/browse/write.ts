import { findLayout } from '../../datasets/layout/detect.js';
import type { DataLayout, LayoutOptions } from '../../datasets/layout/types.js';
import { assertReplaceable, PAGE } from '../../io/files/apart.js';
import { writeAtomicallySync } from '../../io/files/atomic.js';
import { classificationSplits } from './classification.js';
import { detectionSplits } from './detection.js';
import { gatherPage, type BrowseOptions, type BrowsedSplit } from './gather.js';
import { renderPage } from './page.js';
import { segmentationSplits } from './segmentation.js';

/** Summary of a written page. */
interface WrittenPage {
  readonly line: string;
  /** Number of images on the page. */
  readonly cards: number;
  readonly numConcerns: number;
}

/**
 * Writes the page of a data set: one HTML file.
 *
 * @throws DataError if the set is not detected or cannot be read
 */
export async function writeBrowser(
  path: string,
  file: string,
  { layout, classes, classAttribute, kind, ...options }: BrowseOptions & LayoutOptions,
): Promise<WrittenPage> {
  assertReplaceable('--out', file, PAGE);
  const data = await findLayout(path, { layout, classes, classAttribute, kind, several: true });
  const page = await gatherPage(data, await splitsOf(data), options);
  writeAtomicallySync(file, renderPage(page));
  return { line: page.line, cards: page.cards.length, numConcerns: page.numConcerns };
}

function splitsOf(data: DataLayout): BrowsedSplit[] | Promise<BrowsedSplit[]> {
  switch (data.kind) {
    case 'detection':
      return detectionSplits(data);
    case 'segmentation':
      return segmentationSplits(data);
    case 'classification':
      return classificationSplits(data);
    default:
      return data satisfies never;
  }
}
