import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ade20kPalette, ADE20K_CLASSES } from '../../../datasets/classes/ade20k.js';
import { checkSegmentationSet } from '../../../datasets/segmentation-check.js';
import { encodeLabelPng, encodeRgbPng } from '../../../io/png/write.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadSegmentationSplit } from '../../../datasets/layout/load.js';
import type { SegmentationData } from '../../../datasets/layout/types.js';
import { ProblemLog } from '../../../datasets/problems.js';
import { needsRealData, REAL_DATA } from '../../helpers/leave-out.js';

test('there are 150 classes of different names; only road and skyscraper share a color', () => {
  expect(ADE20K_CLASSES).toHaveLength(150);
  expect(new Set(ADE20K_CLASSES).size).toBe(150);
  expect([0, 6, 12, 48, 149].map((k) => ADE20K_CLASSES[k])).toEqual([
    'wall',
    'road',
    'person',
    'skyscraper',
    'flag',
  ]);
  const palette = ade20kPalette();
  const colors = ADE20K_CLASSES.map((_, k) => palette.subarray(3 * k, 3 * k + 3).join());
  expect(new Set(colors).size).toBe(149);
  expect(colors[48]).toBe(colors[6]);
  expect(colors[0]).toBe('120,120,120');
});

test('the splits of the benchmark are found, and 0 is no class', async () => {
  const root = mkdtempSync(join(tmpdir(), 'ade20k-'));
  try {
    const write = (path: string, bytes: Uint8Array): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), bytes);
    };
    write('images/training/a.jpg', encodeRgbPng({ width: 1, height: 1, data: new Uint8Array(3) }));
    write(
      'annotations/training/a.png',
      encodeLabelPng({ width: 1, height: 1, data: new Uint8Array(1) }),
    );
    const data = (await detectLayout(root)) as SegmentationData;
    const set = await loadSegmentationSplit(data, 'train');
    expect(set.samples).toEqual([
      {
        file: join(root, 'images/training/a.jpg'),
        labelFile: join(root, 'annotations/training/a.png'),
      },
    ]);
    expect(set.classes).toEqual(ADE20K_CLASSES);
    expect(set.mapping).toEqual({ numClasses: 150, reduceZeroLabel: true });
    await expect(loadSegmentationSplit(data, 'val')).rejects.toThrow(
      'expected a split "val", got train',
    );
  } finally {
    rmSync(root, { recursive: true });
  }
});

describe('real sets', () => {
  needsRealData('ade20k-mini');

  test('the real pairs have unlabeled pixels and nothing wrong', async () => {
    const used = new Set<number>();
    let numPairs = 0;
    const data = (await detectLayout(join(REAL_DATA, 'ade20k-mini'))) as SegmentationData;
    for (const split of ['train', 'val'] as const) {
      const log = new ProblemLog();
      const set = await loadSegmentationSplit(data, split);
      const statistics = await checkSegmentationSet(set, log, { decode: true });
      statistics.pixels.forEach((count, k) => count > 0 && used.add(k));
      numPairs += statistics.images;
      const codes = Object.fromEntries(log.findings().map(({ code, count }) => [code, count]));
      const unused = statistics.pixels.filter((count) => count === 0).length;
      expect(codes).toEqual({ 'ignored-pixels': statistics.images, 'class-unused': unused });
    }
    expect([numPairs, used.size]).toEqual([17, 68]);
  });
});
