import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeRle, decodeRle, rleArea } from '../../../core/rle.js';
import { rleOfSegmentation } from '../../../core/coco.js';
import { rleToString } from '../../../core/rle-string.js';
import { boxOf } from '../../../io/coco/annotations.js';
import { rowsOf } from '../../../datasets/coco/samples.js';
import type { CocoSet } from '../../../datasets/coco/set.js';
import { convertSet, type ConvertFormat } from '../../../datasets/convert/convert.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { dataFolder } from '../../helpers/data-folder.js';

const folder = dataFolder();
const { write, image, at } = folder;

/** A ring with a part beside it, which has two contours and a hole. */
function ring(width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  for (let y = 5; y < 20; y++)
    for (let x = 10; x < 30; x++) if (y < 9 || y > 15 || x < 14 || x > 25) mask[y * width + x] = 1;
  for (let y = 25; y < 30; y++) for (let x = 40; x < 47; x++) mask[y * width + x] = 1;
  return mask;
}

const COMPLEX = encodeRle(ring(64, 48), 48, 64);

/** Two images to train on and one to validate: boxes, polygons, run lengths, a crowd, and one class without objects. */
async function cocoSet(masks: boolean): Promise<DetectionData> {
  const categories = ['cat', 'big dog', 'Ünicode <&">', 'unused'].map((name, k) => ({
    id: 3 * k + 5,
    name,
  }));
  const size = { width: 64, height: 48 };
  const object = (
    id: number,
    image_id: number,
    category_id: number,
    bbox: number[],
    rest = {},
  ) => ({ id, image_id, category_id, bbox, area: bbox[2] * bbox[3], iscrowd: 0, ...rest });
  const segmentation = (value: unknown) => (masks ? { segmentation: value } : {});
  const crowd = { ...COMPLEX, counts: [...COMPLEX.counts] };
  write('in/annotations/instances_train.json', {
    categories,
    images: [
      { id: 11, file_name: 'a.png', ...size },
      { id: 7, file_name: 'sub/b.png', ...size },
    ],
    annotations: [
      object(
        101,
        11,
        5,
        [3.25, 4.5, 20.125, 10.01],
        segmentation([[3.25, 4.5, 23.375, 4.5, 23.375, 14.51, 3.25, 14.51]]),
      ),
      object(
        102,
        11,
        11,
        [1, 2, 31, 33],
        segmentation([
          [1, 2, 11, 2, 11, 12.5],
          [20, 20, 32, 20, 32, 35, 20.123, 35],
        ]),
      ),
      object(
        103,
        7,
        8,
        [10, 5, 37, 25],
        segmentation({ size: [48, 64], counts: rleToString(COMPLEX) }),
      ),
      object(104, 7, 8, [10, 5, 37, 25], {
        iscrowd: 1,
        ...segmentation({ size: [48, 64], counts: crowd.counts }),
      }),
    ],
  });
  write('in/annotations/instances_val.json', {
    categories,
    images: [{ id: 12, file_name: 'a.png', ...size }],
    annotations: [],
  });
  for (const path of ['train/a.png', 'train/sub/b.png', 'val/a.png']) image(`in/${path}`);
  return (await detectLayout(at('in'))) as DetectionData;
}

async function converted(data: DetectionData, to: ConvertFormat, out = to as string) {
  const written = await convertSet(data, at(out), { to, images: 'link' });
  const again = (await detectLayout(at(out))) as DetectionData;
  const load = (split: 'train' | 'val') => loadDetectionSplit(again, split);
  return { written, again, train: await load('train'), val: await load('val') };
}

/** Objects of an image by class name, in order. */
function objectsOf(set: CocoSet, ending: string) {
  const i = set.images.fileNames.findIndex((name) => name.endsWith(ending));
  return rowsOf(set, i).map((row) => {
    const mask = set.annotations.masks.get(row);
    const rle =
      mask.kind === 'none'
        ? undefined
        : mask.kind === 'rle'
          ? mask
          : rleOfSegmentation(mask.polygons, set.images.heights[i], set.images.widths[i]);
    return {
      name: set.classes.names[set.classIndices[row]],
      box: boxOf(set, row),
      crowd: set.annotations.crowds[row],
      rle,
    };
  });
}

describe.each(['coco', 'yolo', 'voc', 'labelme', 'cvat'] as const)('%s', (to) => {
  test('keeps images, classes and boxes to a hundredth of a pixel', async () => {
    const data = await cocoSet(false);
    const { written, train, val } = await converted(data, to);
    expect(written.images).toEqual({ train: 2, val: 1 });
    expect(val.images.ids).toHaveLength(1);
    const before = await loadDetectionSplit(data, 'train');
    // Formats without a list of classes know those that occur.
    expect(train.classes.names).toEqual(before.classes.names);
    expect(val.classes.names).toEqual(before.classes.names);
    for (const name of ['a.png', 'b.png']) {
      const [was, is] = [before, train].map((set) => objectsOf(set, name));
      const kept = was.filter(({ crowd }) => !crowd || to === 'coco' || to === 'voc');
      expect(is.map((o) => [o.name, o.crowd])).toEqual(kept.map((o) => [o.name, o.crowd]));
      is.forEach(({ box }, i) =>
        box.forEach((value, k) => expect(Math.abs(value - kept[i].box[k])).toBeLessThan(0.01)),
      );
    }
    expect(written.crowdsLeftOut).toBe(to === 'coco' || to === 'voc' ? 0 : 1);
  });

  test('writes everything or nothing, and links or copies images', async () => {
    const data = await cocoSet(false);
    write('full/x.txt', 'x');
    await expect(convertSet(data, at('full'), { to, images: 'link' })).rejects.toThrow(
      'expected a folder that is empty',
    );
    const { again } = await converted(data, to);
    const link = `${again.splits['train'].images}/${to === 'cvat' ? 'train/' : ''}a.png`;
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    await convertSet(data, at('copy'), { to, images: 'copy' });
    expect(lstatSync(link.replace(`/${to}/`, '/copy/')).isSymbolicLink()).toBe(false);
  });
});

test('coco, cvat, labelme and masks keep masks bit for bit', async () => {
  const data = await cocoSet(true);
  const before = await loadDetectionSplit(data, 'train');
  for (const to of ['coco', 'cvat', 'labelme', 'masks'] as const) {
    const { train } = await converted(data, to);
    expect(train.classes.names).toEqual(before.classes.names);
    // The objects of the first image overlap, which one picture of all masks cannot hold.
    for (const name of to === 'masks' ? ['b.png'] : ['a.png', 'b.png']) {
      const was = objectsOf(before, name).filter(({ crowd }) => !crowd || to === 'coco');
      const is = objectsOf(train, name);
      expect(is).toHaveLength(was.length);
      is.forEach(({ rle }, i) =>
        expect(rle && [...decodeRle(rle)]).toEqual([...decodeRle(was[i].rle!)]),
      );
    }
  }
});

test('coco to coco keeps ids, areas and fields', async () => {
  const { train } = await converted(await cocoSet(true), 'coco');
  expect([...train.images.ids]).toEqual([11, 7]);
  expect([...train.annotations.ids]).toEqual([101, 102, 103, 104]);
  expect(train.classes.categoryIds).toEqual([5, 8, 11, 14]);
  const { annotations } = JSON.parse(
    readFileSync(at('coco/annotations/instances_train.json'), 'utf8'),
  ) as { annotations: { iscrowd: number; area: number; segmentation: { counts: unknown } }[] };
  expect(annotations.map(({ area }) => area)[0]).toBe(20.125 * 10.01);
  expect(annotations[3].segmentation.counts).toEqual([...COMPLEX.counts]);
});

test('yolo keeps masks as outlines, parts and holes joined', async () => {
  const data = await cocoSet(true);
  const { written, again, train } = await converted(data, 'yolo');
  expect(again.line).toBe('YOLO polygons: train 2, val 1, 4 classes');
  expect(written).toMatchObject({ objects: 3, crowdsLeftOut: 1, masksLeftOut: 0 });
  const [{ rle }] = objectsOf(train, 'b.png');
  const differs = decodeRle(rle!).filter((bit, i) => bit !== ring(64, 48)[i]).length;
  // The lines that join the parts have no area, but the rasterizer may draw them.
  expect(differs / rleArea(COMPLEX)).toBeLessThan(0.1);
});

test('voc keeps boxes only, and says how many masks it left out', async () => {
  const { written, again } = await converted(await cocoSet(true), 'voc');
  expect(written).toMatchObject({ objects: 4, crowdsLeftOut: 0, masksLeftOut: 4 });
  expect(again.line).toBe('VOC boxes: train 2, val 1, 4 classes');
  // The two images of one name have names of their own.
  expect(readFileSync(at('voc/ImageSets/Main/val.txt'), 'utf8')).toBe('a-2\n');
  expect(existsSync(at('voc/JPEGImages/a-2.png'))).toBe(true);
});

test('labelme has polygons, groups of parts, masks of pixels, or rectangles', async () => {
  await convertSet(await cocoSet(true), at('labelme'), { to: 'labelme', images: 'copy' });
  const read = (path: string) =>
    JSON.parse(readFileSync(at(`labelme/${path}`), 'utf8')) as {
      imagePath: string;
      shapes: { shape_type: string; group_id: number | null; points: number[][] }[];
    };
  const file = read('train/a.json');
  expect(file.imagePath).toBe('a.png');
  expect(file.shapes.map(({ shape_type, group_id }) => [shape_type, group_id])).toEqual([
    ['polygon', null],
    ['polygon', 1],
    ['polygon', 1],
  ]);
  const [mask] = read('train/sub/b.json').shapes;
  expect([mask.shape_type, mask.points]).toEqual([
    'mask',
    [
      [10, 5],
      [46, 29],
    ],
  ]);
  expect(read('val/a.json').shapes).toEqual([]);
});

test('a set without splits is divided on request', async () => {
  for (let i = 0; i < 10; i++) {
    image(`voc/images/${i}.png`);
    write(
      `voc/annotations/${i}.xml`,
      '<annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>',
    );
  }
  const undivided = (await detectLayout(at('voc'))) as DetectionData;
  expect((await convertSet(undivided, at('one'), { to: 'yolo', images: 'link' })).images).toEqual({
    train: 10,
  });
  const divided = (await detectLayout(at('voc'), { valFraction: 0.3, seed: 1 })) as DetectionData;
  expect((await convertSet(divided, at('two'), { to: 'yolo', images: 'link' })).images).toEqual({
    train: 7,
    val: 3,
  });
});

test('the data.yaml of a converted set is that of the original', async () => {
  await convertSet(await cocoSet(false), at('yolo'), { to: 'yolo', images: 'link' });
  expect(readFileSync(at('yolo/data.yaml'), 'utf8')).toBe(
    'train: images/train\nval: images/val\nnc: 4\nnames:\n  0: cat\n  1: big dog\n  2: Ünicode <&">\n  3: unused\n',
  );
});

test('instance masks have class numbers, and refuse what does not fit', async () => {
  const { written, again } = await converted(await cocoSet(true), 'masks');
  expect(again.line).toBe('instance masks with class numbers: train 2, val 1, 4 classes');
  expect(written).toMatchObject({ objects: 4, boxesLeftOut: 0 });
  // Boxes alone would become pictures without any object.
  const boxes = convertSet(await cocoSet(false), at('boxes'), { to: 'masks', images: 'link' });
  await expect(boxes).rejects.toThrow(
    /objects with outlines or masks, got 4 with boxes only; masks would be empty/,
  );
  expect(existsSync(at('boxes'))).toBe(false);
});
