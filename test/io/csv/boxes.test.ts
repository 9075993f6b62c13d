import { expect, test } from 'vitest';
import { isCsvOfBoxes, readCsvBoxes } from '../../../io/csv/boxes.js';
import { parseCsv } from '../../../io/csv/parse.js';
import { readMutations } from '../../helpers/mutations.js';

const read = (text: string): ReturnType<typeof readCsvBoxes> =>
  readCsvBoxes(Buffer.from(text), 'a.csv');
const box = (
  line: number,
  image: string,
  corners: readonly number[] | undefined,
  className: string,
): object => ({ line, image, width: 0, height: 0, corners, className });

test('rows and quoted fields', () => {
  const rows = (text: string): readonly (readonly string[])[] =>
    parseCsv(text).rows.map(({ fields }) => fields);
  expect(rows('a,b\nc,d\n')).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
  expect(rows('a,"b, ""c"""\r\n\r\n"d\ne",\r')).toEqual([
    ['a', 'b, "c"'],
    ['d\ne', ''],
  ]);
  expect(rows('a;b;c,5')).toEqual([['a', 'b', 'c,5']]);
  expect(rows('a\tb')).toEqual([['a', 'b']]);
  expect(rows('"a"x,b')).toEqual([['ax', 'b']]);
  expect(rows('')).toEqual([]);
  expect(rows('a,')).toEqual([['a', '']]);
  expect(parseCsv('a\n"b\nc').problem?.line).toBe(2);
  expect(parseCsv('a\n\n"b\nc"\nd').rows.map(({ line }) => line)).toEqual([1, 3, 5]);
});

test('keras-retinanet: no header, images without objects', () => {
  const { boxes, problems } = read('img\\1.jpg,10,20,30.5,40,cow\nimg/2.jpg,,,,,\n');
  expect(boxes).toEqual([
    box(1, 'img/1.jpg', [10, 20, 30.5, 40], 'cow'),
    box(2, 'img/2.jpg', undefined, ''),
  ]);
  expect(problems).toEqual([]);
});

test('a header names the columns in any order, as TensorFlow’s does', () => {
  const text =
    '\uFEFFfilename,width,height,class,xmin,ymin,xmax,ymax\r\n"a, b.jpg",64,48,"big ""cow""",1,2,3,4\r\n';
  expect(read(text).boxes).toEqual([
    {
      line: 2,
      image: 'a, b.jpg',
      width: 64,
      height: 48,
      corners: [1, 2, 3, 4],
      className: 'big "cow"',
    },
  ]);
  expect(read('Image,X1,Y1,X2,Y2,Class,score\na.jpg,1,2,3,4,cow,0.5').boxes).toEqual([
    box(2, 'a.jpg', [1, 2, 3, 4], 'cow'),
  ]);
});

test('semicolons with decimal commas, tabs, and the line of a spreadsheet', () => {
  expect(read('sep=;\nimage;x1;y1;x2;y2;class\na.jpg;1,5;2;3;4;cow').boxes[0]).toMatchObject({
    line: 3,
    corners: [1.5, 2, 3, 4],
  });
  expect(isCsvOfBoxes('sep=;\r\na.jpg;1;2;3;4;cow\r\n')).toBe(true);
  expect(read('a.jpg\t1\t2\t3\t4\tcow').boxes[0]).toMatchObject({ corners: [1, 2, 3, 4] });
  expect(read('\uFEFFa.jpg,1,2,3,4,cow\r\n').boxes).toHaveLength(1);
  const utf16 = Buffer.from('\uFEFFa.jpg,1,2,3,4,Kühe', 'utf16le');
  expect(readCsvBoxes(utf16, 'a.csv').boxes[0].className).toBe('Kühe');
});

test('rows that do not fit are listed with their line', () => {
  const { boxes, problems } = read(
    'a.jpg,1,2,3,4,cow\nb.jpg,1,x,3,4,cow\nc.jpg,1,2,3,4,\n,1,2,3,4,cow\nd.jpg,1,2,3\ne.jpg,1e999,2,3,4,cow\nf.jpg,0x10,2,3,4,cow\n',
  );
  expect(boxes).toHaveLength(1);
  expect(problems).toEqual([
    { line: 2, message: 'y1: expected a number, got "x"' },
    { line: 3, message: 'class: expected the name of a class, got none' },
    { line: 4, message: 'expected the path of an image, got none' },
    { line: 5, message: 'y2: expected a number, got ""' },
    { line: 6, message: 'x1: expected a number, got "1e999"' },
    { line: 7, message: 'x1: expected a number, got "0x10"' },
  ]);
});

test('other text is refused, and told from boxes', () => {
  expect(() => read('')).toThrow('a.csv: expected rows of boxes, got an empty file');
  expect(() => read('a,"b')).toThrow('a.csv: line 1: expected the end of a quoted field, got none');
  expect(() => read('name,age\nbob,3')).toThrow(
    'a.csv: line 1: expected image,x1,y1,x2,y2,class or a header with these columns, got "name,age"',
  );
  expect(isCsvOfBoxes('a.jpg,1,2,3,4,cow\nb.jpg,,,,,')).toBe(true);
  expect(isCsvOfBoxes('filename;xmin;ymin;xmax;ymax;label')).toBe(true);
  for (const other of ['', 'image,label\na.jpg,cow', '0 0.5 0.5 0.1 0.1', 'a.jpg,cow,1'])
    expect(isCsvOfBoxes(other)).toBe(false);
});

test('3,000 damaged files give a DataError or are read', () => {
  const text =
    'filename,width,height,class,xmin,ymin,xmax,ymax\n"a, b.jpg",64,48,cow,1,2,3,4\nc.jpg,64,48,cow,5,6,7,8\n';
  const run = { count: 3000, seed: 7, file: 'a.csv' };
  const counts = readMutations(Buffer.from(text), run, (bytes) => {
    for (const { corners } of readCsvBoxes(bytes, 'a.csv').boxes)
      expect((corners ?? []).every(Number.isFinite)).toBe(true);
  });
  expect(counts.refused).toBeGreaterThan(300);
  expect(counts.read).toBeGreaterThan(300);
});
