import { boxPairIou } from '../../core/rle-iou.js';
import { boxOf } from '../../io/coco/annotations.js';
import { rowsOf } from '../../datasets/coco/samples.js';
import type { CocoSet } from '../../datasets/coco/set.js';

/** An annotation that is valid but worth inspecting. */
interface Look {
  /** Row of `set.annotations`. */
  readonly row: number;
  readonly message: string;
}

/** Two boxes of one class with this IoU are probably one object annotated twice. */
const SAME_OBJECT_IOU = 0.9;
const LONG_SIDE_RATIO = 25;
const WHOLE_IMAGE_FRACTION = 0.995;

/** Finds annotations that are valid but probably mistakes. Crowds are skipped. */
export function annotationsToLookAt(set: CocoSet): readonly Look[] {
  const looks: Look[] = [];
  const { images, annotations } = set;
  for (let i = 0; i < images.ids.length; i++) {
    const rows = rowsOf(set, i).filter((a) => annotations.crowds[a] === 0);
    const area = images.widths[i] * images.heights[i];
    rows.forEach((row, at) => {
      const [x, y, width, height] = boxOf(set, row);
      if (!(width > 0 && height > 0)) return; // reported by the check
      const ratio = Math.max(width / height, height / width);
      if (ratio > LONG_SIDE_RATIO)
        looks.push({ row, message: `sides of ${Math.round(ratio)} : 1` });
      if (width * height > WHOLE_IMAGE_FRACTION * area)
        looks.push({ row, message: 'a box around the whole image' });
      for (const other of rows.slice(0, at)) {
        if (set.classIndices[other] !== set.classIndices[row]) continue;
        if (boxPairIou([x, y, width, height], 0, boxOf(set, other), 0) >= SAME_OBJECT_IOU)
          looks.push({ row, message: `nearly the same box as ${annotations.ids[other]}` });
      }
    });
  }
  return looks;
}
