import { MAX_LOG_RATIO, type BoxCoderConfig } from '../../core/box-coder.js';
import { int, ints, string } from '../../engine/onnx/graph.js';
import { ROI_STRIDES } from '../../heads/roi/feature-maps.js';
import type { GraphComposer, ValueName } from './graph-composer.js';

/** Rows of a table that suppression kept: the same number for every image, filled up with zeros. */
export interface KeptRows {
  /** int64 `[N]`, number of rows that are kept. */
  readonly count: ValueName;
  /** float `[N, rows]`, descending. */
  readonly scores: ValueName;
  /** int64 `[N, rows, 1]`, rows of the table; any for those that fill up. */
  readonly indices: ValueName;
  /** bool `[N, rows]` */
  readonly isReal: ValueName;
}

/** Boxes with a smaller side are on the first level; see `boxLevels`. */
const FINEST_SIDE_PX = 56;

/**
 * Nodes of `decodeBoxes`, clipped to the image.
 *
 * @param references and deltas `[…, 4]`, of shapes that broadcast
 * @param limits `[…, 4]`: width, height, width, height
 */
export function decodeNodes(
  g: GraphComposer,
  {
    references,
    deltas,
    limits,
  }: { readonly references: ValueName; readonly deltas: ValueName; readonly limits: ValueName },
  { means, stds }: BoxCoderConfig,
): ValueName {
  const scaled = g.op('Add', [g.op('Mul', [deltas, g.floats(stds)]), g.floats(means)]);
  const quarters = (value: ValueName): readonly ValueName[] =>
    g.ops('Split', [value], 4, { axis: int(-1), num_outputs: int(4) });
  const [dx, dy, dw, dh] = quarters(scaled);
  const [x1, y1, x2, y2] = quarters(references);
  const half = g.floats([0.5]);
  const along = (
    low: ValueName,
    high: ValueName,
    move: ValueName,
    grow: ValueName,
  ): readonly [ValueName, ValueName] => {
    const size = g.op('Sub', [high, low]);
    const center = g.op('Add', [
      g.op('Mul', [g.op('Add', [low, high]), half]),
      g.op('Mul', [size, move]),
    ]);
    const [least, most] = [g.floats([-MAX_LOG_RATIO], []), g.floats([MAX_LOG_RATIO], [])];
    const factor = g.op('Exp', [g.op('Clip', [grow, least, most])]);
    const halfSize = g.op('Mul', [g.op('Mul', [half, size]), factor]);
    return [g.op('Sub', [center, halfSize]), g.op('Add', [center, halfSize])];
  };
  const [left, right] = along(x1, x2, dx, dw);
  const [top, bottom] = along(y1, y2, dy, dh);
  const boxes = g.op('Concat', [left, top, right, bottom], { axis: int(-1) });
  return g.op('Min', [g.op('Max', [boxes, g.floats([0])]), limits]);
}

/** Candidates of {@link suppressNodes}. */
interface SuppressionInputs {
  /** `[N, M, 4]` */
  readonly boxes: ValueName;
  /** `[N, M]`, from 0 on. */
  readonly scores: ValueName;
  /** `[M]`, float: only boxes of one group suppress each other. */
  readonly groups: ValueName;
}

/** Options of {@link suppressNodes}. */
interface SuppressionOptions {
  readonly iouThreshold: number;
  /** Number of rows of the result. */
  readonly rows: number;
  /** Boxes whose score does not exceed it are dropped. */
  readonly minScore?: number | undefined;
}

/**
 * Nodes of non-maximum suppression within groups, which are separated as in `shiftByGroup`. The result does not depend on
 * the order in which a runtime gives the boxes that it keeps.
 */
export function suppressNodes(
  g: GraphComposer,
  { boxes, scores, groups }: SuppressionInputs,
  { iouThreshold, rows, minScore }: SuppressionOptions,
): KeptRows {
  let counted = boxes;
  if (minScore !== undefined) {
    const passes = g.op('Greater', [scores, g.floats([minScore])]);
    const column = g.op('Unsqueeze', [passes, g.integers([2])]);
    counted = g.op('Where', [column, boxes, g.floats([0])]);
  }
  const flat = g.op('Reshape', [counted, g.integers([0, -1])]);
  const highest = g.op('ReduceMax', [flat, g.integers([1])], { keepdims: int(1) }); // [N, 1]
  const step = g.op('Unsqueeze', [g.op('Add', [highest, g.floats([1])]), g.integers([2])]);
  const offsets = g.op('Mul', [g.op('Unsqueeze', [groups, g.integers([0, 2])]), step]); // [N, M, 1]
  const selected = g.op('NonMaxSuppression', [
    g.op('Add', [boxes, offsets]),
    g.op('Unsqueeze', [scores, g.integers([1])]), // [N, 1, M]
    g.integers([rows]),
    g.floats([iouThreshold]),
    ...(minScore === undefined ? [] : [g.floats([minScore])]),
  ]); // [kept, 3]: image, class, row
  const places = g.op('Gather', [selected, g.integers([0, 2])], { axis: int(1) });
  const own = g.op('GatherND', [scores, places]);
  const none = g.op('Expand', [g.floats([-1]), g.op('Shape', [scores])]);
  const kept = g.op('ScatterND', [none, places, own]); // [N, M]
  const best = g.op('Min', [g.integers([rows]), ...g.sizes(scores, [1])]);
  const [values, indices] = g.ops('TopK', [kept, best], 2, { axis: int(1) });
  const missing = g.op('Sub', [g.integers([rows]), best]);
  const pads = g.concat([g.integers([0, 0, 0]), missing]);
  const filledScores = g.op('Pad', [values, pads, g.floats([-1], [])]); // [N, rows]
  const filledIndices = g.op('Pad', [indices, pads, g.integers([0], [])]);
  const isReal = g.op('GreaterOrEqual', [filledScores, g.floats([0])]);
  return {
    count: g.op('ReduceSum', [g.cast(isReal, 'int64'), g.integers([1])], { keepdims: int(0) }),
    scores: g.op('Max', [filledScores, g.floats([0])]),
    indices: g.op('Unsqueeze', [filledIndices, g.integers([2])]),
    isReal,
  };
}

/** Nodes of the rows that suppression kept. @param table `[N, M, 4]` @returns `[N, rows, 4]`, zeros to fill up */
export function keptBoxes(
  g: GraphComposer,
  table: ValueName,
  { indices, isReal }: KeptRows,
): ValueName {
  const own = g.op('GatherND', [table, indices], { batch_dims: int(1) });
  return g.op('Where', [g.op('Unsqueeze', [isReal, g.integers([2])]), own, g.floats([0])]);
}

/** Boxes of several images in one list. */
interface Rois {
  /** `[R, 4]` */
  readonly boxes: ValueName;
  /** int64 `[R]` */
  readonly images: ValueName;
}

/**
 * Nodes of RoI features, each pooled from the level for its size: one RoiAlign per level, then restored to the original
 * order.
 *
 * @param maps P2 … P5, `[N, C, H, W]`
 * @returns `[R, P, P, C]`
 */
export function roiFeatures(
  g: GraphComposer,
  maps: readonly ValueName[],
  { boxes, images }: Rois,
  { outputSize: P, channels }: { readonly outputSize: number; readonly channels: number },
): ValueName {
  const levels = levelNodes(g, boxes);
  const pooled = withoutEmpty(g, boxes);
  const parts = maps.map((map, level) => {
    const isHere = g.op('Equal', [levels, g.integers([level])]);
    const indices = g.op('Reshape', [g.op('NonZero', [isHere]), g.integers([-1])]);
    const own = [pooled, images].map((table) => g.op('Gather', [table, indices]));
    const features = g.op('RoiAlign', [map, ...own], {
      coordinate_transformation_mode: string('half_pixel'),
      mode: string('avg'),
      output_height: int(P),
      output_width: int(P),
      sampling_ratio: int(0),
      spatial_scale: { kind: 'float', value: 1 / ROI_STRIDES[level] },
    });
    return { indices, features };
  });
  const indices = g.concat(parts.map((part) => part.indices));
  const features = g.concat(parts.map((part) => part.features));
  // Sorting the row numbers gives the inverse permutation.
  const numbers = g.cast(indices, 'float32');
  const [, order] = g.ops('TopK', [numbers, ...g.sizes(boxes, [0])], 2, { largest: int(0) });
  const sorted = g.op('Gather', [features, order]); // [R, C, P, P]
  const last = g.op('Transpose', [sorted], { perm: ints([0, 2, 3, 1]) });
  return g.op('Reshape', [last, g.integers([-1, P, P, channels])]);
}

/** Far outside of every map, where all features are zero. */
const OUTSIDE = [-9000, -9000, -8990, -8990];

/** Moves boxes without area, whose features are zero, outside the maps: some runtimes have no number for them. */
function withoutEmpty(g: GraphComposer, boxes: ValueName): ValueName {
  const [x1, y1, x2, y2] = g.ops('Split', [boxes], 4, { axis: int(-1), num_outputs: int(4) });
  const isEmpty = g.op('Or', [g.op('LessOrEqual', [x2, x1]), g.op('LessOrEqual', [y2, y1])]);
  return g.op('Where', [isEmpty, g.floats(OUTSIDE), boxes]); // [R, 4]
}

/** Nodes of `boxLevels`: the floor of the logarithm, by comparisons. @returns int64 `[R]` */
function levelNodes(g: GraphComposer, boxes: ValueName): ValueName {
  const [x1, y1, x2, y2] = g.ops('Split', [boxes], 4, { axis: int(-1), num_outputs: int(4) });
  const area = g.op('Mul', [g.op('Sub', [x2, x1]), g.op('Sub', [y2, y1])]);
  const relative = g.op('Div', [g.op('Sqrt', [area]), g.floats([FINEST_SIDE_PX])]);
  const side = g.op('Add', [relative, g.floats([1e-6])]); // [R, 1]
  const [first, ...more] = [2, 4, 8].map((least) =>
    g.cast(g.op('GreaterOrEqual', [side, g.floats([least])]), 'int64'),
  );
  return g.op('Reshape', [g.chain('Add', first, ...more), g.integers([-1])]);
}
