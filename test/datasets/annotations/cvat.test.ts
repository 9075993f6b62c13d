import { describe, expect, test } from 'vitest';
import { decodeRle, type Rle } from '../../../core/rle.js';
import { placeMask } from '../../../datasets/annotations/place-mask.js';
import { loadCoco } from '../../../datasets/coco/set.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { encodeRle } from '../../../core/rle.js';
import { boxesOf, dataFolder, tablesOf } from '../../helpers/data-folder.js';

const folder = dataFolder();
const { write, image, at } = folder;
const LABELS =
  '<meta><task><name>t</name><labels><label><name>dog</name><color>#f00</color></label><label><name>cat</name></label><label><name>nose</name><parent>dog</parent></label></labels></task></meta>';
const file = (images: string, labels = LABELS): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>${labels}${images}</annotations>`;
const picture = (name: string, shapes: string, rest = 'width="8" height="6"'): string =>
  `<image id="0" name="${name}" ${rest}>${shapes}</image>`;
const source = () =>
  ({ format: 'cvat', annotations: at('annotations.xml'), images: at('images') }) as const;

test('boxes, polygons and masks are read, in the classes of the file', async () => {
  image('images/a.png', 8, 6);
  const shapes = [
    '<box label="cat" occluded="0" xtl="1.5" ytl="2" xbr="4" ybr="5.25" z_order="0"><attribute name="x">1</attribute></box>',
    '<polygon label="dog" points="0.5,0;7,0;7,3.5"/>',
    '<mask label="dog" rle="1, 4, 1" left="2" top="1" width="3" height="2"/>',
    '<box label="dog" xtl="2" ytl="2" xbr="6" ybr="4" rotation="90.0"/>',
  ].join('');
  write('annotations.xml', file(picture('a.png', shapes)));
  const { tables, lines } = await tablesOf(source());
  expect(tables.categories.map(({ name }) => name)).toEqual(['dog', 'cat']);
  expect([...tables.annotations.categoryIds]).toEqual([2, 1, 1, 1]);
  const boxes = boxesOf(tables, 'a.png');
  expect(boxes.slice(0, 3)).toEqual([
    [1.5, 2, 2.5, 3.25],
    [0.5, 0, 6.5, 3.5],
    [2, 1, 3, 2],
  ]);
  [3, 1, 2, 4].forEach((value, i) => expect(boxes[3][i]).toBeCloseTo(value, 9));
  const mask = tables.annotations.masks.get(2);
  const rows = ['........', '...##...', '..##....'].map((row) =>
    Array.from(row, (c) => Number(c === '#')),
  );
  expect([...decodeRle(mask as Rle)].slice(0, 24)).toEqual(rows.flat());
  expect(tables.annotations.areas[2]).toBe(4);
  expect(lines).toEqual([
    'boxRotated ' +
      at('annotations.xml') +
      ': image "a.png": shape[3]: rotation: expected 0, got 90',
  ]);
});

test('tags and points do not make masks of boxes in the line', async () => {
  image('images/a.png', 8, 6);
  const shapes =
    '<tag label="cat"/><points label="cat" points="0,0"/><box label="cat" xtl="0" ytl="0" xbr="4" ybr="4"/>';
  write('annotations.xml', file(picture('a.png', shapes)));
  expect((await detectLayout(folder.root)).line).toBe('CVAT boxes: train 1, 2 classes');
});

test('other shapes are noted, and bad ones are errors with their image', async () => {
  image('images/a.png', 8, 6);
  const shapes = [
    '<ellipse label="cat" cx="1" cy="1" rx="1" ry="1"/><polyline label="cat" points="0,0;1,1"/><points label="cat" points="0,0"/>',
    '<skeleton label="dog"><points label="nose" points="1,1"/></skeleton><tag label="cat"/>',
    '<box label="cow" xtl="0" ytl="0" xbr="1" ybr="1"/><box label="cat" xtl="x" ytl="0" xbr="1" ybr="1"/>',
    '<polygon label="cat" points="0,0;1,1"/><polygon label="cat" points="0,0;1,1;1e999,0"/><box xtl="0" ytl="0" xbr="1" ybr="1"/>',
    '<box label="cat" ytl="0" xbr="1" ybr="1"/>',
    '<mask label="cat" rle="1" left="0" top="0" width="3" height="2"/><mask label="cat" rle="0,6" left="7" top="0" width="3" height="2"/>',
    '<mask label="cat" rle="0,1000000000000" left="0" top="0" width="1000000" height="1000000"/>',
  ].join('');
  write('annotations.xml', file(picture('a.png', shapes)));
  const { tables, issues } = await tablesOf(source());
  expect(tables.annotations.ids).toHaveLength(0);
  expect(
    issues.map(({ code, message }) => `${code} ${message.replace('image "a.png": shape', '')}`),
  ).toEqual([
    'shapeIgnored [0]: a shape "ellipse"',
    'shapeIgnored [1]: a shape "polyline"',
    'shapeIgnored [2]: a shape "points"',
    'shapeIgnored [3]: a shape "skeleton"',
    'shapeIgnored [4]: a shape "tag"',
    'unknownCategory [5]: expected one of the classes dog, cat, got "cow"; nearest: dog',
    'schema [6]: box: xtl: expected numbers, got "x"',
    'schema [7]: polygon: points: expected 3 or more pairs, got 4 numbers',
    'schema [8]: polygon: points: expected numbers, got "1e999"',
    'schema [9]: box: label: expected the name of a class, got none',
    'schema [10]: box: xtl: expected numbers, got ""',
    'rleRuns [11]: mask: expected runs of 3 x 2 = 6 pixels, got 1',
    'rleRuns [12]: mask: expected a rectangle inside 8x6, got 3x2 at 7, 0',
    'rleRuns [13]: mask: expected a rectangle inside 8x6, got 1000000x1000000 at 0, 0',
  ]);
  await expect(loadCoco(source())).rejects.toThrow(
    `${at('annotations.xml')}: image "a.png": shape[5]: expected one of`,
  );
});

test('a mask is moved to its image', () => {
  const bits = (rows: readonly string[]): number[] =>
    rows.flatMap((row) => Array.from(row, Number));
  const cases: readonly (readonly [readonly string[], number, number, number, number])[] = [
    [['110', '011'], 2, 1, 6, 4],
    [['1', '1'], 0, 0, 1, 2],
    [['111', '111'], 1, 0, 4, 2],
    [['0'], 1, 1, 3, 3],
    [['010', '101'], 0, 2, 3, 4],
  ];
  for (const [rows, left, top, width, height] of cases) {
    const crop = encodeRle(bits(rows), rows.length, rows[0].length);
    const placed = placeMask(crop, left, top, { width, height });
    const pixels = new Uint8Array(width * height);
    rows.forEach((row, y) =>
      Array.from(row, Number).forEach((bit, x) => (pixels[(top + y) * width + left + x] = bit)),
    );
    expect([...decodeRle(placed)]).toEqual([...pixels]);
    expect(placed).toEqual(encodeRle(pixels, height, width));
  }
});

test('tracks of a video are refused by name, and other XML, too', async () => {
  write('annotations.xml', file('<track id="0" label="cat"><box frame="0"/></track>'));
  await expect(loadCoco(source())).rejects.toThrow('got tracks of a video (CVAT for video)');
  await expect(detectLayout(folder.root)).rejects.toThrow('got tracks of a video');
  write('annotations.xml', '<x/>');
  await expect(loadCoco(source())).rejects.toThrow('expected the element <annotations>, got <x>');
});

describe('layouts', () => {
  const box = '<box label="cat" xtl="0" ytl="0" xbr="4" ybr="4"/>';
  const detected = async (options = {}): Promise<DetectionData> =>
    (await detectLayout(folder.root, options)) as DetectionData;

  test('subsets named after parts are the parts', async () => {
    image('images/Train/a.png', 8, 6);
    image('images/Validation/b.png', 8, 6);
    const sizes = 'width="8" height="6"';
    write(
      'annotations.xml',
      file(
        picture('a.png', box, `subset="Train" ${sizes}`) +
          picture('b.png', '', `subset="Validation" ${sizes}`),
      ),
    );
    const data = await detected();
    expect(data.line).toBe('CVAT boxes: train 1, val 1, 2 classes');
    const val = await loadDetectionSplit(data, 'val');
    expect([val.images.fileNames, val.classes.names]).toEqual([
      ['Validation/b.png'],
      ['dog', 'cat'],
    ]);
  });

  test('without subsets it is one part; the file itself can be named, and classes chosen', async () => {
    image('a.png', 8, 6);
    const path = write('annotations.xml', file(picture('a.png', box), ''));
    expect((await detected()).line).toBe('CVAT boxes: train 1, 1 class');
    expect(await detectLayout(path)).toMatchObject({ layout: 'cvat' });
    expect(
      (await loadDetectionSplit(await detected({ classes: ['cat'] }), 'train')).classes.names,
    ).toEqual(['cat']);
  });

  test('files named after parts are the parts', async () => {
    for (const name of ['train', 'val']) {
      image(`images/${name}.png`, 8, 6);
      write(`${name}.xml`, file(picture(`${name}.png`, box)));
    }
    expect((await detected()).line).toBe('CVAT boxes: train 1, val 1, 2 classes');
  });
});
