import { posix } from 'node:path';
import type { AnnotatedImage } from '../../core/annotated-image.js';
import { cvatHead, cvatImage, CVAT_END } from '../../io/cvat/write.js';
import { instancePng } from '../../io/png/instance-map.js';
import { labelMeFile } from '../../io/labelme/write.js';
import { vocXml } from '../../io/voc/write.js';
import { yoloText } from '../../io/yolo/write.js';
import { yoloDataYaml } from '../../io/yolo/write-data-yaml.js';
import { withoutExtension } from '../annotations/image-index.js';

/** Formats with a file for every image. */
export type FileFormat = 'yolo' | 'voc' | 'labelme' | 'masks';

/** Layout of a converted set. Paths are relative to its folder. */
export interface WrittenFormat {
  /** Folder of the images of a split. */
  readonly imageFolder: (split: string) => string;
  /** Whether the images of all splits are in one folder. */
  readonly isShared: boolean;
  /** Path of the annotation file of an image. */
  readonly labelPath: (split: string, fileName: string) => string;
  /** Content of that file. */
  readonly content: (image: AnnotatedImage) => string | Uint8Array;
  /** Whether regions to be ignored and masks are kept. */
  readonly keeps: { readonly crowds: boolean; readonly masks: boolean; readonly boxes: boolean };
  /** Other files, by path. @param images names of the images of each split */
  readonly others: (
    images: ReadonlyMap<string, readonly string[]>,
    classes: readonly string[],
  ) => ReadonlyMap<string, string>;
}

/** Formats with a file for every image. */
export const FILE_FORMATS: Readonly<Record<FileFormat, WrittenFormat>> = {
  yolo: {
    imageFolder: (split) => `images/${split}`,
    isShared: false,
    labelPath: (split, name) => `labels/${split}/${withoutExtension(name)}.txt`,
    content: (image) => yoloText(image, { masks: true }),
    keeps: { crowds: false, masks: true, boxes: true },
    others: (images, classes) => {
      const parts = Object.fromEntries([...images.keys()].map((name) => [name, `images/${name}`]));
      return new Map([['data.yaml', yoloDataYaml(parts, classes)]]);
    },
  },
  voc: {
    imageFolder: () => 'JPEGImages',
    isShared: true,
    labelPath: (_, name) => `Annotations/${withoutExtension(name)}.xml`,
    content: vocXml,
    keeps: { crowds: true, masks: false, boxes: true },
    others: (images, classes) => {
      const lists = [...images].map(([split, names]) => {
        const lines = names.map((name) => `${withoutExtension(name)}\n`);
        return [`ImageSets/Main/${split}.txt`, lines.join('')] as const;
      });
      return new Map([...lists, ['classes.txt', lines(classes)]]);
    },
  },
  labelme: {
    imageFolder: (split) => split,
    isShared: false,
    labelPath: (split, name) => `${split}/${withoutExtension(name)}.json`,
    content: (image) => {
      const imagePath = posix.basename(image.fileName);
      return `${JSON.stringify(labelMeFile(image, { imagePath, masks: 'pixels' }), null, 2)}\n`;
    },
    keeps: { crowds: false, masks: true, boxes: true },
    others: (_, classes) => new Map([['classes.txt', lines(classes)]]),
  },
  masks: {
    imageFolder: (split) => `images/${split}`,
    isShared: false,
    labelPath: (split, name) => `masks/${split}/${withoutExtension(name)}_instanceIds.png`,
    content: instancePng,
    keeps: { crowds: true, masks: true, boxes: false },
    others: (_, classes) => new Map([['classes.txt', lines(classes)]]),
  },
};

/** Writes a file of CVAT 1.1 for images, an image at a time. */
export async function* cvatPieces(
  images: Iterable<readonly [image: AnnotatedImage, subset: string]>,
  classes: readonly string[],
): AsyncGenerator<string> {
  yield cvatHead(classes);
  let id = 0;
  for (const [image, subset] of images) yield cvatImage(image, id++, subset);
  yield CVAT_END;
  await Promise.resolve();
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');
