import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { checkData } from '../../datasets/check.js';
import { trainingSamples } from '../../datasets/coco/samples.js';
import { loadCoco } from '../../datasets/coco/set.js';
import { readImageNet } from '../../datasets/imagenet.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { loadPair } from '../../datasets/segmentation-pair.js';
import { encodeLabelPng } from '../../io/png/write.js';
import { listImages } from '../../tools/images.js';
import { decodeSample } from '../../train/pipelines/detect.js';
import { readImages } from '../../train/pretrain/images.js';
import { dataFolder } from '../helpers/data-folder.js';

const data = dataFolder();
const [width, height] = [60, 40];
/** Red on the left, blue on the right. */
const HALVES = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const isRight = Math.floor(i / 3) % width >= width / 2;
  return [isRight ? 0 : 200, 0, isRight ? 200 : 0][i % 3];
});
const photo = (orientation: number): Promise<Buffer> =>
  sharp(HALVES, { raw: { width, height, channels: 3 } })
    .jpeg()
    .withMetadata({ orientation })
    .toBuffer();

function coco(fileName: string, size: readonly [number, number], file = 'a.json'): string {
  const box = { id: 1, image_id: 1, category_id: 1, bbox: [2, 3, 20, 20], area: 400, iscrowd: 0 };
  return data.write(file, {
    images: [{ id: 1, file_name: fileName, width: size[0], height: size[1] }],
    categories: [{ id: 1, name: 'nut' }],
    annotations: [box],
  });
}

async function findingsOf(path: string): Promise<Record<string, readonly string[]>> {
  const report = await checkData(await detectLayout(path), { images: 'headers', maxExamples: 9 });
  return Object.fromEntries(
    report.splits.flatMap(({ findings }) =>
      findings.map(({ code, examples }) => [code, examples.map(({ message }) => message)]),
    ),
  );
}

test('photos of a phone that are not read are counted and named', async () => {
  data.image('images/a.png', width, height);
  data.write('images/IMG_0002.HEIC', 'x');
  data.write('images/notes.db', 'x');
  data.write('labels/a.txt', '0 0.5 0.5 0.5 0.5\n');
  data.write('classes.txt', 'nut\n');
  const found = (await findingsOf(data.root))['image-format'];
  expect(found).toEqual([expect.stringMatching(/^IMG_0002\.HEIC \(HEIC, .*save it as JPEG/)]);
  const voc = '<annotation><filename>IMG_0002.HEIC</filename></annotation>';
  data.write('voc/Annotations/IMG_0002.xml', voc);
  data.write('voc/JPEGImages/IMG_0002.HEIC', 'x');
  expect((await findingsOf(data.at('voc')))['image-missing'][0]).toMatch(
    /^expected its image IMG_0002\.HEIC, got HEIC, .*save it as JPEG/,
  );
});

test.each([
  ['upside down', 3, [width, height], [0, 0, 200]],
  ['on its side', 6, [height, width], [0, 0, 200]],
  ['on its side, annotated as stored', 6, [width, height], [200, 0, 0]],
] as const)(
  'a photo %s is turned before its boxes are used',
  async (_, orientation, size, corner) => {
    data.write('images/a.jpg', await photo(orientation));
    const annotations = coco('a.jpg', size);
    const set = await loadCoco({ annotations, images: data.at('images') });
    const image = await decodeSample(trainingSamples(set).at(0));
    expect([image.width, image.height]).toEqual(size);
    // The pixel at the left of the second row from the bottom.
    const at = 3 * size[0] * (size[1] - 2);
    corner.forEach((value, c) => expect(Math.abs(image.data[at + c] - value)).toBeLessThan(40));
    const found = await findingsOf(annotations);
    expect(Object.keys(found)).toContain('orientation');
    expect('stored-frame' in found).toBe(orientation === 6 && size[0] === width);
  },
);

test('masks in the stored or the displayed frame fit a turned photo', async () => {
  const file = data.write('a.jpg', await photo(8));
  for (const [w, h] of [
    [width, height],
    [height, width],
  ]) {
    const labelFile = data.write(
      'a.png',
      encodeLabelPng({ width: w, height: h, data: new Uint8Array(w * h) }),
    );
    const pair = await loadPair({ file, labelFile }, { numClasses: 2, reduceZeroLabel: false });
    expect([pair.image.width, pair.image.height]).toEqual([w, h]);
  }
  const labelFile = data.write(
    'b.png',
    encodeLabelPng({ width: 3, height: 2, data: new Uint8Array(6) }),
  );
  await expect(
    loadPair({ file, labelFile }, { numClasses: 2, reduceZeroLabel: false }),
  ).rejects.toThrow('b.png: expected 40x60 of its image, got 3x2');
});

test.each([
  ['cam1\\p.jpg', 'cam1/p.jpg', 'separator'],
  ['Bu\u0308hne/p.jpg', 'B\u00fchne/p.jpg', 'Unicode form'],
  ['cam1/P.JPG', 'cam1/p.jpg', 'case'],
  ['cam1/p.jpeg', 'cam1/p.jpg', 'extension'],
  ['CAM1\\P', 'cam1/p.jpg', 'extension'],
  ['./cam1/p.jpg', undefined, ''],
])('%s is found', async (listed, found, rule) => {
  data.image(`images/${found ?? 'cam1/p.jpg'}`, width, height);
  const annotations = coco(listed, [width, height]);
  const source = { annotations, images: data.at('images') };
  const set = await loadCoco(source);
  expect(set.images.fileNames).toEqual([found ?? listed]);
  expect((await decodeSample(trainingSamples(set).at(0))).width).toBe(width);
  const notes = set.findings.filter(({ code }) => code === 'image-renamed');
  expect(notes.flatMap(({ examples }) => examples.map(({ message }) => message))).toEqual(
    found === undefined
      ? []
      : [`images[0] (id 1): ${JSON.stringify(listed)} is "${found}": another ${rule}`],
  );
});

test('a name that fits two files fits none', async () => {
  data.image('images/p.png', width, height);
  data.write('images/p.jpg', await photo(1));
  const source = { annotations: coco('p.tif', [width, height]), images: data.at('images') };
  await expect(loadCoco(source)).rejects.toThrow(/expected the file .+p\.tif, got none/);
});

test('16 bits are a warning', async () => {
  const values = Uint16Array.from({ length: width * height }, (_, i) => i % 4096);
  const grey = sharp(values, { raw: { width, height, channels: 1 } }).toColourspace('grey16');
  data.write('a.png', await grey.png().toBuffer());
  const found = await findingsOf(coco('a.png', [width, height]));
  expect(found).toHaveProperty('deep-pixels', ['images[0] (id 1): "a.png"']);
});

test('folders are listed with those below them, links once, and what is skipped is told', async () => {
  for (const name of ['b.jpg', 'sub/c.tif', 'sub/d.WEBP', 'a.BMP', 'e.gif'])
    data.write(`in/${name}`, 'x');
  for (const name of [
    'in/._b.jpg',
    'in/.hidden/x.jpg',
    'in/notes.txt',
    'in/g.heic',
    'in/h.CR2',
    'in/sub/i.pdf',
  ])
    data.write(name, 'x');
  symlinkSync(data.at('in'), data.at('in/sub/back'));
  symlinkSync(data.at('in/b.jpg'), data.at('in/again.jpg'));
  symlinkSync(data.at('in/none'), data.at('in/broken.jpg'));
  const { files, notices } = listImages([data.at('in')]);
  const named = ['a.BMP', 'b.jpg', 'e.gif', 'sub/c.tif', 'sub/d.WEBP'];
  expect(files).toEqual(named.map((name) => data.at(`in/${name}`)));
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatch(
    /skipped 5 files that are no image in a format that is read: broken\.jpg, g\.heic \(HEIC, .+heif-convert.+\), h\.CR2 \(a camera’s raw file; .+\), notes\.txt, i\.pdf \(a document; .+\)/,
  );
  expect(readImages(data.at('in')).samples.map(({ file }) => file)).toEqual(files);
  expect(readImages(data.at('in')).skipped).toContain('skipped 5 files');
  mkdirSync(data.at('empty'));
  data.write('empty/a.heic', 'x');
  expect(() => listImages([data.at('empty')])).toThrow(
    /expected images, got none; skipped 1 file that is no image.+a\.heic/,
  );
});

test('class folders take every format, and name what they skip', async () => {
  for (const name of ['red/a.webp', 'red/b.jfif', 'blue/c.bmp', 'blue/d.tiff'])
    data.write(`set/${name}`, 'x');
  for (const name of ['blue/e.heic', 'blue/._c.bmp']) data.write(`set/${name}`, 'x');
  const set = readImageNet(data.at('set'), { split: 'train' });
  expect(set.samples).toHaveLength(4);
  expect(set.ignoredFiles).toEqual([join(data.at('set'), 'blue/e.heic')]);
  data.write('raw/red/a.nef', 'x');
  data.write('raw/blue/b.jpg', 'x');
  expect(() => readImageNet(data.at('raw'), { split: 'train' })).toThrow(
    /red: expected images of a class, got none; skipped 1 file that is no image .+a\.nef \(a camera’s raw file/,
  );
});
