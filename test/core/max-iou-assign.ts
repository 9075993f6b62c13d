/**
 * MaxIoUAssigner of mmdetection, line by line, with the thresholds of the RPN: 0.7, 0.3, and 0.3 for low-quality matches.
 * There an overlap of −1 marks the boxes that `gt_bboxes_ignore` covers.
 *
 * @returns −1 ignored, 0 background, g + 1 for ground truth g
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/core/bbox/assigners/max_iou_assigner.py
 */
export function maxIouAssign(
  boxes: readonly (readonly number[])[],
  groundTruths: readonly (readonly number[])[],
  ignored: readonly (readonly number[])[],
  ignoreIofThr: number,
): readonly number[] {
  const f32 = Math.fround;
  const area = (b: readonly number[]): number => (b[2] - b[0]) * (b[3] - b[1]);
  const common = (a: readonly number[], b: readonly number[]): number =>
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) *
    Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const overlaps = groundTruths.map((g) =>
    boxes.map((b) => f32(common(g, b) / (area(g) + area(b) - common(g, b)))),
  );
  boxes.forEach((b, i) => {
    const highest = Math.max(-1, ...ignored.map((r) => common(b, r) / area(b)));
    if (highest > ignoreIofThr) overlaps.forEach((row) => (row[i] = -1));
  });
  const assigned = boxes.map(() => -1);
  boxes.forEach((_, i) => {
    const own = overlaps.map((row) => row[i]);
    const highest = Math.max(...own);
    if (highest >= 0 && highest < f32(0.3)) assigned[i] = 0;
    if (highest >= f32(0.7)) assigned[i] = own.indexOf(highest) + 1;
  });
  overlaps.forEach((row, g) => {
    const highest = Math.max(...row);
    if (!(highest >= f32(0.3))) return;
    row.forEach((value, i) => {
      if (value === highest) assigned[i] = g + 1;
    });
  });
  return assigned;
}
