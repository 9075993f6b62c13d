import { basename } from 'node:path';
import { LayoutError } from '../../core/errors.js';
import { firstFile, startOf } from './folder-names.js';

/** Supported layouts, for the message if none matches. */
const LOOKED_FOR = [
  'annotations/instances_{train,val}*.json (COCO)',
  'train|valid|test/_annotations.coco.json (Roboflow)',
  'data.yaml of YOLO, or images/ and labels/*.txt with classes.txt',
  'one COCO annotation file *.json',
  'annotations.xml and images/ (CVAT 1.1 for images)',
  '*.json of LabelMe beside the images or in a folder of their own',
  'a project or annotations of VIA (*.json)',
  'image,x1,y1,x2,y2,class or columns of TensorFlow Object Detection (*.csv)',
  'images/ and *masks/, or *_instanceIds.png (instance masks)',
  'Annotations/*.xml and JPEGImages/, or XML files beside the images (Pascal VOC)',
  'images/ and annotations/{training,validation}/ (ADE20K)',
  'images/, labels/ and classes.txt (segmentation)',
  'JPEGImages/, SegmentationClass/ and class_names.txt (VOC labels)',
  'train/ and val/ with a folder a class, or images with labels.json (ImageNet)',
  'data.yaml ({train: {annotations, images}, val: {…}})',
];

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
    start: /^[^\n]*\bx\b[^\n]*\by\b[^\n]*\bw(idth)?\b[^\n]*\bh(eight)?\b/i,
    remedy: 'write the columns image,x1,y1,x2,y2,class',
  },
  {
    name: 'KITTI',
    files: /\.txt$/i,
    start: /^[A-Za-z]\w* -?[\d.]+ -?\d+ (-?[\d.e+-]+ ){10,11}-?[\d.e+-]+\s*(\n|$)/,
  },
  { name: 'TensorFlow records', files: /\.(tfrecords?|record)(-\d+-of-\d+)?$/i, start: /^/ },
];

/** Depth of folders in which foreign files are looked for. */
const DEPTH = 2;

/** Creates the error about a folder of no known layout, which names the format if another tool wrote it. */
export function unknownLayout(path: string): LayoutError {
  for (const { name, files, start, remedy = 'export it as COCO, YOLO or VOC' } of FOREIGN) {
    const file = firstFile(path, (own) => files.test(own), DEPTH);
    if (file !== undefined && start.test(startOf(file)))
      return LayoutError.in(
        path,
        `expected a data set, got ${basename(file)} of ${name}, which is not read; ${remedy}`,
      );
  }
  return LayoutError.in(path, `expected a data set, looked for ${LOOKED_FOR.join('; ')}`);
}
