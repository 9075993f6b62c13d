import { describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { checkYoloYaml, isYoloYaml } from '../../../io/yolo/data-yaml.js';
import { readYoloLabels } from '../../../io/yolo/labels.js';

describe('label files', () => {
  test('lines are boxes or polygons; empty lines are skipped', () => {
    expect(
      readYoloLabels('0 0.5 0.5 0.25 1\r\n\n  2.0\t0 0 1 0 1 1 \n1 .5 5e-1 0.1 0.1 0.97\n'),
    ).toEqual([
      { line: 0, classIndex: 0, shape: { kind: 'box', box: [0.5, 0.5, 0.25, 1] } },
      { line: 2, classIndex: 2, shape: { kind: 'polygon', points: [0, 0, 1, 0, 1, 1] } },
      { line: 3, classIndex: 1, shape: { kind: 'box', box: [0.5, 0.5, 0.1, 0.1] } },
    ]);
    expect(readYoloLabels('')).toEqual([]);
    expect(readYoloLabels('\n \n')).toEqual([]);
  });

  const keypoints = Array.from({ length: 55 }, () => '0.5').join(' ');
  test.each([
    ['0 1e999 0 0 0', 'expected numbers, got "1e999"'],
    ['0 nan 0 0 0', 'expected numbers, got "nan"'],
    ['0 0x1 0 0 0', 'expected numbers, got "0x1"'],
    ['0 \0 0 0 0', 'expected numbers, got "\\u0000"'],
    ['cat 0.5 0.5 0.1 0.1', 'expected numbers, got "cat"'],
    ['-1 0.5 0.5 0.1 0.1', 'expected the number of a class, got "-1"'],
    ['0.5 0.5 0.5 0.1 0.1', 'expected the number of a class, got "0.5"'],
    ['0', 'expected a box (4 numbers after the class) or a polygon (6 or more, in pairs), got 0'],
    ['0 0.5 0.5', 'got 2'],
    [`0 ${keypoints}`, 'got 55 (keypoints?)'],
    [
      '0 320 240 10 10',
      'expected positions from 0 to 1, relative to the size of the image, got 320 (pixels?)',
    ],
    ['0 0.5 0.5 -0.1 0.1', 'expected a width and height from 0, got -0.1 and 0.1'],
  ])('%j is refused', (text, problem) => {
    const [found] = readYoloLabels(text);
    expect(found).toMatchObject({ line: 0, problem: expect.stringContaining(problem) as string });
  });
});

describe('data.yaml', () => {
  test('names are a list or a map, and parts are folders, text files or lists', () => {
    const names = ['cat', 'dog'];
    for (const given of [names, { 0: 'cat', 1: 'dog' }, { 1: 'dog', 0: ' cat ' }])
      expect(checkYoloYaml({ train: 'a', val: ['b', 'c'], names: given, nc: 2 }, 'x')).toEqual({
        path: undefined,
        parts: { train: ['a'], val: ['b', 'c'] },
        names,
      });
    expect(checkYoloYaml({ path: '/p', train: 'a', valid: 'b', test: null, nc: 2 }, 'x')).toEqual({
      path: '/p',
      parts: { train: ['a'], val: ['b'] },
      names: ['class_0', 'class_1'],
    });
    expect(checkYoloYaml({ train: 'a', names: { 0: 1, 1: true } }, 'x').names).toEqual([
      '1',
      'true',
    ]);
    expect(checkYoloYaml({ train: 'a' }, 'x').names).toBeUndefined();
  });

  test('it is told from the other data.yaml', () => {
    expect([{ train: 'a' }, { val: ['a'] }, { names: [] }, { nc: 1 }].every(isYoloYaml)).toBe(true);
    expect([{ train: { images: 'a' } }, null, [], 'x', {}].some(isYoloYaml)).toBe(false);
  });

  test.each([
    [{ train: 'a', nc: 3, names: ['a'] }, 'nc: expected 1, the number of names, got 3'],
    [{ train: 'a', nc: 'x' }, 'nc: expected the number of classes, got "x"'],
    [{ train: 'a', nc: 1e9 }, 'nc: expected the number of classes'],
    [{ names: ['a'] }, 'train: expected a folder of images, got none'],
    [{ train: [], names: ['a'] }, 'train: expected a folder of images, got none'],
    [
      { train: [1], names: ['a'] },
      'train: expected a folder, a text file or a list of them, got [1]',
    ],
    [{ train: 'a', names: [] }, 'names: expected at least one name'],
    [{ train: 'a', names: 'cat' }, 'names: expected a list or map of names, got "cat"'],
    [
      { train: 'a', names: { 1: 'a', 2: 'b' } },
      'names: expected numbers from 0 to 1, one for each name, got "2"',
    ],
    [{ train: 'a', names: { x: 'a' } }, 'names: expected numbers from 0 to 0'],
    [{ train: 'a', names: [['a']] }, 'names/0: expected a name, got ["a"]'],
    [{ train: 'a', names: ['a', ''] }, 'names/1: expected a name, got ""'],
    [{ train: 'a', path: 1, names: ['a'] }, 'path: expected a folder, got 1'],
    [null, 'expected keys such as train, val and names, got null'],
    ['text', 'expected keys such as train, val and names, got "text"'],
    [{ train: 'a', names: ['a'], kpt_shape: [17, 3] }, 'got keypoints (YOLO pose)'],
    [{ train: 'a', names: ['a'], task: 'obb' }, 'got oriented boxes (YOLO OBB)'],
  ])('%j is refused', (content, message) => {
    expect(() => checkYoloYaml(content, 'data.yaml')).toThrow(DataError);
    expect(() => checkYoloYaml(content, 'data.yaml')).toThrow(message);
  });
});
