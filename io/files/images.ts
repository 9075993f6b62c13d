import { basename, extname } from 'node:path';
import { filesBelow } from './list.js';

/** Extensions of the image files that are read. */
const READ = new Set(
  '.jpg .jpeg .jpe .jfif .mpo .png .webp .avif .tif .tiff .gif .bmp .dib'.split(' '),
);

const HEIC = 'HEIC, which needs a licensed decoder; save it as JPEG: heif-convert IN OUT.jpg';
const RAW = 'a camera’s raw file; develop it to JPEG or TIFF: darktable-cli IN OUT.jpg';
const DRAWING = 'a drawing without pixels; render it to PNG: rsvg-convert IN -o OUT.png';
const PAGES = 'a document; save its pages as PNG: pdftoppm -png IN OUT';
const OTHER = 'an image in a format that is not read; save it as PNG: magick IN OUT.png';

/** Extensions of image files that are not read, with their name and the remedy. */
const UNREAD: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    '.heic .heif .hif': HEIC,
    '.raw .dng .cr2 .cr3 .crw .nef .nrw .arw .sr2 .orf .rw2 .raf .pef .srw .3fr .iiq .rwl': RAW,
    '.svg .svgz .eps .ai': DRAWING,
    '.pdf': PAGES,
    '.jp2 .j2k .jpx .jxl .psd .xcf .tga .ppm .pgm .pbm .pnm .exr .hdr .ico .icns .dcm .pcx': OTHER,
  }).flatMap(([extensions, name]) => extensions.split(' ').map((extension) => [extension, name])),
);

/** Whether a file is an image that is read, by its extension in any case; `._a.jpg` of macOS archives is none. */
export function isImageName(name: string): boolean {
  return READ.has(extname(name).toLowerCase()) && !basename(name).startsWith('._');
}

/** Names the format of an image file that is not read, with the remedy, by its extension; undefined for others. */
export function unreadImageFormat(name: string): string | undefined {
  return basename(name).startsWith('._') ? undefined : UNREAD[extname(name).toLowerCase()];
}

/** Files of a folder. Paths start with the folder. */
export interface FolderImages {
  /** Images that are read, sorted by path. */
  readonly images: readonly string[];
  /** All other files but hidden ones, sorted by path. */
  readonly others: readonly string[];
}

/**
 * Lists the images of a folder and of those below it, and the other files. Hidden ones are left out, and a link to a
 * file that is listed, too.
 */
export function imagesBelow(folder: string): FolderImages {
  const seen = new Set<string>();
  const images: string[] = [];
  const others: string[] = [];
  for (const [path, realPath] of filesBelow(folder)) {
    const isRepeated = realPath !== undefined && seen.size === seen.add(realPath).size;
    if (!isRepeated) (isImageName(path) && realPath !== undefined ? images : others).push(path);
  }
  return { images: images.sort(), others: others.sort() };
}

/** Names a file that is skipped, with what to do about an image of another format. */
export function skippedFile(file: string): string {
  const format = unreadImageFormat(file);
  return format === undefined ? basename(file) : `${basename(file)} (${format})`;
}

/**
 * Describes the files that are skipped in a line: their number and names, and what to do about images of other formats.
 *
 * @returns undefined if there is none
 */
export function describeSkipped(files: readonly string[]): string | undefined {
  if (files.length === 0) return undefined;
  const shown = files.slice(0, 10).map(skippedFile);
  const more = files.length > shown.length ? ` and ${files.length - shown.length} more` : '';
  const count = `${files.length} ${files.length === 1 ? 'file that is' : 'files that are'}`;
  return `skipped ${count} no image in a format that is read: ${shown.join(', ')}${more}`;
}
