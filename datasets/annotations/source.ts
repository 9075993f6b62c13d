import type { CocoTables } from '../../io/coco/annotations.js';
import type { Report } from '../../io/coco/issues.js';
import type { PixelRange } from '../../io/image/range.js';

/** Formats of annotations that are read without conversion. */
export type AnnotationFormat =
  'coco' | 'voc' | 'yolo' | 'labelme' | 'via' | 'cvat' | 'masks' | 'csv';

/** Location of the annotations and images of one part of a set, and the selection to load. Plain and serializable. */
export interface AnnotationSource {
  /** Default `coco`. */
  readonly format?: AnnotationFormat | undefined;
  /** Path of the annotation file, or of the folder with an annotation file for every image. */
  readonly annotations: string;
  /** Folder that the names of the images are relative to. */
  readonly images?: string | undefined;
  /** Text file that names the images of the part, one per line; default: all. */
  readonly list?: string | undefined;
  /** Folders of the part below `images`; default: all of it. */
  readonly folders?: readonly string[] | undefined;
  /** Subset of the file, in formats that have them; default: all. */
  readonly subset?: string | undefined;
  /** Names of all classes, in order of their numbers; default: those that occur, sorted. COCO files have their own. */
  readonly names?: readonly string[] | undefined;
  /** Attribute of the regions that holds the class, in formats that have several. */
  readonly classAttribute?: string | undefined;
  /** Numbers of the classes in instance masks with values class · 1000 + number; absent where values are only objects. */
  readonly classNumbers?: readonly number[] | 'cityscapes' | undefined;
  /** Values that become 0 and 255 in images of more than 8 bits. */
  readonly range?: PixelRange | undefined;
  /** Names of the classes to load, in order; default: all, by ascending category id. */
  readonly classes?: readonly string[] | undefined;
  /** Number of images to load from the beginning; default: all. */
  readonly limit?: number | undefined;
}

/** Options of reading annotations. */
export interface ReadTablesOptions {
  /** Whether to keep masks; default true. */
  readonly masks?: boolean | undefined;
}

/** Reads annotations of a format into typed arrays. Invalid records and files are reported and left out. */
export type ReadTables = (
  source: AnnotationSource,
  report: Report,
  options?: ReadTablesOptions,
) => Promise<CocoTables>;
