import { pyramidAnchors } from '../../core/anchors.js';
import { ConfigError } from '../../core/errors.js';
import { int, type OnnxGraph } from '../../engine/onnx/graph.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import { anchorLevelSizes } from '../../heads/roi/feature-maps.js';
import type { DetectionThresholds } from '../../models/detection/config.js';
import { ANCHOR_LEVELS, ROI_LEVELS } from '../../models/detection/feature-programs.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import type { Detector } from '../../models/detector.js';
import {
  decodeNodes,
  paddedGather,
  paddedRows,
  roiFeatures,
  suppressNodes,
  type PaddedRows,
} from './box-nodes.js';
import { CAST_TO, GraphComposer, type ValueName } from './graph-composer.js';
import { portableGraph } from './portable-graph.js';

/** A detector for export. */
export interface DetectorExport {
  readonly model: Detector;
  readonly store: ParameterStore;
  readonly thresholds: DetectionThresholds;
  /** Sides of the padded input, multiples of 32. */
  readonly size: { readonly width: number; readonly height: number };
}

/** Values used by several parts of the graph. */
interface Context extends DetectorExport {
  readonly g: GraphComposer;
  /** `[4]`: width, height, width, height of the image without padding. */
  readonly limits: ValueName;
}

/**
 * Builds a whole detector as one graph of standard operators: backbone, pyramid, RPN, suppression, RoIAlign, heads.
 *
 * Inputs `image` `[1, H, W, 3]`, normalized and zero-padded at the right and bottom, and `image_size` `[2]`, height and
 * width of the image without padding. Outputs, where D is the largest number of detections of an image: `count` int64
 * `[1]`, the number of detections; `boxes` `[D, 4]`, x1, y1, x2, y2 in pixels of the input; `scores` `[D]`, descending;
 * `classes` int64 `[D]`; and `masks` `[D, S, S]`, probabilities inside the box. Rows from `count` on are zeros.
 *
 * @throws ConfigError for soft-NMS, for which ONNX has no operator, and for sides that are not multiples of 32
 */
export function detectorGraph(request: DetectorExport): OnnxGraph {
  const { model, thresholds, size } = request;
  const { suppression, maxPerImage: D } = thresholds;
  if (suppression.kind !== 'hard')
    throw new ConfigError(
      'export: expected ordinary suppression, got soft-NMS, which ONNX cannot express; export with ordinary NMS (hardNms)',
      { flags: { '(hardNms)': '(--hard-nms)' } },
    );
  if (size.width % SIZE_DIVISOR_PX !== 0 || size.height % SIZE_DIVISOR_PX !== 0)
    throw new ConfigError(
      `export: expected sides that are multiples of ${SIZE_DIVISOR_PX}, got ${size.width}x${size.height}`,
    );
  const g = new GraphComposer();
  const imageShape = [1, size.height, size.width, 3];
  const image = g.input({ name: 'image', shape: imageShape, type: 'float32' });
  const imageSize = g.input({ name: 'image_size', shape: [2], type: 'float32' });
  const limits = g.op('Gather', [imageSize, g.integers([1, 0, 1, 0])]);
  const context: Context = { ...request, g, limits };

  const captured = portableGraph(model.features, request.store, {
    image: { shape: imageShape, type: 'float32' },
  });
  const features = g.inline(captured, 'features', { image });
  const maps = ROI_LEVELS.map((level) =>
    g.op('Transpose', [features[level]], { perm: { kind: 'ints', value: [0, 3, 1, 2] } }),
  );
  const proposals = proposalNodes(context, features);
  const candidates = stageNodes(context, maps, proposals);
  const found = detectionNodes(context, candidates, proposals, suppression.iouThreshold);
  const masks = maskNodes(context, maps, found);
  const side = 2 * (model.config.masks?.roiSize ?? 0);
  return g.finish('detector', [
    { name: 'count', shape: [1], type: 'int64', from: found.count },
    { name: 'boxes', shape: [D, 4], type: 'float32', from: found.boxes },
    { name: 'scores', shape: [D], type: 'float32', from: found.scores },
    { name: 'classes', shape: [D], type: 'int64', from: found.classes },
    ...(masks
      ? [{ name: 'masks', shape: [D, side, side], type: 'float32' as const, from: masks }]
      : []),
  ]);
}

interface Proposals extends PaddedRows {
  /** `[rows, 4]` */
  readonly boxes: ValueName;
  readonly rows: number;
}

/** Nodes of `selectProposals`. */
function proposalNodes(
  { g, model, size, limits }: Context,
  features: Readonly<Record<string, ValueName>>,
): Proposals {
  const { anchors, testProposals } = model.config.rpn;
  const { numBeforeNms, iouThreshold, maxPerImage, minSizePx, coder } = testProposals;
  const sizes = anchorLevelSizes({
    numImages: 1,
    numChannels: model.config.channels,
    levels: [4, 8, 16, 32].map((stride) => ({
      stride,
      width: Math.ceil(size.width / stride),
      height: Math.ceil(size.height / stride),
    })),
  });
  const all = pyramidAnchors(sizes, anchors);
  let first = 0;
  const levels = ANCHOR_LEVELS.map((_, i) => {
    const count = sizes[i].width * sizes[i].height * anchors.ratios.length;
    const own = g.floats(all.subarray(4 * first, 4 * (first + count)), [count, 4]);
    first += count;
    const kept = Math.min(numBeforeNms, count);
    const flat = g.op('Reshape', [features[`scores${i}`], g.integers([-1])]);
    const [scores, indices] = g.ops('TopK', [flat, g.integers([kept])], 2);
    const deltas = g.op('Reshape', [features[`deltas${i}`], g.integers([-1, 4])]);
    const boxes = decodeNodes(
      g,
      {
        references: g.op('Gather', [own, indices]),
        deltas: g.op('Gather', [deltas, indices]),
        limits,
      },
      coder,
    );
    return { scores, boxes, kept };
  });
  const joined = (pick: 'scores' | 'boxes'): ValueName =>
    g.op(
      'Concat',
      levels.map((level) => level[pick]),
      { axis: int(0) },
    );
  const groups = g.floats(levels.flatMap(({ kept }, i) => new Array<number>(kept).fill(i)));
  const boxes = joined('boxes');
  const isFiltered = minSizePx >= 0;
  const scores = isFiltered ? largeOnly(g, boxes, joined('scores'), minSizePx) : joined('scores');
  const indices = suppressNodes(
    g,
    { boxes, scores, groups },
    { iouThreshold, maxKept: maxPerImage, minScore: isFiltered ? 0 : undefined },
  );
  const rows = Math.min(
    maxPerImage,
    levels.reduce((sum, { kept }) => sum + kept, 0),
  );
  return {
    ...paddedRows(g, indices, rows),
    boxes: paddedGather(g, boxes, indices, { rows, rowSize: 4 }),
    rows,
  };
}

/** Sets the scores of small boxes below 0. */
function largeOnly(
  g: GraphComposer,
  boxes: ValueName,
  scores: ValueName,
  minSizePx: number,
): ValueName {
  const [x1, y1, x2, y2] = g.ops('Split', [boxes], 4, { axis: int(-1), num_outputs: int(4) });
  const isLarge = (low: ValueName, high: ValueName): ValueName =>
    g.op('Greater', [g.op('Sub', [high, low]), g.floats([minSizePx])]);
  const both = g.op('And', [isLarge(x1, x2), isLarge(y1, y2)]);
  return g.op('Where', [g.op('Reshape', [both, g.integers([-1])]), scores, g.floats([-1])]);
}

interface Candidates {
  /** `[rows, K, 4]` or `[rows, 1, 4]` */
  readonly boxes: ValueName;
  /** `[rows, K]` */
  readonly scores: ValueName;
}

/** The box heads, one after the other; see `RoiHeads`. */
function stageNodes(
  { g, model, store, limits }: Context,
  maps: readonly ValueName[],
  { boxes: proposals, rows }: Proposals,
): Candidates {
  const { numClasses: K, channels, boxRoiSize: P, stages } = model.config;
  let boxes = proposals;
  let decoded = boxes;
  const logits: ValueName[] = [];
  model.boxStages.forEach(({ inference }, i) => {
    const { classAgnostic, coder } = stages[i];
    const features = roiFeatures(g, maps, boxes, { rows, outputSize: P, channels });
    const graph = portableGraph(inference, store, {
      features: { shape: [rows, P, P, channels], type: 'float32' },
    });
    const out = g.inline(graph, `box_head_${i}`, { features });
    logits.push(out['logits']);
    const groups = classAgnostic ? 1 : K;
    const deltas = g.op('Reshape', [out['deltas'], g.integers([rows, groups, 4])]);
    if (i + 1 === stages.length) {
      const references = g.op('Unsqueeze', [boxes, g.integers([1])]); // [rows, 1, 4]
      decoded = decodeNodes(g, { references, deltas, limits }, coder);
      return;
    }
    const likeliest = g.op('ArgMax', [foreground(g, out['logits'], K)], { axis: int(1) }); // [rows, 1]
    const own = classAgnostic
      ? out['deltas']
      : g.op('GatherND', [deltas, likeliest], { batch_dims: int(1) });
    boxes = decodeNodes(g, { references: boxes, deltas: own, limits }, coder);
  });
  const mean =
    logits.length === 1 ? logits[0] : g.op('Div', [g.op('Sum', logits), g.floats([logits.length])]);
  return {
    boxes: decoded,
    scores: foreground(g, g.op('Softmax', [mean], { axis: int(1) }), K),
  };
}

/** Selects the columns of the classes, without background. */
function foreground(g: GraphComposer, values: ValueName, numClasses: number): ValueName {
  return g.op('Slice', [values, g.integers([0]), g.integers([numClasses]), g.integers([1])]);
}

interface FoundNodes extends PaddedRows {
  readonly boxes: ValueName;
  readonly scores: ValueName;
  /** int64 `[D]` */
  readonly classes: ValueName;
}

/** Nodes of `multiclassNms`. */
function detectionNodes(
  { g, model, thresholds }: Context,
  candidates: Candidates,
  { isReal, rows }: Proposals,
  iouThreshold: number,
): FoundNodes {
  const { numClasses: K } = model.config;
  const { scoreThreshold, maxPerImage: D } = thresholds;
  const real = g.op('Unsqueeze', [isReal, g.integers([1])]);
  const masked = g.op('Where', [real, candidates.scores, g.floats([0])]);
  const scores = g.op('Reshape', [masked, g.integers([rows * K])]);
  const expanded = g.op('Expand', [candidates.boxes, g.integers([rows, K, 4])]);
  const boxes = g.op('Reshape', [expanded, g.integers([rows * K, 4])]);
  const groups = g.floats(Array.from({ length: rows * K }, (_, i) => i % K));
  const indices = suppressNodes(
    g,
    { boxes, scores, groups },
    { iouThreshold, maxKept: D, minScore: scoreThreshold },
  );
  const classes = paddedGather(g, groups, indices, { rows: D });
  return {
    ...paddedRows(g, indices, D),
    boxes: paddedGather(g, boxes, indices, { rows: D, rowSize: 4 }),
    scores: paddedGather(g, scores, indices, { rows: D }),
    classes: g.op('Cast', [classes], { to: int(CAST_TO.int64) }),
  };
}

/** Mean of the mask heads' probabilities, `[D, S, S]`; undefined for a model without masks. */
function maskNodes(
  { g, model, store, thresholds: { maxPerImage: D } }: Context,
  maps: readonly ValueName[],
  { boxes, classes, isReal }: FoundNodes,
): ValueName | undefined {
  const { masks, channels, numClasses } = model.config;
  if (!masks) return undefined;
  const P = masks.roiSize;
  const features = roiFeatures(g, maps, boxes, { rows: D, outputSize: P, channels });
  const depth = g.integers([numClasses]);
  const oneHot = g.op('OneHot', [classes, depth, g.floats([0, 1])]);
  const parts = model.maskStages.map(({ inference }, i) => {
    const graph = portableGraph(inference, store, {
      features: { shape: [D, P, P, channels], type: 'float32' },
      oneHot: { shape: [D, numClasses], type: 'float32' },
    });
    return g.inline(graph, `mask_head_${i}`, { features, oneHot })['masks'];
  });
  const mean =
    parts.length === 1 ? parts[0] : g.op('Div', [g.op('Sum', parts), g.floats([parts.length])]);
  const rows = g.op('Unsqueeze', [isReal, g.integers([1, 2])]);
  return g.op('Where', [rows, mean, g.floats([0])]);
}
