import { open, readdir } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { DataError } from '../../core/errors.js';
import { readImageHeader } from '../decode-header.js';
import { decodeImageBytes } from '../decode.js';
import { quote, type ProblemKind, type ProblemLog } from '../problems.js';
import { imagePath, staysInside } from './image-path.js';
import { readJpegTags } from './jpeg-tags.js';
import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';
import { placeOf, type CocoTables } from './tables.js';

/** Beginning of a file that holds the header of nearly every image; larger ones are read whole. */
const HEADER_BYTES = 1 << 16;
const CONCURRENCY = 8;
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

type Listed = Pick<CocoTables, 'file' | 'images'>;

/** Reports every listed image that does not exist in the folder. @returns the indices of those that do */
export async function reportMissingImages(
  { file, images }: Listed,
  folder: string,
  log: ProblemLog,
): Promise<readonly number[]> {
  // One listing a folder is much faster than a question a file.
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
      log.add(PROBLEMS.imageMissing, {
        file,
        message: `${placeOf('images', i, images.ids[i])}: expected the file ${imagePath(folder, name)}, got none`,
        id: images.ids[i],
      });
  }
  reportUnlisted(images.fileNames, listings, folder, log);
  return existing;
}

/**
 * Looks into the image files: do they exist, can they be read, have they the listed size, and do they hold what decoders
 * treat differently (gray, four channels, orientation, colour profile).
 *
 * @param options.decode decode every pixel, too; otherwise only the headers are read
 */
export async function checkImageFiles(
  listed: Listed,
  folder: string,
  log: ProblemLog,
  options: { readonly decode: boolean },
): Promise<void> {
  const existing = await reportMissingImages(listed, folder, log);
  const reports: (() => void)[][] = existing.map(() => []);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < existing.length) {
      const at = next++;
      reports[at] = await checkImageFile(listed, existing[at], folder, log, options.decode);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  // In file order, whichever was read first.
  reports.flat().forEach((report) => report());
}

async function checkImageFile(
  { file, images }: Listed,
  i: number,
  folder: string,
  log: ProblemLog,
  decode: boolean,
): Promise<(() => void)[]> {
  const path = imagePath(folder, images.fileNames[i]);
  const id = images.ids[i];
  const reports: (() => void)[] = [];
  const report = (kind: ProblemKind, message: string): void => {
    reports.push(() =>
      log.add(kind, { file, message: `${placeOf('images', i, id)}: ${message}`, id }),
    );
  };
  try {
    const bytes = await readStart(path, decode ? Infinity : HEADER_BYTES);
    const header = await headerOf(bytes, path);
    if (header.width !== images.widths[i] || header.height !== images.heights[i])
      report(
        PROBLEMS.imageSize,
        `expected ${images.widths[i]}x${images.heights[i]} as listed, got ${header.width}x${header.height} in ${path}`,
      );
    if (header.channels <= 2) report(PROBLEMS.grey, quote(images.fileNames[i]));
    if (header.channels === 4) report(PROBLEMS.fourChannels, quote(images.fileNames[i]));
    const tags = readJpegTags(bytes);
    if (tags.orientation > 1)
      report(PROBLEMS.orientation, `orientation ${tags.orientation} in ${images.fileNames[i]}`);
    if (tags.colourProfile) report(PROBLEMS.colourProfile, quote(images.fileNames[i]));
    if (decode) await decodeImageBytes(bytes, path);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    report(PROBLEMS.imageUnreadable, error.message);
  }
  return reports;
}

async function headerOf(
  bytes: Uint8Array,
  path: string,
): Promise<ReturnType<typeof readImageHeader>> {
  try {
    return readImageHeader(bytes, path);
  } catch (error) {
    if (bytes.length < HEADER_BYTES) throw error;
    return readImageHeader(await readStart(path, Infinity), path);
  }
}

async function readStart(path: string, limit: number): Promise<Uint8Array> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const bytes = new Uint8Array(Math.min(size, limit));
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return bytes.subarray(0, length);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const { message } = cause as Error;
    throw new DataError(`${path}: expected a readable file, got ${message}`, { cause, file: path });
  }
}

/** Notes images that lie in the visited folders but are not listed; that is normal for a subset of a set. */
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

/** The names in a folder, none if it does not exist: then every file in it is missing. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch {
    return [];
  }
}
