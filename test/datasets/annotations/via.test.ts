import { expect, test } from 'vitest';
import { detectLayout } from '../../../datasets/layout/detect.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { boxesOf, dataFolder, tablesOf } from '../../helpers/data-folder.js';

const data = dataFolder();
const region = (shape: object, attributes: object): object => ({
  shape_attributes: shape,
  region_attributes: attributes,
});
const rect = (x: number, y: number, width: number, height: number, attributes: object): object =>
  region({ name: 'rect', x, y, width, height }, attributes);
const images = (regions: readonly object[], filename = 'a.png'): object => ({
  [`${filename}99`]: { filename, size: 99, regions, file_attributes: {} },
});
const project = (metadata: object, attributes: object): object => ({
  _via_settings: { ui: {} },
  _via_img_metadata: metadata,
  _via_attributes: { region: attributes, file: {} },
});
const TYPE = { type: 'radio', options: { van: '', car: '' } };

test('a project has the classes in the order of its options', async () => {
  data.image('a.png');
  const regions = [
    rect(3, 4, 10, 20, { type: 'car', note: 'x' }),
    rect(1, 1, 5, 5, { type: 'van' }),
  ];
  data.write('via_project.json', project(images(regions), { type: TYPE, note: { type: 'text' } }));
  const layout = await detectLayout(data.root);
  expect(layout.line).toBe('VIA boxes: train 1, 2 classes');
  const { tables, lines } = await tablesOf((layout as DetectionData).splits['train']);
  expect(tables.categories).toEqual([
    { id: 1, name: 'van' },
    { id: 2, name: 'car' },
  ]);
  expect(boxesOf(tables, 'a.png')).toEqual([
    [3, 4, 10, 20],
    [1, 1, 5, 5],
  ]);
  expect([...tables.annotations.categoryIds]).toEqual([2, 1]);
  expect(lines).toEqual([]);
});

test('balloons: a file for each split, no attributes, polygons', async () => {
  const polygon = region(
    { name: 'polygon', all_points_x: [10, 30, 10], all_points_y: [10, 10, 30] },
    {},
  );
  const circle = region({ name: 'ellipse', cx: 30, cy: 20, rx: 10, ry: 5, theta: Math.PI / 2 }, {});
  for (const [split, name] of [
    ['train', 'a.png'],
    ['val', 'b.png'],
  ]) {
    data.image(`${split}/${name}`);
    data.write(`${split}/via_region_data.json`, images([polygon, circle], name));
  }
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout.line).toBe('VIA polygons and masks: train 1, val 1, 1 class');
  const { tables } = await tablesOf(layout.splits['val']);
  expect(tables.categories).toEqual([{ id: 1, name: 'object' }]);
  const [first, second] = boxesOf(tables, 'b.png');
  expect(first).toEqual([10, 10, 20, 20]);
  [25, 10, 10, 20].forEach((value, i) => expect(second[i]).toBeCloseTo(value, 6));
  expect(await detectLayout(data.at('val/via_region_data.json'))).toMatchObject({ layout: 'via' });
});

test('several attributes are an error unless one is chosen', async () => {
  data.image('a.png');
  const regions = [rect(3, 4, 10, 20, { make: 'x', type: 'car' })];
  data.write('export.json', images(regions));
  await expect(detectLayout(data.root)).rejects.toThrow(
    'export.json: expected one region attribute with the class, got make, type; choose with `classAttribute` NAME',
  );
  const layout = (await detectLayout(data.root, { classAttribute: 'type' })) as DetectionData;
  const { tables } = await tablesOf(layout.splits['train']);
  expect(tables.categories.map(({ name }) => name)).toEqual(['car']);
});

test('images that are missing and regions that are wrong are named', async () => {
  data.image('a.png');
  data.write('via.json', {
    ...images([
      rect(3, 4, 10, 20, { type: 'car' }),
      rect(3, 4, -1, 20, { type: 'car' }),
      rect(3, 4, 5, 20, { type: '' }),
      region({ name: 'point', cx: 1, cy: 1 }, { type: 'car' }),
    ]),
    ...images([], 'none.png'),
  });
  const source = { format: 'via', annotations: data.at('via.json'), images: data.root } as const;
  const { lines } = await tablesOf(source);
  expect(lines.map((line) => line.replaceAll(data.root, ''))).toEqual([
    'imageMissing /via.json: "none.png99": expected the image none.png in , got none',
    'schema /via.json: "a.png": regions[1]: rect: width: expected a number above 0, got -1',
    'schema /via.json: "a.png": regions[2]: expected a class in the attribute "type", got none',
    'shapeIgnored /via.json: "a.png": regions[3]: expected a shape with an area, got a point',
  ]);
});
