import { describe, expect, test } from 'vitest';
import { multiclassNms } from '../../core/nms-multiclass.js';
import { groupedNms } from '../../core/nms.js';
import { discoverFixtures } from '../helpers/fixtures.js';

interface NmsJson {
  readonly config: {
    readonly mc: {
      readonly score_thr: number;
      readonly iou: number;
      readonly max_per_img: number;
      readonly classes: number;
    };
  };
}

const fixtures = discoverFixtures<NmsJson>('nms');

describe.each(fixtures)('$name', ({ json, tensors }) => {
  const floats = (name: string): Float32Array => tensors.get(name)!.data as Float32Array;
  const integers = (name: string): Int32Array => tensors.get(name)!.data as Int32Array;
  const thresholdOf = (name: string): number => Number(/iou([\d.]+)$/.exec(name)![1]);

  test('class-aware lists are exact', () => {
    const names = [...tensors.keys()].filter((name) => name.startsWith('keep_iou'));
    expect(names).not.toEqual([]);
    for (const name of names) {
      const options = { iouThreshold: thresholdOf(name) };
      const kept = groupedNms(floats('boxes'), floats('scores'), integers('ids'), options);
      expect(kept).toEqual(integers(name));
    }
  });

  test('class-agnostic lists are exact', () => {
    const names = [...tensors.keys()].filter((name) => name.startsWith('keep_class_agnostic'));
    expect(names).not.toEqual([]);
    for (const name of names) {
      const scores = floats('scores');
      const options = { iouThreshold: thresholdOf(name) };
      const kept = groupedNms(floats('boxes'), scores, new Int32Array(scores.length), options);
      expect(kept).toEqual(integers(name));
    }
  });

  test('multi-class detections are exact', () => {
    const { score_thr, iou, max_per_img, classes: numClasses } = json.config.mc;
    const found = multiclassNms(floats('mc.boxes'), floats('mc.scores'), {
      numClasses,
      scoreThreshold: score_thr,
      suppression: { kind: 'hard', iouThreshold: iou },
      maxPerImage: max_per_img,
    });
    expect(found.rows.map((row, i) => row * numClasses + found.classIndices[i])).toEqual(
      integers('mc.flat_index'),
    );
    expect(found.classIndices).toEqual(integers('mc.det_labels'));
    expect(found.scores).toEqual(floats('mc.det_scores'));
    expect(found.boxes).toEqual(floats('mc.det_boxes'));
  });
});
