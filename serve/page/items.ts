import type { CompressedMask } from '../../core/results.js';
import type { XywhBox } from '../../core/rle.js';
import type { ResultJson } from '../../core/results.js';
import { classColor, paletteColor } from '../../report/overlay/colors.js';
import type { Rgb } from '../../report/overlay/picture.js';

/** A part of a result: an object, or a class of the picture or of its pixels. */
export interface Item {
  readonly classIndex: number;
  readonly name: string;
  /** As `draw` colors it. */
  readonly color: Rgb;
  /** Score, probability, or fraction of the picture, 0–1. */
  readonly value: number;
  readonly box?: XywhBox | undefined;
  readonly mask?: CompressedMask | undefined;
}

/** Title of the table's numbers by task. */
export const VALUE_TITLES: Readonly<Record<ResultJson['task'], string>> = {
  classify: 'Probability',
  detect: 'Score',
  segment: 'Share of the picture',
};

/** Choice of the objects that are shown. */
export interface Filter {
  /** Smallest score of objects. */
  readonly score: number;
  /** Instead of it, by class index. */
  readonly byClass?: readonly number[] | undefined;
  /** Class indices. */
  readonly hidden: ReadonlySet<number>;
}

/** Lists the parts of a result, those of large values first. */
export function itemsOf(result: ResultJson): readonly Item[] {
  switch (result.task) {
    case 'classify':
      return result.classes.map(({ classIndex, name, probability }) => ({
        classIndex,
        name,
        color: classColor(classIndex),
        value: probability,
      }));
    case 'detect':
      return result.objects.map(({ classIndex, name, score, box, mask }) => ({
        classIndex,
        name,
        color: classColor(classIndex),
        value: score,
        box,
        mask,
      }));
    case 'segment':
      return result.segments
        .map(({ classIndex, name, areaPx, mask }) => ({
          classIndex,
          name,
          color: paletteColor(result.palette, classIndex),
          value: areaPx / (result.width * result.height),
          mask,
        }))
        .sort((a, b) => b.value - a.value);
    default:
      return result satisfies never;
  }
}

/** Whether a part is shown; only objects have a score to be compared. */
export function isShown({ task }: ResultJson, item: Item, filter: Filter): boolean {
  return (
    !filter.hidden.has(item.classIndex) &&
    (task !== 'detect' || item.value >= leastOf(item, filter))
  );
}

function leastOf(
  { classIndex }: { readonly classIndex: number },
  { score, byClass }: Filter,
): number {
  return byClass?.[classIndex] ?? score;
}

/** Removes what is not shown from a result. */
export function filterResult(result: ResultJson, filter: Filter): ResultJson {
  const isKept = ({ classIndex }: { readonly classIndex: number }): boolean =>
    !filter.hidden.has(classIndex);
  switch (result.task) {
    case 'classify':
      return { ...result, classes: result.classes.filter(isKept) };
    case 'detect':
      return {
        ...result,
        objects: result.objects.filter(
          (each) => isKept(each) && each.score >= leastOf(each, filter),
        ),
      };
    case 'segment':
      return { ...result, segments: result.segments.filter(isKept) };
    default:
      return result satisfies never;
  }
}

/** Formats a value as percent. */
export const percent = (value: number): string =>
  value > 0 && value < 0.001 ? '< 0.1 %' : `${(100 * value).toFixed(1)} %`;
