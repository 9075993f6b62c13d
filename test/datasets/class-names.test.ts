import { expect, test } from 'vitest';
import { readClassList } from '../../datasets/class-list.js';
import { readClassNames } from '../../datasets/class-names.js';
import { readLabelFile } from '../../datasets/imagenet-labels.js';
import { dataFolder } from '../helpers/data-folder.js';

const data = dataFolder();

test('lists that the editor of Windows saved as UTF-16 are read', () => {
  const text = (lines: string): Uint8Array => Buffer.from(`\ufeff${lines}`, 'utf16le');
  const file = data.write('classes.txt', text('Kühe\r\nقطة\r\n'));
  expect(readClassNames(file)).toEqual(['Kühe', 'قطة']);
  expect(readClassList(file).map(({ name }) => name)).toEqual(['Kühe', 'قطة']);
  const labels = data.write('labels.csv', text('file,label\r\na.jpg,Kühe\r\n'));
  expect(readLabelFile(labels)).toEqual([{ file: 'a.jpg', label: 'Kühe' }]);
});

test('text in another encoding and a pointer of Git LFS are refused, not taken for names', () => {
  const file = data.write('classes.txt', Buffer.from('K\u00fche\n', 'latin1'));
  const lfs = data.write('labels.txt', 'version https://git-lfs.github.com/spec/v1\noid x\n');
  for (const read of [readClassNames, readClassList, readLabelFile]) {
    expect(() => read(file)).toThrow(`${file}: expected text in utf-8, got other bytes`);
    expect(() => read(lfs)).toThrow('got a Git LFS pointer');
  }
});
