import { MAX_LOG_RATIO, type BoxCoderConfig } from '../../core/box-coder.js';
import { int, string } from '../../engine/onnx/graph.js';
import { ROI_STRIDES } from '../../heads/roi/feature-maps.js';
import { CAST_TO, type GraphComposer, type ValueName } from './graph-composer.js';

/** Boxes in a tensor of fixed size: the first `count` rows are valid, the others zeros. */
export interface PaddedRows {
  /** int64 `[1]` */
  readonly count: ValueName;
  /** bool `[rows]` */
  readonly isReal: ValueName;
}

/** Boxes with a smaller side are on the first level; see `boxLevels`. */
const FINEST_SIDE_PX = 56;

/**
 * Nodes of `decodeBoxes`, clipped to the image.
 *
 * @param references and deltas `[…, 4]`, of shapes that broadcast
 * @param limits `[4]`: width, height, width, height
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
  /** `[N, 4]` */
  readonly boxes: ValueName;
  /** `[N]` */
  readonly scores: ValueName;
  /** `[N]`, float: only boxes of one group suppress each other. */
  readonly groups: ValueName;
}

/**
 * Nodes of non-maximum suppression within groups, which are separated as in `shiftByGroup`.
 *
 * @param options boxes whose score does not exceed `minScore` are dropped
 * @returns int64 `[M]`, by descending score
 */
export function suppressNodes(
  g: GraphComposer,
  { boxes, scores, groups }: SuppressionInputs,
  {
    iouThreshold,
    maxKept,
    minScore,
  }: {
    readonly iouThreshold: number;
    readonly maxKept: number;
    readonly minScore?: number | undefined;
  },
): ValueName {
  const column = g.op('Unsqueeze', [groups, g.integers([1])]); // [N, 1]
  let counted = boxes;
  if (minScore !== undefined) {
    const passes = g.op('Greater', [scores, g.floats([minScore])]);
    const rows = g.op('Unsqueeze', [passes, g.integers([1])]);
    counted = g.op('Where', [rows, boxes, g.floats([0])]);
  }
  const highest = g.op('ReduceMax', [counted], { keepdims: int(0) });
  const step = g.op('Add', [highest, g.floats([1], [])]);
  const shifted = g.op('Add', [boxes, g.op('Mul', [column, step])]);
  const selected = g.op('NonMaxSuppression', [
    g.op('Unsqueeze', [shifted, g.integers([0])]), // [1, N, 4]
    g.op('Unsqueeze', [scores, g.integers([0, 1])]), // [1, 1, N]
    g.integers([maxKept]),
    g.floats([iouThreshold]),
    ...(minScore === undefined ? [] : [g.floats([minScore])]),
  ]); // [M, 3]
  return g.op('Gather', [selected, g.integers([2], [])], { axis: int(1) });
}

/**
 * Nodes that gather rows of a table, padded with zeros to a fixed number.
 *
 * @param table `[N, …]`, of rank 1 or 2
 * @param rowSize number of values per row; undefined for rank 1
 */
export function paddedGather(
  g: GraphComposer,
  table: ValueName,
  indices: ValueName,
  { rows, rowSize }: { readonly rows: number; readonly rowSize?: number },
): ValueName {
  const shape = rowSize === undefined ? [rows] : [rows, rowSize];
  const zeros = g.floats(new Float32Array(rows * (rowSize ?? 1)), shape);
  const longer = g.op('Concat', [g.op('Gather', [table, indices]), zeros], { axis: int(0) });
  const cut = g.op('Slice', [longer, g.integers([0]), g.integers([rows]), g.integers([0])]);
  return g.op('Reshape', [cut, g.integers(shape)]);
}

/** Nodes for the number of valid rows of {@link paddedGather}, and their mask. */
export function paddedRows(g: GraphComposer, indices: ValueName, rows: number): PaddedRows {
  const count = g.op('Shape', [indices]); // [1]
  const numbers = g.integers(Array.from({ length: rows }, (_, i) => i));
  return { count, isReal: g.op('Less', [numbers, count]) };
}

/**
 * Nodes of RoI features, each pooled from the level for its size: one RoiAlign per level, then restored to the original
 * order.
 *
 * @param maps P2 … P5, `[1, C, H, W]`
 * @param boxes `[rows, 4]`
 * @returns `[rows, P, P, C]`
 */
export function roiFeatures(
  g: GraphComposer,
  maps: readonly ValueName[],
  boxes: ValueName,
  {
    rows,
    outputSize: P,
    channels,
  }: { readonly rows: number; readonly outputSize: number; readonly channels: number },
): ValueName {
  const levels = levelNodes(g, boxes);
  const parts = maps.map((map, level) => {
    const isHere = g.op('Equal', [levels, g.integers([level])]);
    const indices = g.op('Reshape', [g.op('NonZero', [isHere]), g.integers([-1])]);
    const own = g.op('Gather', [boxes, indices]);
    const images = g.op('Mul', [indices, g.integers([0])]);
    const features = g.op('RoiAlign', [map, own, images], {
      coordinate_transformation_mode: string('half_pixel'),
      mode: string('avg'),
      output_height: int(P),
      output_width: int(P),
      sampling_ratio: int(0),
      spatial_scale: { kind: 'float', value: 1 / ROI_STRIDES[level] },
    });
    return { indices, features };
  });
  const joined = (pick: 'indices' | 'features'): ValueName =>
    g.op(
      'Concat',
      parts.map((part) => part[pick]),
      { axis: int(0) },
    );
  // Sorting the row numbers gives the inverse permutation.
  const numbers = g.op('Cast', [joined('indices')], { to: int(CAST_TO.float32) });
  const [, order] = g.ops('TopK', [numbers, g.integers([rows])], 2, { largest: int(0) });
  const sorted = g.op('Gather', [joined('features'), order]); // [rows, C, P, P]
  const last = g.op('Transpose', [sorted], { perm: { kind: 'ints', value: [0, 2, 3, 1] } });
  return g.op('Reshape', [last, g.integers([rows, P, P, channels])]);
}

/** Nodes of `boxLevels`: the floor of the logarithm, by comparisons. @returns int64 `[rows]` */
function levelNodes(g: GraphComposer, boxes: ValueName): ValueName {
  const [x1, y1, x2, y2] = g.ops('Split', [boxes], 4, { axis: int(-1), num_outputs: int(4) });
  const area = g.op('Mul', [g.op('Sub', [x2, x1]), g.op('Sub', [y2, y1])]);
  const relative = g.op('Div', [g.op('Sqrt', [area]), g.floats([FINEST_SIDE_PX])]);
  const side = g.op('Add', [relative, g.floats([1e-6])]); // [rows, 1]
  const steps = [2, 4, 8].map((least) =>
    g.op('Cast', [g.op('GreaterOrEqual', [side, g.floats([least])])], { to: int(CAST_TO.int64) }),
  );
  const [first, ...more] = steps;
  const sum = more.reduce((total, step) => g.op('Add', [total, step]), first);
  return g.op('Reshape', [sum, g.integers([-1])]);
}
