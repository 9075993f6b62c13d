import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runInProcess } from '../helpers/in-process.js';
import { dataFolder } from '../helpers/data-folder.js';

const TEXT = readFileSync('docs/your-data.md', 'utf8');
/** Cells of the table of layouts: files, command, line. */
const ROWS = TEXT.split('## VOC, YOLO and CVAT in detail')[1]
  .split('\n## ')[0]
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (your files|-)/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| |\s*\|$/g, '').trim()))
  .map(([files, command, says]) => ({
    files,
    command: command.slice(1, -1),
    says: says.slice(1, -1),
  }));

const folder = dataFolder();
const { write, image } = folder;

const VOC =
  '<annotation><object><name>raccoon</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>50</xmax><ymax>40</ymax></bndbox></object></annotation>';
const YOLO = '0 0.5 0.5 0.5 0.5\n';
const POLYGON = '0 0.1 0.1 0.9 0.1 0.5 0.9\n';
const NAMES = ['a', 'b', 'c'] as const;
const PARTS = { train: ['a', 'b'], val: ['c'] } as const;

/** Writes the images of a layout, each with its label file. */
function labeled(
  pathOf: (name: string, split: 'train' | 'val') => readonly [image: string, label: string],
  text: string,
): void {
  for (const split of ['train', 'val'] as const)
    for (const name of PARTS[split]) {
      const [picture, label] = pathOf(name, split);
      image(picture);
      write(label, text);
    }
}

function cvat(subset: (split: string) => string): void {
  const box = '<box label="raccoon" xtl="4" ytl="4" xbr="50" ybr="40"/>';
  const images = Object.entries(PARTS).flatMap(([split, names]) =>
    names.map(
      (name) =>
        `<image id="0" name="${name}.png" ${subset(split)} width="64" height="48">${box}</image>`,
    ),
  );
  for (const name of NAMES) image(`images/${name}.png`);
  write('annotations.xml', `<annotations><version>1.1</version>${images.join('')}</annotations>`);
}

function vocSplit(prefix: string): void {
  labeled((name) => [`${prefix}JPEGImages/${name}.png`, `${prefix}Annotations/${name}.xml`], VOC);
  for (const [split, names] of Object.entries(PARTS))
    write(`${prefix}ImageSets/Main/${split}.txt`, names.map((name) => `${name}\n`).join(''));
}

function yoloSplit(): void {
  labeled((name, split) => [`images/${split}/${name}.png`, `labels/${split}/${name}.txt`], YOLO);
  write('data.yaml', 'train: images/train\nval: images/val\nnames: {0: raccoon}\n');
}

/** Writers of the files of a row, by the beginning of its first cell. */
const MAKE: readonly (readonly [start: string, make: () => void])[] = [
  ['`Annotations/*.xml`, `JPEGImages/`', () => vocSplit('')],
  ['`VOCdevkit/VOC2012/', () => vocSplit('VOCdevkit/VOC2012/')],
  [
    '`annotations/*.xml` and `images/`',
    () => labeled((name) => [`images/${name}.png`, `annotations/${name}.xml`], VOC),
  ],
  [
    '`train/` and `valid/` with XML',
    () =>
      labeled(
        (name, split) =>
          [split === 'val' ? 'valid' : split].flatMap((part) => [
            `${part}/${name}.png`,
            `${part}/${name}.xml`,
          ]) as [string, string],
        VOC,
      ),
  ],
  ['`data.yaml`, `images/{train,val}/`', yoloSplit],
  ['the same, named by its `data.yaml`', yoloSplit],
  [
    '`data.yaml` with text files',
    () => {
      yoloSplit();
      for (const [split, names] of Object.entries(PARTS))
        write(`${split}.txt`, names.map((name) => `./images/${split}/${name}.png\n`).join(''));
      write('data.yaml', 'train: train.txt\nval: val.txt\nnames: [raccoon]\n');
    },
  ],
  [
    '`data.yaml`, `train/{images,labels}`',
    () => {
      labeled(
        (name, split) =>
          [split === 'val' ? 'valid' : split].flatMap((part) => [
            `${part}/images/${name}.png`,
            `${part}/labels/${name}.txt`,
          ]) as [string, string],
        POLYGON,
      );
      write('data.yaml', 'train: ../train/images\nval: ../valid/images\nnc: 1\nnames: [raccoon]\n');
    },
  ],
  [
    '`images/`, `labels/*.txt`, `classes.txt`',
    () => {
      labeled((name) => [`images/${name}.png`, `labels/${name}.txt`], YOLO);
      write('classes.txt', 'raccoon\n');
    },
  ],
  ['`*.txt` beside the images', () => labeled((name) => [`${name}.png`, `${name}.txt`], YOLO)],
  [
    '`obj.names`, `obj_train_data/`, `obj_valid_data/`',
    () => {
      const folderOf = { train: 'obj_train_data', val: 'obj_valid_data' };
      labeled(
        (name, split) => [`${folderOf[split]}/${name}.png`, `${folderOf[split]}/${name}.txt`],
        YOLO,
      );
      write('obj.names', 'raccoon\n');
    },
  ],
  [
    '`obj.data`',
    () => {
      labeled((name) => [`obj/${name}.png`, `obj/${name}.txt`], YOLO);
      for (const [file, names] of Object.entries({ train: PARTS.train, valid: PARTS.val }))
        write(`${file}.txt`, names.map((name) => `data/obj/${name}.png\n`).join(''));
      write('obj.names', 'raccoon\n');
      write('obj.data', 'train = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n');
    },
  ],
  [
    '`data.yaml`, `train.txt`',
    () => {
      yoloSplit();
      for (const [split, names] of Object.entries(PARTS))
        write(`${split}.txt`, names.map((name) => `data/images/${split}/${name}.png\n`).join(''));
      write('data.yaml', 'path: .\ntrain: train.txt\nval: val.txt\nnames: {0: raccoon}\n');
    },
  ],
  [
    '`default/` with XML',
    () => {
      const points = ['5 5', '50 5', '50 40'].map(
        (p) => `<pt><x>${p.replace(' ', '</x><y>')}</y></pt>`,
      );
      const object = `<object><name>raccoon</name><polygon>${points.join('')}</polygon></object>`;
      labeled(
        (name) => [`default/${name}.png`, `default/${name}.xml`],
        `<annotation>${object}</annotation>`,
      );
    },
  ],
  [
    '`obj.names`',
    () => {
      labeled((name) => [`obj_train_data/${name}.png`, `obj_train_data/${name}.txt`], YOLO);
      write('obj.names', 'raccoon\n');
    },
  ],
  ['`annotations.xml` and `images/`', () => cvat(() => '')],
  [
    'the same with the subsets',
    () => cvat((split) => `subset="${split === 'val' ? 'Validation' : 'Train'}"`),
  ],
];

describe('every row of the table does what it says', () => {
  test('every row has files that are made here', () => {
    const isMade = ({ files }: (typeof ROWS)[number]): boolean =>
      MAKE.some(([start]) => files.startsWith(start));
    expect(ROWS.filter((row) => !isMade(row))).toEqual([]);
    expect(ROWS).toHaveLength(MAKE.length);
  });

  test.each(ROWS)('$files', async ({ files, command, says }) => {
    MAKE.find(([start]) => files.startsWith(start))?.[1]();
    const words = command.split(' ').map((word) => word.replace('DIR', folder.root));
    const { code, stdout, stderr } = await runInProcess(words);
    expect([code, stdout]).toEqual([0, expect.stringContaining('training accepts this set')]);
    expect(stderr.split('\n')[0]).toBe(says);
  });
});

test('every format of the text is one that the commands know', async () => {
  image('a.png');
  for (const [, formats] of TEXT.matchAll(/--to yolo --out OUT\s+# (.*)/g))
    for (const format of formats.split(', ')) {
      const { stderr } = await runInProcess([
        'data',
        'convert',
        folder.root,
        '--out',
        folder.at('out'),
        '--to',
        format,
      ]);
      expect(stderr).not.toContain('--to: expected one of');
    }
});
