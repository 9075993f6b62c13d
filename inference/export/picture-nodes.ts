import { ints, type OnnxValue } from '../../engine/onnx/graph.js';
import type { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import { normalizationTable, type PixelStats } from '../../datasets/transforms/normalize.js';
import type { ExportFormat } from './format.js';
import type { GraphComposer, ValueName } from './graph-composer.js';
import type { SizeNodes } from './resize-cv-nodes.js';

/** Images of a graph and their sizes. */
export interface Picture {
  /** `[N, H, W, 3]`: int32, 0 … 255; for raw files float32, normalized. */
  readonly image: ValueName;
  /** int64 `[1]` */
  readonly batch: ValueName;
  readonly size: SizeNodes;
}

/** Sizes by layout of `[N, H, W, channels]`, with the names of those that may be any. */
export function imageShape(
  { layout, batch = -1, height = -1, width = -1 }: ExportFormat,
  channels: number,
): Pick<OnnxValue, 'shape' | 'axes'> {
  return layout === 'nhwc'
    ? { shape: [batch, height, width, channels], axes: ['batch', 'height', 'width'] }
    : { shape: [batch, channels, height, width], axes: ['batch', undefined, 'height', 'width'] };
}

/** Declares the input `image`, and brings it to `[N, H, W, 3]`. */
export function pictureInput(g: GraphComposer, format: ExportFormat): Picture {
  const isFloat = format.raw || format.input === 'float';
  const type = isFloat ? 'float32' : 'uint8';
  const given = g.input({ name: 'image', type, ...imageShape(format, 3) });
  const last =
    format.layout === 'nhwc' ? given : g.op('Transpose', [given], { perm: ints([0, 2, 3, 1]) });
  const [batch, height, width] = g.sizes(last, [0, 1, 2]);
  const image = format.raw ? last : g.cast(isFloat ? bytesOf(g, last) : last, 'int32');
  return { image, batch, size: { height, width } };
}

/** Nodes that bring values of 0 … 1 to whole ones of 0 … 255. */
function bytesOf(g: GraphComposer, image: ValueName): ValueName {
  const scaled = g.op('Round', [g.op('Mul', [image, g.floats([255])])]);
  return g.op('Clip', [scaled, g.floats([0], []), g.floats([255], [])]);
}

/** Nodes of `keepRatioSize`; sides are at least one pixel. */
export function keepRatioNodes(
  g: GraphComposer,
  { height, width }: SizeNodes,
  { long, short }: ScaleLimits,
): SizeNodes {
  const sides = [height, width].map((side) => g.cast(side, 'float64'));
  const quotient = (limit: number, op: 'Max' | 'Min'): ValueName =>
    g.op('Div', [g.doubles([limit]), g.op(op, sides)]);
  const factor = g.op('Min', [quotient(long, 'Max'), quotient(short, 'Min')]);
  const [resizedHeight, resizedWidth] = sides.map((side) => {
    const rounded = g.op('Add', [g.op('Mul', [side, factor]), g.doubles([0.5])]);
    return g.op('Max', [g.cast(rounded, 'int64'), g.integers([1])]);
  });
  return { height: resizedHeight, width: resizedWidth };
}

/** Nodes of `normalizeInto`. @param image int32 `[N, H, W, 3]` @returns float32 */
export function normalizeNodes(g: GraphComposer, image: ValueName, pixels: PixelStats): ValueName {
  const table = normalizationTable(pixels);
  const scaled = g.op('Mul', [g.cast(image, 'float32'), g.floats(table.subarray(0, 3))]);
  return g.op('Add', [scaled, g.floats(table.subarray(3))]);
}

/**
 * Nodes that pad normalized images with zeros at the bottom and right. The reshape and the sizes, which are read off the
 * result, tell runtimes which sizes are known.
 *
 * @param to int64 `[1]` each, at least the size
 */
export function padNodes(
  g: GraphComposer,
  image: ValueName,
  size: SizeNodes,
  to: SizeNodes,
): Pick<Picture, 'image' | 'size'> {
  const missing = (side: keyof SizeNodes): ValueName => g.op('Sub', [to[side], size[side]]);
  const pads = g.concat([
    g.integers([0, 0, 0, 0, 0]),
    missing('height'),
    missing('width'),
    g.integers([0]),
  ]);
  const padded = g.op('Pad', [image, pads, g.floats([0], [])]);
  const known = g.op('Reshape', [padded, g.integers([0, 0, 0, 3])]);
  const [height, width] = g.sizes(known, [1, 2]);
  return { image: known, size: { height, width } };
}

/** Nodes that apply a function to both sides. */
export const eachSide = (
  { height, width }: SizeNodes,
  f: (side: ValueName) => ValueName,
): SizeNodes => ({ height: f(height), width: f(width) });
