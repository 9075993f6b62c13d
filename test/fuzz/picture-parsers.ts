import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { withPngChecksums } from './frames.js';
import { rleFromString } from '../../core/rle-string.js';
import { readInstanceMasks } from '../../datasets/annotations/masks.js';
import { readLabelMap } from '../../datasets/png-label-map.js';
import { decodeBmp } from '../../io/bmp/decode.js';
import { decodeImage } from '../../io/image/decode.js';
import { readImageHeader } from '../../io/image-header/read.js';
import { encodeIndexedPng } from '../../io/png/indexed.js';
import { encodeLabelPng } from '../../io/png/write.js';
import { bytes, small, type Fuzzed } from './fuzzed.js';

/** Readers of pictures, label maps and masks. */
export async function pictureParsers(root: string): Promise<readonly Fuzzed[]> {
  mkdirSync(join(root, 'masks'));
  writeFileSync(join(root, 'a.png'), labels()[0]);
  const mapping = { numClasses: 3, reduceZeroLabel: false };
  return [
    {
      name: 'run lengths',
      corpus: bytes('T3X6Tl0', '0`U1', 'U13U1000cP1'),
      file: 'rle',
      read: (_, input) => rleFromString(input, 40, 30),
    },
    {
      name: 'image headers',
      corpus: await images(),
      file: 'image',
      sealed: withPngChecksums,
      read: (file, input) => readImageHeader(input, file),
    },
    {
      name: 'images',
      corpus: await images(),
      file: 'image',
      sealed: withPngChecksums,
      read: (file) => decodeImage(file),
    },
    {
      name: 'label maps',
      corpus: labels(),
      file: 'label.png',
      sealed: withPngChecksums,
      read: (file) => readLabelMap(file, mapping),
    },
    { name: 'BMP', corpus: [bmp()], file: 'a.bmp', read: (_, input) => decodeBmp(input, 'a.bmp') },
    {
      name: 'instance masks',
      corpus: labels(),
      file: join('masks', 'a.png'),
      sealed: withPngChecksums,
      read: () =>
        readInstanceMasks({ annotations: join(root, 'masks'), images: root }, () => undefined),
    },
  ];
}

async function images(): Promise<readonly Uint8Array[]> {
  const raw = { width: 17, height: 9, channels: 3 } as const;
  const picture = (): Sharp => sharp(Buffer.alloc(17 * 9 * 3, 90), { raw });
  const formats = ['webp', 'tiff', 'gif', 'avif'] as const;
  const made = await Promise.all(formats.map((format) => picture().toFormat(format).toBuffer()));
  const jpegs = ['q90_420', 'q80_gray', 'q90_420_exif6', 'q90_420_progressive'];
  return [
    ...jpegs.map((name) => small(`preprocess_${name}.jpg`)),
    await picture().png().toBuffer(),
    bmp(),
    ...made,
  ];
}

/** A BMP of 3 x 2 pixels, 24 bits. */
function bmp(): Uint8Array {
  const header = Buffer.alloc(54);
  header.write('BM');
  for (const [at, value] of [
    [2, 78],
    [10, 54],
    [14, 40],
    [18, 3],
    [22, 2],
  ])
    header.writeUInt32LE(value, at);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  return Buffer.concat([header, Buffer.alloc(24, 77)]);
}

function labels(): readonly Uint8Array[] {
  const data = Uint8Array.from({ length: 64 * 48 }, (_, i) => (i % 7 === 0 ? 255 : i % 3));
  const map = { width: 64, height: 48, data };
  return [
    encodeLabelPng(map),
    encodeIndexedPng(
      map,
      Uint8Array.from({ length: 9 }, (_, i) => i),
    ),
  ];
}
