import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { checkData } from '../../datasets/check.js';
import { readImageNet } from '../../datasets/imagenet.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { loadDetectionSplit, loadSegmentationSplit } from '../../datasets/layout/load.js';
import type { LayoutOptions } from '../../datasets/layout/types.js';
import { labelsOf } from '../../datasets/png-label-map.js';
import { encodeLabelPng } from '../../io/png/write.js';
import { TEXTS } from './corpus.js';
import { withPngChecksums } from './frames.js';
import type { Fuzzed } from './fuzzed.js';

/** A folder, one file of which is damaged. */
interface FuzzedSet extends Pick<Fuzzed, 'name' | 'corpus' | 'sealed'> {
  /** The damaged file. */
  readonly file: string;
  readonly images: readonly string[];
  /** Other files by name. */
  readonly others?: Readonly<Record<string, string | Uint8Array>>;
  readonly kind?: LayoutOptions['kind'];
}

const bytes = (...texts: readonly string[]): readonly Uint8Array[] =>
  texts.map((text) => Buffer.from(text));
/** Two objects, or the labels 1 and 2. */
const MASK = encodeLabelPng({
  width: 30,
  height: 40,
  data: Uint8Array.from({ length: 1200 }, (_, i) => (i < 400 ? 1 : i < 800 ? 2 : 0)),
});
const BOXES = '0 0.5 0.5 0.1 0.1\n1 0.1 0.1 0.2 0.1 0.2 0.2\n';
const CLASSES = 'cat\ndog\nsun\n';
const LABELED = { 'labels/a.png': MASK };

const SETS: readonly FuzzedSet[] = [
  {
    name: 'COCO',
    // The mask of the last object has the size of the first image.
    corpus: bytes(TEXTS.coco.replace('"id":3,"image_id":2', '"id":3,"image_id":1')),
    file: 'annotations/instances_train.json',
    images: ['train/a.jpg', 'train/b/c.jpg'],
  },
  {
    name: 'VOC',
    corpus: bytes(TEXTS.voc),
    file: 'Annotations/a.xml',
    images: ['JPEGImages/a.jpg'],
  },
  {
    name: 'VOC, list',
    corpus: bytes('a\nb  1\n'),
    file: 'ImageSets/Main/train.txt',
    images: ['JPEGImages/a.jpg', 'JPEGImages/b.jpg'],
    others: { 'Annotations/a.xml': TEXTS.voc, 'Annotations/b.xml': TEXTS.voc },
  },
  {
    name: 'YOLO',
    corpus: bytes(BOXES),
    file: 'labels/a.txt',
    images: ['images/a.jpg'],
    others: { 'classes.txt': CLASSES },
  },
  {
    name: 'YOLO, classes',
    corpus: bytes(CLASSES),
    file: 'classes.txt',
    images: ['images/a.jpg'],
    others: { 'labels/a.txt': BOXES },
  },
  {
    name: 'YOLO, data.yaml',
    corpus: bytes(
      'path: .\ntrain: images\nval: [images]\nnc: 2\nnames: {0: cat, 1: dog}\nrange: [0, 4095]\n',
      'train: ../set/images\nval: list.txt\nnames:\n  - cat\n  - dog\n',
    ),
    file: 'data.yaml',
    images: ['images/a.jpg'],
    others: { 'labels/a.txt': BOXES, 'list.txt': './images/a.jpg\n' },
  },
  {
    name: 'YOLO, list',
    corpus: bytes('./images/a.jpg\nimages/b.jpg\n'),
    file: 'train.txt',
    images: ['images/a.jpg', 'images/b.jpg'],
    others: { 'labels/a.txt': BOXES, 'data.yaml': 'train: train.txt\nnames: [cat, dog]\n' },
  },
  {
    name: 'YOLO, darknet',
    corpus: bytes(
      'classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n',
    ),
    file: 'obj.data',
    images: ['obj/a.jpg', 'obj/b.jpg'],
    others: {
      'obj/a.txt': BOXES,
      'obj/b.txt': BOXES,
      'train.txt': 'data/obj/a.jpg\n',
      'valid.txt': 'data\\obj\\b.jpg\r\n',
      'obj.names': CLASSES,
    },
  },
  {
    name: 'YOLO, notes of Label Studio',
    corpus: bytes(
      '{"categories":[{"id":0,"name":"cat"},{"id":1,"name":"dog"}],"info":{"year":2026}}',
    ),
    file: 'notes.json',
    images: ['images/a.jpg'],
    others: { 'labels/a.txt': BOXES },
  },
  { name: 'LabelMe', corpus: bytes(TEXTS.labelme), file: 'a.json', images: ['a.jpg'] },
  { name: 'VIA', corpus: bytes(...TEXTS.via), file: 'via.json', images: ['a.jpg', 'b.jpg'] },
  {
    name: 'CVAT',
    corpus: bytes(TEXTS.cvat),
    file: 'annotations.xml',
    images: ['images/a.jpg'],
  },
  {
    name: 'CSV',
    corpus: bytes(...TEXTS.csv),
    file: 'boxes.csv',
    images: ['a.jpg', 'b.jpg', 'b, c.jpg'],
  },
  {
    name: 'CSV, classes',
    corpus: bytes('cat,0\n"dog",1\n'),
    file: 'classes.csv',
    images: ['a.jpg'],
    others: { 'boxes.csv': 'a.jpg,1,2,20,30,cat\n' },
  },
  {
    name: 'instance masks',
    corpus: [MASK],
    sealed: withPngChecksums,
    file: 'PedMasks/a.png',
    images: ['PNGImages/a.png'],
  },
  {
    name: 'label maps',
    corpus: [MASK],
    sealed: withPngChecksums,
    file: 'labels/a.png',
    images: ['images/a.jpg'],
    others: { 'classes.txt': CLASSES },
  },
  {
    name: 'label maps, settings',
    corpus: bytes(
      'values: {sky: 0, cat: 1, dog: 2}\nrange: [0, 255]\n',
      'train: {images: images, labels: labels}\nclasses: [sky, cat, dog]\nreduceZeroLabel: false\n',
    ),
    file: 'data.yaml',
    images: ['images/a.jpg'],
    others: LABELED,
    kind: 'segmentation',
  },
  {
    name: 'label maps, CVAT',
    corpus: bytes('# label:color_rgb:parts:actions\nsky:0,0,0::\ncat:1,1,1::\ndog:2,2,2::\n'),
    file: 'labelmap.txt',
    images: ['JPEGImages/a.jpg'],
    others: { 'SegmentationClass/a.png': MASK },
  },
  {
    name: 'image labels',
    corpus: bytes('a.jpg cat\nb.jpg dog\n', 'a.jpg\tcat\t1 2 3 4\nb.jpg\tdog\t1 2 3 4\n'),
    file: 'val/labels.txt',
    images: ['val/a.jpg', 'val/b.jpg', 'train/cat/c.jpg', 'train/dog/d.jpg'],
  },
];

/** Whole data sets, recognized, checked and loaded as the commands do it. */
export async function sets(root: string): Promise<readonly Fuzzed[]> {
  const image = sharp({ create: { width: 30, height: 40, channels: 3, background: '#789' } });
  const [jpeg, png] = await Promise.all([image.jpeg().toBuffer(), image.png().toBuffer()]);
  return SETS.map(({ name, corpus, sealed, file, images, others = {}, kind }) => {
    const folder = join('sets', name, 'set');
    const write = (path: string, content: string | Uint8Array): void => {
      mkdirSync(dirname(join(root, folder, path)), { recursive: true });
      writeFileSync(join(root, folder, path), content);
    };
    for (const path of images) write(path, path.endsWith('.png') ? png : jpeg);
    for (const [path, content] of Object.entries(others)) write(path, content);
    write(file, corpus[0]);
    const read = (): Promise<void> => readSet(join(root, folder), kind);
    return { name: `set of ${name}`, corpus, sealed, file: join(root, folder, file), read };
  });
}

async function readSet(folder: string, kind: LayoutOptions['kind']): Promise<void> {
  const data = await detectLayout(folder, { kind });
  await checkData(data, { images: 'headers', maxExamples: 3 });
  switch (data.kind) {
    case 'detection':
      await loadDetectionSplit(data, 'train');
      return;
    case 'segmentation': {
      const { samples, mapping } = await loadSegmentationSplit(data, 'train');
      for (const sample of samples) await labelsOf(sample, mapping);
      return;
    }
    case 'classification':
      readImageNet(folder, { split: 'val' });
      return;
    default:
      data satisfies never;
  }
}
