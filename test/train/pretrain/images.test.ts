import { describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { readImages } from '../../../train/pretrain/images.js';
import { dataFolder } from '../../helpers/data-folder.js';

const folder = dataFolder();

describe('readImages', () => {
  test('takes images of all folders below in the order of their paths, not hidden or other files', () => {
    for (const path of ['z.JPG', 'b/a.png', 'b/notes.txt', 'b/.hidden/x.jpg', '.c.jpeg'])
      folder.write(path);
    expect(readImages(folder.root).samples).toEqual([
      { file: folder.at('b/a.png'), classIndex: -1 },
      { file: folder.at('z.JPG'), classIndex: -1 },
    ]);
  });

  test('a folder without images or no folder at all is an error', () => {
    expect(() => readImages(folder.root)).toThrow(DataError);
    expect(() => readImages(folder.at('none'))).toThrow(/expected a folder of images, got none/);
  });
});
