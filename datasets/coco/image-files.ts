import { readdir } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import { DataError, quote } from '../../core/errors.js';
import type { CocoTables } from '../../io/coco/annotations.js';
import { ImageIndex } from '../annotations/image-index.js';
import { inParallel } from '../in-parallel.js';
import { annotatedSize, imageNotes, inspectImage } from '../inspect-image.js';
import { isImageName, skippedFile, unreadImageFormat } from '../../io/files/images.js';
import type { PixelRange } from '../../io/image/range.js';
import { errorAsValue, type ProblemLog, type ReportProblem } from '../problems.js';
import { staysInside } from './image-path.js';
import { COCO_PROBLEMS as PROBLEMS, imageProblem } from './problem-kinds.js';

type Listed = Pick<CocoTables, 'file' | 'images' | 'places' | 'rejected' | 'federated'>;

/** Images of a folder found by their listed names. */
export interface FoundImages {
  /** Indices of the images that exist. */
  readonly existing: readonly number[];
  /** `[N]`: names of the files; the listed ones where there is no file. */
  readonly fileNames: readonly string[];
}

/**
 * Finds the listed images and reports those that do not exist in the folder. A name that no file has may differ from one
 * in separators, Unicode form, case or extension, which is noted.
 */
export async function findImages(
  tables: Listed,
  folder: string,
  log: ProblemLog,
): Promise<FoundImages> {
  const { images } = tables;
  // Listing each folder once is much faster than a query per file.
  const listings = new Map<string, ReadonlySet<string>>();
  const existing: number[] = [];
  const fileNames = [...images.fileNames];
  let index: ImageIndex | undefined;
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
    if (listing.has(path.slice(parent === '.' ? 0 : parent.length + 1))) {
      existing.push(i);
      continue;
    }
    index ??= ImageIndex.of(folder);
    // LVIS lists images of several folders of COCO, which may lie in one.
    const direct = index.match(name);
    const match = direct ?? (tables.federated && index.match(basename(name)));
    const uploaded = match ? undefined : index.uploaded(name);
    const found = match?.path ?? uploaded;
    if (found === undefined) {
      log.add(
        PROBLEMS.imageMissing,
        imageProblem(tables, i, `expected the file ${join(folder, name)}, got none`),
      );
      continue;
    }
    existing.push(i);
    fileNames[i] = found;
    const rule = uploaded === undefined ? (direct?.rule ?? 'folder') : 'name since its upload';
    const message = `${quote(name)} is ${quote(found)}: another ${rule}`;
    log.add(PROBLEMS.imageRenamed, imageProblem(tables, i, message));
  }
  const listed = [...fileNames, ...(tables.rejected?.fileNames ?? [])];
  reportUnlisted(listed, listings, folder, log);
  return { existing, fileNames };
}

/**
 * Checks the image files: whether they exist, are readable and have the listed size, and notes properties that decoders
 * handle differently (grayscale, four channels, orientation, color profile). Sizes are those of the displayed image; of a
 * turned one also those of the stored pixels, which are then used as they are.
 *
 * @param options.range of images of more than 8 bits
 * @param options.decode whether to decode every pixel; otherwise only headers are read
 */
export async function checkImageFiles(
  tables: Listed,
  folder: string,
  log: ProblemLog,
  options: { readonly decode: boolean; readonly range?: PixelRange | undefined },
): Promise<FoundImages> {
  const { images } = tables;
  const files = await findImages(tables, folder, log);
  const { existing, fileNames } = files;
  const found = await inParallel(existing, (i) =>
    errorAsValue(inspectImage(join(folder, fileNames[i]), options)),
  );
  existing.forEach((i, at) => {
    const name = fileNames[i];
    const report: ReportProblem = (kind, message) =>
      log.add(kind, imageProblem(tables, i, message));
    const facts = found[at];
    if (facts instanceof DataError) {
      report(PROBLEMS.imageUnreadable, facts.message);
      return;
    }
    const [width, height] = [images.widths[i], images.heights[i]];
    const frame = annotatedSize(facts, { width, height });
    const isFrame = frame.width === width && frame.height === height;
    if (isFrame && frame.width === facts.width) {
      // Annotations are in the displayed frame.
    } else if (isFrame)
      report(PROBLEMS.storedFrame, `${quote(name)}: ${width}x${height} as listed is not turned`);
    else
      report(
        PROBLEMS.imageSize,
        `expected ${width}x${height} as listed, got ${facts.width}x${facts.height} in ${join(folder, name)}`,
      );
    for (const kind of imageNotes(facts, options)) report(kind, quote(name));
  });
  return files;
}

/** Notes images in the visited folders that are not listed, which is normal for a subset, and warns of those that are not read. */
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
      if (listed.has(path)) continue;
      const file = join(folder, path);
      if (isImageName(name)) log.add(PROBLEMS.imageUnlisted, { file, message: 'not listed' });
      else if (unreadImageFormat(name) !== undefined)
        log.add(PROBLEMS.imageFormat, { file, message: skippedFile(name) });
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
