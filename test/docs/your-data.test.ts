import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { detectLayout } from '../../datasets/layout/detect.js';
import { encodeLabelPng } from '../../io/png/write.js';
import { dataFolder } from '../helpers/data-folder.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/your-data.md'), 'utf8');
/** First words of the lines that the page promises. */
const PROMISED = [
  ...PAGE.split('## VOC, YOLO and CVAT in detail')[0].matchAll(/^\|.*\| +`([^`]+)` +\|$/gm),
].map(([, line]) => line);

const data = dataFolder();
const mask = (): Uint8Array =>
  encodeLabelPng({ width: 64, height: 48, data: new Uint8Array(64 * 48).fill(1) });
const coco = (file: string): void => {
  data.write(file, {
    images: [{ id: 1, file_name: 'a.png', width: 64, height: 48 }],
    categories: [{ id: 1, name: 'nut' }],
    annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 1, 9, 9], area: 81, iscrowd: 0 }],
  });
};

/** Writes a set in each layout of the page. */
const SETS: Readonly<Record<string, () => void>> = {
  'COCO layout': () => {
    data.image('train/a.png');
    coco('annotations/instances_train.json');
  },
  'Roboflow COCO layout': () => {
    data.image('train/a.png');
    coco('train/_annotations.coco.json');
  },
  'COCO file': () => {
    data.image('images/a.png');
    coco('nuts.json');
  },
  'VOC boxes': () => {
    data.image('JPEGImages/a.png');
    const box = '<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>';
    data.write(
      'Annotations/a.xml',
      `<annotation><filename>a.png</filename><object><name>nut</name>${box}</object></annotation>`,
    );
  },
  'YOLO boxes': () => {
    data.image('images/a.png');
    data.write('labels/a.txt', '0 0.5 0.5 0.2 0.2\n');
    data.write('classes.txt', 'nut\n');
  },
  'LabelMe boxes': () => {
    data.image('a.png');
    const shapes = [
      {
        label: 'nut',
        points: [
          [1, 1],
          [9, 9],
        ],
        shape_type: 'rectangle',
      },
    ];
    data.write('a.json', { shapes, imagePath: 'a.png', imageData: null });
  },
  'VIA boxes': () => {
    data.image('a.png');
    const shape = { name: 'rect', x: 1, y: 1, width: 9, height: 9 };
    const regions = [{ shape_attributes: shape, region_attributes: { type: 'nut' } }];
    data.write('via.json', {
      'a.png9': { filename: 'a.png', size: 9, regions, file_attributes: {} },
    });
  },
  'CVAT boxes': () => {
    data.image('images/a.png');
    const box = '<box label="nut" xtl="1" ytl="1" xbr="9" ybr="9" occluded="0"/>';
    data.write(
      'annotations.xml',
      `<annotations><version>1.1</version><image id="0" name="a.png" width="64" height="48">${box}</image></annotations>`,
    );
  },
  'CSV boxes': () => {
    data.image('a.png');
    data.write('boxes.csv', 'a.png,1,1,9,9,nut\n');
  },
  'instance masks': () => {
    data.image('PNGImages/a.png');
    data.write('PedMasks/a_mask.png', mask());
  },
  'instance masks with class numbers': () => {
    data.image('leftImg8bit/train/x/a_leftImg8bit.png');
    data.write('gtFine/train/x/a_gtFine_instanceIds.png', mask());
  },
  'images, labels and classes.txt': () => {
    data.image('images/a.png');
    data.write('labels/a.png', mask());
    data.write('classes.txt', 'ground\nnut\n');
  },
  'VOC labels': () => {
    data.image('JPEGImages/a.png');
    data.write('SegmentationClass/a.png', mask());
    data.write('ImageSets/Segmentation/train.txt', 'a\n');
    data.write('class_names.txt', '_background_\nnut\n');
  },
  'images, labels and a table of classes': () => {
    data.image('train/a.jpg');
    data.write('train/a_mask.png', mask());
    data.write('train/_classes.csv', 'Pixel Value, Class\n0, ground\n1, nut\n');
  },
  'Cityscapes labels': () => {
    data.image('leftImg8bit/train/x/a_leftImg8bit.png');
    data.write('gtFine/train/x/a_gtFine_labelIds.png', mask());
  },
  'ADE20K layout': () => {
    data.image('images/training/a.png');
    data.write('annotations/training/a.png', mask());
  },
  'ImageNet layout': () => {
    for (const path of ['train/a/1.png', 'train/b/2.png', 'val/a/3.png']) data.image(path);
  },
};

test('every layout of the page is one that is written here, and the reverse', () => {
  expect(PROMISED.toSorted()).toEqual(Object.keys(SETS).sort());
});

test.each(Object.keys(SETS))('%s is recognized as the page says', async (line) => {
  SETS[line]();
  const kind = line.startsWith('Cityscapes') ? 'segmentation' : undefined;
  const found = (await detectLayout(data.root, { kind })).line;
  expect(found.slice(0, line.length + 1)).toBe(`${line}:`);
});
