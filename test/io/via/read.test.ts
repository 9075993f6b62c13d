import { expect, test } from 'vitest';
import { classAttribute, isVia, readVia } from '../../../io/via/read.js';
import { readMutations } from '../../helpers/mutations.js';

const bytesOf = (content: object): Uint8Array => Buffer.from(JSON.stringify(content));
const region = (shape: object, attributes: object = {}): object => ({
  shape_attributes: shape,
  region_attributes: attributes,
});
const RECT = { name: 'rect', x: 3, y: 4, width: 10, height: 5 };
const POLYGON = { name: 'polygon', all_points_x: [1, 5.5, 5], all_points_y: [2, 2, 9] };
const IMAGES = {
  'a.jpg1234': {
    filename: 'sub\\a.jpg',
    size: 1234,
    file_attributes: {},
    regions: [
      region(RECT, { type: 'car', seen: { left: true, right: false, top: true } }),
      region(POLYGON, { type: ' van ' }),
      region({ name: 'circle', cx: 20, cy: 10, r: 4 }, { type: 'car' }),
      region({ name: 'ellipse', cx: 20, cy: 10, rx: 4, ry: 2, theta: 0.5 }, { type: 'car' }),
      region({ name: 'polyline', all_points_x: [1, 2], all_points_y: [1, 2] }, { type: 'car' }),
      region({ name: 'point', cx: 1, cy: 2 }),
    ],
  },
  'b.jpg-1': { filename: 'b.jpg', size: 77, file_attributes: {}, regions: [] },
};
const OPTIONS = {
  type: { type: 'radio', description: '', options: { car: '', van: 'a van' }, default_options: {} },
  seen: { type: 'checkbox', options: { left: '', right: '', top: '' } },
  note: { type: 'text', description: '', default_value: '' },
};
const project = (region_attributes: object): Uint8Array =>
  bytesOf({
    _via_settings: { core: {} },
    _via_img_metadata: IMAGES,
    _via_attributes: { region: region_attributes, file: {} },
    _via_data_format_version: '2.0.10',
  });

test('a project and its exported annotations have the same regions', () => {
  const read = readVia(project(OPTIONS), 'p.json');
  expect(readVia(bytesOf(IMAGES), 'e.json').images).toEqual(read.images);
  expect(read.options).toEqual(
    new Map([
      ['type', ['car', 'van']],
      ['seen', ['left', 'right', 'top']],
      ['note', undefined],
    ]),
  );
  const [a, b] = read.images;
  expect([a.fileName, b.fileName, b.regions, a.problems]).toEqual(['sub/a.jpg', 'b.jpg', [], []]);
  expect(a.regions).toEqual([
    {
      position: 0,
      region: { kind: 'rectangle', corners: [3, 4, 13, 9] },
      attributes: { type: 'car', seen: 'left,top' },
    },
    {
      position: 1,
      region: { kind: 'polygon', points: [1, 2, 5.5, 2, 5, 9] },
      attributes: { type: 'van' },
    },
    {
      position: 2,
      region: { kind: 'ellipse', center: [20, 10], radii: [4, 4], angle: 0 },
      attributes: { type: 'car' },
    },
    {
      position: 3,
      region: { kind: 'ellipse', center: [20, 10], radii: [4, 2], angle: 0.5 },
      attributes: { type: 'car' },
    },
    { position: 4, region: 'polyline', attributes: { type: 'car' } },
    { position: 5, region: 'point', attributes: {} },
  ]);
});

test('version 1 has a map of regions', () => {
  const old = {
    'a.jpg9': {
      fileref: '',
      size: 9,
      filename: 'a.jpg',
      base64_img_data: '',
      file_attributes: {},
      regions: { 0: region(RECT), 7: region(POLYGON) },
    },
  };
  const [{ regions }] = readVia(bytesOf(old), 'a.json').images;
  expect(regions.map(({ position }) => position)).toEqual(['0', '7']);
});

test('files that were added by their address have the size -1', () => {
  const entry = { filename: 'https://host/set/a.jpg', size: -1, regions: [region(RECT)] };
  const { images } = readVia(bytesOf({ 'https://host/set/a.jpg-1': entry }), 'a.json');
  expect(images.map(({ fileName, regions }) => [fileName, regions.length])).toEqual([
    ['https://host/set/a.jpg', 1],
  ]);
});

test('the class is in the only attribute with options, or the only one, or the named one', () => {
  const { type, note } = OPTIONS;
  const read = readVia(project({ type, note }), 'p.json');
  expect(classAttribute({ ...read, images: [] }, 'p.json', undefined)).toBe('type');
  expect(classAttribute(read, 'p.json', 'note')).toBe('note');
  expect(() => classAttribute(readVia(project(OPTIONS), 'p.json'), 'p.json', undefined)).toThrow(
    'p.json: expected one region attribute with the class, got type, seen; choose with --class-attribute NAME',
  );
  expect(() => classAttribute(read, 'p.json', 'kind')).toThrow(
    'expected a region attribute "kind" as --class-attribute says, got type, note, seen',
  );
  const plain = (attributes: object): ReturnType<typeof readVia> =>
    readVia(bytesOf({ a1: { filename: 'a', size: 1, regions: [region(RECT, attributes)] } }), 'e');
  expect(classAttribute(plain({ name: 'x' }), 'e', undefined)).toBe('name');
  expect(classAttribute(plain({}), 'e', undefined)).toBeUndefined();
  expect(() => classAttribute(plain({ a: 'x', b: 'y' }), 'e', undefined)).toThrow('got a, b');
});

test.each([
  ['no shape', {}, 'regions[0]: shape_attributes: expected a value, got none'],
  [
    'no width',
    region({ name: 'rect', x: 1, y: 2, height: 3 }),
    'regions[0]: rect: width: expected a value, got none',
  ],
  [
    'a box without area',
    region({ ...RECT, width: 0 }),
    'regions[0]: rect: width: expected a number above 0, got 0',
  ],
  [
    'coordinates of text',
    region({ ...POLYGON, all_points_x: ['1', 2, 3] }),
    'polygon: all_points_x/0: expected a number, got "1"',
  ],
  [
    'two points',
    region({ name: 'polygon', all_points_x: [1, 2], all_points_y: [1, 2] }),
    'polygon: expected at least 3 points, got 2',
  ],
  [
    'lists of two lengths',
    region({ ...POLYGON, all_points_x: [1, 2] }),
    'polygon: expected as many x as y, got 2 and 3',
  ],
])('a region with %s is listed with its image', (_, wrong, message) => {
  const [image] = readVia(
    bytesOf({ a1: { filename: 'a', size: 1, regions: [wrong, region(RECT)] } }),
    'a.json',
  ).images;
  expect(image.problems.map((problem) => problem.startsWith('regions[0]: '))).toEqual([true]);
  expect(`regions[0]: ${image.problems[0].slice(12)}`).toContain(message);
  expect(image.regions).toHaveLength(1);
});

test('other documents are refused', () => {
  for (const other of [[], {}, { images: [], annotations: [] }, 3, null])
    expect(isVia(other)).toBe(false);
  expect(() => readVia(bytesOf({ images: [] }), 'a.json')).toThrow(
    'a.json: expected a project or annotations of VIA 2, got {"images":[]}',
  );
  expect(() => readVia(bytesOf({ a1: { filename: 3, regions: [] } }), 'a.json')).toThrow(
    'a.json: "a1": filename: expected a text',
  );
});

test('3,000 damaged files give a DataError or are read', () => {
  const run = { count: 3000, seed: 6, file: 'p.json' };
  const { read, refused } = readMutations(project(OPTIONS), run, (bytes) => {
    for (const { regions } of readVia(bytes, 'p.json').images)
      for (const { region: found } of regions)
        if (typeof found !== 'string' && found.kind === 'polygon')
          expect(found.points.every(Number.isFinite)).toBe(true);
  });
  expect(refused).toBeGreaterThan(1500);
  expect(read).toBeGreaterThan(100);
});
