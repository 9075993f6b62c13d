import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { readClassList } from '../../datasets/class-list.js';
import { readImageNet } from '../../datasets/imagenet.js';
import { needsRealData, REAL_DATA } from '../helpers/leave-out.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'imagenet-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

/** Creates files; those without content are empty (the adapter opens no image). */
function files(...entries: (string | readonly [string, unknown])[]): void {
  for (const entry of entries) {
    const [name, content] = typeof entry === 'string' ? [entry, ''] : entry;
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(
      join(root, name),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  }
}

const read = (split: 'train' | 'val' = 'val') => readImageNet(root, { split });
/** `file → class index`. */
const labels = (set: ReturnType<typeof read>): Record<string, number> =>
  Object.fromEntries(set.samples.map((s) => [relative(root, s.file), s.classIndex]));
const keys = (set: ReturnType<typeof read>): string[] => set.classes.map((c) => c.key);

function failure(split: 'train' | 'val' = 'val'): string {
  try {
    read(split);
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as DataError).message.replaceAll(root, 'ROOT');
  }
  throw new Error('expected a DataError');
}

describe('class folders', () => {
  test('are sorted by name; the training folders decide about the indices of validation', () => {
    files('train/n02/b.JPEG', 'train/n02/a.jpg', 'train/n01/c.png', 'train/n10/d.jpeg');
    files('val/n10/x.JPEG', 'val/n02/y.JPEG');
    expect(labels(read('train'))).toEqual({
      'train/n01/c.png': 0,
      'train/n02/a.jpg': 1,
      'train/n02/b.JPEG': 1,
      'train/n10/d.jpeg': 2,
    });
    expect(labels(read('val'))).toEqual({ 'val/n02/y.JPEG': 1, 'val/n10/x.JPEG': 2 });
    expect(keys(read('val'))).toEqual(['n01', 'n02', 'n10']);
    expect(read('val')).toMatchObject({ split: 'val', layout: '2 class folders' });
  });

  test('without splits are one set', () => {
    files('cats/1.png', 'dogs/1.png', 'dogs/deeper/2.png');
    expect(read().split).toBe('all');
    expect(labels(read())).toEqual({ 'cats/1.png': 0, 'dogs/1.png': 1, 'dogs/deeper/2.png': 1 });
  });

  test('take order and names from a list of classes', () => {
    files('val/n00000002/x.jpg', ['classes.txt', 'n00000003 three\nn00000002 two, deux\n']);
    const set = read();
    expect(labels(set)).toEqual({ 'val/n00000002/x.jpg': 1 });
    expect(set.classes).toEqual([
      { key: 'n00000003', name: 'three' },
      { key: 'n00000002', name: 'two, deux' },
    ]);
  });

  test('prefer the caller’s classes to those of the set', () => {
    files('val/dog/x.jpg', 'train/dog/y.jpg');
    const classes = ['cat', 'dog'].map((name, i) => ({ key: `n0${i}`, name }));
    expect(readImageNet(root, { split: 'val', classes }).samples[0].classIndex).toBe(1);
  });

  test('report skipped files, except hidden ones', () => {
    files('val/a/x.jpg', 'val/a/notes.txt', 'val/a/.DS_Store', 'val/a/y.heic');
    const ignored = read().ignoredFiles.map((f) => relative(root, f));
    expect(ignored).toEqual(['val/a/notes.txt', 'val/a/y.heic']);
  });

  test('must not be empty or unknown', () => {
    files('train/a/x.jpg', 'val/b/x.jpg');
    expect(failure()).toBe('ROOT/val/b: expected one of 1 classes, got "b"');
    mkdirSync(join(root, 'train/b'));
    expect(failure('train')).toBe('ROOT/train/b: expected images of a class, got an empty folder');
    rmSync(join(root, 'val'), { recursive: true });
    expect(failure('val')).toBe('ROOT: expected val/ or validation/ or valid/, got neither');
  });
});

describe('a flat val/', () => {
  test.each<[string, string]>([
    ['val.txt', 'v1.JPEG n02\nv2.JPEG n01\n'],
    ['val/val_annotations.txt', 'v1.JPEG\tn02\t0\t1\t2\t3\nv2.JPEG\tn01\t4\t5\t6\t7\n'],
    [
      'LOC_val_solution.csv',
      'ImageId,PredictionString\nv1,n02 1 2 3 4\nv2,n01 5 6 7 8 n01 1 2 3 4',
    ],
    ['val/labels.json', '{"v1.JPEG": "n02", "v2": "n01"}'],
    ['val_labels.txt', 'v1.JPEG 1\r\nv2.JPEG 0\r\n'],
  ])('is labeled by %s', (name, content) => {
    files('train/n01/a.JPEG', 'train/n02/a.JPEG', 'val/v1.JPEG', 'val/v2.JPEG', [name, content]);
    expect(labels(read())).toEqual({ 'val/v1.JPEG': 1, 'val/v2.JPEG': 0 });
  });

  test.each<[string, string]>([
    ['labels.csv', 'filename,label\nmy cat.jpg,big dog\nb.jpg,type 2\n'],
    ['labels.csv', 'filename;label\n"my cat.jpg";"big dog"\nb.jpg;type 2\n'],
    ['val.txt', 'my cat.jpg\tbig dog\t0.9\nb.jpg\ttype 2\t0.5\n'],
    ['val.txt', 'my cat.jpg big dog\nb.jpg type 2\n'],
    ['val.txt', 'my cat.jpg, big dog\nb.jpg, type 2\n'],
  ])('has names of several words: %s %j', (name, content) => {
    files('train/big dog/x.jpg', 'train/type 2/x.jpg', 'val/my cat.jpg', 'val/b.jpg', [
      name,
      content,
    ]);
    expect(labels(read())).toEqual({ 'val/my cat.jpg': 0, 'val/b.jpg': 1 });
  });

  test('a class in another case is refused with its name', () => {
    files('train/Cat/a.jpg', 'train/Dog/a.jpg', 'val/cat/a.jpg', 'val/dog/a.jpg');
    expect(failure()).toBe('ROOT/val/cat: expected one of 2 classes, got "cat"; nearest: Cat');
  });

  test('may keep its images one folder deeper', () => {
    files('val/images/v1.JPEG', ['val/val_annotations.txt', 'v1.JPEG n02'], 'train/n02/a.JPEG');
    expect(labels(read())).toEqual({ 'val/images/v1.JPEG': 0 });
  });

  test('needs a label file, and only one', () => {
    files('val/v1.JPEG');
    expect(failure()).toMatch(
      /^ROOT\/val: expected a folder per class or a label file \(.*val\.txt/,
    );
    files(['val/val.txt', 'v1.JPEG a'], ['val/labels.csv', 'v1.JPEG,a']);
    expect(failure()).toMatch(/one file of labels, got val.txt and labels.csv/);
  });

  test('is accepted for training with labels, but not with those of another part', () => {
    files('train/a.jpg', 'val/b.jpg', ['val.txt', 'b.jpg x']);
    expect(failure('train')).toBe(
      'ROOT/train: expected a folder per class for training, got images',
    );
    files('train/b.jpg', ['train/labels.csv', 'a.jpg,x\nb.jpg,w']);
    expect(labels(readImageNet(root, { split: 'train' }))).toEqual({
      'train/a.jpg': 1,
      'train/b.jpg': 0,
    });
    expect(labels(read())).toEqual({ 'val/b.jpg': 1 });
  });

  test('must match its labels', () => {
    files('val/v1.jpg', 'val/v2.jpg', ['val.txt', 'v1.jpg a\n']);
    expect(failure()).toMatch(/label for every image, got none for v2.jpg \(1 in all\)/);
    files(['val.txt', 'v1.jpg a\nv2.jpg b\nv3.jpg a\n']);
    expect(failure()).toMatch(/every image once, got v3.jpg: none or twice/);
    files(['val.txt', 'v1.jpg a\nv2.jpg b\nv1.jpg b\n']);
    expect(failure()).toMatch(/got v1.jpg: none or twice/);
    files(['val.txt', 'v1.jpg 0\nv2.jpg 1\n']);
    expect(failure()).toMatch(/numbers and a list of classes \(classes.json\), got numbers alone/);
    files(['val.txt', '490\n361\n']);
    expect(failure()).toMatch(/val.txt:1: .*another class order/);
    files(['val.txt', 'v1.jpg c\nv2.jpg a\n'], ['classes.txt', 'a\nb']);
    expect(failure()).toMatch(/val.txt#v1.jpg: expected one of 2 classes, got "c"/);
  });
});

describe('images with labels.json', () => {
  const list = [
    { file: 'images/x.JPEG', index: 1, wnid: 'n02' },
    { file: "images/potter's.JPEG", index: 0, wnid: 'n01' },
  ];
  const images = ['images/x.JPEG', "images/potter's.JPEG"];

  test('keep the order of the list and the indices of classes.json', () => {
    const classes = [
      { index: 1, wnid: 'n02', name: 'crane' },
      { index: 0, wnid: 'n01', name: 'crane' },
    ];
    files(...images, ['labels.json', list], ['classes.json', classes]);
    const set = read('train');
    expect(set.samples.map((s) => s.classIndex)).toEqual([1, 0]);
    expect(set.classes.map((c) => c.key)).toEqual(['n01', 'n02']);
    expect(set).toMatchObject({ split: 'all', layout: 'images labeled by labels.json' });
    expect(set.ignoredFiles).toEqual([]);
  });

  test('know Keras’ list of classes', () => {
    const classes = { 1: ['n02', 'b'], 0: ['n01', 'a'] };
    files(...images, ['labels.json', list], ['imagenet_class_index.json', classes]);
    expect(read().classes[1]).toEqual({ key: 'n02', name: 'b' });
  });

  test('may not use a name that two classes share', () => {
    files([
      'classes.json',
      [
        { wnid: 'n1', name: 'crane' },
        { wnid: 'n2', name: 'crane' },
      ],
    ]);
    files('a/x.jpg', ['labels.json', { 'a/x.jpg': 'crane' }]);
    expect(failure()).toMatch(/labels.json#a\/x.jpg: .*unique class, got "crane"/);
  });

  test.each<[unknown, RegExp]>([
    ['{', /classes.json: expected a list of classes as JSON/],
    [[], /at least one class/],
    [['a', 'a'], /every class once, got "a" twice/],
    [
      [
        { index: 0, name: 'a' },
        { index: 2, name: 'b' },
      ],
      /#b: expected the indices 0 to 1.* got 2/,
    ],
    [[{ index: 0 }], /#0: expected a name or a wnid, got {"index":0}/],
    ['7', /list of classes, got number/],
  ])('reject a classes.json like %j', (content, message) => {
    files(...images, ['labels.json', list], ['classes.json', content]);
    expect(failure()).toMatch(message);
  });

  test('reject entries without a file or class', () => {
    files(...images, ['labels.json', [{ file: 'images/x.JPEG' }]]);
    expect(failure()).toMatch(/labels.json#0: expected a file and its class, got \["images\/x/);
  });
});

test('a list of classes that is missing is an error', () => {
  expect(() => readClassList(join(root, 'none.txt'))).toThrow(/none.txt: .* got ENOENT/);
});

test('an empty folder, a missing one and two folders for one split are errors', () => {
  expect(failure()).toMatch(/^ROOT: expected a folder per class, or images with a label file/);
  expect(() => readImageNet(join(root, 'none'), { split: 'val' })).toThrow(/expected a folder/);
  files('val/a/x.jpg', 'valid/a/x.jpg');
  expect(failure()).toBe('ROOT: expected one folder for val, got ROOT/val and ROOT/valid');
});

describe('real set', () => {
  needsRealData('imagenet-mini');
  test('the small real set has 120 images of 1000 classes', () => {
    const set = readImageNet(join(REAL_DATA, 'imagenet-mini'), { split: 'val' });
    expect([set.samples.length, set.classes.length]).toEqual([120, 1000]);
    for (const { file, classIndex } of set.samples)
      expect(file).toContain(set.classes[classIndex].key);
  });
});
