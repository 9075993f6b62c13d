/** Formats whose header is read by {@link file://./read.ts} or by the decoder. */
export type ImageFormat = 'jpeg' | 'png' | 'bmp' | 'webp' | 'avif' | 'tiff' | 'gif';

/** Characters as bytes. */
export const ascii = (text: string): readonly number[] => Array.from(text, (c) => c.charCodeAt(0));

const READ: readonly (readonly [ImageFormat, readonly number[]])[] = [
  ['jpeg', [0xff, 0xd8]],
  ['png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ['gif', ascii('GIF8')],
  ['bmp', ascii('BM')],
  ['tiff', ascii('II*\0')],
  ['tiff', ascii('MM\0*')],
  ['tiff', ascii('II+\0')],
  ['tiff', ascii('MM\0+')],
];

/** Name of a camera's own format, with the remedy. */
export const RAW_PHOTO =
  'a raw photo of a camera; save it as JPEG or TIFF: darktable-cli IN OUT.jpg';

/** Contents that image files have by mistake, with what to do. */
const UNREAD: readonly (readonly [string, readonly number[]])[] = [
  ['a PDF; save its pages as PNG: pdftoppm -png IN OUT', ascii('%PDF')],
  ['a drawing (SVG); render it to PNG: rsvg-convert IN -o OUT.png', ascii('<svg')],
  ['XML, perhaps a drawing (SVG); render it to PNG: rsvg-convert IN -o OUT.png', ascii('<?xml')],
  ['a Git LFS pointer; fetch the file itself: git lfs pull', ascii('version https://git-lfs')],
  ['an HTML page; download the image itself', ascii('<!DOCTYPE')],
  ['an HTML page; download the image itself', ascii('<html')],
  ['a Photoshop file; save it as PNG', ascii('8BPS')],
  ['a JPEG XL; save it as JPEG or PNG', [0xff, 0x0a]],
  ['a JPEG XL; save it as JPEG or PNG', [0, 0, 0, 12, ...ascii('JXL ')]],
  ['a JPEG 2000; save it as JPEG or PNG', [0, 0, 0, 12, ...ascii('jP  ')]],
  ['a JPEG 2000; save it as JPEG or PNG', [0xff, 0x4f, 0xff, 0x51]],
  [RAW_PHOTO, ascii('FUJIFILMCCD-RAW')],
  [RAW_PHOTO, ascii('IIU\0')],
  [RAW_PHOTO, ascii('IIRO')],
  [RAW_PHOTO, ascii('IIRS')],
  [RAW_PHOTO, ascii('FOVb')],
  ['a RIFF file that is no WebP', ascii('RIFF')],
  ['a zip archive', ascii('PK\u0003\u0004')],
  ['gzip data', [0x1f, 0x8b]],
];

/** Whether bytes begin with others. */
export function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return bytes.length >= signature.length && signature.every((b, i) => bytes[i] === b);
}

/** Recognizes a format that is read by its first bytes; undefined for others. */
export function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  const isRiff = startsWith(bytes, ascii('RIFF'));
  if (isRiff && startsWith(bytes.subarray(8), ascii('WEBP'))) return 'webp';
  const brands = brandsOf(bytes);
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return 'avif';
  return READ.find(([, signature]) => startsWith(bytes, signature))?.[0];
}

/** Names the content of a file that is not read, with the remedy if one is known. */
export function describeContent(bytes: Uint8Array): string {
  const brands = brandsOf(bytes);
  if (brands.some((brand) => /^(hei|hev|mif|msf)/.test(brand)))
    return 'a HEIC, which needs a licensed decoder; save it as JPEG: heif-convert IN OUT.jpg';
  if (brands.length > 0) return `a video or raw file (${brands[0].trim()}); save its image as JPEG`;
  const known = UNREAD.find(([, signature]) => startsWith(bytes, signature));
  const start = Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ');
  return `${known ? known[0] : 'something else'} (starts with ${start})`;
}

/** Major and compatible brands of a file in the ISO base media format; none for other files. */
function brandsOf(bytes: Uint8Array): readonly string[] {
  if (!startsWith(bytes.subarray(4), ascii('ftyp')) || bytes.length < 12) return [];
  const end = Math.min(bytes[2] * 256 + bytes[3], bytes.length);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4)
    // the minor version follows the first
    brands.push(String.fromCharCode(...bytes.subarray(at, at + 4)));
  return brands;
}
