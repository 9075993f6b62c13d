import { baseAnchors } from '../../core/anchors.js';
import { ConfigError } from '../../core/errors.js';
import { int, ints, type OnnxGraph } from '../../engine/onnx/graph.js';
import { ANCHOR_LEVELS, ROI_LEVELS } from '../../models/detection/feature-programs.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import type { LoadedOf } from '../model.js';
import { decodeNodes, keptBoxes, roiFeatures, suppressNodes, type KeptRows } from './box-nodes.js';
import type { ExportFormat } from './format.js';
import { GraphComposer, type ValueName } from './graph-composer.js';
import type { NetworkParts } from './network-parts.js';
import {
  eachSide,
  keepRatioNodes,
  normalizeNodes,
  padNodes,
  pictureInput,
  type Picture,
} from './picture-nodes.js';
import { placeNetwork } from './portable-graph.js';
import { resizeCvNodes, type SizeNodes } from './resize-cv-nodes.js';

/** The network's input and what relates it to the image. */
interface DetectorInputNodes extends Picture {
  /** `[N or 1, 1, 4]`: width, height, width, height of the image without padding, in pixels of the input. */
  readonly limits: ValueName;
  /** `[1, 1, 4]`: pixels of the input per pixel of the image, by x, y, x, y; undefined for 1. */
  readonly scale: ValueName | undefined;
}

/** Values used by several parts of the graph. */
interface Context extends DetectorInputNodes {
  readonly g: GraphComposer;
  readonly loaded: LoadedOf<'detect'>;
  readonly parts: NetworkParts;
}

/**
 * Builds a whole detector as one graph of standard operators: preprocessing, backbone, pyramid, RPN, suppression,
 * RoIAlign, heads.
 *
 * Input `image` `[N, H, W, 3]`; raw files also take `image_size` `[N, 2]`, height and width of the images without their
 * padding. Outputs, where D is the largest number of detections of an image: `count` int64 `[N]`, the number of
 * detections; `boxes` `[N, D, 4]`, x1, y1, x2, y2 in pixels of the image; `scores` `[N, D]`, descending; `classes` int64
 * `[N, D]`; and `masks` `[N, D, S, S]`, probabilities inside the box. Rows from `count` on are zeros.
 *
 * @throws ConfigError for soft-NMS, for which ONNX has no operator, and for fixed sides of a raw file that are no multiples
 *   of 32
 */
export function detectorGraph(
  loaded: LoadedOf<'detect'>,
  format: ExportFormat,
  parts: NetworkParts,
): OnnxGraph {
  const { suppression, maxPerImage: D } = loaded.card.thresholds;
  if (suppression.kind !== 'hard')
    throw new ConfigError(
      'export: expected ordinary suppression, got soft-NMS, which ONNX cannot express; export with ordinary NMS (hardNms)',
      { flags: { '(hardNms)': '(--hard-nms)' } },
    );
  const { model } = loaded;
  const g = new GraphComposer();
  const input = format.raw ? rawInput(g, format) : imageInput(g, format, loaded.card);
  const context: Context = { ...input, g, loaded, parts };
  const features = placeNetwork(g, parts.network('features', model.features, 'padded images'), {
    prefix: 'features',
    inputs: { image: input.image },
    sizes: { batch: input.batch, ...input.size },
  });
  const maps = ROI_LEVELS.map((level) =>
    g.op('Transpose', [features[level]], { perm: ints([0, 3, 1, 2]) }),
  );
  const proposals = proposalNodes(context, features);
  const candidates = stageNodes(context, maps, proposals);
  const found = detectionNodes(context, candidates, proposals, suppression.iouThreshold);
  const masks = maskNodes(context, maps, found);
  const side = 2 * (model.config.masks?.roiSize ?? 0);
  const rows = (...shape: readonly number[]): { shape: number[]; axes: string[] } => ({
    shape: [format.batch ?? -1, ...shape],
    axes: ['batch'],
  });
  return g.finish('detector', [
    { name: 'count', ...rows(), type: 'int64', from: found.count },
    { name: 'boxes', ...rows(D, 4), type: 'float32', from: found.boxes },
    { name: 'scores', ...rows(D), type: 'float32', from: found.scores },
    { name: 'classes', ...rows(D), type: 'int64', from: found.classes },
    ...(masks
      ? [{ name: 'masks', ...rows(D, side, side), type: 'float32' as const, from: masks }]
      : []),
  ]);
}

/** Input that is resized, normalized and padded already, with the sizes of the images in it. */
function rawInput(g: GraphComposer, format: ExportFormat): DetectorInputNodes {
  for (const [name, side] of Object.entries({ height: format.height, width: format.width }))
    if (side !== undefined && side % SIZE_DIVISOR_PX !== 0)
      throw new ConfigError(
        `${name}: expected a multiple of ${SIZE_DIVISOR_PX} for a raw detector, got ${side}`,
        { flags: { [name]: `--${name}` } },
      );
  const picture = pictureInput(g, format);
  const sizes = g.input({
    name: 'image_size',
    shape: [format.batch ?? -1, 2],
    axes: ['batch'],
    type: 'float32',
  });
  const limits = g.op('Gather', [sizes, g.integers([1, 0, 1, 0])], { axis: int(1) });
  return {
    ...picture,
    limits: g.op('Unsqueeze', [limits, g.integers([1])]),
    scale: undefined,
  };
}

/** Input that is resized, normalized and padded in the graph, see `detectorInput`. */
function imageInput(
  g: GraphComposer,
  format: ExportFormat,
  { limits, pixels }: LoadedOf<'detect'>['card'],
): DetectorInputNodes {
  const { image, batch, size } = pictureInput(g, format);
  const resized = keepRatioNodes(g, size, limits);
  const normalized = normalizeNodes(g, resizeCvNodes(g, image, size, resized), pixels);
  const padded = eachSide(resized, (side) => {
    const up = g.op('Add', [side, g.integers([SIZE_DIVISOR_PX - 1])]);
    const divisor = g.integers([SIZE_DIVISOR_PX]);
    return g.op('Mul', [g.op('Div', [up, divisor]), divisor]);
  });
  const corner = ({ width, height }: SizeNodes): ValueName =>
    g.cast(g.concat([width, height, width, height]), 'float64'); // [4]
  const row = (value: ValueName): ValueName =>
    g.op('Reshape', [g.cast(value, 'float32'), g.integers([1, 1, 4])]);
  return {
    ...padNodes(g, normalized, resized, padded),
    batch,
    limits: row(corner(resized)),
    scale: row(g.op('Div', [corner(resized), corner(size)])),
  };
}

/** Nodes of the anchors of a level, see `pyramidAnchors`. @returns `[cells · A, 4]` */
function anchorNodes({ g, loaded, size }: Context, level: number): ValueName {
  const { anchors } = loaded.model.config.rpn;
  const stride = anchors.strides[level];
  const count = (side: ValueName): ValueName =>
    g.op('Div', [g.op('Add', [side, g.integers([stride - 1])]), g.integers([stride])]);
  const positions = (side: ValueName, axis: number): ValueName => {
    const at = g.op('Mul', [g.range(count(side)), g.integers([stride])]);
    const others = [0, 1, 2].filter((each) => each !== axis);
    return g.op('Unsqueeze', [g.cast(at, 'float32'), g.integers(others)]);
  };
  const zeros = g.op('Mul', [
    g.op('Add', [positions(size.height, 0), positions(size.width, 1)]),
    g.floats([0]),
  ]); // [h, w, 1]
  const xs = g.op('Add', [zeros, positions(size.width, 1)]);
  const ys = g.op('Add', [zeros, positions(size.height, 0)]);
  const cells = g.op('Unsqueeze', [g.concat([xs, ys, xs, ys], 2), g.integers([2])]); // [h, w, 1, 4]
  const base = g.floats(baseAnchors(stride, anchors), [anchors.ratios.length, 4]);
  return g.op('Reshape', [g.op('Add', [cells, base]), g.integers([-1, 4])]);
}

interface Proposals extends KeptRows {
  /** `[N, rows, 4]` */
  readonly boxes: ValueName;
  readonly rows: number;
}

/** Nodes of `selectProposals`. */
function proposalNodes(context: Context, features: Readonly<Record<string, ValueName>>): Proposals {
  const { g, loaded, limits } = context;
  const { numBeforeNms, iouThreshold, maxPerImage, minSizePx, coder } =
    loaded.model.config.rpn.testProposals;
  const levels = ANCHOR_LEVELS.map((_, i) => {
    const all = features[`scores${i}`]; // [N, n]
    const kept = g.op('Min', [g.integers([numBeforeNms]), ...g.sizes(all, [1])]);
    const [scores, indices] = g.ops('TopK', [all, kept], 2, { axis: int(1) });
    const rows = g.op('Unsqueeze', [indices, g.integers([2])]);
    const boxes = decodeNodes(
      g,
      {
        references: g.op('Gather', [anchorNodes(context, i), indices]), // [N, kept, 4]
        deltas: g.op('GatherND', [features[`deltas${i}`], rows], { batch_dims: int(1) }),
        limits,
      },
      coder,
    );
    return { scores, boxes, group: g.op('Expand', [g.floats([i]), kept]) };
  });
  const boxes = g.concat(
    levels.map((level) => level.boxes),
    1,
  );
  const joined = g.concat(
    levels.map(({ scores }) => scores),
    1,
  );
  const groups = g.concat(levels.map(({ group }) => group));
  const isFiltered = minSizePx >= 0;
  const scores = isFiltered ? largeOnly(g, boxes, joined, minSizePx) : joined;
  const kept = suppressNodes(
    g,
    { boxes, scores, groups },
    { iouThreshold, rows: maxPerImage, minScore: isFiltered ? 0 : undefined },
  );
  return { ...kept, boxes: keptBoxes(g, boxes, kept), rows: maxPerImage };
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
  const both = g.op('And', [isLarge(x1, x2), isLarge(y1, y2)]); // [N, M, 1]
  return g.op('Where', [g.op('Squeeze', [both, g.integers([2])]), scores, g.floats([-1])]);
}

/** Brings `[N, rows, …]` to one list of RoIs. */
function roisOf(
  g: GraphComposer,
  boxes: ValueName,
  batch: ValueName,
  rows: number,
): { readonly boxes: ValueName; readonly images: ValueName; readonly count: ValueName } {
  const zeros = g.integers(new Array<number>(rows).fill(0), [1, rows]);
  const numbers = g.op('Unsqueeze', [g.range(batch), g.integers([1])]);
  return {
    boxes: g.op('Reshape', [boxes, g.integers([-1, 4])]),
    images: g.op('Reshape', [g.op('Add', [numbers, zeros]), g.integers([-1])]),
    count: g.op('Mul', [batch, g.integers([rows])]),
  };
}

interface Candidates {
  /** `[N, rows, K, 4]` or `[N, rows, 1, 4]`, in pixels of the input. */
  readonly boxes: ValueName;
  /** `[N, rows, K]` */
  readonly scores: ValueName;
}

/** The box heads, one after the other; see `RoiHeads`. */
function stageNodes(
  { g, loaded, parts, limits, batch }: Context,
  maps: readonly ValueName[],
  { boxes: proposals, rows }: Proposals,
): Candidates {
  const { model } = loaded;
  const { numClasses: K, channels, boxRoiSize: P, stages } = model.config;
  let boxes = proposals; // [N, rows, 4]
  let decoded = boxes;
  const logits: ValueName[] = [];
  model.boxStages.forEach(({ inference }, i) => {
    const { classAgnostic, coder } = stages[i];
    const rois = roisOf(g, boxes, batch, rows);
    const features = roiFeatures(g, maps, rois, { outputSize: P, channels });
    const part = `box_head_${i}`;
    const shape = [P, P, channels];
    const out = placeNetwork(g, parts.network(part, inference, { features: shape }), {
      prefix: part,
      inputs: { features },
      sizes: { batch: rois.count, height: g.integers([1]), width: g.integers([1]) },
    });
    logits.push(out['logits']);
    const groups = classAgnostic ? 1 : K;
    const deltas = g.op('Reshape', [out['deltas'], g.integers([-1, rows, groups, 4])]);
    if (i + 1 === stages.length) {
      const references = g.op('Unsqueeze', [boxes, g.integers([2])]); // [N, rows, 1, 4]
      const own = g.op('Unsqueeze', [limits, g.integers([1])]);
      decoded = decodeNodes(g, { references, deltas, limits: own }, coder);
      return;
    }
    const perClass = g.op('Reshape', [out['deltas'], g.integers([-1, groups, 4])]);
    const likeliest = g.op('ArgMax', [foreground(g, out['logits'], K)], { axis: int(1) }); // [N·rows, 1]
    const chosen = classAgnostic
      ? out['deltas']
      : g.op('GatherND', [perClass, likeliest], { batch_dims: int(1) });
    const own = g.op('Reshape', [chosen, g.integers([-1, rows, 4])]);
    boxes = decodeNodes(g, { references: boxes, deltas: own, limits }, coder);
  });
  const scores = foreground(g, g.op('Softmax', [meanNodes(g, logits)], { axis: int(1) }), K);
  return { boxes: decoded, scores: g.op('Reshape', [scores, g.integers([-1, rows, K])]) };
}

/** Mean of the results of several stages. */
const meanNodes = (g: GraphComposer, values: readonly ValueName[]): ValueName =>
  values.length === 1 ? values[0] : g.op('Div', [g.op('Sum', values), g.floats([values.length])]);

/** Selects the columns of the classes, without background. */
function foreground(g: GraphComposer, values: ValueName, numClasses: number): ValueName {
  return g.op('Slice', [values, g.integers([0]), g.integers([numClasses]), g.integers([1])]);
}

interface FoundNodes extends KeptRows {
  /** `[N, D, 4]`, in pixels of the image. */
  readonly boxes: ValueName;
  /** int64 `[N, D]` */
  readonly classes: ValueName;
}

/** Nodes of `multiclassNms`. */
function detectionNodes(
  { g, loaded, scale }: Context,
  candidates: Candidates,
  { isReal, rows }: Proposals,
  iouThreshold: number,
): FoundNodes {
  const { numClasses: K } = loaded.model.config;
  const { scoreThreshold, maxPerImage: D } = loaded.card.thresholds;
  const real = g.op('Unsqueeze', [isReal, g.integers([2])]);
  const masked = g.op('Where', [real, candidates.scores, g.floats([0])]);
  const scores = g.op('Reshape', [masked, g.integers([-1, rows * K])]);
  const inputs = candidates.boxes; // [N, rows, 1 or K, 4]
  const images =
    scale === undefined
      ? inputs
      : g.op('Div', [inputs, g.op('Unsqueeze', [scale, g.integers([1])])]);
  const expanded = g.op('Expand', [images, g.integers([1, 1, K, 1])]);
  const boxes = g.op('Reshape', [expanded, g.integers([-1, rows * K, 4])]);
  const groups = g.floats(Array.from({ length: rows * K }, (_, i) => i % K));
  const kept = suppressNodes(
    g,
    { boxes, scores, groups },
    { iouThreshold, rows: D, minScore: scoreThreshold },
  );
  const numbers = g.op('Squeeze', [kept.indices, g.integers([2])]);
  const classes = g.op('Mod', [numbers, g.integers([K])]);
  return {
    ...kept,
    boxes: keptBoxes(g, boxes, kept),
    classes: g.op('Where', [kept.isReal, classes, g.integers([0])]),
  };
}

/** Mean of the mask heads' probabilities, `[N, D, S, S]`; undefined for a model without masks. */
function maskNodes(
  { g, loaded, parts, batch, scale }: Context,
  maps: readonly ValueName[],
  { boxes, classes, isReal }: FoundNodes,
): ValueName | undefined {
  const { model, card } = loaded;
  const { masks, channels, numClasses: K } = model.config;
  const { maxPerImage: D } = card.thresholds;
  if (!masks) return undefined;
  const P = masks.roiSize;
  const scaled = scale === undefined ? boxes : g.op('Mul', [boxes, scale]);
  const rois = roisOf(g, scaled, batch, D);
  const features = roiFeatures(g, maps, rois, { outputSize: P, channels });
  const flat = g.op('Reshape', [classes, g.integers([-1])]);
  const oneHot = g.op('OneHot', [flat, g.integers([K]), g.floats([0, 1])]);
  const probabilities = model.maskStages.map(({ inference }, i) => {
    const part = `mask_head_${i}`;
    const shapes = { features: [P, P, channels], oneHot: [K] };
    return placeNetwork(g, parts.network(part, inference, shapes), {
      prefix: part,
      inputs: { features, oneHot },
      sizes: { batch: rois.count, height: g.integers([1]), width: g.integers([1]) },
    })['masks'];
  });
  const mean = meanNodes(g, probabilities);
  const shaped = g.op('Reshape', [mean, g.integers([-1, D, 2 * P, 2 * P])]);
  return g.op('Where', [g.op('Unsqueeze', [isReal, g.integers([2, 3])]), shaped, g.floats([0])]);
}
