import { expect, test } from 'vitest';
import { encodeRle } from '../../../core/rle.js';
import { toLabelMe } from '../../../inference/to-labelme.js';
import { encodeLabelPng } from '../../../io/png/write.js';
import { embeddedImage, isLabelMe, readLabelMe } from '../../../io/labelme/read.js';
import { readMutations } from '../../helpers/mutations.js';

const bytesOf = (content: object): Uint8Array => Buffer.from(JSON.stringify(content));
const SQUARE = [
  [1.5, 2],
  [9, 2],
  [9, 7.25],
];
const file = (shapes: readonly object[], fields: object = {}): Uint8Array =>
  bytesOf({ version: '5.5.0', flags: {}, shapes, imagePath: 'a.jpg', imageData: null, ...fields });

const MASK = Buffer.from(
  encodeLabelPng({ width: 3, height: 2, data: Uint8Array.of(0, 1, 1, 1, 0, 1) }),
).toString('base64');
const ALL = file(
  [
    { label: 'cat', points: SQUARE, group_id: 3, shape_type: 'polygon', flags: {} },
    { label: 'cat', points: SQUARE.slice(0, 2), group_id: null, shape_type: 'rectangle' },
    {
      label: 'dog',
      points: [
        [9, 8],
        [1, 2],
      ],
      shape_type: 'rectangle',
    },
    {
      label: 'ball',
      points: [
        [10, 10],
        [10, 14],
      ],
      group_id: null,
      shape_type: 'circle',
    },
    {
      label: 'dog',
      points: [
        [4, 5],
        [6, 6],
      ],
      shape_type: 'mask',
      mask: MASK,
    },
    { label: 'wire', points: SQUARE, shape_type: 'linestrip' },
    { label: 'eye', points: [[1, 1]], shape_type: 'point' },
  ],
  { imagePath: '..\\images\\a b.jpg', imageWidth: 40, imageHeight: 30, imageData: 'aGVsbG8=' },
);

test('every shape is read with its label, group and position', () => {
  const read = readLabelMe(ALL, 'a.json');
  expect(read).toMatchObject({ imagePath: '../images/a b.jpg', width: 40, height: 30 });
  expect(Buffer.from(embeddedImage(read, 'a.json')).toString()).toBe('hello');
  expect(read.shapes).toEqual([
    {
      position: 0,
      label: 'cat',
      group: '3',
      region: { kind: 'polygon', points: [1.5, 2, 9, 2, 9, 7.25] },
    },
    {
      position: 1,
      label: 'cat',
      group: undefined,
      region: { kind: 'rectangle', corners: [1.5, 2, 9, 2] },
    },
    {
      position: 2,
      label: 'dog',
      group: undefined,
      region: { kind: 'rectangle', corners: [1, 2, 9, 8] },
    },
    {
      position: 3,
      label: 'ball',
      group: undefined,
      region: { kind: 'ellipse', center: [10, 10], radii: [4, 4], angle: 0 },
    },
    {
      position: 4,
      label: 'dog',
      group: undefined,
      region: {
        kind: 'mask',
        x: 4,
        y: 5,
        mask: encodeRle([0, 1, 1, 1, 0, 1], 2, 3),
      },
    },
  ]);
  expect(read.marks).toEqual([
    { position: 5, label: 'wire', type: 'linestrip' },
    { position: 6, label: 'eye', type: 'point' },
  ]);
});

test('turned rectangles are outlines of four corners', () => {
  const corners = [
    [5, 0],
    [10, 5],
    [5, 10],
    [0, 5],
  ];
  for (const type of ['oriented_rectangle', 'rotation']) {
    const { shapes } = readLabelMe(
      file([{ label: 'ship', points: corners, shape_type: type, direction: 0.8 }]),
      'a.json',
    );
    expect(shapes[0].region).toEqual({ kind: 'polygon', points: corners.flat() });
  }
});

test('files of old versions lack types, groups and sizes', () => {
  const old = bytesOf({
    shapes: [{ label: 'cat', line_color: null, fill_color: null, points: SQUARE }],
    lineColor: [0, 255, 0, 128],
    imagePath: 'a.jpg',
    imageData: null,
  });
  const { width, height, shapes, imageData } = readLabelMe(old, 'a.json');
  expect([width, height, imageData]).toEqual([0, 0, undefined]);
  expect(shapes.map(({ region }) => region.kind)).toEqual(['polygon']);
});

test('our own files are read back', () => {
  const object = {
    classIndex: 0,
    categoryId: 1,
    name: 'nut',
    score: 1,
    box: [2, 3, 10, 4] as const,
  };
  const written = toLabelMe(
    { task: 'detect', width: 64, height: 48, objects: [object] },
    { imagePath: 'a.jpg' },
  );
  expect(readLabelMe(bytesOf(written), 'a.json')).toMatchObject({
    width: 64,
    height: 48,
    shapes: [{ label: 'nut', region: { kind: 'rectangle', corners: [2, 3, 12, 7] } }],
  });
});

test('LabelMe files are told from other JSON', () => {
  expect(isLabelMe(JSON.parse(Buffer.from(ALL).toString()))).toBe(true);
  for (const other of [null, [], 3, {}, { shapes: [] }, { images: [], annotations: [] }])
    expect(isLabelMe(other)).toBe(false);
});

test.each<[string, Uint8Array, string]>([
  ['text', Buffer.from('hello'), 'expected a LabelMe file as JSON, got'],
  ['nothing', Buffer.from(''), 'as JSON, got an empty file'],
  ['no shapes', bytesOf({ imagePath: 'a.jpg' }), 'shapes: expected a value, got none'],
  ['an empty label', file([{ label: '', points: SQUARE }]), 'shapes/0/label: expected a text'],
  [
    'text as number',
    file([{ label: 'a', points: [['1', 2]] }]),
    'shapes/0/points/0/0: expected a number, got "1"',
  ],
  [
    'too large a number',
    Buffer.from('{"shapes":[{"label":"a","points":[[1e999,1]]}]}'),
    'shapes/0/points/0/0: expected a number',
  ],
  [
    'two points',
    file([{ label: 'a', points: SQUARE.slice(0, 2) }]),
    'shapes[0] ("a"): expected a polygon of at least 3 points, got 2',
  ],
  [
    'one corner',
    file([{ label: 'a', points: [[1, 1]], shape_type: 'rectangle' }]),
    'two corners of a rectangle, got 1 points',
  ],
  [
    'no radius',
    file([
      {
        label: 'a',
        points: [
          [1, 1],
          [1, 1],
        ],
        shape_type: 'circle',
      },
    ]),
    'expected a radius above 0, got 0',
  ],
  [
    'no mask',
    file([
      {
        label: 'a',
        points: [
          [1, 1],
          [2, 2],
        ],
        shape_type: 'mask',
      },
    ]),
    'expected a PNG in "mask", got none',
  ],
  [
    'a mask of another size',
    file([
      {
        label: 'a',
        points: [
          [1, 1],
          [2, 2],
        ],
        shape_type: 'mask',
        mask: MASK,
      },
    ]),
    'expected a mask of 2x2, got 3x2',
  ],
  [
    'no base64',
    file([
      {
        label: 'a',
        points: [
          [1, 1],
          [2, 2],
        ],
        shape_type: 'mask',
        mask: '?',
      },
    ]),
    'mask: expected base64, got "?"',
  ],
])('%s is refused', (_, bytes, message) => {
  expect(() => readLabelMe(bytes, 'a.json')).toThrow(message);
  expect(() => readLabelMe(bytes, 'a.json')).toThrow(/^a\.json: /);
});

test('3,000 damaged files give a DataError or are read', () => {
  const { read, refused } = readMutations(
    ALL,
    { count: 3000, seed: 5, file: 'a.json' },
    (bytes) => {
      for (const { region } of readLabelMe(bytes, 'a.json').shapes)
        if (region.kind === 'polygon') expect(region.points.every(Number.isFinite)).toBe(true);
    },
  );
  expect(refused).toBeGreaterThan(1500);
  expect(read).toBeGreaterThan(100);
});
