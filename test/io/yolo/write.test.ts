import { expect, test } from 'vitest';
import { yoloText } from '../../../io/yolo/write.js';
import { yoloDataYaml } from '../../../io/yolo/write-data-yaml.js';

test('an image with a polygon has no boxes beside it, which ultralytics refuses', () => {
  const none = { kind: 'none' } as const;
  const polygon = Float64Array.of(0, 0, 50, 0, 50, 25);
  const masks = [none, { kind: 'polygons', polygons: [polygon] }] as const;
  const objects = masks.map((mask, k) => ({
    classIndex: k,
    name: `c${k}`,
    box: [10, 20, 40, 10] as const,
    mask,
  }));
  const image = { fileName: 'a.png', width: 100, height: 50 };
  expect(yoloText({ ...image, objects }, { masks: true })).toBe(
    '0 0.1 0.4 0.5 0.4 0.5 0.6 0.1 0.6\n1 0 0 0.5 0 0.5 0.5\n',
  );
  expect(yoloText({ ...image, objects: objects.slice(0, 1) }, { masks: true })).toBe(
    '0 0.3 0.5 0.4 0.2\n',
  );
});

test('names that other readers would take for booleans or numbers are quoted', () => {
  expect(yoloDataYaml({ train: 'images/train' }, ['no', 'cat', '12:30'])).toBe(
    'train: images/train\nnc: 3\nnames:\n  0: "no"\n  1: cat\n  2: "12:30"\n',
  );
});
