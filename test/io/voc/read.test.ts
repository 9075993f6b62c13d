import { expect, test } from 'vitest';
import { readVocFile } from '../../../io/voc/read.js';

const read = (text: string): ReturnType<typeof readVocFile> =>
  readVocFile(new TextEncoder().encode(text), 'x.xml');
const object = (box: string, rest = ''): string =>
  `<object><name>cat</name>${rest}<bndbox>${box}</bndbox></object>`;
const BOX = '<xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax>4e0</ymax>';

test('the values of a file are read as they are', () => {
  const text = `<annotation verified="yes"><folder>x</folder><filename>a.jpg</filename>
    <size><width>650</width><height>417</height><depth>3</depth></size><segmented>0</segmented>
    ${object(BOX, '<pose>Left</pose><truncated>1</truncated><difficult>0</difficult>')}
    <object><bndbox>${BOX}</bndbox><part><name>head</name><bndbox>${BOX}</bndbox></part><name>dog</name><difficult>1</difficult></object>
  </annotation>`;
  expect(read(text)).toEqual({
    fileName: 'a.jpg',
    width: 650,
    height: 417,
    objects: [
      { name: 'cat', corners: [1, 2, 3.5, 4], difficult: false, truncated: true },
      { name: 'dog', corners: [1, 2, 3.5, 4], difficult: true, truncated: false },
    ],
  });
});

test('without size, file name and objects there is an empty file', () => {
  expect(read('<annotation/>')).toEqual({ fileName: '', width: 0, height: 0, objects: [] });
  expect(
    read('<annotation><size><width>-1</width><height>x</height></size></annotation>'),
  ).toMatchObject({ width: 0, height: 0 });
});

test.each([
  [object(BOX.replace('3.5', '1e999')), 'bndbox/xmax: expected a number, got "1e999"'],
  [object(BOX.replace('3.5', 'x')), 'bndbox/xmax: expected a number, got "x"'],
  [object(BOX.replace('3.5', ' ')), 'bndbox/xmax: expected a number, got ""'],
  [object(''), 'bndbox/xmin: expected a number, got none'],
  ['<object><name> </name></object>', 'name: expected the name of a class, got none'],
])('%s has a problem', (text, problem) => {
  expect(read(`<annotation>${text}</annotation>`).objects[0].problem).toBe(problem);
});

test('outlines of some exports are read', () => {
  const polygon = '<polygon><x1>1</x1><y1>2</y1><x2>3</x2><y2>4</y2><x3>5</x3><y3>6</y3></polygon>';
  const [found] = read(`<annotation>${object(BOX, polygon)}</annotation>`).objects;
  expect(found.polygon).toEqual([1, 2, 3, 4, 5, 6]);
});
