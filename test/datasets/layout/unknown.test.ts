import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LayoutError } from '../../../core/errors.js';
import { readImageNet } from '../../../datasets/imagenet.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { dataFolder } from '../../helpers/data-folder.js';

const { at, image, write } = dataFolder();
const box = { label: 'bolt', coordinates: { x: 30, y: 30, width: 20, height: 20 } };

test.each<[string, string, string | object]>([
  ['CreateML', '_annotations.createml.json', [{ image: 'a.jpg', annotations: [box] }]],
  [
    'Label Studio',
    'project-1.json',
    [{ image: '/data/upload/a.jpg', label: [{ x: 1, y: 1, rectanglelabels: ['bolt'] }] }],
  ],
  ['Supervisely', 'ann/a.jpg.json', { objects: [{ classTitle: 'bolt', points: {} }] }],
  ['Datumaro', 'annotations/default.json', { categories: { label: {} }, items: [{ id: 'a' }] }],
  ['Labelbox', 'export.ndjson', '{"data_row":{"id":"c1"},"projects":{}}\n'],
  ['BDD100K or Scale', 'labels/det.json', [{ name: 'a.jpg', labels: [{ box2d: { x1: 1 } }] }]],
  ['VIA (CSV)', 'via.csv', 'filename,file_size,region_shape_attributes,region_attributes\n'],
  ['boxes of a corner and a size (CSV)', 'boxes.csv', 'image,x,y,w,h,class\na.jpg,5,5,9,9,bolt\n'],
  [
    'KITTI',
    'labels/a.txt',
    'Car 0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n',
  ],
  ['TensorFlow records', 'train.tfrecord-00000-of-00010', 'x'],
  ['V7 Darwin', 'annotations/a.json', { version: '2.0', schema_ref: 'https://x', item: {} }],
  ['VIA 3', 'via.json', { project: { pid: 1, creator: 'VGG Image Annotator' }, file: {} }],
  ['SageMaker Ground Truth', 'output.manifest', '{"source-ref":"s3://b/a.jpg"}\n'],
  ['PaliGemma or Florence', 'train.jsonl', '{"image":"a.jpg","prefix":"detect","suffix":"x"}\n'],
  ['keras-yolo3 (image x1,y1,x2,y2,class)', '_annotations.txt', 'a b.jpg 1,2,30,40,0 5,6,7,8,1\n'],
  ['Turi Create (CSV)', '_annotations.csv', 'path,annotations\na.jpg,"[]"\n'],
  ['boxes in one column (CSV)', 'train.csv', 'image_id,width,bbox\na,64,"[1.0, 2.0, 3, 4]"\n'],
  ['masks as run lengths (CSV)', 'train.csv', 'ImageId,EncodedPixels\na.jpg,1 3\n'],
  ['classes of images (CSV)', 'train.csv', 'image_id,label\na.jpg,4\n'],
  ['a Hugging Face data set', 'metadata.jsonl', '{"file_name":"a.jpg","objects":{"bbox":[]}}\n'],
])('%s is named, with what to do', async (name, path, content) => {
  image('images/a.jpg');
  write(path, content);
  const error: unknown = await detectLayout(at('')).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LayoutError);
  const file = path.replace(/^.*\//, '');
  expect((error as Error).message).toContain(`got ${file} of ${name}, which is not read; `);
});

test('a file of another tool is found among others', async () => {
  write('meta.json', { classes: [{ title: 'bolt' }] });
  write('ds0/ann/a.jpg.json', { objects: [{ classTitle: 'bolt', points: {} }] });
  await expect(detectLayout(at(''))).rejects.toThrow('got a.jpg.json of Supervisely');
});

test('what a folder has instead is named', async () => {
  const message = (path: string, layout?: string): Promise<string> =>
    detectLayout(at(path), { layout }).then(
      () => 'read',
      (error: unknown) => (error as Error).message,
    );
  mkdirSync(at('none/inner'), { recursive: true });
  expect(await message('none')).toMatch(/: expected a data set, got an empty folder$/);
  image('photos/a.jpg');
  expect(await message('photos')).toMatch(/got images without labels; label them, or sort/);
  write('broken/a.json', '{"images": [{"id": 1}');
  expect(await message('broken')).toMatch(
    /broken\/a\.json: byte \d+: expected the end of the JSON/,
  );
  image('named/images/a.jpg');
  write('named/labels/a.txt', 'cat 0.5 0.5 0.1 0.1\n');
  for (const layout of [undefined, 'yolo'])
    expect(await message('named', layout)).toMatch(/got a\.txt of YOLO with names for numbers/);
});

test('one file of Pascal VOC is no set', async () => {
  write('a.xml', '<annotation><filename>a.jpg</filename></annotation>');
  await expect(detectLayout(at('a.xml'))).rejects.toThrow('the Pascal VOC file of one image');
});

test('the folder of a run is no part of the set around it', async () => {
  for (const name of ['a/1.jpg', 'a/2.jpg', 'b/1.jpg', 'a/run/pictures/1.jpg', 'run/samples/1.jpg'])
    image(name);
  for (const run of ['a/run', 'run'])
    write(`${run}/config.json`, `{\n  "format": "convnextv2-run",\n  "version": 1}`);
  const set = readImageNet(at(''), { split: 'train' });
  expect(set.samples).toHaveLength(3);
  expect(set.classes.map(({ name }) => name)).toEqual(['a', 'b']);
});

test('other files are no format: the layouts are listed', async () => {
  write('list.json', { a: 1 });
  write('notes.txt', 'Buy 2 bolts\n');
  write('prices.csv', 'name,price\n');
  await expect(detectLayout(at(''))).rejects.toThrow(
    /expected a data set, looked for COCO .*, YOLO, .*docs\/your-data\.md has them; got list\.json, notes\.txt, prices\.csv$/,
  );
});

test('the folder of the labels of a data.yaml may have another case', async () => {
  write('data.yaml', 'train: Images/train\nval: Images/val\nnames: [bolt]\n');
  for (const part of ['train', 'val']) {
    image(`Images/${part}/a.png`);
    write(`Labels/${part}/a.txt`, '0 0.5 0.5 0.2 0.2\n');
  }
  const data = await detectLayout(at(''));
  expect(data.kind === 'detection' && data.splits['train'].annotations).toBe(at('Labels/train'));
});
