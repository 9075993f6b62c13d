import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../core/errors.js';
import { checkSegmentationSet } from '../../datasets/segmentation-check.js';
import { readClassNames } from '../../datasets/class-names.js';
import {
  loadSegmentationFolder,
  type SegmentationSet,
} from '../../datasets/segmentation-folder.js';
import { splitSamples } from '../../datasets/split.js';
import { mapLabels, readLabelMap } from '../../datasets/png-label-map.js';
import { encodeLabelPng, encodeRgbPng } from '../../io/png/write.js';
import { ProblemLog } from '../../datasets/problems.js';
import { buildPng } from '../helpers/png.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'folder-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
}

const rgb = (width = 2, height = 2): Uint8Array =>
  encodeRgbPng({ width, height, data: new Uint8Array(width * height * 3) });
const label = (...data: number[]): Uint8Array =>
  encodeLabelPng({ width: 2, height: data.length / 2, data: Uint8Array.from(data) });

const load = (classes: readonly string[] = ['a', 'b', 'c']): SegmentationSet =>
  loadSegmentationFolder({ images: join(root, 'images'), labels: join(root, 'labels'), classes });

test('images and labels are paired by name, in order, through folders', () => {
  for (const name of ['b', 'x/a', 'a']) {
    write(`images/${name}.png`, rgb());
    write(`labels/${name}.png`, label(0, 1, 2, 255));
  }
  write('images/._a.jpg', 'resource fork');
  write('images/readme.txt', 'not an image');
  const { samples, mapping } = load();
  expect(samples).toEqual(
    ['a', 'b', 'x/a'].map((name) => ({
      file: join(root, 'images', `${name}.png`),
      labelFile: join(root, 'labels', `${name}.png`),
    })),
  );
  expect(mapping).toEqual({ numClasses: 3, reduceZeroLabel: false });
});

test('unpaired files are named', () => {
  write('images/a.png', rgb());
  write('images/b.png', rgb());
  write('labels/a.png', label(0, 0));
  write('labels/c.png', label(0, 0));
  expect(load).toThrow(DataError);
  expect(load).toThrow(`got none for ${join(root, 'images/b.png')}, ${join(root, 'labels/c.png')}`);
});

test('two images of one name are ambiguous', () => {
  write('images/a.png', rgb());
  write('images/a.jpg', rgb());
  write('labels/a.png', label(0, 0));
  expect(load).toThrow('expected one file of this name');
});

test('missing and empty folders, and classes that do not fit a byte, are errors', () => {
  expect(load).toThrow(`${join(root, 'images')}: expected a folder, got none`);
  mkdirSync(join(root, 'images'));
  mkdirSync(join(root, 'labels'));
  expect(load).toThrow('expected images, got none');
  write('images/a.png', rgb());
  expect(load).toThrow('expected label PNGs, got none');
  expect(() => load([])).toThrow(ConfigError);
  expect(() => load(Array.from({ length: 256 }, (_, k) => `${k}`))).toThrow('got 256');
});

test('class names are read from lines', () => {
  write('classes.txt', '\ufeffroad\r\n grass \n\n');
  expect(readClassNames(join(root, 'classes.txt'))).toEqual(['road', 'grass']);
  write('classes.txt', 'road\n\ngrass\n');
  expect(() => readClassNames(join(root, 'classes.txt'))).toThrow('line 2: expected a class name');
  write('classes.txt', 'road\nroad\n');
  expect(() => readClassNames(join(root, 'classes.txt'))).toThrow('got "road" again');
  expect(() => readClassNames(join(root, 'none.txt'))).toThrow('got no file');
});

test('labels are mapped by the mapping', () => {
  const indices = { width: 3, height: 2, data: Uint8Array.of(0, 1, 2, 3, 255, 1) };
  expect([...mapLabels(indices, { numClasses: 4, reduceZeroLabel: false }, 'f').data]).toEqual([
    0, 1, 2, 3, 255, 1,
  ]);
  expect([...mapLabels(indices, { numClasses: 3, reduceZeroLabel: true }, 'f').data]).toEqual([
    255, 0, 1, 2, 255, 0,
  ]);
  expect(() => mapLabels(indices, { numClasses: 2, reduceZeroLabel: true }, 'f.png')).toThrow(
    'f.png: expected 0 (none), labels 1 to 2 or 255, got 3 at pixel (0, 1)',
  );
});

test('a mapped label is a class, ignored, or an error, never another number', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      (values, numClasses, reduceZeroLabel) => {
        const indices = { width: values.length, height: 1, data: Uint16Array.from(values) };
        const shift = reduceZeroLabel ? 1 : 0;
        const expected = values.map((value) => {
          if (value === 255 || (reduceZeroLabel && value === 0)) return 255;
          return value - shift < numClasses ? value - shift : -1;
        });
        if (expected.includes(-1)) {
          expect(() => mapLabels(indices, { numClasses, reduceZeroLabel }, 'f')).toThrow(DataError);
        } else {
          expect([...mapLabels(indices, { numClasses, reduceZeroLabel }, 'f').data]).toEqual(
            expected,
          );
        }
      },
    ),
  );
});

test('a label file must have the size of its image', async () => {
  write('a.png', label(0, 1, 2, 255));
  const mapping = { numClasses: 3, reduceZeroLabel: false };
  const file = join(root, 'a.png');
  expect((await readLabelMap(file, mapping, { width: 2, height: 2 })).data).toHaveLength(4);
  await expect(readLabelMap(file, mapping, { width: 2, height: 3 })).rejects.toThrow(
    `${file}: expected 2x3 of its image, got 2x2`,
  );
  await expect(readLabelMap(join(root, 'none.png'), mapping)).rejects.toThrow(DataError);
});

test('a split is a partition by seed', () => {
  const samples = Array.from({ length: 10 }, (_, i) => ({ file: `${i}.png`, labelFile: `l${i}` }));
  const set = {
    source: 's',
    samples,
    classes: ['a'],
    mapping: { numClasses: 1, reduceZeroLabel: false },
  };
  const { train, val } = splitSamples(set, { valFraction: 0.3, seed: 0 }, 's');
  expect(val.samples).toHaveLength(3);
  expect([...train.samples, ...val.samples].map(({ file }) => file).sort()).toEqual(
    samples.map(({ file }) => file),
  );
  const again = splitSamples(set, { valFraction: 0.3, seed: 0 }, 's');
  expect(again).toEqual({ train, val });
  expect(() => splitSamples(set, { valFraction: 0, seed: 0 }, 's')).toThrow(ConfigError);
  expect(() => splitSamples({ ...set, samples: [] }, { valFraction: 0.5, seed: 0 }, 's')).toThrow(
    'got 0',
  );
});

test('a check finds every problem of every pair and counts the pixels of what is valid', async () => {
  write('images/a.png', rgb());
  write('labels/a.png', label(0, 1, 1, 255));
  write('images/b.png', rgb(3, 2));
  write('labels/b.png', label(0, 7, 9, 9));
  write('images/c.png', 'text');
  write('labels/c.png', label(255, 255));
  write('images/d.png', rgb());
  write(
    'labels/d.png',
    buildPng({ width: 1, height: 1, bitDepth: 8, colorType: 2, rows: Uint8Array.of(0, 1, 2, 3) }),
  );
  const log = new ProblemLog();
  const statistics = await checkSegmentationSet(load(), log, { decode: true });
  expect(log.findings().map(({ code, count }) => [code, count])).toEqual([
    ['label-size', 1],
    ['label-range', 2],
    ['image-unreadable', 1],
    ['label-unreadable', 1],
    ['label-empty', 1],
    ['ignored-pixels', 1],
    ['class-unused', 1],
  ]);
  expect(log.findings()[1].examples.map(({ message }) => message)).toEqual([
    'expected labels 0 to 2 or 255 (ignored), got 7 in 1 pixels',
    'expected labels 0 to 2 or 255 (ignored), got 9 in 2 pixels',
  ]);
  expect(statistics).toEqual({
    images: 4,
    pixels: Float64Array.of(2, 2, 0),
    imagesWith: Float64Array.of(2, 1, 0),
    ignoredPixels: 3,
    fileNumbers: [
      [0, 2],
      [1, 2],
      [7, 1],
      [9, 2],
      [255, 3],
    ],
    sizes: Int32Array.of(2, 2, 3, 2, 0, 0, 2, 2),
  });
});
