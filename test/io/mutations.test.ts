import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import type { Random } from '../../core/random.js';
import type { AnnotationSource } from '../../datasets/annotations/source.js';
import { rleFromCounts } from '../../core/rle.js';
import { rleToString } from '../../core/rle-string.js';
import { crc32 } from '../../io/crc32.js';
import { decodeText } from '../../io/files/text.js';
import { readVocFile } from '../../io/voc/read.js';
import { readYaml } from '../../io/yaml/read.js';
import { checkYoloYaml, isYoloYaml } from '../../io/yolo/data-yaml.js';
import { readYoloLabels } from '../../io/yolo/labels.js';
import { TEXTS } from '../fuzz/corpus.js';
import { dataFolder } from '../helpers/data-folder.js';
import { load, loadDetected } from './load-annotated.js';
import { MUTATIONS, mutatedText, survive } from '../helpers/mutated-files.js';

const folder = dataFolder();

const VOC = `<?xml version="1.0"?>
<annotation verified="yes"><folder>x</folder><filename>a.png</filename><size><width>64</width><height>48</height><depth>3</depth></size>
<object><name>cat</name><difficult>0</difficult><bndbox><xmin>8.5</xmin><ymin>9</ymin><xmax>52</xmax><ymax>40</ymax></bndbox><part><name>head</name><bndbox><xmin>1</xmin></bndbox></part></object>
<object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>4</ymax></bndbox><polygon><x1>1</x1><y1>1</y1><x2>5</x2><y2>1</y2><x3>5</x3><y3>4</y3></polygon></object></annotation>`;
const YOLO = '0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9\n\n1 0.25 0.75 0.125 0.0625\n';
const YAML =
  'path: .\ntrain: images\nval: [images, images]\nnc: 2\nnames:\n  0: cat\n  1: "dog"\ntest: x\n';
const CVAT = `<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels><label><name>cat</name></label><label><name>dog</name></label></labels></task></meta>
<image id="0" name="a.png" subset="train" width="64" height="48"><box label="cat" xtl="1.5" ytl="2" xbr="40" ybr="30" rotation="10"/>
<polygon label="dog" points="1,1;20,1;20,20" group_id="1"/><mask label="cat" rle="1, 2, 1, 2" left="2" top="1" width="3" height="2"/><polyline label="cat" points="1,1;2,2"/></image></annotations>`;
const LABELME = TEXTS.labelme.replace('a.jpg', 'a.png');
const [VIA, VIA_PROJECT] = TEXTS.via.map((text) => text.replaceAll(/[ab]\.jpg/g, 'a.png'));
const [CSV, PLAIN_CSV] = TEXTS.csv.map((text) => text.replaceAll(/a\.jpg|b, c\.jpg/g, 'a.png'));
const COCO = JSON.stringify({
  images: ['a.png', 'b/c.png'].map((name, i) => ({
    id: i + 1,
    file_name: name,
    width: 64,
    height: 48,
  })),
  categories: [{ id: 1, name: 'cat', supercategory: 'animal', keypoints: ['nose'] }],
  annotations: [
    [[1.5, 2.25, 11, 2, 11, 22, 1, 22]],
    { size: [48, 64], counts: [100, 200, 2772] },
    { size: [48, 64], counts: rleToString(rleFromCounts([100, 200, 2772], 48, 64)) },
    undefined,
  ].map((segmentation, i) => ({
    id: i + 1,
    image_id: 1 + (i % 2),
    category_id: 1,
    bbox: [1, 2, 10, 20],
    area: 200,
    iscrowd: i === 1 ? 1 : 0,
    segmentation,
    keypoints: i === 3 ? [1, 2, 2] : undefined,
  })),
});
const COCO_YAML =
  '{"train": {"annotations": "all.json", "images": "images", "limit": 1}, "val": {"annotations": "all.json", "images": "images"}, "classes": ["cat"], "range": [0, 255]}';

describe('mutated files are read, or refused by a clear error', () => {
  test('Pascal VOC', async () => {
    const mutate = (random: Random): Uint8Array => mutatedText(VOC, random);
    const outcome = survive(1, MUTATIONS, mutate, (bytes) => readVocFile(bytes, 'a.xml'));
    await expect(outcome).resolves.toBeUndefined();
  });

  test('YOLO labels', async () => {
    const mutate = (random: Random): Uint8Array => mutatedText(YOLO, random);
    const outcome = survive(2, MUTATIONS, mutate, (bytes) => {
      const lines = readYoloLabels(decodeText(bytes, 'a.txt', 'a label file'));
      const bad = lines.find((line) => 'problem' in line);
      if (bad && 'problem' in bad) throw new DataError(bad.problem);
    });
    await expect(outcome).resolves.toBeUndefined();
  });

  test('YOLO data.yaml', async () => {
    const mutate = (random: Random): Uint8Array => mutatedText(YAML, random);
    const outcome = survive(3, MUTATIONS / 4, mutate, (bytes) => {
      const content = readYaml(folder.write('data.yaml', bytes));
      if (!isYoloYaml(content)) throw new DataError('expected YOLO, got another');
      return checkYoloYaml(content, 'data.yaml');
    });
    await expect(outcome).resolves.toBeUndefined();
  });

  /** Files that are mutated, valid files beside them, and how both are read. */
  interface Mutated {
    readonly file: string;
    readonly texts: readonly string[];
    readonly beside?: Readonly<Record<string, string>>;
    /** Default: the file itself. */
    readonly annotations?: string;
    readonly source?: Partial<AnnotationSource>;
    /** Path by which the layout is recognized; default: the folder. */
    readonly path?: string;
  }
  const formats: Readonly<Record<string, Mutated>> = {
    voc: { file: 'labels/a.xml', texts: [VOC], annotations: 'labels' },
    yolo: {
      file: 'labels/a.txt',
      texts: [YOLO],
      annotations: 'labels',
      source: { names: ['cat', 'dog'] },
      beside: { 'classes.txt': 'cat\ndog\n' },
    },
    cvat: { file: 'annotations.xml', texts: [CVAT] },
    labelme: {
      file: 'labels/a.json',
      texts: [LABELME],
      annotations: 'labels',
      beside: { 'labels/b.json': LABELME },
    },
    via: { file: 'via.json', texts: [VIA, VIA_PROJECT] },
    csv: { file: 'boxes.csv', texts: [CSV, PLAIN_CSV] },
    coco: { file: 'all.json', texts: [COCO] },
  };

  test.each(Object.entries(formats))('%s, up to the checked tables', async (format, mutated) => {
    const { file, texts, beside = {}, annotations = file } = mutated;
    for (const name of ['a', 'b', 'b/c']) folder.image(`images/${name}.png`);
    for (const [path, text] of Object.entries(beside)) folder.write(path, text);
    const images = folder.at('images');
    const source = {
      format,
      annotations: folder.at(annotations),
      images,
      ...mutated.source,
    } as AnnotationSource;
    const mutate = (random: Random): Uint8Array =>
      mutatedText(texts[random.integer(texts.length)], random);
    const outcome = survive(4, MUTATIONS / 8, mutate, async (bytes) => {
      folder.write(file, bytes);
      await load(source, folder.root);
    });
    await expect(outcome).resolves.toBeUndefined();
    // A folder is also recognized by its files, which are then read with less care for the errors of a whole file.
    const recognized = survive(5, MUTATIONS / 64, mutate, async (bytes) => {
      folder.write(file, bytes);
      await loadDetected(folder.root, folder.root);
    });
    await expect(recognized).resolves.toBeUndefined();
  });

  test.each([
    ['YOLO', YAML.replace('path: .\n', '')],
    ['YOLO, as JSON', '{"train": "images", "val": "images", "nc": 2, "names": ["cat", "dog"]}'],
    ['COCO', COCO_YAML],
  ])('data.yaml of %s, up to the checked tables', async (_, text) => {
    for (const name of ['a', 'b']) folder.image(`images/${name}.png`);
    folder.write('labels/a.txt', YOLO);
    folder.write('all.json', COCO.replaceAll('b/c.png', 'b.png'));
    const mutate = (random: Random): Uint8Array => mutatedText(text, random);
    const outcome = survive(6, MUTATIONS / 8, mutate, (bytes) =>
      loadDetected(folder.write('data.yaml', bytes), folder.root),
    );
    await expect(outcome).resolves.toBeUndefined();
  });

  test.each([
    ['objects', {}],
    ['class numbers', { classNumbers: [1, 2], names: ['cat', 'dog'] }],
  ] as const)('instance masks with %s', async (_, fields) => {
    folder.image('images/a.png', 12, 8);
    const source: AnnotationSource = {
      format: 'masks',
      annotations: folder.at('masks'),
      images: folder.at('images'),
      ...fields,
    };
    const outcome = survive(7, MUTATIONS / 8, mutatedPng, async (bytes) => {
      folder.write('masks/a_instanceIds.png', bytes);
      await load(source, folder.root);
    });
    await expect(outcome).resolves.toBeUndefined();
  });
});

/** A PNG with valid checksums, whose header, palette or pixels may be anything. */
function mutatedPng(random: Random): Uint8Array {
  const sometimes = <T>(usual: T, others: readonly T[]): T =>
    random.integer(6) === 0 ? others[random.integer(others.length)] : usual;
  const [width, height] = [
    sometimes(12, [0, 1, 13, 65536, 4294967295]),
    sometimes(8, [0, 1, 9, 4294967295]),
  ];
  const depth = [1, 2, 4, 8, 16, sometimes(8, [0, 3, 32, 255])][random.integer(6)];
  const color = sometimes(random.integer(2) === 0 ? 0 : 3, [1, 2, 4, 6, 7, 255]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, color, sometimes(0, [1]), sometimes(0, [5]), sometimes(0, [1, 9])], 8);
  const row = 1 + Math.ceil((12 * (depth === 16 ? 16 : Math.min(depth, 8))) / 8);
  const pixels = Buffer.from(
    Array.from({ length: row * 8 }, (_, i) =>
      i % row === 0 ? sometimes(0, [1, 2, 3, 4, 5]) : random.integer(256),
    ),
  );
  const data = deflateSync(pixels.subarray(0, sometimes(pixels.length, [0, 1, row, 3 * row])));
  const palette = Buffer.alloc(sometimes(768, [0, 1, 3, 48, 769]), 7);
  const chunks = [
    chunk('IHDR', header),
    ...(color === 3 || random.integer(4) === 0 ? [chunk('PLTE', palette)] : []),
    ...(random.integer(4) === 0 ? [chunk('tRNS', Buffer.alloc(random.integer(300)))] : []),
    chunk('IDAT', data.subarray(0, sometimes(data.length, [0, 2, data.length - 2]))),
    chunk('IEND', Buffer.alloc(0)),
  ];
  if (random.integer(8) === 0) chunks.splice(random.integer(chunks.length), 1);
  if (random.integer(8) === 0) chunks.push(chunks[random.integer(chunks.length)]);
  const bytes = Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...chunks]);
  if (random.integer(8) === 0) bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
  return random.integer(12) === 0 ? bytes.subarray(0, random.integer(bytes.length)) : bytes;
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}
