import { ERROR_KINDS } from '../../evaluation/coco/error-breakdown.js';
import { namedStats, tabulateCoco } from '../../evaluation/coco/summary.js';
import { formatTable } from '../output.js';
import type { CocoScore } from './coco.js';
import { percent } from '../../report/format.js';

/** Formats a score for a terminal in percent; "-" if undefined. */
export function cocoText(score: CocoScore, perCategory: boolean): string {
  const { result } = score;
  const { parameters, curves } = result;
  const stats = namedStats(curves, parameters);
  const blocks = [
    `${parameters.iouType}: ${result.grid.imageIds.length} images, ${score.groundTruth.ids.length} annotations, ${score.numDetections} detections`,
    formatTable([stats.map(({ name }) => name), stats.map(({ value }) => percent(value, 2))]),
    ...(isUsual(score) ? [] : customTables(score)),
    ...(perCategory ? [categoryTable(score)] : []),
    ...(score.errors ? [errorTable(score.errors)] : []),
  ];
  return blocks.join('\n\n');
}

/** Whether the 12 or 10 standard numbers cover the parameters. */
function isUsual({ result: { parameters } }: CocoScore): boolean {
  const { iouType, iouThresholds, areaRanges, maxDetections } = parameters;
  const numAreas = iouType === 'keypoints' ? 3 : 4;
  const limits = iouType === 'keypoints' ? '20' : '1,10,100';
  return (
    iouThresholds.length === 10 &&
    iouThresholds[0] === 0.5 &&
    areaRanges.length === numAreas &&
    areaRanges.every(({ name }) => ['all', 'small', 'medium', 'large'].includes(name)) &&
    maxDetections.join() === limits
  );
}

function customTables({ result: { curves, parameters } }: CocoScore): readonly string[] {
  const { byArea, byIou, byLimit } = tabulateCoco(curves, parameters);
  const values = ({ AP, AR }: { AP: number; AR: number }): string[] => [
    percent(AP, 2),
    percent(AR, 2),
  ];
  return [
    formatTable([['area', 'AP', 'AR'], ...byArea.map((row) => [row.area, ...values(row)])]),
    formatTable([['IoU', 'AP', 'AR'], ...byIou.map((row) => [row.iou.toFixed(3), ...values(row)])]),
    formatTable([
      ['detections', 'AP', 'AR'],
      ...byLimit.map((row) => [String(row.limit), ...values(row)]),
    ]),
  ];
}

function categoryTable({ result, groundTruth }: CocoScore): string {
  const name = new Map(groundTruth.categories.map((category) => [category.id, category.name]));
  const areas = result.parameters.areaRanges.slice(1);
  return formatTable([
    ['category', 'AP', 'AP50', 'AP75', 'AR', ...areas.map((area) => `AP ${area.name}`)],
    ...result.perCategory.map(({ categoryId, AP, AP50, AP75, AR, APbyArea }) => [
      name.get(categoryId) ?? 'all categories',
      ...[AP, AP50, AP75, AR, ...APbyArea.slice(1)].map((value) => percent(value)),
    ]),
  ]);
}

function errorTable(errors: NonNullable<CocoScore['errors']>): string {
  return formatTable([
    ['error', 'count', `AP50 gain (AP50 ${percent(errors.AP)})`],
    ...ERROR_KINDS.map((kind) => [
      kind,
      String(errors.counts[kind]),
      `+${percent(Math.max(0, errors.gains[kind]), 2)}`,
    ]),
  ]);
}
