import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LayoutError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { isImageName } from '../../io/files/images.js';
import { entriesOf } from '../../io/files/list.js';
import { filesIn, firstFile, foldersIn, isLabelFolder, startOf } from './folder-names.js';
import { folderParts } from './folders.js';

/** Supported layouts, for the message if none matches; docs/your-data.md has their folders and files. */
const LOOKED_FOR =
  'COCO (also of Roboflow), YOLO, Pascal VOC, CVAT, LabelMe, VIA, CSV, instance masks (objects); ADE20K, CamVid, Cityscapes, VOC labels, ' +
  'images/ and labels/ with classes.txt (pixels); a folder a class, ImageNet, labels.csv (images); a data.yaml';

/** Formats that are not read, by what their files begin with, and what to do. */
const FOREIGN: readonly {
  readonly name: string;
  readonly files: RegExp;
  readonly start: RegExp;
  /** Default: export it as COCO, YOLO or VOC. */
  readonly remedy?: string;
}[] = [
  {
    name: 'Label Studio',
    files: /\.json$/i,
    start: /"(rectangle|polygon|brush)labels"|"from_name"/,
  },
  { name: 'CreateML', files: /\.json$/i, start: /"annotations?"\s*:\s*\[[^]*"coordinates"\s*:/ },
  { name: 'Supervisely', files: /\.json$/i, start: /"classTitle"|"geometryType"/ },
  { name: 'Datumaro', files: /\.json$/i, start: /"categories"\s*:\s*\{[^]*"items"\s*:/ },
  { name: 'Labelbox', files: /\.(nd)?json$/i, start: /"(schemaId|featureId|feature_id|data_row)"/ },
  { name: 'VoTT', files: /\.json$/i, start: /"(asset|assets)"\s*:\s*\{[^]*"(regions|format)"/ },
  { name: 'BDD100K or Scale', files: /\.json$/i, start: /"box2d"\s*:/ },
  {
    name: 'a Hugging Face data set',
    files: /^metadata\.(jsonl|csv|parquet)$|\.parquet$/i,
    start: /^/,
  },
  {
    name: 'VIA (CSV)',
    files: /\.csv$/i,
    start: /^\W*filename,.*region_shape_attributes/,
    remedy: 'save the project, or export the annotations as JSON',
  },
  {
    name: 'boxes of a corner and a size (CSV)',
    files: /\.csv$/i,
    start: /^(?=[^\n]*\bx\b)(?=[^\n]*\by\b)(?=[^\n]*\bw(idth)?\b)[^\n]*\bh(eight)?\b/i,
    remedy: 'write the columns image,x1,y1,x2,y2,class',
  },
  {
    name: 'KITTI',
    files: /\.txt$/i,
    start: /^[A-Za-z]\w* -?[\d.]+ -?\d+ (-?[\d.e+-]+ ){10,11}-?[\d.e+-]+\s*(\n|$)/,
  },
  { name: 'TensorFlow records', files: /\.(tfrecords?|record)(-\d+-of-\d+)?$/i, start: /^/ },
  { name: 'V7 Darwin', files: /\.json$/i, start: /"schema_ref"\s*:|"slot_names?"\s*:/ },
  {
    name: 'VIA 3',
    files: /\.json$/i,
    start: /"creator"\s*:\s*"VGG Image Annotator|"vid_list"\s*:/,
    remedy: 'export it as COCO',
  },
  { name: 'SageMaker Ground Truth', files: /\.manifest$/i, start: /"source-ref"/ },
  { name: 'PaliGemma or Florence', files: /\.jsonl$/i, start: /"(prefix|suffix)"\s*:/ },
  {
    name: 'YOLO with names for numbers of classes',
    files: /\.txt$/i,
    start: /^[A-Za-z_][\w-]* (\d?\.\d+(e-\d+)? ?){4}\s*(\n|$)/,
    remedy:
      'write the number of the class in front, from 0 on, and the names in classes.txt, one a line',
  },
  {
    name: 'keras-yolo3 (image x1,y1,x2,y2,class)',
    files: /\.txt$/i,
    start: /^\S.*?\.(jpe?g|png|bmp|webp)( \d+(\.\d+)?(,\d+(\.\d+)?){3},\d+)+\s*(\n|$)/i,
  },
  {
    name: 'Turi Create (CSV)',
    files: /\.csv$/i,
    start: /^\W*(path|name),annotations?\b/i,
  },
  {
    name: 'boxes in one column (CSV)',
    files: /\.csv$/i,
    start: /^[^\n]*\b(bbox|box|bounding_?box)\b[^\n]*\n[^\n]*"?[[(]/i,
    remedy: 'write the columns image,x1,y1,x2,y2,class',
  },
  {
    name: 'masks as run lengths (CSV)',
    files: /\.csv$/i,
    start: /^[^\n]*(EncodedPixels|rle)[^\n]*\n/i,
    remedy: 'write the masks as PNGs, or as COCO with run lengths',
  },
  {
    name: 'classes of images (CSV)',
    files: /\.csv$/i,
    start:
      /^\W*(image(_?id|_?name)?|file(_?name)?|id|path),(label|class|breed|category|target)\w*\s*\r?\n/i,
    remedy:
      'name it labels.csv and the folder of the images train, or sort the images into a folder a class',
  },
];

/** Depth of folders in which foreign files are looked for. */
const DEPTH = 2;
/** Number of files and folders of a folder that are looked at. */
const [MOST_FILES, MOST_FOLDERS] = [10, 10];

/** Creates the error about a folder of no known layout, which names the format if another tool wrote it. */
export function unknownLayout(path: string): LayoutError {
  const all = someFiles(path, DEPTH);
  for (const { name, files, start, remedy = 'export it as COCO, YOLO or VOC' } of FOREIGN) {
    const file = all.find((own) => files.test(basename(own)) && start.test(startOf(own)));
    if (file !== undefined)
      return LayoutError.in(
        path,
        `expected a data set, got ${basename(file)} of ${name}, which is not read; ${remedy}`,
      );
  }
  const [labeled] = folderParts(path).values();
  if (labeled && firstFile(labeled.labels, (name) => /\.png$/i.test(name), DEPTH) !== undefined)
    return LayoutError.in(
      path,
      `expected names of the classes of ${labeled.labels}, got none; write classes.txt, a name a line from label 0 on, or give --classes`,
    );
  const got = describeContent(path);
  return LayoutError.in(
    path,
    got.isPlain
      ? `expected a data set, got ${got.text}`
      : `expected a data set, looked for ${LOOKED_FOR}, as docs/your-data.md has them; got ${got.text}`,
  );
}

/** Number of names that a message lists. */
const MOST_NAMES = 6;

/** Describes a folder of no known layout. @returns also whether it is empty or has images alone */
function describeContent(path: string): { readonly text: string; readonly isPlain: boolean } {
  const isThere = (wanted: (name: string) => boolean): boolean =>
    firstFile(path, wanted, DEPTH) !== undefined;
  if (!isThere(() => true)) {
    const isEmpty = entriesOf(path).folders.every(
      (name) => readdirSync(join(path, name)).length === 0,
    );
    if (isEmpty) return { text: 'an empty folder', isPlain: true };
  }
  if (
    isThere(isImageName) &&
    !isThere((name) => !isImageName(name)) &&
    !hasLabelFolder(path, DEPTH)
  )
    return {
      text: 'images without labels; label them, or sort them into a folder a class',
      isPlain: true,
    };
  const names = [
    ...foldersIn(path).map((name) => `${name}/`),
    ...filesIn(path).map((file) => basename(file)),
  ];
  const more = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).map(printable).join(', ');
  return { text: more > 0 ? `${shown} and ${more} more` : shown, isPlain: false };
}

function hasLabelFolder(path: string, depth: number): boolean {
  return foldersIn(path).some(
    (name) => isLabelFolder(name) || (depth > 0 && hasLabelFolder(join(path, name), depth - 1)),
  );
}

/** The first files that are no images of a folder and of those below it. */
function someFiles(folder: string, depth: number): readonly string[] {
  const own = filesIn(folder).filter((file) => !isImageName(file));
  const below = depth === 0 ? [] : foldersIn(folder).slice(0, MOST_FOLDERS);
  return [
    ...own.slice(0, MOST_FILES),
    ...below.flatMap((name) => someFiles(join(folder, name), depth - 1)),
  ];
}
