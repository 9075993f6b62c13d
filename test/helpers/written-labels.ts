import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compressMask, type ImageResult } from '../../core/results.js';
import { encodeRle, type Rle } from '../../core/rle.js';
import { rleToString } from '../../core/rle-string.js';
import { convertSet, type ConvertFormat } from '../../datasets/convert/convert.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import type { DetectionData } from '../../datasets/layout/types.js';
import type { ImageModel } from '../../inference/model.js';
import { encodeRgbPng } from '../../io/png/write.js';
import type { LabelFormat } from '../../train/label-files.js';
import { predictFiles } from '../../train/predict-files.js';

/** Images by name: the sides of the last one are far apart, so that errors of positions in fractions would show. */
export const SIZES = {
  a: { width: 64, height: 48 },
  b: { width: 50, height: 70 },
  c: { width: 4200, height: 12 },
} as const;
type ImageName = keyof typeof SIZES;

/** Classes of all sets, with their category ids. */
export const WRITTEN_CLASSES = ['cat', 'big dog', 'Ünicode <&">'];
const CATEGORY_IDS = [5, 8, 11];

type Box = readonly [number, number, number, number];
/** Objects without masks: fractions, a whole image, less than a pixel at the edge. */
const BOXES: Readonly<Record<ImageName, readonly (readonly [number, Box])[]>> = {
  a: [
    [0, [3.25, 4.5, 20.125, 10.01]],
    [2, [1, 2, 31, 33]],
  ],
  b: [
    [1, [10, 5, 37, 25]],
    [0, [0, 0, 50, 70]],
    [1, [49.5, 69.5, 0.5, 0.5]],
  ],
  c: [
    [1, [4021.123, 1.7, 100.5, 9.2]],
    [2, [0.4, 0.4, 1, 1]],
  ],
};

/** A ring with a part beside it: two contours and a hole. */
function ring({ width, height }: (typeof SIZES)['b']): Rle {
  const pixels = new Uint8Array(width * height);
  for (let y = 5; y < 20; y++)
    for (let x = 10; x < 30; x++)
      if (y < 9 || y > 15 || x < 14 || x > 25) pixels[y * width + x] = 1;
  for (let y = 25; y < 30; y++) for (let x = 40; x < 47; x++) pixels[y * width + x] = 1;
  return encodeRle(pixels, height, width);
}
const RING = ring(SIZES.b);

/** Objects with masks that do not overlap. */
const MASKS: Readonly<
  Record<ImageName, readonly (readonly [number, Box, readonly number[][] | Rle])[]>
> = {
  a: [
    [0, [3.25, 4.5, 20.125, 10.01], [[3.25, 4.5, 23.375, 4.5, 23.375, 14.51, 3.25, 14.51]]],
    [
      2,
      [30, 2, 12, 33],
      [
        [30, 2, 40, 2, 40, 12.5],
        [30, 20, 42, 20, 42, 35, 30.123, 35],
      ],
    ],
  ],
  b: [[1, [10, 5, 37, 25], RING]],
  c: [[1, [4021.125, 1.5, 100.5, 9], [[4021.125, 1.5, 4121.625, 2.5, 4050, 10.5]]]],
};

/** Sets to convert, by name: boxes, and masks. */
export const SET_FORMATS = {
  boxes: ['coco', 'yolo', 'voc', 'labelme', 'cvat'],
  masks: ['coco', 'yolo', 'labelme', 'cvat', 'masks'],
} as const satisfies Readonly<Record<string, readonly ConvertFormat[]>>;
/** Formats of predictions. */
export const PREDICTED_FORMATS = [
  'coco',
  'yolo',
  'labelme',
  'voc',
  'cvat',
] as const satisfies readonly LabelFormat[];

/**
 * Writes the sets of {@link SET_FORMATS} and predictions in {@link PREDICTED_FORMATS} as `convert` and `predict --format` do:
 * `source/KIND`, `convert/KIND/FORMAT`, `predict/KIND/FORMAT` and the images in `images`.
 */
export async function writeEveryFormat(root: string): Promise<void> {
  const write = (path: string, content: string | Uint8Array): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    return join(root, path);
  };
  const picture = (name: ImageName): Uint8Array => {
    const { width, height } = SIZES[name];
    return encodeRgbPng({ width, height, data: new Uint8Array(3 * width * height).fill(99) });
  };
  const files = (['a', 'b', 'c'] as const).map((name) =>
    write(`images/${name}.png`, picture(name)),
  );
  for (const kind of ['boxes', 'masks'] as const) {
    for (const [split, names] of [
      ['train', ['a', 'b']],
      ['val', ['c']],
    ] as const) {
      for (const name of names) write(`source/${kind}/${split}/${name}.png`, picture(name));
      write(
        `source/${kind}/annotations/instances_${split}.json`,
        JSON.stringify(documentOf(kind, names)),
      );
    }
    // All images, with the numbers that predictions give them.
    write(`source/${kind}-all.json`, JSON.stringify(documentOf(kind, ['a', 'b', 'c'])));
    const data = (await detectLayout(join(root, 'source', kind))) as DetectionData;
    for (const to of SET_FORMATS[kind])
      await convertSet(data, join(root, 'convert', kind, to), { to, images: 'copy' });
    for (const format of PREDICTED_FORMATS)
      await predictFiles(modelOf(kind), files, {
        out: join(root, 'predict', kind, format),
        format,
        score: 0.3,
      });
  }
}

function documentOf(kind: keyof typeof SET_FORMATS, names: readonly ImageName[]): object {
  let id = 100;
  return {
    categories: WRITTEN_CLASSES.map((name, k) => ({ id: CATEGORY_IDS[k], name })),
    images: names.map((name, i) => ({ id: i + 1, file_name: `${name}.png`, ...SIZES[name] })),
    annotations: names.flatMap((name, i) =>
      objectsOf(kind, name).map(([k, bbox, mask]) => ({
        id: ++id,
        image_id: i + 1,
        category_id: CATEGORY_IDS[k],
        bbox,
        iscrowd: 0,
        area: bbox[2] * bbox[3],
        segmentation: mask && ('counts' in mask ? rleRecord(mask) : mask),
      })),
    ),
  };
}

const objectsOf = (
  kind: keyof typeof SET_FORMATS,
  name: ImageName,
): readonly (readonly [number, Box, (readonly number[][] | Rle)?])[] =>
  kind === 'boxes' ? BOXES[name] : MASKS[name];

const rleRecord = (mask: Rle): object => ({
  size: [mask.height, mask.width],
  counts: rleToString(mask),
});

/** A model that finds every object a little beside its place, with falling scores, and one below the threshold. */
function modelOf(kind: keyof typeof SET_FORMATS): ImageModel {
  const card = { classNames: WRITTEN_CLASSES, categoryIds: CATEGORY_IDS };
  const objectOf = (k: number, box: Box, score: number) => ({
    classIndex: k,
    categoryId: CATEGORY_IDS[k],
    name: WRITTEN_CLASSES[k],
    box,
    score,
  });
  const predict = ({ width, height }: { width: number; height: number }): Promise<ImageResult> => {
    const name = (Object.keys(SIZES) as ImageName[]).find((key) => SIZES[key].width === width)!;
    const found = BOXES[name].map(([k, [x, y, w, h]], i) => ({
      ...objectOf(k, [x * 0.97, y, w * 0.9, h], 0.95 - 0.2 * i),
      mask: kind === 'masks' ? compressMask(rectangle(name, [x, y, w, h])) : undefined,
    }));
    const faint = objectOf(0, [0, 0, 9, 9], 0.1);
    const objects =
      kind === 'masks' ? found : [...found.map(({ mask: _, ...object }) => object), faint];
    return Promise.resolve({ task: 'detect', width, height, objects } as ImageResult);
  };
  return {
    task: 'detect',
    file: 'model',
    classNames: WRITTEN_CLASSES,
    card,
    predict,
    options: {},
  } as unknown as ImageModel;
}

/** Pixels of a box with holes. */
function rectangle(name: ImageName, [x, y, w, h]: Box): Rle {
  const { width, height } = SIZES[name];
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => {
    const [px, py] = [i % width, Math.floor(i / width)];
    const isInside = px >= Math.floor(x) && px < x + w && py >= Math.floor(y) && py < y + h;
    return Number(isInside && ((px >> 4) + (py >> 3)) % 5 !== 3);
  });
  return encodeRle(pixels, height, width);
}
