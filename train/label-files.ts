import { basename, join, relative, resolve, sep } from 'node:path';
import { annotatedResult, roundPx, type AnnotatedImage } from '../core/annotated-image.js';
import { ConfigError } from '../core/errors.js';
import type { ImageResult } from '../core/results.js';
import { compressMask } from '../core/results.js';
import { rleArea } from '../core/rle.js';
import type { ImageModel } from '../inference/model.js';
import { toLabelMe } from '../inference/to-labelme.js';
import { cocoCategories, cocoImage } from '../io/coco/write.js';
import { cvatHead, cvatImage, CVAT_END } from '../io/cvat/write.js';
import type { JsonRows } from '../io/files/json-stream.js';
import { vocXml } from '../io/voc/write.js';
import { yoloText } from '../io/yolo/write.js';
import type { Presentation, PresentOptions } from './presentation.js';

/** Formats of labeling tools that predictions are written in. */
export const LABEL_FORMATS = ['coco', 'yolo', 'labelme', 'voc', 'cvat'] as const;
/** A format of a labeling tool. */
export type LabelFormat = (typeof LABEL_FORMATS)[number];

/** Options of {@link withLabelFiles}. */
interface LabelOptions extends Pick<PresentOptions, 'score'> {
  readonly format: LabelFormat;
  /** Folder of the files. */
  readonly out: string;
}

/** An annotation file, or one for every image. */
interface LabelWriter {
  /** Path of the file of an image, by the image's own name without extension. */
  readonly path?: ((stem: string) => string) | undefined;
  readonly text?:
    ((image: AnnotatedImage, result: ImageResult, file: string) => string) | undefined;
  /** Rows of an image for the files of all, by list. */
  readonly rows?: (image: AnnotatedImage, index: number) => Readonly<Record<string, object[]>>;
  /** JSON files of all images, by path. */
  readonly files?: Presentation['files'];
  /** Text files of all images, by path. */
  readonly texts?: Presentation['texts'];
  readonly lists?: readonly string[];
  /** Paths of the files of all images. */
  readonly common?: readonly string[];
}

/**
 * Adds files for labeling tools to what a presentation writes, so that predictions can be corrected there: `annotations.json`
 * (COCO), `labels/` and `classes.txt` (YOLO), `labelme/`, `Annotations/` (VOC) or `annotations.xml` (CVAT).
 *
 * @throws ConfigError for a classifier, whose results only LabelMe's files can hold
 */
export function withLabelFiles(
  presentation: Presentation,
  model: ImageModel,
  { format, score, out }: LabelOptions,
): Presentation {
  if (model.task === 'classify' && format !== 'labelme')
    throw new ConfigError(
      `--format ${format}: expected a detector or segmenter, got a classifier; its results fit --format labelme`,
    );
  const { lists: ownLists = [], common = [], ...writer } = writerOf(format, model, out);
  const imageOf = (file: string, result: ImageResult): AnnotatedImage =>
    annotatedResult(presentation.shown(result), basename(file));
  const stem = (name: string): string => name.replace(/\.png$/, '');
  return {
    ...presentation,
    lists: [...presentation.lists, ...ownLists],
    outputs: (pictures) => [
      ...presentation.outputs(pictures),
      ...common,
      ...pictures.flatMap((name) => writer.path?.(stem(name)) ?? []),
    ],
    rows: (predicted) => ({
      ...presentation.rows(predicted),
      ...writer.rows?.(imageOf(predicted.file, predicted.result), predicted.index),
    }),
    pictures: async (predicted, name) => {
      const { file, result } = predicted;
      const path = writer.path?.(stem(name));
      const text = writer.text?.(imageOf(file, result), presentation.shown(result), file);
      const labels =
        path === undefined || text === undefined ? {} : { [path]: new TextEncoder().encode(text) };
      return { ...(await presentation.pictures(predicted, name)), ...labels };
    },
    files: (lists) => ({ ...presentation.files(lists), ...writer.files?.(lists) }),
    texts: (lists) => writer.texts?.(lists) ?? {},
    wrote: (numImages, folder) =>
      `${presentation.wrote(numImages, folder)}; ${format} labels of objects from a score of ${presentation.common.score ?? score ?? 0}`,
  };
}

function writerOf(format: LabelFormat, model: ImageModel, out: string): LabelWriter {
  const { classNames } = model;
  switch (format) {
    case 'yolo':
      return {
        path: (stem) => join('labels', `${stem}.txt`),
        text: (image) => yoloText(image, { masks: true }),
        texts: () => ({ 'classes.txt': pieces(classNames.map((name) => `${name}\n`)) }),
        common: ['classes.txt'],
      };
    case 'voc':
      return {
        path: (stem) => join('Annotations', `${stem}.xml`),
        text: vocXml,
      };
    case 'labelme':
      return {
        path: (stem) => join('labelme', `${stem}.json`),
        text: (_, result, file) => {
          const imagePath = relative(join(resolve(out), 'labelme'), resolve(file));
          const label = toLabelMe(result, { imagePath: imagePath.split(sep).join('/') });
          return `${JSON.stringify(label, null, 2)}\n`;
        },
      };
    case 'cvat':
      return {
        rows: (image, index) => ({ cvat: [{ xml: cvatImage(image, index) }] }),
        texts: ({ cvat }) => ({ 'annotations.xml': cvatTexts(cvat, classNames) }),
        lists: ['cvat'],
        common: ['annotations.xml'],
      };
    case 'coco':
      return cocoWriter(model);
    default:
      return format satisfies never;
  }
}

/** One annotation file, whose annotations have a `score`, too. */
function cocoWriter(model: ImageModel): LabelWriter {
  const { classNames } = model;
  const { categoryIds = classNames.map((_, k) => k + 1) } = model.card as {
    readonly categoryIds?: readonly number[];
  };
  return {
    rows: ({ fileName, width, height, objects }, index) => ({
      'coco-images': [cocoImage(index + 1, fileName, { width, height })],
      'coco-annotations': objects.map(({ classIndex, box, mask, score }) => ({
        image_id: index + 1,
        category_id: categoryIds[classIndex],
        bbox: box.map(roundPx),
        area: mask.kind === 'rle' ? rleArea(mask) : box[2] * box[3],
        iscrowd: 0,
        segmentation: mask.kind === 'rle' ? compressMask(mask) : [],
        score,
      })),
    }),
    files: (lists) => ({
      'annotations.json': {
        images: lists['coco-images'],
        annotations: numbered(lists['coco-annotations']),
        categories: cocoCategories(classNames, categoryIds),
      },
    }),
    lists: ['coco-images', 'coco-annotations'],
    common: ['annotations.json'],
  };
}

async function* numbered(rows: JsonRows): AsyncGenerator<object> {
  let id = 0;
  for await (const row of rows) yield { id: ++id, ...(row as object) };
}

async function* cvatTexts(rows: JsonRows, classNames: readonly string[]): AsyncGenerator<string> {
  yield cvatHead(classNames);
  for await (const row of rows) yield (row as { readonly xml: string }).xml;
  yield CVAT_END;
}

async function* pieces(texts: readonly string[]): AsyncGenerator<string> {
  await Promise.resolve();
  yield* texts;
}
