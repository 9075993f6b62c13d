import { int, ints, type OnnxGraph, type OnnxType } from '../../engine/onnx/graph.js';
import type { LoadedOf } from '../model.js';
import { MIN_SIDE } from '../segment/windows.js';
import type { ExportFormat } from './format.js';
import { GraphComposer, type ValueName } from './graph-composer.js';
import type { NetworkParts } from './network-parts.js';
import {
  eachSide,
  imageShape,
  keepRatioNodes,
  normalizeNodes,
  padNodes,
  pictureInput,
  type Picture,
} from './picture-nodes.js';
import { inputsOf, placeNetwork } from './portable-graph.js';
import { resizeCvNodes, resizeScoresNodes, type SizeNodes } from './resize-cv-nodes.js';

/** Largest number of classes whose labels are bytes. */
const BYTE_CLASSES = 256;

/** Type of the labels of a segmenter. */
export const labelType = (numClasses: number): OnnxType & ('uint8' | 'int32') =>
  numClasses <= BYTE_CLASSES ? 'uint8' : 'int32';

/**
 * Builds a segmenter with its preprocessing, for whole images.
 *
 * Input `image` `[N, H, W, 3]`; output `labels` `[N, H, W]`, or `logits` `[N, H, W, K]` in the layout of the image. Raw
 * files have `logits` at a quarter of the size.
 */
export function segmenterGraph(
  { card, model }: LoadedOf<'segment'>,
  format: ExportFormat,
  parts: NetworkParts,
): OnnxGraph {
  const g = new GraphComposer();
  const picture = pictureInput(g, format);
  const network = parts.network('network', model.inference, inputsOf(card));
  const run = (image: ValueName, size: SizeNodes): ValueName => {
    const sizes = { batch: picture.batch, ...size };
    const placed = placeNetwork(g, network, { prefix: 'network', inputs: { image }, sizes });
    return g.op('Transpose', [placed['logits']], { perm: ints([0, 3, 1, 2]) });
  };
  const scores = format.raw ? run(picture.image, picture.size) : wholeScores(g, picture, card, run); // [N, K, H, W]
  const K = card.classNames.length;
  if (format.argmax) {
    const type = labelType(K);
    const best = g.op('ArgMax', [scores], { axis: int(1), keepdims: int(0) });
    const { batch = -1, height = -1, width = -1 } = format;
    const shape = format.raw
      ? { shape: [batch, -1, -1], axes: ['batch'] }
      : { shape: [batch, height, width], axes: ['batch', 'height', 'width'] };
    return g.finish('segmenter', [{ name: 'labels', type, ...shape, from: g.cast(best, type) }]);
  }
  const from =
    format.layout === 'nchw' ? scores : g.op('Transpose', [scores], { perm: ints([0, 2, 3, 1]) });
  const { shape, axes } = imageShape(
    format.raw ? { ...format, height: undefined, width: undefined } : format,
    K,
  );
  const names = format.raw ? ['batch'] : axes;
  return g.finish('segmenter', [{ name: 'logits', type: 'float32', shape, axes: names, from }]);
}

/** Scores at the size of the image, see `createSegmenterPredictor`. */
function wholeScores(
  g: GraphComposer,
  { image, size }: Picture,
  { limits, pixels }: LoadedOf<'segment'>['card'],
  run: (image: ValueName, size: SizeNodes) => ValueName,
): ValueName {
  const resized = keepRatioNodes(g, size, limits);
  const normalized = normalizeNodes(g, resizeCvNodes(g, image, size, resized), pixels);
  const padded = eachSide(resized, (side) => g.op('Max', [side, g.integers([MIN_SIDE])]));
  const input = padNodes(g, normalized, resized, padded);
  const logits = run(input.image, input.size); // [N, K, h / 4, w / 4]
  const atInput = resizeScoresNodes(g, logits, input.size);
  const cropped = g.op('Slice', [
    atInput,
    g.integers([0, 0]),
    g.concat([resized.height, resized.width]),
    g.integers([2, 3]),
  ]);
  return resizeScoresNodes(g, cropped, size);
}
