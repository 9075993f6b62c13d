import { detectLayout } from '../../datasets/layout/detect.js';
import type { DataLayout } from '../../datasets/layout/types.js';
import { writeAtomicallySync } from '../../io/files/atomic.js';
import { classificationPage } from './classification.js';
import { detectionPage, type BrowseOptions } from './detection.js';
import type { PageData } from './page-data.js';
import { renderPage } from './page.js';
import { segmentationPage } from './segmentation.js';

/** Summary of a written page. */
export interface WrittenPage {
  readonly line: string;
  /** Images on the page. */
  readonly cards: number;
  readonly numConcerns: number;
}

/**
 * Writes the browser of a data set: one HTML file.
 *
 * @throws DataError if the set is not detected or cannot be read
 */
export async function writeBrowser(
  path: string,
  file: string,
  options: BrowseOptions,
): Promise<WrittenPage> {
  const page = await pageOf(await detectLayout(path, { several: true }), options);
  writeAtomicallySync(file, renderPage(page));
  return { line: page.line, cards: page.cards.length, numConcerns: page.numConcerns };
}

async function pageOf(data: DataLayout, options: BrowseOptions): Promise<PageData> {
  switch (data.kind) {
    case 'detection':
      return detectionPage(data, options);
    case 'segmentation':
      return segmentationPage(data, options);
    case 'classification':
      return classificationPage(data, options);
    default:
      return data satisfies never;
  }
}
