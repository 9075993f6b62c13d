import { readdir } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { DataError, quote } from '../../core/errors.js';
import type { CocoTables } from '../../io/coco/annotations.js';
import { inParallel } from '../in-parallel.js';
import { imageNotes, inspectImage } from '../inspect-image.js';
import { errorAsValue, type ProblemLog, type ReportProblem } from '../problems.js';
import { staysInside } from './image-path.js';
import { COCO_PROBLEMS as PROBLEMS, imageProblem } from './problem-kinds.js';

const IMAGE_EXTENSIONS = new Set([
  '.jpg',
  '.jpeg',
  '.png',
  '.bmp',
  '.gif',
  '.tif',
  '.tiff',
  '.webp',
]);

type Listed = Pick<CocoTables, 'file' | 'images' | 'places'>;

/** Reports every listed image that does not exist in the folder. @returns the indices of those that exist */
export async function reportMissingImages(
  tables: Listed,
  folder: string,
  log: ProblemLog,
): Promise<readonly number[]> {
  const { images } = tables;
  // Listing each folder once is much faster than a query per file.
  const listings = new Map<string, ReadonlySet<string>>();
  const existing: number[] = [];
  for (let i = 0; i < images.ids.length; i++) {
    const name = images.fileNames[i];
    if (!staysInside(name)) continue; // reported with the records
    const path = normalize(name);
    const parent = dirname(path);
    let listing = listings.get(parent);
    if (!listing) {
      listing = new Set(await namesIn(join(folder, parent)));
      listings.set(parent, listing);
    }
    if (listing.has(path.slice(parent === '.' ? 0 : parent.length + 1))) existing.push(i);
    else
      log.add(
        PROBLEMS.imageMissing,
        imageProblem(tables, i, `expected the file ${join(folder, name)}, got none`),
      );
  }
  reportUnlisted(images.fileNames, listings, folder, log);
  return existing;
}

/**
 * Checks the image files: whether they exist, are readable and have the listed size, and notes properties that decoders
 * handle differently (grayscale, four channels, orientation, color profile).
 *
 * @param options.decode whether to decode every pixel; otherwise only headers are read
 */
export async function checkImageFiles(
  tables: Listed,
  folder: string,
  log: ProblemLog,
  options: { readonly decode: boolean },
): Promise<void> {
  const { images } = tables;
  const existing = await reportMissingImages(tables, folder, log);
  const found = await inParallel(existing, (i) =>
    errorAsValue(inspectImage(join(folder, images.fileNames[i]), options)),
  );
  existing.forEach((i, at) => {
    const name = images.fileNames[i];
    const report: ReportProblem = (kind, message) =>
      log.add(kind, imageProblem(tables, i, message));
    const facts = found[at];
    if (facts instanceof DataError) {
      report(PROBLEMS.imageUnreadable, facts.message);
      return;
    }
    const [width, height] = [images.widths[i], images.heights[i]];
    if (facts.width !== width || facts.height !== height)
      report(
        PROBLEMS.imageSize,
        `expected ${width}x${height} as listed, got ${facts.width}x${facts.height} in ${join(folder, name)}`,
      );
    for (const kind of imageNotes(facts)) report(kind, quote(name));
  });
}

/** Notes images in the visited folders that are not listed, which is normal for a subset. */
function reportUnlisted(
  fileNames: readonly string[],
  listings: ReadonlyMap<string, ReadonlySet<string>>,
  folder: string,
  log: ProblemLog,
): void {
  const listed = new Set(fileNames.map((name) => normalize(name)));
  for (const [parent, names] of listings)
    for (const name of names) {
      const path = join(parent, name);
      if (IMAGE_EXTENSIONS.has(extname(name).toLowerCase()) && !listed.has(path))
        log.add(PROBLEMS.imageUnlisted, { file: join(folder, path), message: 'not listed' });
    }
}

/** Lists the names in a folder; none if it does not exist, so that all its files count as missing. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}
